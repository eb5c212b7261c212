"""`pfmm profile`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from pfmm.app import profiles
from pfmm.app.profiles import ProfileEdited
from pfmm.cli.output import Globals, answer, say
from pfmm.cli.prompt import agreed, asking
from pfmm.cli.render import profile as render
from pfmm.cli.typer_seam import globals_of
from pfmm.errors import UsageError

app = typer.Typer(help="The config store: profiles and their settings (see `pfmm help config`).")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Profile.")]
Key = Annotated[str, typer.Argument(metavar="SETTING", help="Setting, as in grid.levels.")]


def _market(text: str) -> str:
    """Any name that some venue could list: none is asked. An empty one comes of a script's unset variable."""
    if not text or " " in text or not (text.isascii() and text.isprintable()):
        raise typer.BadParameter(f"must name a market, not {text!r}")
    return text


ForMarket = Annotated[
    str | None, typer.Option("--market", parser=_market, metavar="MARKET", help="Only for this market.")
]


@app.command("list")
def list_(context: typer.Context) -> None:
    """List the profiles; the active one is marked."""
    options = globals_of(context)
    answer(options, lambda: profiles.list_profiles(options.profile), render.render_list)


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Profile; default: the active one.")] = None,
    market: ForMarket = None,
) -> None:
    """Show every setting of a profile as a command would see it, and where each value comes from."""
    options = globals_of(context)
    answer(options, lambda: profiles.show_profile(name or options.profile, market), render.render_shown)


@app.command()
def create(
    context: typer.Context,
    name: Name,
    venue: Annotated[str | None, typer.Option("--venue", metavar="VENUE", help="Venue it trades on.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="NAME", help="Account there.")] = None,
    base: Annotated[str | None, typer.Option("--from", metavar="NAME", help="Copy this profile's settings.")] = None,
) -> None:
    """Create a profile. It is used only where it is named, or after `pfmm profile use`."""
    _edit(context, lambda _: profiles.create_profile(name, venue=venue, account=account, base=base))


@app.command()
def use(context: typer.Context, name: Name) -> None:
    """Make a profile the active one: commands without --profile use it."""
    _edit(context, lambda _: profiles.use_profile(name))


@app.command("set")
def set_(
    context: typer.Context,
    key: Key,
    words: Annotated[list[str] | None, typer.Argument(metavar="VALUE", help="New value.", show_default=False)] = None,
    market: ForMarket = None,
) -> None:
    """Set a setting of the active profile (or of --profile NAME): `grid.levels 20` or `grid.levels=20`."""
    name, value = _assignment(key, words or [])
    _edit(context, lambda options: profiles.set_setting(options.profile, name, value, market))


def _assignment(key: str, words: Sequence[str]) -> tuple[str, str]:
    """The setting and its value, however they were written: `a.b 1`, `a.b=1`, `a.b = 1`."""
    name, equals, first = key.partition("=")
    parts = [*([first] if first else []), *words]
    if not equals and parts and parts[0].startswith("="):
        parts[0] = parts[0].removeprefix("=")
        parts = parts if parts[0] else parts[1:]
    if not parts:
        raise UsageError(f"{name} is to be set to what?", hint=f"`pfmm profile set {name} VALUE`")
    return name, " ".join(parts)


@app.command()
def unset(context: typer.Context, key: Key, market: ForMarket = None) -> None:
    """Remove a setting of the active profile (or of --profile NAME), back to its default."""
    _edit(context, lambda options: profiles.unset_setting(options.profile, key, market))


@app.command()
def path(context: typer.Context) -> None:
    """Show where the config file, the state and the logs are."""
    answer(globals_of(context), profiles.paths, render.render_paths)


@app.command()
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a profile; neither the active nor the built-in one."""
    _edit(context, lambda _: agreed(profiles.delete_profile(name, confirm=asking(yes=yes))))


def _edit(context: typer.Context, change: Callable[[Globals], ProfileEdited]) -> None:
    options = globals_of(context)
    done = answer(options, lambda: change(options), render.render_edited)
    if not options.json:
        say(options, done.done)

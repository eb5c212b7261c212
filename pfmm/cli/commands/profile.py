"""`pfmm profile`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pfmm.app import profiles
from pfmm.app.profiles import ProfileEdited
from pfmm.cli.output import Globals, answer, say
from pfmm.cli.prompt import agreed, ask, asked, asked_secret, on_terminal
from pfmm.cli.render import profile as render
from pfmm.cli.typer_seam import globals_of
from pfmm.errors import UsageError

if TYPE_CHECKING:
    from pfmm.app.profile_setup import SetupRequest

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
    account: Annotated[
        str | None, typer.Option("--account", metavar="NAME", help="Account there: on hyperliquid its address.")
    ] = None,
    base: Annotated[str | None, typer.Option("--from", metavar="NAME", help="Copy this profile's settings.")] = None,
    network: Annotated[
        str | None, typer.Option("--network", metavar="NETWORK", help="mainnet or testnet, where the venue has two.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help="File that holds the key, mode 0600.")
    ] = None,
    key_env: Annotated[
        str | None, typer.Option("--key-env", metavar="NAME", help="Environment variable that holds the key.")
    ] = None,
    base_url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Another address of the venue.")] = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Look at the account with the key first.")] = True,
) -> None:
    """Create a profile. It is used only where it is named, or after `pfmm profile use`.

    On a venue with accounts it asks on a terminal for what the options do not say, and looks at the account first.
    """
    if venue is None or venue not in profiles.set_up_venues() or base is not None:
        if (network, key_file, key_env, base_url) != (None, None, None, None):
            raise UsageError("--network, --key-file, --key-env and --url are for a venue with accounts of its own")
        _edit(context, lambda _: profiles.create_profile(name, venue=venue, account=account, base=base))
        return
    from pfmm.app.profile_setup import SetupRequest, network_for, set_up

    options = globals_of(context)
    request = SetupRequest(name, venue, network, account, base_url, key_file, key_env, check=check)
    if on_terminal() and not options.json:
        request = _asked(request, network_for(venue, network))
    answer(options, lambda: set_up(request, tell=lambda text: say(options, text)), render.render_set_up)


def _asked(request: SetupRequest, network: str) -> SetupRequest:
    """Ask for what is missing, and return the request with what somebody typed; an empty line leaves the key out."""
    if request.network is None:
        request = request._replace(network=asked("network: testnet or mainnet", network))
    if request.account is None:
        request = request._replace(account=asked("address of the account (0x…)"))
    if request.key_file is None and request.key_env is None:
        key = asked_secret("key that may act for it (kept in a file of mode 0600; empty: none)")
        request = request._replace(key=key or None)
    return request


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
    """Split a setting from its value, however they were written: `a.b 1`, `a.b=1`, `a.b = 1`."""
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
    _edit(context, lambda _: agreed(profiles.delete_profile(name, confirm=partial(ask, yes=yes))))


def _edit(context: typer.Context, change: Callable[[Globals], ProfileEdited]) -> None:
    options = globals_of(context)
    done = answer(options, lambda: change(options), render.render_edited)
    if not options.json:
        say(options, done.done)

"""`pfmm profile`: lists, shows and edits the profiles of the config file. Opens no venue and reads no key."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

from pfmm.cli.options import globals_of
from pfmm.cli.output import Globals, Result, emit, plain, say, table
from pfmm.cli.prompt import confirm
from pfmm.config import file as configfile
from pfmm.config.file import BUILT_IN, Document
from pfmm.config.paths import Paths
from pfmm.config.resolve import Settings, checked_name, load_settings, unknown_profile
from pfmm.config.secrets import secret_state
from pfmm.config.settings import differs_by_market, plain_market
from pfmm.config.tables import every, setting_of
from pfmm.errors import ConfigError, UsageError
from pfmm.model.setting import NAME_PATTERN, Setting, from_text

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
    document = configfile.read(Paths.from_env(os.environ).config_file)
    active = load_settings(os.environ, profile=options.profile).profile
    rows = [
        {"name": name, "venue": stored.get("venue", "paper"), "account": stored.get("account", "default")}
        | {"active": name == active, "built_in": name == BUILT_IN}
        for name, stored in ({BUILT_IN: {}} | document["profiles"]).items()
    ]

    def text() -> str:
        cells = [("*" if row["active"] else " ", row["name"], row["venue"], row["account"]) for row in rows]
        return table((" ", "profile", "venue", "account"), cells)

    emit(options, Result({"profiles": rows}, text))


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Profile; default: the active one.")] = None,
    market: ForMarket = None,
) -> None:
    """Show every setting of a profile as a command would see it, and where each value comes from."""
    options = globals_of(context)
    settings = load_settings(os.environ, profile=name or options.profile)
    shown = [key for key, setting in every().items() if not setting.secret]
    values = {key: settings.value(key, market) for key in shown}
    sources = {key: settings.source(key, market) for key in shown}
    secret = secret_state(settings.secret, settings.venue, os.environ)
    data = {
        "name": settings.profile, "path": str(settings.paths.config_file), "venue": settings.venue,
        "account": settings.account, "settings": values, "sources": sources, "secret": secret,
    }  # fmt: skip

    def text() -> str:
        rows = [(key, _display(value), sources[key]) for key, value in values.items()]
        return f"profile {settings.profile}   key {_key_words(settings, secret)}\n\n" + table(
            ("setting", "value", "from"), rows
        )

    emit(options, Result(data, text))


@app.command()
def create(
    context: typer.Context,
    name: Name,
    venue: Annotated[str | None, typer.Option("--venue", metavar="VENUE", help="Venue it trades on.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="NAME", help="Account there.")] = None,
    base: Annotated[str | None, typer.Option("--from", metavar="NAME", help="Copy this profile's settings.")] = None,
) -> None:
    """Create a profile. It is used only where it is named, or after `pfmm profile use`."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"NAME must be letters, digits, dot, dash or underscore, not {name!r}")
    given = {"venue": venue, "account": account}
    values = {key: _parsed(setting_of(key), text) for key, text in given.items() if text is not None}

    def change(document: Document) -> None:
        if name == BUILT_IN or name in document["profiles"]:
            raise ConfigError(f"profile {name!r} exists already", hint=f"`pfmm profile set --profile {name} …`")
        copied = _stored(document, base) if base else {}
        document["profiles"][name] = {**copied, **values}

    _edit(globals_of(context), name, f"created profile {name}", change)


@app.command()
def use(context: typer.Context, name: Name) -> None:
    """Make a profile the active one: commands without --profile use it."""

    def change(document: Document) -> None:
        _stored(document, name)
        document["active"] = name

    _edit(globals_of(context), name, f"profile {name} is now active", change)


@app.command("set")
def set_(
    context: typer.Context,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="New value.")],
    market: ForMarket = None,
) -> None:
    """Set a setting of the active profile (or of --profile NAME)."""
    options = globals_of(context)
    setting = setting_of(checked_name(key))
    parsed = _parsed(setting, value)
    name = _target(options)

    def change(document: Document) -> None:
        _stored(document, name)  # it may have been deleted meanwhile, and must not come back as one of paper
        holder = _holder(_own(document, name), key, market)
        if setting.secret:
            holder.clear()  # one way to give the key replaces another
        holder[key.rpartition(".")[2]] = parsed

    what = key if setting.secret else f"{key} = {_display(parsed)}"
    _edit(options, name, f"{name}: {what}" + (f" for {market}" if market else ""), change)


@app.command()
def unset(context: typer.Context, key: Key, market: ForMarket = None) -> None:
    """Remove a setting of the active profile (or of --profile NAME), back to its default."""
    options = globals_of(context)
    checked_name(key)
    name = _target(options)

    def change(document: Document) -> None:
        _stored(document, name)
        _holder(_own(document, name), key, market).pop(key.rpartition(".")[2], None)

    _edit(options, name, f"{name}: {key} is back to its default", change)


@app.command()
def path(context: typer.Context) -> None:
    """Show where the config file, the state and the logs are."""
    paths = Paths.from_env(os.environ)
    data = {"config": str(paths.config_file), "state": str(paths.state_dir), "log": str(paths.log_dir)}
    emit(globals_of(context), Result(data, lambda: table(("what", "path"), list(data.items()))))


@app.command()
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a profile; neither the active nor the built-in one."""
    _stored(configfile.read(Paths.from_env(os.environ).config_file), name)

    if name == BUILT_IN:
        raise UsageError("the built-in profile `paper` cannot be deleted")

    def change(document: Document) -> None:
        _stored(document, name)
        if name == document.get("active", BUILT_IN):
            raise UsageError(f"profile {name!r} is the active one", hint="`pfmm profile use paper` first")
        del document["profiles"][name]

    confirm(f"Delete profile {name}?", yes=yes)
    _edit(globals_of(context), name, f"deleted profile {name}", change)


def _edit(options: Globals, name: str, done: str, change: Callable[[Document], None]) -> None:
    file = Paths.from_env(os.environ).config_file
    dropped = configfile.edit(file, change)
    warnings = (f"comments in {file} did not survive: pfmm writes the file whole",) if dropped else ()
    emit(options, Result({"profile": name, "path": str(file), "done": done}, str, warnings))
    if not options.json:
        say(options, done)


def _target(options: Globals) -> str:
    """The profile that set and unset change; a file whose content is unusable is refused here."""
    return load_settings(os.environ, profile=options.profile).profile


def _stored(document: Document, name: str) -> dict[str, Any]:
    if name != BUILT_IN and name not in document["profiles"]:
        raise unknown_profile(name, document)
    return dict(document["profiles"].get(name, {}))


def _own(document: Document, name: str) -> dict[str, Any]:
    profile: dict[str, Any] = document["profiles"].setdefault(name, {})
    return profile


def _holder(profile: dict[str, Any], key: str, market: str | None) -> dict[str, Any]:
    section = key.rpartition(".")[0]
    if market is not None:
        if not differs_by_market(key):
            raise UsageError(f"{key} cannot differ by market")
        markets = profile.setdefault("markets", {})
        known = [name for name in markets if plain_market(name) == plain_market(market)]
        profile = markets.setdefault(known[0] if known else market.upper(), {})
    return profile if not section else profile.setdefault(section, {})


def _parsed(setting: Setting, text: str) -> Any:
    try:
        return from_text(setting, text)
    except ValueError as error:
        raise ConfigError(str(error), hint="`pfmm help config` lists every setting") from error


def _display(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else _number(value)


def _number(value: Any) -> str:
    return str(value) if isinstance(value, int) else plain(value)


def _key_words(settings: Settings, state: str) -> str:
    if settings.venue == "paper" and state == "unset":
        return "not needed on paper"
    return state

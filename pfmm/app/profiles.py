"""List, show and edit the profiles of the config file. Opens no venue and reads no key. Layer: app."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pfmm.app.contract import Question
from pfmm.config import file as configfile
from pfmm.config.file import BUILT_IN, Document
from pfmm.config.paths import Paths
from pfmm.config.resolve import checked_name, load_settings, unknown_profile
from pfmm.config.secrets import secret_state
from pfmm.config.settings import differs_by_market
from pfmm.config.tables import every, setting_of
from pfmm.errors import ConfigError, UsageError
from pfmm.model.setting import NAME_PATTERN, Setting, from_text
from pfmm.model.spelling import base_of
from pfmm.venue.registry import PAPER, VENUES

if TYPE_CHECKING:
    from pfmm.app.contract import Confirm


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One profile of the list."""

    name: str
    venue: str
    account: str
    active: bool
    built_in: bool


@dataclass(frozen=True, slots=True)
class ProfileList:
    """Every profile, the built-in one first."""

    profiles: tuple[ProfileRow, ...]


@dataclass(frozen=True, slots=True)
class ProfileShown:
    """Every setting of a profile as a command would see it, and where each value comes from; never the key."""

    name: str
    path: str
    venue: str
    account: str
    settings: Mapping[str, Any]
    sources: Mapping[str, str]
    secret: str


@dataclass(frozen=True, slots=True)
class ProfileEdited:
    """What was done to a profile of which file."""

    profile: str
    path: str
    done: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfilePaths:
    """Where configuration, state and logs are."""

    config: str
    state: str
    log: str


def list_profiles(profile: str | None) -> ProfileList:
    """List the profiles; `profile` is the one that a flag names, or None."""
    document = configfile.read(Paths.from_env(os.environ).config_file)
    active = load_settings(os.environ, profile=profile).profile
    return ProfileList(
        tuple(
            ProfileRow(
                name, stored.get("venue", "paper"), stored.get("account", "default"), name == active, name == BUILT_IN
            )
            for name, stored in ({BUILT_IN: {}} | document["profiles"]).items()
        )
    )


def show_profile(profile: str | None, market: str | None) -> ProfileShown:
    """Show a profile (None: the active one), for one market where it is named."""
    settings = load_settings(os.environ, profile=profile)
    shown = [key for key, setting in every().items() if not setting.secret]
    return ProfileShown(
        name=settings.profile,
        path=str(settings.paths.config_file),
        venue=settings.venue,
        account=settings.account,
        settings={key: settings.value(key, market) for key in shown},
        sources={key: settings.source(key, market) for key in shown},
        secret=secret_state(settings.secret, settings.venue, os.environ),
    )


def create_profile(
    name: str,
    *,
    venue: str | None,
    account: str | None,
    base: str | None,
    more: Mapping[str, str] | None = None,
) -> ProfileEdited:
    """Create a profile, with the settings of `base` where it is named, and `more` by name. Raises UsageError for a name
    that is none."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"NAME must be letters, digits, dot, dash or underscore, not {name!r}")
    given = {"venue": venue, "account": account}
    values = {key: _parsed(setting_of(key), text) for key, text in given.items() if text is not None}

    def change(document: Document) -> None:
        if name == BUILT_IN or name in document["profiles"]:
            raise ConfigError(f"profile {name!r} exists already", hint=f"`pfmm profile set --profile {name} …`")
        copied = _stored(document, base) if base else {}
        document["profiles"][name] = {**copied, **values}
        for key, text in (more or {}).items():
            _holder(_own(document, name), key, None)[key.rpartition(".")[2]] = _parsed(setting_of(key), text)

    money = ""
    if values.get("venue", PAPER) == PAPER and base is None:
        real = "|".join(name for name, line in VENUES.items() if name != PAPER)
        money = (
            f": a PAPER profile, which trades with paper money on the embedded exchange; `--venue {real}` is for real"
        )
    return _edit(name, f"created profile {name}{money}", change)


def set_up_venues() -> tuple[str, ...]:
    """Return the venues whose accounts are looked at before a profile of them is made."""
    return tuple(name for name, line in VENUES.items() if line.account == "address")


def use_profile(name: str) -> ProfileEdited:
    """Make a profile the active one."""

    def change(document: Document) -> None:
        _stored(document, name)
        document["active"] = name

    return _edit(name, f"profile {name} is now active", change)


def set_setting(profile: str | None, key: str, value: str, market: str | None) -> ProfileEdited:
    """Set a setting of the active profile (or of the one that a flag names), for one market where it is named."""
    setting = setting_of(checked_name(key))
    parsed = _parsed(setting, value)
    name = _target(profile)

    def change(document: Document) -> None:
        _stored(document, name)  # it may have been deleted meanwhile, and must not come back as one of paper
        holder = _holder(_own(document, name), key, market)
        if setting.secret:
            holder.clear()  # one way to give the key replaces another
        holder[key.rpartition(".")[2]] = parsed

    what = key if setting.secret else f"{key} = {displayed(parsed)}"
    return _edit(name, f"{name}: {what}" + (f" for {market}" if market else ""), change)


def unset_setting(profile: str | None, key: str, market: str | None) -> ProfileEdited:
    """Remove a setting of the active profile (or of the one that a flag names), back to its default."""
    checked_name(key)
    name = _target(profile)

    def change(document: Document) -> None:
        _stored(document, name)
        _holder(_own(document, name), key, market).pop(key.rpartition(".")[2], None)

    return _edit(name, f"{name}: {key} is back to its default", change)


def paths() -> ProfilePaths:
    """Tell where the config file, the state and the logs are."""
    found = Paths.from_env(os.environ)
    return ProfilePaths(str(found.config_file), str(found.state_dir), str(found.log_dir))


def delete_profile(name: str, *, confirm: Confirm) -> ProfileEdited | None:
    """Delete a profile; neither the active nor the built-in one. None where that was declined."""
    stored = _stored(configfile.read(Paths.from_env(os.environ).config_file), name)

    if name == BUILT_IN:
        raise UsageError(
            "the built-in profile `paper` cannot be deleted",
            hint="`pfmm profile list` shows the others; `pfmm paper reset` begins its market and accounts anew",
        )

    def change(document: Document) -> None:
        _stored(document, name)
        if name == document.get("active", BUILT_IN):
            raise UsageError(f"profile {name!r} is the active one", hint="`pfmm profile use paper` first")
        del document["profiles"][name]

    venue, account = str(stored.get("venue", "paper")), str(stored.get("account", "default"))
    if not confirm(Question(venue, account, f"Delete profile {name}?")):
        return None
    return _edit(name, f"deleted profile {name}", change)


def displayed(value: Any) -> str:
    """Write a setting's value for people: 0.5, true, 20, unset."""
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if isinstance(value, (str, int)) else format(value, "f")


def _edit(name: str, done: str, change: Callable[[Document], None]) -> ProfileEdited:
    file = Paths.from_env(os.environ).config_file
    dropped = configfile.edit(file, change)
    warnings = (f"comments in {file} did not survive: pfmm writes the file whole",) if dropped else ()
    return ProfileEdited(name, str(file), done, warnings)


def _target(profile: str | None) -> str:
    """Return the profile that set and unset change; a file whose content is unusable is refused here."""
    return load_settings(os.environ, profile=profile).profile


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
        known = [name for name in markets if base_of(name) == base_of(market)]
        profile = markets.setdefault(known[0] if known else market.upper(), {})
    return profile if not section else profile.setdefault(section, {})


def _parsed(setting: Setting, text: str) -> Any:
    try:
        return from_text(setting, text)
    except ValueError as error:
        raise ConfigError(str(error), hint="`pfmm help config` lists every setting") from error

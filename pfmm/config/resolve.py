"""Read the settings of a command from the config file, the environment and its flags. Layer: config.

Everything that was given is checked here. Opens no venue and reads no key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pfmm.config import file as configfile
from pfmm.config import tables
from pfmm.config.file import BUILT_IN
from pfmm.config.paths import Paths
from pfmm.config.renamed import RENAMED, scaled, setting_behind
from pfmm.config.settings import is_key
from pfmm.config.values import Settings
from pfmm.errors import ConfigError, UsageError
from pfmm.model.numbers import parse_decimal
from pfmm.model.setting import Setting, from_text, from_value, nearest
from pfmm.venue.registry import PAPER

_OTHER_VARIABLES: Final = ("PFMM_HOME", "PFMM_PROFILE", "PFMM_API_KEY")
# the sections that an emergency has a use for; a misspelt PFMM_VENUE must be caught there as anywhere
_URGENT_SECTIONS: Final = ("secret", "flatten")


def load_settings(
    env: Mapping[str, str], *, profile: str | None = None, overrides: Mapping[str, object] | None = None
) -> Settings:
    """Load the settings of a command. `overrides` are its flags by setting name; None means the flag was not given.

    Raises ConfigError for a file, profile or variable that is unusable or where the profile that was named and
    PFMM_VENUE contradict each other about real money, and UsageError for a bad flag.
    """
    paths = Paths.from_env(env)
    document = configfile.read(paths.config_file)
    named = profile or env.get("PFMM_PROFILE")
    name = named or document.get("active", BUILT_IN)
    stored = document["profiles"].get(name)
    if stored is None:
        if name != BUILT_IN:
            raise unknown_profile(name, document)
        stored = {}
    environment = _environment(env)
    if named:
        _refuse_contradiction(name, stored.get("venue", PAPER), environment)
    return Settings(profile=name, paths=paths, flags=_flags(overrides or {}), environment=environment, stored=stored)


def emergency_settings(
    env: Mapping[str, str], *, profile: str | None = None, overrides: Mapping[str, object] | None = None
) -> Settings:
    """Load settings as `load_settings` does, for a command that must work with an unreadable config file.

    Then the venue must be named by PFMM_VENUE (or the profile be the built-in `paper`): nothing falls back to paper
    silently. Raises ConfigError otherwise. Variables of strategies are not even read: PFMM_GRID_LEVELS=ten must not
    stand in the way of an emergency.
    """
    idle = tuple(f"PFMM_{section.upper()}_" for section in tables.sections() if section not in _URGENT_SECTIONS)
    env = {name: text for name, text in env.items() if not name.startswith(idle)}
    try:
        return load_settings(env, profile=profile, overrides=overrides)
    except ConfigError as error:
        environment = _environment(env)
        name = profile or env.get("PFMM_PROFILE") or ""
        if name != BUILT_IN and "venue" not in environment:
            raise ConfigError(
                f"{error.message}; without it the venue is not known",
                hint="name it in the environment: PFMM_VENUE=purpleflea PFMM_API_KEY=… (and PFMM_ACCOUNT), "
                "or --profile paper for the paper exchange",
            ) from error
        if name:  # what a profile is that cannot be read, only its name can tell
            _refuse_contradiction(name, PAPER if name == BUILT_IN else None, environment)
        paths = Paths.from_env(env)
        flags = _flags(overrides or {})
        return Settings(profile=name or "environment", paths=paths, flags=flags, environment=environment, stored={})


def _refuse_contradiction(name: str, venue: str | None, environment: Mapping[str, Any]) -> None:
    """Raise ConfigError where PFMM_VENUE puts a named live profile on paper, or `paper` on a live venue.

    An answer such as "flat" would be about the wrong money. `venue` is the profile's own, None where it is not known.
    """
    other = environment.get("venue")
    to_paper = other == PAPER and venue != PAPER
    to_live = name == BUILT_IN and other not in (None, PAPER)
    if to_paper or to_live:
        own = f"trades on {venue}" if venue is not None else "may trade for real"
        raise ConfigError(
            f"profile {name} {own}, and PFMM_VENUE says {other}", hint="unset PFMM_VENUE, or name no profile"
        )


def unknown_profile(name: str, document: configfile.Document) -> ConfigError:
    """Build the error for a profile that does not exist, with the nearest name."""
    known = (BUILT_IN, *document["profiles"])
    guess = nearest(name, known)
    hint = f"did you mean {guess}?" if guess else f"`pfmm profile create {name} --venue VENUE` makes it"
    return ConfigError(f"there is no profile {name!r}", hint=hint)


def checked_name(name: str) -> str:
    """Return `name` if a setting is called so.

    Raises ConfigError with the near miss, or with the way to give a key.
    """
    if tables.find(name) is not None:
        return name
    if is_key(name):
        raise ConfigError(
            f"{name}: keys are never stored in the config file",
            hint="say where the key is: PFMM_API_KEY in the environment, or `pfmm profile set secret.env NAME`, "
            "`secret.file PATH` (mode 0600), `secret.command 'CMD …'`, `secret.keyring SERVICE`",
        )
    if name in RENAMED:
        new, factor = RENAMED[name]
        raise ConfigError(f"there is no setting {name!r}", hint=f"it is now {new}: {factor} times the number")
    raise ConfigError(f"there is no setting {name!r}", hint=_meant_setting(name))


def _meant_setting(name: str) -> str:
    """Name the settings that a wrong name may mean: those of that last part (`levels`), else the nearest."""
    plain = name.strip().lower().replace("-", "_").rpartition(".")[2]
    every = tuple(tables.every())
    last = {one: one.rpartition(".")[2] for one in every}
    same = [one for one, part in last.items() if plain and (part == plain or part.startswith(f"{plain}_"))]
    if not same:
        guess = nearest(name, every) or nearest(plain, tuple(last.values()), cutoff=0.75)
        same = [one for one, part in last.items() if guess in (one, part)]
    return f"did you mean {' or '.join(same[:4])}?" if same else "`pfmm help config` lists every setting"


def _flags(overrides: Mapping[str, object]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, raw in overrides.items():
        if raw is None:
            continue
        setting = tables.setting_of(name)
        try:
            values[name] = from_text(setting, raw) if isinstance(raw, str) else from_value(setting, raw)
        except ValueError as error:
            raise UsageError(str(error)) from error
    return values


def _environment(env: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in env.items():
        if not variable.startswith("PFMM_") or variable in _OTHER_VARIABLES or not text:
            continue
        setting = tables.of_variable(variable)
        if setting is not None:
            values[setting.name] = _from_variable(variable, setting, text)
        elif (older := setting_behind(variable)) is not None:
            name, factor = older
            setting = tables.setting_of(name)
            if not env.get(setting.variable):
                values[name] = _from_older_variable(variable, setting, text, factor)
        else:
            known = tuple(one.variable for one in tables.every().values())
            _refuse_near_miss(variable, (*known, *_OTHER_VARIABLES))
    return values


def _from_variable(variable: str, setting: Setting, text: str) -> Any:
    try:
        return from_text(setting, text)
    except ValueError as error:
        raise ConfigError(f"{variable}: {error}", hint=f"correct or unset {variable}") from error


def _from_older_variable(variable: str, setting: Setting, text: str, factor: int) -> Any:
    """Read the value of a variable that an older release knew by another name, in the unit of today."""
    try:
        return from_value(setting, scaled(parse_decimal(text), factor))
    except ValueError as error:
        raise ConfigError(f"{variable}: {error}", hint=f"it is now {setting.variable}") from error


def _refuse_near_miss(variable: str, known: tuple[str, ...]) -> None:
    """Refuse a variable in one of our sections, or a slip of the pen from one of ours: none is ignored silently."""
    guess = nearest(variable, known, cutoff=0.85)
    ours = variable.startswith(tuple(f"PFMM_{section.upper()}_" for section in tables.sections()))
    if guess or ours:
        hint = f"did you mean {guess}?" if guess else "`pfmm help config` lists every setting"
        if is_key(variable.lower().replace("pfmm_secret_", "secret.")):  # not PFMM_SECRET_KEYRING, which would be shown
            hint = "a key goes into PFMM_API_KEY"
        raise ConfigError(f"there is no setting behind the variable {variable}", hint=hint)

"""Which value each setting has, and why: flag over environment over profile over default.

Within a profile a market's own section wins over the strategy's. Knows the config file and the environment it is
given; opens no venue and reads no key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from pfmm.config import file as configfile
from pfmm.config import tables
from pfmm.config.file import BUILT_IN
from pfmm.config.paths import Paths
from pfmm.config.renamed import RENAMED, scaled, setting_behind
from pfmm.config.settings import (
    CommandSettings,
    FlattenSettings,
    FundingSettings,
    PaperSettings,
    RunSettings,
    SecretSource,
    VolatilitySettings,
    is_key,
    plain_market,
)
from pfmm.errors import ConfigError, UsageError
from pfmm.model.numbers import parse_decimal
from pfmm.model.setting import Setting, Values, from_text, from_value, nearest
from pfmm.venue.registry import PAPER, VENUES

_OTHER_VARIABLES: Final = ("PFMM_HOME", "PFMM_PROFILE", "PFMM_API_KEY")
# what belongs to one venue must not follow the profile to another that a flag or the environment names
_BOUND_TO_VENUE: Final = frozenset(
    {"account", "base_url", "secret.env", "secret.file", "secret.command", "secret.keyring"}
)


# the sections that an emergency has a use for; a misspelt PFMM_VENUE must be caught there as anywhere
_URGENT_SECTIONS: Final = ("secret", "flatten")


class MarketSettings:
    """The strategy settings that hold for one market, as typed sections; each is checked when it was read."""

    def __init__(self, settings: Settings, market: str | None) -> None:
        self.market = market
        self._key = None if market is None else plain_market(market)
        self._settings = settings

    def _section(self, name: str) -> dict[str, Any]:
        found = tables.OWN_TABLES[name]
        return {key.split(".")[1]: self._settings.resolved(one, self._key)[0] for key, one in found.items()}

    def value(self, name: str) -> Any:
        """The checked value of one setting."""
        return self._settings.value(name, self.market)

    def values(self, sections: Sequence[str]) -> Values:
        """The values of every setting of these sections, and which of them a flag gave."""
        found = {
            name: self._settings.resolved(setting, self._key)
            for section in sections
            for name, setting in tables.table(section).items()
        }
        told = [name for name, (_, source) in found.items() if source == "flag"]
        return Values({name: value for name, (value, _) in found.items()}, told)

    @cached_property
    def run(self) -> RunSettings:
        return RunSettings(self._section("run"))

    @cached_property
    def funding(self) -> FundingSettings:
        return FundingSettings(self._section("funding"))

    @cached_property
    def volatility(self) -> VolatilitySettings:
        return VolatilitySettings(self._section("volatility"))

    @cached_property
    def command(self) -> CommandSettings:
        return CommandSettings(self._section("command"))

    @cached_property
    def paper(self) -> PaperSettings:
        return PaperSettings(self._section("paper"))

    @cached_property
    def flatten(self) -> FlattenSettings:
        return FlattenSettings(self._section("flatten"))


class Settings:
    """The settings of one command. `value` and `source` answer for any name; the typed sections come by market."""

    def __init__(
        self,
        *,
        profile: str,
        paths: Paths,
        flags: Mapping[str, Any],
        environment: Mapping[str, Any],
        stored: Mapping[str, Any],
    ) -> None:
        self.profile = profile
        self.paths = paths
        self._flags = flags
        self._environment = environment
        self._stored = stored
        self._markets = {plain_market(market): sections for market, sections in stored.get("markets", {}).items()}

    def value(self, name: str, market: str | None = None) -> Any:
        """The checked value of the setting `name`, for one market where it is given."""
        return self.resolved(tables.setting_of(name), None if market is None else plain_market(market))[0]

    def source(self, name: str, market: str | None = None) -> str:
        """Where the value comes from: flag, environment, market, profile or default."""
        return self.resolved(tables.setting_of(name), None if market is None else plain_market(market))[1]

    def resolved(self, setting: Setting, market: str | None) -> tuple[Any, str]:
        """The value of a setting, and where it comes from; `market` in the one spelling of its own section."""
        name = setting.name
        if name in self._flags:
            return self._flags[name], "flag"
        if name in self._environment:
            return self._environment[name], "environment"
        section, _, key = name.rpartition(".")
        if market is not None:
            found = self._markets.get(market, {}).get(section, {})
            if key in found:
                return from_value(setting, found[key]), "market"
        holder = self._stored.get(section, {}) if section else self._stored
        follows = name not in _BOUND_TO_VENUE or self.venue == self._stored.get("venue", PAPER)
        if key in holder and follows:
            return from_value(setting, holder[key]), "profile"
        return setting.default, "default"

    def _top(self, name: str) -> Any:
        return self.resolved(tables.OWN_TABLES[""][name], None)[0]

    @cached_property
    def venue(self) -> str:
        """The venue's name, as `pfmm.venue.registry` lists it."""
        return str(self._top("venue"))

    @cached_property
    def account(self) -> str:
        """The account on the venue."""
        return str(self._top("account"))

    @cached_property
    def base_url(self) -> str:
        """The venue's address without a trailing slash; empty for the paper exchange in this process."""
        return str(self._top("base_url")) or VENUES[self.venue].url

    @property
    def secret(self) -> SecretSource:
        """Where the key is to be found; `pfmm.config.secrets` reads it."""
        return SecretSource({key: self.value(f"secret.{key}") for key in ("env", "file", "command", "keyring")})

    @cached_property
    def general(self) -> MarketSettings:
        """The strategy settings without any market's own section."""
        return MarketSettings(self, None)

    def for_market(self, market: str) -> MarketSettings:
        """The strategy settings that hold for `market`, in any spelling of it: BTC-PERP, btc-perp, btc."""
        return MarketSettings(self, market)


def load_settings(
    env: Mapping[str, str], *, profile: str | None = None, overrides: Mapping[str, object] | None = None
) -> Settings:
    """The settings of a command. `overrides` are its flags by setting name; None means the flag was not given.

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
    """Like `load_settings`, for a command that must work with an unreadable config file.

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
    """A live profile that was named must not end on paper because of a variable, nor `paper` on a live venue: an
    answer such as "flat" would be about the wrong money. `venue` is the profile's own, None where it is not known."""
    other = environment.get("venue")
    to_paper = other == PAPER and venue != PAPER
    to_live = name == BUILT_IN and other not in (None, PAPER)
    if to_paper or to_live:
        own = f"trades on {venue}" if venue is not None else "may trade for real"
        raise ConfigError(
            f"profile {name} {own}, and PFMM_VENUE says {other}", hint="unset PFMM_VENUE, or name no profile"
        )


def unknown_profile(name: str, document: configfile.Document) -> ConfigError:
    """The error for a profile that does not exist, with the nearest name."""
    known = (BUILT_IN, *document["profiles"])
    guess = nearest(name, known)
    hint = f"did you mean {guess}?" if guess else f"`pfmm profile create {name} --venue VENUE` makes it"
    return ConfigError(f"there is no profile {name!r}", hint=hint)


def checked_name(name: str) -> str:
    """`name` if a setting is called so. Raises ConfigError with the near miss, or with the way to give a key."""
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
    guess = nearest(name, tuple(tables.every()))
    hint = f"did you mean {guess}?" if guess else "`pfmm help config` lists every setting"
    raise ConfigError(f"there is no setting {name!r}", hint=hint)


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
        if not variable.startswith("PFMM_") or not text:
            continue
        setting = tables.of_variable(variable)
        if setting is not None:
            values[setting.name] = _from_variable(variable, setting, text)
        elif (older := setting_behind(variable)) is not None:
            name, factor = older
            setting = tables.setting_of(name)
            if not env.get(setting.variable):
                values[name] = _from_older_variable(variable, setting, text, factor)
        elif variable not in _OTHER_VARIABLES:
            known = tuple(one.variable for one in tables.every().values())
            _refuse_near_miss(variable, (*known, *_OTHER_VARIABLES))
    return values


def _from_variable(variable: str, setting: Setting, text: str) -> Any:
    try:
        return from_text(setting, text)
    except ValueError as error:
        raise ConfigError(f"{variable}: {error}", hint=f"correct or unset {variable}") from error


def _from_older_variable(variable: str, setting: Setting, text: str, factor: int) -> Any:
    """The value of a variable that an older release knew by another name, in the unit of today."""
    try:
        return from_value(setting, scaled(parse_decimal(text), factor))
    except ValueError as error:
        raise ConfigError(f"{variable}: {error}", hint=f"it is now {setting.variable}") from error


def _refuse_near_miss(variable: str, known: tuple[str, ...]) -> None:
    """A variable in one of our sections, or a slip of the pen from one of ours, must not be ignored silently."""
    guess = nearest(variable, known, cutoff=0.85)
    ours = variable.startswith(tuple(f"PFMM_{section.upper()}_" for section in tables.sections()))
    if guess or ours:
        hint = f"did you mean {guess}?" if guess else "`pfmm help config` lists every setting"
        if is_key(variable.lower().replace("pfmm_secret_", "secret.")):  # not PFMM_SECRET_KEYRING, which would be shown
            hint = "a key goes into PFMM_API_KEY"
        raise ConfigError(f"there is no setting behind the variable {variable}", hint=hint)

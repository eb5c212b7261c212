"""The settings of one command, resolved: which value each has and where it comes from. Layer: config.

Flag over environment over profile over default; within a profile a market's own section wins over the strategy's.
Everything is checked before it comes here (`resolve` does that), so that reading a value never fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pfmm.config import tables
from pfmm.config.paths import Paths
from pfmm.model.setting import Setting, Values, from_value
from pfmm.model.spelling import base_of
from pfmm.venue.registry import PAPER, place_of

if TYPE_CHECKING:
    from pfmm.strategy.base import Kind

# what belongs to one venue must not follow the profile to another that a flag or the environment names
_BOUND_TO_VENUE: Final = frozenset(
    {"account", "network", "market_lists", "base_url", "secret.env", "secret.file", "secret.command", "secret.keyring"}
)


class Section:
    """A frozen group of settings, declared by annotations alone.

    Frozen by hand: a frozen dataclass with slots costs about a millisecond each to define, and every command
    defines all of these.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        for name in type(self).__annotations__:
            object.__setattr__(self, name, values[name])

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot set {name} to {value!r}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({inside})"


class SecretSource(Section):
    """Where the key comes from; at most one is set. Never the key itself."""

    env: str | None
    file: str | None
    command: tuple[str, ...] | None
    keyring: str | None


class RunSettings(Section):
    """How a loop runs and when it stops; USD, seconds."""

    interval_s: float
    on_exit: str
    on_restart: str
    position: str
    sessions: str
    holidays: str
    max_inventory_usd: Decimal
    max_loss_usd: Decimal | None
    max_total_usd: Decimal | None
    max_margin_pct: Decimal | None
    max_drawdown_pct: Decimal | None
    max_daily_loss_usd: Decimal | None
    dead_man_s: int
    watchdog: str
    stale_after_s: float
    exit_timeout_s: float


class FundingSettings(Section):
    """The funding rule: bps per 8 h, tilt as a fraction of the inventory limit."""

    min_bps: float
    tilt_max: float


class VolatilitySettings(Section):
    """Samples of the quotes' estimator; and what a grid's own range follows from where no trades tell the volatility,
    in percent a year. Quotes have quote.sigma_annual_pct for that."""

    window: int
    default_annual_pct: float


class CommandSettings(Section):
    """A command that does its work and ends: seconds in all for what it asks of the venue."""

    timeout_s: float


class FlattenSettings(Section):
    """The emergency path: bps past the best price, seconds in all."""

    max_slippage_bps: Decimal
    timeout_s: float


class PaperSettings(Section):
    """The embedded exchange."""

    seed: int | None


class MarketSettings:
    """The settings that hold for one market, or without any market's own section (`market` None).

    They come as typed sections.
    """

    def __init__(self, settings: Settings, market: str | None) -> None:
        self.market = market
        self._settings = settings
        self.run = RunSettings(self._own("run"))
        self.funding = FundingSettings(self._own("funding"))
        self.volatility = VolatilitySettings(self._own("volatility"))
        self.command = CommandSettings(self._own("command"))
        self.paper = PaperSettings(self._own("paper"))
        self.flatten = FlattenSettings(self._own("flatten"))

    def value(self, name: str) -> Any:
        """Return the checked value of one setting."""
        return self._settings.value(name, self.market)

    def _own(self, section: str) -> dict[str, Any]:
        found = tables.OWN_TABLES[section].items()
        return {name.split(".")[1]: self._settings.resolved(one, self.market)[0] for name, one in found}


class StrategySettings(MarketSettings):
    """The settings that hold for a strategy on one market: beside the process's own the `values` of its tables."""

    def __init__(self, settings: Settings, market: str, kind: Kind) -> None:
        super().__init__(settings, market)
        table = (*kind.settings, *tables.of_sections(kind.sections))
        found = {one.name: settings.resolved(one, market) for one in table}
        told = [name for name, (_, source) in found.items() if source == "flag"]
        self.values = Values({name: value for name, (value, _) in found.items()}, told, table)


class Settings:
    """The settings of one command.

    `venue` is a name of `pfmm.venue.registry`, `account` the account there, `base_url` the venue's address without a
    trailing slash (empty for the paper exchange in this process), `network` mainnet, testnet or local (an exchange on
    this machine), `place` these with the venue's name there, `market_lists` the further lists of markets that the
    account uses, `stream` whether a loop follows the venue's socket (auto, on, off), `general` what holds without any
    market's own section. `value` and `source` answer for any name.
    """

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
        self._markets = {base_of(market): sections for market, sections in stored.get("markets", {}).items()}
        top = tables.OWN_TABLES[""]
        self.venue = str(self.resolved(top["venue"], None)[0])
        self.account = str(self.resolved(top["account"], None)[0])
        network = str(self.resolved(top["network"], None)[0])
        self.place = place_of(self.venue, network, str(self.resolved(top["base_url"], None)[0]))
        self.base_url, self.network = self.place.address, self.place.network
        lists = (name.strip() for name in str(self.resolved(top["market_lists"], None)[0]).split(","))
        self.market_lists = tuple(dict.fromkeys(name for name in lists if name))
        self.stream = str(self.resolved(top["stream"], None)[0])
        self.general = MarketSettings(self, None)

    def value(self, name: str, market: str | None = None) -> Any:
        """Return the checked value of the setting `name`, for one market where it is given."""
        return self.resolved(tables.setting_of(name), market)[0]

    def source(self, name: str, market: str | None = None) -> str:
        """Say where the value comes from: flag, environment, market, profile or default."""
        return self.resolved(tables.setting_of(name), market)[1]

    def resolved(self, setting: Setting, market: str | None) -> tuple[Any, str]:
        """Return the value of a setting, and where it comes from; `market` in any spelling."""
        name = setting.name
        if name in self._flags:
            return self._flags[name], "flag"
        if name in self._environment:
            return self._environment[name], "environment"
        section, _, key = name.rpartition(".")
        if market is not None and self._markets:
            found = self._markets.get(base_of(market), {}).get(section, {})
            if key in found:
                return from_value(setting, found[key]), "market"
        holder = self._stored.get(section, {}) if section else self._stored
        follows = name not in _BOUND_TO_VENUE or self.venue == self._stored.get("venue", PAPER)
        if key in holder and follows:
            return from_value(setting, holder[key]), "profile"
        return setting.default, "default"

    @property
    def secret(self) -> SecretSource:
        """Where the key is to be found; `pfmm.config.secrets` reads it."""
        return SecretSource({key: self.value(f"secret.{key}") for key in ("env", "file", "command", "keyring")})

    def for_market(self, market: str) -> MarketSettings:
        """Return the settings that hold for `market`, in any spelling of it: BTC-PERP, btc-perp, btc."""
        return MarketSettings(self, market)

    def for_run(self, kind: Kind, market: str) -> StrategySettings:
        """Return the settings that hold for a strategy on `market`, with the values of its tables."""
        return StrategySettings(self, market, kind)

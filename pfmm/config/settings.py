"""The process's own settings: the table of them, the typed sections built from it. Layer: config.

Pure: a strategy's own table stands beside the strategy, and `tables` composes both.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from pfmm.model.setting import MOST_USD, Setting, above_zero, between, choice
from pfmm.model.spelling import base_of
from pfmm.venue.registry import PAPER, VENUES


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
    max_inventory_usd: Decimal
    max_loss_usd: Decimal | None
    dead_man_s: int
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


OWN: Final[tuple[Setting, ...]] = (
    choice("venue", PAPER, tuple(VENUES), "where orders go"),
    Setting("account", "account", "default", "account on the venue"),
    Setting("base_url", "url", "", "address of the venue; empty = its own (paper: in this process)"),
    Setting("secret.env", "variable", None, "name of the environment variable that holds the key"),
    Setting("secret.file", "path", None, "file that holds the key, mode 0600"),
    Setting("secret.command", "words", None, "command that prints the key"),
    Setting("secret.keyring", "text", None, "service name in the OS keyring (extra: keyring)"),
    above_zero("run.interval_s", "number", 3.0, "86400", "s", "time between cycles", "--interval"),
    choice("run.on_exit", "cancel", ("cancel", "keep", "flatten"), "orders when a loop ends", "--on-exit"),
    choice(
        "run.on_restart", "adopt", ("adopt", "cancel", "abort"), "orders that an earlier run left", "--on-restart"
    ),
    above_zero(
        "run.max_inventory_usd", "decimal", Decimal(500), MOST_USD, "USD", "limit of the net position",
        "--max-inventory",
    ),
    above_zero(
        "run.max_loss_usd", "decimal", None, MOST_USD, "USD", "loss of a run that stops it", "--max-loss"
    ),
    between("run.dead_man_s", "integer", 60, ("0", "86400"), "s", "venue's dead-man switch (0 = off)"),
    above_zero("run.stale_after_s", "number", 15.0, "3600", "s", "age of market data that is too old to act on"),
    between("run.exit_timeout_s", "number", 30.0, ("1", "3600"), "s", "time to cancel and prove when a run ends"),
    between(
        "funding.min_bps", "number", 3.0, ("0", "10000"), "bps", "8 h rate below which funding is neutral",
        "--min-bps",
    ),
    between("funding.tilt_max", "number", 0.25, ("0", "1"), "of the limit", "most inventory that funding may ask for"),
    between("volatility.window", "integer", 20, ("3", "100000"), "", "samples of the estimator"),
    above_zero(
        "volatility.default_annual_pct", "number", 50.0, "100000", "% a year", "volatility for a grid if none is seen"
    ),
    between("command.timeout_s", "number", 30.0, ("1", "3600"), "s", "time for all that one command asks"),
    above_zero(
        "flatten.max_slippage_bps", "decimal", Decimal(50), "5000", "bps", "furthest from the best price",
        "--max-slippage-bps",
    ),
    above_zero("flatten.timeout_s", "number", 30.0, "3600", "s", "time to prove flatness", "--timeout"),
    between("paper.seed", "integer", None, ("0", "1000000000000"), "", "seed of a new paper market (none: by chance)"),
)  # fmt: skip
_NOT_OF_MARKETS: Final = frozenset({"secret", "command", "flatten", "paper"})
# one process may run many markets, and has one of each of these
_OF_THE_PROCESS: Final = frozenset(
    {"run.interval_s", "run.on_exit", "run.on_restart", "run.dead_man_s", "run.exit_timeout_s"}
)
SECRET_WORDS: Final = frozenset({"value", "key", "api_key", "secret", "token", "password"})


def differs_by_market(name: str) -> bool:
    """True where a market's own section may hold the setting."""
    section, dot, _ = name.partition(".")
    return bool(dot) and section not in _NOT_OF_MARKETS and name not in _OF_THE_PROCESS


def is_key(name: str) -> bool:
    """True where `name` can only be meant to hold a key itself, which no setting does."""
    return name.rpartition(".")[2].lower() in SECRET_WORDS


def plain_market(market: str) -> str:
    """One spelling for a market's own section: btc, BTCUSDT and BTC-PERP are all BTC."""
    return base_of(market)

"""The table of the process's own settings. Layer: config.

Pure. A strategy's own table stands beside the strategy, and `tables` composes both.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from pfmm.model.setting import MOST_USD, Setting, above_zero, between, choice
from pfmm.venue.registry import MAINNET, PAPER, TESTNET, VENUES

OWN: Final[tuple[Setting, ...]] = (
    choice("venue", PAPER, tuple(VENUES), "where orders go", "--venue"),
    Setting("account", "account", "default", "account on the venue"),
    choice("network", MAINNET, (MAINNET, TESTNET), "which of the venue's networks, where it has two", "--network"),
    Setting("market_lists", "text", "", "further lists of markets of the venue to use, with commas between"),
    choice(
        "stream", "auto", ("auto", "on", "off"),
        "a loop follows the venue's socket and asks only after changes (auto: with the extra ws)",
    ),
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
    choice(
        "run.position", "ask", ("ask", "base", "adopt"),
        "a position that no run ever held: base keeps it apart, adopt makes it the new run's, ask lets no live start "
        "begin beside it", "--position",
    ),
    Setting(
        "run.sessions", "text", "",
        "hours of a market that closes, such as 'mon-fri 09:30-16:00 America/New_York', or 24x7", flags=("--sessions",),
    ),
    Setting("run.holidays", "text", "", "dates on which it stays closed, with commas between"),
    above_zero(
        "run.max_inventory_usd", "decimal", Decimal(500), MOST_USD, "USD", "limit of the net position",
        "--max-inventory",
    ),
    above_zero(
        "run.max_loss_usd", "decimal", None, MOST_USD, "USD", "loss of a run that stops it", "--max-loss"
    ),
    above_zero(
        "run.max_total_usd", "decimal", None, MOST_USD, "USD", "limit of all markets of the account together"
    ),
    above_zero(
        "run.max_margin_pct", "decimal", None, "1000", "%", "margin in use, of equity, above which nothing adds risk"
    ),
    above_zero(
        "run.max_drawdown_pct", "decimal", None, "100", "%", "fall of the account from its peak that halts it"
    ),
    above_zero(
        "run.max_daily_loss_usd", "decimal", None, MOST_USD, "USD", "loss of the account in a UTC day that halts it"
    ),
    between("run.dead_man_s", "integer", 60, ("0", "86400"), "s", "venue's dead-man switch (0 = off)"),
    choice(
        "run.watchdog", "auto", ("auto", "on", "off"),
        "a second process that cancels a dead or hanging loop's orders (auto: live, where no dead-man is granted)",
    ),
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
    {
        "run.interval_s",
        "run.on_exit",
        "run.on_restart",
        "run.position",
        "run.watchdog",
        "run.dead_man_s",
        "run.exit_timeout_s",
        "run.max_total_usd",
        "run.max_margin_pct",
        "run.max_drawdown_pct",
        "run.max_daily_loss_usd",
    }
)
SECRET_WORDS: Final = frozenset({"value", "key", "api_key", "secret", "token", "password"})


def differs_by_market(name: str) -> bool:
    """Tell whether a market's own section may hold the setting."""
    section, dot, _ = name.partition(".")
    return bool(dot) and section not in _NOT_OF_MARKETS and name not in _OF_THE_PROCESS


def is_key(name: str) -> bool:
    """Tell whether `name` can only be meant to hold a key itself, which no setting does."""
    return name.rpartition(".")[2].lower() in SECRET_WORDS

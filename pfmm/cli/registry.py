"""The commands of pfmm in the order of the root help. Data only: imports no command and no library.

To plug a command in: write `pfmm/cli/NAME.py` with `app: typer.Typer` (a group, or a single command when it holds
one), and add its line here. The module is imported only when its command is invoked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple


class Entry(NamedTuple):
    """One top-level command: its name, which is also its module's, and the line the root help shows."""

    name: str
    help: str


_ENTRIES: Final = (
    Entry("quote", "Quote both sides: show one computation, start, status, stop."),
    Entry("ladder", "Quote several levels a side: show, start, status, stop."),
    Entry("grid", "Trade a grid of orders: plan, start, status, stop."),
    Entry("funding", "Check funding rates and what they advise."),
    Entry("inventory", "Show positions, limits, profit and the account."),
    Entry("flatten", "Emergency: cancel orders and close positions, and prove it."),
    Entry("resume", "Lift the HALT that flatten or a kill switch left."),
    Entry("report", "Measure performance and where the profit came from."),
    Entry("backtest", "Run a strategy on recorded data, or sweep its settings."),
    Entry("paper", "The embedded exchange: status, reset, deposit, feed, serve."),
    Entry("record", "Record public market data for replay and backtest."),
    Entry("profile", "The config store: profiles and their settings."),
    Entry("markets", "List the venue's instruments."),
    Entry("doctor", "Check configuration, keys, clocks, locks and journal."),
    Entry("help", "Reference pages: exit-codes, json, config, venues, ..."),
    Entry("completions", "Print the completion script of a shell."),
)


def entries() -> tuple[Entry, ...]:
    """The commands that this installation has."""
    here = Path(__file__).parent
    return tuple(entry for entry in _ENTRIES if (here / f"{entry.name}.py").exists())


GLOBAL_OPTIONS: Final = (
    ("--profile NAME", "Use this profile instead of the active one."),
    ("--json", "Answer with one JSON envelope (streams: NDJSON)."),
    ("-q, --quiet", "No talk on stderr, only warnings and errors."),
    ("-v, --verbose", "More talk on stderr."),
    ("--version", "Show the version and exit."),
    ("-h, --help", "Show this message and exit."),
)


def root_help() -> str:
    """The text of `pfmm --help`."""
    lines = [
        "Usage: pfmm [OPTIONS] COMMAND [ARGS]...",
        "",
        "A command-line market-making toolkit for perpetual futures.",
    ]
    lines += ["", "Options (before or after the command):", *_rows(GLOBAL_OPTIONS)]
    lines += ["", "Commands:", *_rows(tuple((entry.name, entry.help) for entry in entries()))]
    return "\n".join([*lines, "", "Start here:  pfmm grid start BTC-PERP   (paper money, no account needed)"])


def _rows(rows: tuple[tuple[str, str], ...]) -> list[str]:
    width = max(len(left) for left, _ in rows)
    return [f"  {left.ljust(width)}  {right}" for left, right in rows]

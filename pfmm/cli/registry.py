"""The commands of pfmm in the order of the root help. Data only: imports no command and no library. Layer: cli.

To plug a command in, write its use case `pfmm/app/NAME.py`, its renderer `pfmm/cli/render/NAME.py` and its parser
`pfmm/cli/commands/NAME.py` with `app: typer.Typer` (a group, or a single command when it holds one), and add its line
here. The module is imported only when its command is invoked. Strategies come from their own registry.
"""

from __future__ import annotations

from pfmm.app.strategies import lines

# name of the command and of its module, and the line that the root help shows
_COMMANDS = (
    ("funding", "Check funding rates and what they advise."),
    ("book", "Show the depth of a market, your own orders marked."),
    ("inventory", "Show positions, limits, profit and the account."),
    ("flatten", "Emergency: cancel orders and close positions, and prove it."),
    ("resume", "Lift the HALT that flatten or a kill switch left."),
    ("events", "Show what happened, from the journal, and follow it."),
    ("logs", "Show the log of a run in the background."),
    ("report", "Measure performance and where the profit came from."),
    ("backtest", "Run a strategy on recorded data, or sweep its settings."),
    ("paper", "The embedded exchange: status, reset, deposit, feed, serve."),
    ("record", "Record public market data for replay and backtest."),
    ("profile", "The config store: profiles and their settings."),
    ("markets", "List the venue's instruments."),
    ("doctor", "Check configuration, keys, clocks, locks and journal."),
    ("help", "Reference pages: agents, json, config, exit-codes, ..."),
    ("completions", "Print the completion script of a shell."),
)


def commands() -> dict[str, str]:
    """Return every command, with the line that the root help shows for it."""
    return {**lines(), **dict(_COMMANDS)}


GLOBAL_OPTIONS = (
    ("--profile NAME", "Use this profile instead of the active one."),
    ("--json", "Answer with one JSON envelope (streams: NDJSON)."),
    ("-q, --quiet", "No talk on stderr, only warnings and errors."),
    ("-v, --verbose", "More talk on stderr."),
    ("--version", "Show the version and exit."),
    ("-h, --help", "Show this message and exit."),
)


def root_help() -> str:
    """Write the text of `pfmm --help`."""
    lines = [
        "Usage: pfmm [OPTIONS] COMMAND [ARGS]...",
        "",
        "A command-line market-making toolkit for perpetual futures.",
    ]
    lines += ["", "Options (before or after the command):", *_rows(GLOBAL_OPTIONS)]
    lines += ["", "Commands:", *_rows(tuple(commands().items()))]
    return "\n".join([*lines, "", "Start here:  pfmm grid start BTC-PERP   (paper money, no account needed)"])


def _rows(rows: tuple[tuple[str, str], ...]) -> list[str]:
    width = max(len(left) for left, _ in rows)
    return [f"  {left.ljust(width)}  {right}" for left, right in rows]

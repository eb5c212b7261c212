"""The commands of pfmm in the order of the root help. Data only: imports no command and no library. Layer: cli.

To plug a command in, write its use case `pfmm/app/NAME.py`, its renderer `pfmm/cli/render/NAME.py` and its parser
`pfmm/cli/commands/NAME.py` with `app: typer.Typer` (a group, or a single command when it holds one), and add its line
here. The module is imported only when its command is invoked. Strategies come from their own registry.
"""

from __future__ import annotations

import os

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


WIDE = 75  # columns of the longest line
LEAST = 20  # columns of text below which the terminal breaks lines itself
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
    columns = _columns()
    lines += ["", "Options (before or after the command):", *_rows(GLOBAL_OPTIONS, columns)]
    lines += ["", "Commands:", *_rows(tuple(commands().items()), columns)]
    start = [("Start here:", "pfmm grid start BTC-PERP"), ("", "(paper money, no account needed)")]
    if columns is None or columns >= WIDE:
        start = [("Start here:", "pfmm grid start BTC-PERP   (paper money, no account needed)")]
    return "\n".join([*lines, "", *(f"{left:<11}  {right}" for left, right in start)])


def _columns() -> int | None:
    """Return the columns of the terminal that stdout is, None where it is none; without the imports of `shutil`."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return int(os.environ["COLUMNS"]) or None
    try:
        return os.get_terminal_size(1).columns or None
    except OSError:
        return None


def _rows(rows: tuple[tuple[str, str], ...], columns: int | None) -> list[str]:
    width = max(len(left) for left, _ in rows)
    margin = width + 4
    lines: list[str] = []
    for left, right in rows:
        parts = [right]
        if columns is not None and margin + len(right) > columns > margin + LEAST:
            from textwrap import wrap

            parts = wrap(right, columns - margin, break_on_hyphens=False)
        lines += [f"  {(left if at == 0 else '').ljust(width)}  {part}" for at, part in enumerate(parts)]
    return lines

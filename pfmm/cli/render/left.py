"""What runs leave as they end: what each holds, what it earned, how to close it. Layer: cli."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from pfmm.model.text import plain

EACH_TOLD = 2  # runs that are told one by one how they are closed


class Left(NamedTuple):
    """What one run leaves, of its own book alone: the account may hold more, or less, on the market."""

    market: str
    strategy: str
    inventory: Decimal
    pnl: Decimal | None
    close: str | None


def left_lines(runs: Iterable[Left], *, being_closed: bool = False) -> list[str]:
    """Say what each run leaves, and how that is closed: of each of a few runs, once for many; not at all where a
    flatten does it now."""
    told = list(runs)
    open_runs = [run for run in told if run.close is not None]
    many = len(open_runs) > EACH_TOLD
    lines = []
    for run in told:
        earned = "P&L n/a" if run.pnl is None else f"P&L {run.pnl:+.4f} USD"
        held = "holds nothing" if run.close is None else f"leaves {plain(run.inventory)}"
        held += " to the flatten" if run.close is not None and being_closed else ""
        lines.append(f"{run.market} {run.strategy}: {held}; {earned}.")
        if run.close is not None and not many and not being_closed:
            lines.append(f"  `{run.close}` closes all that is held there.")
    if many and not being_closed:
        lines.append(f"`{open_runs[0].close}` closes all that is held there; the others likewise.")
        lines.append("`pfmm flatten --all` closes all that the account holds.")
    return lines

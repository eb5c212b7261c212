"""A running loop where the cursor cannot go back (TERM=dumb): one line an event. Rendering only. Layer: cli."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.cli.live.reasons import nearest, reasons
from pfmm.cli.live.tables import LEAVING
from pfmm.model.text import counted, iso, plain

if TYPE_CHECKING:
    from pfmm.app.watched import Shown
    from pfmm.model.cycle import CycleReport


def opening_line(shown: Shown) -> str:
    """Say what Ctrl-C does, what runs, where, and with which money."""
    money = f" ({shown.money})" if shown.money else ""
    where = f"{shown.kind} on {', '.join(shown.markets)} at {shown.venue}/{shown.account}{money}"
    return f"Ctrl-C {LEAVING[shown.on_exit]}; {where}"


def cycle_line(report: CycleReport) -> str:
    """Tell a cycle: mid, position, orders, what was earned, and how far the price is from doing something."""
    orders = sum(len(run.orders) for run in report.runs)
    total = sum((run.total for run in report.runs), start=Decimal(0))
    parts = [_clock(report)]
    if len(report.runs) == 1:
        run = report.runs[0]
        mid = None if run.ticker is None else run.ticker.mid
        parts += ["no mid" if mid is None else f"mid {plain(mid)}", f"pos {plain(run.position)}"]
    parts += [counted(orders, "order"), f"P&L {total:+.4f}"]
    return "  ".join([*parts, nearest(report, short=True) or "nothing rests"])


def reason_lines(report: CycleReport) -> list[str]:
    """Say why sides are absent or held, each with the time; told when it changes, whole."""
    return [f"{_clock(report)}  {reason}" for reason in reasons(report)]


def _clock(report: CycleReport) -> str:
    return iso(report.time.time_ms)[11:19]

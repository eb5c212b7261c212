"""Equity and position over the last cycles of a running loop, as lines of blocks for its screen. Layer: app."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pfmm.model.cycle import CycleReport

CYCLES_KEPT = 600
BLOCKS_SHOWN = 30


class LiveSeries:
    """The last CYCLES_KEPT cycles; the position is kept of a loop on one market only, where it means something."""

    def __init__(self) -> None:
        self._equity: deque[float] = deque(maxlen=CYCLES_KEPT)
        self._position_usd: deque[float] = deque(maxlen=CYCLES_KEPT)

    def add(self, report: CycleReport) -> None:
        """Take one cycle in."""
        self._equity.append(float(report.account.equity))
        if len(report.runs) == 1 and (ticker := report.runs[0].ticker) is not None:
            self._position_usd.append(float(report.runs[0].position * ticker.mark))

    def lines(self, width: int) -> tuple[str, ...]:
        """Draw `equity    ▁▂▄▆  9998.10 to 10001.20 USD over 240 cycles`, and the same of the account's position, with
        as many blocks as fit.

        What stood still has no line."""
        named = (("equity  ", self._equity), ("position", self._position_usd))
        return tuple(_line(name, values, width) for name, values in named if len(set(values)) > 1)


def _line(name: str, values: deque[float], width: int) -> str:
    from pfmm.report.sparkline import sparkline

    words = f"  {min(values):.2f} to {max(values):.2f} USD over {len(values)} cycles"
    room = width - len(name) - 2 - len(words)
    return f"{name}  {sparkline(tuple(values), max(min(room, BLOCKS_SHOWN), 1))}{words}"

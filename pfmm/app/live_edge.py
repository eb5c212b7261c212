"""The break-even fee of a running loop, and the fees that it is charged: the first lines of its screen. Layer: app.

Worked out at most once a minute from the minute rows of the last day, so that it costs the same after a year.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pfmm.model.fees import Fees

if TYPE_CHECKING:
    from pfmm.journal.journal import Journal

WINDOW_MS = 86_400_000


class LiveEdge:
    """The lines of one loop. `runs` answers its (market, strategy) with the id of their run by now."""

    def __init__(self, journal: Journal, fees: Mapping[str, Fees]) -> None:
        """`fees` is what each market charges."""
        self._journal, self._fees = journal, fees
        self._minute = -1
        self._lines: dict[str, str | None] = {}

    def lines(self, runs: Iterable[tuple[str, str]], now_ms: int) -> dict[str, str | None]:
        """What the screen says at a time, in ms: `edge` (the break-even fee of the (market, run id) pairs over the last
        24 h), `net` (what is left of it after the fee that was paid; None without one) and `fees`."""
        if now_ms // 60_000 != self._minute:
            self._minute = now_ms // 60_000
            self._lines = {**self._worked_out(runs, now_ms), "fees": fees_text(self._fees)}
        return self._lines

    def _worked_out(self, runs: Iterable[tuple[str, str]], now_ms: int) -> dict[str, str | None]:
        from pfmm.accounting.edge import edge_of
        from pfmm.accounting.minutes import tally_of_rows
        from pfmm.report.wording import break_even_line, net_line

        found = [self._journal.recent_minutes(market, run_id, now_ms - WINDOW_MS) for market, run_id in runs]
        edge = edge_of([tally_of_rows(rows) for rows in found])
        return {"edge": break_even_line(edge), "net": net_line(edge)}


def fees_text(fees: Mapping[str, Fees]) -> str:
    """The fees of some markets as a header says them: "fees maker 1.5, taker 4.5 bps (hyperliquid)"; where they differ
    "fees maker/taker, bps: BTC-PERP 1.5/4.5, X-PERP 3/9 (hyperliquid)"; of none "fees as the fills were charged"."""
    if not fees:
        return "fees as the fills were charged"
    first, *others = fees.values()
    if all(one == first for one in others):
        return first.text
    each = ", ".join(f"{market} {one.maker_bps:f}/{one.taker_bps:f}" for market, one in fees.items())
    return f"fees maker/taker, bps: {each} ({first.source})"

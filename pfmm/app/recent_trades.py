"""Reads the newest public trades of a market: what fits and volatilities follow from. Layer: app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pfmm.ports import TRADES_PAGE

if TYPE_CHECKING:
    from pfmm.model.market import Trade
    from pfmm.ports import Venue

SPAN_MS = 1_800_000
PAGES = 4


def recent_trades(venue: Venue, market: str, now_ms: int) -> Sequence[Trade]:
    """The newest trades of the span. A busy market's answer ends long before now: its density says where the last
    PAGES pages begin."""
    since_ms = now_ms - SPAN_MS
    trades = venue.trades(market, since_ms)
    if len(trades) < TRADES_PAGE:
        return trades
    per_ms = TRADES_PAGE / max(trades[-1].time_ms - trades[0].time_ms, 1)
    since_ms = max(since_ms, now_ms - round((PAGES - 1) * TRADES_PAGE / per_ms))
    found: list[Trade] = []
    for _ in range(PAGES):
        page = venue.trades(market, since_ms)
        found += page
        if len(page) < TRADES_PAGE:
            break
        since_ms = page[-1].time_ms + 1
    return found

"""The newest public trades of a market, read page by page through the port. Layer: venue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pfmm.model.prints import PrintColumns, columns_of, joined
from pfmm.ports import TRADES_PAGE

if TYPE_CHECKING:
    from pfmm.ports import Venue

SPAN_MS = 1_800_000
PAGES = 4


def recent_trades(venue: Venue, market: str, now_ms: int) -> PrintColumns:
    """Read the newest public trades of the last half hour, in at most 1 + PAGES requests.

    A busy market's answer ends long before now: its density says where the last PAGES pages begin. 1,000 trades in 5
    minutes are 200 a minute, and the last 3,000 began 15 minutes ago.
    """
    since_ms = now_ms - SPAN_MS
    first = columns_of(venue.trades(market, since_ms))
    if len(first.times) < TRADES_PAGE:
        return first
    per_ms = TRADES_PAGE / max(first.times[-1] - first.times[0], 1)
    since_ms = max(since_ms, now_ms - round((PAGES - 1) * TRADES_PAGE / per_ms))
    pages: list[PrintColumns] = []
    for _ in range(PAGES):
        page = columns_of(venue.trades(market, since_ms))
        pages.append(page)
        if len(page.times) < TRADES_PAGE:
            break
        since_ms = page.times[-1] + 1
    return joined(pages)

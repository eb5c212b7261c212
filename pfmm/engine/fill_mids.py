"""The mids around fills: read from a venue that tells past ones, so that fills are judged as a backtest judges them.

A loop looks every few seconds; a markout of 1 or 5 s needs the mid of its very moment. Decides nothing about orders,
and a venue that does not answer costs a statistic, never a cycle. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from pfmm.accounting.attribution import HORIZONS_S
from pfmm.errors import BadVenueData, RateLimited, UnknownMarket, VenueRefused, VenueUnreachable
from pfmm.ports import Journal, Venue

MOST_FILLS = 1_000
OLD_MS = 3_600_000  # of a fill that is older nothing is asked any more


def read_mids(venue: Venue, journal: Journal, now_ms: int, *, closed: bool) -> bool:
    """Record what the venue tells of the mid just before each fill that no minute row counts yet, and at each horizon
    after it. `closed` asks only for fills whose minutes are over: one question a minute and market.

    Answers False where the venue could not be reached: the fills can wait for the next cycle.
    """
    if not venue.capabilities.past_mids:
        return True
    fills = journal.unjudged(MOST_FILLS, since_ms=now_ms - OLD_MS, closed=closed)
    rows: list[tuple[str, int, Decimal]] = []
    for market in dict.fromkeys(item.fill.market for item in fills):
        times = moments(item.fill.time_ms for item in fills if item.fill.market == market)
        try:
            found = venue.past_mids(market, [time_ms for time_ms in times if time_ms <= now_ms])
        except (VenueUnreachable, RateLimited):
            return False
        except (VenueRefused, BadVenueData, UnknownMarket):
            continue  # the loop's own looks at the market are what is left
        rows += [(market, time_ms, mid) for time_ms, mid in found]
    journal.record_fill_mids(fills, rows)
    return True


def moments(times: Iterable[int]) -> Sequence[int]:
    """List the times in ms whose mids judge these fills: just before each, and at every horizon after it."""
    offsets = (-1, *(seconds * 1_000 for seconds in HORIZONS_S))
    return sorted({time_ms + offset for time_ms in times for offset in offsets})

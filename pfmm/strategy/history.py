"""What recent public trades say about a market's volatility. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pfmm.model.market import Trade
from pfmm.strategy.volatility import realised

BUCKET_MS = 15_000  # wide enough that the bounce between bid and ask hardly counts
FEWEST = 20
LOWEST, HIGHEST = 0.02, 5.0


def volatility_of_trades(trades: Iterable[Trade], fallback: float) -> float:
    """The annualised volatility (0.5 = 50 %) of the last print of each 15 s, or `fallback` below 20 of them.

    Bounded to 2 % … 500 % a year, so that a dead or broken market gives no absurd range.
    """
    last: dict[int, tuple[int, float]] = {}
    for trade in sorted(trades, key=lambda t: t.time_ms):
        last[trade.time_ms // BUCKET_MS] = (trade.time_ms, float(trade.price))
    if len(last) < FEWEST:
        return fallback
    measured = realised([last[bucket] for bucket in sorted(last)])
    return fallback if measured is None else min(max(measured, LOWEST), HIGHEST)

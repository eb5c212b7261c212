"""What recent public trades, or candles, say about a market's volatility. Pure. Layer: strategy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pfmm.model.market import Candle, Trade
from pfmm.model.prints import PrintColumns, columns_of
from pfmm.strategy.volatility import realised

BUCKET_MS = 15_000  # wide enough that the bounce between bid and ask hardly counts
FEWEST = 20
MINUTE_MS = 60_000
LOWEST, HIGHEST = 0.02, 5.0


def volatility_of_trades(trades: Sequence[Trade] | PrintColumns, fallback: float) -> float:
    """Estimate the annualised volatility (0.5 = 50 %) from the last print of each 15 s.

    Below 20 of them it is `fallback`. Bounded to 2 % … 500 % a year, so that a dead or broken market gives no absurd
    range.
    """
    last: dict[int, tuple[int, float]] = {}
    prints = columns_of(trades)
    for time_ms, price in sorted(zip(prints.times, prints.prices, strict=True), key=lambda one: one[0]):
        last[time_ms // BUCKET_MS] = (time_ms, price)
    return _bounded([last[bucket] for bucket in sorted(last)], fallback)


def volatility_of_candles(candles: Iterable[Candle], fallback: float) -> float:
    """Estimate the annualised volatility (0.5 = 50 %) from the closes of one-minute candles.

    Below 20 of them it is `fallback`; it is bounded as that of trades. A venue that keeps no history of its prints may
    still have these.
    """
    ordered = sorted(candles, key=lambda candle: candle.time_ms)
    return _bounded([(candle.time_ms + MINUTE_MS, float(candle.close)) for candle in ordered], fallback)


def _bounded(prices: Sequence[tuple[int, float]], fallback: float) -> float:
    measured = realised(prices) if len(prices) >= FEWEST else None
    return fallback if measured is None else min(max(measured, LOWEST), HIGHEST)

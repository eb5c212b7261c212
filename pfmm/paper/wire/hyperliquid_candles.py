"""Candles of the Hyperliquid dialect, made from public prints. Layer: paper wire. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pfmm.paper.messages import TradeRecord
from pfmm.paper.wire.hyperliquid_json import number

INTERVALS_MS = {
    "1m": 60_000, "3m": 180_000, "5m": 300_000, "15m": 900_000, "30m": 1_800_000, "1h": 3_600_000,
    "2h": 7_200_000, "4h": 14_400_000, "8h": 28_800_000, "12h": 43_200_000, "1d": 86_400_000,
}  # fmt: skip


def candles(prints: Sequence[TradeRecord], coin: str, interval: str) -> list[dict[str, Any]]:
    """Build the candles of prints that are oldest first; an interval without a print has none.

    Prints at 1, 3 and 2 within one minute give open 1, high 3, low 1 and close 2. Raises ValueError for an interval
    that the dialect does not know.
    """
    width_ms = INTERVALS_MS.get(interval)
    if width_ms is None:
        raise ValueError(f"interval {interval[:20]!r} must be one of {', '.join(INTERVALS_MS)}")
    made: dict[int, list[TradeRecord]] = {}
    for one in prints:
        made.setdefault(one.time // width_ms * width_ms, []).append(one)
    return [_candle(start_ms, width_ms, rows, coin, interval) for start_ms, rows in sorted(made.items())]


def _candle(start_ms: int, width_ms: int, rows: Sequence[TradeRecord], coin: str, interval: str) -> dict[str, Any]:
    prices = [one.price for one in rows]
    volume = sum((one.size_base for one in rows), Decimal(0))
    shown = {"o": prices[0], "c": prices[-1], "h": max(prices), "l": min(prices), "v": volume}
    values = {name: number(value) for name, value in shown.items()}
    return {"t": start_ms, "T": start_ms + width_ms - 1, "s": coin, "i": interval, **values, "n": len(rows)}

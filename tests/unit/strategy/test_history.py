"""What trades and candles say about a market's volatility, and when they are too few to say anything."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from pfmm.model.market import Candle, Trade
from pfmm.strategy.history import FEWEST, HIGHEST, volatility_of_candles, volatility_of_trades

D = Decimal
MINUTES_A_YEAR = 365 * 24 * 60


def candles(count: int, step: float) -> list[Candle]:
    """Closes of 100 that go up and down by `step` (a fraction) from minute to minute."""
    closes = (D(str(round(100 * (1 + step * (number % 2)), 8))) for number in range(count))
    return [Candle(60_000 * number, D(100), D(101), D(99), close, D(1)) for number, close in enumerate(closes)]


def test_candles_that_move_by_a_step_a_minute() -> None:
    found = volatility_of_candles(candles(31, 0.0005), 0.5)
    assert found == pytest.approx(math.log(1.0005) * math.sqrt(MINUTES_A_YEAR), rel=0.05)
    assert volatility_of_candles(reversed(candles(31, 0.0005)), 0.5) == found


def test_too_few_say_nothing() -> None:
    assert volatility_of_candles([], 0.5) == 0.5
    assert volatility_of_candles(candles(FEWEST - 1, 0.001), 0.5) == 0.5
    assert volatility_of_trades([Trade("M", 15_000 * n, D(100), D(1), 1) for n in range(FEWEST - 1)], 0.5) == 0.5


def test_a_broken_market_gives_no_absurd_range() -> None:
    assert volatility_of_candles(candles(40, 0.5), 0.5) == HIGHEST

"""One-minute candles as a market: a path of prints and quotes through open, high, low and close.

What happened inside a bar is not known. Both orders are made, low first and high first, and a backtest runs both and
shows them as bounds. Twelve moments a bar, five seconds apart; prices between the four known ones lie on straight
lines; each moment prints a twelfth of the volume and shows as much on both sides, one tick from the print.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pfmm.backtest.columns import numpy
from pfmm.backtest.tabular import header_of, lines_of
from pfmm.errors import DataFileError
from pfmm.paper.feed import MarketSpec
from pfmm.paper.instruments import FUNDING_INTERVAL_HOURS, MAKER_RATE, MIN_NOTIONAL, TAKER_RATE
from pfmm.paper.tapefile import REPLAY_MAX_LEVERAGE, MarketTape
from pfmm.tape.events import Place, finite, not_negative, positive

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

HEADER = "time_ms,open,high,low,close,volume"
BAR_MS = 60_000
STEPS = 12
SIZE_DECIMALS = 3
MOST_DECIMALS = 8 - SIZE_DECIMALS
Way = Literal["low_first", "high_first"]


@dataclass(frozen=True, slots=True)
class Candles:
    """Bars as whole numbers: times in ms, prices in 10^-price_decimals USD, volumes in 0.001 of the coin.

    `gaps` counts holes between bars, `longest_gap_ms` the largest of them.
    """

    times: array[int]
    prices: array[int]  # open, high, low, close of each bar
    volumes: array[int]
    price_decimals: int
    gaps: int
    longest_gap_ms: int


def is_candles(path: Path) -> bool:
    """True for a file whose first line is the header of candles."""
    return header_of(path) == HEADER


def read_candles(files: Sequence[Path]) -> Candles:
    """Bars of `files`, in time order. Raises DataFileError, with file and line, for what makes no sense."""
    times, volumes = array("q"), array("q")
    rows: list[tuple[Decimal, ...]] = []
    gaps = longest = 0
    for path in files:
        for place, cells in lines_of(path, HEADER):
            time_ms, prices, volume = _bar(cells, place)
            if times:
                step = time_ms - times[-1]
                if step <= 0:
                    raise place.error(f"time_ms {time_ms} is not after the bar before it, {times[-1]}")
                gaps += step > BAR_MS
                longest = max(longest, step)
            times.append(time_ms)
            rows.append(prices)
            volumes.append(int(volume * 10**SIZE_DECIMALS))
    if not rows:
        raise DataFileError(f"{', '.join(map(str, files))}: no candles")
    decimals = min(max(_decimals(price) for row in rows for price in row), MOST_DECIMALS)
    scaled = array("q", [round(price.scaleb(decimals)) for row in rows for price in row])
    return Candles(times, scaled, volumes, decimals, gaps, longest)


def _bar(cells: Sequence[str], place: Place) -> tuple[int, tuple[Decimal, ...], Decimal]:
    if not cells[0].isascii() or not cells[0].isdigit():
        raise place.error(f"time_ms must be whole ms, not {cells[0]!r}")
    opened, high, low, closed = (
        positive(cell, name, place) for cell, name in zip(cells[1:5], ("open", "high", "low", "close"), strict=True)
    )
    if high < max(opened, closed, low) or low > min(opened, closed):
        raise place.error(f"open {opened}, high {high}, low {low} and close {closed} contradict each other")
    return int(cells[0]), (opened, high, low, closed), not_negative(cells[5], "volume", place)


def _decimals(price: Decimal) -> int:
    exponent = price.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def candle_tape(candles: Candles, market: str, way: Way) -> MarketTape:
    """The market that the bars make, going `way`."""
    np = numpy()
    bars = np.frombuffer(candles.prices, dtype=np.int64).reshape(-1, 4)
    opened, high, low, closed = bars.T
    first, second = (low, high) if way == "low_first" else (high, low)
    path = _walk((opened, first, second, closed))
    times = np.frombuffer(candles.times, dtype=np.int64)[:, None] + np.arange(STEPS) * (BAR_MS // STEPS)
    sizes = np.maximum(np.frombuffer(candles.volumes, dtype=np.int64) // STEPS, 1)[:, None].repeat(STEPS, axis=1)
    prices, count = path.ravel(), path.size
    moves = np.diff(prices, prepend=prices[0])
    rows = np.zeros((count, 2, 6), dtype=np.int64)
    rows[:, :, 0] = times.ravel()[:, None]
    rows[:, 0, 1], rows[:, 0, 2], rows[:, 0, 3] = 1, prices, sizes.ravel()
    rows[:, 0, 4] = np.where(moves < 0, -1, 1)
    rows[:, 1, 2], rows[:, 1, 3] = np.maximum(prices - 1, 1), sizes.ravel()
    rows[:, 1, 4], rows[:, 1, 5] = prices + 1, sizes.ravel()
    events = memoryview(rows.reshape(-1))
    empty = memoryview(array("q"))
    return MarketTape(_spec(market, candles.price_decimals), events, empty, empty, empty)


def _walk(corners: Sequence[Ints]) -> Ints:
    """STEPS prices a bar on straight lines from corner to corner: at 0, 4, 8 and 11."""
    np = numpy()
    at = (0, 4, 8, STEPS - 1)
    path: Ints = np.empty((len(corners[0]), STEPS), dtype=np.int64)
    for leg in range(3):
        steps = at[leg + 1] - at[leg]
        for step in range(steps + 1):
            share = step / steps
            path[:, at[leg] + step] = np.rint(corners[leg] + (corners[leg + 1] - corners[leg]) * share)
    return path


def _spec(market: str, price_decimals: int) -> MarketSpec:
    return MarketSpec(
        market=market,
        category="crypto",
        price_decimals=price_decimals,
        size_decimals=SIZE_DECIMALS,
        tick=1,
        significant_figures=None,
        min_notional=MIN_NOTIONAL,
        max_leverage=REPLAY_MAX_LEVERAGE,
        maker_rate=MAKER_RATE,
        taker_rate=TAKER_RATE,
        funding_interval_hours=FUNDING_INTERVAL_HOURS,
    )


FUNDING_HEADER = "time_ms,rate_8h"


def read_funding(path: Path) -> list[tuple[int, int]]:
    """Settlements of a `time_ms,rate_8h` file as (ms, rate in 1e-8): 0.0001 is 10,000."""
    found = []
    for place, cells in lines_of(path, FUNDING_HEADER):
        if not cells[0].isascii() or not cells[0].isdigit():
            raise place.error(f"time_ms must be whole ms, not {cells[0]!r}")
        found.append((int(cells[0]), round(finite(cells[1], "rate_8h", place).scaleb(8))))
    if not found:
        raise Place(path, 0).error("holds no funding rates")
    return found

"""One-minute candles as a market: a path of prints and quotes through open, high, low and close.

What happened inside a bar is not known. Both orders are made, low first and high first; a backtest runs both and shows
them beside each other; its report is of the one that earned less. Twelve moments a bar, five seconds apart; prices
between the four known ones lie on straight lines; each moment prints half of its twelfth of the volume and shows the
other half on both sides, one tick from the print, so that nobody can trade more in a bar than was traded. In a bar
without volume nothing happens. The market ends where the last bar does, as it then stood.
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
from pfmm.paper.feeds.feed import MarketSpec, Settlement
from pfmm.paper.feeds.replay_tape import REPLAY_MAX_LEVERAGE, MarketTape
from pfmm.paper.feeds.settlements import TooClose, on_the_minute, spaced
from pfmm.paper.instruments import FUNDING_INTERVAL_HOURS, MAKER_RATE, MIN_NOTIONAL, TAKER_RATE
from pfmm.tape.describe import decimals as decimals_of
from pfmm.tape.events import Place, finite, not_negative, positive, written_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

HEADER = "time_ms,open,high,low,close,volume"
BAR_MS = 60_000
STEPS = 12
SIZE_DECIMALS = 3
AMOUNT_DECIMALS = 8  # of a price and a size together
MOST_DECIMALS = AMOUNT_DECIMALS - SIZE_DECIMALS
SIGNIFICANT = 5  # of the lowest price, where more decimals than that are written
Way = Literal["low_first", "high_first"]


@dataclass(frozen=True, slots=True)
class Candles:
    """Bars as whole numbers: times in ms, prices in 10^-price_decimals USD, volumes in 10^-size_decimals of the coin.

    `gaps` counts holes between bars, `longest_gap_ms` the largest of them.
    """

    times: array[int]
    prices: array[int]  # open, high, low, close of each bar
    volumes: array[int]
    price_decimals: int
    gaps: int
    longest_gap_ms: int

    @property
    def size_decimals(self) -> int:
        """3, or fewer where the price needs the decimals: 0 of a coin at 0.00001234."""
        return min(SIZE_DECIMALS, AMOUNT_DECIMALS - self.price_decimals)


def is_candles(path: Path) -> bool:
    """True for a file whose first line is the header of candles."""
    return header_of(path) == HEADER


def read_candles(files: Sequence[Path]) -> Candles:
    """Bars of `files`, in time order. Raises DataFileError, with file and line, for what makes no sense."""
    times = array("q")
    rows: list[tuple[Decimal, ...]] = []
    volumes: list[Decimal] = []
    gaps = longest = 0
    for path in files:
        for place, cells in lines_of(path, HEADER):
            time_ms, prices, volume = _bar(cells, place)
            if times:
                step = time_ms - times[-1]
                if step <= 0:
                    raise place.error(f"time_ms {time_ms} is not after the bar before it, {times[-1]}")
                if step < BAR_MS:
                    raise place.error(f"the bar begins {step} ms after the one before it: not 1-minute candles")
                gaps += step > BAR_MS
                longest = max(longest, step)
            times.append(time_ms)
            rows.append(prices)
            volumes.append(volume)
    if not rows:
        raise DataFileError(f"{', '.join(map(str, files))}: no candles")
    if gaps and gaps == len(rows) - 1:
        raise DataFileError(f"{files[0]}: no bar begins a minute after the one before it: not 1-minute candles")
    decimals = _price_decimals(rows, files)
    lots = Decimal(10) ** min(SIZE_DECIMALS, AMOUNT_DECIMALS - decimals)
    try:
        scaled = array("q", [round(price.scaleb(decimals)) for row in rows for price in row])
        traded = array("q", [int(volume * lots) for volume in volumes])
    except OverflowError as error:
        raise DataFileError(f"{', '.join(map(str, files))}: a price or volume is too large") from error
    if not any(traded):
        raise DataFileError(f"{', '.join(map(str, files))}: no bar has any volume")
    return Candles(times, scaled, traded, decimals, gaps, longest)


def _bar(cells: Sequence[str], place: Place) -> tuple[int, tuple[Decimal, ...], Decimal]:
    time_ms = written_ms(cells[0], "time_ms", place)
    opened, high, low, closed = (
        positive(cell, name, place) for cell, name in zip(cells[1:5], ("open", "high", "low", "close"), strict=True)
    )
    if high < max(opened, closed, low) or low > min(opened, closed):
        raise place.error(f"open {opened}, high {high}, low {low} and close {closed} contradict each other")
    return time_ms, (opened, high, low, closed), not_negative(cells[5], "volume", place)


def _price_decimals(rows: Sequence[tuple[Decimal, ...]], files: Sequence[Path]) -> int:
    """As many as are written, but beyond 5 no more than the lowest price needs: 64000.1234567 has 5, 0.00001234 8.
    Raises DataFileError for a price that 8 decimals do not tell to a part in ten thousand."""
    written = max(decimals_of(price) for row in rows for price in row)
    lowest = min(low for _, _, low, _ in rows)
    wanted = min(written, max(MOST_DECIMALS, SIGNIFICANT - 1 - lowest.adjusted()))
    if wanted > AMOUNT_DECIMALS and lowest.adjusted() < -4:
        raise DataFileError(
            f"{', '.join(map(str, files))}: the price {lowest:f} needs more than {AMOUNT_DECIMALS} decimals",
            hint="state prices and volumes for 1000 coins",
        )
    return min(wanted, AMOUNT_DECIMALS)


def candle_tape(candles: Candles, market: str, way: Way) -> MarketTape:
    """The market that the bars make, going `way`."""
    np = numpy()
    volumes = np.frombuffer(candles.volumes, dtype=np.int64)
    traded = volumes > 0
    bars = np.frombuffer(candles.prices, dtype=np.int64).reshape(-1, 4)[traded]
    opened, high, low, closed = bars.T
    first, second = (low, high) if way == "low_first" else (high, low)
    path = _walk((opened, first, second, closed))
    times = np.frombuffer(candles.times, dtype=np.int64)[traded, None] + np.arange(STEPS) * (BAR_MS // STEPS)
    sizes = np.maximum(volumes[traded] // (2 * STEPS), 1)[:, None].repeat(STEPS, axis=1)
    prices, count = path.ravel(), path.size
    moves = np.diff(prices, prepend=prices[0])
    rows = np.zeros((count, 2, 6), dtype=np.int64)
    rows[:, :, 0] = times.ravel()[:, None]
    rows[:, 0, 1], rows[:, 0, 2], rows[:, 0, 3] = 1, prices, sizes.ravel()
    rows[:, 0, 4] = np.where(moves < 0, -1, 1)
    rows[:, 1, 2], rows[:, 1, 3] = np.maximum(prices - 1, 1), sizes.ravel()
    rows[:, 1, 4], rows[:, 1, 5] = prices + 1, sizes.ravel()
    closing = rows[-1, 1:].copy()
    closing[0, 0] = candles.times[-1] + BAR_MS
    events = memoryview(np.concatenate((rows.reshape(-1, 6), closing)).reshape(-1))
    empty = memoryview(array("q"))
    return MarketTape(_spec(market, candles), events, empty, empty, empty)


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


def _spec(market: str, candles: Candles) -> MarketSpec:
    return MarketSpec(
        market=market,
        category="crypto",
        price_decimals=candles.price_decimals,
        size_decimals=candles.size_decimals,
        tick=1,
        significant_figures=None,
        min_notional=MIN_NOTIONAL,
        max_leverage=REPLAY_MAX_LEVERAGE,
        maker_rate=MAKER_RATE,
        taker_rate=TAKER_RATE,
        funding_interval_hours=FUNDING_INTERVAL_HOURS,
    )


FUNDING_HEADER = "time_ms,rate_8h"


def read_funding(path: Path) -> list[Settlement]:
    """Settlements of a `time_ms,rate_8h` file: every row is one, for the hours since the row before it (see `spaced`).

    Rates are per 8 h: hourly rows of 0.0001 settle 0.0000125 each. Raises DataFileError, with the line, for a rate of 1
    or more, for a time that has two rates, and for rows less than half an hour apart.
    """
    found: dict[int, tuple[int, Place]] = {}
    for place, cells in lines_of(path, FUNDING_HEADER):
        time_ms = written_ms(cells[0], "time_ms", place)
        rate = finite(cells[1], "rate_8h", place)
        if abs(rate) >= 1:
            raise place.error(f"rate_8h must be a fraction between -1 and 1 (0.0001 is 1 bp), not {cells[1]!r}")
        scaled = round(rate.scaleb(8))
        if found.setdefault(on_the_minute(time_ms), (scaled, place))[0] != scaled:
            raise place.error(f"time_ms {time_ms} has another rate further up")
    if not found:
        raise Place(path, 0).error("holds no funding rates")
    rows = sorted(found.items())
    try:
        return spaced([(time_ms, rate) for time_ms, (rate, _) in rows])
    except TooClose as error:
        raise rows[error.index][1][1].error(f"{error}: no venue settles so often") from None

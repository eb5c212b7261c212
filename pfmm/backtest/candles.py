"""One-minute candles as a market: four quotes a bar, at its open, its two extremes and its close.

What happened inside a bar is not known, so nothing in it may decide anything: decisions come when a bar opens, an order
fills at most once in it and only where the price passed it (see `bars`), and then the order of the extremes moves no
fill. The nearer extreme comes first: the low in a bar that rose, the high in one that fell. A quote stands one tick off
its price on both sides and shows a quarter of the volume, so that nobody can trade more in a bar than was traded. There
are no prints: nothing is known of sizes and sides, and no queue can be counted. In a bar without volume nothing
happens. The market ends where the last bar does, as it then stood. Layer: backtest.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from pfmm.backtest.candle_files import Bars, read_bars
from pfmm.backtest.columns import numpy
from pfmm.errors import DataFileError
from pfmm.model.quick import quick
from pfmm.model.units import iso
from pfmm.paper.feeds.feed import QUOTE, MarketSpec
from pfmm.paper.feeds.replay_tape import EVENT_WIDTH, REPLAY_MAX_LEVERAGE, MarketTape
from pfmm.paper.instruments import FUNDING_INTERVAL_HOURS, MAKER_RATE, MIN_NOTIONAL, TAKER_RATE
from pfmm.tape.carriers import found_of
from pfmm.tape.events import Place
from pfmm.tape.fixed import SCALE
from pfmm.tape.fixed import decimals as decimals_of
from pfmm.tape.options import ReadOptions
from pfmm.tape.reading import OVERLAP
from pfmm.tape.rows import Budget, Faults
from pfmm.tape.sources import Watcher, expand

BAR_MS = 60_000
# when in its bar each price is shown: late enough that no order which was sent at the open arrives in between
SHOWN_MS = (0, 20_000, 40_000, 59_000)
SHARE = len(SHOWN_MS)  # of a bar's volume each of its quotes shows one part
SIZE_DECIMALS = 3
AMOUNT_DECIMALS = 8  # of a price and a size together
MOST_DECIMALS = AMOUNT_DECIMALS - SIZE_DECIMALS
SIGNIFICANT = 5  # of the lowest price, where more decimals than that are written


@quick(frozen=True, slots=True)
class Candles:
    """Bars as whole numbers: times in ms, prices in 10^-price_decimals USD, volumes in 10^-size_decimals of the coin.

    `gaps` counts holes between bars, `longest_gap_ms` the largest of them; `tick` is the smallest change of a price.
    """

    times: array[int]
    prices: array[int]  # open, high, low, close of each bar
    volumes: array[int]
    price_decimals: int
    size_decimals: int
    gaps: int
    longest_gap_ms: int
    tick: int = 1
    time_unit: str = "ms"
    bad_rows: int = 0
    notes: tuple[str, ...] = ()


def read_candles(
    files: Sequence[Path],
    market: str | None = None,
    options: ReadOptions | None = None,
    watch: Watcher | None = None,
) -> Candles:
    """Read the bars of `files`, in time order, with as many decimals of price and volume as are written.

    `_price_decimals` says what bounds the decimals.

    `watch` is told how many bytes were read. Raises DataFileError, with file and line, for what makes no sense,
    UnknownMarket for bars of another market.
    """
    options = options or ReadOptions()
    faults = Faults(Budget(options.skip_bad))
    parts = [read_bars(source, found_of(source, options.format), market, faults, watch) for source in expand(files)]
    parts.sort(key=lambda part: part.times[0] if part.times else 0)
    times: list[int] = []
    gaps, longest = 0, 0
    ahead: Bars | None = None
    for part in parts:
        found = _join(times, part, ahead)
        ahead = part if part.times else ahead
        gaps, longest = gaps + found[0], max(longest, found[1])
    named = ", ".join(map(str, files))
    if not times:
        raise DataFileError(f"{named}: no candles")
    if gaps and gaps == len(times) - 1:
        raise DataFileError(f"{files[0]}: no bar begins a minute after the one before it: not 1-minute candles")
    if times[0] % BAR_MS >= BAR_MS - 1_000:
        raise DataFileError(
            f"{files[0]}: the times are those of the bars' ends ({iso(times[0])}): give their beginnings"
        )
    told = [note for part in parts for note in part.notes]
    told += [f"{part.source.place.path} holds no candles" for part in parts if not part.times]
    parts = [part for part in parts if part.times]
    scaled, traded, decimals, size_decimals, tick = _in_units(parts, files, options)
    return Candles(
        array("q", times), scaled, traded, decimals, size_decimals, gaps, longest, tick, parts[0].time_unit,
        faults.count, tuple(dict.fromkeys(told)),
    )  # fmt: skip


def _in_units(
    parts: Sequence[Bars], files: Sequence[Path], options: ReadOptions
) -> tuple[array[int], array[int], int, int, int]:
    """Return (prices, volumes, decimals of each, tick) in the market's own units.

    Raises as `read_candles` says.
    """
    prices = [price for part in parts for price in part.prices]
    volumes = [volume for part in parts for volume in part.volumes]
    named = ", ".join(map(str, files))
    lowest = Decimal(min(prices[2::4])).scaleb(-SCALE)
    decimals, tick = _price_steps(max(part.price_places for part in parts), lowest, files, options.price_step)
    size_decimals = _size_decimals(max(part.volume_places for part in parts), decimals, options.size_step)
    try:
        scaled = array("q", [_rounded(price, 10 ** (SCALE - decimals)) for price in prices])
        traded = array("q", [volume // 10 ** (SCALE - size_decimals) for volume in volumes])
    except OverflowError as error:
        raise DataFileError(f"{named}: a price or volume is too large") from error
    if not any(traded):
        raise DataFileError(f"{named}: no bar has any volume")
    return scaled, traded, decimals, size_decimals, tick


def _rounded(number: int, unit: int) -> int:
    """Round a whole number to units, half to even: 12,345 in tens is 1,234."""
    whole, rest = divmod(number, unit)
    return whole + (2 * rest > unit or (2 * rest == unit and whole % 2 == 1))


def _join(times: list[int], part: Bars, ahead: Bars | None) -> tuple[int, int]:
    """Put the times of the next file behind those of the one ahead; return (gaps, longest gap in ms) between them."""
    gaps = longest = 0
    before = times[-1] if times else None
    for number, time_ms in enumerate(part.times):
        if before is not None:
            step = time_ms - before
            if step < BAR_MS:
                place = part.source.at(part.lines[number])
                raise _too_early(place, time_ms, before, None if number else ahead)
            gaps += step > BAR_MS
            longest = max(longest, step)
        before = time_ms
    times += part.times
    return gaps, longest


def _too_early(place: Place, time_ms: int, before_ms: int, ahead: Bars | None) -> DataFileError:
    if time_ms <= before_ms and ahead is not None:
        last = f"{ahead.source.place.path} ends with that of {iso(before_ms)}"
        return place.error(f"the bar of {iso(time_ms)} stands first here, and {last}", hint=OVERLAP)
    if time_ms <= before_ms:
        return place.error(f"the bar of {iso(time_ms)} is not after the bar before it, {iso(before_ms)}")
    return place.error(f"the bar begins {time_ms - before_ms} ms after the one before it: not 1-minute candles")


def _price_steps(written: int, lowest: Decimal, files: Sequence[Path], stated: str | None) -> tuple[int, int]:
    """Return (decimals of a price, smallest change in units of the last of them): 0.5 stated for 64000.1 is (1, 5)."""
    decimals = _price_decimals(written, lowest, files)
    if stated is None:
        return decimals, 1
    step = Decimal(stated)
    decimals = max(decimals, decimals_of(step))
    return decimals, int(step.scaleb(decimals))


def _size_decimals(written: int, price_decimals: int, stated: str | None) -> int:
    """Return how many decimals a size has: as many as the volumes are written with, and at least 3.

    There are fewer where the price needs them: 0 at a price of 0.00001234.
    """
    wanted = written if stated is None else decimals_of(Decimal(stated))
    least = SIZE_DECIMALS if stated is None else 0
    return min(max(least, wanted), AMOUNT_DECIMALS - price_decimals)


def _price_decimals(written: int, lowest: Decimal, files: Sequence[Path]) -> int:
    """Return how many decimals a price has: as many as are written, but beyond 5 no more than the lowest price needs.

    64000.1234567 has 5, 0.00001234 has 8. Raises DataFileError for a price that 8 decimals do not tell to a part in ten
    thousand.
    """
    tiny = lowest.adjusted() < -4 or not lowest
    wanted = min(written, max(MOST_DECIMALS, SIGNIFICANT - 1 - lowest.adjusted())) if lowest else written
    if wanted > AMOUNT_DECIMALS and tiny:
        raise DataFileError(
            f"{', '.join(map(str, files))}: the price {lowest.normalize():f} "
            f"needs more than {AMOUNT_DECIMALS} decimals",
            hint="state prices and volumes for 1000 coins",
        )
    return min(wanted, AMOUNT_DECIMALS)


def candle_tape(candles: Candles, market: str) -> MarketTape:
    """Make the market of the bars: their open, nearer extreme, further extreme and close, one quote each.

    A bar 100, 104, 98, 100.7 rose: mids of 100, 98, 104 and 100.7. With a volume of 12 each quote shows 3.
    """
    np = numpy()
    volumes = np.frombuffer(candles.volumes, dtype=np.int64)
    traded = volumes > 0
    opened, high, low, closed = np.frombuffer(candles.prices, dtype=np.int64).reshape(-1, 4)[traded].T
    rose = closed >= opened
    prices = np.stack((opened, np.where(rose, low, high), np.where(rose, high, low), closed), axis=1).ravel()
    times = np.frombuffer(candles.times, dtype=np.int64)[traded, None] + np.array(SHOWN_MS)
    sizes = np.maximum(volumes[traded] // SHARE, 1).repeat(SHARE)
    rows = np.zeros((prices.size + 1, EVENT_WIDTH), dtype=np.int64)
    rows[:-1, 0], rows[:, 1] = times.ravel(), QUOTE
    rows[:-1, 2], rows[:-1, 3] = np.maximum(prices - candles.tick, candles.tick), sizes
    rows[:-1, 4], rows[:-1, 5] = prices + candles.tick, sizes
    rows[-1] = rows[-2]
    rows[-1, 0] = candles.times[-1] + BAR_MS
    empty = memoryview(array("q"))
    return MarketTape(_spec(market, candles), memoryview(rows.reshape(-1)), empty, empty, empty, bar_ms=BAR_MS)


def _spec(market: str, candles: Candles) -> MarketSpec:
    return MarketSpec(
        market=market,
        category="crypto",
        price_decimals=candles.price_decimals,
        size_decimals=candles.size_decimals,
        tick=candles.tick,
        significant_figures=None,
        min_notional=MIN_NOTIONAL,
        max_leverage=REPLAY_MAX_LEVERAGE,
        maker_rate=MAKER_RATE,
        taker_rate=TAKER_RATE,
        funding_interval_hours=FUNDING_INTERVAL_HOURS,
    )

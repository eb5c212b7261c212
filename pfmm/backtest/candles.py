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
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pfmm.backtest.columns import numpy
from pfmm.errors import DataFileError, UnknownMarket
from pfmm.model.units import iso
from pfmm.paper.feeds.feed import QUOTE, MarketSpec
from pfmm.paper.feeds.replay_tape import EVENT_WIDTH, REPLAY_MAX_LEVERAGE, MarketTape
from pfmm.paper.instruments import FUNDING_INTERVAL_HOURS, MAKER_RATE, MIN_NOTIONAL, TAKER_RATE
from pfmm.tape.carriers import found_of
from pfmm.tape.events import Place, not_negative, positive
from pfmm.tape.fixed import decimals as decimals_of
from pfmm.tape.options import ReadOptions
from pfmm.tape.recognise import Found
from pfmm.tape.rows import Budget, Faults, newest_first, table_cells
from pfmm.tape.sources import Source, expand
from pfmm.tape.tables import RowReader

BAR_MS = 60_000
# when in its bar each price is shown: late enough that no order which was sent at the open arrives in between
SHOWN_MS = (0, 20_000, 40_000, 59_000)
SHARE = len(SHOWN_MS)  # of a bar's volume each of its quotes shows one part
SIZE_DECIMALS = 3
AMOUNT_DECIMALS = 8  # of a price and a size together
MOST_DECIMALS = AMOUNT_DECIMALS - SIZE_DECIMALS
SIGNIFICANT = 5  # of the lowest price, where more decimals than that are written


@dataclass(frozen=True, slots=True)
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


@dataclass(slots=True)
class _Bars:
    """Bars as they were read: when, open high low close, volume, and where they stand."""

    times: array[int]
    prices: list[tuple[Decimal, ...]]
    volumes: list[Decimal]
    places: list[Place]
    time_unit: str = "ms"
    notes: tuple[str, ...] = ()


def read_candles(files: Sequence[Path], market: str | None = None, options: ReadOptions | None = None) -> Candles:
    """Bars of `files`, in time order, as many decimals of price and volume as are written (see `_price_decimals`).

    Raises DataFileError, with file and line, for what makes no sense, UnknownMarket for bars of another market.
    """
    options = options or ReadOptions()
    faults = Faults(Budget(options.skip_bad))
    parts = [_bars(source, found_of(source, options.format), market, faults) for source in expand(files)]
    parts.sort(key=lambda part: part.times[0] if part.times else 0)
    bars = _Bars(array("q"), [], [], [])
    gaps, longest = 0, 0
    for part in parts:
        found = _join(bars, part)
        gaps, longest = gaps + found[0], max(longest, found[1])
    rows, volumes = bars.prices, bars.volumes
    named = ", ".join(map(str, files))
    if not rows:
        raise DataFileError(f"{named}: no candles")
    if gaps and gaps == len(rows) - 1:
        raise DataFileError(f"{files[0]}: no bar begins a minute after the one before it: not 1-minute candles")
    decimals, tick = _price_steps(rows, files, options.price_step)
    size_decimals = _size_decimals(volumes, decimals, options.size_step)
    lots = Decimal(10) ** size_decimals
    try:
        scaled = array("q", [round(price.scaleb(decimals)) for row in rows for price in row])
        traded = array("q", [int(volume * lots) for volume in volumes])
    except OverflowError as error:
        raise DataFileError(f"{named}: a price or volume is too large") from error
    if not any(traded):
        raise DataFileError(f"{named}: no bar has any volume")
    return Candles(
        bars.times, scaled, traded, decimals, size_decimals, gaps, longest, tick, parts[0].time_unit, faults.count,
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )  # fmt: skip


def _bars(source: Source, found: Found, market: str | None, faults: Faults) -> _Bars:
    table = found.table
    if table is None or table.holds != "candles":
        raise source.place.error(f"holds {found.format.says}, no candles")
    reader = RowReader(table, found.roles, "")
    bars = _Bars(array("q"), [], [], [])
    for place, cells in table_cells(source, found, faults):
        try:
            time_ms, prices, volume = _bar(reader, cells, place)
        except DataFileError as error:
            faults.pass_over(error)
            continue
        if market is not None and "symbol" in reader.at and reader.market_of(cells, place) != market:
            other = reader.market_of(cells, place)
            if bars.times:
                raise place.error(f"is of {other}, the rows before it are of {market}")
            raise UnknownMarket(
                f"{source.path}, line {place.line}: the data holds no {market}", hint=f"it holds {other}"
            )
        bars.times.append(time_ms)
        bars.prices.append(prices)
        bars.volumes.append(volume)
        bars.places.append(place)
    bars.time_unit = reader.clock.unit or "ms"
    bars.notes = tuple(note for note in (table.note, reader.trimmed.told) if note)
    if newest_first(bars.times):
        turned = bars.times[::-1], bars.prices[::-1], bars.volumes[::-1], bars.places[::-1]
        return _Bars(*turned, bars.time_unit, bars.notes)
    return bars


def _join(bars: _Bars, part: _Bars) -> tuple[int, int]:
    """Puts the bars of the next file behind those before; (gaps, longest gap in ms) between them."""
    gaps = longest = 0
    times = bars.times
    for time_ms, prices, volume, place in zip(part.times, part.prices, part.volumes, part.places, strict=True):
        if times:
            step = time_ms - times[-1]
            if step <= 0:
                raise place.error(f"the bar of {iso(time_ms)} is not after the bar before it, {iso(times[-1])}")
            if step < BAR_MS:
                raise place.error(f"the bar begins {step} ms after the one before it: not 1-minute candles")
            gaps += step > BAR_MS
            longest = max(longest, step)
        times.append(time_ms)
        bars.prices.append(prices)
        bars.volumes.append(volume)
    return gaps, longest


def _bar(reader: RowReader, cells: Sequence[str], place: Place) -> tuple[int, tuple[Decimal, ...], Decimal]:
    at = reader.at
    time_ms, _ = reader.clock.read(cells[at["time"]], reader.table.columns["time"][0], place)
    opened, high, low, closed = (positive(cells[at[name]], name, place) for name in ("open", "high", "low", "close"))
    volume = not_negative(cells[at["volume"]], "volume", place)
    for name in ("open", "high", "low", "close", "volume"):
        reader.trimmed.look(cells[at[name]])
    if high < max(opened, closed, low) or low > min(opened, closed):
        raise place.error(f"open {opened}, high {high}, low {low} and close {closed} contradict each other")
    return time_ms, (opened, high, low, closed), volume


def _price_steps(rows: Sequence[tuple[Decimal, ...]], files: Sequence[Path], stated: str | None) -> tuple[int, int]:
    """(decimals of a price, smallest change in units of the last of them): 0.5 stated for 64000.1 is (1, 5)."""
    decimals = _price_decimals(rows, files)
    if stated is None:
        return decimals, 1
    step = Decimal(stated)
    decimals = max(decimals, decimals_of(step))
    return decimals, int(step.scaleb(decimals))


def _size_decimals(volumes: Sequence[Decimal], price_decimals: int, stated: str | None) -> int:
    """As many as the volumes are written with, at least 3, and fewer where the price needs them: 0 at 0.00001234."""
    written = max(map(decimals_of, volumes)) if stated is None else decimals_of(Decimal(stated))
    least = SIZE_DECIMALS if stated is None else 0
    return min(max(least, written), AMOUNT_DECIMALS - price_decimals)


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


def candle_tape(candles: Candles, market: str) -> MarketTape:
    """The market that the bars make: their open, nearer extreme, further extreme and close, one quote each.

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

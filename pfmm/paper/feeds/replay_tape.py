"""The compact binary tape that a replay runs on: built once from data files, opened by memory map ever after.

A file is magic, header length, JSON header and one run of native int64. Each market has `events` of 6 numbers (time,
kind, then bid, bid_size, ask, ask_size of a quote or price, size, aggressor, 0 of a print), `blocks` of 2 (lowest and
highest price of 128 events), `depth` of 81 (time, then 20 bids and 20 asks as price and size, 0 where there are fewer)
and `funding` of 3 (settlement, rate in 1e-8 per its interval, interval in hours). The last event is at the end of the
data: where a market stayed as it was until then, it is the last quote once more. A tape is a cache named after its
input's content: never shipped, never repaired. Layer: paper.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from math import gcd
from pathlib import Path
from typing import Any

from pfmm.errors import ConfigError, DataFileError
from pfmm.model.market import Book, FundingRate, Level, Trade
from pfmm.model.quick import quick
from pfmm.paper.feeds.feed import NO_ASK, QUOTE, TRADE, MarketSpec, Settlement
from pfmm.paper.feeds.settlements import FUNDING_WIDTH, on_the_minute, packed
from pfmm.paper.instruments import FUNDING_INTERVAL_HOURS, MAKER_RATE, MIN_NOTIONAL, TAKER_RATE
from pfmm.store.files import make_private_folder, replacing
from pfmm.tape import Entry, ReadOptions, TapeEvent, TapeQuote, Units
from pfmm.tape.fixed import SCALE, Unfit, whole
from pfmm.tape.sources import expand

MAGIC = b"PFMMTAPE"
VERSION = 2
VERSION_1_FUNDING_WIDTH = 2  # a rate was for the market's interval
EVENT_WIDTH, BLOCK_WIDTH = 6, 2
BLOCK_EVENTS = 128
DEPTH_LEVELS = 20
DEPTH_WIDTH = 1 + 4 * DEPTH_LEVELS
REPLAY_MAX_LEVERAGE = 20
REBUILD = "delete it: it is built again from the data files"
Steps = tuple[Decimal | None, Decimal | None]  # of price and size
BuiltMarket = tuple[MarketSpec, dict[str, "array[int]"]]
WIDTHS = {"events": EVENT_WIDTH, "blocks": BLOCK_WIDTH, "depth": DEPTH_WIDTH, "funding": FUNDING_WIDTH}


@quick(frozen=True, slots=True)
class MarketTape:
    """One market of an open tape: its spec and its sections as flat views of int64.

    `bar_ms` is the length of the bars that its quotes were made from, 0 where they are ticks.
    """

    spec: MarketSpec
    events: memoryview
    blocks: memoryview
    depth: memoryview
    funding: memoryview
    venue: str | None = None  # where the data is from, as far as it says
    bar_ms: int = 0


def steps_of(options: ReadOptions) -> Steps:
    """Return the smallest change of a price and of a size that are stated for every market."""
    return (
        None if options.price_step is None else Decimal(options.price_step),
        None if options.size_step is None else Decimal(options.size_step),
    )


def build_markets(
    entries: Iterable[Entry], units: Mapping[str, Units], steps: Steps = (None, None)
) -> list[BuiltMarket]:
    """Build specs and sections of all markets among `entries`, to be written by write_tape; `units` may be filled while
    the entries are read, `steps` are stated for every market. Raises DataFileError for numbers that no tape can hold,
    and when there is no quote."""
    markets: dict[str, _Builder] = {}
    place = None
    files: dict[Path, None] = {}
    for place, event, _ in entries:
        files[place.path] = None
        builder = markets.get(event.market)
        if builder is None:
            builder = markets[event.market] = _Builder(event.market)
        try:
            builder.add(event)
        except Unfit as problem:
            raise place.error(str(problem)) from None
    where = ", ".join(map(str, files)) or "data"
    try:
        built = [builder.finish(units.get(name), steps) for name, builder in markets.items() if builder.quotes]
    except Unfit as problem:
        raise DataFileError(f"{where}: {problem}") from None
    if not built:
        raise DataFileError(f"{where}: no quotes, so there is no market: give a file of quotes beside it")
    return built


def open_numbers(path: Path) -> tuple[dict[str, Any], memoryview]:
    """Open a binary tape: its header, and its numbers, mapped; raises DataFileError when it is none, or damaged."""
    try:
        with path.open("rb") as stream:
            view = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise DataFileError(f"{path}: the tape cannot be opened: {error}", hint=REBUILD) from error
    try:
        if bytes(view[:8]) != MAGIC:
            raise ValueError("it is no pfmm tape")
        start = 16 + int.from_bytes(view[8:16], "little")
        header = json.loads(bytes(view[16:start]))
        version = header["version"]
        if version not in range(1, VERSION + 1):
            raise ValueError(f"it has version {version!r}, this pfmm reads 1 to {VERSION}")
        if header["byteorder"] != sys.byteorder:
            raise ValueError("it was built on another kind of machine")
        numbers = view[start:].cast("q")
        if len(numbers) != header["numbers"]:
            raise ValueError("it is cut")
        return header, numbers
    except (ValueError, KeyError, TypeError) as error:
        raise DataFileError(f"{path}: the tape is damaged: {error}", hint=REBUILD) from error


def open_tape(path: Path) -> dict[str, MarketTape]:
    """Open the markets of a binary tape; raises DataFileError when it is none, or damaged."""
    return markets_of(path, *open_numbers(path))


def markets_of(path: Path, header: Mapping[str, Any], numbers: memoryview) -> dict[str, MarketTape]:
    """Return the markets that an open tape holds; raises DataFileError where its header makes no sense."""
    try:
        version, venue = header["version"], header.get("venue")
        return {raw["spec"]["market"]: _open_market(raw, numbers, version, venue) for raw in header["markets"]}
    except (ValueError, KeyError, TypeError) as error:
        raise DataFileError(f"{path}: the tape is damaged: {error}", hint=REBUILD) from error


def tape_venue(path: Path) -> str | None:
    """Tell where the data of a tape is from, None where it does not say; raises DataFileError as open_tape does."""
    return next((tape.venue for tape in open_tape(path).values()), None)


def _open_market(raw: Mapping[str, dict[str, int]], numbers: memoryview, version: int, venue: str | None) -> MarketTape:
    sections = raw["sections"]
    views = {name: numbers[sections[name] : sections[name] + sections[name + "_length"]] for name in WIDTHS}
    spec = MarketSpec(**raw["spec"])  # type: ignore[arg-type]  # as written by write_tape
    if version == 1:
        pairs = views["funding"].tolist()
        times, rates = pairs[::VERSION_1_FUNDING_WIDTH], pairs[1::VERSION_1_FUNDING_WIDTH]
        rows = zip(times, rates, strict=True)
        views["funding"] = memoryview(packed(Settlement(at, rate, spec.funding_interval_hours) for at, rate in rows))
    return MarketTape(spec, views["events"], views["blocks"], views["depth"], views["funding"], venue)


def content_hash(files: Sequence[Path], kind: str = "") -> str:
    """Return the name of the tape that `files`, read as `kind`, make: a hash of their content."""
    digest = hashlib.sha256(f"pfmm tape {VERSION} of a venue {sys.byteorder}{kind}".encode())
    for path in dict.fromkeys(source.path for source in expand(files)):
        try:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise DataFileError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()[:32]


class _Builder:
    """Collects one market in 1e-8 and brings it to the market's own units at the end."""

    __slots__ = ("_depth", "_events", "_funding", "_last", "_last_ms", "_market", "_price_gcd", "_size_gcd", "quotes")

    def __init__(self, market: str) -> None:
        self._market = market
        self._events = array("q")
        self._depth = array("q")
        self._funding: dict[int, Settlement] = {}
        self._last_ms = 0
        self._last: tuple[int, int, int, int] | None = None
        self._price_gcd = self._size_gcd = 0
        self.quotes = 0

    def add(self, event: TapeEvent) -> None:
        if not isinstance(event, FundingRate):
            self._last_ms = event.time_ms
        match event:
            case TapeQuote():
                self._quote(event)
            case Trade():
                price, size = self._pair(event.price, event.size)
                self._events.extend((event.time_ms, TRADE, price, size, event.aggressor, 0))
            case Book():
                self._depth.append(event.time_ms)
                for side in (event.bids, event.asks):
                    self._depth.extend(self._levels(side))
            case FundingRate():
                if abs(event.rate) >= 1:
                    raise Unfit(f"rate {event.rate:f} must be a fraction between -1 and 1: 0.0001 is 1 bp")
                # a recording states the indicated rate first: a later line for the same settlement replaces it
                due_ms = on_the_minute(event.time_ms)
                self._funding[due_ms] = Settlement(due_ms, round(event.rate.scaleb(SCALE)), event.interval_hours)

    def _quote(self, quote: TapeQuote) -> None:
        if quote.crossed:
            return
        bid, bid_size = (0, 0) if quote.bid is None else self._pair(quote.bid, quote.bid_size)
        ask, ask_size = (0, 0) if quote.ask is None else self._pair(quote.ask, quote.ask_size)
        now = (bid, bid_size, ask, ask_size)
        if self._last is None and not bid and not ask:
            return  # nothing was quoted yet: a market begins with its first price, which is its first mark
        if now != self._last:
            self._last = now
            self._events.extend((quote.time_ms, QUOTE, *now))
            self.quotes += 1

    def _levels(self, side: tuple[Level, ...]) -> list[int]:
        found: list[int] = []
        for level in side[:DEPTH_LEVELS]:
            found += self._pair(level.price, level.size)
        return found + [0] * (2 * DEPTH_LEVELS - len(found))

    def _pair(self, price: Decimal, size: Decimal) -> tuple[int, int]:
        price_whole, size_whole = whole(price), whole(size)
        self._price_gcd = gcd(self._price_gcd, price_whole)
        self._size_gcd = gcd(self._size_gcd, size_whole)
        return price_whole, size_whole

    def finish(self, stated: Units | None, steps: Steps) -> tuple[MarketSpec, dict[str, array[int]]]:
        """Return the spec, and the sections in the market's own units."""
        if self._last is not None and self._events[-EVENT_WIDTH] < self._last_ms:
            self._events.extend((self._last_ms, QUOTE, *self._last))  # the market was there, and stayed as it was
        price_step, size_step, tick = fitted_steps(self._price_gcd, self._size_gcd, stated, steps)
        funding = packed(self._funding.values())
        spec = spec_of(self._market, (price_step, size_step, tick), stated, funding)
        events = self._scaled_events(price_step, size_step)
        depth = self._scaled_depth(price_step, size_step)
        return spec, {"events": events, "blocks": extremes_of(events), "depth": depth, "funding": funding}

    def _scaled_events(self, price_step: int, size_step: int) -> array[int]:
        events = self._events
        for at in range(0, len(events), EVENT_WIDTH):
            events[at + 2] //= price_step
            events[at + 3] //= size_step
            if events[at + 1] == QUOTE:
                events[at + 4] //= price_step
                events[at + 5] //= size_step
        return events

    def _scaled_depth(self, price_step: int, size_step: int) -> array[int]:
        depth = self._depth
        for row in range(0, len(depth), DEPTH_WIDTH):
            for at in range(row + 1, row + DEPTH_WIDTH, 2):
                depth[at] //= price_step
                depth[at + 1] //= size_step
        return depth


def spec_of(market: str, steps: tuple[int, int, int], stated: Units | None, funding: Sequence[int]) -> MarketSpec:
    """Describe a market whose price unit and size step, in 1e-8, and tick in price units are `steps`. Raises Unfit
    where a price and a size together need more than 8 decimals."""
    price_step, size_step, tick = steps
    price_decimals, size_decimals = SCALE + 1 - len(str(price_step)), SCALE + 1 - len(str(size_step))
    if price_decimals + size_decimals > SCALE:
        raise Unfit(f"{market}: {price_decimals} price and {size_decimals} size decimals are more than {SCALE}")
    return MarketSpec(
        market=market,
        category="crypto",
        price_decimals=price_decimals,
        size_decimals=size_decimals,
        tick=tick,
        significant_figures=None if stated is None else stated.significant_figures,
        min_notional=MIN_NOTIONAL,
        max_leverage=REPLAY_MAX_LEVERAGE,
        maker_rate=MAKER_RATE,
        taker_rate=TAKER_RATE,
        funding_interval_hours=interval_hours_of(funding),
    )


def fitted_steps(price_gcd: int, size_gcd: int, stated: Units | None, steps: Steps) -> tuple[int, int, int]:
    """Work out (price unit, size step, tick in price units), the first two in 1e-8: what the data shows, what its
    header states where the data lies on it, what the options state.

    Prices that are multiples of 0.1 with a stated step of 0.5 have the unit 0.1 and a tick of 5.
    """
    price_step, size_step, tick = _decimal_step(price_gcd), _decimal_step(size_gcd), 1
    if stated is not None:
        unit, step = whole(stated.price_unit), whole(stated.size_step)
        if price_gcd % unit == 0:
            price_step = _decimal_step(unit)
            tick = unit // price_step
        size_step = min(size_step, _decimal_step(step))
    if steps[0] is not None:
        unit = whole(steps[0])
        price_step = _decimal_step(gcd(price_gcd, unit))
        tick = unit // price_step
    if steps[1] is not None:
        step = whole(steps[1])
        if _decimal_step(step) != step:
            raise Unfit(f"the size step {steps[1]} must be a power of ten, such as 0.001")
        if size_gcd % step:
            raise Unfit(f"the size step {steps[1]} is coarser than the sizes in the data")
        size_step = step
    return price_step, size_step, tick


def interval_hours_of(funding: Sequence[int]) -> int:
    """Tell how often a market settles, by its newest settlement; every 8 h where none is recorded."""
    return funding[-1] if funding else FUNDING_INTERVAL_HOURS


def _decimal_step(step: int) -> int:
    """Find the largest power of ten that divides `step`, at most 1e8: 50_000_000 gives 10_000_000."""
    power = 1
    while power < 10**SCALE and step % (power * 10) == 0:
        power *= 10
    return power


def extremes_of(events: array[int]) -> array[int]:
    """Find lowest and highest price that could matter in each run of 128 events; an absent ask is infinitely high."""
    found = array("q")
    for start in range(0, len(events), BLOCK_EVENTS * EVENT_WIDTH):
        low, high = NO_ASK, 0
        for at in range(start, min(start + BLOCK_EVENTS * EVENT_WIDTH, len(events)), EVENT_WIDTH):
            lower = events[at + 2]
            upper = lower if events[at + 1] == TRADE else events[at + 4] or NO_ASK
            low, high = min(low, lower), max(high, upper)
        found.extend((low, high))
    return found


def write_tape(path: Path, built: Sequence[BuiltMarket], venue: str | None = None) -> None:
    """Write the tape beside its place and move it there whole, so that nobody ever opens half a tape."""
    numbers = array("q")
    markets = []
    for spec, sections in built:
        where: dict[str, int] = {}
        for name, section in sections.items():
            where[name], where[name + "_length"] = len(numbers), len(section)
            numbers.extend(section)
        markets.append({"spec": asdict(spec), "sections": where})
    header: dict[str, object] = {"version": VERSION, "byteorder": sys.byteorder, "numbers": len(numbers)}
    header |= {"markets": markets} if venue is None else {"markets": markets, "venue": venue}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    try:
        make_private_folder(path.parent)
        with replacing(path) as stream:
            stream.write(MAGIC + len(text).to_bytes(8, "little") + text)
            numbers.tofile(stream)
    except OSError as error:
        raise ConfigError(f"{path.parent}: the tape cannot be written: {error.strerror}") from error

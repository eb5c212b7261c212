"""What is in some data files: spans, counts, holes and oddities, market by market. Reads, never repairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pfmm.model.market import Book, FundingRate, Trade
from pfmm.tape.events import Entry, TapeEvent, TapeQuote
from pfmm.tape.native import Units
from pfmm.tape.options import ReadOptions
from pfmm.tape.reading import TapeReader

SILENCE_MS = 5_000  # a longer silence is a gap: the busy markets recorded so far never paused for 1.5 s


@dataclass(slots=True)
class MarketSummary:
    """One market of a tape. Times are ms since 1970; `gaps` counts silences over 5 s; `crossed` quotes have the bid
    at or above the ask; `repeated` quotes say nothing new. Units are the finest steps seen, or those stated."""

    market: str
    first_ms: int = 0
    last_ms: int = 0
    quotes: int = 0
    trades: int = 0
    depths: int = 0
    funding: int = 0
    gaps: int = 0
    longest_silence_ms: int = 0
    crossed: int = 0
    repeated: int = 0
    price_decimals: int = 0
    size_decimals: int = 0
    last_quote: TapeQuote | None = None

    @property
    def units(self) -> Units:
        """The finest price and size steps seen: 1 and 3 decimals are 0.1 USD and 0.001."""
        return Units(Decimal(1).scaleb(-self.price_decimals), Decimal(1).scaleb(-self.size_decimals))

    def add(self, event: TapeEvent) -> None:
        """Counts one event."""
        if isinstance(event, FundingRate):
            self.funding += 1
            return
        self._time(event.time_ms)
        if isinstance(event, Trade):
            self.trades += 1
            self._decimals(event.price, event.size)
        elif isinstance(event, Book):
            self.depths += 1
        else:
            self._quote(event)

    def _time(self, time_ms: int) -> None:
        if not self.first_ms:
            self.first_ms = self.last_ms = time_ms
        silence = time_ms - self.last_ms
        self.gaps += silence > SILENCE_MS
        self.longest_silence_ms = max(self.longest_silence_ms, silence)
        self.last_ms = time_ms

    def _quote(self, quote: TapeQuote) -> None:
        self.quotes += 1
        self.crossed += quote.crossed
        last = self.last_quote
        self.repeated += last is not None and last[2:] == quote[2:]
        self.last_quote = quote
        if quote.bid is not None:
            self._decimals(quote.bid, quote.bid_size)
        if quote.ask is not None:
            self._decimals(quote.ask, quote.ask_size)

    def _decimals(self, price: Decimal, size: Decimal) -> None:
        self.price_decimals = max(self.price_decimals, decimals(price))
        self.size_decimals = max(self.size_decimals, decimals(size))


@dataclass(frozen=True, slots=True)
class TapeDescription:
    """The markets of a set of files, and what was left out while reading: repeated prints, and lines of streams that
    carry nothing the project uses."""

    files: tuple[Path, ...]
    markets: tuple[MarketSummary, ...]
    duplicate_trades: int
    skipped_lines: int
    time_units: tuple[str, ...] = ()
    bad_rows: int = 0
    bad_examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def span(self) -> tuple[int, int]:
        """First and last time of any quote, print or book, ms since 1970; (0, 0) where there is only funding."""
        times = [(m.first_ms, m.last_ms) for m in self.markets if m.first_ms]
        return min((first for first, _ in times), default=0), max((last for _, last in times), default=0)


def describe(
    files: Sequence[Path],
    take: Callable[[Iterable[Entry], Mapping[str, Units]], object],
    options: ReadOptions | None = None,
) -> TapeDescription:
    """Reads all of `files` and sums them up; raises DataFileError for what cannot be read. `take` is who reads them:
    it gets the entries and the stated units, and what it refuses is raised."""
    reader = TapeReader(options)
    markets: dict[str, MarketSummary] = {}
    take(counted(reader.entries(files), markets), reader.units)
    return TapeDescription(
        tuple(files),
        tuple(markets.values()),
        reader.duplicates,
        reader.skipped,
        reader.time_units,
        reader.faults.count,
        tuple(reader.faults.examples),
        reader.notes,
    )


def counted(entries: Iterable[Entry], markets: dict[str, MarketSummary]) -> Iterator[Entry]:
    """The same entries, each counted in `markets` as it passes."""
    for entry in entries:
        event = entry.event
        summary = markets.get(event.market)
        if summary is None:
            summary = markets[event.market] = MarketSummary(event.market)
        summary.add(event)
        yield entry


def decimals(number: Decimal) -> int:
    """How many decimals a number needs: 63943.90 needs 1, 570 needs 0."""
    exponent = number.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0

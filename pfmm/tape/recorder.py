"""Turns what a venue shows, look by look, into events in their places, and into the lines of a tape. Layer: tape.

A look reads all tickers first, then prints and books, so that everything up to a ticker's time is known when its quote
takes its place; what is newer waits for the next look. A print that is learned late takes its place when it is learned.
Where a source cannot show every print since the last look, the time between is a gap. The live market of the paper
exchange and `pfmm record` use the same looks, so that a recording fills as the live market did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from pfmm.errors import BadVenueData, PfmmError, UnknownMarket
from pfmm.model.market import Book, FundingRate, Instrument, Ticker, Trade
from pfmm.ports import TRADES_PAGE
from pfmm.tape.events import TOLERANCE_MS, Gap, Placed, TapeEvent, TapeQuote
from pfmm.tape.native import Units, header_line, placed_line
from pfmm.tape.seen import SeenIds

LONGEST_STEP_BACK_MS = 60_000
OUT_OF_SIGHT_MS = 5_000  # after a look that failed: what was made in a longer time without one counts for nothing
INDICATED_EVERY_MS = 60_000  # how often an estimate of the next funding rate is noted, at most


class Source(Protocol):
    """The public data of one venue, as a look needs it."""

    name: str

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[Ticker, ...]: ...

    def book(self, market: str, depth: int) -> Book: ...

    def trades(self, market: str, since_ms: int) -> Sequence[Trade]: ...

    def funding_rates(self, market: str, since_ms: int) -> tuple[FundingRate, ...]: ...


class Continuity(Protocol):
    """How a source that shows only its newest prints tells whether any may be missing. Its prints have ids."""

    late_ms: int  # how long after its time a print may still come out

    def known_from(self, market: str) -> int | None:
        """Return the venue time from which on the newest answer holds every print; None where it lacks none at all."""
        ...


class TimeWentBack(BadVenueData):
    """The venue's clock has gone back by more than a minute: what it shows now is another market."""


@dataclass(slots=True)
class Counts:
    """What was written so far. `late` events came too far behind the newest one of their market: prints among them
    took their place when they were learned, quotes and books were left out. `missed` prints were made in a gap."""

    quotes: int = 0
    trades: int = 0
    depths: int = 0
    funding: int = 0
    late: int = 0
    gaps: int = 0
    missed: int = 0


@dataclass(slots=True)
class _Market:
    """What is known of one market: prints up to `seen_ms` (with those at that very ms), when it was looked at last,
    and what waits."""

    seen_ms: int
    start_ms: int
    looked_ms: int
    seen: list[Trade] = field(default_factory=list)
    waiting: list[TapeEvent] = field(default_factory=list)
    missed: list[Trade] = field(default_factory=list)
    gap: Gap | None = None
    written_ms: int = 0
    quote: TapeQuote | None = None
    book: Book | None = None
    funding: Ticker | None = None
    indicated_ms: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What one look brought: the venue's time, the events that took their places, markets one after the other, and the
    markets that were seen: of those that were asked for, one that the venue took off its list is not."""

    time_ms: int
    placed: tuple[Placed, ...]
    markets: tuple[str, ...]


class Recorder:
    """Follows `instruments` of one source. `depth` is the number of book levels a side, 0 for none; `continuity` tells
    of prints that a source does not show any more (None: it shows them all, page by page)."""

    def __init__(
        self, source: Source, instruments: Sequence[Instrument], *, depth: int, continuity: Continuity | None = None
    ) -> None:
        self._source = source
        self._units = {
            one.market: Units(one.price_rule.unit, one.size_step, one.price_rule.significant_figures)
            for one in instruments
        }
        self._depth = depth
        self._continuity = continuity
        self._markets: dict[str, _Market] = {}
        self._ids = SeenIds()
        self._failed = False  # since the last look that brought something
        self._through_ms = 0  # the venue's time at the last look: what comes later takes its place after it
        self.counts = Counts()

    @property
    def venue(self) -> str:
        """The name of the venue that is recorded."""
        return self._source.name

    @property
    def units(self) -> Mapping[str, Units]:
        """The steps of every market."""
        return self._units

    def header(self) -> str:
        """Return the first line of the tape."""
        return header_line(self._units, self._source.name)

    def resume(
        self, market: str, looked_ms: int, prints: Iterable[tuple[str, int]], newest: Iterable[Trade] = ()
    ) -> None:
        """Go on where another one stopped that had looked at the market until `looked_ms`.

        `prints` are the ids and times of what it saw last; of a source without ids, `newest` are the prints of the last
        millisecond. They count no more, and what was made meanwhile is looked for. Takes nothing back that is known.
        """
        state = self._markets.setdefault(market, _Market(looked_ms, looked_ms, looked_ms))
        state.looked_ms = max(state.looked_ms, looked_ms)
        state.written_ms = max(state.written_ms, looked_ms)
        self._through_ms = max(self._through_ms, looked_ms)
        for name, time_ms in prints:
            self._ids.again(market, name)
            state.seen_ms = max(state.seen_ms, time_ms)
        known = list(newest)
        if known and known[0].time_ms >= state.seen_ms:
            state.seen_ms, state.seen = known[0].time_ms, known

    def begin_file(self) -> str:
        """Return the header of a new file; what stands on screen is written to it again at the next look."""
        for state in self._markets.values():
            state.quote = state.book = state.funding = None
        return self.header()

    def poll(self) -> tuple[int, str]:
        """Look at every market once; return (venue time, the lines that are ready). See `look`."""
        found = self.look(list(self._units))
        return found.time_ms, "".join(map(placed_line, found.placed))

    def look(self, markets: Sequence[str]) -> Look:
        """Look at `markets` once.

        It takes one request for all tickers, one a market for prints and, with a depth, one for the book.

        Raises what the source's reads raise; what was read before that is not lost, the next look brings it. Raises
        TimeWentBack when the venue's clock has gone back by more than a minute.
        """
        try:
            tickers = self._looked_at(markets)
        except PfmmError:
            self._failed = True
            raise
        self._failed = False
        placed = [one for ticker in tickers for one in self._ready(self._markets[ticker.market], ticker.time_ms)]
        self._through_ms = max(self._through_ms, *(ticker.time_ms for ticker in tickers))
        return Look(self._through_ms, tuple(placed), tuple(ticker.market for ticker in tickers))

    def _looked_at(self, markets: Sequence[str]) -> tuple[Ticker, ...]:
        tickers = self._listed(markets)
        for ticker in tickers:
            self._note(ticker)
        for ticker in tickers:
            market, state = ticker.market, self._markets[ticker.market]
            if self._continuity is None:
                self._read_trades(market, state)
            else:
                self._read_newest(ticker, state, self._continuity)
            if self._depth:
                book = self._source.book(market, self._depth)
                if book != state.book:
                    state.waiting.append(book)
                    state.book = book
            state.looked_ms = max(state.looked_ms, ticker.time_ms)
        return tickers

    def _listed(self, markets: Sequence[str]) -> tuple[Ticker, ...]:
        """Read the tickers of the markets that the venue still lists.

        Raises UnknownMarket where it lists none of them.
        """
        try:
            return self._source.tickers(markets)
        except UnknownMarket as error:
            left = [market for market in markets if market not in error.markets]
            if not left or len(left) == len(markets):
                raise
        return self._source.tickers(left)

    def rest(self) -> str:
        """Return the lines that still wait, for the end of the recording."""
        return "".join(placed_line(one) for state in self._markets.values() for one in self._ready(state, None))

    def _note(self, ticker: Ticker) -> None:
        now_ms = ticker.time_ms
        state = self._markets.setdefault(ticker.market, _Market(now_ms, now_ms, now_ms))
        if now_ms < state.written_ms - LONGEST_STEP_BACK_MS:
            raise TimeWentBack(
                f"{ticker.market}: the venue's time went back from {state.written_ms} to {now_ms}",
                hint="the market was switched; record it to a new file",
            )
        quote = TapeQuote(
            ticker.market,
            now_ms,
            ticker.bid,
            Decimal(0) if ticker.bid is None else ticker.bid_size or Decimal(0),
            ticker.ask,
            Decimal(0) if ticker.ask is None else ticker.ask_size or Decimal(0),
        )
        if quote != state.quote:
            state.waiting.append(quote)
            state.quote = quote
        self._note_funding(state, ticker)

    def _note_funding(self, state: _Market, ticker: Ticker) -> None:
        """Note the indicated rate when a settlement first comes in sight, and the settled one once it has passed.

        An estimate is noted whenever it has changed, at most once a minute. A later line for the same settlement
        replaces the earlier.
        """
        if ticker.funding_rate is None or ticker.next_funding_ms is None:
            return
        if ticker.funding_estimated and self._continuity is None:
            return
        before = state.funding
        if before is not None and before.next_funding_ms == ticker.next_funding_ms:
            early = ticker.time_ms - state.indicated_ms < INDICATED_EVERY_MS
            if not ticker.funding_estimated or early or before.funding_rate == ticker.funding_rate:
                return
        elif before is not None and before.next_funding_ms is not None:
            state.waiting += self._source.funding_rates(ticker.market, before.next_funding_ms - 1)
        state.waiting.append(
            FundingRate(ticker.market, ticker.next_funding_ms, ticker.funding_rate, ticker.funding_interval_hours)
        )
        state.funding, state.indicated_ms = ticker, ticker.time_ms

    def _read_newest(self, ticker: Ticker, state: _Market, continuity: Continuity) -> None:
        """Read the prints not seen before, by their ids, of a source that keeps only its newest ones.

        Where its answer neither reaches back to the last look nor holds a print that was known, prints may be missing.
        After looks that failed the market was out of sight, and time went on without it.
        """
        market = ticker.market
        answer = self._source.trades(market, min(state.seen_ms, state.looked_ms) - continuity.late_ms)
        fresh = [one for one in answer if not self._ids.again(market, one.trade_id)]
        known_from = continuity.known_from(market)
        reaches = known_from is None or known_from <= state.looked_ms or len(fresh) < len(answer)
        if self._failed and ticker.time_ms - state.looked_ms > OUT_OF_SIGHT_MS:
            state.gap = Gap(market, state.looked_ms, ticker.time_ms)
        elif not reaches and known_from is not None:
            state.gap = Gap(market, state.looked_ms, known_from)
        for one in fresh:
            if one.time_ms < state.start_ms:
                continue
            within = state.gap is not None and state.gap.time_ms < one.time_ms < state.gap.until_ms
            (state.missed if within else state.waiting).append(one)
            state.seen_ms = max(state.seen_ms, one.time_ms)

    def _read_trades(self, market: str, state: _Market) -> None:
        """Read every print since the last look, page by page.

        What one page brought waits, whether or not the next one is answered. The ms of the newest print seen is read
        again, since more may have been printed in it; those already seen are taken out, one for one. No page shows more
        of a ms than it holds: then the next ms follows.
        """
        while True:
            page = self._source.trades(market, state.seen_ms - 1)
            seen = Counter(state.seen)
            fresh = []
            for trade in page:
                if trade.time_ms < state.seen_ms:
                    continue
                if seen[trade] > 0:
                    seen[trade] -= 1
                else:
                    fresh.append(trade)
            if fresh:
                state.waiting += fresh
                newest_ms = max(trade.time_ms for trade in fresh)
                kept = state.seen if newest_ms == state.seen_ms else []
                state.seen = [*kept, *(trade for trade in fresh if trade.time_ms == newest_ms)]
                state.seen_ms = newest_ms
            elif len(page) >= TRADES_PAGE:
                state.seen, state.seen_ms = [], state.seen_ms + 1
            if len(page) < TRADES_PAGE:
                return

    def _ready(self, state: _Market, until_ms: int | None) -> list[Placed]:
        """Return what waits up to `until_ms` (None: all of it), each in its place.

        The order is a gap, what was made in it, then the rest by time, prints before quotes.
        """
        now: list[TapeEvent] = []
        later: list[TapeEvent] = []
        for event in state.waiting:
            due = until_ms is None or isinstance(event, FundingRate) or event.time_ms <= until_ms
            (now if due else later).append(event)
        state.waiting = later
        found: list[Placed] = []
        if state.gap is not None:
            self.counts.gaps += 1
            found.append(Placed(state.gap, state.gap.time_ms))
            found += [self._missed(one) for one in sorted(state.missed, key=_order)]
            state.gap, state.missed = None, []
        placed = (self._placed(state, event) for event in sorted(now, key=_order))
        return [*found, *(one for one in placed if one is not None)]

    def _missed(self, trade: Trade) -> Placed:
        self.counts.missed += 1
        return Placed(trade, trade.time_ms, missed=True)

    def _placed(self, state: _Market, event: TapeEvent) -> Placed | None:
        """Put the event in its place; None for a quote or a book that is older than what stands there already."""
        if isinstance(event, FundingRate):
            self.counts.funding += 1
            return Placed(event, event.time_ms)
        made_ms = event.time_ms
        floor_ms = state.written_ms - TOLERANCE_MS if self._continuity is None else self._through_ms + 1
        if made_ms < floor_ms:
            self.counts.late += 1
            if not isinstance(event, Trade) and made_ms < state.written_ms - TOLERANCE_MS:
                return None
            event = replace_time(event, max(floor_ms, state.written_ms))
        state.written_ms = max(state.written_ms, event.time_ms)
        if isinstance(event, Trade):
            self.counts.trades += 1
        elif isinstance(event, TapeQuote):
            self.counts.quotes += 1
        else:
            self.counts.depths += 1
        return Placed(event, made_ms)


def replace_time(event: TapeEvent, time_ms: int) -> TapeEvent:
    """Return the same event at another time."""
    return event._replace(time_ms=time_ms) if isinstance(event, TapeQuote) else replace(event, time_ms=time_ms)


def _order(event: TapeEvent) -> tuple[bool, int, int]:
    """Return a key that sorts funding first, as it was learned; the rest by time, prints, quotes, books."""
    if isinstance(event, FundingRate):
        return False, 0, 0
    return True, event.time_ms, 0 if isinstance(event, Trade) else 1 if isinstance(event, TapeQuote) else 2

"""Turns what a venue shows, poll by poll, into the lines of a tape that the tape reader accepts.

A poll reads all tickers first, then prints and books, so that everything up to a ticker's time is known when its quote
is written; what is newer waits for the next poll. Knows no file, no terminal and no wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from pfmm.errors import BadVenueData
from pfmm.model.market import Book, FundingRate, Instrument, Ticker, Trade
from pfmm.ports import TRADES_PAGE, Venue
from pfmm.tape import TOLERANCE_MS, TapeEvent, TapeQuote, Units
from pfmm.tape.native import event_line, header_line

LONGEST_STEP_BACK_MS = 60_000


class TimeWentBack(BadVenueData):
    """The venue's clock has gone back by more than a minute: what it shows now is another market."""


@dataclass(slots=True)
class Counts:
    """What was written so far; `late` events came too far behind the newest one of their market and were left out."""

    quotes: int = 0
    trades: int = 0
    depths: int = 0
    funding: int = 0
    late: int = 0


@dataclass(slots=True)
class _Market:
    """What is known of one market: prints up to `seen_ms` (with those at that very ms), and what waits."""

    seen_ms: int
    seen: list[Trade] = field(default_factory=list)
    waiting: list[TapeEvent] = field(default_factory=list)
    written_ms: int = 0
    quote: TapeQuote | None = None
    book: Book | None = None
    funding: Ticker | None = None


class Recorder:
    """Records `instruments` of one venue. `depth` is the number of book levels a side, 0 for none."""

    def __init__(self, venue: Venue, instruments: Sequence[Instrument], *, depth: int) -> None:
        self._venue = venue
        self._units = {
            one.market: Units(one.price_rule.unit, one.size_step, one.price_rule.significant_figures)
            for one in instruments
        }
        self._depth = depth
        self._markets: dict[str, _Market] = {}
        self.counts = Counts()

    @property
    def units(self) -> Mapping[str, Units]:
        """The steps of every recorded market."""
        return self._units

    def header(self) -> str:
        """The first line of the tape."""
        return header_line(self._units, self._venue.name)

    def poll(self) -> tuple[int, str]:
        """Reads every market once: (venue time, the lines that are ready). One request for all tickers, one a market
        for prints and, with a depth, one for the book.

        Raises what the venue's reads raise; what was read before that is not lost, the next poll writes it. Raises
        TimeWentBack when the venue's clock has gone back by more than a minute.
        """
        tickers = self._venue.tickers(list(self._units))
        for ticker in tickers:
            self._note(ticker)
        for market, state in self._markets.items():
            self._read_trades(market, state)
            if self._depth:
                book = self._venue.book(market, self._depth)
                if book != state.book:
                    state.waiting.append(book)
                    state.book = book
        lines = [self._ready(self._markets[ticker.market], ticker.time_ms) for ticker in tickers]
        return max(ticker.time_ms for ticker in tickers), "".join(lines)

    def rest(self) -> str:
        """The lines that still wait, for the end of the recording."""
        return "".join(self._ready(state, None) for state in self._markets.values())

    def _note(self, ticker: Ticker) -> None:
        state = self._markets.setdefault(ticker.market, _Market(ticker.time_ms))
        if ticker.time_ms < state.written_ms - LONGEST_STEP_BACK_MS:
            raise TimeWentBack(
                f"{ticker.market}: the venue's time went back from {state.written_ms} to {ticker.time_ms}",
                hint="the market was switched; record it to a new file",
            )
        quote = TapeQuote(
            ticker.market,
            ticker.time_ms,
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
        """The indicated rate when a settlement first comes in sight, and the settled one once it has passed: a later
        line for the same settlement replaces the earlier."""
        if ticker.funding_rate is None or ticker.next_funding_ms is None or ticker.funding_estimated:
            return
        before = state.funding
        if before is not None and before.next_funding_ms == ticker.next_funding_ms:
            return
        if before is not None and before.next_funding_ms is not None:
            state.waiting += self._venue.funding_rates(ticker.market, before.next_funding_ms - 1)
        state.waiting.append(
            FundingRate(ticker.market, ticker.next_funding_ms, ticker.funding_rate, ticker.funding_interval_hours)
        )
        state.funding = ticker

    def _read_trades(self, market: str, state: _Market) -> None:
        """Every print since the last poll, page by page: what one page brought waits, whether or not the next one is
        answered. The ms of the newest print seen is read again, since more may have been printed in it; those already
        seen are taken out, one for one. No page shows more of a ms than it holds: then the next ms follows."""
        while True:
            page = self._venue.trades(market, state.seen_ms - 1)
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

    def _ready(self, state: _Market, until_ms: int | None) -> str:
        """The lines of what waits up to `until_ms` (None: all of it), in time order, prints before quotes."""
        now: list[TapeEvent] = []
        later: list[TapeEvent] = []
        for event in state.waiting:
            due = until_ms is None or isinstance(event, FundingRate) or event.time_ms <= until_ms
            (now if due else later).append(event)
        state.waiting = later
        return "".join(self._line(state, event) for event in sorted(now, key=_order))

    def _line(self, state: _Market, event: TapeEvent) -> str:
        if isinstance(event, FundingRate):
            self.counts.funding += 1
            return event_line(event)
        if event.time_ms < state.written_ms - TOLERANCE_MS:
            self.counts.late += 1
            return ""
        state.written_ms = max(state.written_ms, event.time_ms)
        if isinstance(event, Trade):
            self.counts.trades += 1
        elif isinstance(event, TapeQuote):
            self.counts.quotes += 1
        else:
            self.counts.depths += 1
        return event_line(event)


def _order(event: TapeEvent) -> tuple[bool, int, int]:
    """Funding first, in the order in which it was learned; the rest by time, prints, quotes, books."""
    if isinstance(event, FundingRate):
        return False, 0, 0
    return True, event.time_ms, 0 if isinstance(event, Trade) else 1 if isinstance(event, TapeQuote) else 2

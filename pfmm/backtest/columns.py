"""A recorded market as NumPy columns, and the two ways through it: every event, or only those that can matter.

Both are feeds of the paper exchange's own kind, so that matching, funding and marks are the very same code. Knows
tapes and prices; must not know orders, strategies or decisions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pfmm.errors import ConfigError
from pfmm.paper.feed import QUOTE, TRADE, Event, Quote, QuoteEvent, TradeEvent, Watch
from pfmm.paper.replay import ReplayFeed
from pfmm.paper.tapefile import EVENT_WIDTH, FUNDING_WIDTH, NO_ASK, MarketTape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FIRST_CHUNK, LARGEST_CHUNK = 256, 65_536
REPLAY_BLOCK = 4_096


def numpy() -> Any:
    """The NumPy module; ConfigError naming the extra where it is not installed."""
    try:
        import numpy as np
    except ImportError as error:
        raise ConfigError("a backtest needs NumPy", hint="pip install 'pfmm[backtest]'") from error
    return np


class Columns:
    """One market's events by column, in the market's integer units.

    `low` and `high` are what the Watch condition compares: bid and ask of a quote (an absent side is beyond every
    price), the price of a print twice. `quote_*` are the quotes alone.
    """

    def __init__(self, tape: MarketTape) -> None:
        np = numpy()
        rows = np.frombuffer(tape.events, dtype=np.int64).reshape(-1, EVENT_WIDTH)
        self.tape = tape
        self.rows: Ints = rows
        self.low: Ints
        self.times: Ints = np.ascontiguousarray(rows[:, 0])
        kinds, self.low = np.ascontiguousarray(rows[:, 1]), np.ascontiguousarray(rows[:, 2])
        self.quote_rows: Ints = (kinds == QUOTE).nonzero()[0]
        asks = rows[self.quote_rows, 4]
        asks[asks == 0] = NO_ASK
        self.high: Ints = self.low.copy()
        self.high[self.quote_rows] = asks
        self.quote_times: Ints = self.times[self.quote_rows]
        # for a decision a side that shows no size is absent too
        self.quote_bids: Ints = self.low[self.quote_rows]
        self.quote_bids[rows[self.quote_rows, 3] <= 0] = 0
        self.quote_asks: Ints = asks.copy()
        self.quote_asks[rows[self.quote_rows, 5] <= 0] = NO_ASK

    def __len__(self) -> int:
        return len(self.times)

    def after(self, time_ms: int) -> int:
        """The index of the first event after `time_ms`."""
        return int(self.times.searchsorted(time_ms, side="right"))

    def quotes_after(self, time_ms: int) -> int:
        """The index, among the quotes, of the first one after `time_ms`."""
        return int(self.quote_times.searchsorted(time_ms, side="right"))

    def first_touch(self, after_ms: int, to_ms: int, best_bid: int, best_ask: int) -> int:
        """The time of the first event with after_ms < time <= to_ms that satisfies the Watch condition, else to_ms."""
        hits = self._touches(self.after(after_ms), self.after(to_ms), best_bid, best_ask)
        first = next(hits, None)
        return to_ms if first is None else int(self.times[first[0]])

    def _touches(self, start: int, end: int, best_bid: int, best_ask: int) -> Iterator[list[int]]:
        """Indices of events at or beyond the watched prices, a chunk at a time; chunks without any are left out."""
        ask = best_ask or NO_ASK + 0
        watch_ask = bool(best_ask)
        size = FIRST_CHUNK
        while start < end:
            stop = min(start + size, end)
            mask = self.low[start:stop] <= best_bid if best_bid else None
            if watch_ask:
                above = self.high[start:stop] >= ask
                mask = above if mask is None else mask | above
            if mask is None:
                return
            found = mask.nonzero()[0]
            if len(found):
                yield (found + start).tolist()
                size = FIRST_CHUNK
            else:
                size = min(size * 4, LARGEST_CHUNK)
            start = stop

    def first_quote_beyond(self, after_ms: int, to_ms: int, band: tuple[int, int, int, int]) -> int:
        """The time of the first quote with after_ms < time <= to_ms that leaves the band, else to_ms.

        The band is (bid_above, bid_below, ask_above, ask_below), open on all sides, in price units.
        """
        bid_above, bid_below, ask_above, ask_below = band
        start, end, size = self.quotes_after(after_ms), self.quotes_after(to_ms), FIRST_CHUNK
        while start < end:
            stop = min(start + size, end)
            bids, asks = self.quote_bids[start:stop], self.quote_asks[start:stop]
            beyond = (bids <= bid_above) | (bids >= bid_below) | (asks <= ask_above) | (asks >= ask_below)
            at = int(beyond.argmax())
            if beyond[at]:
                return int(self.quote_times[start + at])
            start, size = stop, min(size * 4, LARGEST_CHUNK)
        return to_ms

    def quote_at(self, time_ms: int) -> tuple[int, int]:
        """(bid, ask) of the last quote at or before `time_ms`; 0 for an absent side, both before the first."""
        index = self.quotes_after(time_ms) - 1
        if index < 0:
            return 0, 0
        ask = int(self.quote_asks[index])
        return int(self.quote_bids[index]), 0 if ask == NO_ASK else ask


class TapeFeed(ReplayFeed):
    """A feed over one market's columns. `lazy` yields only events that can matter, else every event.

    `funding` rows are (settlement in ms, rate in 1e-8) and take the place of the tape's own.
    """

    __slots__ = ("_lazy", "columns", "market")

    def __init__(self, columns: Columns, *, lazy: bool) -> None:
        self.columns = columns
        self.market = columns.tape.spec.market
        self._markets = {self.market: columns.tape}
        self._lazy = lazy

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        """Events with after_ms < time <= to_ms in time order; see the class."""
        self._tape(market)
        start, end = self.columns.after(after_ms), self.columns.after(to_ms)
        return self._lazy_events(start, end, watch) if self._lazy else self._all_events(start, end)

    def quote(self, market: str, time_ms: int) -> Quote:
        """As ReplayFeed, by column."""
        self._tape(market)
        index = self.columns.quotes_after(time_ms) - 1
        if index < 0:
            return Quote(time_ms, 0, 0, 0, 0)
        row = self.columns.rows[self.columns.quote_rows[index]].tolist()
        return Quote(row[0], *row[2:])

    def mark(self, market: str, time_ms: int) -> int:
        """As ReplayFeed, by column where both sides are quoted."""
        quote = self.quote(market, time_ms)
        return (quote.bid + quote.ask) // 2 if quote.bid and quote.ask else super().mark(market, time_ms)

    def _all_events(self, start: int, end: int) -> Iterator[Event]:
        rows = self.columns.rows
        for at in range(start, end, REPLAY_BLOCK):
            for row in rows[at : min(at + REPLAY_BLOCK, end)].tolist():
                yield _event(row)

    def _lazy_events(self, start: int, end: int, watch: Watch) -> Iterator[Event]:
        rows = self.columns.rows
        while start < end:
            seen = (watch.best_bid, watch.best_ask)
            start = end if seen == (0, 0) else start
            restart = None
            for chunk in self.columns._touches(start, end, *seen):
                for index in chunk:
                    yield _event(rows[index].tolist())
                    if (watch.best_bid, watch.best_ask) != seen:
                        restart = index + 1
                        break
                if restart is not None:
                    break
            start = end if restart is None else restart


def _event(row: list[int]) -> Event:
    if row[1] == TRADE:
        return TradeEvent(row[0], TRADE, row[2], row[3], row[4])
    return QuoteEvent(row[0], QUOTE, row[2], row[3], row[4], row[5])


def with_funding(tape: MarketTape, rates: list[tuple[int, int]]) -> MarketTape:
    """The tape with these settlements, (ms, rate in 1e-8), instead of its own."""
    from array import array
    from dataclasses import replace

    flat = array("q", [number for row in sorted(rates) for number in row])
    assert len(flat) % FUNDING_WIDTH == 0
    return replace(tape, funding=memoryview(flat))

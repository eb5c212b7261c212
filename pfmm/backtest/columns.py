"""A recorded market as NumPy columns, and the two ways through it: every event, or only those that can matter.

Both are feeds of the paper exchange's own kind, so that matching, funding and marks are the very same code. Layer:
backtest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pfmm.errors import ConfigError
from pfmm.paper.feeds.feed import NO_ASK, QUOTE, TRADE, Event, Quote, QuoteEvent, Settlement, TradeEvent, Watch
from pfmm.paper.feeds.replay import ReplayFeed
from pfmm.paper.feeds.replay_tape import BLOCK_EVENTS, BLOCK_WIDTH, EVENT_WIDTH, MarketTape, interval_hours_of
from pfmm.paper.feeds.settlements import Schedule, packed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FEW_ROWS = 8  # as many are looked at one by one
FIRST_ROWS, MOST_ROWS = 256, 65_536  # a search looks at few rows first, and at ever more while it finds nothing
MOST_BLOCKS = 4  # read at once where an order could be touched: the first touch often ends the search
REPLAY_BLOCK = 4_096
PRINT_ROWS = 8_192  # looked through at once for prints
AHEAD_ROWS = 1_024  # looked through at once for what could touch an order
Band = tuple[int, int, int, int]  # bid_above, bid_below, ask_above, ask_below in price units


def numpy() -> Any:
    """Import NumPy and return the module; raise ConfigError naming the extra where it is not installed."""
    try:
        import numpy as np
    except ImportError as error:
        raise ConfigError("a backtest needs NumPy", hint="pip install 'pfmm[backtest]'") from error
    return np


class Columns:
    """One market's events in the market's integer units, searched where they lie: nothing of a tape is copied.

    `times` are of every event, `rows` the events as a table. The Watch condition compares bid and ask of a quote (an
    absent side is beyond every price) and the price of a print.
    """

    def __init__(self, tape: MarketTape) -> None:
        self.tape = tape
        self._np = numpy()
        self.rows: Ints = self._np.frombuffer(tape.events, dtype="int64").reshape(-1, EVENT_WIDTH)
        self.times = tape.events[::EVENT_WIDTH]
        self._kinds = tape.events[1::EVENT_WIDTH]
        self._lows, self._highs = _extremes(tape, self.rows)
        self._stretch = (0, self.rows[:0, 0], self.rows[:0, 0])
        self._asked, self._found = -1, 0  # by `after`

    def __len__(self) -> int:
        return len(self.times)

    def after(self, time_ms: int) -> int:
        """Find the index of the first event after `time_ms`.

        A run asks for times that lie close together: the search goes out from what was found last, in growing steps.
        """
        if time_ms == self._asked:
            return self._found
        times, first, step = self.times, self._found, FIRST_ROWS
        end = first
        if first < len(times) and times[first] <= time_ms:
            while (end := first + step) < len(times) and times[end] <= time_ms:
                first, step = end, step * 4
        else:
            while first and times[first - 1] > time_ms:
                end, first, step = first, max(first - step, 0), step * 4
        self._asked, self._found = time_ms, bisect_right(times, time_ms, first, min(end, len(times)))
        return self._found

    def all_after(self, times: Sequence[int]) -> list[int]:
        """Find for each of the times, in order, the index of the first event after it: see `after`."""
        if not times:
            return []
        np, all_times, last = self._np, self.rows[:, 0], len(self) - 1
        wanted = np.array(times, dtype="int64")
        low, high = (np.full(len(times), self.after(end)) for end in (times[0], times[-1]))
        for _ in range(int(high[0] - low[0]).bit_length()):  # each halves what lies between, for all of them at once
            middle = np.minimum((low + high) // 2, last)
            later = all_times[middle] > wanted
            low, high = np.where(later, low, middle + 1), np.where(later, middle, high)
        found: list[int] = low.tolist()
        return found

    def row(self, index: int) -> list[int]:
        """Return the six numbers of an event."""
        found: list[int] = self.tape.events[index * EVENT_WIDTH : (index + 1) * EVENT_WIDTH].tolist()
        return found

    def last_quote(self, time_ms: int) -> int:
        """Find the index of the last quote at or before `time_ms`; -1 before the first."""
        return self.last_quote_before(self.after(time_ms))

    def last_quote_before(self, index: int) -> int:
        """Find the index of the last quote ahead of the event at `index`; -1 without any."""
        index, kinds = index - 1, self._kinds
        while index >= 0 and kinds[index] != QUOTE:
            index -= 1
        return index

    def shown(self, index: int) -> tuple[int, int]:
        """Return (bid, ask) of the quote at `index` as a decision sees it.

        A side that is absent or shows no size is 0.
        """
        _, _, bid, bid_size, ask, ask_size = self.row(index)
        return bid if bid_size > 0 else 0, ask if ask_size > 0 else 0

    def all_shown(self, indexes: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Yield (bid, ask) of each of the quotes: see `shown`. All are read at once."""
        quotes = self.rows[self._np.array(indexes, dtype="int64")]
        bids, asks = (self._np.where(quotes[:, at + 1] > 0, quotes[:, at], 0).tolist() for at in (2, 4))
        return zip(bids, asks, strict=True)

    def quote_at(self, time_ms: int) -> tuple[int, int]:
        """Return (bid, ask) of the last quote at or before `time_ms`, see `shown`; (0, 0) before the first."""
        index = self.last_quote(time_ms)
        return (0, 0) if index < 0 else self.shown(index)

    def first_touch(self, after_ms: int, to_ms: int, best_bid: int, best_ask: int) -> int:
        """Find the first time, after_ms < time <= to_ms, when an event satisfies the Watch condition, else to_ms."""
        start, end = self.after(after_ms), self.after(to_ms)
        index = self.next_touch(start, end, best_bid, best_ask)
        return to_ms if index == end else self.times[index]

    def next_touch(self, start: int, end: int, best_bid: int, best_ask: int) -> int:
        """Find the index of the first event from `start` on that is at or beyond the watched prices, else `end`."""
        return next(self._touching(start, end, best_bid, best_ask), end)

    def touches(self, start: int, end: int, best_bid: int, best_ask: int) -> Iterator[tuple[int, list[int]]]:
        """Yield every event from `start` to `end` at or beyond the watched prices: its index and its six numbers."""
        for index in self._touching(start, end, best_bid, best_ask):
            yield index, self.row(index)

    def _touching(self, start: int, end: int, best_bid: int, best_ask: int) -> Iterator[int]:
        bid, ask = best_bid or -1, best_ask or NO_ASK
        if end - start <= FEW_ROWS:  # as between two decisions on bars: an array would cost more than it saves
            yield from self._touching_of_few(start, end, bid, best_ask)
            return
        for first, last in self._near(start, end, bid, ask):
            begin, lows, highs = self._ahead(first, last)
            beyond = lows[first - begin : last - begin] <= bid
            if best_ask:
                beyond |= highs[first - begin : last - begin] >= ask
            for index in beyond.nonzero()[0].tolist():
                yield first + index

    def _ahead(self, first: int, last: int) -> tuple[int, Ints, Ints]:
        """Return where a stretch with the rows from `first` to `last` begins, and the extremes of each of its rows.

        The extremes are the lowest and the highest price. They are worked out once for many rows: a run asks for few at
        a time, and for ever later ones.
        """
        begin, lows, _ = self._stretch
        if first < begin or last > begin + len(lows):
            rows = self.rows[first : max(first + MOST_ROWS, last)]
            highs = self._np.where(rows[:, 1] == QUOTE, rows[:, 4], rows[:, 2])
            if not highs.all():
                highs[highs == 0] = NO_ASK
            self._stretch = first, rows[:, 2].copy(), highs
        return self._stretch

    def _touching_of_few(self, start: int, end: int, bid: int, best_ask: int) -> Iterator[int]:
        numbers = self.tape.events[start * EVENT_WIDTH : end * EVENT_WIDTH].tolist()
        for at in range(0, len(numbers), EVENT_WIDTH):
            high = numbers[at + 4] if numbers[at + 1] == QUOTE else numbers[at + 2]
            if numbers[at + 2] <= bid or (best_ask and (high >= best_ask or high == 0)):
                yield start + at // EVENT_WIDTH

    def _near(self, start: int, end: int, bid: int, ask: int) -> Iterator[tuple[int, int]]:
        """Yield the stretches from `start` to `end` that may hold what was asked for.

        The extremes of the tape's blocks tell.
        """
        lows, highs = self._lows, self._highs
        block, stop = start // BLOCK_EVENTS, -(-end // BLOCK_EVENTS)
        while block < stop:
            first = block
            while block < stop and block - first < MOST_BLOCKS and (lows[block] <= bid or highs[block] >= ask):
                block += 1
            if block > first:
                yield max(first * BLOCK_EVENTS, start), min(block * BLOCK_EVENTS, end)
            else:
                block += 1

    def first_quote_beyond(self, after_ms: int, to_ms: int, band: Band) -> int:
        """Find the first time, after_ms < time <= to_ms, when a quote shows prices outside of the band, else to_ms.

        The band is open on all sides.
        """
        start, end, size = self.after(after_ms), self.after(to_ms), FIRST_ROWS
        while start < end:
            rows = self.rows[start : min(start + size, end)]
            beyond = (rows[:, 1] == QUOTE) & ~_inside(rows, band)
            at = int(beyond.argmax())
            if beyond[at]:
                return self.times[start + at]
            start, size = start + len(rows), min(size * 4, MOST_ROWS)
        return to_ms

    def mids_at(self, times: Sequence[int]) -> Iterator[int | None]:
        """Yield for each of the times, in order, the mid of the last quote with both sides since the time before it.

        It is in whole price units, rounded down as a mark is, and None without any.
        """
        ends, seen = self.all_after(times), 0
        newest = [self.last_quote_before(end) for end in ends]
        for end, index, (bid, ask) in zip(ends, newest, self.all_shown(newest), strict=True):
            while index >= seen and not (bid and ask):
                index = self.last_quote_before(index)  # noqa: PLW2901 - the way back to a quote with both sides
                bid, ask = self.shown(index) if index >= seen else (0, 0)  # noqa: PLW2901 - as above
            yield (bid + ask) // 2 if index >= seen else None
            seen = end

    def turning_mids(self, spans: Sequence[tuple[int, int, int]]) -> Iterator[set[int]]:
        """Yield for each span (after, before, side) the times at which the mid turned in it.

        These are when, strictly between the two times, the mid was lowest and highest, and from where to where it went
        furthest against a position on `side`: down for 1, up for -1. Of several quotes in one ms the last one counts.
        Spans follow each other in time, and are looked through together: most are short.
        """
        np = self._np
        ends = self.all_after([before - 1 for _, before, _ in spans])
        at = 0
        while at < len(spans):
            first, end = self.after(spans[at][0]), at
            while end < len(spans) and (end == at or ends[end] - first <= MOST_ROWS):
                end += 1
            times, mids = self._mids(first, ends[end - 1])
            afters, befores, sides = zip(*spans[at:end], strict=True)
            starts, stops = times.searchsorted(afters, side="right").tolist(), times.searchsorted(befores).tolist()
            for start, stop, side in zip(starts, stops, sides, strict=True):
                if start == stop:
                    yield set()
                    continue
                worth = mids[start:stop] if side > 0 else -mids[start:stop]
                lowest, highest = int(worth.argmin()), int(worth.argmax())
                turns = {lowest, highest}
                if lowest < highest:  # else the fall from one to the other is the deepest
                    trough = int((np.maximum.accumulate(worth) - worth).argmax())
                    turns |= {int(worth[: trough + 1].argmax()), trough}
                yield {int(times[start + turn]) for turn in turns}
            at = end

    def _mids(self, first: int, last: int) -> tuple[Ints, Ints]:
        """Return the times and mids of the quotes with both sides among some rows, the last one of each ms."""
        rows = self.rows[first:last]
        both = (rows[:, 1] == QUOTE) & (rows[:, 2] > 0) & (rows[:, 3] > 0) & (rows[:, 4] > 0) & (rows[:, 5] > 0)
        quotes = both.nonzero()[0]
        times = rows[quotes, 0]
        last_of_ms = self._np.append(times[1:] != times[:-1], True)[: len(times)]
        return times[last_of_ms], (rows[quotes, 2] + rows[quotes, 4])[last_of_ms] // 2

    def first_two_sided(self) -> int | None:
        """Find the time of the first quote that shows both sides; None without any."""
        for start in range(0, len(self), MOST_ROWS):
            rows = self.rows[start : start + MOST_ROWS]
            found = ((rows[:, 1] == QUOTE) & _inside(rows, (0, NO_ASK, 0, NO_ASK))).nonzero()[0]
            if len(found):
                return self.times[start + int(found[0])]
        return None


def _inside(rows: Ints, band: Band) -> NDArray[np.bool_]:
    """Tell which of the rows, read as quotes, show both sides with prices inside the band."""
    bid_above, bid_below, ask_above, ask_below = band
    bids, asks = rows[:, 2], rows[:, 4]
    bid_fits = (bids > bid_above) & (bids < bid_below) & (rows[:, 3] > 0)
    inside: NDArray[np.bool_] = bid_fits & (asks > ask_above) & (asks < ask_below) & (rows[:, 5] > 0)
    return inside


def _extremes(tape: MarketTape, rows: Ints) -> tuple[list[int], list[int]]:
    """Return the lowest and highest price of each block of events.

    A tape that was not made in memory keeps them itself.
    """
    if len(tape.blocks):
        return tape.blocks[::BLOCK_WIDTH].tolist(), tape.blocks[1::BLOCK_WIDTH].tolist()
    np = numpy()
    high = np.where(rows[:, 1] == QUOTE, rows[:, 4], rows[:, 2])
    high[high == 0] = NO_ASK
    starts = np.arange(0, len(rows), BLOCK_EVENTS)
    return np.minimum.reduceat(rows[:, 2], starts).tolist(), np.maximum.reduceat(high, starts).tolist()


class TapeFeed(ReplayFeed):
    """A feed over one market's columns. `lazy` yields only events that can matter, else every event."""

    __slots__ = ("_clear", "_lazy", "_quoted", "_settled", "columns", "market")

    def __init__(self, columns: Columns, *, lazy: bool) -> None:
        self.columns = columns
        self.market = columns.tape.spec.market
        self._markets = {self.market: columns.tape}
        self._lazy = lazy
        self._settled = super()._schedule(self.market)
        self._quoted = (-1, Quote(-1, 0, 0, 0, 0))
        self._clear = (0, 0, 0, -1, 0)  # since when, at which watched prices, and until which event nothing touches

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        """Yield the events with after_ms < time <= to_ms in time order; see the class."""
        self._tape(market)
        if not self._lazy:
            return self._all_events(self.columns.after(after_ms), self.columns.after(to_ms))
        end = self.columns.after(to_ms)
        touch = self._cleared(after_ms, watch)
        if touch is None:
            return self._lazy_events(self.columns.after(after_ms), end, watch)
        return iter(()) if touch >= end else self._events_from(touch, end, watch)

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        """Return the prints as ReplayFeed does, without a look at each of the quotes in between."""
        times, prices, sizes, aggressors = self.prints(market, after_ms, to_ms, limit)
        found = zip(times, prices, sizes, aggressors, strict=True)
        return [TradeEvent(time_ms, TRADE, price, size, aggressor) for time_ms, price, size, aggressor in found]

    def prints(
        self, market: str, after_ms: int, to_ms: int, limit: int
    ) -> tuple[list[int], list[int], list[int], list[int]]:
        """Return times, prices, sizes and aggressors of the first `limit` prints with after_ms < time <= to_ms."""
        self._tape(market)
        start, end = self.columns.after(after_ms), self.columns.after(to_ms)
        found: tuple[list[int], list[int], list[int], list[int]] = ([], [], [], [])
        while start < end and (wanted := limit - len(found[0])) > 0:
            rows = self.columns.rows[start : min(start + PRINT_ROWS, end)]
            rows = rows[(rows[:, 1] == TRADE).nonzero()[0][:wanted]]
            for column, values in zip((0, 2, 3, 4), found, strict=True):
                values.extend(rows[:, column].tolist())
            start += PRINT_ROWS
        return found

    def still(self, after_ms: int, to_ms: int, watch: Watch) -> bool:
        """Tell whether nothing that matters to `watch` happens with after_ms < time <= to_ms.

        Where every event is visited, tell whether none happens at all.
        """
        if not self._lazy:
            return self.columns.after(after_ms) == self.columns.after(to_ms)
        if self._cleared(after_ms, watch) is None:
            bid, ask, columns = watch.best_bid, watch.best_ask, self.columns
            start = columns.after(after_ms)
            end = max(columns.after(to_ms), min(start + AHEAD_ROWS, len(columns)))
            index = columns.next_touch(start, end, bid, ask)
            until_ms = columns.times[index] if index < len(columns) else max(to_ms, columns.times[-1]) + 1
            self._clear = after_ms, bid, ask, until_ms, index
        return to_ms < self._clear[3]

    def _cleared(self, after_ms: int, watch: Watch) -> int | None:
        """Return the first event after `after_ms` that may touch the watched prices, where that is known already."""
        since_ms, bid, ask, until_ms, index = self._clear
        known = since_ms <= after_ms < until_ms and (watch.best_bid, watch.best_ask) == (bid, ask)
        return index if known else None

    def quote(self, market: str, time_ms: int) -> Quote:
        """Return the quote as ReplayFeed does.

        The last answer is kept, since one decision asks for its moment several times.
        """
        if self._quoted[0] != time_ms or market != self.market:
            self._tape(market)
            index = self.columns.last_quote(time_ms)
            row = self.columns.row(index) if index >= 0 else [time_ms, QUOTE, 0, 0, 0, 0]
            self._quoted = (time_ms, Quote(row[0], *row[2:]))
        return self._quoted[1]

    def mark(self, market: str, time_ms: int) -> int:
        """Return the mark as ReplayFeed does, from the quote where both sides are there."""
        known = self._quoted[0] == time_ms and market == self.market
        quote = self._quoted[1] if known else self.quote(market, time_ms)
        return (quote.bid + quote.ask) // 2 if quote.bid and quote.ask else super().mark(market, time_ms)

    def _schedule(self, market: str) -> Schedule:
        """Return the schedule that was made once."""
        self._tape(market)
        return self._settled

    def _all_events(self, start: int, end: int) -> Iterator[Event]:
        rows = self.columns.rows
        for at in range(start, end, REPLAY_BLOCK):
            for row in rows[at : min(at + REPLAY_BLOCK, end)].tolist():
                yield _event(row)

    def _events_from(self, touch: int, end: int, watch: Watch) -> Iterator[Event]:
        """Yield the event that may touch a watched price, which was found before, and what can matter after it."""
        yield _event(self.columns.row(touch))
        yield from self._lazy_events(touch + 1, end, watch)

    def _lazy_events(self, start: int, end: int, watch: Watch) -> Iterator[Event]:
        while start < end and (seen := (watch.best_bid, watch.best_ask)) != (0, 0):
            for index, row in self.columns.touches(start, end, *seen):
                yield _event(row)
                if (watch.best_bid, watch.best_ask) != seen:
                    start = index + 1
                    break
            else:
                return


def _event(row: list[int]) -> Event:
    if row[1] == TRADE:
        return TradeEvent(row[0], TRADE, row[2], row[3], row[4])
    return QuoteEvent(row[0], QUOTE, row[2], row[3], row[4], row[5])


def with_funding(tape: MarketTape, settlements: list[Settlement]) -> MarketTape:
    """Return the tape with these settlements instead of its own."""
    rows = packed(settlements)
    spec = replace(tape.spec, funding_interval_hours=interval_hours_of(rows))
    return replace(tape, spec=spec, funding=memoryview(rows))

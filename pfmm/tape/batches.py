"""Events of one market as integer columns: what every reader hands on, and the order they are put in. Layer: tape.

A batch has `events` of 6 numbers a row: time in ms, kind (0 quote, 1 print), then bid, bid size, ask, ask size of a
quote or price, size, aggressor, 0 of a print; prices and sizes in 1e-8, 0 for an absent side. `sub_ns` says how far
beyond its ms an event was, `lines` where it stands in its source. Needs NumPy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pfmm.model.market import Book, FundingRate, Level, Trade
from pfmm.tape.events import Entry, TapeQuote
from pfmm.tape.fixed import Unfit, whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

QUOTE, TRADE = 0, 1
EVENT_WIDTH = 6
DEPTH_LEVELS = 20
DEPTH_WIDTH = 1 + 4 * DEPTH_LEVELS


class Batch(NamedTuple):
    """Some events of one market, as they came; `depth` rows are a time and 20 levels a side."""

    market: str
    events: Ints
    sub_ns: Ints
    lines: Ints
    depth: Ints
    depth_lines: Ints
    funding: tuple[FundingRate, ...] = ()


class Late(NamedTuple):
    """An event that is older than the newest before it by more than it may; `first` of its batch."""

    line: int
    ms: int
    first: bool


class Collector:
    """Makes batches of entries that were read one by one."""

    def __init__(self) -> None:
        self._markets: dict[str, _Lists] = {}

    def add(self, entry: Entry) -> None:
        """Take one event. Raises DataFileError for a number that no tape can hold."""
        event = entry.event
        lists = self._markets.get(event.market)
        if lists is None:
            lists = self._markets[event.market] = _Lists()
        try:
            lists.add(entry)
        except Unfit as problem:
            raise entry.place.error(str(problem)) from None

    def batches(self) -> Iterator[Batch]:
        """Yield what was taken, a batch a market."""
        for market, lists in self._markets.items():
            yield lists.batch(market)


class _Lists:
    def __init__(self) -> None:
        self.events: list[tuple[int, ...]] = []
        self.sub_ns: list[int] = []
        self.lines: list[int] = []
        self.depth: list[list[int]] = []
        self.depth_lines: list[int] = []
        self.funding: list[FundingRate] = []

    def add(self, entry: Entry) -> None:
        event = entry.event
        match event:
            case TapeQuote():
                bid, bid_size = (0, 0) if event.bid is None else (whole(event.bid), whole(event.bid_size))
                ask, ask_size = (0, 0) if event.ask is None else (whole(event.ask), whole(event.ask_size))
                row = (event.time_ms, QUOTE, bid, bid_size, ask, ask_size)
            case Trade():
                row = (event.time_ms, TRADE, whole(event.price), whole(event.size), event.aggressor, 0)
            case Book():
                self.depth.append([event.time_ms, *levels_row(event.bids), *levels_row(event.asks)])
                self.depth_lines.append(entry.place.line)
                return
            case FundingRate():
                if abs(event.rate) >= 1:
                    raise Unfit(f"rate {event.rate:f} must be a fraction between -1 and 1: 0.0001 is 1 bp")
                self.funding.append(event)
                return
        self.events.append(row)
        self.sub_ns.append(entry.sub_ns)
        self.lines.append(entry.place.line)

    def batch(self, market: str) -> Batch:
        import numpy as np

        return Batch(
            market,
            np.array(self.events, dtype=np.int64).reshape(-1, EVENT_WIDTH),
            np.array(self.sub_ns, dtype=np.int64),
            np.array(self.lines, dtype=np.int64),
            np.array(self.depth, dtype=np.int64).reshape(-1, DEPTH_WIDTH),
            np.array(self.depth_lines, dtype=np.int64),
            tuple(self.funding),
        )


def levels_row(side: tuple[Level, ...]) -> list[int]:
    """Return up to 20 levels as 40 numbers in 1e-8, zeros where there are fewer. Raises Unfit."""
    found: list[int] = []
    for level in side[:DEPTH_LEVELS]:
        found += (whole(level.price), whole(level.size))
    return found + [0] * (2 * DEPTH_LEVELS - len(found))


def batches_of(entries: Iterable[Entry]) -> Iterator[Batch]:
    """Make batches of entries that were read one by one."""
    collector = Collector()
    for entry in entries:
        collector.add(entry)
    yield from collector.batches()


class Parts:
    """Events of one market that were read apart, until they stand in the order of their lines."""

    def __init__(self) -> None:
        self._events: list[tuple[Ints, Ints]] = []
        self._depth: list[tuple[Ints, Ints]] = []
        self._funding: tuple[FundingRate, ...] = ()

    def add(self, lines: Ints, events: Ints) -> None:
        """Take events with the lines that they stand in; those of one line are in order."""
        self._events.append((lines, events))

    def add_depth(self, lines: Ints, depth: Ints) -> None:
        """Take books with the lines that they stand in."""
        self._depth.append((lines, depth))

    def add_batch(self, batch: Batch) -> None:
        """Take what was read one by one."""
        self.add(batch.lines, batch.events)
        self.add_depth(batch.depth_lines, batch.depth)
        self._funding += batch.funding

    def batch(self, market: str) -> Batch:
        """Return everything that was taken."""
        import numpy as np

        lines, events = by_line(self._events, EVENT_WIDTH)
        depth_lines, depth = by_line(self._depth, DEPTH_WIDTH)
        sub_ns = np.zeros(len(events), dtype=np.int64)
        return Batch(market, events, sub_ns, lines, depth, depth_lines, self._funding)


def by_line(parts: list[tuple[Ints, Ints]], width: int) -> tuple[Ints, Ints]:
    """Return the rows of all parts with their lines, in the order of lines."""
    import numpy as np

    none = np.empty(0, dtype=np.int64), np.empty((0, width), dtype=np.int64)
    lines, rows = zip(*(parts or [none]), strict=True)
    if len(parts) == 1 and (np.diff(lines[0]) >= 0).all():
        return parts[0]
    joined, order = np.concatenate(rows), np.argsort(np.concatenate(lines), kind="stable")
    return np.concatenate(lines)[order], joined[order]


def in_order_of_lines(batches: list[Batch]) -> list[Batch]:
    """Return batches, of one market each, in the order in which the markets are met; those without events are none."""
    firsts = [min([*one.lines[:1].tolist(), *one.depth_lines[:1].tolist()], default=0) for one in batches]
    return [
        batches[at] for _, at in sorted((first, at) for at, first in enumerate(firsts) if first or batches[at].funding)
    ]


def event_rows(kind: int, times: Ints, *columns: Ints) -> Ints:
    """Return events of one kind: times in ms and up to four columns of numbers."""
    import numpy as np

    rows = np.zeros((len(times), EVENT_WIDTH), dtype=np.int64)
    rows[:, 0], rows[:, 1] = times, kind
    for at, column in enumerate(columns, 2):
        rows[:, at] = column
    return rows


def depth_rows(times: Ints, sides: Sequence[tuple[Sequence[Ints], Sequence[Ints]]]) -> Ints:
    """Return books: of the bids and the asks prices and sizes, a column a level; of more than 20 the first are kept."""
    import numpy as np

    rows = np.zeros((len(times), DEPTH_WIDTH), dtype=np.int64)
    rows[:, 0] = times
    for side, (prices, sizes) in enumerate(sides):
        first = 1 + 2 * DEPTH_LEVELS * side
        for level, (price, size) in enumerate(zip(prices[:DEPTH_LEVELS], sizes[:DEPTH_LEVELS], strict=True)):
            rows[:, first + 2 * level], rows[:, first + 2 * level + 1] = price, size
    return rows


class Ordered:
    """Puts the events of one market in order: prints before quotes at the same time, none more than a window late."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._newest = 0
        self._held: tuple[Ints, Ints] | None = None

    def late(self, batch: Batch) -> Late | None:
        """Return the first event or book that is older than the newest before it by more than the window, or None."""
        import numpy as np

        times, lines = batch.events[:, 0], batch.lines
        if len(batch.depth):
            # a print may end the message before it, whose book then has the print's line: the book came first
            times, lines = np.concatenate((batch.depth[:, 0], times)), np.concatenate((batch.depth_lines, lines))
            order = np.argsort(lines, kind="stable")
            times, lines = times[order], lines[order]
        if not len(times):
            return None
        newest = np.maximum.accumulate(np.concatenate(([self._newest], times)))
        late = newest[:-1] - times
        at = int((late > self._window_ms).argmax())
        if late[at] <= self._window_ms:
            self._newest = int(newest[-1])
            return None
        return Late(int(lines[at]), int(late[at]), at == 0)

    def add(self, batch: Batch) -> Ints:
        """Take a batch that was found not `late`; hand out the events that none can precede any more.

        The ns of an event are its 7th number.
        """
        import numpy as np

        rows = np.column_stack((batch.events, batch.sub_ns)) if len(batch.sub_ns) else _none()
        if self._held is not None:
            rows = np.concatenate((self._held[0], rows))
        if not len(rows):
            return rows
        rows = in_order(rows)
        cut = int(rows[:, 0].searchsorted(self._newest - self._window_ms))
        self._held = (rows[cut:].copy(), rows[:0, 0])
        return rows[:cut]

    def rest(self) -> Ints:
        """Hand out what was held back."""
        held, self._held = self._held, None
        return _none() if held is None else held[0]


def _none() -> Ints:
    import numpy as np

    return np.empty((0, EVENT_WIDTH + 1), dtype=np.int64)


def in_order(rows: Ints) -> Ints:
    """Return rows of 7 numbers by time, at the same time prints before quotes, and as they came.

    Rows that are in order are returned untouched.
    """
    import numpy as np

    times, sub_ns, ranks = rows[:, 0], rows[:, 6], 1 - rows[:, 1]
    steps = np.diff(times)
    equal = steps == 0
    if (steps >= 0).all():
        ties = equal & (np.diff(sub_ns) <= 0)
        if not (ties & ((np.diff(sub_ns) < 0) | (np.diff(ranks) < 0))).any():
            return rows
    return rows[np.lexsort((ranks, sub_ns, times))]

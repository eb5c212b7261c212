"""Raw captures of Binance's streams, USD-M futures and spot: one message a line, after the recorder's clock or alone.

Uses the exchange's own time `T`, never the recorder's clock (which may be seconds off), but for messages that carry
none. `bookTicker` becomes quotes, `trade` (or `aggTrade`, whichever comes first) prints, and `depth` differences on top
of a bare REST snapshot a book of 20 levels once a second. A partial book (`depth5`, `depth10`, `depth20`) is whole in
each message: a book too, and quotes until the capture shows a `bookTicker` of its market, which runs ahead of it. One
reader carries the book across the files of a capture that was split. Layer: tape.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pfmm.model.market import Trade
from pfmm.tape.books import LevelBook
from pfmm.tape.events import Place, TapeEvent, TapeQuote, field, not_negative, positive, text, whole_ms
from pfmm.tape.layout import Lines
from pfmm.tape.symbols import market_called

WAITING_DIFFS = 2_000  # without a snapshot by then, the capture has none
KINDS = ("bookTicker", "trade", "aggTrade", "depth")
PARTIAL = ("depth5", "depth10", "depth20")
OTHERS = (  # what else the exchange streams, which the project has no use for
    "markPrice", "kline", "continuousKline", "indexPriceKline", "markPriceKline", "ticker", "miniTicker", "forceOrder",
    "compositeIndex", "assetIndex", "contractInfo", "avgPrice", "indexPrice",
)  # fmt: skip
OTHER_EVENTS = ("24hr", "listenKey", "ORDER", "ACCOUNT", "execution", "outbound")
EVENTS = {"bookTicker": "bookTicker", "trade": "trade", "aggTrade": "aggTrade", "depthUpdate": "depth"}

Record = dict[str, Any]


class DepthBook(LevelBook):
    """A book rebuilt from a snapshot and the differences that follow it."""

    __slots__ = ("snapshot_id", "waiting")

    def __init__(self) -> None:
        super().__init__()
        self.snapshot_id: int | None = None
        self.waiting: list[tuple[Record, Place]] = []

    def start(self, snapshot: Record, place: Place) -> None:
        """Take the snapshot and apply the differences that came before it but end after it."""
        self.snapshot_id = _id(snapshot, "lastUpdateId", place)
        self.clear()
        self.apply(1, field(snapshot, "bids", place), "bids", place)
        self.apply(-1, field(snapshot, "asks", place), "asks", place)
        waiting, self.waiting = self.waiting, []
        for record, at in waiting:
            self.change(record, at)

    def change(self, record: Record, place: Place) -> bool:
        """Apply one difference; False while there is no snapshot to apply it to."""
        if self.snapshot_id is None:
            if len(self.waiting) < WAITING_DIFFS:
                self.waiting.append((record, place))
            return False
        if _id(record, "u", place) < self.snapshot_id:
            return False
        self.apply(1, field(record, "b", place), "b", place)
        self.apply(-1, field(record, "a", place), "a", place)
        return True


def copy_of(book: DepthBook) -> DepthBook:
    """Copy a book; the copy goes its own way from here."""
    found = DepthBook()
    found.bids, found.asks, found.next_ms = dict(book.bids), dict(book.asks), book.next_ms
    found.snapshot_id, found.waiting = book.snapshot_id, list(book.waiting)
    return found


def _id(record: Record, name: str, place: Place) -> int:
    value = field(record, name, place)
    if not isinstance(value, int):
        raise place.error(f"{name} must be a whole number, not {value!r}")
    return value


class BinanceReader:
    """Turns messages into events; keeps books, and the last trade id of each market so that none counts twice."""

    def __init__(self) -> None:
        self.books: dict[str, DepthBook] = {}
        self.last_trade: dict[str, int] = {}
        self.prints: dict[str, str] = {}
        self.partial: dict[str, LevelBook] = {}
        self.ticked: frozenset[str] = frozenset()  # markets with a bookTicker
        self.market: str | None = None
        self.duplicates = 0
        self.skipped = 0

    def remembered(self) -> tuple[Any, ...]:
        """Return a copy of what is remembered of the lines so far, for `go_back`."""
        books = {name: copy_of(book) for name, book in self.books.items()}
        ids, prints = dict(self.last_trade), dict(self.prints)
        partial = {name: book.shown() for name, book in self.partial.items()}
        return books, ids, prints, self.market, self.duplicates, self.skipped, self.ticked, partial

    def go_back(self, remembered: tuple[Any, ...]) -> None:
        """Remember that instead."""
        (self.books, self.last_trade, self.prints, self.market, self.duplicates, self.skipped, self.ticked,
         self.partial) = remembered  # fmt: skip

    def begin_file(self) -> None:
        """Forget which market the last line was of: a snapshot at the top of a file belongs to that file."""
        self.market = None

    def read(self, record: Any, place: Place, local_ms: int | None = None) -> Iterator[TapeEvent]:
        """Yield the events of one message."""
        if not isinstance(record, dict):
            raise place.error(f"must hold a JSON object, not {str(record)[:40]!r}")
        if "lastUpdateId" in record:
            if self.market is None:
                raise place.error("a book snapshot stands before any line that names its market")
            self.books.setdefault(self.market, DepthBook()).start(record, place)
            return
        kind, data = message(record, place)
        if kind is None:
            self.skipped += 1
            return
        told = record["stream"].partition("@")[0] if kind in PARTIAL else field(data, "s", place)
        self.market = market_called(text(told, "s", place))
        time_ms = local_ms if "T" not in data and local_ms is not None else field(data, "T", place)
        if kind in PARTIAL:
            yield from self._partial(self.market, whole_ms(time_ms, "T", place), data, place)
            return
        if kind == "bookTicker" and self.market not in self.ticked:
            self.ticked |= {self.market}
        event = self._event(kind, self.market, whole_ms(time_ms, "T", place), data, place)
        if event is not None:
            yield event

    def _partial(self, market: str, time_ms: int, data: Record, place: Place) -> Iterator[TapeEvent]:
        """Yield the events of a message that holds the best levels of each side, all of them."""
        book = self.partial.setdefault(market, LevelBook())
        book.clear()
        for side, names in ((1, ("b", "bids")), (-1, ("a", "asks"))):
            name = names[1] if names[1] in data else names[0]
            book.apply(side, field(data, name, place), name, place)
        quote = None if market in self.ticked else book.quote(market, time_ms)
        depth = book.depth(market, time_ms)
        yield from (event for event in (quote, depth) if event is not None)

    def _event(self, kind: str, market: str, time_ms: int, data: Record, place: Place) -> TapeEvent | None:
        if kind == "bookTicker":
            return _quote(market, time_ms, data, place)
        if kind == "depth":
            book = self.books.setdefault(market, DepthBook())
            return book.depth(market, time_ms) if book.change(data, place) else None
        return self._trade(kind, market, time_ms, data, place)

    def _trade(self, kind: str, market: str, time_ms: int, data: Record, place: Place) -> TapeEvent | None:
        if data.get("X", "MARKET") != "MARKET" or self.prints.setdefault(market, kind) != kind:
            self.skipped += 1  # insurance fund and deleveraging: no print that could fill anybody
            return None
        number = _id(data, "t" if kind == "trade" else "a", place)
        if number <= self.last_trade.get(market, -1):
            self.duplicates += 1
            return None
        self.last_trade[market] = number
        buyer_is_maker = field(data, "m", place)
        if not isinstance(buyer_is_maker, bool):
            raise place.error(f"m must be true or false, not {buyer_is_maker!r}")
        price = positive(field(data, "p", place), "p", place)
        size = positive(field(data, "q", place), "q", place)
        return Trade(market, time_ms, price, size, -1 if buyer_is_maker else 1)


def message(record: Record, place: Place) -> tuple[str | None, Record]:
    """Return the kind of a message and its content, wrapped in its stream's name or not.

    The kind is None for what is not used.
    """
    if "stream" not in record and "data" not in record:
        if {"u", "s", "b", "B", "a", "A"} <= record.keys() and "e" not in record:
            return "bookTicker", record
        if "e" in record:
            return _kind_of(str(record["e"]), place), record
        if {"id", "result"} <= record.keys():
            return None, record  # the answer to a subscription
    stream = text(field(record, "stream", place), "stream", place)
    data = field(record, "data", place)
    if not isinstance(data, dict):
        raise place.error(f"data must be an object, not {data!r}")
    kind = stream.partition("@")[2].partition("@")[0]
    if kind not in (*KINDS, *PARTIAL) and not is_other(stream):
        raise place.error(f"the stream {stream!r} is unknown")
    return (kind if kind in (*KINDS, *PARTIAL) else None), data


def _kind_of(event: str, place: Place) -> str | None:
    if event not in EVENTS and not event.startswith((*OTHERS, *OTHER_EVENTS)):
        raise place.error(f"the event {event!r} is unknown")
    return EVENTS.get(event)


def is_other(stream: str) -> bool:
    """Tell whether a stream is known, and carries nothing the project uses."""
    kind = stream.partition("@")[2] or stream
    return kind.startswith(OTHERS) or stream.startswith("!")


def _quote(market: str, time_ms: int, data: Record, place: Place) -> TapeQuote:
    return TapeQuote(
        market,
        time_ms,
        positive(field(data, "b", place), "b", place),
        not_negative(field(data, "B", place), "B", place),
        positive(field(data, "a", place), "a", place),
        not_negative(field(data, "A", place), "A", place),
    )


def _knows(record: Any) -> bool:
    if not isinstance(record, dict):
        return False
    if "stream" in record or {"lastUpdateId", "bids"} <= record.keys():
        return True
    return ("e" in record and "E" in record) or {"u", "s", "b", "B", "a", "A"} <= record.keys()


FORMATS = (
    Lines(
        name="binance-stream", says="raw Binance capture", holds="ticks", knows=_knows, reader=BinanceReader,
    ),
)  # fmt: skip

"""Raw captures of Binance USD-M futures streams: one `<local ns> <json>` a line.

Uses the exchange's own time `T`, never the recorder's clock (which may be seconds off). `bookTicker` becomes quotes,
`trade` prints, and `depth` differences on top of the one bare REST snapshot become a book of 20 levels once a second.
One reader carries the book across the files of a capture that was split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from heapq import nlargest, nsmallest

from pfmm.model.market import Book, Level, Trade
from pfmm.tape.events import (
    PLAIN,
    Place,
    TapeEvent,
    TapeQuote,
    field,
    json_object,
    not_negative,
    positive,
    text,
    whole_ms,
)

DEPTH_LEVELS = 20
DEPTH_EVERY_MS = 1_000
WAITING_DIFFS = 2_000  # without a snapshot by then, the capture has none
QUOTE_CURRENCIES = ("USDT", "USDC", "FDUSD", "BUSD", "USD")

Record = dict[str, object]


def market_name(symbol: str) -> str:
    """The project's name of a Binance symbol: BTCUSDT is BTC-PERP."""
    symbol = symbol.upper()
    for currency in QUOTE_CURRENCIES:
        if symbol.endswith(currency) and len(symbol) > len(currency):
            return symbol.removesuffix(currency) + "-PERP"
    return symbol + "-PERP"


_Side = dict[float, tuple[str, str]]  # price and size as they came: of 2,000 levels 40 are ever asked for


class _DepthBook:
    """One market's book, rebuilt from a snapshot and the differences that follow it."""

    __slots__ = ("asks", "bids", "next_ms", "snapshot_id", "waiting")

    def __init__(self) -> None:
        self.bids: _Side = {}
        self.asks: _Side = {}
        self.snapshot_id: int | None = None
        self.waiting: list[tuple[Record, Place]] = []
        self.next_ms = 0

    def start(self, snapshot: Record, place: Place) -> None:
        """Takes the snapshot and applies the differences that came before it but end after it."""
        self.snapshot_id = _id(snapshot, "lastUpdateId", place)
        self.bids, self.asks = {}, {}
        _apply(self.bids, field(snapshot, "bids", place), "bids", place)
        _apply(self.asks, field(snapshot, "asks", place), "asks", place)
        waiting, self.waiting = self.waiting, []
        for record, at in waiting:
            self.change(record, at)

    def change(self, record: Record, place: Place) -> bool:
        """Applies one difference; False while there is no snapshot to apply it to."""
        if self.snapshot_id is None:
            if len(self.waiting) < WAITING_DIFFS:
                self.waiting.append((record, place))
            return False
        if _id(record, "u", place) < self.snapshot_id:
            return False
        _apply(self.bids, field(record, "b", place), "b", place)
        _apply(self.asks, field(record, "a", place), "a", place)
        return True

    def top(self, market: str, time_ms: int) -> Book:
        bids = [self.bids[price] for price in nlargest(DEPTH_LEVELS, self.bids)]
        asks = [self.asks[price] for price in nsmallest(DEPTH_LEVELS, self.asks)]
        return Book(market, time_ms, _levels(bids), _levels(asks))


def _levels(pairs: list[tuple[str, str]]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(size)) for price, size in pairs)


def _id(record: Record, name: str, place: Place) -> int:
    value = field(record, name, place)
    if not isinstance(value, int):
        raise place.error(f"{name} must be a whole number, not {value!r}")
    return value


def _apply(side: _Side, levels: object, name: str, place: Place) -> None:
    if not isinstance(levels, list):
        raise place.error(f"{name} must be a list of [price, size], not {levels!r}")
    for pair in levels:
        if not isinstance(pair, list) or len(pair) != 2:
            raise place.error(f"{name} must hold [price, size], not {pair!r}")
        price, size = pair
        # plain digits are checked without making 800,000 Decimals out of the changes of 8 minutes
        if not (isinstance(price, str) and PLAIN.fullmatch(price) and float(price)):
            positive(price, f"{name} price", place)
        if not (isinstance(size, str) and PLAIN.fullmatch(size)):
            not_negative(size, f"{name} size", place)
        if float(size):
            side[float(price)] = (price, size)
        else:
            side.pop(float(price), None)


class BinanceReader:
    """Turns lines into events; keeps books, and the last trade id of each market so that none counts twice."""

    __slots__ = ("_books", "_last_trade", "_market", "duplicates", "skipped")

    def __init__(self) -> None:
        self._books: dict[str, _DepthBook] = {}
        self._last_trade: dict[str, int] = {}
        self._market: str | None = None
        self.duplicates = 0
        self.skipped = 0

    def begin_file(self) -> None:
        """Forgets which market the last line was of: a snapshot at the top of a file belongs to that file."""
        self._market = None

    def parse(self, line: str, place: Place) -> Iterator[TapeEvent]:
        """The events of one line (none or one)."""
        local, _, body = line.partition(" ")
        if not local.isdigit():
            raise place.error(f"the local time must be whole ns, not {local!r}")
        record = json_object(body, place)
        if "lastUpdateId" in record:
            if self._market is None:
                raise place.error("a book snapshot stands before any line that names its market")
            self._books.setdefault(self._market, _DepthBook()).start(record, place)
            return
        stream = text(field(record, "stream", place), "stream", place)
        data = field(record, "data", place)
        if not isinstance(data, dict):
            raise place.error(f"data must be an object, not {data!r}")
        handle = self._handlers().get(stream.partition("@")[2].partition("@")[0])
        if handle is None:
            self.skipped += 1
            return
        self._market = market_name(text(field(data, "s", place), "s", place))
        event = handle(self._market, whole_ms(field(data, "T", place), "T", place), data, place)
        if event is not None:
            yield event

    def _handlers(self) -> dict[str, Callable[[str, int, Record, Place], TapeEvent | None]]:
        return {"bookTicker": self._quote, "trade": self._trade, "depth": self._depth}

    def _quote(self, market: str, time_ms: int, data: Record, place: Place) -> TapeEvent:
        return TapeQuote(
            market,
            time_ms,
            positive(field(data, "b", place), "b", place),
            not_negative(field(data, "B", place), "B", place),
            positive(field(data, "a", place), "a", place),
            not_negative(field(data, "A", place), "A", place),
        )

    def _trade(self, market: str, time_ms: int, data: Record, place: Place) -> TapeEvent | None:
        if data.get("X", "MARKET") != "MARKET":
            self.skipped += 1  # insurance fund and deleveraging: no print that could fill anybody
            return None
        number = _id(data, "t", place)
        if number <= self._last_trade.get(market, -1):
            self.duplicates += 1
            return None
        self._last_trade[market] = number
        buyer_is_maker = field(data, "m", place)
        if not isinstance(buyer_is_maker, bool):
            raise place.error(f"m must be true or false, not {buyer_is_maker!r}")
        price = positive(field(data, "p", place), "p", place)
        size = positive(field(data, "q", place), "q", place)
        return Trade(market, time_ms, price, size, -1 if buyer_is_maker else 1)

    def _depth(self, market: str, time_ms: int, data: Record, place: Place) -> TapeEvent | None:
        book = self._books.setdefault(market, _DepthBook())
        if not book.change(data, place) or time_ms < book.next_ms:
            return None
        book.next_ms = time_ms + DEPTH_EVERY_MS
        return book.top(market, time_ms)

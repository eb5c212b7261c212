"""Bybit: the public trade files, and raw captures of its streams. Layer: tape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pfmm.model.market import Trade
from pfmm.tape.books import LevelBook
from pfmm.tape.events import Place, TapeEvent, field, positive, text, whole_ms
from pfmm.tape.formats.candles import FORMATS as CANDLES
from pfmm.tape.layout import Lines, Table, candle_lists, named
from pfmm.tape.seen import SeenIds
from pfmm.tape.symbols import market_called

OTHERS = ("tickers", "kline", "liquidation", "allLiquidation", "lt.", "priceLimit", "adlAlert", "insurance")
ANSWER = {"success", "op", "ret_msg", "retCode"}  # to a subscription, or a ping
BOOK = re.compile(r"orderbook\.(1|25|50|100|200|500|1000)\.")
TRADES, BEST_ALONE = "publicTrade.", "orderbook.1."
SIDES = {"Buy": 1, "Sell": -1}


class BybitReader:
    """`publicTrade` becomes prints, `orderbook` snapshots and differences quotes and, once a second, a book."""

    def __init__(self) -> None:
        self.books: dict[str, LevelBook] = {}
        self.seen = SeenIds()
        self.best: set[str] = set()
        self.duplicates = 0
        self.skipped = 0
        self.with_cts: bool | None = None  # whether books tell the matching engine's time; None before the first

    def begin_file(self) -> None:
        """Forget nothing: what is kept belongs to no file alone."""

    def remembered(self) -> tuple[Any, ...]:
        """Return a copy of what is remembered of the lines so far, for `go_back`."""
        books = {topic: book.copy() for topic, book in self.books.items()}
        return self.seen.copy(), books, set(self.best), self.duplicates, self.skipped, self.with_cts

    def go_back(self, remembered: tuple[Any, ...]) -> None:
        """Remember that instead."""
        self.seen, self.books, self.best, self.duplicates, self.skipped, self.with_cts = remembered

    def time_of_book(self, record: dict[str, Any], place: Place) -> Any:
        """Return the time of a book: the matching engine's where it is told, else that of the message.

        Raises DataFileError for a message that tells another one than those before it.
        """
        told = "cts" in record
        if self.with_cts is not None and told != self.with_cts:
            raise place.error(
                "the field 'cts' is missing" if self.with_cts else "has 'cts', and those before it do not"
            )
        self.with_cts = told
        return field(record, "cts" if told else "ts", place)

    def read(self, record: Any, place: Place, local_ms: int | None = None) -> Iterator[TapeEvent]:  # noqa: ARG002 # as the port
        """Yield the events of one message."""
        if not isinstance(record, dict):
            raise place.error(f"must hold a JSON object, not {str(record)[:40]!r}")
        topic = record.get("topic")
        if isinstance(topic, str) and topic.startswith(TRADES):
            yield from self._trades(record, place)
        elif isinstance(topic, str) and BOOK.match(topic):
            yield from self._book(record, topic, place)
        elif (isinstance(topic, str) and topic.startswith(OTHERS)) or (topic is None and ANSWER & record.keys()):
            self.skipped += 1
        else:
            raise place.error(f"the topic {topic!r} is unknown")

    def _trades(self, record: dict[str, Any], place: Place) -> Iterator[TapeEvent]:
        trades = field(record, "data", place)
        if not isinstance(trades, list):
            raise place.error(f"data must be a list of trades, not {trades!r}")
        for one in trades:
            if not isinstance(one, dict):
                raise place.error(f"data must hold trades, not {one!r}")
            market = market_called(text(field(one, "s", place), "s", place))
            if self.seen.again(market, str(field(one, "i", place))):
                self.duplicates += 1
                continue
            side = field(one, "S", place)
            if side not in SIDES:
                raise place.error(f"S must be Buy or Sell, not {side!r}")
            price, size = positive(field(one, "p", place), "p", place), positive(field(one, "v", place), "v", place)
            yield Trade(market, whole_ms(field(one, "T", place), "T", place), price, size, SIDES[side])

    def _book(self, record: dict[str, Any], topic: str, place: Place) -> Iterator[TapeEvent]:
        data = field(record, "data", place)
        if not isinstance(data, dict):
            raise place.error(f"data must be an object, not {data!r}")
        market = market_called(text(field(data, "s", place), "s", place))
        time_ms = whole_ms(self.time_of_book(record, place), "cts", place)
        kind = field(record, "type", place)
        if kind not in ("snapshot", "delta"):
            raise place.error(f"type must be snapshot or delta, not {kind!r}")
        book = self.books.get(topic)
        if book is None or kind == "snapshot":
            if kind == "delta":
                self.skipped += 1  # a difference to a book that the capture does not hold
                return
            book = self.books.setdefault(topic, LevelBook())
            book.clear()
        book.apply(1, field(data, "b", place), "b", place)
        book.apply(-1, field(data, "a", place), "a", place)
        best_alone = topic.startswith(BEST_ALONE)
        if best_alone:
            self.best.add(market)
        quote = book.quote(market, time_ms)
        if quote is not None and (best_alone or market not in self.best):
            yield quote  # a deeper book is told later, and less often
        depth = None if best_alone else book.depth(market, time_ms)
        if depth is not None:
            yield depth


def _knows(record: Any) -> bool:
    return isinstance(record, dict) and str(record.get("topic", "")).startswith((TRADES, "orderbook."))


FORMATS = (
    Table(
        name="bybit-trades",
        says="Bybit trades",
        holds="trades",
        columns=named("time=timestamp symbol side size price id=trdmatchid"),
    ),
    Table(
        name="bybit-spot-trades",
        says="Bybit spot trades",
        holds="trades",
        columns=named("id time=timestamp price size=volume side"),
    ),
    candle_lists(
        "bybit-candles-json", "Bybit's answer of past candles", CANDLES[0],
        "starttime open high low close volume turnover",
    ),
    Lines(name="bybit-stream", says="raw Bybit capture", holds="ticks", knows=_knows, reader=BybitReader),
)  # fmt: skip

"""Hyperliquid: the node archives (l2Book, trades, fills), raw captures of its streams, candleSnapshot. Layer: tape.

A message has the same content on a stream and in the archive, which only wraps it. A fill of the archive is told once
for each side: the side that crossed is the print.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pfmm.model.market import Book, Level, Trade
from pfmm.model.units import EPOCH
from pfmm.tape.events import Place, TapeEvent, TapeQuote, field, not_negative, positive, text, whole_ms
from pfmm.tape.formats.candles import FORMATS as CANDLES
from pfmm.tape.layout import Document, Lines
from pfmm.tape.seen import SeenIds

OTHERS = frozenset((
    "subscriptionResponse", "pong", "error", "notification", "allMids", "candle", "activeAssetCtx", "activeAssetData",
    "activeSpotAssetCtx", "webData2", "webData3", "orderUpdates", "userEvents", "user", "userFills", "userFundings",
    "userNonFundingLedgerUpdates", "userTwapSliceFills", "userTwapHistory", "twapStates", "clearinghouseState",
    "openOrders", "post",
))  # fmt: skip
SIDES = {"B": 1, "A": -1}


def perp(coin: str) -> str:
    """Name the market of a coin."""
    return coin.upper() + "-PERP"


def _market(record: dict[str, Any], place: Place) -> str:
    return perp(text(field(record, "coin", place), "coin", place))


def _time(value: object, place: Place) -> int:
    """Read a time in ms, or in ISO-8601 with up to 9 digits of a second, as the archive writes it."""
    if not isinstance(value, str):
        return whole_ms(value, "time", place)
    head, _, fraction = value.removesuffix("Z").partition(".")
    try:
        found = datetime.fromisoformat(f"{head}.{fraction[:6].ljust(6, '0')}+00:00")
    except ValueError:
        raise place.error(f"time must be ms or ISO-8601, not {value!r}") from None
    return whole_ms((found - EPOCH) // timedelta(milliseconds=1), "time", place)


class HyperliquidReader:
    """Turns messages and lines of the archives into quotes, books and prints."""

    def __init__(self) -> None:
        self.seen = SeenIds()
        self.duplicates = 0
        self.skipped = 0

    def begin_file(self) -> None:
        """Forget nothing: what is kept belongs to no file alone."""

    def remembered(self) -> tuple[SeenIds, int, int]:
        """Return a copy of what is remembered of the lines so far, for `go_back`."""
        return self.seen.copy(), self.duplicates, self.skipped

    def go_back(self, remembered: tuple[SeenIds, int, int]) -> None:
        """Remember that instead."""
        self.seen, self.duplicates, self.skipped = remembered

    def read(self, record: Any, place: Place, local_ms: int | None = None) -> Iterator[TapeEvent]:  # noqa: ARG002 # as the port
        """Yield the events of one line."""
        if isinstance(record, list):
            yield from self._fill(record, place)
            return
        if not isinstance(record, dict):
            raise place.error(f"must hold a JSON object, not {str(record)[:40]!r}")
        if "raw" in record:
            record = record["raw"]
            if not isinstance(record, dict):
                raise place.error(f"raw must be an object, not {record!r}")
        if "events" in record and "block_number" in record:
            for fill in _list(record["events"], "events", place):
                yield from self._fill(fill, place)
        elif "levels" in record:
            yield from _book(record, place)
        elif "channel" in record:
            yield from self._message(record, place)
        elif "px" in record:
            yield from self._trade(record, place)
        else:
            raise place.error(f"is neither a book, a print nor a message: it has {', '.join(map(repr, record))}")

    def _message(self, record: dict[str, Any], place: Place) -> Iterator[TapeEvent]:
        data = record.get("data")
        match record["channel"]:
            case "l2Book":
                yield from _book(_object(data, "data", place), place)
            case "bbo":
                yield _best(_object(data, "data", place), place)
            case "trades":
                for one in _list(data, "data", place):
                    yield from self._trade(_object(one, "data", place), place)
            case str() as channel if channel in OTHERS:
                self.skipped += 1
            case channel:
                raise place.error(f"the channel {channel!r} is unknown")

    def _fill(self, record: object, place: Place) -> Iterator[TapeEvent]:
        pair = _list(record, "a fill", place)
        if len(pair) != 2:
            raise place.error("a fill must be an account and what it traded")
        fill = _object(pair[1], "a fill", place)
        crossed = field(fill, "crossed", place)
        if not isinstance(crossed, bool):
            raise place.error(f"crossed must be true or false, not {crossed!r}")
        if crossed:
            yield from self._trade(fill, place)

    def _trade(self, record: dict[str, Any], place: Place) -> Iterator[TapeEvent]:
        market = _market(record, place)
        if "tid" in record and self.seen.again(market, str(record["tid"])):
            self.duplicates += 1
            return
        side = field(record, "side", place)
        if side not in SIDES:
            raise place.error(f"side must be A or B, not {side!r}")
        price = positive(field(record, "px", place), "px", place)
        size = positive(field(record, "sz", place), "sz", place)
        yield Trade(market, _time(field(record, "time", place), place), price, size, SIDES[side])


def _object(value: object, name: str, place: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise place.error(f"{name} must be an object, not {value!r}")
    return value


def _list(value: object, name: str, place: Place) -> list[Any]:
    if not isinstance(value, list):
        raise place.error(f"{name} must be a list, not {value!r}")
    return value


def _level(value: object, place: Place) -> Level:
    level = _object(value, "a level", place)
    return Level(positive(field(level, "px", place), "px", place), not_negative(field(level, "sz", place), "sz", place))


def _book(data: dict[str, Any], place: Place) -> Iterator[TapeEvent]:
    market, time_ms = _market(data, place), _time(field(data, "time", place), place)
    sides = _list(field(data, "levels", place), "levels", place)
    if len(sides) != 2:
        raise place.error("levels must be bids and asks")
    bids, asks = (tuple(_level(one, place) for one in _list(side, "levels", place)) for side in sides)
    yield _quote(market, time_ms, bids[0] if bids else None, asks[0] if asks else None)
    yield Book(market, time_ms, bids, asks)


def _best(data: dict[str, Any], place: Place) -> TapeEvent:
    pair = _list(field(data, "bbo", place), "bbo", place)
    if len(pair) != 2:
        raise place.error("bbo must be a bid and an ask")
    bid, ask = (None if one is None else _level(one, place) for one in pair)
    return _quote(_market(data, place), _time(field(data, "time", place), place), bid, ask)


def _quote(market: str, time_ms: int, bid: Level | None, ask: Level | None) -> TapeQuote:
    zero = Decimal(0)
    return TapeQuote(
        market,
        time_ms,
        None if bid is None else bid.price,
        zero if bid is None else bid.size,
        None if ask is None else ask.price,
        zero if ask is None else ask.size,
    )


def _is_book(record: Any) -> bool:
    return isinstance(record, dict) and (
        {"coin", "time", "levels"} <= record.keys() or (isinstance(record.get("raw"), dict) and "ver_num" in record)
    )


def _is_trade(record: Any) -> bool:
    return isinstance(record, dict) and {"coin", "side", "time", "px", "sz"} <= record.keys()


def _is_fill(record: Any) -> bool:
    if isinstance(record, dict):
        return {"events", "block_number"} <= record.keys()
    return isinstance(record, list) and len(record) == 2 and isinstance(record[0], str) and _is_trade(record[1])


def _is_message(record: Any) -> bool:
    return isinstance(record, dict) and record.get("channel") in ("l2Book", "bbo", "trades")


def _candle_rows(document: Any) -> Iterator[Sequence[str]] | None:
    names = ("t", "o", "h", "l", "c", "v")
    if not (isinstance(document, list) and document and isinstance(document[0], dict)):
        return None
    if not set(names) <= document[0].keys():
        return None
    return ([str(one.get(name, "")) if isinstance(one, dict) else "" for name in names] for one in document)


FORMATS = (
    Lines(
        name="hyperliquid-l2book", says="Hyperliquid book archive", holds="quotes", knows=_is_book,
        reader=HyperliquidReader,
    ),
    Lines(
        name="hyperliquid-trades", says="Hyperliquid trade archive", holds="trades", knows=_is_trade,
        reader=HyperliquidReader,
    ),
    Lines(
        name="hyperliquid-fills", says="Hyperliquid fill archive", holds="trades", knows=_is_fill,
        reader=HyperliquidReader,
    ),
    Lines(
        name="hyperliquid-stream", says="raw Hyperliquid capture", holds="ticks", knows=_is_message,
        reader=HyperliquidReader,
    ),
    Document(
        name="hyperliquid-candles", says="Hyperliquid candleSnapshot", table=CANDLES[0], rows=_candle_rows,
        header=("t", "o", "h", "l", "c", "v"),
    ),
)  # fmt: skip

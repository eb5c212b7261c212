"""Raw Binance captures, whole blocks at a time: orjson reads lines, pyarrow turns numbers at one go. Layer: tape.

Reads what BinanceReader reads, into the same books and ids, so that both can take turns. Of a book's changes only the
last of each price is looked at, when somebody asks for the book.
"""

from __future__ import annotations

import gc
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pfmm.errors import DataFileError
from pfmm.model.spelling import market_name
from pfmm.model.units import LAST_MS
from pfmm.tape.arrow import Doubt, decimals_of_texts
from pfmm.tape.batches import DEPTH_WIDTH, EVENT_WIDTH, QUOTE, TRADE, Batch, levels_row
from pfmm.tape.books import DEPTH_EVERY_MS
from pfmm.tape.fixed import Unfit
from pfmm.tape.formats.binance_stream import KINDS, BinanceReader, DepthBook, is_other
from pfmm.tape.sources import Block, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


_QUOTE, _TRADE = itemgetter("T", "b", "B", "a", "A"), itemgetter("T", "p", "q", "m", "t")
_UNSEEN = object()


class _Market:
    """What one block tells of one market, as it came."""

    def __init__(self, name: str, book: DepthBook) -> None:
        self.name, self.book = name, book
        self.quotes: list[tuple[Any, ...]] = []  # T, b, B, a, A
        self.quote_lines: list[int] = []
        self.trades: list[tuple[Any, ...]] = []  # T, p, q, m, t
        self.trade_lines: list[int] = []
        self.depth: list[list[int]] = []
        self.depth_lines: list[int] = []
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}

    def flush(self) -> None:
        """Bring the changes that wait into the book; raises Doubt for what is no level."""
        for waiting, side in ((self.bids, self.book.bids), (self.asks, self.book.asks)):
            if not waiting:
                continue
            prices, sizes = decimals_of_texts(list(waiting)), decimals_of_texts(list(waiting.values()))
            if not prices.all() or len(set(prices.tolist())) < len(waiting):
                raise Doubt
            for (price, size), amount in zip(waiting.items(), sizes.tolist(), strict=True):
                if amount:
                    side[float(price)] = (price, size)
                else:
                    side.pop(float(price), None)
            waiting.clear()

    def sample(self, time_ms: int, line: int) -> None:
        """Note twenty levels a side."""
        self.flush()
        self.book.next_ms = time_ms + DEPTH_EVERY_MS
        top = self.book.top(self.name, time_ms)
        self.depth_lines.append(line)
        self.depth.append([time_ms, *levels_row(top.bids), *levels_row(top.asks)])


class BinanceFast:
    """The fast way through the lines of one reader."""

    def __init__(self, reader: BinanceReader) -> None:
        self._reader = reader
        self._kinds: dict[str, object] = {}

    def read(self, block: Block, source: Source, *, stamped: bool) -> list[Batch]:
        """Read the events of a block; where it is not plain, remember nothing of it and raise Doubt."""
        saved = self._reader.remembered()
        collecting = gc.isenabled()
        gc.disable()  # it would look through ever more rows, none of which is rubbish: a third of the time
        try:
            markets = self._markets(block, source, stamped=stamped)
            for one in markets.values():
                one.flush()
            return [_batch(one, self._reader) for one in markets.values()]
        except (Doubt, KeyError, TypeError, ValueError, AttributeError, Unfit, DataFileError) as error:
            self._reader.go_back(saved)
            raise Doubt from error
        finally:
            if collecting:
                gc.enable()

    def _markets(self, block: Block, source: Source, *, stamped: bool) -> dict[str, _Market]:
        import orjson

        reader, markets, kinds = self._reader, dict[str, _Market](), self._kinds
        last: _Market | None = None
        skipped = 0
        lines = _bodies(block.content) if stamped else block.content.split(b"\n")
        records = orjson.loads(b"[" + b",".join(lines) + b"]")
        if len(records) != len(lines):
            raise Doubt
        for number, record in enumerate(records, block.first_line):
            stream = record.get("stream")
            if stream is None:
                last = self._snapshot(record, last, source, number)
                continue
            kind = kinds.get(stream, _UNSEEN)
            if kind is _UNSEEN:
                kind = self._kind(stream)
            if kind is None:
                skipped += 1
                continue
            data = record["data"]
            symbol = data["s"]
            if last is None or last.name != symbol:
                last = markets.get(symbol) or self._begin(symbol, markets)
            if kind == "bookTicker":
                last.quotes.append(_QUOTE(data))
                last.quote_lines.append(number)
            elif kind == "depth":
                self._depth(last, data, source, number)
            elif data.get("X", "MARKET") != "MARKET":
                skipped += 1
            else:
                last.trades.append(_TRADE(data))
                last.trade_lines.append(number)
        if last is not None:
            reader.market = market_name(last.name)
        reader.ticked |= {market_name(one.name) for one in markets.values() if one.quotes}
        reader.skipped += skipped
        return markets

    def _kind(self, stream: Any) -> str | None:
        if not isinstance(stream, str) or not stream.isprintable():
            raise Doubt
        kind: str | None = stream.partition("@")[2].partition("@")[0]
        if kind == "aggTrade" or (kind not in KINDS and not is_other(stream)):
            raise Doubt
        kind = kind if kind in KINDS else None
        self._kinds[stream] = kind
        return kind

    def _begin(self, symbol: Any, markets: dict[str, _Market]) -> _Market:
        if not isinstance(symbol, str) or not symbol or not symbol.isprintable():
            raise Doubt
        name = market_name(symbol)
        if any(market_name(other) == name for other in markets) or self._reader.prints.get(name, "trade") != "trade":
            raise Doubt
        markets[symbol] = _Market(symbol, self._reader.books.setdefault(name, DepthBook()))
        return markets[symbol]

    @staticmethod
    def _snapshot(record: Any, last: _Market | None, source: Source, number: int) -> _Market:
        if "lastUpdateId" not in record:
            raise Doubt
        if last is None:
            raise Doubt  # it belongs to the market of the block before
        last.flush()
        last.book.start(record, source.at(number))
        return last

    @staticmethod
    def _depth(market: _Market, data: dict[str, Any], source: Source, number: int) -> None:
        book, time_ms = market.book, data["T"]
        if book.snapshot_id is None:
            book.change(data, source.at(number))
            return
        if type(data["u"]) is not int or type(time_ms) is not int or not 0 < time_ms <= LAST_MS:
            raise Doubt
        if data["u"] < book.snapshot_id:
            return
        market.bids.update(data["b"])
        market.asks.update(data["a"])
        if time_ms >= book.next_ms:
            market.sample(time_ms, number)


def _bodies(content: bytes) -> list[bytes]:
    """Return a block's lines without the recorder's clock, which is as long in each; raise Doubt where it is not."""
    lines = content.split(b"\n")
    at = lines[0].find(b" ") + 1
    stamps = b"".join([line[:at] for line in lines])
    # each ends in the only blank that it has, where there are as many blanks as lines, every `at` bytes
    if not at or stamps[at - 1 :: at] != b" " * len(lines) or not stamps.replace(b" ", b"").isdigit():
        raise Doubt
    return [line[at:] for line in lines]


def _batch(market: _Market, reader: BinanceReader) -> Batch:
    import numpy as np

    name = market_name(market.name)
    rows = np.zeros((len(market.quotes) + len(market.trades), EVENT_WIDTH), dtype=np.int64)
    lines = np.zeros(len(rows), dtype=np.int64)
    count = len(market.quotes)
    if count:
        times, bid, bid_size, ask, ask_size = zip(*market.quotes, strict=True)
        lines[:count], rows[:count, 0], rows[:count, 1] = market.quote_lines, _times(times), QUOTE
        for at, texts in enumerate((bid, bid_size, ask, ask_size), 2):
            rows[:count, at] = decimals_of_texts(list(texts))
        if not (rows[:count, 2] * rows[:count, 4]).all():
            raise Doubt
    if market.trades:
        times, price, size, maker, ids = zip(*market.trades, strict=True)
        lines[count:], rows[count:, 0], rows[count:, 1] = market.trade_lines, _times(times), TRADE
        rows[count:, 2], rows[count:, 3] = decimals_of_texts(list(price)), decimals_of_texts(list(size))
        if set(map(type, maker)) != {bool} or set(map(type, ids)) != {int} or not rows[count:, 2:4].all():
            raise Doubt
        rows[count:, 4] = np.where(maker, -1, 1)
        if (np.diff(np.array([reader.last_trade.get(name, -1), *ids])) <= 0).any():
            raise Doubt
        reader.last_trade[name] = ids[-1]
        reader.prints[name] = "trade"
    order = np.argsort(lines, kind="stable")
    depth = np.array(market.depth, dtype=np.int64).reshape(-1, DEPTH_WIDTH)
    return Batch(
        name,
        rows[order],
        np.zeros(len(rows), dtype=np.int64),
        lines[order],
        depth,
        np.array(market.depth_lines, dtype=np.int64),
    )


def _times(times: tuple[Any, ...]) -> Ints:
    import numpy as np

    found = np.array(times)
    if found.dtype != np.int64 or set(map(type, times)) != {int} or (found <= 0).any() or (found > LAST_MS).any():
        raise Doubt
    return found

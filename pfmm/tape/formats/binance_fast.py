"""Raw Binance captures, whole blocks at a time: lines of one shape as columns, the rest through orjson. Layer: tape.

Reads what BinanceReader reads, into the same books and ids, so that both can take turns. Of a book's changes only the
last of each price is looked at, when somebody asks for the book.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from pfmm.errors import DataFileError
from pfmm.model.collecting import no_collecting
from pfmm.model.spelling import market_name
from pfmm.model.units import LAST_MS
from pfmm.tape.arrow import Doubt
from pfmm.tape.batches import DEPTH_WIDTH, Batch, by_line, in_order_of_lines
from pfmm.tape.events import Place
from pfmm.tape.fixed import Unfit
from pfmm.tape.formats.binance_block import BlockMarket
from pfmm.tape.formats.binance_partial import take_books, whole_books
from pfmm.tape.formats.binance_stream import KINDS, PARTIAL, BinanceReader, DepthBook, is_other, message
from pfmm.tape.line_blocks import bodies, plain_ms
from pfmm.tape.shapes import DIGITS, LOCAL, Columns, Group, Path, Shapes
from pfmm.tape.sources import Block, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FEW = 256  # lines of one shape: below that a table takes longer than a parser
SNAPSHOT, STREAM = b'"lastUpdateId"', b'"stream"'
IDS = {"trade": "t", "aggTrade": "a"}
_QUOTE = itemgetter("T", "b", "B", "a", "A")
_TRADES = {kind: itemgetter("T", "p", "q", "m", name) for kind, name in IDS.items()}
USED = (*KINDS, *PARTIAL)
_UNSEEN = object()
NOWHERE = -1


class BinanceFast:
    """The fast way through the lines of one reader."""

    def __init__(self, reader: BinanceReader) -> None:
        self._reader = reader
        self._kinds: dict[str, str | None] = {}
        self._shapes = Shapes(DIGITS, FEW, _is_plain)

    def read(self, block: Block, source: Source, *, stamped: bool) -> list[Batch]:
        """Read the events of a block; where it is not plain, remember nothing of it and raise Doubt."""
        saved = self._reader.remembered()
        try:
            with no_collecting():  # ever more rows, none of which is rubbish
                return _Reading(self._reader, self._kinds, block, source).batches(self._shapes, stamped=stamped)
        except (Doubt, KeyError, TypeError, ValueError, AttributeError, Unfit, DataFileError) as error:
            self._reader.go_back(saved)
            raise Doubt from error


class _Reading:
    """One block, and what was found in it."""

    def __init__(self, reader: BinanceReader, kinds: dict[str, str | None], block: Block, source: Source) -> None:
        self._reader, self._kinds, self._block, self._source = reader, kinds, block, source
        self._markets: dict[str, BlockMarket] = {}  # by the symbol as it came
        self._stamped = False
        self._last = (NOWHERE, "")  # the last line that names a market, and which
        self._few: list[tuple[int, bytes]] = []  # lines of partial books, of rare shapes

    def batches(self, shapes: Shapes, *, stamped: bool) -> list[Batch]:
        reader, content, self._stamped = self._reader, self._block.content, stamped
        groups, rest = shapes.groups(content, stamped=stamped)
        if groups and any(SNAPSHOT in line and STREAM not in line for _, line in rest):
            groups, rest = [], list(enumerate(content.split(b"\n")))  # it is of the market of the line before it
        if rest:
            self._rest(rest, stamped=stamped)
        if self._few:
            groups += self._of_few()
        books: dict[str, list[tuple[Ints, Ints]]] = {}
        for group in groups:
            kind, prefix = self._kind(group)
            if kind in PARTIAL:
                self._partial(group, prefix, books)
            else:
                self._group(group, kind, prefix)
        markets = {market.name: market for market in self._markets.values()}
        for one in markets.values():
            one.take_lists()
            one.flush()
        for name, parts in books.items():
            take_books(markets[name], *by_line(parts, DEPTH_WIDTH), reader)
        if self._last[0] != NOWHERE:
            reader.market = self._last[1]
        reader.ticked |= {name for name, one in markets.items() if one.first_ticker is not None}
        return in_order_of_lines([one.batch(reader) for one in markets.values()])

    def _market(self, symbol: Any) -> BlockMarket:
        market = self._markets.get(symbol)
        if market is None:
            if not isinstance(symbol, str) or not symbol or not symbol.isprintable():
                raise Doubt
            name = market_name(symbol)
            same = [one for one in self._markets.values() if one.name == name]
            market = same[0] if same else BlockMarket(name, self._reader.books.setdefault(name, DepthBook()))
            self._markets[symbol] = market
        return market

    def _is_last(self, line: int, market: str) -> None:
        self._last = max(self._last, (line, market))

    # -- lines of one shape

    def _kind(self, group: Group) -> tuple[str | None, Path]:
        """Return the kind of the messages, and where their content stands."""
        kind, data = message(group.shape.record, self._source.place)
        if data is not group.shape.record:
            for stream in group.columns.names(("stream",))[1]:
                if self._kind_of(stream) != (kind if kind in USED else None):
                    raise Doubt
            return kind, ("data",)
        if ("e",) in group.shape.values and len(group.columns.names(("e",))[1]) > 1:
            raise Doubt
        return kind, ()

    def _kind_of(self, stream: Any) -> str | None:
        """Return the kind of a stream, None for one that is not used; raise Doubt for one that is not known."""
        found = self._kinds.get(stream, _UNSEEN)
        if isinstance(found, str) or found is None:
            return found
        if not isinstance(stream, str) or not stream.isprintable():
            raise Doubt
        kind = stream.partition("@")[2].partition("@")[0]
        if kind not in USED and not is_other(stream):
            raise Doubt
        self._kinds[stream] = kind if kind in USED else None
        return self._kinds[stream]

    def _group(self, group: Group, kind: str | None, prefix: Path) -> None:
        columns, lines = group.columns, group.at + self._block.first_line
        if kind is None:
            self._reader.skipped += len(lines)
            return
        times = _times(columns, prefix)
        if kind == "bookTicker":
            numbers = columns.decimals(*((*prefix, name) for name in ("b", "B", "a", "A")))
            for market, rows in self._by_market(columns.names((*prefix, "s")), lines):
                market.add_quotes(lines[rows], times[rows], [one[rows] for one in numbers])
            return
        if (*prefix, "X") in group.shape.values and columns.names((*prefix, "X"))[1] != ["MARKET"]:
            raise Doubt
        numbers = columns.decimals((*prefix, "p"), (*prefix, "q"))
        ids, maker = columns.wholes((*prefix, IDS[kind])), columns.truths((*prefix, "m"))
        for market, rows in self._by_market(columns.names((*prefix, "s")), lines):
            market.add_trades(kind, lines[rows], times[rows], [one[rows] for one in numbers], maker[rows], ids[rows])

    def _partial(self, group: Group, prefix: Path, books: dict[str, list[tuple[Ints, Ints]]]) -> None:
        columns, lines = group.columns, group.at + self._block.first_line
        depth = whole_books(columns, prefix, _times(columns, prefix))
        codes, streams = columns.names(("stream",))
        for market, rows in self._by_market((codes, [one.partition("@")[0] for one in streams]), lines):
            books.setdefault(market.name, []).append((lines[rows], depth[rows]))

    def _of_few(self) -> list[Group]:
        """Return the groups of partial books of rare shapes: a parser would be no faster with these."""
        found, rest = Shapes(DIGITS, 1, _is_plain).groups(
            b"\n".join(line for _, line in self._few), stamped=self._stamped
        )
        if rest:
            raise Doubt
        import numpy as np

        at = np.array([at for at, _ in self._few], dtype=np.int64)
        return [group._replace(at=at[group.at]) for group in found]

    def _by_market(self, names: tuple[Ints, list[str]], lines: Ints) -> Iterator[tuple[BlockMarket, Any]]:
        """Yield the markets with which of the lines are theirs."""
        codes, symbols = names
        for code, symbol in enumerate(symbols):
            market = self._market(symbol)
            rows = slice(None) if len(symbols) == 1 else codes == code
            self._is_last(int(lines[rows][-1]), market.name)
            yield market, rows

    # -- the other lines

    def _rest(self, rest: list[tuple[int, bytes]], *, stamped: bool) -> None:
        import orjson

        lines = [line for _, line in rest]
        records = orjson.loads(b"[" + b",".join(bodies(lines) if stamped else lines) + b"]")
        if len(records) != len(lines):
            raise Doubt
        first = self._block.first_line
        last: BlockMarket | None = None
        skipped = number = 0
        for (at, line), record in zip(rest, records, strict=True):
            stream = record.get("stream")
            if stream is None:
                self._snapshot(record, last, first + at)
                continue
            kind, data = self._kind_of(stream), record["data"]
            if kind is None:
                if not isinstance(data, dict):
                    raise Doubt
                skipped += 1
                continue
            if kind in PARTIAL:
                self._few.append((at, line))
                continue
            number = first + at
            last = self._market(data["s"])
            if kind == "depth":
                self._depth(last, data, number)
            elif kind == "bookTicker":
                last.quotes.append(_QUOTE(data))
                last.quote_lines.append(number)
            elif data.get("X", "MARKET") != "MARKET":
                skipped += 1
            else:
                last.add_trade(kind, _TRADES[kind](data), number)
        if last is not None:
            self._is_last(number, last.name)
        self._reader.skipped += skipped

    def _snapshot(self, record: Any, last: BlockMarket | None, number: int) -> None:
        if "lastUpdateId" not in record:
            raise Doubt
        if last is None or self._few:
            raise Doubt  # it belongs to the market of the block before, or of a line that is read later
        last.flush()
        last.book.start(record, self._source.at(number))

    def _depth(self, market: BlockMarket, data: dict[str, Any], number: int) -> None:
        book, time_ms = market.book, data["T"]
        if book.snapshot_id is None:
            book.change(data, self._source.at(number))
            return
        if type(data["u"]) is not int or type(time_ms) is not int or not 0 < time_ms <= LAST_MS:
            raise Doubt
        if data["u"] < book.snapshot_id:
            return
        market.bids.update(data["b"])
        market.asks.update(data["a"])
        if time_ms >= book.next_ms:
            market.sample(time_ms, number)


def _is_plain(record: Any) -> bool:
    """Tell whether a record means the same without those before it."""
    try:
        kind, _ = message(record, Place(FilePath(), 0))
    except (DataFileError, AttributeError):
        return False
    return kind != "depth"


def _times(columns: Columns, prefix: Path) -> Ints:
    """Return times in ms: the exchange's own, or the recorder's of messages that carry none."""
    told = (*prefix, "T") in columns.shape.values
    return plain_ms(columns.wholes((*prefix, "T")) if told else columns.wholes(LOCAL) // 1_000_000)

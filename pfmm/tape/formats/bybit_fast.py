"""Raw Bybit captures, whole blocks at a time: prints as columns, the levels of books as whole numbers. Layer: tape.

Reads what BybitReader reads, into the same books and ids. Lines of unusual shapes go through that reader itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pfmm.errors import DataFileError
from pfmm.model.spelling import market_name
from pfmm.model.units import LAST_MS
from pfmm.tape.arrow import Doubt, decimals_of_texts
from pfmm.tape.batches import DEPTH_WIDTH, QUOTE, TRADE, Batch, Parts, event_rows, in_order_of_lines
from pfmm.tape.books import LevelBook
from pfmm.tape.fixed import Unfit
from pfmm.tape.formats.bybit import BEST_ALONE, BOOK, SIDES, TRADES, BybitReader
from pfmm.tape.line_blocks import Prints, add_prints, aggressors, bodies, markets_of, plain_ms, remaining, row_by_row
from pfmm.tape.number_books import NumberBook, Segment
from pfmm.tape.shapes import ALNUM, Columns, Shapes
from pfmm.tape.sources import Block, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FEW = 32  # lines of one shape: below that a table takes longer than a parser
KINDS = {"snapshot": True, "delta": False}


@dataclass(slots=True)
class _Messages:
    """What a block tells of one book, message by message and level by level."""

    symbol: str
    market: str
    segments: list[Segment] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    sides: list[int] = field(default_factory=list)
    prices: list[str] = field(default_factory=list)
    sizes: list[str] = field(default_factory=list)

    def add(self, data: dict[str, Any], time_ms: int, line: int, *, clears: bool) -> None:
        """Take one message."""
        for side, levels in ((1, data["b"]), (-1, data["a"])):
            self.prices += [level[0] for level in levels]
            self.sizes += [level[1] for level in levels]
            self.sides += [side] * len(levels)
        self.segments.append(Segment(len(self.prices), clears, time_ms))
        self.lines.append(line)


class BybitFast:
    """The fast way through the lines of one reader."""

    def __init__(self, reader: BybitReader) -> None:
        self._reader = reader
        self._shapes = Shapes(ALNUM + b"-", FEW, _holds_prints)

    def read(self, block: Block, source: Source, *, stamped: bool) -> list[Batch]:
        """Read the events of a block; where it is not plain, remember nothing of it and raise Doubt."""
        saved = self._reader.remembered()
        try:
            groups, rest = self._shapes.groups(block.content, stamped=stamped)
            others, books = self._books(rest, block, source, stamped=stamped)
            parts = remaining(self._reader, others, block, source, stamped=stamped)
            prints = [_prints(group.columns, group.at + block.first_line) for group in groups]
            add_prints(prints, parts, self._reader.seen)
            self._show(books, parts)
            return in_order_of_lines([one.batch(market) for market, one in parts.items()])
        except (Doubt, KeyError, TypeError, ValueError, IndexError, AttributeError, Unfit, DataFileError) as error:
            self._reader.go_back(saved)
            raise Doubt from error

    def _books(
        self, rest: list[tuple[int, bytes]], block: Block, source: Source, *, stamped: bool
    ) -> tuple[list[tuple[int, bytes]], dict[str, _Messages]]:
        """Return the lines that are of no book, and the messages of each book by its topic."""
        import orjson

        lines = [line for _, line in rest]
        others: list[tuple[int, bytes]] = []
        found: dict[str, _Messages] = {}
        if not lines:
            return others, found
        records = orjson.loads(b"[" + b",".join(bodies(lines) if stamped else lines) + b"]")
        if len(records) != len(lines):
            raise Doubt
        for (at, line), record in zip(rest, records, strict=True):
            topic = record.get("topic")
            if not isinstance(topic, str) or not BOOK.match(topic):
                others.append((at, line))
                continue
            data, clears = record["data"], KINDS[record["type"]]
            time_ms = self._reader.time_of_book(record, source.place)
            if type(time_ms) is not int or not 0 < time_ms <= LAST_MS:
                raise Doubt
            messages = found.get(topic)
            if messages is None:
                if topic not in self._reader.books and not clears:
                    self._reader.skipped += 1
                    continue
                messages = found[topic] = _Messages(data["s"], markets_of([data["s"]], market_name)[0])
            if messages.symbol != data["s"]:
                raise Doubt
            messages.add(data, time_ms, block.first_line + at, clears=clears)
        return others, found

    def _show(self, books: dict[str, _Messages], parts: dict[str, Parts]) -> None:
        """Give the markets the quotes and books that messages show."""
        import numpy as np

        reader = self._reader
        best_from: dict[str, int] = dict.fromkeys(reader.best, 0)
        for topic, messages in sorted(books.items(), key=lambda one: not one[0].startswith(BEST_ALONE)):
            alone = topic.startswith(BEST_ALONE)
            prices, sizes = decimals_of_texts(messages.prices), decimals_of_texts(messages.sizes)
            if not prices.all():
                raise Doubt
            book = NumberBook(reader.books.setdefault(topic, LevelBook()))
            shown = book.take(
                messages.segments, messages.sides, prices.tolist(), sizes.tolist(), with_depth=not alone
            )  # fmt: skip
            book.give_back()
            lines = np.array(messages.lines, dtype=np.int64)
            if alone:
                reader.best.add(messages.market)
                best_from[messages.market] = min(int(lines[0]), best_from.get(messages.market, int(lines[0])))
            part = parts.setdefault(messages.market, Parts())
            at = lines[shown.best_at]
            quotes = np.array(shown.best, dtype=np.int64).reshape(-1, 5)
            if not alone and messages.market in best_from:  # a deeper book is told later, and less often
                kept = at < best_from[messages.market]
                at, quotes = at[kept], quotes[kept]
            part.add(at, event_rows(QUOTE, *quotes.T))
            part.add_depth(lines[shown.depth_at], np.array(shown.depth, dtype=np.int64).reshape(-1, DEPTH_WIDTH))


def _holds_prints(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and str(record.get("topic", "")).startswith(TRADES)
        and isinstance(record.get("data"), list)
        and bool(record["data"])
    )


def _prints(columns: Columns, lines: Ints) -> Prints:
    import numpy as np

    if not all(topic.startswith(TRADES) for topic in columns.names(("topic",))[1]):
        raise Doubt
    at = [("data", number) for number in range(len(columns.shape.record["data"]))]
    price, size = (row_by_row(columns.decimals(*((*one, name) for one in at))) for name in ("p", "v"))
    if not price.all() or not size.all():
        raise Doubt
    times = plain_ms(row_by_row([columns.wholes((*one, "T")) for one in at]))
    codes, symbols = columns.names(*((*one, "s") for one in at))
    sides = aggressors(*columns.names(*((*one, "S") for one in at)), SIDES)
    ids = [columns.joined((*one, "i")).to_pylist() for one in at]
    return Prints(
        np.repeat(lines, len(at)),
        event_rows(TRADE, times, price, size, row_by_row(np.split(sides, len(at)))),
        row_by_row(np.split(codes, len(at))),
        markets_of(symbols, market_name),
        [one for line in zip(*ids, strict=True) for one in line],
    )

"""Rows of book levels, with trades and best prices among them, as columns: the fast way of RowReader. Layer: tape.

Rows that have time, kind and sequence in common are one message, which is whole where the next one begins: the last of
a block waits for the next block, as it does row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pfmm.tape.arrow import Doubt, coded, look_for_trimmed, market_of_symbol, meanings, numbers, times_ns
from pfmm.tape.batches import DEPTH_WIDTH, QUOTE, TRADE, Batch, event_rows
from pfmm.tape.books import LevelBook
from pfmm.tape.events import TOLERANCE_MS
from pfmm.tape.number_books import NumberBook, Segment
from pfmm.tape.tables import (
    CHANGES,
    FIRST_MS,
    LAST_PLAUSIBLE_MS,
    SNAPSHOTS,
    TICKERS,
    TRADES,
    RowReader,
    book_of,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Truths = NDArray[np.bool_]

NS = 1_000_000
TRUTHS = {"true": 1, "false": 0}


class LevelRows(NamedTuple):
    """Rows of one market. `words` are the kinds, `begins` tells that a row is of another message than the one before
    it, `clears` that the book is emptied ahead of it; of the first and the last row there is what their message has in
    common."""

    market: str
    lines: Ints
    ns: Ints
    kinds: Ints
    words: list[str]
    begins: Truths
    clears: Truths
    sides: Ints
    prices: Ints
    sizes: Ints
    first: tuple[str, ...]
    last: tuple[str, ...]


def book_batches(table: Any, reader: RowReader, first_line: int, unit: str) -> list[Batch]:
    """Make the events of a table's rows; raise Doubt where they are not plain, or of several markets."""
    import numpy as np

    names, levels = table.column_names, reader.levels
    market = _market(table, reader)
    ns = times_ns(table.column("time"), unit)
    if (np.maximum.accumulate(ns) - ns > TOLERANCE_MS * NS).any() or ns[0] < (levels.shown_ms - TOLERANCE_MS) * NS:
        raise Doubt
    kinds, words = np.zeros(len(ns), dtype=np.int64), ["D"]
    begins = np.diff(ns, prepend=ns[0]) != 0
    if "kind" in names:
        kinds, words = _kinds(table.column("kind"), len(ns))
        begins |= np.diff(kinds, prepend=kinds[0]) != 0
    sequences = table.column("sequence") if "sequence" in names else None
    if sequences is not None:
        begins[1:] |= _differs(sequences)
    ends = []
    for at in (0, -1):
        sequence = "" if sequences is None else str(sequences[at].as_py())
        ends.append(message_of(market, int(ns[at]), words[kinds[at]], sequence))
    begins[0] = ends[0] != levels.group
    snapshot = levels.snapshot
    if "snapshot" in names:
        told = meanings(table.column("snapshot"), TRUTHS.get)
        clears, snapshot = np.diff(told, prepend=int(snapshot)) > 0, bool(told[-1])
    else:
        clears = begins & are_of(kinds, words, (*SNAPSHOTS, *TICKERS))
    sides = meanings(table.column("side"), reader.table.sides.get)
    (prices, priced), (sizes, sized) = numbers(table.column("price")), numbers(table.column("size"))
    if not (priced & sized).all():
        raise Doubt
    lines = np.arange(first_line, first_line + len(ns))
    rows = LevelRows(market, lines, ns, kinds, words, begins, clears, sides, prices, sizes, ends[0], ends[1])
    found = level_batches(rows, reader)
    levels.snapshot = snapshot
    look_for_trimmed(table, reader.trimmed)
    if reader.table.name == "fastmm":
        reader.instrument = str(table.column("symbol")[0])
    return found


def level_batches(rows: LevelRows, reader: RowReader) -> list[Batch]:
    """Make the events of rows, and remember what later ones go on from; raise Doubt where they are not plain."""
    import numpy as np

    levels = reader.levels
    if levels.pending is not None and levels.pending[0] != rows.market:
        raise Doubt
    trades, tickers = are_of(rows.kinds, rows.words, TRADES), are_of(rows.kinds, rows.words, TICKERS)
    plausible = (rows.ns >= FIRST_MS * NS) & (rows.ns < LAST_PLAUSIBLE_MS * NS)
    if not plausible.all() or not (rows.prices > 0).all() or not rows.sizes[trades].all():
        raise Doubt
    runs = _runs(rows, trades)
    pending = levels.pending if rows.begins[0] else None
    books = []
    for kind, mask in (("D", ~trades & ~tickers), ("B", tickers)):
        waits = pending is not None and (pending[2] in TICKERS) == (kind in TICKERS)
        if waits or mask.any():
            book = NumberBook(levels.books.setdefault(book_of(rows.market, kind), LevelBook()))
            pending_ns = levels.pending[1] * NS + levels.sub_ns if waits and levels.pending is not None else None
            books.append(_Book(rows, runs, mask, book, pending_ns, kind not in TICKERS))
    parts = [book.take() for book in books]
    at = np.flatnonzero(trades)
    prints = event_rows(TRADE, rows.ns[at] // NS, rows.prices[at], rows.sizes[at], rows.sides[at])
    batch = _joined(rows.market, [*parts, _Part(rows.lines[at], prints, rows.ns[at] % NS)])
    for one in books:
        one.book.give_back()
    _remember(rows, runs, reader, ends_with_print=bool(trades[-1]))
    return [batch] if len(batch.events) or len(batch.depth) else []


class _Runs(NamedTuple):
    """Stretches of rows that are of one message: the first row of each, the row behind it, and the time in ns of a
    message of levels that ends with it, else 0."""

    starts: Ints
    ends: Ints
    shown_ns: Ints


def _runs(rows: LevelRows, trades: Truths) -> _Runs:
    import numpy as np

    starts = np.flatnonzero(rows.begins | rows.clears)
    if not len(starts) or starts[0]:
        starts = np.concatenate(([0], starts))
    ended = np.append(rows.begins[starts[1:]], False)
    shown_ns = np.where(ended & ~trades[starts], rows.ns[starts], 0)
    return _Runs(starts, np.append(starts[1:], len(rows.ns)), shown_ns)


class _Part(NamedTuple):
    lines: Ints
    events: Ints
    sub_ns: Ints
    books: tuple[Ints, Ints] | None = None


@dataclass(slots=True)
class _Book:
    """The rows of one book among others. `pending_ns` is the time of a message to it that the first row ends."""

    rows: LevelRows
    runs: _Runs
    mask: Truths
    book: NumberBook
    pending_ns: int | None
    with_depth: bool

    def take(self) -> _Part:
        """Set the levels, and return what the book showed."""
        import numpy as np

        rows, mask = self.rows, self.mask
        mine = mask[self.runs.starts]
        behind, shown_ns = self.runs.ends[mine], self.runs.shown_ns[mine]
        ends, clears = np.cumsum(mask)[behind - 1], rows.clears[self.runs.starts][mine]
        if self.pending_ns is not None:
            behind, shown_ns = np.append(0, behind), np.append(self.pending_ns, shown_ns)
            ends, clears = np.append(0, ends), np.append(False, clears)
        segments = zip(ends.tolist(), clears.tolist(), (shown_ns // NS).tolist(), strict=True)
        sides, prices, sizes = (column[mask].tolist() for column in (rows.sides, rows.prices, rows.sizes))
        shown = self.book.take([Segment(*one) for one in segments], sides, prices, sizes, with_depth=self.with_depth)
        lines = rows.lines[np.minimum(behind, len(rows.lines) - 1)]
        return _Part(
            lines[shown.best_at],
            event_rows(QUOTE, *np.array(shown.best, dtype=np.int64).reshape(-1, 5).T),
            shown_ns[shown.best_at] % NS,
            (lines[shown.depth_at], np.array(shown.depth, dtype=np.int64).reshape(-1, DEPTH_WIDTH)),
        )


def _joined(market: str, parts: list[_Part]) -> Batch:
    """Return the parts as one batch in the order of lines; what one line ends comes before what it tells."""
    import numpy as np

    lines, events, sub_ns = (np.concatenate([part[at] for part in parts]) for at in range(3))
    order = np.argsort(lines, kind="stable")
    depth_lines, depth = next((part.books for part in parts if part.books is not None), None) or _no_books()
    return Batch(market, events[order], sub_ns[order], lines[order], depth, depth_lines)


def _no_books() -> tuple[Ints, Ints]:
    import numpy as np

    return np.empty(0, dtype=np.int64), np.empty((0, DEPTH_WIDTH), dtype=np.int64)


def _remember(rows: LevelRows, runs: _Runs, reader: RowReader, *, ends_with_print: bool) -> None:
    import numpy as np

    levels = reader.levels
    shown = np.flatnonzero(runs.shown_ns)
    if len(shown):
        levels.shown_ms = int(runs.shown_ns[shown[-1]]) // NS
    elif rows.begins[0] and levels.pending is not None:
        levels.shown_ms = levels.pending[1]
    levels.group = rows.last
    if ends_with_print:
        levels.pending = None
        return
    ms, levels.sub_ns = divmod(int(rows.ns[-1]), NS)
    levels.pending = (rows.market, ms, rows.words[rows.kinds[-1]])


def _market(table: Any, reader: RowReader) -> str:
    if "symbol" not in table.column_names:
        return reader.market
    _, names = coded(table.column("symbol"), table.num_rows)
    if len(names) != 1:
        raise Doubt
    if reader.table.name != "fastmm":
        return market_of_symbol(names[0])
    if reader.instrument not in (None, names[0]):
        raise Doubt
    return reader.market


def _kinds(column: Any, count: int) -> tuple[Ints, list[str]]:
    """Return which of the kinds each row is of, and the kinds."""
    codes, words = coded(column, count)
    words = [word.upper() for word in words]
    if len(set(words)) < len(words) or not set(words) <= {*CHANGES, *SNAPSHOTS, *TRADES, *TICKERS}:
        raise Doubt
    return codes, words


def are_of(kinds: Ints, words: list[str], wanted: tuple[str, ...]) -> Truths:
    """Tell which rows are of these kinds."""
    import numpy as np

    found: Truths = np.array([word in wanted for word in words])[kinds]
    return found


def _differs(column: Any) -> Truths:
    """Tell where a cell is another than the one before it."""
    import numpy as np
    import pyarrow.compute as pc

    if column.null_count:
        raise Doubt
    return np.array(pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)).combine_chunks())


def message_of(market: str, ns: int, kind: str, sequence: str) -> tuple[str, ...]:
    """Return what the rows of a message have in common, as RowReader notes it."""
    return market, str(divmod(ns, NS)), kind, sequence

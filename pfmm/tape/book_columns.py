"""Blocks of a table of book levels as columns: the fast way of RowReader through them. Layer: tape.

The levels of one time are one message, which is whole where the next one begins: the last of a block waits for the next
block, as it does row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pfmm.tape.arrow import Doubt, coded, market_of_symbol, meanings, numbers, times_ns
from pfmm.tape.batches import DEPTH_WIDTH, QUOTE, Batch, event_rows
from pfmm.tape.books import LevelBook
from pfmm.tape.number_books import NumberBook, Segment
from pfmm.tape.tables import FIRST_MS, LAST_PLAUSIBLE_MS, RowReader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

NS = 1_000_000
TRUTHS = {"true": 1, "false": 0}


def book_batches(table: Any, reader: RowReader, first_line: int, unit: str) -> list[Batch]:
    """Make the quotes and books of a table's rows; raise Doubt where they are not plain, or of several markets."""
    import numpy as np

    levels, market = reader.levels, _market(table, reader)
    ns = times_ns(table.column("time"), unit)
    if not ((ns >= FIRST_MS * NS) & (ns < LAST_PLAUSIBLE_MS * NS)).all():
        raise Doubt
    if levels.pending is not None and levels.pending[0] != market:
        raise Doubt
    sides = meanings(table.column("side"), reader.table.sides.get)
    snapshots = meanings(table.column("snapshot"), TRUTHS.get)
    (prices, priced), (sizes, sized) = numbers(table.column("price")), numbers(table.column("size"))
    if not (prices > 0).all() or not (priced & sized).all():
        raise Doubt
    begins = np.diff(ns, prepend=ns[0]) != 0
    begins[0] = _group(market, int(ns[0])) != levels.group
    clears = np.diff(snapshots, prepend=int(levels.snapshot)) > 0
    segments, at, shown_ns = _segments(begins, clears, ns, levels.pending, levels.sub_ns)
    book = NumberBook(levels.books.setdefault(market, LevelBook()))
    shown = book.take(segments, sides.tolist(), prices.tolist(), sizes.tolist())
    book.give_back()
    levels.group, levels.snapshot = _group(market, int(ns[-1])), bool(snapshots[-1])
    levels.pending, levels.sub_ns = (market, int(ns[-1]) // NS, "D"), int(ns[-1]) % NS
    levels.shown_ms = max([levels.shown_ms, *(int(one) // NS for one in shown_ns[shown_ns > 0][-1:])])
    lines = first_line + at
    events = event_rows(QUOTE, *np.array(shown.best, dtype=np.int64).reshape(-1, 5).T)
    depth = np.array(shown.depth, dtype=np.int64).reshape(-1, DEPTH_WIDTH)
    found = Batch(market, events, shown_ns[shown.best_at] % NS, lines[shown.best_at], depth, lines[shown.depth_at])
    return [found] if len(events) or len(depth) else []


def _market(table: Any, reader: RowReader) -> str:
    if "symbol" not in table.column_names:
        return reader.market
    _, names = coded(table.column("symbol"), table.num_rows)
    if len(names) != 1:
        raise Doubt
    return market_of_symbol(names[0])


def _group(market: str, ns: int) -> tuple[str, ...]:
    return market, str(divmod(ns, NS)), "D", ""


def _segments(
    begins: Any, clears: Any, ns: Ints, pending: tuple[str, int, str] | None, sub_ns: int
) -> tuple[list[Segment], Ints, Ints]:
    """Return the segments of rows, the row behind each, and the time in ns of the message that ends there, or 0."""
    import numpy as np

    count = len(ns)
    starts = np.flatnonzero(begins | clears)
    if not len(starts) or starts[0]:
        starts = np.concatenate(([0], starts))
    ends = np.append(starts[1:], count)
    ended = np.append(begins[starts[1:]], False)
    shown_ns = np.where(ended, ns[starts], 0)
    flags = clears[starts]
    if begins[0] and pending is not None:
        ends, flags = np.concatenate(([0], ends)), np.concatenate(([False], flags))
        shown_ns = np.concatenate(([pending[1] * NS + sub_ns], shown_ns))
    found = zip(ends.tolist(), flags.tolist(), (shown_ns // NS).tolist(), strict=True)
    return [Segment(*one) for one in found], ends, shown_ns

"""hftbacktest's archives of NumPy records as columns. Layer: tape.

Reads what `npz_rows` and RowReader read of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pfmm.tape.arrow import Doubt, look_for_trimmed, numbers
from pfmm.tape.batches import Batch
from pfmm.tape.book_columns import NS, LevelRows, are_of, level_batches, message_of
from pfmm.tape.formats.hftbacktest import BUY, EXCHANGE, KINDS, Message, records_of, rows_of
from pfmm.tape.sources import Source
from pfmm.tape.tables import FIRST_MS, LAST_PLAUSIBLE_MS, SNAPSHOTS, TICKERS, Row, RowReader

CHUNK_ROWS = 1 << 18


def npz_batches(source: Source, reader: RowReader) -> Iterator[Batch | Iterator[Row]]:
    """Make the events of hftbacktest's records; of a chunk that is not plain, and of all behind it, yield the rows."""
    records = records_of(source)
    at = Message()
    for start in range(0, len(records), CHUNK_ROWS):
        try:
            found = _of_records(records[start : start + CHUNK_ROWS], start + 1, reader, at)
        except (Doubt, TypeError, ValueError, OverflowError):
            yield rows_of(source, records, start, at)
            return
        yield from found


def _of_records(records: Any, first_line: int, reader: RowReader, at: Message) -> list[Batch]:
    import numpy as np
    import pyarrow as pa

    flags = records["ev"].astype(np.int64)
    told = flags & 0xFF
    kept = np.flatnonzero((flags & EXCHANGE != 0) & np.isin(told, list(KINDS)))
    if not len(kept):
        return []
    flags, told, ns = flags[kept], told[kept], np.ascontiguousarray(records["exch_ts"][kept], dtype=np.int64)
    if reader.clock.unit_of(str(ns[0])) != "ns" or not ((ns >= FIRST_MS * NS) & (ns < LAST_PLAUSIBLE_MS * NS)).all():
        raise Doubt
    begins = (np.diff(ns, prepend=at.last[0]) != 0) | (np.diff(told, prepend=at.last[1]) != 0)
    numbered = at.number + np.cumsum(begins)
    codes, words = [*KINDS], [*KINDS.values()]
    kinds = np.array([codes.index(one) if one in codes else 0 for one in range(max(codes) + 1)])[told]
    floats = pa.table(
        {name: records[column][kept].astype("<f8") for name, column in (("price", "px"), ("size", "qty"))}
    )
    (prices, priced), (sizes, sized) = (numbers(column) for column in floats.columns)
    if not (priced & sized).all():
        raise Doubt
    first, last = (message_of(reader.market, int(ns[n]), words[kinds[n]], str(numbered[n])) for n in (0, -1))
    begins[0] = first != reader.levels.group
    clears = begins & are_of(kinds, words, (*SNAPSHOTS, *TICKERS))
    sides = np.where(flags & BUY != 0, 1, -1)
    rows = LevelRows(
        reader.market, first_line + kept, ns, kinds, words, begins, clears, sides, prices, sizes, first, last
    )  # fmt: skip
    found = level_batches(rows, reader)
    look_for_trimmed(floats, reader.trimmed)
    reader.clock.unit = "ns"
    at.number, at.last = int(numbered[-1]), (int(ns[-1]), int(told[-1]))
    return found

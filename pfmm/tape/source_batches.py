"""One source as batches of integer columns: by pyarrow where it is plain, row by row where it is not. Layer: tape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pfmm.tape.arrow import Doubt, csv_columns, event_batches, roles_of
from pfmm.tape.batches import Batch, batches_of
from pfmm.tape.book_columns import book_batches
from pfmm.tape.carriers import batches, cells_of_rows
from pfmm.tape.fast_lines import FastLines, fast_lines_of
from pfmm.tape.formats.hftbacktest_fast import npz_batches
from pfmm.tape.layout import Document
from pfmm.tape.recognise import Found
from pfmm.tape.rows import LOOKED_AT, SourceRows, newest_first
from pfmm.tape.sources import Block, blocks
from pfmm.tape.tables import Clock, RowReader

BLOCK_BYTES = 8 << 20
LINE_BYTES = 1 << 20  # what the lines of a block become stays in the processor's cache
FEW_BYTES = 256 << 10  # below that the import of pyarrow takes longer than the rows


def source_batches(rows: SourceRows) -> Iterator[Batch]:
    """Yield the source's events, in batches of one market each, as they come.

    A table whose newest row stands first is read from its end. Raises DataFileError as `rows.entries` does.
    """
    found = _source_batches(rows)
    first = next(found, None) if rows.may_be_turned else None
    if first is not None and newest_first(first.events[:LOOKED_AT, 0].tolist()):
        yield from map(_turned, reversed([first, *found]))
        return
    if first is not None:
        yield first
    yield from found


def _turned(batch: Batch) -> Batch:
    return batch._replace(events=batch.events[::-1], sub_ns=batch.sub_ns[::-1], lines=batch.lines[::-1])


def _source_batches(rows: SourceRows) -> Iterator[Batch]:
    found = rows.found
    if rows.line_reader is not None:
        rows.line_reader.begin_file()
        fast = fast_lines_of(rows.line_reader)
        for block in blocks(rows.source, rows.watch, LINE_BYTES):
            yield from _line_batches(rows, block, fast)
    elif found.carrier in ("parquet", "feather"):
        yield from _columnar(rows)
    elif found.carrier == "npz" and has_arrow():
        yield from _of_npz(rows)
    elif found.carrier == "text" and not isinstance(found.format, Document):
        for block in blocks(rows.source, rows.watch, BLOCK_BYTES):
            yield from _text_batches(rows, block)
    else:
        yield from batches_of(rows.entries())
        return
    yield from batches_of(rows.rest())


def _line_batches(rows: SourceRows, block: Block, fast: FastLines | None) -> Iterator[Batch]:
    if fast is not None and block.ended:
        try:
            yield from fast.read(block, rows.source, stamped=rows.found.stamped)
        except Doubt:
            pass
        else:
            return
    yield from batches_of(rows.block(block))


def _text_batches(rows: SourceRows, block: Block) -> Iterator[Batch]:
    reader = rows.table_reader
    assert reader is not None
    try:
        table, unit, first = table_of_block(block, rows.found, reader.clock, roles_of(rows.found, reader.table))
        found = _made(table, reader, first, unit)
    except Doubt:
        yield from batches_of(rows.block(block))
    else:
        reader.clock.unit = unit
        yield from found


def _made(table: Any, reader: RowReader, first_line: int, unit: str) -> list[Batch]:
    make = book_batches if reader.table.holds == "book" else event_batches
    return make(table, reader, first_line, unit)


def table_of_block(block: Block, found: Found, clock: Clock, roles: list[str] | None) -> tuple[Any, str, int]:
    """Read the columns of these roles in a block of text, the unit of its times, and the number of its first row.

    Raises Doubt where it is not plain, small, or not to be read by columns (no roles).
    """
    few = len(block.content) <= FEW_BYTES and block.first_line == 1
    if roles is None or few or not has_arrow():
        raise Doubt
    at = dict(found.roles)
    first = _first_row(block, found)
    if first is None or len(first) <= max(at.values()):
        raise Doubt
    table = csv_columns(
        block, found, roles,
        whole_times=first[at["time"]].isdigit(), whole_ids="id" in at and first[at["id"]].isdigit(),
    )  # fmt: skip
    return table, clock.unit_of(first[at["time"]]), max(block.first_line, found.header_line + 1)


def table_of_batch(batch: Any, found: Found, clock: Clock, roles: list[str] | None) -> tuple[Any, str]:
    """Read the columns of these roles in a batch of Arrow, and the unit of its times; raise Doubt without roles."""
    import pyarrow as pa

    if roles is None:
        raise Doubt
    named = batch.rename_columns([role for role, _ in found.roles])
    table = pa.Table.from_batches([named.select(roles)])
    return table, clock.unit_of(_cell(table.column("time")))


def _first_row(block: Block, found: Found) -> list[str] | None:
    """Return the cells of the block's first row; None where it is no plain row."""
    from pfmm.tape.recognise import cells_of

    skipped = max(found.header_line - block.first_line + 1, 0)
    head = block.content[: 64 << 10].split(b"\n", skipped + 1)
    if len(head) <= skipped:
        return None
    try:
        return cells_of(head[skipped].decode().rstrip("\r"), found.delimiter)
    except UnicodeDecodeError:
        return None


def _columnar(rows: SourceRows) -> Iterator[Batch]:
    reader, found = rows.table_reader, rows.found
    assert reader is not None
    number = 1
    for batch in batches(rows.source, found):
        try:
            table, unit = table_of_batch(batch, found, reader.clock, roles_of(found, reader.table))
            made = _made(table, reader, number, unit)
        except Doubt:
            yield from batches_of(rows.rows_of(cells_of_rows(rows.source, found, batch, number)))
        else:
            reader.clock.unit = unit
            yield from made
        number += batch.num_rows


def _of_npz(rows: SourceRows) -> Iterator[Batch]:
    assert rows.table_reader is not None
    for found in npz_batches(rows.source, rows.table_reader):
        yield from [found] if isinstance(found, Batch) else batches_of(rows.rows_of(found))


def _cell(column: Any) -> str:
    from pfmm.tape.carriers import cells_of_column

    return cells_of_column(column.slice(0, 1))[0] if len(column) else ""


def has_arrow() -> bool:
    """Tell whether the extra `data` is installed."""
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None

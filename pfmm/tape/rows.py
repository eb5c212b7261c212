"""The rows of one source as events, and what is done with rows that make no sense. Layer: tape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

from pfmm.errors import DataFileError
from pfmm.tape.carriers import columnar_rows
from pfmm.tape.events import Entry, Place, json_value
from pfmm.tape.layout import Document, LineReader, Lines
from pfmm.tape.native import Units
from pfmm.tape.recognise import Found
from pfmm.tape.sources import Block, Source, Watcher, blocks, decoded
from pfmm.tape.tables import RowReader, document_rows, line_that_may_be_cut, text_row
from pfmm.tape.trimmed import Trimmed

MOST_EXAMPLES = 5
LOOKED_AT = 1_000  # rows of a table, to see which way its times go
SKIP_HINT = "--skip-bad N passes over up to N rows that make no sense, and says how many"


def newest_first(times: Sequence[int]) -> bool:
    """Tell whether times mostly fall: some archives begin with the newest row."""
    falls = sum(later < earlier for earlier, later in pairwise(times))
    return falls > sum(later > earlier for earlier, later in pairwise(times)) and times[-1] < times[0]


class Budget:
    """How many bad rows may be passed over, over all files."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most


class Faults:
    """The bad rows that were passed over: how many, and what was wrong with the first of them."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.count = 0
        self.examples: list[str] = []

    def pass_over(self, error: DataFileError) -> None:
        """Count the row; raise the error once none may be passed over any more."""
        if not self.budget.left:
            if self.budget.most:
                raise DataFileError(
                    f"{error.message} (after {self.count} rows passed over)", hint=error.hint
                ) from error
            raise error if error.hint else DataFileError(error.message, hint=SKIP_HINT)
        self.budget.left -= 1
        self.count += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(error.message)


def table_cells(
    source: Source, found: Found, faults: Faults, watch: Watcher | None = None
) -> Iterator[tuple[Place, Sequence[str]]]:
    """Yield the cells of a table's rows, whatever carries it."""
    if found.carrier != "text":
        yield from columnar_rows(source, found)
    elif isinstance(found.format, Document):
        yield from document_rows(source, found.format)
    else:
        for block in blocks(source, watch):
            yield from cells_of_block(block, source, found, faults)


def cells_of_block(block: Block, source: Source, found: Found, faults: Faults) -> Iterator[tuple[Place, Sequence[str]]]:
    """Yield the cells of the rows in one block of text."""
    cut = line_that_may_be_cut(block, found)
    for place, raw in block.lines(source):
        try:
            cells = text_row(raw, place, found, may_be_cut=place.line == cut)
        except DataFileError as error:
            faults.pass_over(error)
            continue
        if cells is not None:
            yield place, cells


class SourceRows:
    """One source, read row by row. `before` is the source of the same format ahead of it, whose books go on."""

    def __init__(self, source: Source, found: Found, market: str, faults: Faults, before: SourceRows | None) -> None:
        self.source, self.found, self.faults = source, found, faults
        self.watch: Watcher | None = None
        self.empty = False  # as it turned out
        self._lines: LineReader | None = None
        self._table: RowReader | None = None
        if isinstance(found.format, Lines):
            self._lines = found.format.reader() if before is None or before._lines is None else before._lines
        else:
            assert found.table is not None
            self._table = RowReader(found.table, found.roles, market)
            if before is not None and before._table is not None:
                self._table.go_on_from(before._table)
        self._before = before
        self._trimmed = Trimmed()

    @property
    def duplicates(self) -> int:
        """Prints left out because their id had been seen."""
        if self._table is not None:
            return self._table.duplicates
        return 0 if self._lines is None or self._before is not None else self._lines.duplicates

    @property
    def skipped(self) -> int:
        """Rows that carry nothing the project uses."""
        if self._table is not None:
            return self._table.skipped
        return 0 if self._lines is None or self._before is not None else self._lines.skipped

    @property
    def units(self) -> dict[str, Units]:
        """The steps that the source states for its markets."""
        found: dict[str, Units] = getattr(self._lines, "units", {})
        return found

    @property
    def notes(self) -> list[str]:
        """What is to be known of the format, and of its numbers."""
        table = self.found.table
        empty = f"{self.source.place.path} holds no events" if self.empty else ""
        return [note for note in (table.note if table is not None else "", self.trimmed.told, empty) if note]

    @property
    def trimmed(self) -> Trimmed:
        """The numbers that were not read as they stand."""
        return self._trimmed if self._table is None else self._table.trimmed

    @property
    def time_unit(self) -> str:
        """The unit of the source's times."""
        return (self._table.clock.unit or "ms") if self._table is not None else "ms"

    def entries(self) -> Iterator[Entry]:
        """Yield every event; of a table whose newest row stands first, from its end.

        Raises DataFileError for a row that makes no sense, once none may be passed over.
        """
        found = self._entries()
        first = list(islice(found, LOOKED_AT)) if self.may_be_turned else []
        if newest_first([entry.event.time_ms for entry in first]):
            yield from reversed([*first, *found])
        else:
            yield from first
            yield from found

    @property
    def may_be_turned(self) -> bool:
        """True for a table of rows that mean the same in any order."""
        return self._table is not None and self._table.table.holds in ("trades", "quotes", "ticks")

    def _entries(self) -> Iterator[Entry]:
        if self._lines is not None:
            self._lines.begin_file()
        if self.found.carrier != "text":
            yield from self._all(columnar_rows(self.source, self.found))
        elif isinstance(self.found.format, Document):
            yield from self._all(document_rows(self.source, self.found.format))
        else:
            for block in blocks(self.source, self.watch):
                yield from self.block(block)
        yield from self.rest()

    @property
    def line_reader(self) -> LineReader | None:
        """What reads the records of JSON lines; None for a table."""
        return self._lines

    @property
    def table_reader(self) -> RowReader | None:
        """What reads the rows of a table; None for JSON lines."""
        return self._table

    def rows_of(self, rows: Iterator[tuple[Place, Sequence[str]]]) -> Iterator[Entry]:
        """Yield the events of rows that were read already."""
        return self._all(rows)

    def rest(self) -> Iterator[Entry]:
        """Yield what waits for the end of the source."""
        if self._table is not None:
            for event, sub_ns in self._table.rest():
                yield Entry(self.source.place, event, sub_ns)

    def block(self, block: Block) -> Iterator[Entry]:
        """Yield the events of one block of text."""
        if self._lines is not None:
            read, cut = self._json_line, 0 if block.ended else block.last_line
        else:
            read, cut = self._text_line, line_that_may_be_cut(block, self.found)
        for place, raw in block.lines(self.source):
            yield from self._guarded(read, raw, place, place.line == cut)

    def _all(self, rows: Iterator[tuple[Place, Sequence[str]]]) -> Iterator[Entry]:
        table = self._table
        assert table is not None
        for place, cells in rows:
            yield from self._guarded(lambda cells, place, _: list(table.read(cells, place)), cells, place, False)  # noqa: FBT003 - by position, for every row

    def _guarded(self, read: Callable[[Any, Place, bool], Any], row: Any, place: Place, cut: bool) -> Iterator[Entry]:  # noqa: FBT001 - by position, for every row
        try:
            found = read(row, place, cut)
        except DataFileError as error:
            self.faults.pass_over(error)
            return
        for event, sub_ns in found:
            yield Entry(place, event, sub_ns)

    def _text_line(self, raw: bytes, place: Place, may_be_cut: bool) -> list[Any]:  # noqa: FBT001 - by position, for every row
        assert self._table is not None
        cells = text_row(raw, place, self.found, may_be_cut=may_be_cut)
        return [] if cells is None else list(self._table.read(cells, place))

    def _json_line(self, raw: bytes, place: Place, may_be_cut: bool) -> list[Any]:  # noqa: FBT001 - by position, for every row
        assert self._lines is not None
        if not raw.strip():
            return []
        line = decoded(raw, place)
        local_ms = None
        if self.found.stamped:
            local, _, line = line.partition(" ")
            if not local.isdigit():
                raise place.error(f"the local time must be whole ns, not {local!r}")
            local_ms = int(local) // 1_000_000
        try:
            record = json_value(line, place)
        except DataFileError:
            if may_be_cut:
                raise place.error("ends in the middle of a line", hint="remove the last line") from None
            raise
        events = [(event, 0) for event in self._lines.read(record, place, local_ms)]
        self._trimmed.look_in_line(raw)
        return events

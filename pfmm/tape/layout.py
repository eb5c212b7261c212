"""How a format is declared: a table by its columns, JSON lines by what recognises and reads a record.

Layer: tape. A format is data: which columns have which role, by which names; which words mean which side. What reads
all of them alike stands in tables.py and arrow.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pfmm.tape.events import Place, TapeEvent

Holds = Literal["trades", "quotes", "ticks", "book", "candles", "funding", "totals"]
Names = tuple[str, ...]
SIDES: Mapping[str, int] = {
    "buy": 1, "b": 1, "bid": 1, "long": 1, "buyer": 1,
    "sell": -1, "s": -1, "a": -1, "ask": -1, "short": -1, "seller": -1,
}  # fmt: skip
ANSWERS = (("result", "list"), ("data",), ("result",))
BUYER_WAS_MAKER: Mapping[str, int] = {"true": -1, "false": 1, "1": -1, "0": 1}


def named(text: str) -> dict[str, Names]:
    """Read the roles of columns with the names that each may have, in the order of the text.

    "time=ts|timestamp price" is a time that is called ts or timestamp, and a price that is called price.
    """
    parts = (word.partition("=") for word in text.split())
    return {role: tuple((names or role).split("|")) for role, _, names in parts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A format of rows and columns, in CSV, Parquet or Feather.

    `columns` gives each role the names that its column may have, in lower case; all of them must be there. `extras`
    may be there, and nothing else where the table is `alone`: many files have these names, of one's own fills too.
    A header with one of `unlike` is of another format, in whose words the same names mean something else.
    `bare` are layouts of files without a header: a column name and the kind of its cell (i whole number, n number,
    t time, b truth, w word). `sides` tells the aggressor (or the side of a book row) from the side's word. `says`
    is for people, `note` what they should know of it.
    """

    name: str
    says: str
    holds: Holds
    columns: Mapping[str, Names]
    extras: Mapping[str, Names] = field(default_factory=dict)
    bare: tuple[str, ...] = ()
    sides: Mapping[str, int] = field(default_factory=lambda: SIDES)
    note: str = ""
    alone: bool = False
    unlike: Names = ()

    def roles(self, header: Sequence[str]) -> dict[str, int] | None:
        """Find where each role's column stands in `header`; None where one lacks or a name occurs twice."""
        found: dict[str, int] = {}
        if not set(self.unlike).isdisjoint(header):
            return None
        for role, names in self.columns.items():
            at = [header.index(name) for name in names if header.count(name) == 1]
            if not at:
                return None
            found[role] = at[0]
        for role, names in self.extras.items():
            at = [header.index(name) for name in names if header.count(name) == 1]
            if at:
                found[role] = at[0]
        return None if self.alone and len(found) < len(header) else found

    def lacks(self, header: Sequence[str]) -> list[str]:
        """Return the columns that `header` does not have, by their first name."""
        return [names[0] for names in self.columns.values() if not any(name in header for name in names)]


class LineReader(Protocol):
    """Reads the records of one JSON-lines format; keeps what a stream's meaning depends on (books, ids seen)."""

    duplicates: int
    skipped: int

    def begin_file(self) -> None:
        """Forget what belongs to a file alone: a new file begins."""

    def read(self, record: Any, place: Place, local_ms: int | None = None) -> Iterator[TapeEvent]:
        """Yield the events of one record, which the recorder received at `local_ms`.

        Raises DataFileError, with the place, for one that makes no sense.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A format of one JSON value a line, with or without a time in ns before it. `knows` tells a record of it."""

    name: str
    says: str
    holds: Holds
    knows: Callable[[Any], bool]
    reader: Callable[[], LineReader]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A format of one JSON document, or of one a line: `rows` makes it the text cells of `table`, or None where it is
    another's."""

    name: str
    says: str
    table: Table
    rows: Callable[[Any], Iterator[Sequence[str]] | None]
    header: Names


Format = Table | Lines | Document


def records(table: Table, names: Names) -> Document:
    """Return the format of JSON objects that have the columns of `table` as their fields, in a list or one a line.

    `names` are the fields of the first one, as they are written there.
    """

    def rows(document: Any) -> Iterator[Sequence[str]] | None:
        if not isinstance(document, list):
            return None
        return ([_cell(one.get(name)) for name in names] if isinstance(one, dict) else [str(one)] for one in document)

    return Document(name=f"{table.name}-records", says=table.says, table=table, rows=rows, header=names)


def rows_of_lists(document: Any, width: int, *, words: bool = False) -> Iterator[Sequence[str]] | None:
    """Return the rows of a list of lists as text; None where they have another width, or words that they should not."""
    if not (isinstance(document, list) and document and isinstance(document[0], list) and len(document[0]) == width):
        return None
    if any(isinstance(cell, str) and cell.isalpha() for cell in document[0]) != words:
        return None
    return ([_cell(cell) for cell in row] if isinstance(row, list) else [str(row)] for row in document)


def candle_lists(name: str, says: str, table: Table, columns: str) -> Document:
    """Return the format of a venue's answer of past candles, each of them a list; `columns` names what it holds."""
    header = tuple(columns.split())
    return Document(
        name=name, says=says, table=table, header=header, rows=lambda document: rows_of_lists(document, len(header))
    )


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def listed(document: Any) -> Any:
    """Return the list that a venue's answer wraps: {"result": {"list": […]}} and {"data": […]}; else the document."""
    for names in ANSWERS:
        found = document
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, list):
            return found
    return document

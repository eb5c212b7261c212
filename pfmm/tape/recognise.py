"""Which format a source has, by its first bytes and lines; what is close to a known one is told what it lacks.

Layer: tape.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from pfmm.errors import DataFileError
from pfmm.tape.events import Place
from pfmm.tape.formats import documents, formats, line_formats, tables
from pfmm.tape.layout import Document, Format, Lines, Table, listed, records
from pfmm.tape.sources import Source, archive_of, blocks, decoded

KNOWN = "`pfmm help data` shows what is read; --format names one of them"
HEAD_BYTES = 256 << 10
HEAD_LINES = 200  # so far down a capture may begin with answers to subscriptions
DELIMITERS = (",", ";", "\t", "|")
CELLS = {
    "i": re.compile(r"[0-9]{1,20}"),
    "n": re.compile(r"-?[0-9]{1,20}(\.[0-9]*)?([eE][-+]?[0-9]+)?"),
    "t": re.compile(r"[0-9]{9,19}(\.[0-9]*)?|[0-9]\.[0-9]+[eE]\+?[0-9]{1,2}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*"),
    "b": re.compile(r"true|false|0|1", re.IGNORECASE),
    "w": re.compile(r"[A-Za-z]+"),
}
Carrier = Literal["text", "parquet", "feather", "npz", "tape"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a source is: its format, how that is carried, and for a table where which role stands.

    `header_line` is the line of a text table's header, 0 where it has none, and `header` its cells in lower case;
    `stamped` says that a time of the recorder stands before each JSON line.
    """

    format: Format
    carrier: Carrier = "text"
    delimiter: str = ","
    header_line: int = 0
    width: int = 0
    roles: tuple[tuple[str, int], ...] = ()
    stamped: bool = False
    header: tuple[str, ...] = ()

    @property
    def format_holds(self) -> str:
        """What the format holds."""
        return self.format.table.holds if isinstance(self.format, Document) else self.format.holds

    @property
    def table(self) -> Table | None:
        """The table's declaration, of a document too; None for JSON lines."""
        if isinstance(self.format, Document):
            return self.format.table
        return self.format if isinstance(self.format, Table) else None


def named(name: str) -> Format:
    """Return the format of that name. Raises DataFileError listing the names."""
    for one in formats():
        if one.name == name:
            return one
    raise DataFileError(f"there is no format {name!r}", hint="known are " + ", ".join(one.name for one in formats()))


def recognise(source: Source, forced: str | None = None) -> Found:
    """Tell the format of a text source (the others are told by their first bytes, see carriers.py).

    Raises DataFileError, with the nearest known layout and what it lacks, for a source that is none.
    """
    wanted = None if forced is None else named(forced)
    head = next(blocks(source, size=HEAD_BYTES), None)
    if head is None or not head.content.strip():
        raise source.place.error("is empty", hint="download it again, or leave it out")
    archive = archive_of(head.content)
    if archive is not None:
        raise source.place.error(f"is {archive}", hint="unpack it first; folders are read file by file")
    text = [line.decode("utf-8", errors="replace").removesuffix("\r") for line in head.content.split(b"\n")]
    at = next((number for number, line in enumerate(text) if line.strip() and not line.startswith("#")), None)
    if at is None:
        raise source.place.error("begins with nothing but comments", hint=KNOWN)
    place = source.at(at + 1)
    first = _header_text(head.content.split(b"\n")[at], place).strip()
    if isinstance(wanted, Lines):
        return Found(wanted, stamped=_is_stamped(first))
    if isinstance(wanted, Document):
        return _document(wanted)
    if wanted is None and (first.startswith(("{", "[")) or _is_stamped(first)):
        return _json(first, text[at:], place)
    return _table(first, at + 1, place, wanted)


def _header_text(line: bytes, place: Place) -> str:
    """Return the text of a file's first line; a header's remarks may be in the script of the venue's own country."""
    try:
        return decoded(line, place)
    except DataFileError:
        foreign = line.decode("gb18030", errors="replace")
        if "\ufffd" in foreign or "/" not in foreign:
            raise
        return foreign


def _is_stamped(line: str) -> bool:
    before, _, body = line.partition(" ")
    return before.isdigit() and body.lstrip().startswith(("{", "["))


def _json(first: str, lines: Sequence[str], place: Place) -> Found:
    for line in lines[:HEAD_LINES]:
        stamped = _is_stamped(line)
        record = _loaded(line.partition(" ")[2] if stamped else line)
        for one in line_formats():
            if record is not None and one.knows(record):
                return Found(one, stamped=stamped)
    text = "\n".join(lines)
    document = _beginning(text) if first.startswith("[") else listed(_loaded(text))
    for kind in documents():
        if kind.rows(document) is not None:
            return _document(kind)
    objects = document if isinstance(document, list) else [_loaded(first)]
    names = _fields_of(objects)
    if names:
        found = table_of([_column_name(name) for name in names], tables())
        if found is not None:
            return _document(records(found[0], names))
    if not first.startswith("[") and _loaded(first) is None and not _is_stamped(first):
        raise place.error(f"not JSON, and the format is unknown: {first[:40]!r}", hint=KNOWN)
    close = nearest([_column_name(name) for name in names], None) if names else ""
    raise place.error(f"the format is unknown: {first[:40]!r}{close}", hint=KNOWN)


def _fields_of(objects: Any) -> tuple[str, ...]:
    """Return the names of the first object's fields; none where it is no object."""
    return tuple(objects[0]) if objects and isinstance(objects[0], dict) else ()


def _document(kind: Document) -> Found:
    roles = kind.table.roles([_column_name(name) for name in kind.header])
    assert roles is not None, kind.name
    return Found(kind, roles=tuple(roles.items()), width=len(kind.header))


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _beginning(text: str) -> Any:
    """Return the first item of a JSON list that may be cut, as a list of it; None where there is no whole one."""
    inside = text[1:].lstrip()
    try:
        item, _ = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode(inside)
    except (ValueError, RecursionError):
        return None
    return [item]


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line, without blanks around them and without quotes.

    A line that is no CSV, with a carriage return in it or a cell without end, is cut at the delimiters as it stands:
    what reads the cells names the one that makes no sense.
    """
    if '"' in line:
        with suppress(csv.Error):
            cells = csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True)
            return [cell.strip() for cell in next(cells, [])]
    return [cell.strip() for cell in line.split(delimiter)] if " " in line else line.split(delimiter)


def _table(first: str, line: int, place: Place, wanted: Table | None) -> Found:
    delimiter = max(DELIMITERS, key=first.count)
    cells = cells_of(first, delimiter)
    if len(cells) < 2:
        raise place.error(f"the format is unknown: {first[:40]!r}", hint=KNOWN)
    if not _is_row(cells):
        return _by_header(cells, delimiter, line, place, wanted)
    if wanted is not None and not wanted.bare:
        raise place.error(f"a {wanted.name} file begins with a header", hint=KNOWN)
    for one in [wanted] if wanted is not None else tables():
        for layout in one.bare:
            if _fits(layout, cells):
                roles = tuple((word.partition(":")[0], at) for at, word in enumerate(layout.split()))
                return Found(one, delimiter=delimiter, width=len(cells), roles=roles)
    raise place.error(
        f"the format is unknown: no header, and no known layout has {len(cells)} such columns: {first[:60]!r}",
        hint=KNOWN,
    )


def _is_row(cells: Sequence[str]) -> bool:
    """Tell whether cells are data: a header has a name that begins with a letter in each, or nearly."""
    return sum(bool(CELLS["n"].fullmatch(cell) or CELLS["t"].fullmatch(cell)) for cell in cells) * 2 > len(cells)


def _fits(layout: str, cells: Sequence[str]) -> bool:
    kinds = [word.partition(":")[2] for word in layout.split()]
    return len(kinds) == len(cells) and all(CELLS[k].fullmatch(cell) for k, cell in zip(kinds, cells, strict=True))


def _by_header(cells: Sequence[str], delimiter: str, line: int, place: Place, wanted: Table | None) -> Found:
    header = [_column_name(cell) for cell in cells]
    found = table_of(header, [wanted] if wanted is not None else tables())
    if found is None:
        raise place.error(f"the format is unknown: {','.join(cells)[:60]!r}{nearest(header, wanted)}", hint=KNOWN)
    table, roles = found
    names = tuple(cell.lower() for cell in cells)
    return Found(table, delimiter=delimiter, header_line=line, width=len(cells), roles=roles, header=names)


def _column_name(cell: str) -> str:
    """Return a column's name as the layouts have it: in lower case, without a translation behind a slash."""
    name, _, translated = cell.lower().replace(" ", "_").partition("/")
    return name if translated and not translated.isascii() else cell.lower().replace(" ", "_")


def table_of(header: Sequence[str], known: Sequence[Table]) -> tuple[Table, tuple[tuple[str, int], ...]] | None:
    """Find the table whose columns `header` has, the one with the most of them; None where there is none."""
    best: tuple[Table, dict[str, int]] | None = None
    for one in known:
        roles = one.roles(header)
        if roles is not None and (best is None or len(one.columns) > len(best[0].columns)):
            best = one, roles
    return None if best is None else (best[0], tuple(best[1].items()))


def nearest(header: Sequence[str], wanted: Table | None) -> str:
    """Say what the closest known layout lacks in `header`, as the end of a message; nothing where none is close."""
    twice = [name for name in dict.fromkeys(header) if name and header.count(name) > 1]
    if twice:
        return f"; the column {twice[0]!r} occurs {header.count(twice[0])} times"
    candidates = [wanted] if wanted is not None else [one for one in tables() if not one.alone]
    close = max(candidates, key=lambda one: (len(one.columns) - len(one.lacks(header))) / len(one.columns))
    lacks = close.lacks(header)
    if wanted is None and len(lacks) * 2 > len(close.columns):
        return ""
    return f"; nearest is {close.name} ({close.says}), which lacks {', '.join(lacks)}"

"""Markdown of the reference pages as a terminal of a given width can show it: wrapped, its tables aligned. Pure.

Layer: cli.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from pfmm.cli.wrapping import HELD, broken

ITEM = re.compile(r"(?:- |\d+\. )")
LIST_OR_TEXT = ("item", "text")
FURTHER = 2  # columns, of the rest of a broken line
GAP = 2  # columns between those of a table
LEAST_LAST = 24  # columns of the last one, which is broken where the table is too wide
MOST_LINES = 10  # of one cell in it: a column of sixty short lines is not read
LABELLED = 6  # columns from which on each cell of a row that stands below another carries the name of its column
GOES_ON = " \\"  # a shell reads on behind it
EQUALS = re.compile(r" {3,}(?=[=(])")


def fitted(text: str, width: int) -> str:
    """Wrap `text` so that no line is beyond `width`, but for a word that is longer than that.

    Code is broken so that it stays code: a command with a backslash, JSON behind a comma.

    A table that is too wide has its last column broken; where that leaves too little for it, its first column is alone
    on a line and the others, a bar between them, indented below it. Where they are many, each says what it is.
    """
    lines: list[str] = []
    for kind, group in groupby(_joined(text.splitlines()), key=_kind):
        if kind == "table":
            lines += _table([_cells(line) for line in group], width)
        elif kind in LIST_OR_TEXT:
            for line in group:
                mark = ITEM.match(line)
                lines += broken(line, width, first="", rest=" " * len(mark[0]) if mark else "")
        else:
            for line in group:
                lines += _title_or_code(line, width)
    return "\n".join(lines)


def _kind(line: str) -> str:
    if not line or line.startswith(("#", "    ")):
        return "whole"
    if line.startswith("|"):
        return "table"
    return "item" if ITEM.match(line) else "text"


def _title_or_code(line: str, width: int) -> list[str]:
    """Break a line that is copied whole where there is room for it."""
    if len(line) <= width:
        return [line]
    margin = " " * (len(line) - len(line.lstrip()) + FURTHER)
    if line.lstrip().startswith("{"):
        return _after_commas(line, width, margin)
    if line.lstrip().startswith("pfmm "):
        *first, last = broken(line, width - len(GOES_ON), first="", rest=margin)
        return [*(part + GOES_ON for part in first), last]
    # a name stays with what it equals, however far apart they stand to be aligned
    aligned = EQUALS.sub(lambda found: HELD * len(found[0]), line)
    return broken(aligned.lstrip(), width, first=margin[FURTHER:], rest=margin)


def _after_commas(line: str, width: int, margin: str) -> list[str]:
    lines: list[str] = []
    for part in re.split(r"""(?<=,)(?=["{[.])""", line):
        if lines and len(lines[-1]) + len(part) <= width:
            lines[-1] += part
        else:
            lines.append(margin + part if lines else part)
    return lines


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines with every paragraph and every item of a list in one."""
    pending = ""
    for line in lines:
        goes_on = pending and (_kind(line) == "text" or re.match(r" {2,3}\S", line) is not None)
        if goes_on:
            pending += " " + line.strip()
            continue
        if pending:
            yield pending
        pending = line if _kind(line) in LIST_OR_TEXT else ""
        if not pending:
            yield line
    if pending:
        yield pending


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def _table(rows: list[list[str]], width: int) -> list[str]:
    rows = [row for row in rows if not all(re.fullmatch(r"[-:| ]+", cell) for cell in row)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    before = sum(widths[:-1]) + GAP * (len(widths) - 1)
    longest = max(len(word) for row in rows for word in (row[-1].split() or [""]))
    room = width - before
    if widths[-1] <= room or (room >= max(LEAST_LAST, longest) and widths[-1] <= room * MOST_LINES):
        return [line for row in rows for line in _aligned(row, widths[:-1], width)]
    if len(widths) >= LABELLED:
        names, *rows = rows
        rows = [[f"{names[0]} {row[0]}", *map(_labelled, names[1:], row[1:])] for row in rows]
    return [line for row in rows for line in (row[0], *broken(" | ".join(row[1:]), width, first="    ", rest="    "))]


def _labelled(name: str, cell: str) -> str:
    """Write a cell as it stands alone: "fills 135"; a line is never broken in it."""
    return f"{name} {cell}".replace(" ", HELD)


def _aligned(row: Sequence[str], widths: Sequence[int], width: int) -> list[str]:
    """Draw a row whose last cell goes on below itself where there is no room for it."""
    *cells, last = row
    start = "".join(cell.ljust(room + GAP) for cell, room in zip(cells, widths, strict=True))
    lines = broken(last, width - len(start)) or [""]
    return [((start if at == 0 else " " * len(start)) + line).rstrip() for at, line in enumerate(lines)]

"""Markdown of the reference pages as a terminal of a given width can show it: wrapped, its tables aligned. Pure.

Layer: cli.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap

ITEM = re.compile(r"(?:- |\d+\. )")
LIST_OR_TEXT = ("item", "text")


def fitted(text: str, width: int) -> str:
    """Wrap `text` so that no line is beyond `width` but titles and code, which is copied whole.

    A table that is too wide has its first column alone on a line and the others, a bar between them, indented below it.
    """
    lines: list[str] = []
    for kind, group in groupby(_joined(text.splitlines()), key=_kind):
        if kind == "table":
            lines += _table([_cells(line) for line in group], width)
        elif kind in LIST_OR_TEXT:
            for line in group:
                mark = ITEM.match(line)
                lines += _wrapped(line, width, first="", rest=" " * len(mark[0]) if mark else "")
        else:
            lines += group
    return "\n".join(lines)


def _kind(line: str) -> str:
    if not line or line.startswith(("#", "    ")):
        return "whole"
    if line.startswith("|"):
        return "table"
    return "item" if ITEM.match(line) else "text"


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
    if sum(widths) + 2 * (len(widths) - 1) <= width:
        return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return [line for row in rows for line in (row[0], *_wrapped(" | ".join(row[1:]), width, first="    ", rest="    "))]


def _wrapped(text: str, width: int, *, first: str, rest: str) -> list[str]:
    return wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )

"""Aligned columns as plain text, cut to a width by whole columns. Layer: cli. No input, no output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    spare: Iterable[int] = (),
    width: int | None = None,
) -> str:
    """Draw columns two spaces apart; the columns in `right` are right-aligned (numbers).

    Where the table is wider than `width` columns (None: no limit), columns of `spare` give way, the first of them
    first, and a last line names them. No cell is ever shortened.
    """
    lines = [tuple(headers), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    hidden = _hidden(widths, spare, width)
    to_right = set(right)
    text = [
        "  ".join(
            cell.rjust(size) if column in to_right else cell.ljust(size)
            for column, (cell, size) in enumerate(zip(line, widths, strict=True))
            if column not in hidden
        ).rstrip()
        for line in lines
    ]
    if hidden:
        names = ", ".join(headers[one] for one in sorted(hidden))
        text += wrap(f"hidden columns (terminal too narrow): {names}", width or 100)
    return "\n".join(text)


def _hidden(widths: Sequence[int], spare: Iterable[int], room: int | None) -> set[int]:
    """Choose the columns of `spare` that there is no room for."""
    if room is None:
        return set()
    too_wide = sum(widths) + 2 * (len(widths) - 1) - room
    hidden: set[int] = set()
    for column in spare:
        if too_wide > 0:
            hidden.add(column)
            too_wide -= widths[column] + 2
    return hidden

"""Lines that fit a screen: broken between parts, cut at word ends, columns aligned. Rendering only. Layer: cli.

Every line is drawn as one line: a terminal that wraps by itself would push what matters out of sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from rich.text import Text

from pfmm.cli.wrapping import HELD, held

GAP = "  "
CUT = " ..."


def flow(parts: Iterable[str], width: int, *, style: str = "") -> list[Text]:
    """Put parts behind each other, two spaces apart, on as few lines as it takes; no part is broken that fits one.

    Parts of 5, 5 and 5 characters in 12 columns take two lines: 5 + 2 + 5 = 12, then 5.
    """
    lines: list[str] = []
    for part in (piece for given in parts for piece in _broken(given, width)):
        if lines and len(lines[-1]) + len(GAP) + len(part) <= width:
            lines[-1] += GAP + part
        else:
            lines.append(part)
    return [Text(line, style=style) for line in lines]


def whole(text: str, width: int, *, style: str = "", further: int = 0) -> list[Text]:
    """Put the text on as many lines as it takes, broken between words; what goes on is `further` columns in."""
    return [Text(line, style=style) for line in _broken(text, width, further)]


def _broken(text: str, width: int, further: int = 0) -> list[str]:
    """Break a text between words, a word that is longer than a line anywhere."""
    lines = wrap(held(text, width - further), width, break_on_hyphens=False, subsequent_indent=" " * further)
    return [line.replace(HELD, " ") for line in lines]


def cut(text: str, width: int) -> str:
    """Cut a text that is too long to as many whole words of it as fit, with three dots behind them."""
    if len(text) <= width:
        return text
    kept = text[: width - len(CUT) + 1].rpartition(" ")[0] or text[: width - len(CUT)]
    return kept.rstrip(" ,;:") + CUT


def columns(
    headers: Sequence[str],
    rows: Iterable[Sequence[Text | str]],
    *,
    left: Iterable[int] = (),
    spare: Iterable[int] = (),
    width: int,
) -> list[Text]:
    """Draw a head and rows, numbers to the right but for the columns in `left`. Columns of `spare` give way, the first
    of them first, where the screen is too narrow. No cell is ever shortened."""
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = [max([len(name), *(row[at].cell_len for row in cells)]) for at, name in enumerate(headers)]
    shown = list(range(len(headers)))
    for column in spare:
        if sum(widths[at] for at in shown) + len(GAP) * (len(shown) - 1) > width:
            shown.remove(column)
    to_left = set(left)
    head = [Text(name, style="bold") for name in headers]
    return [_line([(row[at], widths[at], at in to_left) for at in shown]) for row in (head, *cells)]


def _line(cells: Iterable[tuple[Text, int, bool]]) -> Text:
    line = Text()
    for number, (cell, width, to_left) in enumerate(cells):
        pad = " " * (width - cell.cell_len)
        line.append(GAP if number else "")
        line.append("" if to_left else pad)
        line.append_text(cell)
        line.append(pad if to_left else "")
    line.rstrip()
    return line

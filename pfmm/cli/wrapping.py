"""Text broken between words, and never inside what is read or copied as one: a command, a figure with its unit. Pure.

Layer: cli.
"""

from __future__ import annotations

import re

HELD = "\0"  # stands for a blank at which no line is broken
PARTS = "   "  # between the parts of a line, such as `speed 30   open   fees maker -2`
_COMMAND = re.compile(r"(?<![^\s(])`[^`\s][^`]*`(?=[\s.,;:?)]|$)")
_FIGURE = re.compile(r"\(?[+−<>≤≥~±-]*\d")
_COUNT = re.compile(r"\(?\d+")
_UNIT = re.compile(r"(?:bps|USDC?|%|[smhdx]|ms|min|GiB|MiB)(?![\w/])")
_CLAUSE_ENDS = (",", ";", ":", ".", ")", "|", "=", "+")


def broken(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """Break a text into lines of at most `width` columns, but for a word that is longer. The first begins with `first`,
    the others with `rest`. A command in backticks stays on one line: it is to be copied."""
    from textwrap import wrap  # where nothing is broken nobody waits for its import

    lines = wrap(
        held(text, width - max(len(first), len(rest))), width,
        initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return [line.replace(HELD, " ") for line in lines]


def held(text: str, room: int) -> str:
    """Put HELD for the blanks inside of what is read as one and has room on a line: the parts of a line with gaps, a
    figure with its unit and the word that it belongs to, `limit 500 USD`, a command in backticks."""

    def whole(found: re.Match[str]) -> str:
        return found[0].replace(" ", HELD) if len(found[0]) <= room - len("().") else found[0]

    if PARTS in text.strip():
        parts = text.split(PARTS)
        text = PARTS.join(part.replace(" ", HELD) if len(part) <= room else part for part in parts)
    pieces = re.split(r"( +)", text)
    for at in range(1, len(pieces) - 1, 2):
        if pieces[at] == " " and _belong("".join(pieces[max(at - 3, 0) : at - 1]), pieces[at - 1], pieces[at + 1]):
            pieces[at] = HELD
    text = " ".join(
        piece if len(piece) <= room else piece.replace(HELD, " ") for piece in "".join(pieces).split(" ")
    )  # what is longer than a line is broken at any of its blanks
    return _COMMAND.sub(whole, text)


def _belong(earlier: str, before: str, after: str) -> bool:
    """Tell whether two words that follow each other are read as one; `earlier` is what stands in front of them."""
    if not before or not after:
        return False
    if {"±", "+/-"} & {before, after} or before == "n/a" or (_UNIT.match(after) and _FIGURE.match(before)):
        return True
    if _FIGURE.match(after):
        return not before.endswith(_CLAUSE_ENDS) and not after.startswith("(")
    if _COUNT.fullmatch(before):  # of what follows, or of the word before it
        return before.startswith("(") or not earlier.strip() or earlier.rstrip().endswith(_CLAUSE_ENDS)
    if len(before) != 1 or before == "a" or after.startswith("("):  # "cycles, s (above 0": a unit
        return False
    return before.isalpha() or before == "?"  # a key and what it does

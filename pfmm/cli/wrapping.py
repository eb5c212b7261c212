"""Text broken between words, and never inside a command in backticks that fits a line. Pure. Layer: cli."""

from __future__ import annotations

import re

HELD = "\0"  # stands for a blank at which no line is broken
_COMMAND = re.compile(r"(?<![^\s(])`[^`\s][^`]*`(?=[\s.,;:)]|$)")


def broken(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """Break a text into lines of at most `width` columns, but for a word that is longer. The first begins with `first`,
    the others with `rest`. A command in backticks stays on one line: it is to be copied."""
    from textwrap import wrap  # where nothing is broken nobody waits for its import

    room = width - len(rest) - len("().")

    def whole(found: re.Match[str]) -> str:
        return found[0].replace(" ", HELD) if len(found[0]) <= room else found[0]

    held = _COMMAND.sub(whole, text)
    lines = wrap(
        held, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(HELD, " ") for line in lines]

"""Reference pages on a terminal: wrapped at its width, tables aligned where they fit, nothing lost."""

from __future__ import annotations

import re

import pytest

from pfmm.app.help import text_of
from pfmm.app.reference import topics
from pfmm.cli.render.paragraphs import fitted

TEXT = """# Title

One paragraph that goes
on here.

- an item with
  a second line
- another

    code   stays as it is, however wide

| name | what |
|---|---:|
| `a` | one |
| `bc` | two three |
"""


def test_paragraphs_items_code_and_tables() -> None:
    assert fitted(TEXT, 20).splitlines() == [
        "# Title",
        "",
        "One paragraph that",
        "goes on here.",
        "",
        "- an item with a",
        "  second line",
        "- another",
        "",
        "    code   stays as it is, however wide",
        "",
        "name  what",
        "`a`   one",
        "`bc`  two three",
    ]


def test_a_table_that_is_too_wide_stands_row_below_row() -> None:
    text = "| name | what | why |\n|---|---|---|\n| `a` | one two | because |"
    assert fitted(text, 14).splitlines() == ["name", "    what | why", "`a`", "    one two |", "    because"]


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("topic", sorted(topics()))
def test_every_page_fits_and_keeps_its_words(topic: str, width: int) -> None:
    text = text_of(topics()[topic])
    shown = fitted(text, width)
    too_wide = [line for line in shown.splitlines() if len(line) > width and " " in line.strip()]
    assert [line for line in too_wide if not line.startswith(("    ", "#")) or line not in text] == []
    assert re.findall(r"\w+", shown) == re.findall(r"\w+", text)

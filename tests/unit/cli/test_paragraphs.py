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
        "    code   stays as",
        "      it is, however",
        "      wide",
        "",
        "name  what",
        "`a`   one",
        "`bc`  two three",
    ]


def test_a_table_that_is_too_wide_stands_row_below_row() -> None:
    text = "| name | what | why |\n|---|---|---|\n| `a` | one two | because |"
    assert fitted(text, 14).splitlines() == ["name", "    what | why", "`a`", "    one two |", "    because"]


def test_the_last_column_of_a_table_goes_on_below_itself_where_it_has_room() -> None:
    text = "| code | meaning |\n|---|---|\n| `a` | one two three four five six |\n| `bc` | seven |"
    assert fitted(text, 31).splitlines() == [
        "code  meaning",
        "`a`   one two three four five",
        "      six",
        "`bc`  seven",
    ]
    assert fitted(text, 28).splitlines()[:2] == ["code", "    meaning"]  # 22 columns are too few for it
    word = text.replace("four", "f" * 26)  # which would stand out of its column
    assert fitted(word, 31).splitlines()[:2] == ["code", "    meaning"]


def test_a_command_is_broken_as_a_shell_reads_it_and_json_behind_a_comma() -> None:
    text = '    pfmm grid start BTC --levels 5\n\n    {"ok":true,"data":{"a":[1,2]},"warnings":[]}'
    assert fitted(text, 26).splitlines() == [
        "    pfmm grid start BTC \\",
        "      --levels 5",
        "",
        '    {"ok":true,',
        '      "data":{"a":[1,2]},',
        '      "warnings":[]}',
    ]


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("topic", sorted(topics()))
def test_every_page_fits_and_keeps_its_words(topic: str, width: int) -> None:
    text = text_of(topics()[topic])
    shown = fitted(text, width)
    too_wide = [line for line in shown.splitlines() if len(line) > width and " " in line.strip()]
    assert too_wide == []
    assert re.findall(r"\w+", shown) == re.findall(r"\w+", text)

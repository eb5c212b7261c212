"""Reference pages on a terminal: wrapped at its width, tables aligned where they fit, nothing lost."""

from __future__ import annotations

import re
from collections import Counter

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


def test_a_cell_of_many_that_stand_below_each_other_says_what_it_is() -> None:
    text = "| data | fills | P&L | fees | from | to |\n|---|---|---|---|---|---|\n| BTC | 135 | +0.19 | 2 | 1 | 9 |"
    assert fitted(text, 27).splitlines() == ["data BTC", "    fills 135 | P&L +0.19 |", "    fees 2 | from 1 | to 9"]


def test_a_cell_that_would_be_a_long_narrow_column_stands_below() -> None:
    text = f"| name of it | what |\n|---|---|\n| `a` | {'ab ' * 90}|"
    assert fitted(text, 36).splitlines()[2] == "`a`"  # 24 columns would be 12 lines, more than the 10 that are read
    assert fitted(text, 52).splitlines()[1].startswith("`a`         ab ab")  # of 40: 7


def test_what_is_aligned_by_blanks_stays_with_its_name() -> None:
    text = "    edge            = break-even less what was paid for it"
    assert fitted(text, 44).splitlines() == ["    edge            = break-even less what", "      was paid for it"]


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
    words, found = re.findall(r"\w+", text), re.findall(r"\w+", shown)
    if topic == "measured":  # each cell of a table of many columns says what it is
        assert not Counter(words) - Counter(found)
    else:
        assert found == words

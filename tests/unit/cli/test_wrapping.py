"""Lines are broken between words, and a command that is to be copied is not broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.cli.wrapping import broken


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("it left some; `pfmm flatten BTC` closes it", 30, ["it left some;", "  `pfmm flatten BTC` closes it"]),
        ("see `pfmm help paper-fills` for it", 40, ["see `pfmm help paper-fills` for it"]),
        ("`a command that is longer than the line`", 20, ["`a command that is", "  longer than the", "  line`"]),
        ("is it `pfmm grid status` or `pfmm inventory`?", 40, ["is it `pfmm grid status` or", "  `pfmm inventory`?"]),
        ("two  blanks stay", 20, ["two  blanks stay"]),
        ("", 20, []),
    ],
)  # fmt: skip
def test_a_command_in_backticks_stays_on_its_line(text: str, width: int, lines: list[str]) -> None:
    assert broken(text, width, rest="  ") == lines


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("sold 0.0003 at 65 (rebate +0.0039)", 28, ["sold 0.0003 at 65", "  (rebate +0.0039)"]),
        ("all longs would make 597 USD, limit 500", 34, ["all longs would make 597 USD,", "  limit 500"]),
        ("steps of 30 USD (4.28 bps)", 24, ["steps of 30 USD", "  (4.28 bps)"]),
        ("5s +0.49 ± 0.70, 30s +0.28 ± 0.50 bps", 30, ["5s +0.49 ± 0.70,", "  30s +0.28 ± 0.50 bps"]),
        ("5s +0.49 +/- 0.70 bps", 16, ["5s +0.49 +/-", "  0.70 bps"]),  # longer than a line: anywhere
        ("2 resting (0 placed, 0 amended, 0 cancelled), 1 fill", 40,
         ["2 resting (0 placed, 0 amended,", "  0 cancelled), 1 fill"]),
        ("market one   speed 30   fees maker -2, taker 5", 30, ["market one   speed 30", "  fees maker -2, taker 5"]),
        ("Time between cycles, s (above 0)", 24, ["Time between cycles, s", "  (above 0)"]),
        ("q quit, d depth with your orders", 10, ["q quit,", "  d depth", "  with", "  your", "  orders"]),
    ],
)  # fmt: skip
def test_a_figure_stays_with_its_unit_and_the_word_that_it_belongs_to(text: str, width: int, lines: list[str]) -> None:
    assert broken(text, width, rest="  ") == lines


WORDS = st.one_of(
    st.text("ab", min_size=1, max_size=6), st.sampled_from(["`a b`", "`ab ab ab`", "`a a a a a a a`", "`"])
)


@given(st.lists(WORDS, max_size=20), st.integers(16, 40))
def test_no_word_is_lost_and_no_line_too_wide(words: list[str], width: int) -> None:
    lines = broken(" ".join(words), width)
    assert " ".join(lines).split() == " ".join(words).split()
    assert max(map(len, lines), default=0) <= width

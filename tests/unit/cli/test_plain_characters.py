"""What terminals that know ASCII alone are shown: words and figures, in lines that fit."""

from __future__ import annotations

import io

import pytest

from pfmm.app.help import text_of
from pfmm.app.reference import topics
from pfmm.cli.output import as_written
from pfmm.cli.plain_characters import HANDLER, register
from pfmm.cli.render.paragraphs import fitted
from pfmm.strategy.quote.config import FORMULAS

register()


@pytest.fixture
def plain() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors=HANDLER)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("±0.5 → 1", "+/-0.5 -> 1"),
        ("exp(−κδ)", "exp(-kappa*delta)"),
        ("γΔσ²τ", "gamma*delta*sigma^2*tau"),
        ("Δ order size", "delta order size"),
        ("USD per √second, √(2)", "USD per sqrt second, sqrt(2)"),
        ("Guéant", "Gueant"),
        ("▁▄█", "_-#"),
        ("漢", "\\u6f22"),  # nothing stands for it
    ],
)
def test_words_stand_for_what_cannot_be_shown(plain: io.TextIOWrapper, text: str, words: str) -> None:
    assert as_written(text, plain) == words


def test_a_formula_in_plain_characters_is_the_same_formula(plain: io.TextIOWrapper) -> None:
    written = as_written(FORMULAS["glft"], plain)
    assert "(1/(xi*delta))*ln(1 + xi*delta/kappa)" in written
    assert "sqrt(gamma*e/(2*A*delta*kappa))" in written


@pytest.mark.parametrize("topic", sorted(topics()))
def test_a_page_in_plain_characters_fits_and_escapes_nothing(plain: io.TextIOWrapper, topic: str) -> None:
    shown = fitted(as_written(text_of(topics()[topic]), plain), 60)
    assert shown.isascii()
    assert [line for line in shown.splitlines() if len(line) > 60 and " " in line.strip()] == []
    assert "\\x" not in shown.replace("(`\\x1b`)", "")
    assert "\\u" not in shown

"""The --assert language: what holds, what does not, and how a bad expression is shown."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from pfmm.assertions import MAX_DEPTH, MAX_LENGTH, evaluate, parse
from pfmm.errors import AssertionSyntaxError, UsageError

ROW: dict[str, object] = {
    "market": "BTC-PERP",
    "state": "ok",
    "ratio": Decimal("-0.25"),
    "rate_8h_bps": "3.0",
    "open_bids": 2,
    "sigma": 0.1,
    "liquidation_price": None,
    "broken": float("nan"),
    "order_id": "17",
    "exact": Decimal("0.1000000000000000000000000000000000000001"),
    "paused": False,
    "orders": [1, 2],
}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("abs(ratio) < 0.5", True),
        ("abs(ratio) < 0.25", False),
        ("abs(ratio) <= 0.25", True),
        ("ratio < 0", True),
        ("-ratio == .25", True),
        ("--ratio == -0.250", True),
        ("abs(-abs(ratio)) == 2.5e-1", True),
        ("ratio > -1 and ratio < 1", True),
        ("rate_8h_bps >= 3", True),
        ("rate_8h_bps != 3", False),
        ("3 <= rate_8h_bps", True),
        ("open_bids == 2", True),
        ("open_bids != 2", False),
        ("sigma == 0.1", True),
        ("exact == 0.1", False),
        ("exact > 0.1", True),
        ("state == 'ok'", True),
        ('state != "ok"', False),
        ("'ok' == state", True),
        ("state == 'OK'", False),
        ("market != state", True),
        ("order_id == '17'", True),
        ("order_id == 17", True),
        ("rate_8h_bps < open_bids", False),
        # `and` binds closer than `or`, `not` closest of all
        ("state == 'ok' or ratio > 0 and ratio > 0", True),
        ("(state == 'ok' or ratio > 0) and ratio > 0", False),
        ("not ratio > 0 and open_bids == 2", True),
        ("not (ratio < 0 or open_bids == 2)", False),
        ("not not ratio < 0", True),
        ("NOT ratio > 0 AND open_bids == 2", True),
        (" \tratio<0\n", True),
        # nothing can be said about what is missing, but that it does not hold
        ("liquidation_price > 0", False),
        ("liquidation_price <= 0", False),
        ("0 < liquidation_price", False),
        ("liquidation_price != 0", False),
        ("liquidation_price == liquidation_price", False),
        ("abs(liquidation_price) < 1", False),
        ("-liquidation_price < 1", False),
        ("liquidation_price == 'none'", False),
        ("not liquidation_price > 0", True),
        ("broken < 1 or broken >= 1", False),
    ],
)
def test_expressions(expression: str, *, holds: bool) -> None:
    assert evaluate(parse(expression), ROW) is holds


@pytest.mark.parametrize(
    ("expression", "column", "words"),
    [
        ("", 1, "expected a field"),
        ("ratio", 6, "expected a comparison"),
        ("ratio <", 8, "expected a field"),
        ("ratio = 1", 7, "'=' is not known"),
        ("ratio < 1 && state == 'ok'", 11, "'&&' is not known"),
        ("ratio < 1 || state == 'ok'", 11, "'||' is not known"),
        ("!ratio < 1", 1, "'!' is not known"),
        ("0 < ratio < 1", 11, "two values at a time"),
        ("ratio < 1 state == 'ok'", 11, "expected `and`"),
        ("(ratio < 1", 11, "expected `)` for the one opened in column 1"),
        ("ratio < 1)", 10, "expected `and`"),
        ("abs ratio < 1", 5, "expected a comparison"),
        ("abs(ratio < 1", 11, "expected `)` for the one opened in column 1"),
        ("abs() < 1", 5, "expected a field"),
        ("state == 'ok", 10, "no closing quote"),
        ("state < 'ok'", 9, "text compares only"),
        ("'ok' >= state", 1, "text compares only"),
        ("abs('ok') == 1", 5, "abs needs a number"),
        ("-'ok' == 1", 2, "- needs a number"),
        ("ratio < 1.2.3", 9, "not a number"),
        ("ratio < 12abc", 9, "not a number"),
        ("ratio < 1e999", 9, "not a number"),
        ("ratio < 1 + 1", 11, "'+' is not known"),
        ("__import__('os').system('x')", 17, "'.' is not known"),
        ("__import__('os') == 1", 11, "expected a comparison"),
        ("ratio.real < 1", 6, "'.' is not known"),
        ("and < 1", 1, "expected a field"),
        ("ratio < and", 9, "expected a field"),
        ("ratio < 1 and", 14, "expected a field"),
        ("ratio < ½", 9, "'½' is not known"),
    ],
)
def test_a_bad_expression_shows_where(expression: str, column: int, words: str) -> None:
    with pytest.raises(AssertionSyntaxError) as caught:
        parse(expression)
    first, line, caret = caught.value.message.split("\n")
    assert words in first
    assert caught.value.column == column
    assert line == "  " + expression
    assert caret == " " * (column + 1) + "^"
    assert caught.value.exit_code == 2


def test_hints_say_what_to_write() -> None:
    with pytest.raises(AssertionSyntaxError) as caught:
        parse("ratio = 1")
    assert caught.value.hint == "write == to compare"


@pytest.mark.parametrize(
    ("expression", "column", "words"),
    [
        ("state < 1", 7, "cannot compare the text 'ok' < the number 1"),
        ("ratio == 'ok'", 7, "cannot compare the number -0.25 == the text 'ok'"),
        ("abs(state) < 1", 1, "abs needs a number, not the text 'ok'"),
        ("paused == 0", 1, "field 'paused' holds False"),
        ("1 < orders", 5, "field 'orders' holds [1, 2]"),
    ],
)
def test_values_that_cannot_be_compared(expression: str, column: int, words: str) -> None:
    with pytest.raises(AssertionSyntaxError) as caught:
        evaluate(parse(expression), ROW)
    assert words in caught.value.message
    assert caught.value.column == column


def test_an_unknown_field_names_the_nearest_even_where_it_would_not_decide() -> None:
    with pytest.raises(UsageError, match="unknown field 'rato'") as caught:
        evaluate(parse("ratio < 1 or abs(rato) < 1"), ROW)
    assert caught.value.message.endswith("\n" + " " * (2 + 17) + "^")
    assert "ratio" in str(caught.value.hint)
    with pytest.raises(UsageError) as caught:
        evaluate(parse("zzz < 1"), {"a": 1, "b": 2})
    assert caught.value.hint == "the fields are a, b"


def test_length_and_depth_are_bounded() -> None:
    parse("(" * MAX_DEPTH + "a < 1" + ")" * MAX_DEPTH)
    for deep in ("(" * 33 + "a < 1" + ")" * 33, "not " * 33 + "a < 1", "a < " + "-" * 33 + "1", "abs(" * 33 + "a"):
        with pytest.raises(AssertionSyntaxError, match="nested deeper than 32"):
            parse(deep)
    parse(("a < 1" + " " * MAX_LENGTH)[:MAX_LENGTH])
    with pytest.raises(AssertionSyntaxError, match="1001 characters"):
        parse(("a < 1" + " " * MAX_LENGTH)[: MAX_LENGTH + 1])


def test_the_line_shown_has_no_control_characters() -> None:
    with pytest.raises(AssertionSyntaxError) as caught:
        parse("a\t<\n\x1b[31m")
    assert caught.value.message.split("\n")[1:] == ["  a <  [31m", "      ^"]


def test_the_callers_decimal_context_plays_no_part() -> None:
    with localcontext() as context:
        context.prec = 2
        assert evaluate(parse("exact > 0.1 and abs(-exact) > 0.1"), ROW)

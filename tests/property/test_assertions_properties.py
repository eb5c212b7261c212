"""The --assert language against Python's own semantics, and against arbitrary text."""

from __future__ import annotations

import operator
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pfmm.assertions import evaluate, parse
from pfmm.errors import AssertionSyntaxError

OPERATORS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
numbers = st.integers(-(10**6), 10**6).map(lambda n: Decimal(n).scaleb(-3))
rows = st.fixed_dictionaries({"a": numbers, "b": numbers, "c": numbers})
comparisons = st.tuples(st.sampled_from("abc"), st.sampled_from(sorted(OPERATORS)), st.sampled_from("abc") | numbers)


def words(tree: object) -> str:
    match tree:
        case ("not", inner):
            return f"not ({words(inner)})"
        case ("and" | "or" as joint, left, right):
            return f"({words(left)}) {joint} ({words(right)})"
        case (left, sign, right):
            return f"{left} {sign} {right}"
    raise AssertionError(tree)


def truth(tree: object, row: dict[str, Decimal]) -> bool:
    match tree:
        case ("not", inner):
            return not truth(inner, row)
        case ("and", left, right):
            return truth(left, row) and truth(right, row)
        case ("or", left, right):
            return truth(left, row) or truth(right, row)
        case (left, sign, right):
            return OPERATORS[sign](row[left], row[right] if isinstance(right, str) else right)
    raise AssertionError(tree)


trees = st.recursive(
    comparisons,
    lambda inner: st.one_of(st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["and", "or"]), inner, inner)),
    max_leaves=6,
)


@given(trees, rows)
def test_it_means_what_python_would_mean(tree: object, row: dict[str, Decimal]) -> None:
    assert evaluate(parse(words(tree)), row) is truth(tree, row)


@given(st.lists(comparisons, min_size=2, max_size=5), st.lists(st.sampled_from(["and", "or"]), min_size=4), rows)
def test_precedence_without_parentheses(
    parts: list[tuple[str, str, object]], joints: list[str], row: dict[str, Decimal]
) -> None:
    text, python = words(parts[0]), str(truth(parts[0], row))
    for part, joint in zip(parts[1:], joints, strict=False):
        text += f" {joint} {words(part)}"
        python += f" {joint} {truth(part, row)}"
    # only True, False, and, or: Python's own precedence is the reference
    assert evaluate(parse(text), row) is eval(python)


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(["a", "1", "'x'", "<", "==", "(", ")", "and", "or", "not", "-", "abs", " "])).map(
        " ".join
    )
)
def test_any_text_is_an_assertion_or_a_syntax_error_with_a_column(text: str) -> None:
    column, fields = 1, set()
    try:
        fields = {field.name for field in parse(text).fields}
    except AssertionSyntaxError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1
    assert all(name in text for name in fields)


@given(numbers, numbers)
def test_a_float_and_its_text_compare_alike(left: Decimal, right: Decimal) -> None:
    assertion = parse("a < b")
    assert evaluate(assertion, {"a": float(left), "b": str(right)}) is (left < right)

"""JSON of the paper exchange: exact out, strict in."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.paper.wire.json_text import JsonRefused, dumps, loads


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("64000.10"), "64000.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("-0.00000001"), "-0.00000001"),
        (Decimal("0.1000000000000000055511151231257827"), "0.1000000000000000055511151231257827"),
        (Decimal("12345678901234567890.12345678"), "12345678901234567890.12345678"),
        (1_784_000_000_000, "1784000000000"),
        (True, "true"),
        (None, "null"),
        ('a"\n\u2212', '"a\\"\\n\\u2212"'),
        ({}, "{}"),
        ([], "[]"),
        ({"a": [1, {"b": ()}], "c": {}}, '{"a":[1,{"b":[]}],"c":{}}'),
    ],
)
def test_dumps(value: Any, text: str) -> None:
    assert dumps(value) == text


@pytest.mark.parametrize("value", [0.1, {"speed": 1.0}, [object()], b"x", {1, 2}])
def test_dumps_refuses_what_has_no_exact_text(value: Any) -> None:
    with pytest.raises(TypeError):
        dumps(value)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_dumps_refuses_what_is_not_finite(value: str) -> None:
    with pytest.raises(ValueError, match="no place in JSON"):
        dumps({"price": Decimal(value)})


def test_loads_keeps_digits_and_kinds() -> None:
    found = loads(b'{"size": 0.10, "n": 7, "flag": true, "none": null}')
    assert found == {"size": Decimal("0.10"), "n": 7, "flag": True, "none": None}
    assert str(found["size"]) == "0.10"
    assert type(found["n"]) is int


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"{} {}", "not valid JSON"),
        (b'{"a": 1,}', "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1E+999999}', "1E+999999"),
        (b'{"a": 1e-999999}', "out of range"),
        (b'{"a": 0E+99999999999999999999}', "out of range"),
        (b'{"a": 1e31}', "1e31"),
        (b'{"a": ' + b"9" * 41 + b"}", "41 digits"),
        (b'{"a": 0.' + b"1" * 60 + b"}", "too long"),
        (b'{"a": 0.' + b"1" * 41 + b"}", "out of range"),
        (b'{"a": 1, "a": 2}', '"a" is given twice'),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_loads_refuses(raw: bytes, word: str) -> None:
    with pytest.raises(JsonRefused) as caught:
        loads(raw)
    assert word in str(caught.value)


amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=8)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | amounts | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(documents)
def test_what_goes_out_comes_back_to_the_last_digit(document: Any) -> None:
    text = dumps(document)
    assert loads(text.encode()) == document
    # the standard library reads the same document: no dialect of our own
    assert json.loads(text, parse_float=Decimal) == document

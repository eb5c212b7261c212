"""Amounts that add up as printed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.model.text import adding_up

D = Decimal
amounts = st.integers(-(10**15), 10**15).map(lambda n: D(n).scaleb(-8))


@pytest.mark.parametrize(
    ("total", "parts", "remainder", "written"),
    [
        ("2.00008", ("1.00004", "1.00004"), 0, ("+1.0001", "+1.0000", "+2.0001")),
        ("0", ("0.00004", "-0.00004"), 1, ("+0.0000", "+0.0000", "+0.0000")),  # no -0.0000
        ("1000", ("999.994", "0.006"), 0, ("+999.99", "+0.01", "+1000.00")),
        ("100000.4", ("-1", "100001.4"), 1, ("-1", "+100001", "+100000")),
    ],
)
def test_by_hand(total: str, parts: tuple[str, ...], remainder: int, written: tuple[str, ...]) -> None:
    assert adding_up(D(total), tuple(map(D, parts)), remainder) == written


@given(st.lists(amounts, min_size=1, max_size=6), st.integers(0, 5), st.sampled_from((None, 2)))
def test_the_parts_add_up_as_printed(parts: list[Decimal], at: int, decimals: int | None) -> None:
    *words, whole = adding_up(sum(parts, D(0)), parts, at % len(parts), decimals)
    assert sum(map(D, words)) == D(whole)
    step = D(1).scaleb(-len(whole.partition(".")[2]))
    assert all(abs(D(word) - part) <= step * len(parts) for word, part in zip(words, parts, strict=True))

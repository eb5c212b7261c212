"""What a false assertion says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pfmm.app.asserting import is_false
from pfmm.assertions import parse


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (-0.20441231999999998, "-0.20441232"),
        (0.1 + 0.2, "0.3"),
        (Decimal("1E-7"), "0.0000001"),
        (None, "n/a"),
        ("skewed", "skewed"),
        (12, "12"),
    ],
)
def test_values_are_told_as_people_write_them(value: Any, told: str) -> None:
    failure = is_false(parse("ratio > 5"), [{"market": "BTC-PERP", "ratio": value}], 3)
    assert failure.message == f"ratio > 5 is false for 1 of 3: BTC-PERP (ratio {told})"

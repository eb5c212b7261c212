"""Ratio, states and the article's skew rule."""

from __future__ import annotations

import math

import pytest

from pfmm.errors import UsageError
from pfmm.strategy.inventory import inventory_ratio, inventory_state, raw_ratio


@pytest.mark.parametrize(
    ("position", "expected"),
    [(0.0, 0.0), (0.004, 0.52), (-0.004, -0.52), (0.02, 1.0), (-0.02, -1.0)],  # 0.004·65,000/500 = 0.52
)
def test_ratio_is_clamped(position: float, expected: float) -> None:
    assert inventory_ratio(position, 65_000, 500) == pytest.approx(expected)


def test_raw_ratio_is_not_clamped() -> None:
    assert raw_ratio(0.02, 65_000, 500) == pytest.approx(2.6)


@pytest.mark.parametrize(
    ("ratio", "on_limit", "expected"),
    [
        (0.0, "reduce", "ok"),
        (0.099, "reduce", "ok"),
        (-0.1, "reduce", "skewed"),
        (0.899, "reduce", "skewed"),
        (0.9, "reduce", "reducing"),
        (-0.95, "reduce", "reducing"),
        (0.9, "pause", "paused"),
        (3.0, "pause", "paused"),
    ],
)
def test_states(ratio: float, on_limit: str, expected: str) -> None:
    assert inventory_state(ratio, on_limit) == expected


@pytest.mark.parametrize(
    ("position", "price", "limit", "words"),
    [
        (0.0, 65_000, 0.0, "max_inventory.*0"),
        (0.0, 65_000, math.nan, "max_inventory.*nan"),
        (0.0, 0.0, 500, "price"),
        (0.0, math.inf, 500, "price.*inf"),
        (math.nan, 65_000, 500, "position.*nan"),
    ],
)
def test_bad_input_is_named(position: float, price: float, limit: float, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        inventory_ratio(position, price, limit)


def test_unknown_policy() -> None:
    with pytest.raises(UsageError, match=r"on_limit.*'stop'"):
        inventory_state(0.1, "stop")

"""Numbers on the wire are plain decimals, and every snapped price obeys the venue's rule on every recorded market."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.errors import RiskRefused
from pfmm.model.order import Side
from pfmm.strategy.ticks import snap_price, snap_size
from pfmm.venue.hyperliquid.numbers import asset_id, coin_of, market_of, price_rule, size_step, wire_number, wire_size

D = Decimal


@pytest.mark.parametrize(
    ("value", "text"),
    [("25.20", "25.2"), ("1E+2", "100"), ("0.00000001", "0.00000001"), ("100", "100"), ("0E-8", "0"), ("-0.0", "0")],
)
def test_numbers_have_no_exponent_and_no_trailing_zero(value: str, text: str) -> None:
    assert wire_number(D(value), "price") == text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "0.000000001"])
def test_numbers_that_cannot_be_said_exactly_are_refused(value: str) -> None:
    with pytest.raises(RiskRefused, match="price"):
        wire_number(D(value), "price")


@pytest.mark.parametrize("size", ["0", "-1", "NaN"])
def test_a_size_of_zero_never_reaches_the_wire(size: str) -> None:
    with pytest.raises(RiskRefused, match="size"):
        wire_size(D(size))


def test_asset_numbers_count_delisted_markets_and_dexes() -> None:
    assert [asset_id(0), asset_id(3), asset_id(3, 1), asset_id(0, 2)] == [0, 3, 110_003, 120_000]


def test_names_keep_their_capitals() -> None:
    assert market_of("kPEPE") == "kPEPE-PERP"
    assert coin_of("xyz:TSLA-PERP") == "xyz:TSLA"


def obeys_the_rule(price: Decimal, size_decimals: int) -> bool:
    """The documentation's own words: whole, or at most 5 figures and at most 6 − szDecimals decimals."""
    text = wire_number(price, "price")
    whole, _, fraction = text.partition(".")
    figures = len((whole + fraction).lstrip("0").rstrip("0")) if fraction else 0
    return not fraction or (figures <= 5 and len(fraction) <= 6 - size_decimals)


@given(
    st.integers(0, 5),
    st.decimals("0.0001", "200000", allow_nan=False, places=9),
    st.sampled_from(Side),
)
def test_snapped_prices_obey_the_rule(size_decimals: int, wished: Decimal, side: Side) -> None:
    rule = price_rule(size_decimals)
    if wished < rule.unit:
        return
    price = snap_price(wished, side, rule)
    assert obeys_the_rule(price, size_decimals)


def test_prices_and_sizes_of_all_recorded_markets_obey_the_rule(shared_data: Path) -> None:
    recorded = json.loads((shared_data / "hyperliquid-recorded/info/hyperliquid_meta.json").read_text("utf-8"))
    universe, contexts = recorded[0]["universe"], recorded[1]
    assert len(universe) == 229
    for market, context in zip(universe, contexts, strict=True):
        decimals, mark = market["szDecimals"], D(context["markPx"])
        for factor in ("0.9", "0.99987", "1", "1.00013", "1.1"):
            for side in Side:
                assert obeys_the_rule(snap_price(mark * D(factor), side, price_rule(decimals)), decimals)
        size = snap_size(D(50) / mark, size_step(decimals))
        assert not size or -D(wire_size(size)).as_tuple().exponent <= decimals

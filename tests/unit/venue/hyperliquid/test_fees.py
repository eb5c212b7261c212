"""What a builder's list of markets costs beside the account's own tier."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pfmm.errors import CannotDoThis
from pfmm.venue.hyperliquid import fees, reads
from pfmm.venue.hyperliquid.numbers import asset_id, dex_of
from pfmm.venue.wire import Record

D = Decimal


@pytest.mark.parametrize(
    ("maker", "taker", "scale", "growth", "expected"),
    [
        ("1.5", "4.5", "1", False, ("3.0", "9.0")),
        ("1.5", "4.5", "1", True, ("0.30", "0.90")),
        ("1.5", "4.5", "0.5", False, ("2.25", "6.75")),
        ("-0.2", "3", "1", False, ("-0.2", "6")),
    ],
)
def test_fees_by_formula(maker: str, taker: str, scale: str, growth: bool, expected: tuple[str, str]) -> None:
    found = fees.dex_fees_bps(D(maker), D(taker), fees.Dex("xyz", 1, D(scale)), growth=growth)
    assert found == (D(expected[0]), D(expected[1]))


def test_builders_are_numbered_by_their_place_and_the_first_is_nobody() -> None:
    found = fees.dexes([None, {"name": "xyz"}, {"name": "abc", "deployerFeeScale": "0.5"}])
    assert {name: (dex.number, dex.fee_scale) for name, dex in found.items()} == {
        "xyz": (1, D(1)),
        "abc": (2, D("0.5")),
    }
    assert asset_id(3, found["xyz"].number) == 110_003
    assert dex_of("xyz:TSLA-PERP") == "xyz"
    assert dex_of("BTC-PERP") == ""


def test_a_list_settled_in_another_coin_is_refused() -> None:
    meta = Record({"universe": [], "collateralToken": 7}, "meta")
    with pytest.raises(CannotDoThis, match="not settled in USDC"):
        reads.listings(meta, "abc")

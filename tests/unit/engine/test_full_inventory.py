"""How near liquidation a full inventory comes: worked by hand, and by walking the price."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.engine.full_inventory import Full, claim, left_after_move, liquidated_at
from pfmm.model.order import Side

D = Decimal
BTC = Full("BTC-PERP", D(100), D(500), D("0.0125"))  # 40x
ALONE = Full("TSLA-PERP", D(200), D(500), D("0.05"), leverage=5)  # 10x


@pytest.mark.parametrize(
    ("full", "equity", "beside", "most", "left"),
    [
        ([BTC], "100", "0", None, "43.125"),  # 100 - 50 - 550 x 0.0125
        ([BTC], "100", "3.125", None, "40"),
        ([BTC, BTC], "100", "0", None, "-13.75"),  # 100 - 2 x 56.875
        ([BTC, BTC], "100", "0", "500", "43.125"),  # all markets together may hold no more than one of them
        ([BTC], "100", "0", "800", "43.125"),
        ([ALONE], "1000", "7", None, "22.5"),  # 100 back it, whatever else there is: 100 - 50 - 550 x 0.05
        ([ALONE], "60", "0", None, "-17.5"),  # more than the account has backs nothing
        ([BTC, ALONE], "100", "0", None, "22.5"),
        ([replace(ALONE, collateral=D(80))], "1000", "0", None, "2.5"),  # what lies on another list backs nothing
        ([BTC, replace(BTC, collateral=D(120))], "1000", "0", None, "6.25"),  # 120 - 2 x 56.875
        ([], "100", "0", None, "100"),
    ],
)
def test_what_a_move_against_a_full_inventory_leaves(
    full: list[Full], equity: str, beside: str, most: str | None, left: str
) -> None:
    assert left_after_move(full, D(equity), D(beside), None if most is None else D(most)) == D(left)


@pytest.mark.parametrize(
    ("full", "side", "equity", "beside", "price"),
    [
        (BTC, Side.LONG, "100", "0", "81.01"),
        (BTC, Side.SHORT, "100", "0", "118.52"),
        (BTC, Side.LONG, "100", "50", "91.14"),
        (BTC, Side.LONG, "500", "0", None),
        (ALONE, Side.LONG, "1000", "900", "168.42"),  # 200 x 400 / (500 x 0.95)
        (ALONE, Side.SHORT, "1000", "0", "228.57"),
    ],
)
def test_where_it_is_liquidated(full: Full, side: Side, equity: str, beside: str, price: str | None) -> None:
    found = liquidated_at(full, side, D(equity), D(beside))
    assert (None if found is None else found.quantize(D("0.01"))) == (None if price is None else D(price))


def test_an_isolated_position_claims_nothing_of_the_account() -> None:
    assert (claim(BTC), claim(ALONE)) == (D("6.25"), D(0))


amounts = st.decimals(10, 10_000, places=2)


@given(amounts, amounts, st.integers(1, 50), st.sampled_from(Side), st.one_of(st.none(), st.integers(1, 50)))
def test_at_that_price_what_backs_it_is_the_maintenance_margin(
    usd: Decimal, equity: Decimal, most: int, side: Side, leverage: int | None
) -> None:
    one = Full("T", D(100), usd, D("0.5") / most, leverage)
    price = liquidated_at(one, side, equity, D(0))
    if price is None:
        assert one.backing(equity) >= usd
        assert side is Side.LONG
        return
    value = usd * price / one.mark
    assert abs(one.backing(equity) + side.sign * (value - usd) - value * one.maintenance) < D("1e-9")


@given(amounts, amounts, st.integers(1, 50))
def test_nothing_is_left_just_where_the_move_reaches_liquidation(usd: Decimal, equity: Decimal, most: int) -> None:
    one = Full("T", D(100), usd, D("0.5") / most)
    end = liquidated_at(one, Side.SHORT, equity, D(0))
    assert end is not None
    assert (left_after_move([one], equity, D(0)) > 0) == (end > one.mark * D("1.1"))

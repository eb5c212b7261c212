"""Snapping: bids down, asks up, sizes down, one float to Decimal crossing, and clear refusals."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.model.market import PriceRule
from pfmm.model.order import Side
from pfmm.strategy.ticks import base_size, snap_price, snap_size, to_decimal

D = Decimal
FIVE_FIGURES = PriceRule(D("0.1"), 5)
FINE = PriceRule(D("0.000001"), 5)
PLAIN = PriceRule(D("0.25"))

RULES = st.sampled_from(
    [
        FIVE_FIGURES,
        FINE,
        PLAIN,
        PriceRule(D("0.01")),
        PriceRule(D("5")),
        PriceRule(D("1E+1")),
        PriceRule(D("0.0003"), 5),
        PriceRule(D("0.00000001"), 1),
    ]
)
SIDES = st.sampled_from(list(Side))
PRICES = st.decimals(min_value="20", max_value="1000000", allow_nan=False, places=12)


@pytest.mark.parametrize(
    ("price", "side", "rule", "expected"),
    [
        (D("65432.1"), Side.LONG, FIVE_FIGURES, "65432"),  # 5 figures: tick 1
        (D("65432.1"), Side.SHORT, FIVE_FIGURES, "65433"),
        (D("6543.27"), Side.LONG, FIVE_FIGURES, "6543.2"),  # tick 0.1
        (D("6543.27"), Side.SHORT, FIVE_FIGURES, "6543.3"),
        (D("9999.95"), Side.SHORT, FIVE_FIGURES, "10000.0"),  # up over a power of ten
        (D("10000.4"), Side.LONG, FIVE_FIGURES, "10000"),  # down onto it
        (D("9.99995"), Side.SHORT, FINE, "10.0000"),
        (D("123456.7"), Side.SHORT, FIVE_FIGURES, "123457"),  # whole numbers are always allowed
        (D("9.99995"), Side.SHORT, PriceRule(D("0.0003"), 5), "10.001"),  # 10.0002 would break the 5 figures
        (100.1, Side.LONG, PriceRule(D("0.1")), "100.1"),  # the float names 100.1, not 100.09999…
        (100.3, Side.LONG, PLAIN, "100.25"),
        (D("47"), Side.LONG, PriceRule(D("1E+1")), "40"),
    ],
)
def test_price_table(price: Decimal | float, side: Side, rule: PriceRule, expected: str) -> None:
    assert snap_price(price, side, rule) == D(expected)


def test_snapped_price_prints_without_exponent() -> None:
    assert str(snap_price(D("65000"), Side.SHORT, PriceRule(D("1E+2")))) == "65000"


@pytest.mark.parametrize(
    "bad", [float("nan"), float("inf"), -1.0, 0.0, D("NaN"), D("Infinity"), D(0), D(-3), D("1E+40")]
)
def test_bad_numbers_are_refused_by_name(bad: Decimal | float) -> None:
    with pytest.raises(ValueError, match=r"^price (must|is)"):
        snap_price(bad, Side.LONG, PLAIN)
    with pytest.raises(ValueError, match=r"^size (must|is)"):
        snap_size(bad, D("0.1"))
    with pytest.raises(ValueError, match=r"^size_usd (must|is)"):
        base_size(bad, D(100), D("0.1"))


def test_bid_below_one_tick_and_market_without_tick_are_refused() -> None:
    with pytest.raises(ValueError, match=r"bid of 0.2 is below one tick of 0.25"):
        snap_price(D("0.2"), Side.LONG, PLAIN)
    with pytest.raises(ValueError, match="no price step"):
        snap_price(D("100"), Side.LONG, PriceRule(D(0)))
    with pytest.raises(ValueError, match="size_step"):
        snap_size(D(1), D(0))


@pytest.mark.parametrize(
    ("size", "step", "expected"),
    [("0.0129", "0.001", "0.012"), ("0.0009", "0.001", "0"), ("7", "1", "7"), ("25", "1E+1", "20")],
)
def test_size_table(size: str, step: str, expected: str) -> None:
    assert snap_size(D(size), D(step)) == D(expected)


def test_base_size_rounds_once_and_down() -> None:
    assert base_size(D(20), D(64000), D("0.00001")) == D("0.00031")  # 20 / 64,000 = 0.0003125
    assert base_size(20.0, D(64000), D("0.00001")) == D("0.00031")
    assert base_size(D(10), D(30), D("1")) == D(0)
    assert base_size(D("0.9"), D("0.3"), D(1)) == D(3)  # exactly three, not 2.999…


def test_to_decimal_takes_the_shortest_name_of_a_float() -> None:
    assert to_decimal(0.1, "x") == D("0.1")


@given(PRICES, SIDES, RULES)
def test_snapping_never_improves_a_price_against_us_and_is_idempotent(
    price: Decimal, side: Side, rule: PriceRule
) -> None:
    snapped = snap_price(price, side, rule)
    tick = max(rule.tick_at(price), rule.tick_at(snapped))
    assert (snapped <= price) if side is Side.LONG else (snapped >= price)
    assert abs(snapped - price) < 2 * tick
    assert snapped % rule.tick_at(snapped) == 0
    assert snap_price(snapped, side, rule) == snapped
    assert snap_price(snapped, side.opposite, rule) == snapped


@given(st.floats(min_value=20, max_value=1e6), SIDES, RULES)
def test_floats_snap_like_the_decimal_that_they_name(price: float, side: Side, rule: PriceRule) -> None:
    assert snap_price(price, side, rule) == snap_price(D(repr(price)), side, rule)


@given(
    st.decimals(min_value="0.01", max_value="1000000", places=8),
    st.decimals(min_value="0.01", max_value="100000", places=6),
    st.sampled_from([D("0.00001"), D("0.001"), D("0.1"), D(1), D(3)]),
)
def test_base_size_never_costs_more_and_misses_by_less_than_a_step(usd: Decimal, price: Decimal, step: Decimal) -> None:
    size = base_size(usd, price, step)
    with localcontext(prec=60):
        assert size * price <= usd < (size + step) * price
        assert size % step == 0


def test_the_callers_decimal_context_does_not_matter() -> None:
    with localcontext(prec=3):
        assert snap_price(D("65432.17"), Side.SHORT, PriceRule(D("0.1"))) == D("65432.2")
        assert base_size(D("123456.78"), D("1.01"), D("0.001")) == D("122234.435")

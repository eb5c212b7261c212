"""The exchange's integer ledger, with the arithmetic shown."""

from __future__ import annotations

import pytest

from pfmm.paper import ledger
from pfmm.paper.feeds.feed import USD, MarketSpec
from pfmm.paper.ledger import Exposure, Position

SPEC = MarketSpec("BTC-PERP", "crypto", 1, 3, 1, None, 10 * USD, 50, -20_000, 50_000, 8)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (10, 3, 3), (11, 3, 4), (-11, 3, -4), (7, -2, -4), (0, 3, 0)],
)
def test_half_even(numerator: int, denominator: int, expected: int) -> None:
    assert ledger.half_even(numerator, denominator) == expected


def test_the_unit_and_the_fee_of_the_contract_s_example() -> None:
    unit = ledger.notional_unit(SPEC)
    notional = 639_439 * 2 * unit  # 63,943.9 USD * 0.002 = 127.8878 USD
    assert (unit, notional) == (10_000, 12_788_780_000)
    assert ledger.fee_of(notional, 50_000) == 6_394_390  # 5 bps = 0.0639439
    assert ledger.fee_of(notional, -20_000) == -2_557_756  # a rebate of 2 bps


@pytest.mark.parametrize("sign", [1, -1])
def test_a_repeating_average_price_loses_nothing(sign: int) -> None:
    position = Position()
    for price in (100, 101, 101):
        position.trade(sign, price, USD)
    for _ in range(3):
        position.trade(-sign, 102, USD)
    # 3*102 - 302 = 4, although 302/3 repeats
    assert (position.size, position.basis, position.realized) == (0, 0, sign * 4 * USD)


def test_a_reduction_removes_its_share_of_the_basis() -> None:
    position = Position()
    position.trade(3, 100, 1)
    position.trade(-1, 110, 1)  # removes 300*1/3 = 100
    assert (position.size, position.basis, position.realized) == (2, 200, 10)
    assert position.unrealized(105, 1) == 10  # 2*105 - 200


def test_a_flip_is_split_at_zero() -> None:
    position = Position()
    position.trade(2, 100, 1)
    position.trade(-5, 90, 1)  # closes 2 at a loss of 20, opens 3 short at 90
    assert (position.size, position.basis, position.realized) == (-3, 270, -20)
    assert position.unrealized(80, 1) == 30  # 270 - 3*80


@pytest.mark.parametrize(("size", "rate", "expected"), [(1, 10_000, -1_000_000), (-1, 10_000, 1_000_000), (1, -1, 100)])
def test_longs_pay_a_positive_rate(size: int, rate: int, expected: int) -> None:
    assert ledger.funding_amount(size, 100, USD, rate) == expected  # 100 USD * 1 bp = 0.01 USD


@pytest.mark.parametrize(
    ("exposure", "worst"),
    [
        (Exposure(100, 50, 120), 150),
        (Exposure(-100, 50, 120), 220),
        (Exposure(100, 0, 300), 200),  # sells 300 turn long 100 into short 200
        (Exposure(0, 50, 40), 50),
        (Exposure(100, 0, 100), 100),
    ],
)
def test_the_worst_side(exposure: Exposure, worst: int) -> None:
    assert exposure.worst() == worst


def test_margins_round_up() -> None:
    assert ledger.initial_margin(Exposure(buys=151), 50) == 31  # 151/5 = 30.2
    assert ledger.initial_margin(Exposure(buys=150), 3) == 50  # a market of at most 3x
    assert ledger.maintenance_margin(-1, 1000, 1, 50) == 10  # half of 1000/50
    assert ledger.maintenance_margin(1, 1001, 1, 50) == 11


@pytest.mark.parametrize(("size", "equity"), [(1000, 10 * USD), (-1000, 10 * USD), (3, USD), (-3, USD // 10)])
def test_at_the_liquidation_price_equity_meets_maintenance(size: int, equity: int) -> None:
    mark, unit = 1_000_000, 100
    maintenance = ledger.maintenance_margin(size, mark, unit, 50)
    price = ledger.liquidation_price(size, mark, unit, 50, equity=equity, maintenance=maintenance)
    assert price is not None
    for moved, liquidated in ((-size, True), (size, False)):  # one hair beyond, one hair before
        there = price + (2 if moved > 0 else -2)
        left = equity + size * (there - mark) * unit
        assert (left < ledger.maintenance_margin(size, there, unit, 50)) is liquidated


def test_no_liquidation_price_without_a_position_or_below_zero() -> None:
    assert ledger.liquidation_price(0, 100, 1, 50, equity=1, maintenance=0) is None
    assert ledger.liquidation_price(1, 100, 1, 50, equity=1000, maintenance=1) is None

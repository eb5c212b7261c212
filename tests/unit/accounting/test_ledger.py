"""The ledger on hand-computed positions."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from pfmm.accounting.ledger import apply, apply_funding, funding_share, mark, net_profit
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import LedgerState
from pfmm.model.order import Fill, Liquidity, Side


def fill(side: str, size: str, price: str, fee: str = "0") -> Fill:
    return Fill("f", "o", None, "BTC-PERP", Side(side), Decimal(price), Decimal(size), Decimal(fee), Liquidity.MAKER, 0)


def payment(amount: str, size: str = "1", price: str = "100", rate: str = "0.0001") -> FundingPayment:
    return FundingPayment("p", "BTC-PERP", 0, Decimal(rate), Decimal(price), Decimal(size), Decimal(amount))


def fold(*fills: Fill) -> LedgerState:
    state = LedgerState()
    for one in fills:
        state = apply(state, one)
    return state


@pytest.mark.parametrize(
    ("fills", "size", "basis", "realized"),
    [
        # a stored average price of 100.6666... would lose the last digits: 306 - 302 must be 4
        ([("long", "1", "100"), ("long", "1", "101"), ("long", "1", "101"), ("short", "3", "102")], "0", "0", "4"),
        # sell 1 of 3 with basis 302: 302/3 = 100.66666667 leaves, 102 - 100.66666667 = 1.33333333 stays earned
        (
            [("long", "3", "100"), ("long", "1", "2"), ("short", "1", "102")],
            "3",
            "226.5",  # 302 - 302/4
            "26.5",  # 102 - 75.5
        ),
        (
            [("long", "1", "100"), ("long", "2", "101"), ("short", "1", "102")],
            "2",
            "201.33333333",
            "1.33333333",
        ),
        # short 2 at 100, buy 1 at 90: 100 of the basis leaves, gain 100 - 90 = 10
        ([("short", "2", "100"), ("long", "1", "90")], "-1", "100", "10"),
        # flip: long 1 at 100, sell 3 at 110: close earns 10, then short 2 with basis 220
        ([("long", "1", "100"), ("short", "3", "110")], "-2", "220", "10"),
        # flip the other way: short 1 at 100, buy 1.5 at 104: loses 4, then long 0.5 with basis 52
        ([("short", "1", "100"), ("long", "1.5", "104")], "0.5", "52", "-4"),
        # a basis finer than 1e-8: 0.00003 * 0.0123457 = 0.000000370371 leaves whole, nothing stays behind
        ([("long", "0.00003", "0.0123457"), ("short", "0.00003", "0.0123457")], "0", "0", "0"),
    ],
)
def test_fills_fold_into_position_basis_and_profit(
    fills: list[tuple[str, str, str]], size: str, basis: str, realized: str
) -> None:
    state = fold(*(fill(*one) for one in fills))
    assert (state.size, state.cost_basis, state.realized) == (Decimal(size), Decimal(basis), Decimal(realized))


def test_ties_of_the_removed_basis_go_to_the_even_digit() -> None:
    # basis 0.00000001 of 2 units: half of it is 0.000000005, the even neighbour is 0
    assert fold(fill("long", "2", "0.000000005"), fill("short", "1", "1")).cost_basis == Decimal("0.00000001")
    # basis 0.00000003: half is 0.000000015, the even neighbour is 0.00000002
    assert fold(fill("long", "2", "0.000000015"), fill("short", "1", "1")).cost_basis == Decimal("0.00000001")


@pytest.mark.parametrize(
    ("fills", "price", "unrealized"),
    [
        ([("long", "3", "100")], "102", "6"),
        ([("short", "2", "101")], "100", "2"),
        ([("short", "2", "101")], "102.5", "-3"),
        ([], "102", "0"),
    ],
)
def test_mark(fills: list[tuple[str, str, str]], price: str, unrealized: str) -> None:
    assert mark(fold(*(fill(*one) for one in fills)), Decimal(price)) == Decimal(unrealized)


def test_fees_and_funding_are_rounded_to_1e_8_and_enter_the_net_profit() -> None:
    state = fold(fill("long", "1", "100", "-0.02"), fill("short", "1", "104", "0.120000005"))
    state = apply_funding(state, payment("-0.02"))
    assert state.fees == Decimal("0.10000000")  # 0.120000005 goes to the even 0.12000000, less the rebate of 0.02
    assert state.funding == Decimal("-0.02")
    assert net_profit(state, Decimal(1)) == Decimal("3.88")  # 4 - 0.1 - 0.02


def test_what_is_flat_needs_no_mark() -> None:
    assert net_profit(fold(fill("long", "1", "100"), fill("short", "1", "104")), Decimal(0)) == 4


def test_the_callers_decimal_context_plays_no_part() -> None:
    with localcontext() as context:
        context.prec = 3
        state = fold(fill("long", "1.23456789", "65432.1"), fill("short", "0.23456789", "65432.2"))
        assert mark(state, Decimal("65432.1")) + state.realized == Decimal("0.0235")  # itself rounded to 3 digits
    assert state.size == Decimal("1.00000000")
    # a ninth decimal of the removed basis is rounded, and what one side loses the other has: 65432.1 in all
    assert state.cost_basis == Decimal("65432.099999999")
    assert state.realized == Decimal("0.023456788")


@pytest.mark.parametrize(
    ("side", "size", "price", "fee", "named"),
    [
        ("long", "0", "1", "0", "size"),
        ("long", "-1", "1", "0", "size"),
        ("long", "NaN", "1", "0", "size"),
        ("long", "1", "0", "0", "price"),
        ("long", "1", "Infinity", "0", "price"),
        ("long", "1", "1", "NaN", "fee"),
    ],
)
def test_senseless_fills_are_refused_by_name(side: str, size: str, price: str, fee: str, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named} must be"):
        apply(LedgerState(), fill(side, size, price, fee))


def test_senseless_marks_and_payments_are_refused() -> None:
    with pytest.raises(ValueError, match="mark price must be positive and finite, not -1"):
        mark(LedgerState(Decimal(1), Decimal(1)), Decimal(-1))
    with pytest.raises(ValueError, match="funding amount must be finite"):
        apply_funding(LedgerState(), payment("sNaN"))


@pytest.mark.parametrize(
    ("amount", "size", "shares", "parts"),
    [
        ("-1", "3", {"a": "1", "b": "1", "c": "1"}, {"a": "-0.33333333", "b": "-0.33333333", "c": "-0.33333334"}),
        # a long of 3 pays 3, the short of 1 on the other side receives 1: net 2 on the account's 2
        ("-2", "2", {"a": "3", "b": "-1"}, {"a": "-3", "b": "1"}),
        # the account is flat, and still one run pays the other: -share * 100 * 0.0001
        ("0", "0", {"a": "1", "b": "-1"}, {"a": "-0.01", "b": "0.01"}),
        # 2 of 5 belong to nobody here
        ("-5", "5", {"a": "3"}, {"a": "-3", "": "-2"}),
        ("-5", "5", {}, {"": "-5"}),
        # a run without a share never takes the rounding
        ("0.00000001", "2", {"a": "1", "b": "1", "c": "0"}, {"a": "0", "b": "0.00000001", "c": "0"}),
    ],
)
def test_funding_is_split_by_share(amount: str, size: str, shares: dict[str, str], parts: dict[str, str]) -> None:
    split = funding_share(payment(amount, size), {name: Decimal(share) for name, share in shares.items()})
    assert split == {name: Decimal(part) for name, part in parts.items()}

"""The ledger against independent sums: conservation, symmetry and the exactness of every split."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from pfmm.accounting.ledger import apply, apply_funding, funding_share, mark, net_profit
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import LedgerState
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.paper.ledger import Position

prices = st.integers(1, 10**9).map(lambda n: Decimal(n).scaleb(-2))
sizes = st.integers(1, 10**8).map(lambda n: Decimal(n).scaleb(-6))
fees = st.integers(-(10**9), 10**9).map(lambda n: Decimal(n).scaleb(-8))
amounts = fees
fills = st.builds(
    lambda side, price, size, fee: Fill("f", "o", None, "M", side, price, size, fee, Liquidity.MAKER, 0),
    st.sampled_from(Side),
    prices,
    sizes,
    fees,
)
payments = amounts.map(lambda amount: FundingPayment("p", "M", 0, Decimal(0), Decimal(1), Decimal(1), amount))
events = st.lists(st.one_of(fills, payments), max_size=40)


def fold(history: list[Fill | FundingPayment]) -> LedgerState:
    state = LedgerState()
    for event in history:
        state = apply(state, event) if isinstance(event, Fill) else apply_funding(state, event)
    return state


@given(events, prices)
def test_equity_is_the_cash_that_moved_plus_the_position_at_the_mark(
    history: list[Fill | FundingPayment], mark_price: Decimal
) -> None:
    cash, size = Fraction(0), Fraction(0)
    for event in history:
        if isinstance(event, Fill):
            cash -= event.side.sign * Fraction(event.price) * Fraction(event.size) + Fraction(event.fee)
            size += event.side.sign * Fraction(event.size)
        else:
            cash += Fraction(event.amount)
    state = fold(history)
    assert Fraction(state.size) == size
    assert Fraction(net_profit(state, mark_price)) == cash + size * Fraction(mark_price)


@given(events)
def test_a_flat_position_has_no_basis_and_a_basis_is_never_negative(history: list[Fill | FundingPayment]) -> None:
    state = LedgerState()
    for event in history:
        state = apply(state, event) if isinstance(event, Fill) else apply_funding(state, event)
        assert state.cost_basis >= 0
        if not state.size:
            assert state.cost_basis == 0


@given(st.lists(fills, max_size=30), prices)
def test_the_mirrored_history_earns_the_opposite_before_fees(history: list[Fill], mark_price: Decimal) -> None:
    state = fold([*history])
    mirror = fold([replace(one, side=one.side.opposite) for one in history])
    assert mirror.size == -state.size
    assert mirror.cost_basis == state.cost_basis
    assert mirror.realized == -state.realized
    assert mark(mirror, mark_price) == -mark(state, mark_price)
    assert mirror.fees == state.fees


@given(fills, st.integers(1, 9), prices)
def test_filling_in_two_parts_is_filling_at_once(one: Fill, tenths: int, mark_price: Decimal) -> None:
    first = one.size * tenths / 10
    start = apply(LedgerState(), replace(one, side=one.side.opposite, size=one.size, fee=Decimal(0)))
    parts = apply(apply(start, replace(one, size=first, fee=Decimal(0))), replace(one, size=one.size - first))
    assert parts == replace(apply(start, one), fees=parts.fees)
    assert parts.size == 0


@given(st.lists(fills, max_size=20), st.integers(2, 9))
def test_the_decimal_context_of_the_caller_changes_nothing(history: list[Fill], precision: int) -> None:
    expected = fold([*history])
    with localcontext() as context:
        context.prec = precision
        assert fold([*history]) == expected


@settings(max_examples=200)
@given(
    amounts,
    st.integers(-(10**6), 10**6).map(lambda n: Decimal(n).scaleb(-3)),
    st.lists(st.integers(-(10**6), 10**6).map(lambda n: Decimal(n).scaleb(-3)), max_size=6),
)
def test_funding_parts_always_sum_to_the_payment(amount: Decimal, size: Decimal, shares: list[Decimal]) -> None:
    named = {f"r{number}": share for number, share in enumerate(shares)}
    whole = FundingPayment("p", "M", 0, Decimal("0.0001"), Decimal(100), size, amount)
    parts = funding_share(whole, named)
    assert sum(map(Fraction, parts.values()), Fraction(0)) == Fraction(amount)
    assert set(parts) - set(named) <= {""}
    if size and sum(shares) == size:
        for name, share in list(named.items())[:-1]:
            assert abs(Fraction(parts[name]) - Fraction(amount) * Fraction(share) / Fraction(size)) <= Fraction(
                len(shares), 10**8
            )


@given(st.lists(st.tuples(fills, st.sampled_from(["grid", "quote", "nobody"])), max_size=30), prices)
def test_the_shares_of_the_runs_sum_to_the_account(history: list[tuple[Fill, str]], mark_price: Decimal) -> None:
    whole = fold([one for one, _ in history])
    shares = [fold([one for one, owner in history if owner == name]) for name in ("grid", "quote", "nobody")]
    assert sum(Fraction(share.size) for share in shares) == Fraction(whole.size)
    earned = sum(Fraction(net_profit(share, mark_price)) for share in shares)
    assert earned == Fraction(net_profit(whole, mark_price))


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 10**7), st.integers(1, 10**5)), max_size=40))
def test_the_paper_exchange_keeps_the_same_books(history: list[tuple[bool, int, int]]) -> None:
    state, position = LedgerState(), Position()
    for buys, price, size in history:  # 1 price decimal, 3 size decimals: one unit of both is 10_000 * 1e-8 USD
        side = Side.LONG if buys else Side.SHORT
        amounts = (Decimal(price).scaleb(-1), Decimal(size).scaleb(-3), Decimal(0))
        state = apply(state, Fill("f", "o", None, "M", side, *amounts, Liquidity.MAKER, 0))
        position.trade(size * side.sign, price, 10_000)
        assert state.size == Decimal(position.size).scaleb(-3)
        assert state.cost_basis == Decimal(position.basis).scaleb(-8)
        assert state.realized == Decimal(position.realized).scaleb(-8)

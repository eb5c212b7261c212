"""Two strategies of one account: what would trade with the other is re-priced or held, one row each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.engine.self_trade import close_before, hold_crossing
from pfmm.model.market import PriceRule
from pfmm.model.order import Side
from pfmm.model.plan import Amendment, DesiredOrder, Held, OwnOrder, Plan
from tests.unit.scripted_venue import own

D = Decimal
BUY, SELL = Side.LONG, Side.SHORT


def other(side: Side, price: str, amend: str | None = None) -> OwnOrder:
    return own(7, run_id="n-r2", side=side, price=D(price), amend_price=None if amend is None else D(amend))


def wanted(side: Side, price: str) -> DesiredOrder:
    return DesiredOrder("slot", side, D(price), D(1))


HELD = Held("slot", "would trade with another strategy of this account")

TABLE = [
    (BUY, "99.9", other(SELL, "100"), False),
    (BUY, "100", other(SELL, "100"), True),  # equal prices trade
    (BUY, "101", other(SELL, "100"), True),
    (BUY, "101", other(BUY, "100"), False),  # the same side never does
    (SELL, "100.1", other(BUY, "100"), False),
    (SELL, "100", other(BUY, "100"), True),
    (SELL, "99", other(BUY, "100"), True),
    (BUY, "99", other(SELL, "100", "98"), True),  # its amendment may act
    (BUY, "99", other(SELL, "98", "100"), True),  # ... or may not
    (SELL, "101", other(BUY, "100", "102"), True),
]


@pytest.mark.parametrize(("side", "price", "theirs", "held"), TABLE)
def test_placements(side: Side, price: str, theirs: OwnOrder, held: bool) -> None:
    plan = hold_crossing(Plan(place=(wanted(side, price),)), [theirs])
    assert (plan.place == ()) == held
    assert plan.held == (HELD,) * held


@pytest.mark.parametrize(("side", "price", "theirs", "held"), TABLE)
def test_amendments_stay_as_they_rest(side: Side, price: str, theirs: OwnOrder, held: bool) -> None:
    mine = own(1, side=side, price=D(50) if side is BUY else D(200))
    change = Amendment(mine, DesiredOrder(mine.slot, side, D(price), D(1)), D(1))
    plan = hold_crossing(Plan(amend=(change,)), [theirs])
    assert (plan.amend == (), plan.keep == (mine,)) == (held, held)
    assert plan.held == (Held(mine.slot, HELD.reason),) * held


def test_what_was_kept_and_held_before_stays_so() -> None:
    before = Plan(keep=(own(3),), held=(Held("far", "younger than 500 ms"),), place=(wanted(BUY, "100"),))
    plan = hold_crossing(before, [other(SELL, "100")])
    assert (plan.keep, plan.held) == (before.keep, (*before.held, HELD))


def test_nobody_else_and_cancels_pass() -> None:
    plan = Plan(cancel=(own(1),), place=(DesiredOrder("b", BUY, D(100), D(1)),))
    assert hold_crossing(plan, []) == plan
    assert hold_crossing(plan, [other(SELL, "90")]).cancel == plan.cancel


TENTH = PriceRule(D("0.1"))


@pytest.mark.parametrize(
    ("side", "price", "touch", "theirs", "priced", "told"),
    [
        # selling at 99 with the best bid at 99.9: what they buy below 99 is out of reach
        (SELL, "99", "99.9", other(BUY, "98.9"), "99", None),
        (SELL, "99", "99.9", other(SELL, "99"), "99", None),
        # their buy at 99 or 99.5 would be hit: everything before it is taken, down to one tick above
        (SELL, "99", "99.9", other(BUY, "99"), "99.1", "closes at 99.1 instead of 99, before the buy of another"),
        (SELL, "99", "99.9", other(BUY, "99.5"), "99.6", "closes at 99.6 instead of 99, before the buy of another"),
        (SELL, "99", "99.9", other(BUY, "99.8"), "99.9", "strategy at 99.8"),
        # theirs is the best bid itself
        (SELL, "99", "99.9", other(BUY, "99.9"), None, "its buy at 99.9 is the best price"),
        (SELL, "99", "99.9", other(BUY, "98", "99.9"), None, "its buy at 99.9 is the best price"),  # may have moved
        (BUY, "101", "100.1", other(SELL, "101.1"), "101", None),
        (BUY, "101", "100.1", other(SELL, "100.5"), "100.4", "closes at 100.4 instead of 101, before the sell of"),
        # theirs lies between two ticks: 100.45 down to 100.4
        (BUY, "101", "100.1", other(SELL, "100.55"), "100.4", "closes at 100.4 instead of 101, before the sell of"),
        (BUY, "101", "100.1", other(SELL, "100.1"), None, "its sell at 100.1 is the best price"),
        (BUY, "0.2", "0.1", other(SELL, "0.1"), None, "best price"),  # a tick below there is no price
    ],
)
def test_a_closing_order_stops_before_the_orders_of_others(
    side: Side, price: str, touch: str, theirs: OwnOrder, priced: str | None, told: str | None
) -> None:
    close = DesiredOrder("close", side, D(price), D(1), reduce_only=True, post_only=False)
    order, text = close_before(close, [theirs], touch=D(touch), rule=TENTH)
    assert order == (None if priced is None else replace(close, price=D(priced)))
    assert (text is None) == (told is None)
    assert told is None or told in (text or "")


def test_a_closing_order_stays_on_the_ticks_of_its_market() -> None:
    # five figures: above 10,000 the tick is 1, below it 0.1
    rule = PriceRule(D("0.1"), 5)
    sell = DesiredOrder("close", SELL, D("9990"), D(1), reduce_only=True, post_only=False)
    order, _ = close_before(sell, [other(BUY, "9999.9")], touch=D("10002"), rule=rule)
    assert order is not None
    assert order.price == D("10000")
    buy = DesiredOrder("close", BUY, D("10010"), D(1), reduce_only=True, post_only=False)
    order, _ = close_before(buy, [other(SELL, "10001")], touch=D("9990"), rule=rule)
    assert order is not None
    assert order.price == D("10000")

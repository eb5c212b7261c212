"""Two strategies of one account: what would trade with the other is held, one row each."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pfmm.model.order import Side
from pfmm.model.plan import Amendment, DesiredOrder, OwnOrder, Plan
from pfmm.strategy.crossing import hold_crossing
from tests.unit.scripted_venue import own

D = Decimal
BUY, SELL = Side.LONG, Side.SHORT


def other(side: Side, price: str, amend: str | None = None) -> OwnOrder:
    return own(7, run_id="n-r2", side=side, price=D(price), amend_price=None if amend is None else D(amend))


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
    wanted = DesiredOrder("slot", side, D(price), D(1))
    plan = hold_crossing(Plan(place=(wanted,)), [theirs])
    assert (plan.place == ()) == held
    assert [h.reason for h in plan.held] == ["would trade with another strategy of this account"] * held


@pytest.mark.parametrize(("side", "price", "theirs", "held"), TABLE)
def test_amendments_stay_as_they_rest(side: Side, price: str, theirs: OwnOrder, held: bool) -> None:
    mine = own(1, side=side, price=D(50) if side is BUY else D(200))
    change = Amendment(mine, DesiredOrder(mine.slot, side, D(price), D(1)), D(1))
    plan = hold_crossing(Plan(amend=(change,)), [theirs])
    assert (plan.amend == (), plan.keep == (mine,)) == (held, held)


def test_nobody_else_and_cancels_pass() -> None:
    plan = Plan(cancel=(own(1),), place=(DesiredOrder("b", BUY, D(100), D(1)),))
    assert hold_crossing(plan, []) == plan
    assert hold_crossing(plan, [other(SELL, "90")]).cancel == plan.cancel

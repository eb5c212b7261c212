"""The stop of a run: where its loss reaches the limit, in step with what is held, and never a moment without one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.accounting.ledger import net_profit
from pfmm.engine.protection import STOP_SLOT, StopPlan, desired_stop, keep_in_step, stop_price
from pfmm.model.ledger import LedgerState
from pfmm.model.market import Instrument, PriceRule
from pfmm.model.order import Side
from pfmm.model.plan import DesiredOrder, OwnOrder, OwnStatus

D = Decimal
MARKET = Instrument("T", "crypto", PriceRule(D("0.1")), D("0.01"), D(10), 50, D(-2), D(5), 8)
LONG = LedgerState(size=D(2), cost_basis=D(200))


@pytest.mark.parametrize(
    ("ledger", "limit", "price"),
    [
        (LONG, "25", "87.5"),  # 2p - 200 = -25
        (replace(LONG, realized=D(5)), "25", "85"),
        (replace(LONG, fees=D(1), funding=D("-2")), "25", "89"),  # 3 are lost already
        (LedgerState(size=D(-2), cost_basis=D(200)), "25", "112.5"),
        (LONG, "200", None),  # at a price of nothing the loss is 200
        (LedgerState(), "25", None),
        (LedgerState(realized=D(-20)), "25", None),
    ],
)
def test_the_price_at_which_the_loss_reaches_the_limit(ledger: LedgerState, limit: str, price: str | None) -> None:
    assert stop_price(ledger, D(limit)) == (None if price is None else D(price))


amounts = st.integers(1, 10**6).map(lambda n: D(n) / 100)


@given(size=amounts, basis=amounts, realized=st.integers(-(10**4), 10**4), limit=amounts, short=st.booleans())
def test_a_run_that_stops_there_has_lost_its_limit(
    size: Decimal, basis: Decimal, realized: int, limit: Decimal, short: bool
) -> None:
    ledger = LedgerState(-size if short else size, basis, D(realized) / 100)
    price = stop_price(ledger, limit)
    if price is not None:
        assert abs(net_profit(ledger, price) + limit) < D("1e-15") * (basis + limit + size * price)


@given(size=amounts, basis=amounts, limit=amounts, short=st.booleans())
def test_a_snapped_stop_triggers_no_later_and_only_reduces(
    size: Decimal, basis: Decimal, limit: Decimal, short: bool
) -> None:
    held = -size if short else size
    ledger = LedgerState(held, basis)
    found, exact = desired_stop(ledger, held, limit, MARKET), stop_price(ledger, limit)
    if found is None or exact is None or found.trigger_price is None:
        return
    assert (found.trigger_price - exact) * found.side.sign <= 0, "towards the market"
    assert (found.side.sign * held < 0, found.reduce_only, found.size <= size) == (True, True, True)
    assert (found.price - found.trigger_price) * found.side.sign >= 0


@pytest.mark.parametrize(
    ("net", "size"), [("2", "2"), ("1.5", "1.5"), ("5", "2"), ("0", None), ("-1", None), ("0.009", None)]
)
def test_a_stop_closes_no_more_than_the_account_holds(net: str, size: str | None) -> None:
    found = desired_stop(LONG, D(net), D(25), MARKET)
    assert (None if found is None else found.size) == (None if size is None else D(size))


WANTED = DesiredOrder(
    STOP_SLOT, Side.SHORT, D("83.2"), D(2), reduce_only=True, post_only=False, trigger_price=D("87.5")
)


def stop(number: int, trigger: str = "87.5", size: str = "2", status: OwnStatus = OwnStatus.OPEN) -> OwnOrder:
    return OwnOrder(
        f"n-{number}", "r", "T", STOP_SLOT, Side.SHORT, D("83.2"), D(size), D(0), status, True, number, number,
        trigger_price=D(trigger),
    )  # fmt: skip


RIGHT, OTHER = stop(2), stop(1, trigger="80")
UNPROVEN = stop(3, status=OwnStatus.UNKNOWN)


@pytest.mark.parametrize(
    ("live", "plan"),
    [
        ([], StopPlan(place=WANTED)),
        ([RIGHT], StopPlan()),
        ([OTHER], StopPlan(place=WANTED)),  # beside the old one
        ([OTHER, RIGHT], StopPlan(cancel=(OTHER,))),  # which goes once the new one is seen
        ([stop(1), RIGHT], StopPlan(cancel=(stop(1),))),
        ([OTHER, stop(2, trigger="81")], StopPlan(WANTED, (OTHER,))),  # never more than two
        ([UNPROVEN], StopPlan()),
        ([OTHER, UNPROVEN], StopPlan()),
        ([RIGHT, UNPROVEN], StopPlan()),
        ([stop(1, trigger="88.7")], StopPlan()),  # 2.4 USD earlier, of 25
        ([stop(1, trigger="88.8")], StopPlan(place=WANTED)),  # 2.6
        ([stop(1, size="1.6")], StopPlan()),
        ([stop(1, size="1.59")], StopPlan(place=WANTED)),
        ([stop(1, size="2.41")], StopPlan(place=WANTED)),
        ([replace(RIGHT, side=Side.LONG)], StopPlan(place=WANTED)),  # of when the run lay the other way round
        ([replace(RIGHT, trigger_price=None)], StopPlan(place=WANTED)),
    ],
)
def test_what_is_sent_of_stops(live: list[OwnOrder], plan: StopPlan) -> None:
    assert keep_in_step(WANTED, live, D(25)) == plan


def test_all_that_are_proven_are_cancelled_when_none_is_wanted() -> None:
    assert keep_in_step(None, [RIGHT, OTHER, UNPROVEN], D(25)) == StopPlan(cancel=(OTHER, RIGHT))

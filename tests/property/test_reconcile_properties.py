"""Reconcile against a tiny model of a venue: it settles, it repeats nothing, and no moment of a batch crosses."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from pfmm.engine.reconcile import reconcile
from pfmm.model.order import Side
from pfmm.model.plan import DesiredOrder, OwnOrder, OwnStatus, Plan, Tolerance

D = Decimal
SLOTS = ("a", "b", "c", "d", "e", "f")
NOW = 1_000_000

_prices = st.integers(90, 110).map(D)
_sizes = st.integers(1, 4).map(D)


@st.composite
def wishes(draw: st.DrawFn) -> list[DesiredOrder]:
    """Orders that do not cross each other: buys below a price, sells above it."""
    middle = draw(st.integers(92, 108))
    orders = []
    for slot in draw(st.lists(st.sampled_from(SLOTS), unique=True)):
        side = draw(st.sampled_from(list(Side)))
        low, high = (88, middle - 1) if side is Side.LONG else (middle, 112)
        price = D(draw(st.integers(low, high)))
        orders.append(DesiredOrder(slot, side, price, draw(_sizes), reduce_only=draw(st.booleans())))
    return orders


@st.composite
def resting_orders(draw: st.DrawFn) -> list[OwnOrder]:
    """Orders as they may be found: partly filled, unproven, doubled in a slot; never crossing each other."""
    middle = draw(st.integers(92, 108))
    orders = []
    for number in range(draw(st.integers(0, 8))):
        side = draw(st.sampled_from(list(Side)))
        low, high = (88, middle - 1) if side is Side.LONG else (middle, 112)
        size = draw(_sizes)
        orders.append(
            OwnOrder(
                client_order_id=f"old-{number}",
                run_id="r",
                market="M",
                slot=draw(st.sampled_from(SLOTS)),
                side=side,
                price=D(draw(st.integers(low, high))),
                size=size,
                filled=draw(st.sampled_from([D(0), size / 2])),
                status=draw(st.sampled_from([OwnStatus.OPEN, OwnStatus.OPEN, OwnStatus.UNKNOWN, OwnStatus.CANCELLED])),
                reduce_only=draw(st.booleans()),
                created_ms=draw(st.integers(0, NOW)),
                updated_ms=0,
            )
        )
    return orders


def crosses(orders: list[OwnOrder]) -> bool:
    live = [order for order in orders if order.status.live]
    bids = [order.price for order in live if order.side is Side.LONG]
    asks = [order.price for order in live if order.side is Side.SHORT]
    return bool(bids and asks and max(bids) >= min(asks))


def carry_out(plan: Plan, orders: list[OwnOrder], numbers: count[int]) -> list[OwnOrder]:
    """What the venue does with a batch: cancels, amendments and places in order; asserts that nothing ever crosses."""
    book = {order.client_order_id: order for order in orders}
    for order in plan.cancel:
        book[order.client_order_id] = replace(order, status=OwnStatus.CANCELLED)
    for amendment in plan.amend:
        cid = amendment.order.client_order_id
        book[cid] = replace(book[cid], price=amendment.desired.price, size=amendment.size)
        assert not crosses(list(book.values()))
    for desired in plan.place:
        number = next(numbers)
        book[f"new-{number}"] = OwnOrder(
            client_order_id=f"new-{number}",
            run_id="r",
            market="M",
            slot=desired.slot,
            side=desired.side,
            price=desired.price,
            size=desired.size,
            filled=D(0),
            status=OwnStatus.OPEN,
            reduce_only=desired.reduce_only,
            created_ms=NOW,
            updated_ms=NOW,
        )
        assert not crosses(list(book.values()))
    return list(book.values())


@given(wishes(), resting_orders(), st.booleans(), st.integers(0, 300))
@settings(max_examples=300)
def test_plans_settle_without_ever_crossing_and_then_repeat_nothing(
    desired: list[DesiredOrder], orders: list[OwnOrder], can_amend: bool, price_bps: int
) -> None:
    tolerance = Tolerance(price_bps=D(price_bps), size_fraction=D("0.25"))
    numbers = count()
    for _ in range(5):
        plan = reconcile(desired, orders, tolerance=tolerance, now_ms=NOW, can_amend=can_amend)
        orders = carry_out(plan, orders, numbers)
        again = reconcile(desired, orders, tolerance=tolerance, now_ms=NOW, can_amend=can_amend)
        if not plan.held:
            assert again.changes == 0  # applying a plan and asking again changes nothing
    assert again.changes == 0
    unproven = [order for order in orders if order.status is OwnStatus.UNKNOWN]
    for held in again.held:
        assert unproven, held  # only orders that nobody has proven may keep a wish waiting
    for order in desired:
        live = [own for own in orders if own.slot == order.slot and own.status.live]
        assert len([own for own in live if own.status is OwnStatus.OPEN]) <= 1
        if not unproven:
            assert len(live) == 1
            assert live[0].side is order.side
            assert abs(live[0].price - order.price) * 10_000 <= price_bps * order.price
    wanted = {order.slot for order in desired}
    assert not [own for own in orders if own.status is OwnStatus.OPEN and own.slot not in wanted]


@given(wishes(), resting_orders())
@settings(max_examples=150)
def test_every_order_is_dealt_with_once_and_the_answer_depends_on_no_order(
    desired: list[DesiredOrder], orders: list[OwnOrder]
) -> None:
    plan = reconcile(desired, orders, tolerance=Tolerance(), now_ms=NOW, can_amend=True)
    touched = [order.client_order_id for order in plan.cancel]
    touched += [amendment.order.client_order_id for amendment in plan.amend]
    touched += [order.client_order_id for order in plan.keep]
    assert len(touched) == len(set(touched))
    shuffled = reconcile(desired, orders[::-1], tolerance=Tolerance(), now_ms=NOW, can_amend=True)
    assert {order.client_order_id for order in shuffled.cancel} == {order.client_order_id for order in plan.cancel}
    assert shuffled.place == plan.place

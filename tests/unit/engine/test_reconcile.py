"""Every rule of reconcile, one row each: keep, amend, cancel, place, hold, and never through an own order."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.engine.reconcile import reconcile
from pfmm.model.order import Side
from pfmm.model.plan import DesiredOrder, Held, OwnOrder, OwnStatus, Plan, Tolerance

D = Decimal
EXACT = Tolerance()
NOW = 100_000


def own(slot: str, price: str, *, size: str = "2", side: Side | None = None, cid: str | None = None) -> OwnOrder:
    side = side or (Side.LONG if slot.startswith("bid") else Side.SHORT)
    return OwnOrder(
        client_order_id=cid or f"o-{slot}",
        run_id="r1",
        market="BTC-PERP",
        slot=slot,
        side=side,
        price=D(price),
        size=D(size),
        filled=D(0),
        status=OwnStatus.OPEN,
        reduce_only=False,
        created_ms=0,
        updated_ms=0,
    )


def want(slot: str, price: str, size: str = "2") -> DesiredOrder:
    return DesiredOrder(slot, Side.LONG if slot.startswith("bid") else Side.SHORT, D(price), D(size))


def diff(
    desired: list[DesiredOrder],
    resting: list[OwnOrder],
    *,
    tolerance: Tolerance = EXACT,
    can_amend: bool = True,
) -> Plan:
    return reconcile(desired, resting, tolerance=tolerance, now_ms=NOW, can_amend=can_amend)


def test_nothing_to_do_and_first_orders() -> None:
    assert diff([], []) == Plan()
    assert diff([want("bid", "99"), want("ask", "101")], []).place == (want("bid", "99"), want("ask", "101"))
    same = diff([want("bid", "99")], [own("bid", "99")])
    assert (same.keep, same.changes, same.held) == ((own("bid", "99"),), 0, ())


@pytest.mark.parametrize(
    ("price", "size", "kept"),
    [
        ("100.05", "2", True),  # 5 bps away, 5 allowed
        ("100.06", "2", False),
        ("100", "1.8", True),  # 10 % of 2 missing, 10 % allowed
        ("100", "1.79", False),
        ("100", "2.2", True),
        ("100", "2.21", False),
    ],
)
def test_tolerance_in_price_and_size(price: str, size: str, kept: bool) -> None:
    plan = diff(
        [want("bid", "100")],
        [own("bid", price, size=size)],
        tolerance=Tolerance(price_bps=D(5), size_fraction=D("0.1")),
    )
    assert bool(plan.keep) is kept
    assert bool(plan.amend) is not kept


def test_amendment_carries_the_total_with_what_is_filled() -> None:
    resting = replace(own("bid", "98", size="5"), filled=D(4))
    (amendment,) = diff([want("bid", "99", "2")], [resting]).amend
    assert amendment.size == D(6)  # 4 filled + 2 to rest


def test_partly_filled_order_is_right_when_its_remainder_is() -> None:
    assert diff([want("bid", "99", "1")], [replace(own("bid", "99", size="5"), filled=D(4))]).changes == 0


def test_young_orders_wait_unless_they_are_in_the_way() -> None:
    young = replace(own("ask", "101"), updated_ms=NOW - 400)
    patient = Tolerance(min_age_ms=500)
    waiting = diff([want("ask", "102")], [young], tolerance=patient)
    assert (waiting.changes, waiting.keep) == (0, (young,))
    assert waiting.held == (Held("ask", "younger than 500 ms"),)
    of_age = diff([want("ask", "102")], [replace(young, updated_ms=NOW - 500)], tolerance=patient)
    assert len(of_age.amend) == 1
    # a buy wanted at 101 would meet it: it moves at once, the buy waits for that
    unsafe = diff([want("ask", "102"), want("bid", "101")], [young], tolerance=patient)
    assert [amendment.order for amendment in unsafe.amend] == [young]
    assert not unsafe.place
    assert unsafe.held[0].reason == "would cross an own sell at 101"


def test_tolerance_does_not_protect_an_order_in_the_way() -> None:
    plan = diff([want("ask", "100.02"), want("bid", "100")], [own("ask", "100")], tolerance=Tolerance(price_bps=D(5)))
    assert [amendment.desired.price for amendment in plan.amend] == [D("100.02")]


def test_a_buy_in_the_way_of_a_sale_moves_at_once_too() -> None:
    young = replace(own("bid", "99"), updated_ms=NOW - 400)
    patient = Tolerance(min_age_ms=500)
    # a sale wanted at 99 or below would meet it
    for ask in ("99", "98.9"):
        plan = diff([want("bid", "98"), want("ask", ask)], [young], tolerance=patient)
        assert [amendment.order for amendment in plan.amend] == [young]
        assert plan.held == (Held("ask", "would cross an own buy at 99"),)
    beside = diff([want("bid", "98"), want("ask", "99.1")], [young], tolerance=patient)
    assert (beside.keep, [order.slot for order in beside.place]) == ((young,), ["ask"])
    loose = Tolerance(price_bps=D(5))
    assert diff([want("bid", "99.98"), want("ask", "100")], [own("bid", "100")], tolerance=loose).amend


def test_the_best_of_several_wishes_says_what_is_in_the_way() -> None:
    young = replace(own("ask", "101"), updated_ms=NOW)
    wishes = [want("bid:1", "101"), want("bid:2", "90"), want("ask", "102")]
    assert diff(wishes, [young], tolerance=Tolerance(min_age_ms=500)).amend
    young = replace(own("bid", "99"), updated_ms=NOW)
    wishes = [want("ask:1", "99"), want("ask:2", "110"), want("bid", "98")]
    assert diff(wishes, [young], tolerance=Tolerance(min_age_ms=500)).amend


def test_undesired_slots_are_cancelled_whatever_their_age() -> None:
    young = replace(own("bid", "99"), updated_ms=NOW)
    plan = diff([], [young], tolerance=Tolerance(min_age_ms=500))
    assert plan.cancel == (young,)


@pytest.mark.parametrize("status", [OwnStatus.SENDING, OwnStatus.UNKNOWN, OwnStatus.MISSING])
def test_unproven_orders_hold_their_slot(status: OwnStatus) -> None:
    unproven = replace(own("bid", "99"), status=status)
    plan = diff([want("bid", "98")], [unproven])
    assert plan.changes == 0
    assert plan.held[0].reason == f"order o-bid is {status}, not yet proven"
    assert diff([], [unproven]).changes == 0  # nor can it be cancelled blindly


@pytest.mark.parametrize(("price", "size"), [("98.5", "2"), ("98.5", None), (None, "2")])
def test_unacknowledged_amendment_holds_its_slot(price: str | None, size: str | None) -> None:
    resting = replace(
        own("bid", "99"),
        amend_price=None if price is None else D(price),
        amend_size=None if size is None else D(size),
    )
    plan = diff([want("bid", "98")], [resting])
    assert (plan.changes, plan.keep) == (0, (resting,))
    assert plan.held == (Held("bid", "amendment of o-bid not yet acknowledged"),)


@pytest.mark.parametrize("status", [OwnStatus.FILLED, OwnStatus.CANCELLED, OwnStatus.EXPIRED, OwnStatus.REJECTED])
def test_finished_orders_free_their_slot(status: OwnStatus) -> None:
    assert diff([want("bid", "98")], [replace(own("bid", "99"), status=status)]).place == (want("bid", "98"),)


def test_two_orders_in_a_slot_the_younger_goes() -> None:
    older = own("bid", "99", cid="a")
    younger = replace(own("bid", "99", cid="b"), created_ms=5)
    plan = diff([want("bid", "99")], [younger, older])
    assert (plan.keep, plan.cancel) == ((older,), (younger,))
    # beside one that is not proven the oldest of the others stays, and nothing is sent
    doubtful = replace(own("bid", "99", cid="c"), status=OwnStatus.UNKNOWN)
    plan = diff([want("bid", "98")], [younger, doubtful, older])
    assert (plan.keep, plan.cancel, plan.changes) == ((older,), (younger,), 1)
    assert plan.held == (Held("bid", "order c is unknown, not yet proven"),)


def test_side_or_reduce_only_change_cancels_first_and_places_later() -> None:
    for resting in (own("x", "99", side=Side.LONG), replace(own("x", "101"), reduce_only=True)):
        plan = diff([want("x", "101")], [resting])
        assert plan.cancel == (resting,)
        assert not plan.place
        assert plan.held[0].slot == "x"
        assert diff([want("x", "101")], [replace(resting, status=OwnStatus.CANCELLED)]).place


def test_without_amend_a_change_is_a_cancel_and_later_a_place() -> None:
    plan = diff([want("bid", "98")], [own("bid", "99")], can_amend=False)
    assert plan.cancel == (own("bid", "99"),)
    assert not plan.place
    assert plan.held == (Held("bid", "the venue cannot amend: placed once the cancel is seen"),)


def test_nothing_is_sent_through_an_own_order() -> None:
    unproven = replace(own("ask", "100"), status=OwnStatus.MISSING)  # may rest yet, and is not to be cancelled
    assert diff([want("bid", "100")], [unproven]).held[0].reason == "would cross an own sell at 100"
    assert diff([want("bid", "99.9")], [unproven]).place
    assert diff([want("bid", "100")], [replace(unproven, status=OwnStatus.FILLED)]).place
    pending = replace(unproven, price=D(105), amend_price=D(100))
    assert diff([want("bid", "101")], [pending]).held
    bought = replace(own("bid", "99"), status=OwnStatus.MISSING)
    assert diff([want("ask", "99")], [bought]).held[0].reason == "would cross an own buy at 99"


def test_an_unacknowledged_amendment_of_a_buy_bars_both_of_its_prices() -> None:
    for price, asked in (("99", "101"), ("101", "99")):
        pending = replace(own("bid", price), amend_price=D(asked), amend_size=D(2))
        barred = diff([want("bid", "99"), want("ask", "101")], [pending])
        assert barred.held[-1] == Held("ask", "would cross an own buy at 101")
        assert [order.slot for order in diff([want("bid", "99"), want("ask", "101.1")], [pending]).place] == ["ask"]


def test_of_several_own_orders_the_nearest_bars() -> None:
    sells = [replace(own(f"ask:{n}", price), status=OwnStatus.MISSING) for n, price in enumerate(["101", "100", "102"])]
    assert diff([want("bid", "100")], sells).held[-1].reason == "would cross an own sell at 100"
    buys = [replace(own(f"bid:{n}", price), status=OwnStatus.MISSING) for n, price in enumerate(["98", "99", "97"])]
    assert diff([want("ask", "99")], buys).held[-1].reason == "would cross an own buy at 99"


def test_an_order_whose_amendment_would_cross_stays_where_it_rests() -> None:
    through = replace(own("ask", "100"), status=OwnStatus.MISSING)
    plan = diff([want("bid", "100")], [own("bid", "99"), through])
    assert (plan.keep, plan.amend) == ((own("bid", "99"),), ())
    assert plan.held == (Held("bid", "would cross an own sell at 100"),)


def test_amendments_by_less_than_a_dollar_that_move_away_come_first_too() -> None:
    # the ask rises by 0.1 before the bid comes to where it was
    plan = diff([want("bid", "99.95"), want("ask", "100.1")], [own("bid", "99.9"), own("ask", "100")])
    assert [amendment.desired.slot for amendment in plan.amend] == ["ask", "bid"]
    # a size alone moves nowhere: it keeps its turn, which the older order has
    plan = diff([want("bid", "98"), want("ask", "101", "3")], [own("bid", "99"), own("ask", "101")])
    assert [amendment.desired.slot for amendment in plan.amend] == ["ask", "bid"]


def test_jump_over_the_own_spread_moves_the_far_side_first() -> None:
    # 99/101 becomes 101.5/103: the ask moves away now, the bid would meet its old price and waits a cycle
    plan = diff([want("bid", "101.5"), want("ask", "103")], [own("bid", "99"), own("ask", "101")])
    assert [amendment.desired.slot for amendment in plan.amend] == ["ask"]
    assert [held.slot for held in plan.held] == ["bid"]
    # inside of the old spread both move, the one that moves away first
    plan = diff([want("bid", "100"), want("ask", "102")], [own("bid", "99"), own("ask", "101")])
    assert [amendment.desired.slot for amendment in plan.amend] == ["ask", "bid"]
    plan = diff([want("bid", "98"), want("ask", "100")], [own("bid", "99"), own("ask", "101")])
    assert [amendment.desired.slot for amendment in plan.amend] == ["bid", "ask"]


def test_crossing_wishes_of_one_strategy_never_both_go_out() -> None:
    plan = diff([want("bid", "101"), want("ask", "100")], [])
    assert [order.slot for order in plan.place] == ["bid"]
    assert [held.slot for held in plan.held] == ["ask"]
    # nor do both move there: the older one does
    plan = diff([want("bid", "101"), want("ask", "100.9")], [own("bid", "99", cid="a"), own("ask", "102", cid="b")])
    assert [amendment.desired.slot for amendment in plan.amend] == ["bid"]
    assert plan.held == (Held("ask", "would cross an own buy at 101"),)


def test_size_change_at_the_same_price_is_not_a_crossing() -> None:
    through = replace(own("ask", "98"), status=OwnStatus.MISSING)
    plan = diff([want("bid", "99", "3")], [own("bid", "99"), through])
    assert len(plan.amend) == 1


def test_slot_desired_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="slot bid is desired twice"):
        diff([want("bid", "99"), want("bid", "98")], [])

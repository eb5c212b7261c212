"""The limit, the losses and the data: every rule of risk with its arithmetic."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.engine.risk import Approved, check, data_problem, lag_problem, loss_problem, worst_usd
from pfmm.model.market import Ticker
from pfmm.model.order import Order, OrderStatus, OrderType, Side
from pfmm.model.plan import Amendment, DesiredOrder, Held, OwnOrder, OwnStatus, Plan

D = Decimal
LONG, SHORT = Side.LONG, Side.SHORT


def own(side: Side, size: str, price: str, *, cid: str = "o", filled: str = "0", reduce_only: bool = False) -> OwnOrder:
    return OwnOrder(
        client_order_id=cid,
        run_id="r1",
        market="BTC-PERP",
        slot=f"slot-{cid}",
        side=side,
        price=D(price),
        size=D(size),
        filled=D(filled),
        status=OwnStatus.OPEN,
        reduce_only=reduce_only,
        created_ms=0,
        updated_ms=0,
    )


def want(side: Side, size: str, price: str, *, slot: str = "new", reduce_only: bool = False) -> DesiredOrder:
    return DesiredOrder(slot, side, D(price), D(size), reduce_only=reduce_only)


def amend(order: OwnOrder, size: str, price: str) -> Amendment:
    """To TOTAL `size` at `price`."""
    desired = DesiredOrder(order.slot, order.side, D(price), D(size) - order.filled, reduce_only=order.reduce_only)
    return Amendment(order, desired, D(size))


def judge(
    plan: Plan, *, position: str = "0", live: list[OwnOrder] | None = None, limit: str = "500", mark: str = "100"
) -> Approved:
    return check(plan, net_position=D(position), live_orders=live or [], limit_usd=D(limit), mark=D(mark))


@pytest.mark.parametrize(
    ("position", "live", "order", "passes"),
    [
        ("0", [], want(LONG, "5", "99"), True),  # 5 * 100 = 500
        ("0", [], want(LONG, "5.01", "99"), False),  # 501: the mark counts, not the lower price
        ("0", [], want(SHORT, "4.9", "102"), True),  # 4.9 * 102 = 499.8
        ("0", [], want(SHORT, "5", "102"), False),  # 510: the price counts, it is above the mark
        ("2", [own(LONG, "1", "99")], want(LONG, "2", "99"), True),  # 2 + 1 + 2 = 5
        ("2", [own(LONG, "1", "99")], want(LONG, "2.1", "99"), False),
        ("2", [own(LONG, "3", "99", filled="2")], want(LONG, "2", "99"), True),  # the filled 2 are the position
        ("2", [own(SHORT, "9", "101")], want(LONG, "3", "99"), True),  # the other side neither helps nor hurts
        ("-2", [], want(LONG, "7", "99"), True),  # -2 + 7 = 5
        ("-2", [], want(LONG, "7.1", "99"), False),
        ("6", [], want(LONG, "0.1", "99"), False),  # 600: already past the limit
        ("6", [], want(SHORT, "6", "101"), True),  # reduces to zero at most
        ("6", [own(SHORT, "4", "101")], want(SHORT, "2", "101"), True),
        ("60", [], want(SHORT, "60", "101"), True),  # however large the breach
        ("6", [], want(SHORT, "20", "101"), False),  # could flip to -14
    ],
)
def test_limit_counts_everything_that_could_fill(
    position: str, live: list[OwnOrder], order: DesiredOrder, passes: bool
) -> None:
    verdict = judge(Plan(place=(order,)), position=position, live=live)
    assert bool(verdict.plan.place) is passes
    assert bool(verdict.refused) is not passes


def test_refusal_names_the_figures() -> None:
    (held,) = judge(Plan(place=(want(LONG, "5.01", "99"),))).refused
    assert held.slot == "new"
    assert held.reason == (
        "limit: with every open long order filled the position could reach 501.00 USD, max_inventory is 500 USD"
    )


def test_orders_of_one_plan_share_the_room_first_come_first_served() -> None:
    plan = Plan(
        place=(want(LONG, "3", "99", slot="a"), want(LONG, "3", "98", slot="b"), want(LONG, "2", "97", slot="c"))
    )
    verdict = judge(plan)
    assert [order.slot for order in verdict.plan.place] == ["a", "c"]
    assert [held.slot for held in verdict.refused] == ["b"]


def test_cancels_pass_and_free_nothing_until_acknowledged() -> None:
    resting = own(LONG, "5", "99")
    verdict = judge(Plan(cancel=(resting,), place=(want(LONG, "1", "98"),)), live=[resting])
    assert verdict.plan.cancel == (resting,)
    assert not verdict.plan.place
    assert judge(Plan(place=(want(LONG, "1", "98"),)), live=[]).plan.place


def test_reduce_only_passes_only_with_something_to_reduce() -> None:
    order = want(LONG, "50", "99", reduce_only=True)
    assert judge(Plan(place=(order,)), position="-60").plan.place
    assert judge(Plan(place=(order,)), position="-1").plan.place  # the venue caps it
    # -3 and resting buys of 8 could reach +5; closing the 3 by another order would let them reach +8
    assert judge(Plan(place=(order,)), position="-3", live=[own(LONG, "8", "99")]).refused
    for position in ("0", "1"):
        (held,) = judge(Plan(place=(order,)), position=position).refused
        assert held.reason == "reduce-only, but there is no position to reduce"


def test_amendment_counts_at_the_larger_of_old_and_new() -> None:
    resting = own(LONG, "3", "99")
    grown = amend(resting, "5", "99")
    assert judge(Plan(amend=(grown,)), live=[resting]).plan.amend == (grown,)
    assert judge(Plan(amend=(amend(resting, "5.1", "99"),)), live=[resting]).plan.amend == ()
    # shrunk to 1: until acknowledged it is still 3, so only 2 are free
    shrunk = amend(resting, "1", "99")
    for size, passes in (("2", True), ("2.1", False)):
        verdict = judge(Plan(amend=(shrunk,), place=(want(LONG, size, "98"),)), live=[resting])
        assert bool(verdict.plan.place) is passes
    # an earlier amendment that nobody has acknowledged counts the same way
    pending = replace(resting, amend_size=D(5), amend_price=D(99))
    assert judge(Plan(place=(want(LONG, "0.1", "98"),)), live=[pending]).refused
    # ... in price too: 3 may come to rest at 120, which is 360 and leaves room for 1.4 at the mark
    dearer = replace(own(SHORT, "3", "101"), amend_size=D(3), amend_price=D(120))
    for size, passes in (("1.4", True), ("1.5", False)):
        assert bool(judge(Plan(place=(want(SHORT, size, "100"),)), live=[dearer]).plan.place) is passes


def test_filled_part_of_an_amended_order_counts_once() -> None:
    resting = own(LONG, "3", "99", filled="2")  # the position has the 2
    assert judge(Plan(amend=(amend(resting, "5", "99"),)), position="2", live=[resting]).plan.amend
    assert judge(Plan(amend=(amend(resting, "5.1", "99"),)), position="2", live=[resting]).refused


def test_in_a_breach_amendments_may_only_lower_the_risk() -> None:
    resting = own(LONG, "2", "99")
    assert judge(Plan(amend=(amend(resting, "2", "98"),)), position="6", live=[resting]).plan.amend  # away
    assert judge(Plan(amend=(amend(resting, "1", "99"),)), position="6", live=[resting]).plan.amend  # smaller
    closer = judge(Plan(amend=(amend(resting, "2", "99.5"),)), position="6", live=[resting])
    assert closer.plan.amend == ()
    assert closer.plan.keep == (resting,)
    # away and larger: moves away at the old size
    moved = judge(Plan(amend=(amend(resting, "4", "98"),)), position="6", live=[resting])
    assert moved.plan.amend == (amend(resting, "2", "98"),)
    assert moved.refused[0].reason.startswith("size not raised; limit:")


def test_orders_from_outside_pfmm_count() -> None:
    foreign = Order(
        "17", None, "BTC-PERP", LONG, OrderType.LIMIT, D(99), D(4), D(1), OrderStatus.OPEN, False, False, 0, 0
    )
    numbers = {
        "net_position": D(0),
        "live_orders": [],
        "limit_usd": D(500),
        "mark": D(100),
        "foreign_orders": [foreign],
    }
    assert check(Plan(place=(want(LONG, "2", "99"),)), **numbers).plan.place
    assert check(Plan(place=(want(LONG, "2.1", "99"),)), **numbers).refused
    resting = own(LONG, "1", "99")
    numbers["live_orders"] = [resting]
    assert check(Plan(amend=(amend(resting, "2", "99"),)), **numbers).plan.amend  # 3 of theirs and 2: 500
    assert check(Plan(amend=(amend(resting, "2.1", "99"),)), **numbers).refused


@pytest.mark.parametrize(
    ("price", "most"),
    [(None, "1"), ("99", "1"), ("120", "0.2")],  # 4 x 100 and 1 x 100; the same; 4 x 120 = 480 and 0.2 x 100
)
def test_an_outside_order_counts_at_the_larger_of_mark_and_price_and_without_one_at_the_mark(
    price: str | None, most: str
) -> None:
    at = None if price is None else D(price)
    foreign = Order("17", None, "BTC-PERP", LONG, OrderType.LIMIT, at, D(4), D(0), OrderStatus.OPEN, False, False, 0, 0)

    def placed(size: Decimal) -> bool:
        plan, given = Plan(place=(want(LONG, str(size), "99"),)), {"net_position": D(0), "live_orders": []}
        return bool(check(plan, **given, limit_usd=D(500), mark=D(100), foreign_orders=[foreign]).plan.place)

    assert placed(D(most))
    assert not placed(D(most) + D("0.01"))


def test_a_growth_that_is_refused_goes_out_at_its_old_size_less_what_is_filled() -> None:
    """5 with 2 filled, which are the position: to 8 at 98 could reach 2 + 6 = 8; what goes out is 3 more at 98."""
    resting = own(LONG, "5", "99", filled="2")
    found = judge(Plan(amend=(amend(resting, "8", "98"),)), position="2", live=[resting])
    assert found.plan.amend == (Amendment(resting, want(LONG, "3", "98", slot=resting.slot), D(5)),)
    assert [held.slot for held in found.refused] == [resting.slot]


def test_a_reduce_only_order_that_is_amended_counts_at_what_there_is_to_reduce() -> None:
    """Short 3: a reduce-only buy amended to 9 closes 3 and no more; without the flag it could reach 6."""
    for flag, passes in ((True, True), (False, False)):
        resting = own(LONG, "2", "99", reduce_only=flag)
        plan = Plan(amend=(amend(resting, "9", "99"),))
        assert bool(judge(plan, position="-3", live=[resting]).plan.amend) is passes
        given = {"net_position": D(-3), "live_orders": [resting], "limit_usd": D(500), "mark": D(100)}
        assert bool(check(plan, replaces=True, **given).plan.amend) is (passes and flag)


def test_what_a_plan_held_back_before_stays_told() -> None:
    held = Held("ask", "all longs filled")
    assert judge(Plan(held=(held,))).plan.held == (held,)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mark", "NaN"),
        ("mark", "0"),
        ("mark", "-1"),
        ("limit_usd", "-1"),
        ("limit_usd", "NaN"),
        ("net_position", "NaN"),
    ],
)
def test_senseless_numbers_are_refused_by_name(field: str, value: str) -> None:
    numbers = {"net_position": D(0), "limit_usd": D(500), "mark": D(100)} | {field: D(value)}
    with pytest.raises(ValueError, match=f"{field} must .* not {value}"):
        check(Plan(), live_orders=[], **numbers)


@pytest.mark.parametrize(("size", "price"), [("0", "99"), ("-1", "99"), ("NaN", "99"), ("1", "0"), ("1", "NaN")])
def test_senseless_orders_are_refused(size: str, price: str) -> None:
    assert judge(Plan(place=(want(LONG, size, price),))).refused


def test_limit_zero_lets_only_reducing_orders_through() -> None:
    assert judge(Plan(place=(want(LONG, "0.001", "99"),)), limit="0").refused
    assert judge(Plan(place=(want(SHORT, "1", "101"),)), position="1", limit="0").plan.place


@pytest.mark.parametrize(
    ("position", "side", "orders", "expected"),
    [
        ("2", LONG, [("1", "99")], "300"),
        ("2", SHORT, [("2", "101"), ("1", "110")], "110"),  # the 2 close, the 1 opens at 110
        ("2", SHORT, [("1", "110"), ("2", "101")], "110"),
        ("-2", SHORT, [], "200"),
        ("-2", LONG, [("1", "99")], "0"),
        ("0", LONG, [], "0"),
    ],
)
def test_worst_usd(position: str, side: Side, orders: list[tuple[str, str]], expected: str) -> None:
    assert worst_usd(D(position), side, [(D(size), D(price)) for size, price in orders], D(100)) == D(expected)


def test_maximum_loss() -> None:
    assert loss_problem(D(-1000), None) is None
    assert loss_problem(D("-24.99"), D(25)) is None
    assert loss_problem(D(-25), D(25)) == "maximum loss reached: P&L -25 USD, limit -25 USD"
    with pytest.raises(ValueError, match="max_loss_usd must be positive"):
        loss_problem(D(0), D(0))
    with pytest.raises(ValueError, match="pnl_usd must be finite"):
        loss_problem(D("NaN"), D(1))


GOOD = Ticker("BTC-PERP", 100_000, D(99), D(1), D(101), D(1), D(100))


@pytest.mark.parametrize(
    ("ticker", "last_mid", "words"),
    [
        (GOOD, None, None),
        (GOOD, D(100), None),
        (GOOD, D("83.4"), None),  # +19.9 %
        (GOOD, D("83.3"), "jump: the mid went from 83.3 to 100 (+20.0 %), 20.0 % is the limit"),
        (GOOD, D(125), "jump: the mid went from 125 to 100 (-20.0 %)"),
        (replace(GOOD, time_ms=85_000), None, None),  # exactly 15 s
        (replace(GOOD, time_ms=84_999), None, "stale: the ticker is 15.001 s old, at most 15 s allowed"),
        (replace(GOOD, time_ms=115_001), None, "clock: the ticker is 15.001 s ahead"),
        (replace(GOOD, bid=None), None, "one-sided: the book has no bid"),
        (replace(GOOD, ask=None), None, "one-sided: the book has no ask"),
        (replace(GOOD, bid=None, ask=None), None, "empty"),
        (replace(GOOD, ask_size=D(0)), None, "one-sided: the ask shows a size of 0"),
        (replace(GOOD, bid_size=D(0)), None, "one-sided: the bid shows a size of 0"),
        (replace(GOOD, bid_size=None), None, None),
        (replace(GOOD, time_ms=115_000), None, None),  # exactly 15 s ahead
        (replace(GOOD, bid=D(0)), None, "bad bid: 0"),
        (replace(GOOD, bid=D(102)), None, "crossed: bid 102 is not below ask 101"),
        (replace(GOOD, bid=D(101)), None, "crossed"),
        (replace(GOOD, bid=D("NaN")), None, "bad bid: NaN"),
        (replace(GOOD, ask=D(-1)), None, "bad ask: -1"),
        (replace(GOOD, mark=D(0)), None, "bad mark price: 0"),
    ],
)
def test_data_problems(ticker: Ticker, last_mid: Decimal | None, words: str | None) -> None:
    problem = data_problem(ticker, now_ms=100_000, stale_after_ms=15_000, last_mid=last_mid)
    if words is None:
        assert problem is None
    else:
        assert problem is not None
        assert problem.startswith(words)


def test_an_answer_may_lag_as_long_as_data_may_be_old() -> None:
    assert lag_problem(15_000, 15_000) is None
    told = lag_problem(15_001, 15_000) or ""
    assert "15.001 s behind" in told
    assert "at most 15 s allowed" in told


def test_both_legs_of_a_replacement_count() -> None:
    """Limit 500 at a mark of 100, a buy of 2 that is to be one of 2 elsewhere: the old one may fill on the way."""
    resting = own(LONG, "2", "99")

    def replaced(position: str, size: str = "2") -> Approved:
        plan = Plan(amend=(amend(resting, size, "98"),))
        given = {"net_position": D(position), "live_orders": [resting], "limit_usd": D(500), "mark": D(100)}
        return check(plan, replaces=True, **given)

    assert len(replaced("1").plan.amend) == 1  # 1 + 2 + 2 = 5
    two_steps = replaced("2")  # 2 + 2 + 2 = 6, though either alone fits: cancelled first
    assert (two_steps.plan.amend, two_steps.plan.cancel) == ((), (resting,))
    (told,) = two_steps.refused
    assert told.slot == resting.slot
    assert told.reason.startswith("cancelled first, since both orders could fill")
    kept = replaced("1", "5")  # 1 + 5 = 6 does not fit at all: the old one stays
    assert (kept.plan.amend, kept.plan.cancel, kept.plan.keep) == ((), (), (resting,))


def test_replacements_of_one_plan_take_the_room_one_after_the_other() -> None:
    first, second = own(LONG, "1", "99", cid="a"), own(LONG, "1", "98", cid="b")
    plan = Plan(amend=(amend(first, "1", "97"), amend(second, "1", "96")))
    found = check(
        plan, net_position=D(2), live_orders=[first, second], limit_usd=D(500), mark=D(100), replaces=True
    ).plan
    assert [one.order for one in found.amend] == [first]  # 2 + 1 + 1 + 1 = 5
    assert found.cancel == (second,)

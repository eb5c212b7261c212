"""The arithmetic of the request budget: refill, reserves, and what the venue's own numbers change."""

from __future__ import annotations

import pytest

from pfmm.venue.ratelimit import Bucket, Lane, RateBudget


def drain(budget: RateBudget, lane: Lane, now_s: float) -> int:
    taken = 0
    while budget.take(lane, now_s) == 0:
        taken += 1
    return taken


@pytest.mark.parametrize(
    ("tokens", "passed_s", "expected"),
    [
        (0, 0, 0),
        (0, 1, 2),  # 120 a minute is 2 a second
        (0, 30, 60),
        (100, 30, 120),  # 100 + 60 is more than full
        (50, -5, 50),  # a clock that goes back gives nothing and takes nothing
    ],
)
def test_refill(tokens: float, passed_s: float, expected: float) -> None:
    assert Bucket(120, tokens, 1000.0).at(1000.0 + passed_s).tokens == expected


def test_lanes_leave_room_for_those_before_them() -> None:
    budget = RateBudget(120, 600)
    assert drain(budget, Lane.PLACE, 0) == 102  # 120 less 15 % = 18
    assert drain(budget, Lane.FLATTEN, 0) == 12  # down to 5 % = 6
    assert drain(budget, Lane.CANCEL, 0) == 6  # to the last
    assert drain(budget, Lane.READ, 0) == 600  # a bucket of its own


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("lane", [Lane.CANCEL, Lane.FLATTEN, Lane.PLACE])
def test_a_venue_of_few_requests_a_minute_still_gets_each_of_them(lane: Lane, limit: int) -> None:
    budget = RateBudget()
    budget.learn(Lane.PLACE, 0, limit=limit, remaining=0)
    assert budget.take(lane, 0) > 0
    assert budget.take(lane, 60) == 0, "a full bucket, after a minute without a request"


def test_the_wait_is_exactly_long_enough() -> None:
    budget = RateBudget(120, 600)
    drain(budget, Lane.PLACE, 0)
    # 18 left, 19 needed: one token, half a second
    assert budget.take(Lane.PLACE, 0) == pytest.approx(0.5)
    assert budget.take(Lane.PLACE, 0.49) > 0
    assert budget.take(Lane.PLACE, 0.5) == 0
    assert budget.take(Lane.PLACE, 0.5) == pytest.approx(0.5)


def test_waiting_as_told_always_ends() -> None:
    budget = RateBudget(7, 600)  # 60/7 s a token: no exact binary fraction
    now_s = 0.1
    for _ in range(200):
        waits = 0
        while (wait_s := budget.take(Lane.PLACE, now_s)) > 0:
            now_s += wait_s
            waits += 1
            assert waits < 5
    # 200 taken: 4 were there at first (7 - 1.05 - 1 and on), the rest came at 7 a minute
    assert now_s == pytest.approx((200 - 5.95) * 60 / 7, rel=0.01)


def test_a_refused_lane_shuts_itself_and_those_behind_it_but_not_a_cancel() -> None:
    budget = RateBudget(120, 600)
    budget.close(Lane.PLACE, 10.0, 7.0)
    assert budget.take(Lane.PLACE, 10.0) == pytest.approx(9.0)  # 19 tokens needed, 1 left: 18 / 2 a second
    assert budget.take(Lane.CANCEL, 10.0) == 0
    assert budget.take(Lane.READ, 10.0) == 0
    budget.close(Lane.CANCEL, 20.0, 7.0)
    for lane in (Lane.CANCEL, Lane.FLATTEN, Lane.PLACE):
        assert budget.take(lane, 20.0) >= 7.0
    assert budget.take(Lane.READ, 20.0) == 0
    assert budget.take(Lane.CANCEL, 27.0) == 0


def test_a_refused_read_shuts_reads_alone() -> None:
    budget = RateBudget(120, 600)
    budget.close(Lane.READ, 0.0, 3.0)
    assert budget.take(Lane.READ, 0.0) == 3.0
    assert budget.take(Lane.PLACE, 0.0) == 0
    assert budget.take(Lane.READ, 3.0) == 0


def test_a_refused_dead_man_switch_shuts_nothing_else() -> None:
    budget = RateBudget(120, 600)
    budget.close(Lane.DEAD_MAN, 0.0, 3600.0)
    assert budget.take(Lane.DEAD_MAN, 0.0) == 3600.0
    assert [budget.take(lane, 0.0) for lane in (Lane.PLACE, Lane.FLATTEN, Lane.CANCEL, Lane.READ)] == [0.0] * 4


def test_an_earlier_end_does_not_shorten_a_refusal() -> None:
    budget = RateBudget()
    budget.close(Lane.CANCEL, 0.0, 30.0)
    budget.close(Lane.CANCEL, 1.0, 1.0)
    assert budget.take(Lane.CANCEL, 2.0) == pytest.approx(28.0)


def test_the_venues_count_lowers_ours_and_never_raises_it() -> None:
    budget = RateBudget(120, 600)
    budget.learn(Lane.PLACE, 0.0, limit=None, remaining=40)
    assert budget.remaining(0.0).orders == 40
    budget.learn(Lane.PLACE, 0.0, limit=None, remaining=90)
    assert budget.remaining(0.0).orders == 40
    budget.learn(Lane.PLACE, 0.0, limit=20, remaining=None)
    now = budget.remaining(0.0)
    assert (now.orders, now.orders_per_minute, now.data, now.data_per_minute) == (20, 20, 600, 600)


def test_what_is_left_for_screens() -> None:
    budget = RateBudget(120, 600)
    budget.take(Lane.PLACE, 0.0)
    budget.take(Lane.READ, 0.0)
    assert (budget.remaining(0.0).orders, budget.remaining(0.0).data) == (119, 599)
    budget.close(Lane.PLACE, 0.0, 60.0)
    assert (budget.remaining(59.0).orders, budget.remaining(60.0).orders) == (0, 120)


@pytest.mark.parametrize(("orders", "data"), [(0, 600), (120, 0), (-1, 600)])
def test_limits_below_one_are_refused(orders: int, data: int) -> None:
    with pytest.raises(ValueError, match="at least 1 a minute"):
        RateBudget(orders, data)

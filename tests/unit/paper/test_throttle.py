"""Fixed windows of the exchange's own rate limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pfmm.paper.server.throttle import Allowance, Throttle


def test_a_window_starts_with_its_first_request_and_ends_60_s_later() -> None:
    throttle = Throttle({"orders": 2, "data": 5, "cancels": 1})
    assert throttle.take("a", "orders", 100.0) == Allowance(allowed=True, limit=2, remaining=1, reset_s=60)
    assert throttle.take("a", "orders", 101.5) == Allowance(allowed=True, limit=2, remaining=0, reset_s=59)
    assert throttle.take("a", "orders", 102.0) == Allowance(allowed=False, limit=2, remaining=0, reset_s=58)
    assert throttle.take("a", "orders", 159.99) == Allowance(allowed=False, limit=2, remaining=0, reset_s=1)
    assert throttle.take("a", "orders", 160.0) == Allowance(allowed=True, limit=2, remaining=1, reset_s=60)


def test_lanes_and_keys_do_not_share() -> None:
    throttle = Throttle({"orders": 1, "data": 1, "cancels": 1})
    assert throttle.take("a", "orders", 0.0).allowed
    assert not throttle.take("a", "orders", 0.0).allowed
    assert throttle.take("a", "data", 0.0).allowed
    assert throttle.take("b", "orders", 0.0).allowed


def test_cancels_use_the_orders_room_and_then_their_own() -> None:
    throttle = Throttle({"orders": 2, "data": 1, "cancels": 1})
    assert throttle.take("a", "cancels", 0.0) == Allowance(allowed=True, limit=2, remaining=1, reset_s=60)
    assert throttle.take("a", "orders", 10.0) == Allowance(allowed=True, limit=2, remaining=0, reset_s=50)
    assert not throttle.take("a", "orders", 20.0).allowed
    assert throttle.take("a", "cancels", 20.0) == Allowance(allowed=True, limit=2, remaining=0, reset_s=40)
    assert throttle.take("a", "cancels", 30.0) == Allowance(allowed=False, limit=2, remaining=0, reset_s=30)
    assert throttle.take("a", "cancels", 60.0) == Allowance(allowed=True, limit=2, remaining=1, reset_s=60)


def test_documented_limits() -> None:
    throttle = Throttle()
    passed = {lane: sum(throttle.take("a", lane, 0.0).allowed for _ in range(1000)) for lane in ("orders", "data")}
    passed["cancels"] = sum(throttle.take("a", "cancels", 0.0).allowed for _ in range(1000))
    assert passed == {"orders": 120, "data": 600, "cancels": 120}


def test_strangers_keys_are_forgotten_when_their_window_is_over() -> None:
    throttle = Throttle()
    for number in range(4096):
        throttle.take(f"stranger-{number}", "data", 0.0)
    throttle.take("late", "data", 59.0)  # the sweep that this sets off finds every window still running
    assert len(throttle._used) == 4097
    for number in range(4096):
        throttle.take(f"newcomer-{number}", "data", 61.0)
    assert ("late", "data") in throttle._used
    assert not any(key.startswith("stranger") for key, _ in throttle._used)


@given(st.lists(st.floats(0, 300), min_size=1, max_size=60).map(sorted), st.integers(1, 5))
def test_never_more_than_the_limit_in_any_window(times: list[float], limit: int) -> None:
    throttle = Throttle({"orders": limit, "data": 1, "cancels": 1})
    granted = [now for now in times if throttle.take("a", "orders", now).allowed]
    assert granted  # the first request always passes
    for start in granted:
        # any 60 s cut at most two windows, so twice the limit bounds every stretch
        assert sum(start <= now < start + 60 for now in granted) <= 2 * limit

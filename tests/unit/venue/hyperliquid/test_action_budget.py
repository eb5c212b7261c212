"""Actions: read from the venue, counted between, kept for cancels, forecast for the screen."""

from __future__ import annotations

from pfmm.venue.hyperliquid.action_budget import RESERVE, ActionBudget

T0 = 1_750_000_000_000
MINUTE_MS = 60_000


def test_nothing_is_said_before_the_venue_has_told() -> None:
    budget = ActionBudget()
    assert budget.due(T0)
    assert budget.may_place(10**6)
    assert budget.text(T0) is None
    assert not budget.low()


def test_new_orders_leave_a_reserve_for_cancels() -> None:
    budget = ActionBudget()
    budget.learn(9_000, 10_000, T0)
    assert budget.may_place(1_000 - RESERVE)
    assert not budget.may_place(1_000 - RESERVE + 1)
    budget.spend(400, T0)
    assert budget.may_place(100)
    assert not budget.may_place(101)
    assert budget.low()
    assert not budget.due(T0 + MINUTE_MS)
    assert budget.due(T0 + 10 * MINUTE_MS)


def test_the_forecast_is_the_pace_of_the_last_ten_minutes() -> None:
    budget = ActionBudget()
    budget.learn(0, 10_000, T0)
    assert budget.text(T0) == "actions left 10000"
    for minute in range(20):
        budget.spend(25, T0 + minute * MINUTE_MS)
    now_ms = T0 + 20 * MINUTE_MS - 1
    # 25 a minute are 1,500 an hour; of 9,500 left 9,000 are there to spend
    assert budget.text(now_ms) == "actions left 9500, last 6 h at 1500 an hour"

"""Data guards: when each is entered and left, and what of a decision stays while nothing may add risk."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.engine.guards import (
    Gap,
    Guards,
    Outage,
    Verdict,
    deviation_bps,
    judge,
    look,
    only_reducing,
    refused_by_period,
    unanswered,
)
from pfmm.engine.risk import lag_problem
from pfmm.model.account import VenueTime
from pfmm.model.market import Ticker
from pfmm.model.order import Side
from pfmm.model.plan import Decision, DesiredOrder
from pfmm.runner.clock import VenueClock

D = Decimal
TICK = D("0.1")
T0 = 1_760_000_000_000
GOOD = Ticker("T", T0, D("99.9"), D(1), D("100.1"), D(1), mark=D(100), index=D(100))
OFF = replace(GOOD, mark=D("100.5"))  # 50 bps


def walk(looks: list[tuple[float, Ticker, str | None]], guards: Guards | None = None) -> tuple[list[Verdict], Guards]:
    """The verdicts of looks at so many seconds."""
    guards, found = guards or Guards(), []
    for at_s, ticker, problem in looks:
        guards, verdict = judge(guards, ticker, problem, now_ms=T0 + round(at_s * 1000), tick=TICK)
        found.append(verdict)
    return found, guards


@pytest.mark.parametrize(
    ("reference", "bps"),
    [("100", 0), ("99.8", 0), ("100.2", 0), ("100.21", 21), ("100.5", 50), ("99.5", 50), ("98", 200)],
)
def test_how_far_a_reference_is(reference: str, bps: float) -> None:
    """Between the best prices, give or take a tick, it is nowhere else."""
    assert deviation_bps(GOOD, D(reference), TICK) == pytest.approx(bps)


def test_bad_data_is_left_five_seconds_after_it_was_seen_last() -> None:
    found, _ = walk([(0, GOOD, None), (3, GOOD, "crossed: x"), (6, GOOD, None), (7.9, GOOD, None), (8, GOOD, None)])
    assert [one.problem for one in found] == [
        None, "crossed: x", "calm: good for 3 s, quoted from 5 s on; before: crossed: x",
        "calm: good for 4.9 s, quoted from 5 s on; before: crossed: x", None,
    ]  # fmt: skip


@pytest.mark.parametrize(("lag_ms", "stale"), [(-60_000, False), (0, False), (15_000, False), (15_001, True)])
def test_an_answer_that_is_old_by_this_machines_steady_clock_is_stale(lag_ms: int, stale: bool) -> None:
    assert (lag_problem(lag_ms, 15_000) is not None) == stale


def test_a_steady_clock_tells_how_far_an_answer_is_behind() -> None:
    """Seen 100 s at 5 s of the machine's; at 25 s an answer of 103 s is 17 s behind. Not at another speed, nor after a
    minute without an answer."""
    at_s = 5.0
    clock = VenueClock(lambda: at_s, lambda _: True)
    clock.synchronise(VenueTime(100_000))
    at_s = 25.0
    assert clock.lag_ms(VenueTime(103_000)) == 17_000
    assert clock.lag_ms(VenueTime(103_000, state="paused")) == clock.lag_ms(VenueTime(103_000, speed=10.0)) == 0
    at_s = 65.1
    assert clock.lag_ms(VenueTime(103_000)) == 0


def test_data_that_flaps_stays_bad() -> None:
    found, _ = walk([(at, GOOD, "stale: x" if at % 2 else None) for at in range(1, 20)])
    assert None not in [one.problem for one in found]


def test_a_jump_has_its_own_rule() -> None:
    found, guards = walk([(0, GOOD, "jump: x"), (1, GOOD, None)])
    assert ([one.problem for one in found], guards.bad_ms) == (["jump: x", None], None)


@pytest.mark.parametrize(
    ("seconds", "opened"), [([0], False), ([0, 9.9], False), ([0, 10], True), ([0, 60], True), ([0, 3, 6, 9, 12], True)]
)
def test_a_mark_elsewhere_for_ten_seconds_lets_nothing_add_risk(seconds: list[float], opened: bool) -> None:
    found, _ = walk([(at, OFF, None) for at in seconds])
    assert (found[-1].no_new_risk is not None, found[-1].problem) == (opened, None)


def test_a_short_look_elsewhere_begins_the_ten_seconds_anew() -> None:
    found, _ = walk([(0, OFF, None), (6, GOOD, None), (7, OFF, None), (16, OFF, None)])
    assert [one.no_new_risk for one in found] == [None] * 4


def test_it_is_left_after_a_minute_below_half_of_the_limit() -> None:
    near = replace(GOOD, mark=D("100.3"), ask=D("100.11"), bid=D("99.89"))  # 30 bps, half of 20 is 10
    looks: list[tuple[float, Ticker, str | None]] = [(0, OFF, None), (10, OFF, None), (20, near, None)]
    looks += [(21, GOOD, None), (50, GOOD, None), (60, near, None), (61, GOOD, None), (120, GOOD, None)]
    found, guards = walk([*looks, (121, GOOD, None)])
    assert [one.no_new_risk is not None for one in found] == [False, *[True] * 7, False]
    assert guards.mark.since_ms is None


def test_the_oracle_is_held_against_the_mid_as_well_where_it_is_served() -> None:
    elsewhere = replace(GOOD, index=D("100.5"))
    found, _ = walk([(0, elsewhere, None), (10, elsewhere, None)])
    assert "off the oracle 100.5" in (found[-1].no_new_risk or "")
    none_served = replace(GOOD, index=None)
    assert walk([(0, none_served, None), (60, none_served, None)])[0][-1] == Verdict()


def test_what_is_usual_raises_the_limit_and_cannot_once_it_is_open() -> None:
    """15 bps an hour long: five times that is 75, which 70 is not over and 80 is."""
    gap = Gap()
    for minute in range(60):
        gap = look(gap, 15.0, T0 + minute * 60_000)
    later = T0 + 3_600_000
    assert not look(look(gap, 70.0, later), 70.0, later + 10_000).open
    gap = look(look(gap, 80.0, later), 80.0, later + 10_000)
    assert (gap.open, gap.limit_bps) == (True, 75.0)
    for second in range(11, 8_000, 60):
        gap = look(gap, 80.0, later + second * 1_000)
    assert (gap.open, gap.limit_bps) == (True, 75.0)


def test_what_was_usual_is_forgotten_after_an_hour() -> None:
    gap = look(Gap(), 15.0, T0)
    assert look(gap, 25.0, T0 + 60_000).limit_bps == 75.0
    assert look(gap, 25.0, T0 + 3_600_000).limit_bps == 20.0


gaps = st.lists(st.tuples(st.integers(1, 90), st.floats(0, 400)), max_size=60)


@given(gaps)
def test_a_gap_opens_only_after_ten_seconds_over_and_closes_only_after_a_minute_below_half(
    looks: list[tuple[int, float]],
) -> None:
    gap, now_ms = Gap(), T0
    history: list[tuple[int, float, float]] = []
    for after_s, bps in looks:
        now_ms += after_s * 1_000
        before, gap = gap, look(gap, bps, now_ms)
        history.append((now_ms, bps, gap.limit_bps))
        if gap.open and not before.open:
            over = [at for at, seen, limit in reversed(history) if seen > limit][: len(history)]
            assert bps > gap.limit_bps
            assert before.since_ms is not None
            assert now_ms - before.since_ms >= 10_000
            assert before.since_ms in over
        if before.open and not gap.open:
            assert before.since_ms is not None
            assert all(seen * 2 < before.limit_bps for at, seen, _ in history if at >= before.since_ms)
            assert now_ms - before.since_ms >= 60_000


@given(gaps)
def test_guards_survive_a_restart(looks: list[tuple[int, float]]) -> None:
    gap, now_ms = Gap(), T0
    for after_s, bps in looks:
        now_ms += after_s * 1_000
        gap = look(gap, bps, now_ms)
    guards = Guards(gap, Gap(), T0, "stale: x", Outage(T0, T0 + 42_000))
    assert Guards.load(json.loads(json.dumps(guards.dump()))) == guards
    assert Guards.load(json.loads(json.dumps(Guards().dump()))) == Guards()


@pytest.mark.parametrize(
    ("silent", "back_s", "at_s", "held"),
    [
        ([], 42, 42, False),
        ([0], 29.9, 29.9, False),
        ([0], 30, 30, True),
        ([0, 15, 41], 42, 42, True),
        ([0], 42, 101.9, True),
        ([0], 42, 102, False),
        ([41], 42, 42, False),
    ],
)
def test_for_a_minute_after_an_outage_nothing_adds_risk(
    silent: list[float], back_s: float, at_s: float, held: bool
) -> None:
    """It counts where the venue gave no usable answer for 30 s."""
    guards = Guards()
    for second in silent:
        guards = unanswered(guards, T0 + round(second * 1000))
    found, _ = walk([(back_s, GOOD, None), (at_s, GOOD, None)], guards)
    words = "no new risk: the venue was out for {:g} s; quoted again 60 s after that"
    assert found[-1] == Verdict(no_new_risk=words.format(back_s) if held else None)


def test_a_venue_that_comes_and_goes_stays_out() -> None:
    """Back at 40 s for 20 s, out for 5: the 60 s begin anew at 65 s."""
    _, guards = walk([(40, GOOD, None)], unanswered(Guards(), T0))
    guards = unanswered(guards, T0 + 60_000)
    found, _ = walk([(65, GOOD, None), (124, GOOD, None), (125, GOOD, None)], guards)
    assert [one.no_new_risk is not None for one in found] == [True, True, False]


def test_bad_data_after_an_outage_does_not_hide_it() -> None:
    found, _ = walk([(40, GOOD, "crossed: x"), (46, GOOD, None), (100, GOOD, None)], unanswered(Guards(), T0))
    assert [(one.problem is not None, one.no_new_risk is not None) for one in found] == [
        (True, False), (False, True), (False, False),
    ]  # fmt: skip


def test_a_period_of_post_only_orders_is_one_from_the_refusal_on() -> None:
    found, guards = walk([(59.9, GOOD, None), (60, GOOD, None)], refused_by_period(Guards(), T0))
    assert [one.no_new_risk for one in found] == [
        "no new risk: the venue takes post-only orders alone; quoted again 60 s after that", None,
    ]  # fmt: skip
    assert guards.outage is None


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=40))
def test_no_risk_is_added_within_a_minute_of_the_end_of_an_outage(looks: list[tuple[int, bool]]) -> None:
    """A stretch without answers is an outage from 30 s on, or where the one of before counted at the last answer."""
    guards, now_ms, counted = Guards(), T0, False
    silent_ms: int | None = None
    back_ms: int | None = None
    for after_s, answers in looks:
        now_ms += after_s * 1_000
        if not answers:
            guards = unanswered(guards, now_ms)
            silent_ms = now_ms if silent_ms is None else silent_ms
            continue
        if silent_ms is not None and (now_ms - silent_ms >= 30_000 or counted):
            back_ms = now_ms
        counted = back_ms is not None and now_ms - back_ms < 60_000
        silent_ms = None
        guards, verdict = judge(guards, GOOD, None, now_ms=now_ms, tick=TICK)
        assert (verdict.no_new_risk is not None) == counted


def order(slot: str, side: Side, size: str) -> DesiredOrder:
    return DesiredOrder(slot, side, D(100), D(size))


DECISION = Decision((order("bid", Side.LONG, "2"), order("ask", Side.SHORT, "2"), order("ask:1", Side.SHORT, "2")))


@pytest.mark.parametrize(
    ("held", "left"),
    [
        ("0", {}),
        ("1", {"ask": "1"}),
        ("3", {"ask": "2", "ask:1": "1"}),
        ("9", {"ask": "2", "ask:1": "2"}),
        ("-1.5", {"bid": "1.5"}),
    ],
)
def test_only_what_reduces_stays(held: str, left: dict[str, str]) -> None:
    found = only_reducing(DECISION, D(held), "why")
    assert {one.slot: one.size for one in found.orders} == {slot: D(size) for slot, size in left.items()}
    assert all(one.reduce_only for one in found.orders)
    assert found.absent == {one.slot: "why" for one in DECISION.orders if one.slot not in left}

"""A venue that is out for a while, as for an upgrade, and back: the loop places only what reduces for a minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.errors import VenueUnreachable
from pfmm.model.account import Snapshot, VenueTime
from pfmm.model.cycle import CycleEvent, CycleReport
from pfmm.model.event import Event
from pfmm.model.order import Batch, BatchAnswer, Refusal, Side
from pfmm.model.plan import DesiredOrder
from pfmm.runner.dead_man import DeadMan
from pfmm.runner.inbox import Command
from pfmm.runner.locks import AccountLocks
from pfmm.runner.loop import Hooks, Loop, LoopOptions
from tests.e2e.engine_rig import START_MS, Rig, RigClock, ScriptedFeed, Step, rig

D = Decimal
BOUGHT = [Step(9999, 10001), Step(9999, 10001, 9000, 500), *[Step(9999, 10001)] * 200]
OUT_FROM_MS = START_MS + 9_000


class Ears:
    """Hears what the loop tells and shows."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.reports: list[CycleReport] = []

    def tell(self, *events: Event) -> None:
        self.events += events

    def show(self, event: CycleEvent) -> None:
        assert event.report is not None
        self.reports.append(event.report)


class Nobody:
    """An inbox in which nothing arrives."""

    def take(self) -> tuple[Command, ...]:
        return ()


def looped(r: Rig, cycles: int) -> Ears:
    """A loop of so many whole cycles, every 3 s."""
    heard = Ears()
    locks = AccountLocks(r.folder, "paper", "main")
    dead_man = DeadMan(r.venue, locks, 0, pid=1, wall_ms=lambda: START_MS)  # type: ignore[arg-type]
    hooks = Hooks(heard, dict, lambda: None, lambda _: None, lambda: None, lambda _: None, lambda: None)  # type: ignore[arg-type]
    clock = StandingClock(r)
    Loop(r.engine, clock, Nobody(), dead_man, LoopOptions(3.0, cycles), hooks).run()  # type: ignore[arg-type]
    return heard


class StandingClock(RigClock):
    """The rig's time as the loop's clock."""

    speed = 1.0


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Rig]:
    """A run that has bought, on a venue that is then out."""
    with rig(tmp_path, ScriptedFeed(BOUGHT)) as r:
        yield r


def out_for(r: Rig, seconds: int) -> None:
    """The venue gives no answer for so long."""

    def doctor(seen: Snapshot) -> Snapshot:
        if OUT_FROM_MS <= r.now_ms < OUT_FROM_MS + seconds * 1_000:
            raise VenueUnreachable("502")
        return replace(seen, time=VenueTime(seen.time.time_ms))

    r.venue.doctor = doctor


def adds(report: CycleReport) -> list[str]:
    """The slots whose orders could add to what the run holds."""
    (run,) = report.runs
    assert run.decision is not None
    wanted: tuple[DesiredOrder, ...] = run.decision.orders
    return [one.slot for one in wanted if not one.reduce_only or one.side.sign * run.ledger.size > 0]


def test_for_a_minute_after_an_outage_a_loop_sends_only_what_reduces(held: Rig) -> None:
    out_for(held, 42)
    heard = looped(held, 30)
    back = [one for one in heard.reports if one.time.time_ms >= OUT_FROM_MS]
    minute = [one for one in back if one.time.time_ms < OUT_FROM_MS + 102_000]
    assert (back[0].time.time_ms, len(minute)) == (OUT_FROM_MS + 42_000, 20)
    for report in minute:
        (run,) = report.runs
        assert run.ledger.size > 0
        assert run.no_new_risk is not None
        assert run.no_new_risk.startswith("no new risk: the venue was out for 42 s")
        assert adds(report) == []
        resting = {Side.SHORT} if report is not back[0] else set()  # cancelled, and there again as one that reduces
        assert {order.side for order in run.orders} == resting
    assert back[20].runs[0].no_new_risk is None
    (after,) = back[21].runs
    assert {order.side for order in after.orders} == {Side.LONG, Side.SHORT}
    told = [(event.name, event.time_ms) for event in heard.events if event.name in ("paused", "resumed")]
    assert told == [("paused", OUT_FROM_MS + 42_000), ("resumed", OUT_FROM_MS + 102_000)]


def test_a_short_silence_changes_nothing(held: Rig) -> None:
    out_for(held, 27)
    heard = looped(held, 12)
    assert [one.runs[0].no_new_risk for one in heard.reports] == [None] * 12
    assert {event.name for event in heard.events}.isdisjoint({"paused", "resumed"})


def test_another_process_that_takes_over_keeps_the_minute(held: Rig) -> None:
    out_for(held, 42)
    looped(held, 5)
    memory = held.journal.runs()[0].memory or {}
    assert memory["_no_new_risk"].startswith("no new risk: the venue was out")
    held.restart()
    (run,) = held.step().runs
    assert run.no_new_risk == memory["_no_new_risk"], "what `status` shows"
    assert {order.side for order in run.orders} == {Side.SHORT}


def test_an_order_that_a_post_only_period_refuses_begins_the_minute(held: Rig) -> None:
    """Its quotes are post-only and would be taken; what the venue says all the same tells of an upgrade."""
    held.cycle()
    held.step()

    def refused(batch: Batch, _: Snapshot) -> BatchAnswer | None:
        if not batch.place:
            return None
        no = Refusal("post_only_period", "Only post-only orders allowed", 400)
        return BatchAnswer(held.venue.inner.submit(replace(batch, place=())).cancel, (), tuple(no for _ in batch.place))

    held.venue.before = refused
    held.step()
    held.venue.before = lambda batch, seen: None
    found = [held.step() for _ in range(21)]
    assert [one.runs[0].no_new_risk is not None for one in found] == [True] * 19 + [False] * 2
    assert all(adds(one) == [] for one in found[:19])


def test_what_the_venue_says_of_itself_pauses_quoting_and_is_an_outage_afterwards(held: Rig) -> None:
    held.cycle()
    held.step()

    def doctor(seen: Snapshot) -> Snapshot:
        return replace(seen, notice="maintenance" if held.now_ms < OUT_FROM_MS + 42_000 else None)

    held.venue.doctor = doctor
    report = held.step()
    (run,) = report.runs
    assert (run.problem, run.orders, report.fresh) == ("the venue says: maintenance", (), False)
    found = [held.step() for _ in range(34)]
    quiet = [one for one in found if one.runs[0].problem is not None]
    after = [one for one in found if one.runs[0].problem is None]
    assert len(quiet) == 14
    assert [one.runs[0].no_new_risk is not None for one in after] == [True] * 20
    assert held.step().runs[0].no_new_risk is None

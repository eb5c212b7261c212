"""A venue whose positions do not follow its fills: no limit on the position binds then, so nothing is quoted on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from pfmm.engine.observe import observe
from pfmm.journal.journal import Journal
from pfmm.model.account import Position, Snapshot
from pfmm.model.order import Batch, NewOrder, Side, TimeInForce
from tests.e2e.engine_rig import MARKET, ScriptedFeed, Step, rig

D = Decimal
FALLING_ON_US = [Step(9999, 10001, 9000, 500)] * 100  # every bid fills: 0.05 each time


def flat(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, positions=())


def test_a_position_that_stays_while_fills_are_told_ends_the_run_before_the_limit_is_passed(tmp_path: Path) -> None:
    """Told first with what rests kept, then cancelled, and at the third read running the account is halted."""
    with rig(tmp_path, ScriptedFeed(FALLING_ON_US)) as r:
        r.venue.doctor = flat
        r.cycle()
        reports = [r.step()]
        while reports[-1].runs[0].problem is None:
            reports.append(r.step())
        sent = len(r.venue.batches)
        reports += [r.step(), r.step()]
        words = [report.runs[0].problem for report in reports[-3:]]
        assert [word is not None and "does not follow its fills" in word for word in words] == [True] * 3
        assert words[0] == f"position: the venue's position of 0 {MARKET} does not follow its fills, which make it 0.05"
        assert [report.runs[0].tripped is None for report in reports[-3:]] == [True, True, False]
        assert (reports[-1].runs[0].ended_by or "").startswith("position unexplained: the venue's position of 0")
        assert sum(len(batch.place) + len(batch.amend) for batch in r.venue.batches[sent:]) == 0
        assert reports[-1].runs[0].ledger.size * 1000 <= r.specs[0].limits.max_inventory_usd
        told = [event for each in reports for event in each.events if event.name == "fill"]
        assert len(told) == reports[-1].runs[0].fills


def test_lines_of_cron_count_their_reads_together(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed([*FALLING_ON_US[:3], *[Step(9999, 10001)] * 60])) as r:
        r.cycle()
        r.step(9_000)
        r.venue.doctor = flat
        tripped = []
        for _ in range(3):
            r.engine.leave(r.now_ms, status="between_runs", reason=None)
            r.restart()
            tripped.append(r.step().runs[0].tripped)
        assert [one is None for one in tripped] == [True, True, False]


def test_a_position_that_changes_while_nobody_looks_is_noticed_by_the_next_process(tmp_path: Path) -> None:
    """A change without a fill: what was held before the run began is kept with the run."""
    with rig(tmp_path, ScriptedFeed([Step(9999, 10001)] * 60)) as r:
        r.cycle()
        r.engine.leave(r.now_ms, status="between_runs", reason=None)
        r.venue.doctor = lambda snapshot: replace(snapshot, positions=(Position(MARKET, D(3), D(3000), D(1000), D(0)),))
        r.restart()
        assert "position of 3" in (r.step().runs[0].problem or "")


def late(seconds: int) -> Callable[[Snapshot], Snapshot]:
    """A doctor whose positions are those of a while ago."""
    seen: list[Snapshot] = []

    def doctor(snapshot: Snapshot) -> Snapshot:
        seen.append(snapshot)
        now_ms = snapshot.time.time_ms
        old = [one for one in seen if one.time.time_ms <= now_ms - seconds * 1000]
        return replace(snapshot, positions=old[-1].positions if old else seen[0].positions)

    return doctor


def test_a_position_that_is_told_a_little_later_is_waited_for(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed([*FALLING_ON_US[:3], *[Step(9999, 10001)] * 60])) as r:
        r.venue.doctor = late(3)
        r.cycle()
        reports = [r.step() for _ in range(30)]
        assert [report.runs[0].tripped for report in reports] == [None] * 30
        assert 0 < sum(not report.fresh for report in reports) <= 3, "one read for each of the fills"
        assert not any(event.name == "cancelled" for report in reports for event in report.events)


def test_what_was_held_before_and_what_is_traded_by_hand_is_no_contradiction(tmp_path: Path) -> None:
    def buy(number: int) -> None:
        new = NewOrder(
            f"by-hand-{number}", MARKET, Side.LONG, D("0.03"), D(1001), post_only=False, time_in_force=TimeInForce.IOC
        )
        r.venue.inner.submit(Batch(place=(new,)))

    with rig(tmp_path, ScriptedFeed([Step(9999, 10001)] * 60)) as r:
        buy(1)
        r.cycle()
        for number in range(2, 12):
            assert r.step(5000).fresh
            buy(number)
        r.restart()
        for _ in range(10):
            assert r.step().fresh


def test_a_fill_that_another_process_absorbs_just_after_the_first_snapshot_is_no_contradiction(tmp_path: Path) -> None:
    def absorbed_beside(snapshot: Snapshot) -> Snapshot:
        r.venue.inner.advance(snapshot.time.time_ms + 1000)
        with Journal.open(tmp_path / "j.sqlite3", venue="paper", account="main", nonce="other") as other:
            observe(r.venue.inner, other, [MARKET], ())
        return snapshot

    with rig(tmp_path, ScriptedFeed([Step(9999, 10001, 9000, 500), Step(9999, 10001)])) as r:
        r.venue.inner.submit(Batch(place=(NewOrder("by-hand", MARKET, Side.LONG, D("0.03"), D(998)),)))
        r.venue.doctor = absorbed_beside
        r.cycle()
        assert [item.fill.client_order_id for item in r.journal.fills()] == ["by-hand"]
        r.venue.doctor = lambda snapshot: snapshot
        for _ in range(10):
            assert r.step().fresh

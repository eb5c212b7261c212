"""A venue whose positions do not follow its fills: no limit on the position binds then, so nothing is quoted on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.engine.observe import observe
from pfmm.errors import BadVenueData
from pfmm.journal.journal import Journal
from pfmm.model.account import Snapshot
from pfmm.model.order import Batch, NewOrder, Side, TimeInForce
from tests.e2e.engine_rig import MARKET, ScriptedFeed, Step, rig

D = Decimal
FALLING_ON_US = [Step(9999, 10001, 9000, 500)] * 100  # every bid fills: 0.05 each time


def flat(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, positions=())


def test_a_position_that_stays_while_fills_are_told_is_refused_before_the_limit_is_passed(tmp_path: Path) -> None:
    with rig(tmp_path, ScriptedFeed(FALLING_ON_US)) as r:
        r.venue.doctor = flat
        r.cycle()
        reports = [r.step() for _ in range(6)]  # 15 s after the first fill was told, which is what is waited
        with pytest.raises(BadVenueData, match=f"position of 0 {MARKET} does not follow its fills, which make it 0.35"):
            r.step()
        r.venue.doctor = lambda snapshot: snapshot
        reports.append(r.step())
        assert reports[-1].runs[0].ledger.size * 1000 <= r.specs[0].limits.max_inventory_usd
        told = [event for each in reports for event in each.events if event.name == "fill"]
        assert len(told) == reports[-1].runs[0].fills, "those of the cycle that was refused are told with the next"


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
        r.venue.doctor = late(9)
        r.cycle()
        for _ in range(30):
            assert r.step().fresh


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

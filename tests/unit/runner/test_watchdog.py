"""What a watchdog sees in the lock files of the loop beside it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from pfmm.runner.locks import AccountLocks, Heartbeat, Holder
from pfmm.runner.watchdog import Sight, Watch, sight, wait_for_trouble

WATCH = Watch("grid", ("BTC-PERP",), pid=7, interval_s=3.0)
NOW_MS = 1_000_000


def held(pid: int = 7, beat_ms: int = NOW_MS) -> Holder:
    return Holder("BTC-PERP", "grid", pid, 0, interval_s=3.0, beat_ms=beat_ms)


@pytest.mark.parametrize(("interval_s", "late_ms"), [(0.1, 30_000), (3, 30_000), (10, 30_000), (60, 180_000)])
def test_how_old_a_heartbeat_may_be(interval_s: float, late_ms: float) -> None:
    assert Watch("grid", (), 7, interval_s).late_after_ms == late_ms


@pytest.mark.parametrize(
    ("holders", "was_there", "alive", "seen"),
    [
        ([None], False, True, Sight.COMING),
        ([None], False, False, Sight.GONE),  # it never came to take its lock
        ([held()], False, True, Sight.WELL),
        ([held(beat_ms=NOW_MS - 30_000)], True, True, Sight.WELL),
        ([held(beat_ms=NOW_MS - 30_001)], True, True, Sight.SILENT),
        ([held(beat_ms=NOW_MS + 60_000)], True, True, Sight.WELL),  # it said that it would take longer
        ([held(), None], True, True, Sight.WELL),
        ([held(), held(beat_ms=0)], True, True, Sight.SILENT),
        ([held(pid=0)], True, True, Sight.WELL),
        ([held(pid=0)], False, True, Sight.COMING),
        ([None], True, True, Sight.GONE),
        ([held(pid=8)], True, True, Sight.GONE),  # another one has it now
        ([held(pid=8)], False, True, Sight.COMING),
    ],
)
def test_what_is_seen(holders: list[Holder | None], was_there: bool, alive: bool, seen: Sight) -> None:
    assert sight(WATCH, holders, NOW_MS, was_there=was_there, alive=alive) is seen


def test_a_heartbeat_shows_in_every_lock_and_a_loop_that_lets_go_is_gone(tmp_path: Path) -> None:
    locks, heartbeat = AccountLocks(tmp_path, "paper", "a"), Heartbeat(3.0)
    watch = Watch("grid", ("A", "B"), os.getpid(), 3.0)
    looks: list[list[int]] = []
    with locks.running(["A", "B"], "grid", heartbeat):
        heartbeat.watched = True
        heartbeat.beat(ahead_s=5.0)
        holders = locks.holders()
        assert [holder.watched for holder in holders] == [True, True]
        early = time.monotonic_ns() // 1_000_000
        assert all(early < holder.beat_ms <= early + 5_000 for holder in holders)
        assert wait_for_trouble(
            watch, locks, now_ms=lambda: early + 40_000, alive=lambda _: True, wait_s=lambda _: None
        ) is Sight.SILENT  # fmt: skip

    def wait(_: float) -> None:
        looks.append([holder.pid for holder in locks.holders()])
        if len(looks) == 2:
            running.__exit__(None, None, None)

    running = locks.running(["A", "B"], "grid", Heartbeat(3.0))
    running.__enter__()
    beat = time.monotonic_ns() // 1_000_000
    seen = wait_for_trouble(watch, locks, now_ms=lambda: beat, alive=lambda _: True, wait_s=wait)
    assert (seen, looks) == (Sight.GONE, [[os.getpid()] * 2] * 2)


def test_a_lock_of_before_heartbeats_is_still_read(tmp_path: Path) -> None:
    locks = AccountLocks(tmp_path, "paper", "a")
    lock = locks.run_lock("A", "grid")
    lock.acquire(pid=5, started_wall_ms=1)
    (path,) = locks.folder.glob("*.lock")
    older = {"market": "A", "strategy": "grid", "pid": 5, "started_wall_ms": 1, "stopping": False, "interval_s": 3.0}
    path.write_text(json.dumps(older))
    assert locks.holders() == (Holder("A", "grid", 5, 1, False, 3.0),)
    lock.release()

"""A second process beside a loop, for venues that grant no dead-man: it sees that the loop is gone or hangs, and acts.

It reads the lock files alone: who holds them, and the heartbeat that the loop leaves there. What it does then is given
to it. A loop that ended by itself has said so in the journal, which is not this module's matter. Layer: runner.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pfmm.runner.locks import AccountLocks, Holder
from pfmm.store import flock

POLL_S = 0.5
LEAST_S = 30.0  # a heartbeat no older than this is never late
GRACE_S = 10.0  # for a signalled loop to leave by itself


@dataclass(frozen=True, slots=True)
class Watch:
    """The loop that is watched: its strategy and markets, its process, and venue seconds between two of its cycles."""

    strategy: str
    markets: tuple[str, ...]
    pid: int
    interval_s: float

    @property
    def late_after_ms(self) -> float:
        """How old the heartbeat may be: three intervals, at least 30 s. 3 s are 30,000 ms, 60 s are 180,000."""
        return max(3 * self.interval_s, LEAST_S) * 1000


class Sight(StrEnum):
    """What the lock files show of a loop."""

    COMING = "coming"  # it has not taken its locks yet
    WELL = "well"
    SILENT = "silent"
    GONE = "gone"


def sight(watch: Watch, holders: list[Holder | None], now_ms: int, *, was_there: bool, alive: bool) -> Sight:
    """Tell what one look shows.

    `holders` are those of the loop's locks, `was_there` says that it held them at a look before, and `alive` that its
    process exists.
    """
    mine = [holder for holder in holders if holder is not None and holder.pid == watch.pid]
    if mine:
        beats = [holder.beat_ms for holder in mine]
        return Sight.SILENT if now_ms - min(beats) > watch.late_after_ms else Sight.WELL
    if any(holder is not None and holder.pid == 0 for holder in holders):
        return Sight.WELL if was_there else Sight.COMING  # being taken or given back
    return Sight.GONE if was_there or not alive else Sight.COMING


def wait_for_trouble(
    watch: Watch,
    locks: AccountLocks,
    *,
    now_ms: Callable[[], int],
    alive: Callable[[int], bool],
    wait_s: Callable[[float], object],
) -> Sight:
    """Return GONE or SILENT, once the loop is. `now_ms` is the clock of its heartbeat."""
    was_there = False
    while True:
        holders = [locks.run_lock(market, watch.strategy).holder() for market in watch.markets]
        seen = sight(watch, holders, now_ms(), was_there=was_there, alive=alive(watch.pid))
        if seen in (Sight.GONE, Sight.SILENT):
            return seen
        was_there = was_there or seen is Sight.WELL
        wait_s(POLL_S)


def wake_or_end(watch: Watch, locks: AccountLocks) -> None:
    """Ask a silent loop to leave, also one that was stopped, and end it where it does not.

    One that goes on later would quote again. Raises StateUnknown where it outlives even that.
    """
    for market in watch.markets:
        lock = locks.run_lock(market, watch.strategy)
        holder = lock.holder()
        if holder is None or holder.pid != watch.pid:
            continue
        for sign in (signal.SIGTERM, signal.SIGCONT):
            locks.send_signal(holder, sign)
        if not flock.wait_for(lambda lock=lock: _left(lock.holder(), watch), GRACE_S):  # type: ignore[misc]
            locks.stop_runner(market, watch.strategy, grace_s=0.0)


def _left(holder: Holder | None, watch: Watch) -> bool:
    return holder is None or holder.pid != watch.pid

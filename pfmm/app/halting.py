"""Halting an account: stopping its runners, knowing when their last request can have acted, and ending their runs.

The journal is best effort here: what it cannot tell is replaced by the longest that a request lives. Layer: app.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pfmm.errors import PfmmError

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.journal.journal import Journal
    from pfmm.model.account import Position, VenueTime
    from pfmm.model.deadline import Deadline
    from pfmm.model.plan import OwnOrder
    from pfmm.runner.locks import Holder

GRACE_S = 5.0
JOURNAL_PATIENCE_S = 1.0
ENDED = "halted"
REASON = "flatten"
# how reading a damaged journal can fail beyond the project's own errors
_DAMAGE = (PfmmError, OSError, ValueError, ArithmeticError, TypeError)


@dataclass(slots=True)
class StoppedRunner:
    """A runner that was told to stop, and how: terminated (it was asked) or killed (it did not listen)."""

    market: str
    strategy: str
    pid: int
    how: str
    first_seen_s: float


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run of a halted account that was ended in the journal."""

    market: str
    strategy: str


class StoppingRunners:
    """Every living runner of the account, on its way out: SIGTERM when it is first seen, SIGKILL after the grace.

    Serves as `Others` of a flatten. Requests that a dead runner left on their way may act until they expire: the
    journal, written before each request left, says until when. Where it cannot be read, any runner may have died a
    moment ago with a request under way: the longest life of a request is waited for, from the first snapshot without
    a living runner. The exchange in this process has no requests under way but its callers'.
    """

    def __init__(self, session: Session, *, monotonic_s: Callable[[], float]) -> None:
        self._session = session
        self._monotonic_s = monotonic_s
        self._known: dict[tuple[int, str, str], StoppedRunner] = {}
        self._silent_from_ms: int | None = None
        self._unreadable = False

    @property
    def stopped(self) -> tuple[StoppedRunner, ...]:
        """Return the runners that were told to stop and have given up their lock, the feeder of the dead-man switch
        included."""
        from pfmm.runner.dead_man import LOCK_STRATEGY

        alive = {(holder.pid, holder.market, holder.strategy) for holder in self._alive()}
        gone = (runner for key, runner in self._known.items() if key not in alive)
        return tuple(runner for runner in gone if runner.strategy != LOCK_STRATEGY)

    def press(self) -> None:
        """Signal every runner that is alive; returns at once."""
        now_s = self._monotonic_s()
        for holder in self._alive():
            key = (holder.pid, holder.market, holder.strategy)
            runner = self._known.get(key)
            if runner is None:
                self._known[key] = StoppedRunner(holder.market, holder.strategy, holder.pid, "terminated", now_s)
                self._session.locks.send_signal(holder, signal.SIGTERM)
            elif now_s - runner.first_seen_s >= GRACE_S:
                runner.how = "killed"
                self._session.locks.send_signal(holder, signal.SIGKILL)

    def silent_from_ms(self, now: VenueTime) -> int | None:
        """Return the venue time from which none of their requests can act any more: see `Others`."""
        if self._alive():
            self._silent_from_ms = None
            return None
        if self._silent_from_ms is None:
            self._silent_from_ms = self._bound_ms(now)
        return self._silent_from_ms

    def _alive(self) -> tuple[Holder, ...]:
        try:
            return self._session.locks.holders()
        except OSError:
            return ()  # then the latch could not be written either, and the proof is asked for twice

    def _bound_ms(self, now: VenueTime) -> int | None:
        if self._session.in_process or not self._session.has_journal:
            return 0
        try:
            return self._journal_bound_ms()
        except _DAMAGE:
            return self._longest_life_ms(now)

    def _journal_bound_ms(self) -> int:
        from pfmm.journal.journal import Journal

        with Journal.open_readonly(self._session.journal_path, patience_s=JOURNAL_PATIENCE_S) as journal:
            return unanswered_until_ms(journal.live_orders())

    def _longest_life_ms(self, now: VenueTime) -> int | None:
        if not self._unreadable:  # this snapshot may be older than the last runner's death; the next is not
            self._unreadable = True
            return None
        from pfmm.model.expiry import acts_until_ms, valid_until_ms

        return acts_until_ms(valid_until_ms(now)) + 1


def unanswered_until_ms(live: Iterable[OwnOrder]) -> int:
    """Return the venue time from which no unanswered request can act any more; 0 where every request has its answer.
    One that is valid until 4,000 may act until 6,000, for the skew of the clocks: 6,001."""
    from pfmm.model.expiry import acts_until_ms
    from pfmm.model.plan import OwnStatus

    pending = (OwnStatus.SENDING, OwnStatus.UNKNOWN)
    ends = [o.valid_until_ms for o in live if o.status in pending and o.valid_until_ms is not None]
    return acts_until_ms(max(ends)) + 1 if ends else 0


def strange_exchange(session: Session, exchange_id: str | None) -> str | None:
    """Warn that another paper exchange answered than the one the journal is about, whose orders and positions were not
    touched. None where the right one answered, or where nobody can tell."""
    from pfmm.journal.journal import Journal

    if exchange_id is None or not session.has_journal:
        return None
    try:
        with Journal.open_readonly(session.journal_path, patience_s=JOURNAL_PATIENCE_S) as journal:
            remembered = journal.exchange_id
    except _DAMAGE:
        return None
    if remembered in (None, exchange_id):
        return None
    return (
        f"this was paper exchange {exchange_id}; the journal's runs are at exchange {remembered}, which was not touched"
    )


def left_over(journal: Journal, positions: Iterable[Position]) -> list[str]:
    """Warn of each position of the account of which an ended run left a part."""
    from pfmm.app.position_closers import left_by_ended
    from pfmm.model.text import plain

    left = [(one.market, left_by_ended(journal, one.market, one.size)) for one in positions]
    return [
        f"{market}: {plain(size)} was left by ended runs: limits count it, and no run works it off; "
        f"`pfmm flatten {market}` closes what is held there"
        for market, size in left
        if size
    ]


def end_halted_runs(session: Session, *, attempts: int, deadline: Deadline) -> list[EndedRun]:
    """End every run that the journal holds open, so that a later start begins afresh; returns those runs.

    Orders that such a run still has resting, on whatever market, are cancelled and proven gone first, in at most
    `attempts` rounds and before the deadline. Raises ConfigError for an unusable journal, and what the venue's requests
    and `wind_down` raise.
    """
    if not session.has_journal:
        return []
    with _writable(session) as journal:
        runs = journal.runs(ended=False)
        if not runs:
            return []
        from pfmm.app.wall_clock import wait_s
        from pfmm.engine.cancel import wind_down

        clock = session.clock(wait_s)
        clock.synchronise(session.venue.time())
        markets = tuple(dict.fromkeys(run.market for run in runs))
        run_ids = [run.run_id for run in runs]
        done = wind_down(session.venue, journal, clock, markets, run_ids, attempts=attempts, deadline=deadline)
        for run in runs:
            journal.end_run(run.run_id, status=ENDED, reason=REASON, time_ms=done.snapshot.time.time_ms)
        return [EndedRun(run.market, run.kind) for run in runs]


def _writable(session: Session) -> Journal:
    from pfmm.journal.journal import Journal

    return Journal.open(
        session.journal_path,
        venue=session.venue_name,
        account=session.account,
        nonce=os.urandom(3).hex(),
        patience_s=JOURNAL_PATIENCE_S,
    )

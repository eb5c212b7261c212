"""The watchdog of a loop: when one is begun, and what it does for a loop that is gone: cancel by id, and say so.

It never closes a position, leaves the stop that protects it, and the run open for whoever starts it next. Layer: app.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pfmm.app.detaching import begin_beside
from pfmm.app.wall_clock import wait_s, wall_ms
from pfmm.errors import AlreadyRunning, PfmmError
from pfmm.runner.watchdog import Sight, wait_for_trouble, wake_or_end
from pfmm.runner.watchdog import Watch as Watch  # noqa: PLC0414 - the request
from pfmm.store.use_lock import UseLock

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.app.starting import Start
    from pfmm.model.run import Run
    from pfmm.runner.locks import AccountLocks

MODULE = "pfmm.cli.watchdog"
GRACE_OF_ANOTHER_S = 5.0  # for the watchdog of a loop of before to see that it has ended
TRIES, BETWEEN_TRIES_S = 720, 5.0  # an hour of a venue that does not answer


def wanted(session: Session, on_exit: str) -> bool | None:
    """Tell whether a loop gets a watchdog; None: where the venue turns out to grant no dead-man. Orders that shall be
    kept when the loop ends are not watched, unless that is asked for."""
    match session.settings.general.run.watchdog:
        case "on":
            return True
        case "off":
            return False
    if not session.live or on_exit == "keep":
        return False
    declared = session.venue.capabilities.dead_man and session.settings.general.run.dead_man_s > 0
    return None if declared else True


def begin(begun: Start) -> None:
    """Begin the watchdog of this process's loop, in a session of its own: what ends the terminal leaves it. It writes
    to `watchdog.log` beside the logs."""
    session = begun.session
    interval_s = session.settings.general.run.interval_s
    command = [sys.executable, "-m", MODULE, session.settings.profile, begun.kind, str(os.getpid()), str(interval_s)]
    with ExitStack() as stack:
        files = [presence(session.locks, market, begun.kind) for market in begun.markets]
        for one in files:
            stack.callback(one.release)
        held = [one for one in files if one.take(GRACE_OF_ANOTHER_S)]
        log = session.settings.paths.log_dir / "watchdog.log"
        begin_beside([*command, *begun.markets], log, [one.fileno() for one in held])
    begun.heartbeat.watched = True


def presence(locks: AccountLocks, market: str, strategy: str) -> UseLock:
    """Return the file that a watchdog holds while it lives, one a market; it inherits it from who begins it."""
    name = market.replace("/", "_").replace(":", "_")
    return UseLock(locks.folder / f"{name}.{strategy}.watchdog")


def is_there(locks: AccountLocks, market: str, strategy: str) -> bool:
    """Tell whether a watchdog of that run lives."""
    held = presence(locks, market, strategy)
    try:
        return not held.share(0)
    finally:
        held.release()


def watch_over(watch: Watch, *, session: Session, tell: Callable[[str], None]) -> str | None:
    """Stay until the loop is gone or hangs; then signal it, cancel what it left resting and record that. Returns what
    was done, None where nothing was to do: the loop had ended its run, left it on purpose, or another took it over."""
    seen = wait_for_trouble(watch, session.locks, now_ms=_beat_ms, alive=_alive, wait_s=time.sleep)
    if seen is Sight.SILENT:
        wake_or_end(watch, session.locks)
    return _clean_up(watch, session, seen, tell)


def _clean_up(watch: Watch, session: Session, seen: Sight, tell: Callable[[str], None]) -> str | None:
    """Cancel and prove, again and again while the venue does not answer."""
    for _ in range(TRIES):
        try:
            return _cancelled(watch, session, seen)
        except AlreadyRunning:
            return None  # taken over, or just being stopped
        except PfmmError as error:
            tell(f"{watch.strategy} of process {watch.pid}: {error.message}; trying again")
        time.sleep(BETWEEN_TRIES_S)
    return f"gave up after {TRIES} tries: orders of {watch.strategy} on {', '.join(watch.markets)} may rest"


def _cancelled(watch: Watch, session: Session, seen: Sight) -> str | None:
    """Try once, under the run's locks, so that nobody begins meanwhile. Raises AlreadyRunning, and what cancelling
    raises."""
    from pfmm.engine.cancel import wind_down
    from pfmm.engine.protection import STOP_SLOT
    from pfmm.model.event import Event

    if not (session.has_journal and _left_open(watch, session)):
        return None
    with ExitStack() as stack:
        for market in watch.markets:
            lock = session.locks.run_lock(market, watch.strategy)
            lock.acquire(pid=os.getpid(), started_wall_ms=wall_ms(), stopping=True)
            stack.callback(lock.release)
        left = _left_open(watch, session)
        if not left:
            return None
        with session.leaving() as deadline:
            done = wind_down(
                session.venue, session.journal, session.clock(wait_s), list(watch.markets),
                [run.run_id for run in left], deadline=deadline, spared_slot=STOP_SLOT,
            )  # fmt: skip
        how = "was gone without having ended it" if seen is Sight.GONE else "gave no sign of life"
        reason = f"the process of the run (pid {watch.pid}) {how}: {done.cancelled} orders cancelled, nothing closed"
        time_ms = done.snapshot.time.time_ms
        events = [
            Event("watchdog", time_ms, run.market, run.kind, {"reason": reason, "cancelled": done.cancelled})
            for run in left
        ]
        session.journal.record_events(events, {(run.market, run.kind): run.run_id for run in left})
        return reason


def _left_open(watch: Watch, session: Session) -> list[Run]:
    """Return the runs that the watched process was carrying on when it was seen last."""
    runs = session.journal.runs(kind=watch.strategy, ended=False)
    return [one for one in runs if one.market in watch.markets and (one.status, one.pid) == ("running", watch.pid)]


def _beat_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _alive(pid: int) -> bool:
    from pfmm.runner.locks import exists

    return exists(pid)

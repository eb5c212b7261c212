"""The venue's dead-man switch: armed and fed by one process an account while data is fresh, disarmed by the last.

Every runner that relies on it holds a share of one lock: the last to leave is the one that then gets it alone.
Where the venue has none the state says `unprotected`. Knows the venue port and the account's locks. Layer: runner.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from pfmm.errors import AlreadyRunning, CannotDoThis, PfmmError
from pfmm.ports import Venue
from pfmm.runner.locks import AccountLocks, RunLock
from pfmm.store.use_lock import UseLock

LOCK_MARKET = "account"
LOCK_STRATEGY = "dead-man"


class DeadMan:
    """`state` is off, armed, shared (another process feeds it) or unprotected."""

    def __init__(
        self, venue: Venue, locks: AccountLocks, timeout_s: int, *, pid: int, wall_ms: Callable[[], int]
    ) -> None:
        self._venue = venue
        self._locks = locks
        self._relies = False
        least_s = venue.capabilities.dead_man_least_s
        self._timeout_s = max(timeout_s, least_s) if timeout_s else 0
        self._part = 2 if least_s else 3
        self._pid = pid
        self._wall_ms = wall_ms
        self._owner = False
        self._fed_ms: int | None = None
        self.state = "off" if timeout_s else "unprotected"

    @cached_property
    def _reliance(self) -> UseLock:
        """The lock that every runner shares as long as it relies on the switch."""
        return UseLock(self._locks.folder / "dead-man.shared")

    @cached_property
    def _lock(self) -> RunLock:
        """The lock of the one that feeds it."""
        return self._locks.run_lock(LOCK_MARKET, LOCK_STRATEGY)

    def feed(self, now_ms: int, speed: float) -> None:
        """Refresh the switch when a third of its time has passed; the caller calls only with fresh data.

        Where each feeding is an action that the venue counts, it is half of its time.

        On a venue whose clock runs faster than the wall the timeout is stretched by the same factor. Raises what
        the venue's requests raise, but for CannotDoThis, which leaves the state `unprotected`.
        """
        if self._timeout_s == 0 or self.state == "unprotected" or not (self._rely() and self._own()):
            return
        timeout_s = round(self._timeout_s * max(speed, 1.0))
        if self._fed_ms is not None and now_ms - self._fed_ms < timeout_s * 1000 // self._part:
            return
        try:
            self._venue.arm_dead_man(timeout_s)
        except CannotDoThis:
            self.state = "unprotected"
            self._give_up()
            return
        self._fed_ms = now_ms
        self.state = "armed"

    def leave(self) -> str | None:
        """Disarm when no other runner of the account relies on it; return the problem when that failed."""
        if not self._relies:
            return None
        try:
            if self._reliance.take(0) and (self._fed_ms is not None or self.state == "shared"):
                self._venue.arm_dead_man(0)
        except PfmmError as error:
            return f"the dead-man switch could not be disarmed: {error.message}"
        finally:
            self._give_up()
        return None

    def _rely(self) -> bool:
        """Rely on the switch; return False while the one that was last is just disarming.

        The next feeding comes after that.
        """
        self._relies = self._relies or self._reliance.share(0)
        return self._relies

    def _own(self) -> bool:
        if self._owner:
            return True
        try:
            self._lock.acquire(pid=self._pid, started_wall_ms=self._wall_ms())
        except AlreadyRunning:
            self.state = "shared"
            return False
        self._owner = True
        return True

    def _give_up(self) -> None:
        self._reliance.release()
        self._relies = False
        if self._owner:
            self._lock.release()
            self._owner = False

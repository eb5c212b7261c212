"""Locks that die with their process, the stop request, and the HALT latch of an account.

flock frees itself on kill -9; a lock file's content (pid, start) is for people and for signals, and is believed only
while the lock is held. POSIX only. Layer: runner.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType

from pfmm.errors import AlreadyRunning, ConfigError, Halted, StateUnknown
from pfmm.store import flock
from pfmm.store.files import make_private_folder, replace_file
from pfmm.store.use_lock import UseLock, lock_problem

FLATTEN = "flatten"  # what `halted_by` says of an account that a flatten halted
KILL_SWITCH = "kill_switch"  # and of one that the loss limit of a run halted
_READER_PATIENCE_S = 10.0
_STOP_PATIENCE_S = 20.0
_HALT_PATIENCE_S = 0.5
_LIFT_PATIENCE_S = 5.0
_SILENT_MS = 60_000
_NOTE_BYTES = 512


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a run's lock: its runner, or a `stop` that ends the run and then goes by itself. `interval_s` is the
    runner's, venue seconds between two cycles; 0 where there is none. `beat_ms` is its last sign of life, by the
    machine's steady clock, and `watched` says that it began a watchdog."""

    market: str
    strategy: str
    pid: int
    started_wall_ms: int
    stopping: bool = False
    interval_s: float = 0.0
    beat_ms: int = 0
    watched: bool = False

    def silent_after_ms(self, speed: float) -> float:
        """Return the wall ms without a finished cycle after which a runner counts as silent.

        They are three of its intervals, at least a minute. 300 s at speed 1 is 900,000; a venue stepped by its clients
        (speed 0) has no interval of wall time.
        """
        return max(_SILENT_MS, 3000 * self.interval_s / speed if speed > 0 else 0)


@dataclass(frozen=True, slots=True)
class HaltRecord:
    """Why an account is halted: `halted_by` is flatten or kill_switch, `since` ISO-8601 UTC. `mark` tells one writing
    of the latch from the next: a flatten renews it, so that no `resume` that began before takes it away."""

    account: str
    halted_by: str
    reason: str
    since: str
    mark: str = field(default="", compare=False)


@dataclass(slots=True)
class Heartbeat:
    """A loop's sign of life in its locks, for a watchdog that reads them. `interval_s` is the loop's."""

    interval_s: float
    watched: bool = False
    locks: list[RunLock] = field(default_factory=list)

    def beat(self, ahead_s: float = 0.0) -> None:
        """Say that this process lives; for `ahead_s` more seconds nothing may be heard of it.

        Those are for what takes long by itself.
        """
        beat_ms = time.monotonic_ns() // 1_000_000 + round(ahead_s * 1000)
        for lock in self.locks:
            lock.beat(beat_ms, watched=self.watched)


class AccountLocks:
    """Every lock file of one (venue, account): one folder, so that two profiles on one account see each other."""

    def __init__(self, state_dir: Path, venue: str, account: str) -> None:
        self.account = account
        self.folder = state_dir / "locks" / f"{venue}-{account}"
        self._latch = self.folder / "HALT.json"

    def run_lock(self, market: str, strategy: str) -> RunLock:
        """Return the lock of one runner; not taken yet."""
        return RunLock(self.folder, market, strategy)

    @contextlib.contextmanager
    def running(self, markets: Iterable[str], strategy: str, heartbeat: Heartbeat) -> Iterator[None]:
        """Hold, within the block, the locks of the one process that runs the strategy on these markets.

        Its heartbeat beats in them.

        Raises AlreadyRunning, and Halted: flatten sets the latch before it looks for runners, so the latch is read
        again once it can see this one.
        """
        with contextlib.ExitStack() as stack:
            for market in sorted(markets):
                lock = self.run_lock(market, strategy)
                wall_ms = time.time_ns() // 1_000_000
                lock.acquire(pid=os.getpid(), started_wall_ms=wall_ms, interval_s=heartbeat.interval_s)
                stack.callback(lock.release)
                heartbeat.locks.append(lock)
            heartbeat.beat()
            self.refuse_if_halted()
            yield

    def holders(self) -> tuple[Holder, ...]:
        """Return the runners that are alive now: those whose lock is held, not those whose file exists."""
        return tuple(holder for path in self._lock_files() if (holder := _holder(path)) is not None)

    def _lock_files(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from sorted(self.folder.glob("*.lock"))

    def halt(self, *, halted_by: str, reason: str, since: str) -> HaltRecord:
        """Set the latch.

        The first reason stays, but a flatten adds itself to what halted before it, as `resume` ends the runs that a
        flatten closed. Raises ConfigError where there is none and the folder cannot be written.
        """
        with self._turn(_HALT_PATIENCE_S):
            existing = self.halted()
            record = HaltRecord(self.account, halted_by, reason, since, os.urandom(8).hex())
            if existing is not None:
                if halted_by != FLATTEN:
                    return existing
                first = existing.halted_by == FLATTEN
                reason = existing.reason if first else f"{reason}; before it {existing.halted_by}: {existing.reason}"
                record = replace(record, reason=reason, since=existing.since)
            try:
                _write_atomically(self._latch, json.dumps(asdict(record)))
            except ConfigError:
                if existing is None:
                    raise
                return existing
            return record

    def halted(self) -> HaltRecord | None:
        """Return the latch, or None. A latch that cannot be read still halts."""
        try:
            raw = json.loads(self._latch.read_text(encoding="utf-8"))
            mark = str(raw.get("mark", ""))
            return HaltRecord(self.account, str(raw["halted_by"]), str(raw["reason"]), str(raw["since"]), mark)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return HaltRecord(self.account, "unknown", f"the latch file {self._latch} is unreadable", "unknown")

    def refuse_if_halted(self) -> None:
        """Raise Halted while the latch is set."""
        record = self.halted()
        if record is not None:
            raise Halted(
                f"account {self.account} is halted by {record.halted_by} since {record.since}: {record.reason}"
            )

    def lift(self, seen: HaltRecord) -> bool:
        """Remove the latch that `halted` answered with `seen`; False, and it stays, where it was set anew since."""
        with self._turn(_LIFT_PATIENCE_S):
            now = self.halted()
            if now is not None and now.mark != seen.mark:
                return False
            self._latch.unlink(missing_ok=True)
            return True

    @contextlib.contextmanager
    def _turn(self, patience_s: float) -> Iterator[None]:
        """Take one's turn to look at the latch and change it, one process at a time.

        Who cannot have that soon goes on: halting must not fail, nor wait for a process that hangs.
        """
        turn = UseLock(self.folder / "HALT.turn")
        with contextlib.suppress(ConfigError):
            turn.take(patience_s)
        try:
            yield
        finally:
            turn.release()

    def send_signal(self, holder: Holder, sign: signal.Signals) -> None:
        """Signal a runner, but only while it still holds its lock: its pid may be somebody else's afterwards."""
        current = self.run_lock(holder.market, holder.strategy).holder()
        if current is not None and current.pid == holder.pid:
            _signal(holder.pid, sign)

    def stop_runner(
        self, market: str, strategy: str, *, grace_s: float, give_up: Callable[[], bool] = lambda: False
    ) -> bool:
        """Ask the runner to stop, and wait until its lock is free; after `grace_s` it is killed.

        Returns False when nobody ran. A pid is signalled only while its lock is held, and another `stop` is waited
        for. Raises StateUnknown when the runner outlives SIGKILL, or is still ending when `give_up` ends the wait.
        """
        lock = self.run_lock(market, strategy)
        holder = lock.holder()
        if holder is None:
            return False
        for sign, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
            holder = lock.holder()
            if holder is None:
                return True
            if not holder.stopping:
                _signal(holder.pid, sign)
            if flock.wait_for(lambda: lock.holder() is None or give_up(), patience_s) and lock.holder() is None:
                return True
            if give_up():
                raise StateUnknown(
                    f"the {strategy} runner on {market} (pid {holder.pid}) was asked to stop and still runs"
                )
        raise StateUnknown(f"the {strategy} runner on {market} (pid {holder.pid if holder else '?'}) does not stop")


class RunLock:
    """Held by a runner for its life. Use as a context manager."""

    def __init__(self, folder: Path, market: str, strategy: str) -> None:
        self._path = folder / f"{market.replace('/', '_').replace(':', '_')}.{strategy}.lock"
        self._market = market
        self._strategy = strategy
        self._fd: int | None = None
        self._note: Holder | None = None

    def holder(self) -> Holder | None:
        """Return who holds the lock now, or None."""
        return _holder(self._path)

    def refuse_if_held(self) -> None:
        """Raise AlreadyRunning where a runner or a `stop` holds the lock; take nothing."""
        holder = self.holder()
        if holder is not None and holder.pid != 0:  # 0: just being taken, or given back
            raise self._refusal(holder)

    def acquire(self, *, pid: int, started_wall_ms: int, stopping: bool = False, interval_s: float = 0.0) -> None:
        """Take the lock or raise AlreadyRunning at once; ConfigError where the folder cannot be written.

        A `stop` (`stopping`) waits for another one to end.
        """
        patience_s = _STOP_PATIENCE_S if stopping else _READER_PATIENCE_S
        try:
            fd = flock.acquire(self._path, patience_s, hopeless=lambda: self._refuses(stopping=stopping))
        except OSError as error:
            raise lock_problem(self._path, error) from error
        if fd is None:
            raise self._refusal(self.holder())
        holder = Holder(self._market, self._strategy, pid, started_wall_ms, stopping, interval_s)
        self._fd, self._note = fd, holder
        with contextlib.suppress(OSError):
            os.ftruncate(fd, 0)
        self._write_note()

    def beat(self, beat_ms: int, *, watched: bool) -> None:
        """Leave a sign of life in the lock that is held; nothing where none is."""
        if self._fd is not None and self._note is not None:
            self._note = replace(self._note, beat_ms=beat_ms, watched=watched)
            self._write_note()

    def _write_note(self) -> None:
        """Write the note in one write and of one length, so that no reader sees a part.

        The lock is taken: a full disk only leaves its note out.
        """
        if self._fd is not None and self._note is not None:
            with contextlib.suppress(OSError):
                os.pwrite(self._fd, json.dumps(asdict(self._note)).encode().ljust(_NOTE_BYTES), 0)

    def _refuses(self, *, stopping: bool) -> bool:
        """Tell whether somebody has the lock for long.

        That is neither a reader of `holder`, who has it for microseconds (or for as long as a busy machine lets him
        wait), nor one who has not yet said who he is.
        """
        holder = self.holder()
        return holder is not None and holder.pid != 0 and not (stopping and holder.stopping)

    def _refusal(self, holder: Holder | None) -> AlreadyRunning:
        who = f" (pid {holder.pid})" if holder else ""
        if holder is not None and holder.stopping:
            return AlreadyRunning(
                f"the {self._strategy} on {self._market} is just being stopped{who}", hint="try again when it has ended"
            )
        return AlreadyRunning(
            f"a {self._strategy} already runs on {self._market}{who}",
            hint=f"`pfmm {self._strategy} status {self._market}` shows it, "
            f"`pfmm {self._strategy} stop {self._market}` ends it",
        )

    def release(self) -> None:
        """Give the lock back; the file stays, since removing it would race with the next holder."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _holder(path: Path) -> Holder | None:
    """Read who holds `path`, without disturbing a holder: a shared lock that we get means that nobody does."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return None if _is_free(fd) else _parse_holder(os.pread(fd, 4096, 0), path)
    finally:
        os.close(fd)


def _is_free(fd: int) -> bool:
    """Tell whether nobody has the lock; one that cannot be asked for counts as held.

    Nobody is started or signalled on a guess.
    """
    try:
        return flock.try_lock(fd, shared=True)
    except OSError:
        return False


def _parse_holder(content: bytes, path: Path) -> Holder:
    """Read the holder as written; one that has the lock but has not written yet is shown with pid 0."""
    try:
        raw = json.loads(content)
        stopping, interval_s = raw.get("stopping") is True, float(raw.get("interval_s", 0))
        market, strategy = str(raw["market"]), str(raw["strategy"])
        beat_ms, watched = int(raw.get("beat_ms", 0)), raw.get("watched") is True
        started_ms = int(raw["started_wall_ms"])
        return Holder(market, strategy, int(raw["pid"]), started_ms, stopping, interval_s, beat_ms, watched)
    except (ValueError, KeyError, TypeError, AttributeError):
        market, _, strategy = path.name.removesuffix(".lock").rpartition(".")
        return Holder(market, strategy, 0, 0)


def exists(pid: int) -> bool:
    """Tell whether there is a process of that number, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _signal(pid: int, sign: signal.Signals) -> None:
    if pid > 0:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, sign)


def _write_atomically(path: Path, text: str) -> None:
    try:
        make_private_folder(path.parent)
        replace_file(path, text.encode())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error

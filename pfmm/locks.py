"""Locks that die with their process, the stop request, and the HALT latch of an account.

flock frees itself on kill -9; a lock file's content (pid, start) is for people and for signals, and is believed only
while the lock is held. POSIX only. Must not know strategies, venues or journals.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from pfmm.errors import AlreadyRunning, ConfigError, Halted, StateUnknown

FLATTEN = "flatten"  # what `halted_by` says of an account that a flatten halted
_POLL_S = 0.02
_READER_PATIENCE_S = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a run's lock."""

    market: str
    strategy: str
    pid: int
    started_wall_ms: int


@dataclass(frozen=True, slots=True)
class HaltRecord:
    """Why an account is halted: `halted_by` is flatten or kill_switch, `since` ISO-8601 UTC."""

    account: str
    halted_by: str
    reason: str
    since: str


class AccountLocks:
    """Every lock file of one (venue, account): one folder, so that two profiles on one account see each other."""

    def __init__(self, state_dir: Path, venue: str, account: str) -> None:
        self.account = account
        self.folder = state_dir / "locks" / f"{venue}-{account}"
        self._latch = self.folder / "HALT.json"

    def run_lock(self, market: str, strategy: str) -> RunLock:
        """The lock of one runner; not taken yet."""
        return RunLock(self.folder, market, strategy)

    def holders(self) -> tuple[Holder, ...]:
        """The runners that are alive now: those whose lock is held, not those whose file exists."""
        return tuple(holder for path in self._lock_files() if (holder := _holder(path)) is not None)

    def _lock_files(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from sorted(self.folder.glob("*.lock"))

    def halt(self, *, halted_by: str, reason: str, since: str) -> HaltRecord:
        """Sets the latch. The first reason stays, but a flatten adds itself to what halted before it, as `resume`
        ends the runs that a flatten closed. Raises ConfigError where there is none and the folder cannot be written.
        """
        existing = self.halted()
        record = HaltRecord(self.account, halted_by, reason, since)
        if existing is not None:
            if halted_by != FLATTEN or existing.halted_by == FLATTEN:
                return existing
            earlier = f"{reason}; before it {existing.halted_by}: {existing.reason}"
            record = HaltRecord(self.account, halted_by, earlier, existing.since)
        try:
            _write_atomically(self._latch, json.dumps(asdict(record)))
        except ConfigError:
            if existing is None:
                raise
            return existing
        return record

    def halted(self) -> HaltRecord | None:
        """The latch, or None. A latch that cannot be read still halts."""
        try:
            raw = json.loads(self._latch.read_text(encoding="utf-8"))
            return HaltRecord(self.account, str(raw["halted_by"]), str(raw["reason"]), str(raw["since"]))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return HaltRecord(self.account, "unknown", f"the latch file {self._latch} is unreadable", "unknown")

    def refuse_if_halted(self) -> None:
        """Raises Halted while the latch is set."""
        record = self.halted()
        if record is not None:
            raise Halted(
                f"account {self.account} is halted by {record.halted_by} since {record.since}: {record.reason}"
            )

    def lift(self) -> HaltRecord | None:
        """Removes the latch and returns what it said."""
        record = self.halted()
        with contextlib.suppress(FileNotFoundError):
            self._latch.unlink()
        return record

    def send_signal(self, holder: Holder, sign: signal.Signals) -> None:
        """Signals a runner, but only while it still holds its lock: its pid may be somebody else's afterwards."""
        current = self.run_lock(holder.market, holder.strategy).holder()
        if current is not None and current.pid == holder.pid:
            _signal(holder.pid, sign)

    def stop_runner(self, market: str, strategy: str, *, grace_s: float) -> bool:
        """Asks the runner to stop, and waits until its lock is free; after `grace_s` it is killed.

        Returns False when nobody ran. A pid is signalled only while its lock is held. Raises StateUnknown when the
        runner outlives SIGKILL.
        """
        lock = self.run_lock(market, strategy)
        holder = lock.holder()
        if holder is None:
            return False
        for sign, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
            holder = lock.holder()
            if holder is None:
                return True
            _signal(holder.pid, sign)
            if _wait_for(lambda: lock.holder() is None, patience_s):
                return True
        raise StateUnknown(f"the {strategy} runner on {market} (pid {holder.pid if holder else '?'}) does not stop")


class RunLock:
    """Held by a runner for its life. Use as a context manager."""

    def __init__(self, folder: Path, market: str, strategy: str) -> None:
        self._path = folder / f"{market.replace('/', '_').replace(':', '_')}.{strategy}.lock"
        self._market = market
        self._strategy = strategy
        self._fd: int | None = None

    def holder(self) -> Holder | None:
        """Who holds the lock now, or None."""
        return _holder(self._path)

    def acquire(self, *, pid: int, started_wall_ms: int) -> None:
        """Takes the lock or raises AlreadyRunning at once; ConfigError where the folder cannot be written."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"cannot write the lock file {self._path}: {error.strerror}") from error
        # a reader of `holder` holds a shared lock for microseconds: that is no runner, so look again
        if not _wait_for(lambda: _try_exclusive(fd, self._path), _READER_PATIENCE_S):
            os.close(fd)
            holder = self.holder()
            who = f" (pid {holder.pid})" if holder else ""
            raise AlreadyRunning(
                f"a {self._strategy} already runs on {self._market}{who}",
                hint=f"`pfmm {self._strategy} status {self._market}` shows it, "
                f"`pfmm {self._strategy} stop {self._market}` ends it",
            )
        content = json.dumps(asdict(Holder(self._market, self._strategy, pid, started_wall_ms))).encode()
        os.ftruncate(fd, 0)
        os.pwrite(fd, content, 0)
        self._fd = fd

    def release(self) -> None:
        """Gives the lock back; the file stays, since removing it would race with the next holder."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _try_exclusive(fd: int, path: Path) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        os.close(fd)
        raise ConfigError(f"cannot lock {path}: {error.strerror}") from error
    return True


def _holder(path: Path) -> Holder | None:
    """Reads who holds `path`, without disturbing a holder: a shared lock that we get means that nobody does."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _parse_holder(os.pread(fd, 4096, 0), path)
    else:
        return None
    finally:
        os.close(fd)


def _parse_holder(content: bytes, path: Path) -> Holder:
    """The holder as written; one that has the lock but has not written yet is shown with pid 0."""
    try:
        raw = json.loads(content)
        return Holder(str(raw["market"]), str(raw["strategy"]), int(raw["pid"]), int(raw["started_wall_ms"]))
    except (ValueError, KeyError, TypeError):
        market, _, strategy = path.name.removesuffix(".lock").rpartition(".")
        return Holder(market, strategy, 0, 0)


def _signal(pid: int, sign: signal.Signals) -> None:
    if pid > 0:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, sign)


def _wait_for(condition: Callable[[], bool], patience_s: float) -> bool:
    """Polls another process's lock; flock has no wait with a time limit."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _write_atomically(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as temporary:
            temporary.write(text)
            temporary.flush()
            os.fsync(temporary.fileno())
        Path(temporary.name).replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error

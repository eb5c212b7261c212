"""Start in the background: the same command line again in a session of its own, with a log file and a ready pipe.

Layer: app. Never a fork under a lock: the child is a new process that takes the lock itself.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pfmm.errors import PfmmError, StartFailed, StateUnknown
from pfmm.model.encoding import jsonable

if TYPE_CHECKING:
    from pfmm.app.contract import Confirm
    from pfmm.app.session import Session
    from pfmm.app.starting import Start, StartRequest, Tell

READY_WITHIN_S = 60.0
READY_FD = "PFMM_READY_FD"  # the child's end of the pipe, in its environment
LOG_FILE = "PFMM_LOG_FILE"  # where the child's stdout and stderr go, in its environment
LOG_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Detached:
    """The process that runs in the background since, and its log file. `cursor`: events after it are of this run's
    beginning and later."""

    pid: int
    log: str
    strategy: str
    markets: tuple[str, ...]
    cursor: int = 0


def detach(
    request: StartRequest, command: Sequence[str], *, session: Session, confirm: Confirm, tell: Tell
) -> Detached | None:
    """Start `command`, which runs the request, in the background; returns once its first cycle is done.

    The child takes the locks itself; what is known now is said before anything is asked or begun. None where real money
    was asked about and declined. Raises what stands in the way of a start, AlreadyRunning, the child's own failure,
    with its code and exit code, and StateUnknown when it neither starts nor ends in time.
    """
    from pfmm.app.starting import Start

    begun = Start(request, session, tell)
    for market in begun.markets:
        begun.locks.run_lock(market, begun.kind).refuse_if_held()
    return _detached(begun, command) if begun.confirmed(confirm) else None


def _detached(begun: Start, command: Sequence[str]) -> Detached:
    kind, markets = begun.kind, begun.markets
    log = begun.session.settings.paths.log_dir / f"{kind}-{'-'.join(markets)[:80]}.log"
    cursor = begun.session.journal.newest_event()
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    read, write = os.pipe()
    with log.open("ab") as output:
        os.fchmod(output.fileno(), 0o600)
        child = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, READY_FD: str(write), LOG_FILE: str(log)},
            pass_fds=(write,),
            start_new_session=True,
        )
    os.close(write)
    try:
        told = _word_of_child(read)
    finally:
        os.close(read)
    if told != b"ready\n":
        raise _failed(child, log, told)
    # whenever it ends it is taken note of, where this process lives that long
    threading.Thread(target=child.wait, daemon=True, name="background-start").start()
    return Detached(child.pid, str(log), kind, tuple(markets), cursor)


def begin_beside(command: Sequence[str], log: Path, held: Sequence[int]) -> None:
    """Start a process of its own session beside this one, which writes to `log` and is not waited for. It inherits the
    descriptors of what is `held`, and so holds that from its first moment to its last."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("ab") as output:
        os.fchmod(output.fileno(), 0o600)
        child = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, pass_fds=held
        )
    threading.Thread(target=child.wait, daemon=True, name="beside").start()


def turn_log(most_bytes: int = LOG_BYTES) -> None:
    """Begin the log of a background run anew where it has grown above `most_bytes`. The full one is kept as
    `NAME.log.1`, so that a run keeps at most twice that. A log that cannot be turned grows on."""
    name = os.environ.get(LOG_FILE)
    if name is None:
        return
    with suppress(OSError):
        mine, named = os.fstat(1), os.stat(name)  # noqa: PTH116 - no path is made where nothing is to be done
        if mine.st_size <= most_bytes or (mine.st_ino, mine.st_dev) != (named.st_ino, named.st_dev):
            return
        new = os.open(f"{name}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            Path(name).replace(f"{name}.1")
            Path(f"{name}.new").replace(name)
            for stream in (1, 2):
                os.dup2(new, stream)
        finally:
            os.close(new)


def tell_ready() -> None:
    """Tell a waiting parent, if there is one, that the first cycle is done."""
    _tell(b"ready\n")


def tell_failure(failure: object) -> None:
    """Tell a waiting parent, if there is one, why this process ends before its first cycle was done."""
    _tell(json.dumps(jsonable(failure)).encode() + b"\n")


def _tell(line: bytes) -> None:
    fd = os.environ.pop(READY_FD, None)
    if fd is not None:
        with suppress(OSError):  # the parent went away: it is told nothing, and nothing here depends on it
            os.write(int(fd), line)
            os.close(int(fd))


def _word_of_child(read: int) -> bytes:
    """Read what the child said, a line; nothing when it went away, or said nothing in time."""
    told = b""
    deadline_s = time.monotonic() + READY_WITHIN_S
    while not told.endswith(b"\n"):
        ready, _, _ = select.select([read], [], [], max(0.0, deadline_s - time.monotonic()))
        part = os.read(read, 65_536) if ready else b""
        if not part:
            return b""
        told += part
    return told


def _failed(child: subprocess.Popen[bytes], log: Path, told: bytes) -> PfmmError:
    """Return the failure of a child that was not ready: its own where it has told one, as the foreground would have
    said."""
    where = f"the log is {log}"
    try:
        code = child.wait(timeout=5.0)
    except subprocess.TimeoutExpired:
        return StateUnknown(
            f"the background process (pid {child.pid}) finished no cycle within {READY_WITHIN_S:g} s; it still runs",
            hint=where,
        )
    if not told:
        return StartFailed(
            f"the background process ended with exit code {code} before its first cycle was done",
            exit_code=code if code > 0 else 128 - code,
            hint=where,
        )
    own = json.loads(told)
    failure = StartFailed(
        own["message"], exit_code=own["exit_code"], hint=where if own["hint"] is None else f"{own['hint']}; {where}"
    )
    failure.code = own["code"]
    return failure

"""`start --detach`: the same command line again in a session of its own, with a log file and a ready pipe.

Never a fork under a lock: the child is a new process that takes the lock itself.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pfmm.cli.output import Result
from pfmm.errors import StartFailed, StateUnknown

if TYPE_CHECKING:
    from pfmm.app.session import Session

READY_WITHIN_S = 60.0


def detach(session: Session, kind: str, markets: Sequence[str]) -> Result:
    """Starts this command line again in the background and returns once its first cycle is done.

    Raises StartFailed with the child's own exit code and the end of its log, StateUnknown when it neither starts
    nor ends in time.
    """
    log = session.settings.paths.log_dir / f"{kind}-{'-'.join(markets)[:80]}.log"
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    read, write = os.pipe()
    command = [sys.executable, "-m", "pfmm", *_arguments(sys.argv[1:]), "--yes"]
    start_at = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        os.fchmod(output.fileno(), 0o600)
        child = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "PFMM_READY_FD": str(write)},
            pass_fds=(write,),
            start_new_session=True,
        )
    os.close(write)
    try:
        ready = _wait_ready(read)
    finally:
        os.close(read)
    if not ready:
        _failed(child, log, start_at)
    data = {"pid": child.pid, "log": str(log), "strategy": kind, "markets": list(markets)}
    return Result(data, lambda: _text(data))


def _text(data: dict[str, Any]) -> str:
    return (
        f"{data['strategy']} runs on {', '.join(data['markets'])} in the background (pid {data['pid']}).\n"
        f"Log: {data['log']}\n"
        f"`pfmm {data['strategy']} status` shows it, `pfmm {data['strategy']} stop` ends it."
    )


def _arguments(given: Sequence[str]) -> list[str]:
    return [argument for argument in given if argument not in ("--detach", "--yes")]


def _wait_ready(read: int) -> bool:
    """True when the child said ready; False when it went away, or said nothing in time."""
    ready, _, _ = select.select([read], [], [], READY_WITHIN_S)
    return bool(ready) and os.read(read, 16).startswith(b"ready")


def _failed(child: subprocess.Popen[bytes], log: Path, start_at: int) -> None:
    try:
        code = child.wait(timeout=5.0)
    except subprocess.TimeoutExpired as error:
        raise StateUnknown(
            f"the background process (pid {child.pid}) finished no cycle within {READY_WITHIN_S:g} s; it still runs",
            hint=f"its log is {log}",
        ) from error
    with log.open("rb") as text:
        text.seek(start_at)
        tail = text.read()[-2_000:].decode(errors="replace").strip()
    # the caller sees what the same command in the foreground would have said
    raise StartFailed(
        f"the background process ended with exit code {code}: {tail}", exit_code=code, hint=f"its log is {log}"
    )

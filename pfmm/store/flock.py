"""Locks between processes by flock, which frees itself on kill -9. POSIX only. Layer: store.

flock has no wait with a time limit, so a wait polls. Raises OSError as the system does.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from pfmm.store.files import make_private_folder

POLL_S = 0.02


def opened(path: Path) -> int:
    """Open a lock file, made with its folder where it is missing (0600, 0700); returns the descriptor.

    The file is never removed again: removing it would race with the next holder.
    """
    make_private_folder(path.parent)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file, alone or beside others, without waiting; False while another one has it."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


def lock(descriptor: int) -> None:
    """Lock an open file alone, however long another one has it."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def acquire(
    path: Path, patience_s: float, *, shared: bool = False, hopeless: Callable[[], bool] = lambda: False
) -> int | None:
    """Open a lock file and lock it, alone or beside others; returns the descriptor, whose closing gives it back.

    None where another one has it for longer than `patience_s`, or for as long as `hopeless` says that it will.
    """
    descriptor, taken = opened(path), False

    def settled() -> bool:
        nonlocal taken
        taken = try_lock(descriptor, shared=shared)
        return taken or hopeless()

    try:
        wait_for(settled, patience_s)
    finally:
        if not taken:
            os.close(descriptor)
    return descriptor if taken else None


def wait_for(condition: Callable[[], bool], patience_s: float) -> bool:
    """Ask `condition` until it is true; False when it is not within `patience_s`. It is asked at least once."""
    deadline_s = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(POLL_S)
    return True

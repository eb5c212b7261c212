"""Who has a journal of the paper exchange open: a reset, which moves it away, waits for them. Layer: journal."""

from __future__ import annotations

from pathlib import Path

from pfmm.errors import AlreadyRunning
from pfmm.store.use_lock import UseLock

RESET_PATIENCE_S = 10.0


def journals_in_use(state_dir: Path) -> UseLock:
    """Name the lock that a process shares while it has the journal of a paper account open, and that a reset takes
    alone."""
    return UseLock(state_dir / "paper" / "journals.lock")


def share_journals(state_dir: Path) -> UseLock:
    """Keep resets of this folder out. Raises AlreadyRunning where one has the journals for longer than 10 s."""
    use = journals_in_use(state_dir)
    if not use.share(RESET_PATIENCE_S):
        raise AlreadyRunning("the paper exchange is just being reset", hint="try again when that has ended")
    return use

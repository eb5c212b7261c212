"""Whether a journal's file is still the one that was opened: SQLite would go on from its cache. Layer: journal."""

from __future__ import annotations

import os
from pathlib import Path

from pfmm.errors import JournalUnusable

_MAGIC = b"SQLite format 3\0"


class FileWatch:
    """Looks at the file of an open journal. One descriptor stays open as long as the process lives: closing any
    descriptor of the file drops the locks that SQLite holds on it."""

    def __init__(self, path: Path) -> None:
        """Open the file to watch; raises JournalUnusable where there is none."""
        self._path = path
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(path, error) from error

    def verify(self) -> None:
        """Raise JournalUnusable when the file is no journal any more, is gone, or is not the one that was opened."""
        try:
            moved = self._path.stat().st_ino != os.fstat(self._fd).st_ino
            broken = os.pread(self._fd, len(_MAGIC), 0) != _MAGIC
        except OSError as error:
            raise _unreadable(self._path, error) from error
        if moved or broken:
            what = "is another file than the one that was opened" if moved else "was overwritten"
            raise JournalUnusable(f"the journal {self._path} {what}", hint="move it away, or bring back a copy of it")


def _unreadable(path: Path, error: OSError) -> JournalUnusable:
    return JournalUnusable(f"the journal {path} cannot be read: {error.strerror}")

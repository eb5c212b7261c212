"""A file that processes hold while they use something, beside others or alone. Layer: store."""

from __future__ import annotations

import os
from pathlib import Path

from pfmm.errors import ConfigError
from pfmm.store import flock


class UseLock:
    """A file that many processes hold shared while they use something, and one alone while it changes that."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def share(self, patience_s: float) -> bool:
        """Hold it beside others; False when one has it alone for longer than that."""
        return self._lock(patience_s, shared=True)

    def take(self, patience_s: float) -> bool:
        """Hold it alone; False when others hold it for longer than that. A share of our own is given up first: of
        several processes that try this at one moment, the last one gets it."""
        return self._lock(patience_s, shared=False)

    def _lock(self, patience_s: float, *, shared: bool) -> bool:
        self.release()
        try:
            self._fd = flock.acquire(self._path, patience_s, shared=shared)
        except OSError as error:
            raise lock_problem(self._path, error) from error
        return self._fd is not None

    def fileno(self) -> int:
        """Return the descriptor of what is held, for a child to inherit. Raises ValueError without one."""
        if self._fd is None:
            raise ValueError(f"{self._path} is not held")
        return self._fd

    def release(self) -> None:
        """Give back what is held, if anything is; the file stays."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def lock_problem(path: Path, error: OSError) -> ConfigError:
    """Word the error of a lock file that cannot be made, written or locked."""
    return ConfigError(f"cannot write the lock file {path}: {error.strerror}")

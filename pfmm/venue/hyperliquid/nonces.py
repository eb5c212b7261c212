"""Gives each signed request a number that no process has used for this signer. Layer: venue.

The venue refuses a number twice, so two processes with one key must not draw the same one: a small file, locked while
it is read and written, holds the last.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pfmm.store import flock

FARTHEST_AHEAD_MS = 12 * 3_600_000  # half of what the venue allows


class NonceFile:
    """The numbers of one signer, shared by its processes through the file at `path`."""

    def __init__(self, path: Path, now_ms: Callable[[], int]) -> None:
        self._path = path
        self._now_ms = now_ms
        self._last = 0

    def __call__(self) -> int:
        """Draw the next number: the time in ms, or one more than the last where that is later.

        A folder that cannot be written must not stop a flatten: there the number is the time and the process's own
        id, which two processes rarely share.
        """
        try:
            descriptor = flock.opened(self._path)
        except OSError:
            return self._draw(self._last, os.getpid() % 1000)
        try:
            flock.lock(descriptor)
            number = self._draw(max(self._stored(descriptor), self._last), 0)
            os.pwrite(descriptor, b"%020d" % number, 0)  # one write of one width: no half of it can be read
            return number
        finally:
            os.close(descriptor)

    def _stored(self, descriptor: int) -> int:
        """Read the last number; 0 for a file that holds none, or one that the venue would refuse as too far ahead."""
        text = os.pread(descriptor, 20, 0)
        number = int(text) if text.isdigit() else 0
        return number if number < self._now_ms() + FARTHEST_AHEAD_MS else 0

    def _draw(self, last: int, jitter: int) -> int:
        self._last = max(self._now_ms() + jitter, last + 1)
        return self._last

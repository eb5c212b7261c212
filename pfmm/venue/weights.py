"""The request weight of one machine at one venue: a bucket in a file that all processes share. Layer: venue.

Some venues give each request a weight and allow so much of it a minute to an address of the internet, whatever the
account. A loop takes no more than its pace, so that a flatten beside it finds room; what cancels or flattens never
waits here. Without a writable folder each process counts for itself.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from pfmm.store import flock
from pfmm.venue.ratelimit import Lane

PER_MINUTE: Final = 1_200
# any minute of a loop: what had gathered and what came meanwhile, 200 + 600
PACE_PER_MINUTE: Final = 600
PACE_BURST: Final = 200
LOOP_PER_MINUTE: Final = PACE_BURST + PACE_PER_MINUTE
READ_RESERVE: Final = 200  # of the whole bucket, for what must not wait
DEEPEST: Final = -1_200.0
DEEPEST_PACE: Final = -100.0  # after what is not a loop of ours has read much: it must not keep a loop from looking
SHUT_S: Final = 10.0
_FORM: Final = struct.Struct("<4d")
_URGENT: Final = (Lane.CANCEL, Lane.FLATTEN)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Levels:
    """What may be taken at wall time `at_s`: of the whole bucket, and of the loops' pace. Until `shut_until_s` the
    venue refuses this address."""

    whole: float
    pace: float
    at_s: float
    shut_until_s: float

    def at(self, now_s: float) -> Levels:
        """Return the levels at a later time: 20 a second come back to the whole, 10 to the pace. A clock that was set
        back gives nothing back."""
        passed_s = max(0.0, now_s - self.at_s)
        return Levels(
            min(PER_MINUTE, self.whole + passed_s * PER_MINUTE / 60),
            min(PACE_BURST, self.pace + passed_s * PACE_PER_MINUTE / 60),
            now_s,
            self.shut_until_s if self.shut_until_s - now_s < 60 else 0.0,
        )


_FULL = Levels(PER_MINUTE, PACE_BURST, 0.0, 0.0)


class WeightBudget:
    """The weight that may still be sent. `path` None keeps it in this process; `wall_s` is the clock that all processes
    share; `urgent` is for an emergency, whose reads do not wait either."""

    def __init__(self, path: Path | None, wall_s: Callable[[], float] = time.time, *, urgent: bool = False) -> None:
        self._path = path
        self._wall_s = wall_s
        self._urgent = urgent
        self._lock = Lock()
        self._own = _FULL
        self._waited_s = 0.0

    def take(self, lane: Lane, now_s: float, weight: int = 1) -> float:  # noqa: ARG002 - the clock of all processes counts
        """Take `weight` and return 0, or take nothing and return the seconds to wait before asking again."""
        urgent = lane in _URGENT or (self._urgent and lane is Lane.READ)

        def taken(levels: Levels) -> tuple[Levels, float]:
            wait_s = 0.0 if urgent else self._wait_s(levels, weight)
            return (levels if wait_s else _spent(levels, weight)), wait_s

        return self._change(taken)

    @staticmethod
    def _wait_s(levels: Levels, weight: int) -> float:
        missing = min(weight + READ_RESERVE, PER_MINUTE) - levels.whole
        return max(missing * 60 / PER_MINUTE if missing > 1e-6 else 0.0, levels.shut_until_s - levels.at_s, 0.0)

    def spent(self, lane: Lane, now_s: float, weight: int) -> None:  # noqa: ARG002 - as the protocol has it
        """Count what has been used already."""
        self._change(lambda levels: (_spent(levels, weight), None))

    def pace(self, weight: int) -> float:
        """Work out the seconds that a look of so much weight has to wait for the pace of loops; 0 where it may begin.

        Everything that is sent counts: after orders the next look waits longer. All of a look waits before its first
        read, since what was read would grow old meanwhile.
        """
        if self._urgent:
            return 0.0
        levels = self._change(lambda levels: (levels, levels))
        missing = min(weight, PACE_BURST) - levels.pace
        wait_s = missing * 60 / PACE_PER_MINUTE if missing > 1e-6 else 0.0
        self._waited_s = max(self._waited_s, wait_s)
        return wait_s

    def learn(self, lane: Lane, now_s: float, *, limit: int | None, remaining: int | None) -> None:
        """Do nothing: a venue that counts weights tells nothing of them in its headers."""

    def close(self, lane: Lane, now_s: float, wait_s: float) -> None:  # noqa: ARG002 - the whole address is refused
        """Make reads and new orders wait until the venue, which refused this address, may be asked again."""
        until_s = max(wait_s, SHUT_S)

        def shut(levels: Levels) -> tuple[Levels, None]:
            return replace(levels, whole=min(levels.whole, 0.0), shut_until_s=levels.at_s + until_s), None

        self._change(shut)

    def text(self, now_s: float) -> str:  # noqa: ARG002 - as the protocol has it
        """Tell what is left: "weight left 1100/1200 this minute"; and how long looks had to wait lately."""
        levels = self._change(lambda levels: (levels, levels))
        waited, self._waited_s = self._waited_s, 0.0
        stretched = f", interval stretched by {waited:.1f} s" if waited else ""
        return f"weight left {max(int(levels.whole), 0)}/{PER_MINUTE} this minute{stretched}"

    def low(self, now_s: float) -> bool:  # noqa: ARG002 - as the protocol has it
        """Tell whether less than a fifth is left."""
        return self._change(lambda levels: (levels, levels.whole < PER_MINUTE / 5))

    def _change(self, change: Callable[[Levels], tuple[Levels, Answer]]) -> Answer:
        """Apply `change` to the levels of now, in the file that all processes share where it can be written."""
        with self._lock:
            descriptor = self._opened()
            try:
                if descriptor is not None:
                    flock.lock(descriptor)
                    self._own = _stored(os.pread(descriptor, _FORM.size, 0))
                self._own, answer = change(self._own.at(self._wall_s()))
                if descriptor is not None:
                    one = self._own
                    os.pwrite(descriptor, _FORM.pack(one.whole, one.pace, one.at_s, one.shut_until_s), 0)
                return answer
            finally:
                if descriptor is not None:
                    os.close(descriptor)

    def _opened(self) -> int | None:
        try:
            return None if self._path is None else flock.opened(self._path)
        except OSError:
            return None


def _spent(levels: Levels, weight: int) -> Levels:
    return replace(levels, whole=max(levels.whole - weight, DEEPEST), pace=max(levels.pace - weight, DEEPEST_PACE))


def _stored(raw: bytes) -> Levels:
    """Read the levels of the file; full where it holds none that make sense."""
    if len(raw) != _FORM.size:
        return _FULL
    found = Levels(*_FORM.unpack(raw))
    sane = all(abs(one) < 1e12 for one in (found.whole, found.pace, found.at_s, found.shut_until_s))  # NaN is not
    return found if sane else _FULL

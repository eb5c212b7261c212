"""One deadline from a command down to its requests. Layer: model. Pure: the clock is passed in."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import NamedTuple


class Deadline(NamedTuple):
    """A moment `at_s` of the monotonic clock `now_s` by which work must be done; infinity means never."""

    at_s: float
    now_s: Callable[[], float]

    @classmethod
    def after(cls, seconds: float, now_s: Callable[[], float]) -> Deadline:
        """Return the deadline `seconds` from now: at 100 s, after 30 s is 130 s."""
        return cls(now_s() + seconds, now_s)

    @classmethod
    def never(cls, now_s: Callable[[], float]) -> Deadline:
        """Return a deadline that never passes."""
        return cls(inf, now_s)

    def left_s(self) -> float:
        """Return the seconds that are left, never less than 0: of a deadline at 130 s, 7 s are left at 123 s."""
        return max(0.0, self.at_s - self.now_s())

    @property
    def passed(self) -> bool:
        """True once nothing is left."""
        return self.now_s() >= self.at_s

    def within(self, seconds: float) -> Deadline:
        """Return the earlier of this deadline and `seconds` from now: with 7 s left, within 10 s is this one."""
        return Deadline(min(self.at_s, self.now_s() + seconds), self.now_s)

    def unless(self, stopped: Callable[[], bool]) -> Deadline:
        """Return this deadline, which has passed as soon as `stopped` says so."""
        return Deadline(self.at_s, lambda: inf if stopped() else self.now_s())

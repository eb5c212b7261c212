"""Venue time for everything that waits: follows the venue's own clock, at the venue's own speed.

Knows no venue adapter: it is told the time that answers carry, and waits through functions given to it. Layer: runner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pfmm.model.account import VenueTime

_STEADY_S = 60.0


@dataclass(slots=True)
class VenueClock:
    """A Clock that follows a venue. `synchronise` after every answer that carries venue time.

    `monotonic_s` is a local monotonic clock, `wait_s` waits that many wall seconds and returns False when a signal
    cut it short. For a venue whose time is stepped by its clients (speed 0), `advance` moves it.
    """

    _monotonic_s: Callable[[], float]
    _wait_s: Callable[[float], bool]
    _advance: Callable[[int], VenueTime] | None = None
    _seen: VenueTime = field(default_factory=lambda: VenueTime(0))
    _seen_at_s: float = 0.0

    @property
    def state(self) -> str:
        """open, paused or ended, as the venue last said."""
        return self._seen.state

    @property
    def speed(self) -> float:
        """Venue seconds a wall second; 0 for a stepped venue."""
        return self._seen.speed

    def synchronise(self, time: VenueTime) -> None:
        """Take over the venue's time from an answer that just arrived."""
        self._seen = time
        self._seen_at_s = self._monotonic_s()

    def now_ms(self) -> int:
        """Return venue time now: the last seen one plus the local time since, at the venue's speed."""
        if self._seen.state != "open":
            return self._seen.time_ms
        return self._seen.time_ms + round((self._monotonic_s() - self._seen_at_s) * 1000 * self._seen.speed)

    def lag_ms(self, time: VenueTime) -> int:
        """Return how far the time of an answer is behind where this machine's steady clock has the venue's, ms.

        0 where that cannot be told: of a clock that does not run at speed 1, and after more than a minute without an
        answer.
        """
        steady = self._seen.speed == time.speed == 1 and self._seen.state == time.state == "open"
        if not steady or self._monotonic_s() - self._seen_at_s > _STEADY_S:
            return 0
        return self.now_ms() - time.time_ms

    def wait_until(self, time_ms: int) -> bool:
        """Wait until venue time `time_ms`; False when a signal cut it short. A stepped venue is moved there."""
        missing_ms = time_ms - self.now_ms()
        if self._seen.speed == 0:
            if missing_ms > 0 and self._seen.state == "open" and self._advance is not None:
                self.synchronise(self._advance(time_ms))
            return self._wait_s(0.0)
        return self._wait_s(max(missing_ms, 0) / 1000 / self._seen.speed)

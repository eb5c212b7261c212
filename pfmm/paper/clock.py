"""Venue time as a function of the wall clock: speed, stepping, idle pause and the end of a replay. Pure.

Layer: paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pfmm.errors import ConfigError
from pfmm.paper.messages import ClockState

IDLE_MS = 60_000
FIRST_MS, LAST_MS = 946_684_800_000, 4_102_444_799_999  # 2000 to 2099: clients refuse other times as mistaken units

Span = tuple[int, int] | None


class VenueClock(NamedTuple):
    """Venue time is `venue_ms` at wall time `wall_ms` and runs at `speed` from there (0 = only when stepped).

    With `idle_pause` it stands still from 60 s of wall time after `touched_ms`, the last time anybody used it.
    """

    wall_ms: int
    venue_ms: int
    speed: float
    touched_ms: int
    idle_pause: bool

    def read(self, wall_ms: int, span: Span) -> ClockState:
        """Tell the venue's time now. At speed 10, 2 s after the anchor it is 20 s later; a replay stops at its last
        event, and every market with the year 2099, 40 minutes away at the highest speed."""
        until = min(wall_ms, self.touched_ms + IDLE_MS) if self.idle_pause else wall_ms
        now = self.venue_ms + int(max(until - self.wall_ms, 0) * self.speed)
        last_ms = LAST_MS if span is None else span[1]
        if now >= last_ms:
            return ClockState(last_ms, self.speed, "ended")
        return ClockState(now, self.speed, "paused" if until < wall_ms else "open")

    def touch(self, wall_ms: int, span: Span) -> VenueClock:
        """Return the clock after somebody used it: a paused one goes on from where it stood."""
        now, _, state = self.read(wall_ms, span)
        if state == "paused":
            return self._replace(wall_ms=wall_ms, venue_ms=now, touched_ms=wall_ms)
        return self._replace(touched_ms=max(wall_ms, self.touched_ms))


def start_clock(config: Mapping[str, Any], wall_ms: int, span: Span) -> VenueClock:
    """Make the clock that a feed starts with: `speed` (1), `at_ms` (the recording's start, or the wall's time without
    one) and `idle_pause` (only recordings pause) of its configuration. Raises ConfigError for values out of range."""
    speed = config.get("speed", 1)
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 <= speed <= 1_000_000:
        raise ConfigError(f"feed speed must be a number from 0 (stepped) to 1000000, not {speed!r}")
    at_ms = config.get("at_ms", span[0] if span else wall_ms)
    if isinstance(at_ms, bool) or not isinstance(at_ms, int) or at_ms <= 0:
        raise ConfigError(f"feed at_ms must be a time in ms since 1970, not {at_ms!r}")
    if span is not None and not span[0] <= at_ms <= span[1]:
        raise ConfigError(f"feed at_ms {at_ms} lies outside the recording, {span[0]} to {span[1]}")
    idle_pause = config.get("idle_pause", span is not None)
    if not isinstance(idle_pause, bool):
        raise ConfigError(f"feed idle_pause must be true or false, not {idle_pause!r}")
    return VenueClock(wall_ms, at_ms, float(speed), wall_ms, idle_pause and speed > 0)

"""The second budget of Hyperliquid: actions, which traded volume earns. Layer: venue. Pure.

10,000 to begin with and one more for each USD traded; a batch of n costs n. Below the reserve nothing new is placed, so
that cancels and a flatten find room.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Final

from pfmm.model.account import ActionsLeft

RESERVE: Final = 500
GRANTED: Final = 10_000  # to every address, before it has traded
LOW: Final = 0.2
READ_AGAIN_MS: Final = 600_000
WINDOW_MS: Final = 600_000  # of what was spent, for the forecast
SHORTEST_MS: Final = 60_000
HOUR_MS: Final = 3_600_000


class ActionBudget:
    """What one address may still do, read from the venue now and then and counted between. Times are the venue's."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._left: int | None = None
        self._cap = 0
        self._read_ms = 0
        self._began_ms: int | None = None
        self._spent: deque[tuple[int, int]] = deque()

    def due(self, now_ms: int) -> bool:
        """Tell whether the venue should be asked again."""
        return self._left is None or now_ms - self._read_ms >= READ_AGAIN_MS

    def learn(self, used: int, cap: int, now_ms: int) -> None:
        """Take over what the venue counts."""
        with self._lock:
            self._left, self._cap, self._read_ms = cap - used, cap, now_ms
            self._began_ms = now_ms if self._began_ms is None else self._began_ms

    def left(self) -> ActionsLeft | None:
        """Return what is left and what was earned; None before the venue has told."""
        if self._left is None:
            return None
        return ActionsLeft(self._cap - self._left, self._left, max(self._cap - GRANTED, 0), RESERVE)

    def spend(self, actions: int, now_ms: int) -> None:
        """Count actions that were sent."""
        with self._lock:
            if self._left is not None:
                self._left -= actions
            self._spent.append((now_ms, actions))
            while self._spent and now_ms - self._spent[0][0] > WINDOW_MS:
                self._spent.popleft()

    def may_place(self, actions: int) -> bool:
        """Tell whether so many leave the reserve untouched; True where the venue has not said what is left."""
        return self._left is None or self._left - actions >= RESERVE

    def hourly(self, now_ms: int) -> float | None:
        """Work out the actions an hour that this process spent, over its last 10 minutes; None in its first minute."""
        began_ms = now_ms if self._began_ms is None else max(self._began_ms, now_ms - WINDOW_MS)
        if now_ms - began_ms < SHORTEST_MS:
            return None
        with self._lock:
            spent = sum(actions for at_ms, actions in self._spent if at_ms >= began_ms)
        return spent * HOUR_MS / (now_ms - began_ms)

    def low(self) -> bool:
        """Tell whether less than a fifth is left of what the venue grants."""
        return self._left is not None and self._left < LOW * self._cap

    def text(self, now_ms: int) -> str | None:
        """Tell what is left, and how long at the pace of 10 minutes: "actions left 9812, last 5 h at 1862 an hour"."""
        if self._left is None:
            return None
        hourly = self.hourly(now_ms)
        usable = max(self._left - RESERVE, 0)
        lasts = "" if not hourly else f", last {usable / hourly:.0f} h at {hourly:.0f} an hour"
        return f"actions left {max(self._left, 0)}{lasts}"

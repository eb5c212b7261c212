"""Rate limits of the paper exchange, kept a key and a lane in fixed windows. The caller brings the time.

Layer: paper.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from typing import Literal

Lane = Literal["orders", "data", "cancels"]

WINDOW_S = 60
LIMITS: dict[Lane, int] = {"orders": 120, "data": 600, "cancels": 120}
_SWEEP_AT = 4096


@dataclass(frozen=True, slots=True)
class Allowance:
    """The answer to one request: whether it may pass, and what the X-RateLimit headers say.

    `reset_s` is the whole seconds until the window starts afresh, which is also the Retry-After of a refusal.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_s: int


class Throttle:
    """Counts requests a minute: 120 for orders and 600 for data. Cancels count as orders, and have room for 120 more
    once those are spent, so that a maker who has used up the budget can still pull the quotes. Threads may share it.
    """

    def __init__(self, limits: dict[Lane, int] | None = None) -> None:
        self._limits = LIMITS if limits is None else limits
        self._lock = threading.Lock()
        self._used: dict[tuple[str, Lane], tuple[float, int]] = {}
        self._sweep_at = _SWEEP_AT

    def take(self, key: str, lane: Lane, now_s: float) -> Allowance:
        """Take one request of `key` in `lane` at `now_s` (seconds of any clock that never goes back).

        A window starts with its first request. With a limit of 2: requests at 0, 1 and 2 s leave 1, 0 and a
        refusal for another 58 s; the one at 60 s starts a new window.
        """
        with self._lock:
            if lane != "cancels":
                return self._take(key, lane, now_s)
            budget = self._take(key, "orders", now_s)
            if budget.allowed:
                return budget
            extra = self._take(key, "cancels", now_s)
            return replace(budget, allowed=extra.allowed, reset_s=min(budget.reset_s, extra.reset_s))

    def _take(self, key: str, lane: Lane, now_s: float) -> Allowance:
        limit = self._limits[lane]
        start, used = self._used.get((key, lane), (now_s, 0))
        if now_s - start >= WINDOW_S:
            start, used = now_s, 0
        allowed = used < limit
        if allowed:
            used += 1
            self._sweep(now_s)
            self._used[key, lane] = (start, used)
        reset_s = max(1, math.ceil(start + WINDOW_S - now_s))
        return Allowance(allowed=allowed, limit=limit, remaining=limit - used, reset_s=reset_s)

    def _sweep(self, now_s: float) -> None:
        """Forget windows that are over. Keys are whatever clients send: they must not grow the table for ever."""
        if len(self._used) < self._sweep_at:
            return
        self._used = {at: window for at, window in self._used.items() if now_s - window[0] < WINDOW_S}
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._used))

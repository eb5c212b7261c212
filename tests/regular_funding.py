"""Funding of a made-up market: a settlement at every whole multiple of its interval, at the rate of `rate_at`."""

from __future__ import annotations

from pfmm.paper.feeds.feed import Settlement
from pfmm.paper.feeds.settlements import HOUR_MS, regular


class RegularFunding:
    """The funding half of a Feed; the rate (1e-8 per interval) is announced before it settles."""

    interval_hours = 8

    def as_of(self, market: str, time_ms: int) -> int:
        return time_ms

    def rate_at(self, market: str, settle_ms: int) -> int:
        return 0

    def settlements(self, market: str, after_ms: int, to_ms: int) -> list[Settlement]:
        times = regular(after_ms, to_ms, self.interval_hours * HOUR_MS)
        return [Settlement(at, self.rate_at(market, at), self.interval_hours) for at in times]

    def next_settlement(self, market: str, time_ms: int) -> Settlement:
        return self.settlements(market, time_ms, time_ms + self.interval_hours * HOUR_MS)[0]

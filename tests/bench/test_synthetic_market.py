"""What the synthetic market does to makers: markouts of all prints, held near those of the recorded ticks.

The bounds are 30 % about the means of two recorded markets over 8 minutes: -0.66, -0.865 and -1.165 bps.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from statistics import fmean

import pytest

from pfmm.paper.feeds.feed import EVERYTHING, QUOTE
from pfmm.paper.feeds.synthetic import SyntheticFeed

pytestmark = [pytest.mark.bench, pytest.mark.slow]
START = 1_790_000_000_000
DAY_MS = 86_400_000
SPAN_MS = 5_400_000
RECORDED = {1: -0.66, 5: -0.865, 30: -1.165}


def markouts(seed: int, market: str) -> dict[int, float]:
    """The mean over all prints of 1.5 hours, bps, by horizon; the mid before is the last one strictly earlier."""
    start = START + seed * DAY_MS
    times: list[int] = []
    mids: list[float] = []
    prints: list[tuple[int, int]] = []
    for event in SyntheticFeed(seed).events(market, start, start + SPAN_MS, EVERYTHING):
        if event.kind == QUOTE:
            times.append(event.time_ms)
            mids.append((event.bid + event.ask) / 2)
        else:
            prints.append((event.time_ms, event.aggressor))
    found: dict[int, list[float]] = {horizon: [] for horizon in RECORDED}
    for time_ms, aggressor in prints:
        at = bisect_left(times, time_ms) - 1
        for horizon, values in found.items():
            if at >= 0 and time_ms + horizon * 1000 <= times[-1]:
                later = mids[bisect_right(times, time_ms + horizon * 1000) - 1]
                values.append(-aggressor * (later - mids[at]) / mids[at] * 1e4)
    return {horizon: fmean(values) for horizon, values in found.items()}


def test_prints_move_the_price_as_recorded_ones_do() -> None:
    found = [markouts(seed, market) for seed in range(1, 21) for market in ("BTC-PERP", "ETH-PERP")]
    for horizon, recorded in RECORDED.items():
        mean = fmean(one[horizon] for one in found)
        print(f"\nmarkout {horizon} s: {mean:+.3f} bps, recorded {recorded:+.3f}")
        assert 1.3 * recorded <= mean <= 0.7 * recorded

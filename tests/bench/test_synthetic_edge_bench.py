"""The break-even maker fee of the default quote on the synthetic market: it must not flatter.

`python -m pytest -m bench -s tests/bench/test_synthetic_edge_bench.py` prints each seed; it takes some minutes.
"""

from __future__ import annotations

from decimal import Decimal
from math import sqrt
from pathlib import Path
from statistics import fmean, median, stdev

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.app.backtest_jobs import Job, run_job
from pfmm.model.order import Fill
from tests.bench.synthetic_worlds import SEEDS, START_MS, synthetic

pytestmark = [pytest.mark.bench, pytest.mark.slow]
LOWEST, HIGHEST, MOST_ERROR = -1.7, -0.7, 0.15  # bps
FIRST_TRIP_S = 2 * 219.1  # twice what it took, measured alike, in the market of the first generator


def test_the_default_quote_loses_before_fees_as_on_recorded_ticks(pfmm_home: Path) -> None:
    found = []
    for seed in SEEDS:
        (run,) = run_job(Job("quote", "BTC-PERP", (), queues=("pessimistic",)), synthetic(seed))
        headline = run.report.edge.headline
        assert headline.bps is not None
        found.append(headline.bps)
        print(f"\nseed {seed:2d}: BE_5s {headline.bps:+.3f} ± {headline.se_bps:.3f}, {headline.n_fills} fills", end="")
    error = stdev(found) / sqrt(len(found))
    print(f"\nmean of {len(found)} seeds: {fmean(found):+.3f} ± {error:.3f} bps")
    assert LOWEST <= fmean(found) <= HIGHEST
    assert error <= MOST_ERROR


def first_reduction_s(fills: list[Fill]) -> float:
    """When a fill first gave back what an earlier one had taken, s from the start; never is infinity."""
    held = Decimal(0)
    for fill in fills:
        before, held = held, held + fill.signed_size
        if abs(held) < abs(before):
            return (fill.time_ms - START_MS) / 1000
    return float("inf")


def test_a_first_round_trip_of_the_default_grid_comes_soon(pfmm_home: Path) -> None:
    waited = []
    for seed in SEEDS:
        (run,) = run_job(Job("grid", "BTC-PERP", (), queues=("pessimistic",)), synthetic(seed, hours=4))
        waited.append(first_reduction_s([one.fill for one in run.outcome.fills]))
    print(f"\nfirst round trip of the default grid: median {median(waited):.0f} s of {len(waited)} seeds")
    assert median(waited) <= FIRST_TRIP_S

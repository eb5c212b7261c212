"""How much inventory the default quote carries with and without skew: recorded ticks and synthetic seeds.

Run with -m bench -s; the table is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.app.backtest_jobs import Job, overrides_tuple, run_job
from pfmm.backtest.loading import World, load
from pfmm.backtest.simulation import Outcome, span_of
from pfmm.paper.feeds.tape_cache import TapeCache
from tests.bench.synthetic_worlds import HOURS, SEEDS, synthetic

pytestmark = [pytest.mark.bench, pytest.mark.slow]
LIMIT = 500  # USD, the default


def carried(outcome: Outcome, start_ms: int) -> tuple[float, float]:
    """Mean over time and largest absolute inventory, USD at the last mark."""
    mark, held, worst, weighted = float(outcome.mark), Decimal(0), 0.0, 0.0
    moments = [(start_ms, Decimal(0))] + [(one.fill.time_ms, one.fill.signed_size) for one in outcome.fills]
    for (at, change), (until, _) in pairwise([*moments, (outcome.ended_ms, Decimal(0))]):
        held += change
        usd = abs(float(held)) * mark
        worst, weighted = max(worst, usd), weighted + usd * (until - at)
    return weighted / max(outcome.ended_ms - start_ms, 1), worst


def table(name: str, market: str, worlds: Sequence[World]) -> dict[str, float]:
    """Prints mean and largest |inventory| over the worlds, and returns the means by skew_at_limit."""
    means = {}
    for skew in ("0", "1"):
        job = Job("quote", market, (), overrides_tuple({"quote.skew_at_limit": skew}), queues=("pessimistic",))
        runs = [(run_job(job, world)[0].outcome, span_of(world.columns, None, None)[0]) for world in worlds]
        found = [carried(outcome, start_ms) for outcome, start_ms in runs]
        means[skew] = sum(mean for mean, _ in found) / len(found)
        worst = [most for _, most in found]
        fills = sum(len(outcome.fills) for outcome, _ in runs)
        print(
            f"{name:28} skew_at_limit {skew}: mean |inventory| {means[skew]:6.1f} USD, largest {max(worst):6.1f} "
            f"(mean of largest {sum(worst) / len(worst):6.1f}), {fills} fills",
            flush=True,
        )
    return means


def test_skew_lowers_the_inventory_that_is_carried(pfmm_home: Path) -> None:
    print()
    worlds = [synthetic(seed) for seed in SEEDS]
    means = table(f"{len(SEEDS)} synthetic seeds, {HOURS:g} h", "BTC-PERP", worlds)
    assert means["1"] < means["0"]


@pytest.mark.parametrize(("market", "symbol"), [("BTC-PERP", "btcusdt"), ("ETH-PERP", "ethusdt")])
def test_inventory_on_recorded_ticks(
    market: str, symbol: str, shared_data: Path, pfmm_home: Path, tmp_path: Path
) -> None:
    folder = shared_data / "binance-usdm-ticks"
    files = [folder / f"{symbol}_{day}.gz" for day in ("20240718", "20240719")]
    print()
    means = table(f"{market}, recorded ticks", market, [load(files, market, TapeCache(tmp_path))])
    assert all(0 < mean < LIMIT for mean in means.values())

"""How much inventory the default quote carries with and without skew: recorded ticks and synthetic seeds.

Run with -m bench -s; the table is printed.
"""

from __future__ import annotations

from array import array
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.columns import Columns
from pfmm.backtest.loading import load
from pfmm.backtest.simulation import Clockwork, Outcome, simulate, span_of
from pfmm.engine.report import Limits, RunSpec
from pfmm.model.plan import Tolerance
from pfmm.paper.feeds.feed import QUOTE
from pfmm.paper.feeds.replay_tape import MarketTape
from pfmm.paper.feeds.synthetic import EVERYTHING, SyntheticFeed
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteStrategy

pytestmark = [pytest.mark.bench, pytest.mark.slow]

LIMIT = Decimal(500)
SEEDS = range(1, 21)
HOURS = 1.5
START_MS = 1_735_689_600_000
CALIBRATED = QuoteConfig(kappa_per_bp=1.0, intensity_per_s=0.5)  # about what recorded bitcoin and ether fit


def synthetic(seed: int, market: str = "BTC-PERP") -> Columns:
    """Every event of a stretch of the synthetic market."""
    feed = SyntheticFeed(seed)
    end_ms = START_MS + round(HOURS * 3_600_000)
    opening = feed.quote(market, START_MS)
    rows = array("q", (START_MS, QUOTE, opening.bid, opening.bid_size, opening.ask, opening.ask_size))
    for event in feed.events(market, START_MS, end_ms, EVERYTHING):
        rows.extend(event if event[1] == QUOTE else (*event, 0))
    empty = memoryview(array("q"))
    return Columns(MarketTape(feed.spec(market), memoryview(rows), empty, empty, empty))


def carried(outcome: Outcome, start_ms: int) -> tuple[float, float]:
    """Mean over time and largest absolute inventory, USD at the price of each fill."""
    mark, held, worst, weighted = float(outcome.mark), Decimal(0), 0.0, 0.0
    moments = [(start_ms, Decimal(0))] + [(one.fill.time_ms, one.fill.signed_size) for one in outcome.fills]
    for (at, change), (until, _) in pairwise([*moments, (outcome.ended_ms, Decimal(0))]):
        held += change
        usd = abs(float(held)) * mark
        worst, weighted = max(worst, usd), weighted + usd * (until - at)
    return weighted / max(outcome.ended_ms - start_ms, 1), worst


def run(columns: Columns, config: QuoteConfig) -> tuple[float, float, int]:
    start_ms, end_ms = span_of(columns, None, None)
    limits = Limits(LIMIT, tolerance=Tolerance(Decimal(2), Decimal("0.2"), 0))
    spec = RunSpec(QuoteStrategy(columns.tape.spec.market, config), {}, limits)
    outcome = simulate(columns, spec, Clockwork(start_ms, end_ms, 3_000, 50))
    return *carried(outcome, start_ms), len(outcome.fills)


def table(name: str, markets: list[Columns]) -> dict[float, float]:
    """Prints mean and largest |inventory| over the markets, and returns the means by skew_at_limit."""
    means = {}
    for skew in (0.0, 1.0):
        config = QuoteConfig(
            skew_at_limit=skew, kappa_per_bp=CALIBRATED.kappa_per_bp, intensity_per_s=CALIBRATED.intensity_per_s
        )
        found = [run(columns, config) for columns in markets]
        means[skew] = sum(mean for mean, _, _ in found) / len(found)
        worst = [most for _, most, _ in found]
        fills = sum(count for *_, count in found)
        print(
            f"{name:24} skew_at_limit {skew:g}: mean |inventory| {means[skew]:6.1f} USD, largest {max(worst):6.1f} "
            f"(mean of largest {sum(worst) / len(worst):6.1f}), {fills} fills"
        )
    return means


def test_skew_lowers_the_inventory_that_is_carried(tmp_path: Path) -> None:
    print()
    means = table(f"{len(SEEDS)} synthetic seeds, {HOURS:g} h", [synthetic(seed) for seed in SEEDS])
    assert means[1.0] < means[0.0]


@pytest.mark.parametrize(("market", "symbol"), [("BTC-PERP", "btcusdt"), ("ETH-PERP", "ethusdt")])
def test_inventory_on_recorded_ticks(market: str, symbol: str, shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "binance-usdm-ticks"
    files = [folder / f"{symbol}_{day}.gz" for day in ("20240718", "20240719")]
    world = load(files, market, tmp_path)
    print()
    means = table(f"{market}, recorded ticks", [world.columns])
    assert all(0 < mean < float(LIMIT) for mean in means.values())

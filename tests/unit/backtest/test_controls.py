"""Two controls of every figure that a backtest prints: a market in which nobody can earn, and one that pays a maker.

In the first prices are a martingale and prints are made at the mid: before fees every strategy earns nothing, but for
what it loses to prices that pass its orders. In the second prints move nothing: a quoter earns its distance.
"""

from __future__ import annotations

from decimal import Decimal
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.accounting.edge import gain_usd
from pfmm.app.backtest_jobs import Job, overrides_tuple, run_job
from pfmm.backtest.loading import World
from pfmm.backtest.results import Scenario
from tests.unit.backtest.made_markets import MARKET, UNITS, martingale, martingale_candles, paying

FEW, MANY = range(1, 9), range(1, 21)  # the seeds by default, and under `-m slow`
MOST_T = {len(FEW): 4.0, len(MANY): 3.2}  # one-sided, 7 and 19 degrees of freedom: by chance once in 400
HORIZON_MS = 5_000
SETTINGS = {
    "grid": {"grid.range_pct": "0.6", "grid.levels": "20", "run.max_inventory_usd": "1500"},  # a side is worth 1,007
    "ladder": {"ladder.spacing_bps": "2"},
    "quote": {},
}


def scenario_of(kind: str, world: World, settings: dict[str, str]) -> Scenario:
    """The run that a user sees first."""
    job = Job(kind, MARKET, (), overrides_tuple(settings), queues=("pessimistic",))
    (found,) = run_job(job, world)
    return found


def gains(run: Scenario, world: World) -> tuple[Decimal, Decimal]:
    """(capture + markout at 5 s, notional) of its fills, USD; those of the last seconds have no markout."""
    last_ms = world.columns.times[-1]
    fills = [one.fill for one in run.outcome.fills if one.fill.time_ms + HORIZON_MS <= last_ms]
    gain = notional = Decimal(0)
    for fill in fills:
        after = Decimal(sum(world.columns.quote_at(fill.time_ms + HORIZON_MS))) / (2 * UNITS)
        gain += gain_usd(fill.side.sign, fill.price, fill.size, after)
        notional += fill.price * fill.size
    return gain, notional


def t_of(values: list[float]) -> float:
    return fmean(values) / (stdev(values) / sqrt(len(values)))


# a ladder is a quote of several levels
CASES = [("grid", FEW), ("quote", FEW), *(pytest.param(kind, MANY, marks=pytest.mark.slow) for kind in SETTINGS)]


@pytest.mark.parametrize(("kind", "seeds"), CASES)
def test_nobody_earns_where_prints_are_a_martingale(pfmm_home: Path, kind: str, seeds: range) -> None:
    earned, traded = [], Decimal(0)
    for seed in seeds:
        world = martingale(seed)
        gain, notional = gains(scenario_of(kind, world, SETTINGS[kind]), world)
        earned.append(float(gain))
        traded += notional
    bps = sum(earned) / float(traded) * 10_000
    print(f"\n{kind}: capture + m_5s {bps:+.3f} bps of {traded:.0f} USD, t({len(seeds) - 1}) = {t_of(earned):+.2f}")
    assert traded > 500 * len(seeds)
    assert t_of(earned) < MOST_T[len(seeds)]


@pytest.mark.parametrize(("kind", "seeds"), CASES)
def test_nobody_earns_where_candles_are_a_martingale(pfmm_home: Path, kind: str, seeds: range) -> None:
    settings = {"grid": {"grid.range_pct": "1", "grid.levels": "40"}, "ladder": {}, "quote": {}}[kind]
    earned, fills = [], 0
    for seed in seeds:
        run = scenario_of(kind, martingale_candles(seed), settings)
        earned.append(float(run.report.pnl.total + run.report.pnl.fees))
        fills += len(run.outcome.fills)
    found = t_of(earned)
    print(f"\n{kind} on candles: gross {sum(earned):+.2f} USD of {fills} fills, t({len(seeds) - 1}) = {found:+.2f}")
    assert fills > 15 * len(seeds)
    assert found < MOST_T[len(seeds)]


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_a_quoter_earns_its_distance_where_prints_move_nothing(pfmm_home: Path, seeds: range) -> None:
    half = 50  # units, 5 bps
    settings = {
        "quote.model": "fixed", "quote.half_spread_bps": "5", "quote.min_spread_bps": "0", "quote.size_usd": "20",
        "quote.drift_bps": "0.05",
    }  # fmt: skip
    gain = notional = Decimal(0)
    for seed in seeds:
        world = paying(seed, half)
        one = gains(scenario_of("quote", world, settings), world)
        gain, notional = gain + one[0], notional + one[1]
    bps = float(gain / notional) * 10_000
    print(f"\nprints at 5 bps that move nothing: {bps:+.3f} bps of {notional:.0f} USD")
    assert notional > 500 * len(seeds)
    assert bps == pytest.approx(5, rel=0.1)

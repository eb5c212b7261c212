"""The table of `pfmm help measured`: the article's loop, pfmm's grid and pfmm's quote on the recorded data.

`python -m pytest -m bench -s tests/bench/test_backtest_table.py` prints it; the candles take some minutes.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.backtest_jobs import QUEUES, Job, overrides_tuple, run_spec, settings_of
from pfmm.backtest.loading import World, load
from pfmm.backtest.results import Scenario, scenario
from pfmm.backtest.simulation import Clockwork, simulate, span_of
from pfmm.backtest.values import instrument_of
from pfmm.model.fees import FeeChoice
from pfmm.paper.feeds.tape_cache import TapeCache
from tests.article_loop import run_article

pytestmark = [pytest.mark.bench, pytest.mark.slow]

TICKS = {"grid.levels": "20", "grid.range_pct": "0.3", "grid.size_usd": "100", "quote.size_usd": "100"}
CANDLES = {"grid.levels": "30", "grid.range_pct": "15", "grid.size_usd": "50", "quote.size_usd": "50"}
HEAD = (
    f"{'data':16} {'strategy':9} {'queue':12} {'fills':>6} {'P&L':>10} {'spread':>9} {'adverse':>9} {'invent.':>9} "
    f"{'fees':>8} {'funding':>8} {'drawdown':>9} {'requests':>8}"
)


def job_of(kind: str, market: str, values: dict[str, str]) -> Job:
    return Job(kind, market, (), overrides_tuple({"run.max_inventory_usd": "1000", **values}))


def runs(world: World, market: str, interval_ms: int, values: dict[str, str]) -> list[tuple[str, Scenario]]:
    """The three strategies with both queue models."""
    columns = world.columns
    clockwork = Clockwork(*span_of(columns, None, None), interval_ms=interval_ms, latency_ms=50)
    found = []
    for kind in ("article", "grid", "quote"):
        for queue in QUEUES:
            if kind == "article":
                size = float(values["quote.size_usd"])
                outcome = run_article(columns, clockwork, queue, size_usd=size)
            else:
                job = job_of(kind, market, values)
                spec = run_spec(settings_of(job), instrument_of(columns.tape.spec), kind)
                outcome = simulate(columns, spec, clockwork, queue=queue)
            found.append((kind, scenario(columns, outcome, clockwork, kind)))
    return found


def show(data: str, found: list[tuple[str, Scenario]]) -> None:
    for kind, one in found:
        pnl = one.report.pnl
        print(
            f"{data:16} {kind:9} {one.queue:12} {len(one.outcome.fills):6d} {pnl.total:+10.4f} "
            f"{pnl.spread_capture:+9.3f} {pnl.adverse_selection:+9.3f} {pnl.inventory:+9.3f} {-pnl.fees:+8.3f} "
            f"{pnl.funding:+8.3f} {one.drawdown_usd:9.3f} {one.outcome.requests:8d}",
            flush=True,
        )
        assert pnl.total == pnl.spread_capture + pnl.adverse_selection + pnl.inventory - pnl.fees + pnl.funding
        assert Decimal(10_000) + pnl.total == one.outcome.equity


@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_recorded_ticks(shared_data: Path, pfmm_home: Path, tmp_path: Path, coin: str) -> None:
    folder = shared_data / "binance-usdm-ticks"
    files = [folder / f"{coin.lower()}usdt_{day}.gz" for day in ("20240718", "20240719")]
    world = load(files, f"{coin}-PERP", TapeCache(tmp_path), charge=FeeChoice("article"))
    print("\n" + HEAD)
    show(f"{coin} 8 minutes", runs(world, f"{coin}-PERP", 3_000, TICKS))


@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL"])
def test_month_of_candles(shared_data: Path, pfmm_home: Path, tmp_path: Path, coin: str) -> None:
    file = shared_data / "candles-1m" / f"binance_{coin}USDT_1m_2025-05.csv.gz"
    funding = shared_data / "funding" / f"binance_{coin}USDT_8h.csv"
    values = CANDLES if coin != "BTC" else {**CANDLES, "grid.size_usd": "150", "quote.size_usd": "150"}
    print("\n" + HEAD)
    world = load([file], f"{coin}-PERP", TapeCache(tmp_path), funding, charge=FeeChoice("article"))
    show(f"{coin} candles", runs(world, f"{coin}-PERP", 300_000, values))

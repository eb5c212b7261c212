"""The tables of `pfmm help measured`: the article's loop, grid, ladder and quote on the recorded data.

`python -m pytest -m bench -s tests/bench/test_backtest_table.py` prints them and holds the ticks to what the topic
says; the candles take some minutes.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

import pfmm
from pfmm.app.backtest_jobs import Job, overrides_tuple, run_job
from pfmm.backtest.loading import World, load
from pfmm.backtest.results import Scenario, scenario
from pfmm.backtest.simulation import Clockwork, span_of
from pfmm.model.fees import FeeChoice
from pfmm.paper.feeds.tape_cache import TapeCache
from pfmm.report.wording import bps_words
from tests.article_loop import run_article

pytestmark = [pytest.mark.bench, pytest.mark.slow]

KINDS = ("article", "grid", "ladder", "quote")
MAKER_BPS = ("-2", "0", "1.5")
# a grid's usual range is wider than eight minutes are; all else is at its default
SETTINGS = {"grid": {"grid.levels": "14", "grid.range_pct": "0.3", "grid.size_usd": "65"}}
ARTICLE_USD = 65.0  # a lot of the recorded bitcoin market is 64 USD
MEASURED = (Path(pfmm.__file__).parent / "help" / "measured.md").read_text("utf-8")
CANDLES = f"{'data':4} {'strategy':8} {'fills':>6} {'net':>9} {'prices':>9} {'fees':>8} {'funding':>8} {'drawdown':>9}"


def run_of(kind: str, market: str, world: World) -> Scenario:
    """The run that a user sees first; the article's loop with the same latency and interval."""
    if kind != "article":
        job = Job(kind, market, (), overrides_tuple(SETTINGS.get(kind, {})), queues=("pessimistic",))
        return run_job(job, world)[0]
    columns = world.columns
    clockwork = Clockwork(*span_of(columns, None, None), interval_ms=3_000, latency_ms=50)
    outcome = run_article(columns, clockwork, "pessimistic", size_usd=ARTICLE_USD)
    return scenario(columns, outcome, clockwork, kind)


def largest_usd(run: Scenario) -> Decimal:
    """The largest |inventory| at the price of the fill that made it."""
    held = largest = Decimal(0)
    for one in run.outcome.fills:
        held += one.fill.signed_size
        largest = max(largest, abs(held) * one.fill.price)
    return largest


def row_of(coin: str, maker: str, kind: str, run: Scenario) -> str:
    """The run's line of the table in `pfmm help measured`."""
    report, volume = run.report, sum(one.fill.price * one.fill.size for one in run.outcome.fills)
    bps = [report.pnl.spread_capture / volume * 10_000 if volume else None]
    bps += [report.markouts_bps[horizon] for horizon in ("5s", "30s")]
    cells = [coin, f"{Decimal(maker):+f}" if maker != "0" else "0", "article's" if kind == "article" else kind]
    cells += [str(report.fills), str(len(run.outcome.orders)), f"{volume:,.0f}"]
    cells += ["n/a" if value is None else f"{value:+.2f}" for value in bps]
    cells += [bps_words(report.edge.headline), f"{report.pnl.gross:+.3f}", f"{report.pnl.total:+.3f}"]
    return f"| {' | '.join([*cells, f'{largest_usd(run):,.0f}'])} |".replace("-", "−")


@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_recorded_ticks(shared_data: Path, pfmm_home: Path, tmp_path: Path, coin: str) -> None:
    folder, market = shared_data / "binance-usdm-ticks", f"{coin}-PERP"
    files = [folder / f"{coin.lower()}usdt_{day}.gz" for day in ("20240718", "20240719")]
    print()
    rows = []
    for maker in MAKER_BPS:
        world = load(files, market, TapeCache(tmp_path), charge=FeeChoice(maker_bps=Decimal(maker)))
        for kind in KINDS:
            run = run_of(kind, market, world)
            rows.append(row_of(coin, maker, kind, run))
            pnl = run.report.pnl
            print(rows[-1], flush=True)
            assert pnl.total == pnl.spread_capture + pnl.adverse_selection + pnl.inventory - pnl.fees + pnl.funding
            assert Decimal(10_000) + pnl.total == run.outcome.equity
    assert rows == [line for line in MEASURED.splitlines() if line.startswith(f"| {coin} |")]


@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL"])
def test_month_of_candles(shared_data: Path, pfmm_home: Path, tmp_path: Path, coin: str) -> None:
    file = shared_data / "candles-1m" / f"binance_{coin}USDT_1m_2025-05.csv.gz"
    funding = shared_data / "funding" / f"binance_{coin}USDT_8h.csv"
    print("\n" + CANDLES)
    world = load([file], f"{coin}-PERP", TapeCache(tmp_path), funding, charge=FeeChoice("binance"))
    for kind in KINDS[1:]:
        values = (
            {"grid.levels": "30", "grid.range_pct": "15", "run.max_inventory_usd": "2000"} if kind == "grid" else {}
        )
        (run,) = run_job(Job(kind, f"{coin}-PERP", (), overrides_tuple(values)), world)
        pnl = run.report.pnl
        print(
            f"{coin:4} {kind:8} {run.report.fills:6d} {pnl.total:+9.2f} {pnl.inventory:+9.2f} {-pnl.fees:+8.2f} "
            f"{pnl.funding:+8.2f} {run.drawdown_usd:9.2f}",
            flush=True,
        )
        assert pnl.total == pnl.inventory - pnl.fees + pnl.funding

"""Order actions over the recorded ticks: the article's loop against pfmm's quote. Run with -m bench -s.

A venue that counts order actions grants one for each USD traded: what is spent and earned so an hour stands beside it.

The article's loop posts two new orders every 3 s and never cancels. Both post the article's quotes (8 bps from the mid,
its inventory skew, its volatility regimes), so that only the requoting differs; every item of a batch counts as an
action. The default model beside it, whose tight quotes fill often: a filled order needs a new one.

Within tolerance is judged twice: after every cycle against what that cycle wanted, and every half second against what a
decision of that very moment would want, which no loop of 3 s can follow in a jump.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.loading import load
from pfmm.backtest.simulation import Clockwork, span_of
from pfmm.model.cycle import CycleReport
from pfmm.model.order import Fill
from pfmm.model.plan import DesiredOrder, MarketView, OwnOrder
from pfmm.paper.feeds.replay import ReplayFeed
from pfmm.paper.feeds.tape_building import build_tape
from pfmm.paper.feeds.tape_cache import TapeCache
from pfmm.strategy.calibration import calibrate, implied_mids
from pfmm.strategy.quote.config import QuoteConfig, with_calibration
from pfmm.strategy.quote.strategy import QuoteStrategy
from tests.article_loop import run_article
from tests.e2e.engine_rig import LIMITS, STEP_MS, Rig, rig

pytestmark = pytest.mark.bench

ARTICLE = QuoteConfig(model="fixed")
ARTICLE_USD = 65.0  # a lot of the recorded bitcoin market is 64 USD
REFIT_MS = 120_000
LOOKS = 6  # between two cycles: every half second


@dataclass
class Count:
    """What one replay took."""

    cycles: int = 0
    actions: int = 0
    fills: int = 0
    volume_usd: Decimal = Decimal(0)
    wanted: int = 0
    right: int = 0
    looks: int = 0
    right_at_looks: int = 0
    missing: int = 0

    @property
    def article(self) -> int:
        return 2 * self.cycles

    def an_hour(self, actions: int, earned: Decimal) -> str:
        """What so many actions and USD of volume are an hour."""
        hours = Decimal(self.cycles * STEP_MS) / 3_600_000
        return f"{actions / hours:,.0f} actions an hour spent, {earned / hours:,.0f} earned"


@pytest.mark.parametrize("symbol", ["btc", "eth"])
def test_order_actions_over_the_recording(symbol: str, shared_data: Path, tmp_path: Path) -> None:
    files = [shared_data / "binance-usdm-ticks" / f"{symbol}usdt_2024071{day}.gz" for day in (8, 9)]
    feed = ReplayFeed(build_tape(files, tmp_path))
    market, lines = f"{symbol.upper()}-PERP", []
    for name, config in (("the article's quotes", ARTICLE), ("default model", QuoteConfig())):
        folder = tmp_path / config.model
        folder.mkdir()
        count = _replay(folder, feed, market, config)
        saved = 1 - count.actions / count.article
        right = count.right / count.wanted
        lines.append(
            f"{symbol.upper()}, {name}: {count.actions} order actions against {count.article}: {saved:.1%} fewer "
            f"({count.fills} fills); quotes within tolerance after {right:.2%} of {count.wanted} decisions, "
            f"{count.right_at_looks / count.looks:.2%} of the time against a decision every half second "
            f"(filled and not yet replaced: {count.missing / (count.missing + count.looks):.2%})"
        )
        lines.append(f"  {count.an_hour(count.actions, count.volume_usd)}")
        assert right >= 0.99
        if config is ARTICLE:
            assert saved >= 0.9
    spent_and_earned = count.an_hour(count.article, _article_volume(files, market, tmp_path))
    print("\n" + "\n".join([*lines, f"{symbol.upper()}, the article's loop: {spent_and_earned}"]))


def _article_volume(files: Sequence[Path], market: str, folder: Path) -> Decimal:
    """What the article's own loop trades over the recording, USD."""
    columns = load(files, market, TapeCache(folder / "cache")).columns
    clockwork = Clockwork(*span_of(columns, None, None), interval_ms=STEP_MS, latency_ms=50)
    return _traded(one.fill for one in run_article(columns, clockwork, "pessimistic", size_usd=ARTICLE_USD).fills)


def _traded(fills: Iterable[Fill]) -> Decimal:
    return sum((fill.price * fill.size for fill in fills), Decimal(0))


def _replay(folder: Path, feed: ReplayFeed, market: str, config: QuoteConfig) -> Count:
    stored: dict[str, Any] = {"kind": "replay", "speed": 0}
    count = Count()
    with rig(folder, feed, config, LIMITS, (market,), stored) as r:
        start_ms = r.now_ms
        report = r.cycle()
        while report.time.state != "ended":
            count.cycles += 1
            _judge(report, count)
            if r.now_ms - start_ms >= REFIT_MS and (r.now_ms - start_ms) % REFIT_MS < STEP_MS:
                _refit(r, market, config)
            _look_on(r, market, report, count)
            report = r.step(STEP_MS // LOOKS)
        count.actions = sum(len(batch) for batch in r.venue.batches)
        count.fills = report.runs[0].fills
        count.volume_usd = _traded(item.fill for item in r.journal.fills())
    return count


def _refit(r: Rig, market: str, config: QuoteConfig) -> None:
    """What the command does between two cycles when its fit has grown old."""
    trades = r.venue.inner.trades(market, r.now_ms - 40_000)
    fitted = with_calibration(config, calibrate(trades, implied_mids(trades)))
    r.engine.replace_strategy(QuoteStrategy(market, fitted))


def _look_on(r: Rig, market: str, report: CycleReport, count: Count) -> None:
    """Between two cycles: are the orders that rest where the strategy would want them at this moment?"""
    for _ in range(LOOKS - 1):
        _compare(r, market, report, count)
        r.now_ms += STEP_MS // LOOKS
        r.venue.inner.advance(r.now_ms)
    _compare(r, market, report, count)


def _compare(r: Rig, market: str, report: CycleReport, count: Count) -> None:
    run = report.runs[0]
    (ticker,) = r.venue.inner.tickers([market])
    (active,) = r.engine._runs  # what the loop remembers, looked at and left alone
    size = active.ledger.size
    view = MarketView(r.now_ms, r.instruments[market], ticker, size, size, LIMITS.max_inventory_usd)
    _, decision = active.spec.strategy.decide(active.state, view)
    resting = {order.client_order_id for order in r.venue.inner.open_orders(market)}
    by_slot: dict[str, OwnOrder] = {order.slot: order for order in run.orders if order.client_order_id in resting}
    for wanted in decision.orders:
        order = by_slot.get(wanted.slot)
        if order is None:
            count.missing += 1
            continue
        count.looks += 1
        count.right_at_looks += _right(order, wanted)


def _judge(report: CycleReport, count: Count) -> None:
    """After a cycle: does everything that it wanted rest, where it wanted it?"""
    (run,) = report.runs
    by_slot = {order.slot: order for order in run.orders}
    for wanted in run.decision.orders if run.decision is not None else ():
        count.wanted += 1
        count.right += wanted.slot in by_slot and _right(by_slot[wanted.slot], wanted)


def _right(order: OwnOrder, wanted: DesiredOrder) -> bool:
    error_bps = abs(order.price - wanted.price) / wanted.price * Decimal(10_000)
    return error_bps <= LIMITS.tolerance.price_bps

"""What a loop costs at a venue that counts weights and actions, counted by the server itself in its own time."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from pfmm.engine.engine import Engine
from pfmm.engine.report import Limits, RunSpec
from pfmm.errors import RateLimited
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors
from pfmm.model.order import Batch, CancelOrder, NewOrder, Order, Side
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteStrategy
from tests.faults.lagging import ACCOUNT, START_MS, Lag, Lagging, lagging
from tests.faults.loop_world import ZERO

MARKETS = 6
STEP_MS = 3_000
MINUTE_MS = 60_000
# the venue's own table: what a question weighs, and for how many rows of an answer one more
WEIGHTS = {"exchangeStatus": 2, "l2Book": 2, "clearinghouseState": 2, "orderStatus": 2, "userRole": 60}
ROWS = {"userFillsByTime": 20, "userFunding": 20, "candleSnapshot": 60}


def weight(asked: dict[str, Any], rows: int) -> int:
    if "action" in asked:
        action = asked["action"]
        items = action.get("orders") or action.get("cancels") or action.get("modifies") or [None]
        return 1 + len(items) // 40
    kind = asked["type"]
    return WEIGHTS.get(kind, 20) + (rows // ROWS[kind] if kind in ROWS else 0)


def heaviest_minute(made: Lagging, from_ms: int = 0) -> int:
    """The most weight of any 60 s after a venue time."""
    sent = [(at_ms, weight(asked, rows)) for at_ms, asked, rows in made.log if at_ms >= from_ms]
    return max(sum(w for other_ms, w in sent if at_ms <= other_ms < at_ms + MINUTE_MS) for at_ms, _ in sent)


def test_looks_of_six_markets_are_cheap_while_nothing_changes(tmp_path: Path) -> None:
    with lagging(tmp_path, SyntheticFeed(1), Lag(), 1, MARKETS) as made, closing(made.venue(paced=True)) as venue:
        names = [one.market for one in venue.markets()]
        assert len(names) == MARKETS
        cursors, begun_ms, waits = Cursors(), made.now_ms, 0
        for cycle in range(1, 101):
            cursors = venue.snapshot(names, cursors).cursors
            waits += "stretched" in venue.budget_text()
            made.step(max(begun_ms + cycle * STEP_MS - made.now_ms, 1))
        minutes = (made.now_ms - begun_ms) / MINUTE_MS
        kinds = Counter(asked["type"] for at_ms, asked, _ in made.log)
        heaviest = heaviest_minute(made, begun_ms + MINUTE_MS)
        print(f"\nquiet: {heaviest} weight in the heaviest minute, {waits} looks waited, {dict(kinds)}")
        assert heaviest <= 800
        assert waits == 0
        # whole looks at most every 15 s, payments every 10 minutes, contexts once a minute
        assert kinds["frontendOpenOrders"] <= 4 * minutes + 1
        assert kinds["userFillsByTime"] <= 4 * minutes + 1
        assert kinds["userFunding"] == 1
        assert kinds["metaAndAssetCtxs"] <= minutes + 1
        assert kinds["clearinghouseState"] >= 100


@pytest.mark.parametrize("minutes", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_a_loop_that_sends_keeps_its_pace_and_says_that_it_waits(tmp_path: Path, minutes: int) -> None:
    config = QuoteConfig(model="fixed", half_spread_bps=2, sigma_annual=0.3, tilt_max=0, drift_bps=1)
    with lagging(tmp_path, SyntheticFeed(2), Lag(), 2, MARKETS) as made, closing(made.venue(paced=True)) as venue:
        instruments = {one.market: one for one in venue.markets()}
        journal = Journal.open(tmp_path / "j.sqlite3", venue="paper", account=ACCOUNT, nonce="abcdef")
        specs = [RunSpec(QuoteStrategy(name, config), {}, Limits(ZERO + 60)) for name in instruments]
        engine = Engine(venue, journal, specs, instruments, wall_ms=lambda: START_MS, pid=1)
        begun_ms, sent, waits, cycles = made.now_ms, 0, 0, 0
        while made.now_ms < begun_ms + minutes * MINUTE_MS:
            cycles += 1
            with suppress(RateLimited):  # a look that would have waited too long; nothing else may go wrong
                sent += any(run.plan.changes for run in engine.cycle().runs)
            waits += "stretched" in venue.budget_text()
            due_ms = begun_ms + ((made.now_ms - begun_ms) // STEP_MS + 1) * STEP_MS
            made.step(due_ms - made.now_ms)
        heaviest = heaviest_minute(made)
        print(f"\nsending: {heaviest} weight in the heaviest minute, {sent} of {cycles} cycles sent, {waits} waited")
        assert sent > cycles / 3
        assert waits
        assert heaviest <= 800
        assert "actions left" in venue.budget_text()
        journal.close()


def test_spent_actions_stop_new_orders_and_no_cancel(tmp_path: Path) -> None:
    with lagging(tmp_path, SyntheticFeed(3), Lag(), 3) as made, closing(made.venue(paced=True)) as venue:
        order = _small_order(venue)
        (resting,) = venue.submit(Batch(place=(order,))).place
        assert isinstance(resting, Order)
        venue._budget.learn(9_600, 10_000, made.now_ms)
        requests = len(made.log)
        with pytest.raises(RateLimited, match="reserve for cancels"):
            venue.submit(Batch(place=(order,)))
        assert len(made.log) == requests  # refused here, before anything was sent
        assert venue.budget_low()
        (cancelled,) = venue.submit(Batch(cancel=(CancelOrder("BTC-PERP", order_id=resting.order_id),))).cancel
        assert isinstance(cancelled, Order)
        assert made.exchange.orders(ACCOUNT) == ()


def test_a_venue_that_refuses_the_address_still_gets_the_cancels(tmp_path: Path) -> None:
    with lagging(tmp_path, SyntheticFeed(4), Lag(), 4) as made, closing(made.venue(paced=True)) as venue:
        order = _small_order(venue)
        (resting,) = venue.submit(Batch(place=(order,))).place
        assert isinstance(resting, Order)
        made.refuse_reads = 3
        for _ in range(3):
            with pytest.raises(RateLimited):
                venue.state([])
        (cancelled,) = venue.submit(Batch(cancel=(CancelOrder("BTC-PERP", order_id=resting.order_id),))).cancel
        assert isinstance(cancelled, Order)
        assert made.exchange.orders(ACCOUNT) == ()
        made.step(15_000)
        assert venue.state([]).orders == ()


def _small_order(venue: Any) -> NewOrder:
    (instrument, *_) = [one for one in venue.markets() if one.market == "BTC-PERP"]
    (ticker,) = venue.tickers(["BTC-PERP"])
    price = (ticker.mid / 2).quantize(ZERO + 1)
    size = (50 / price).quantize(instrument.size_step)
    return NewOrder("abcdef-1", "BTC-PERP", Side.LONG, size, price)

"""A fill that leaves next to nothing: no order is lost over it, none sent in vain, and none moved below the minimum."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.engine.report import Limits, RunSpec
from pfmm.model.account import Snapshot
from pfmm.model.order import Batch, BatchAnswer, Side
from pfmm.model.plan import OwnOrder, Tolerance
from pfmm.paper.feeds.feed import USD, MarketSpec
from pfmm.strategy.grid.plan import GridConfig
from pfmm.strategy.grid.strategy import GridStrategy
from pfmm.strategy.quote.strategy import QuoteStrategy
from tests.e2e.engine_rig import FIXED, MARKET, Rig, ScriptedFeed, Step, make_engine, rig

D = Decimal
LIMITS = Limits(D(5_000), tolerance=Tolerance(D(2), D("0.2"), 0))
LOT = D("0.00001")  # 0.01 USD at 1000
MINIMUM = D(10)
NOTHING = D(0)
REMAINDERS_A_SEED = 10


class FineFeed(ScriptedFeed):
    """Lots of a cent and a minimum of 10 USD."""

    def specs(self) -> Sequence[MarketSpec]:
        return (MarketSpec(MARKET, "crypto", 1, 5, 1, None, 10 * USD, 50, -20_000, 50_000, 8),)


def strategy_of(name: str) -> RunSpec:
    if name == "quote":
        return RunSpec(QuoteStrategy(MARKET, FIXED), {}, LIMITS)
    config = GridConfig(lower=D(990), upper=D(1010), levels=8, size_usd=D(25))
    return RunSpec(GridStrategy(MARKET, config), {}, LIMITS)


def watch_amends(r: Rig) -> list[str]:
    """What was amended to a remainder below the minimum."""
    found: list[str] = []

    def before(batch: Batch, _: Snapshot) -> BatchAnswer | None:
        for one in batch.amend:
            own = r.journal.order(one.client_order_id)
            assert own is not None
            if (one.size - own.filled) * one.price < MINIMUM:
                found.append(f"{own.slot}: {one.size - own.filled} at {one.price}")
        return None

    r.venue.before = before
    return found


def next_step(r: Rig, feed: ScriptedFeed, mid: int, order: OwnOrder | None = None, size: Decimal = NOTHING) -> Any:
    """One step on; with an order, a print goes through it that fills `size` of it."""
    steps = int(size / LOT)
    price = 0 if order is None else int(order.price * 10) - order.side.sign * 400
    while len(feed.steps) * 3_000 <= r.now_ms - 1_760_000_000_000 + 3_000:
        feed.steps.append(Step(mid - 1, mid + 1, price, steps))
    return r.step()


@pytest.mark.parametrize("name", ["quote", "grid"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_a_remainder_of_a_few_cents_loses_no_slot_and_is_sent_in_no_loop(tmp_path: Path, name: str, seed: int) -> None:
    """200 remainders of 0.01 to 9.99 USD in all, each with the market moving a little afterwards."""
    chance = random.Random(seed)
    feed = FineFeed([Step(9999, 10001)])
    with rig(tmp_path, feed) as r:
        r.specs = [strategy_of(name)]
        r.engine = make_engine(r.venue, r.journal, r.specs, r.instruments)
        tiny = watch_amends(r)
        reports = [r.cycle()]
        for _ in range(REMAINDERS_A_SEED):
            orders = [o for o in reports[-1].runs[0].orders if o.remaining * o.price > MINIMUM]
            assert orders, "something worth filling rests again"
            side = chance.choice((Side.LONG, Side.SHORT))
            nearest = min(orders, key=lambda o: (o.side is not side, abs(o.price - 1000)))
            left = D(chance.randint(1, 999)) / 100 / nearest.price
            reports.append(next_step(r, feed, 10_000, nearest, nearest.remaining - left))
            reports += [next_step(r, feed, 10_000 + chance.randint(-8, 8)) for _ in range(3)]
        fills = [event for report in reports for event in report.events if event.name == "fill"]
        assert len(fills) >= REMAINDERS_A_SEED
        refused = [dict(e.data) for report in reports for e in report.events if e.name in ("refused", "slot_stopped")]
        assert [one for one in refused if one["code"] != "post_only_would_cross"] == []
        assert tiny == []
        (row,) = reports[-1].runs
        assert row.decision is not None
        wanted = {order.slot for order in row.decision.orders}
        assert wanted <= {order.slot for order in row.orders}, "every slot that is wanted rests"
        still = [next_step(r, feed, 10_000) for _ in range(4)]
        assert sum(len(report.events) for report in still[2:]) == 0, "and then nothing more is sent"

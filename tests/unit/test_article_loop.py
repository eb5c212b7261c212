"""The baseline is what the article wrote: a pair of orders a look, none ever cancelled, and its own volatility."""

from __future__ import annotations

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from array import array
from decimal import Decimal

from pfmm.backtest.columns import Columns
from pfmm.backtest.simulation import Clockwork
from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.feeds.replay_tape import MarketTape
from tests.article_loop import VolatilityAdapter, run_article

T = 1_700_000_000_000
SPEC = MarketSpec("X-PERP", "crypto", 1, 3, 1, None, 1_000_000_000, 20, -20_000, 50_000, 8)


def test_two_orders_a_look_at_eight_bps() -> None:
    empty = memoryview(array("q"))
    rows = array("q", (T, 0, 9_999, 5_000, 10_001, 5_000, T + 9_000, 0, 9_999, 5_001, 10_001, 5_000))
    columns = Columns(MarketTape(SPEC, memoryview(rows), empty, empty, empty))
    outcome = run_article(columns, Clockwork(T, T + 9_000, 3_000), "pessimistic")
    # default volatility 0.5 is the medium regime: 1.5 x 8 bps around 1,000 and 0.7 x 50 USD; a market that has stood
    # still for three looks is the low one: 8 bps and 50 USD (1,000 x (1 - 0.0008) is a hair below 999.2 as a float)
    told = [(order.price, order.size) for order in outcome.orders]
    medium = [(Decimal("998.8"), Decimal("0.035")), (Decimal("1001.2"), Decimal("0.034"))]
    low = [(Decimal("999.1"), Decimal("0.050")), (Decimal("1000.8"), Decimal("0.049"))]
    assert told == medium * 2 + low * 2
    assert outcome.requests == 8


@pytest.mark.parametrize(("lazy", "other"), [(True, False)])
def test_the_loop_is_the_same_event_by_event(lazy: bool, other: bool) -> None:
    empty = memoryview(array("q"))
    rows = array("q")
    for second in range(60):
        mid = 10_000 + 40 * ((second * 7) % 5 - 2)
        rows.extend((T + second * 1_000, 0, mid - 1, 5_000, mid + 1, 5_000 + second))
    columns = Columns(MarketTape(SPEC, memoryview(rows), empty, empty, empty))
    clockwork = Clockwork(T, T + 59_000, 3_000, 50)
    one, two = (run_article(columns, clockwork, "pessimistic", lazy=way) for way in (lazy, other))
    assert one == two
    assert len(one.fills) > 5


def test_volatility_scales_as_if_samples_were_minutes_apart() -> None:
    adapter = VolatilityAdapter()
    for price in (100.0, 101.0, 100.0):
        adapter.update(price)
    # returns of ±0.995 %: a standard deviation of 0.01407, times sqrt(525,600) = 725
    assert adapter.realized_vol() == pytest.approx(10.2, abs=0.05)
    assert adapter.regime() == "high"

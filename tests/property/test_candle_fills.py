"""Whatever the bars: a resting order fills within its bar's range, at most once a bar, and never beyond its volume."""

from __future__ import annotations

from array import array
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.candles import BAR_MS, Candles, candle_tape
from pfmm.backtest.columns import Columns
from pfmm.backtest.simulation import Clockwork, Outcome, simulate, span_of
from pfmm.engine.report import Limits, RunSpec
from pfmm.model.order import Liquidity
from pfmm.model.plan import Tolerance
from pfmm.strategy.grid.plan import GridConfig, OnBreakout
from pfmm.strategy.grid.strategy import GridStrategy
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteStrategy
from tests.examples import examples

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # two runs an example: minutes of it
START_MS = 1_699_999_980_000
# of each bar: its jump from the close before, the way to its close, how far its extremes lie beyond, its volume
BARS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, -3, 40, -60]),
        st.integers(-80, 80),
        st.integers(0, 60),
        st.integers(0, 60),
        st.sampled_from([0, 1, 2, 5, 90, 4_000]),
    ),
    min_size=2,
    max_size=16,
).filter(lambda bars: any(bar[4] for bar in bars))


def candles_of(bars: list[tuple[int, int, int, int, int]]) -> Candles:
    times, prices, volumes, price = array("q"), array("q"), array("q"), 10_000
    for number, (jump, way, above, below, volume) in enumerate(bars):
        opened = max(price + jump, 1_000)
        price = max(opened + way, 1_000)
        times.append(START_MS + number * BAR_MS)
        prices.extend((opened, max(opened, price) + above, min(opened, price) - below, price))
        volumes.append(volume)
    return Candles(times, prices, volumes, 1, 3, 0, BAR_MS)


def strategies(on_breakout: OnBreakout) -> dict[str, RunSpec]:
    grid = GridConfig(levels=8, size_usd=Decimal(20), range_pct=Decimal("0.8"), on_breakout=on_breakout)
    quote = QuoteConfig(model="fixed", half_spread_bps=5.0, size_usd=Decimal(40), volatility_window=5)
    whole = Limits(Decimal(300), tolerance=Tolerance(), keep_on_bad_data=True)
    near = Limits(Decimal(300), tolerance=Tolerance(Decimal(2), Decimal("0.2"), 0))
    return {
        "grid": RunSpec(GridStrategy("X-PERP", grid), {}, whole),
        "quote": RunSpec(QuoteStrategy("X-PERP", quote), {}, near),
    }


def run(candles: Candles, spec: RunSpec, latency_ms: int, interval_ms: int, mode: Any) -> Outcome:
    columns = Columns(candle_tape(candles, "X-PERP"))
    return simulate(columns, spec, Clockwork(*span_of(columns, None, None), interval_ms, latency_ms), mode=mode)


@examples(10, 40, phases=NO_SHRINKING)
@given(
    bars=BARS,
    on_breakout=st.sampled_from(list(OnBreakout)),
    latency_ms=st.sampled_from([0, 50, 25_000]),
    interval_ms=st.sampled_from([BAR_MS, 3 * BAR_MS]),
    kind=st.sampled_from(["grid", "quote"]),
)
def test_fills_stay_within_their_bars(
    bars: list[tuple[int, int, int, int, int]], on_breakout: OnBreakout, latency_ms: int, interval_ms: int, kind: str
) -> None:
    candles = candles_of(bars)
    last = max(number for number, bar in enumerate(bars) if bar[4])  # the end of the market is a part of it
    outcome = run(candles, strategies(on_breakout)[kind], latency_ms, interval_ms, "lazy")
    assert outcome.fills == run(candles, strategies(on_breakout)[kind], latency_ms, interval_ms, "events").fills
    placed = {order.client_order_id: bar_of(order.created_ms, last) for order in outcome.orders}
    traded: Counter[int] = Counter()
    once: Counter[tuple[str, int]] = Counter()
    for item in outcome.fills:
        fill, number = item.fill, item.fill.client_order_id or ""
        bar = bar_of(fill.time_ms, last)
        traded[bar] += round(fill.size * 1_000)
        once[number, bar] += 1
        if fill.liquidity is Liquidity.MAKER:  # a taker pays the invented spread of a tick
            # what the volume of a bar left of its orders was passed back then, and fills later at its own price
            ranges = [reach(candles, each) for each in range(placed[number], bar + 1)]
            assert any(low <= fill.price * 10 <= high for low, high in ranges)
    assert all(count == 1 for count in once.values())
    assert all(size <= candles.volumes[bar] for bar, size in traded.items())


def bar_of(time_ms: int, last: int) -> int:
    return min((time_ms - START_MS) // BAR_MS, last)


def reach(candles: Candles, bar: int) -> tuple[int, int]:
    """The range of a bar, and the way to its open from where the last bar with any volume closed: an order between the
    two was passed as well."""
    before = next((number for number in range(bar - 1, -1, -1) if candles.volumes[number]), bar)
    closed = candles.prices[4 * before + 3] if before < bar else candles.prices[4 * bar]
    _, high, low, _ = candles.prices[4 * bar : 4 * bar + 4]
    return min(low, closed), max(high, closed)

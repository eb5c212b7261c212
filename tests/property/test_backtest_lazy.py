"""Passing over what cannot matter must not change anything: the lazy backtest against the one event by event."""

from __future__ import annotations

from array import array
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.columns import Columns
from pfmm.backtest.simulation import Clockwork, Outcome, simulate, span_of
from pfmm.cycle import Limits, RunSpec
from pfmm.errors import PfmmError
from pfmm.model.plan import Tolerance
from pfmm.paper.feed import MarketSpec
from pfmm.paper.tapefile import MarketTape
from pfmm.strategy.grid import GridStrategy
from pfmm.strategy.grid_plan import GridConfig, OnBreakout
from pfmm.strategy.ladder import LadderConfig, LadderStrategy
from pfmm.strategy.quote_config import QuoteConfig
from pfmm.strategy.quote_strategy import QuoteStrategy

HOUR = 3_600_000
START_MS = 500_000 * HOUR - 20_000  # a funding settlement falls 20 s after the start
SPEC = MarketSpec("X-PERP", "crypto", 1, 3, 1, None, 1_000_000_000, 20, -20_000, 50_000, 1)

# (ms since the last event, what happens, how far the mid moves in units of 0.1 USD around 1,000, size, side)
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.sampled_from("qqqqqqtttts"),
        st.sampled_from([0, 0, 0, 1, -1, 2, -2, 5, -5, 20, -20, 60, -60, 300, -300]),
        st.integers(1, 400),
        st.sampled_from([1, -1]),
    ),
    min_size=20,
    max_size=160,
)


def tape(events: list[tuple[int, str, int, int, int]]) -> MarketTape:
    """A market around 1,000 USD; `s` is a quote whose one side is missing or shows no size."""
    rows = array("q", (START_MS, 0, 9_999, 50, 10_001, 50))
    time_ms, mid = START_MS, 10_000
    for wait, kind, move, size, side in events:
        time_ms += wait
        if kind == "t":
            rows.extend((time_ms, 1, max(mid + side + move // 10, 1), size, side, 0))
            continue
        mid = min(max(mid + move, 6_000), 16_000)
        bid, ask, bid_size, ask_size = mid - 1, mid + 1 + size % 3, size, 401 - size
        if kind == "s" and size % 2:
            bid, bid_size, ask, ask_size = (0, 0, ask, ask_size) if side > 0 else (bid, bid_size, 0, 0)
        elif kind == "s":
            bid_size = 0
        rows.extend((time_ms, 0, bid, bid_size, ask, ask_size))
    funding = array("q", (START_MS + 20_000, 10_000))
    return MarketTape(SPEC, memoryview(rows), memoryview(array("q")), memoryview(array("q")), memoryview(funding))


def run_specs(on_breakout: OnBreakout, max_loss: Decimal | None) -> dict[str, RunSpec]:
    grid = GridConfig(levels=6, size_usd=Decimal(20), range_pct=Decimal("0.4"), on_breakout=on_breakout)
    quote = QuoteConfig(model="fixed", half_spread_bps=3.0, drift_bps=5.0, volatility_window=5)
    kept = Tolerance(Decimal(2), Decimal("0.2"), 0)
    limit = Decimal(150)
    strategies: dict[str, Any] = {
        "grid": GridStrategy("X-PERP", grid),
        "quote": QuoteStrategy("X-PERP", quote),
        "ladder": LadderStrategy("X-PERP", quote, LadderConfig(levels=3, spacing_bps=4.0)),
    }
    return {
        kind: RunSpec(
            strategy, {}, Limits(limit, max_loss, tolerance=Tolerance() if kind == "grid" else kept,
                                 keep_on_bad_data=kind == "grid"),
        )
        for kind, strategy in strategies.items()
    }  # fmt: skip


def result(outcome: Outcome) -> tuple[Any, ...]:
    """Everything that a run did, without how it got there."""
    return (
        outcome.fills, outcome.orders, outcome.payments, outcome.position, outcome.equity, outcome.requests,
        outcome.round_trips, outcome.stopped,
    )  # fmt: skip


def attempt(columns: Columns, spec: RunSpec, clockwork: Clockwork, **how: Any) -> tuple[Any, ...]:
    try:
        return result(simulate(columns, spec, clockwork, **how))
    except PfmmError as error:  # settings that make no sense in such a market fail alike
        return (type(error), error.message)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    events=EVENTS,
    interval_ms=st.sampled_from([100, 700, 3_000]),
    latency_ms=st.sampled_from([0, 40, 900]),
    queue=st.sampled_from(["pessimistic", "optimistic"]),
    on_breakout=st.sampled_from(list(OnBreakout)),
    max_loss=st.sampled_from([None, Decimal("0.05"), Decimal(2)]),
)
def test_lazy_and_event_by_event_agree(
    events: list[tuple[int, str, int, int, int]],
    interval_ms: int,
    latency_ms: int,
    queue: Any,
    on_breakout: OnBreakout,
    max_loss: Decimal | None,
) -> None:
    columns = Columns(tape(events))
    try:
        start_ms, end_ms = span_of(columns, None, None)
    except PfmmError:
        return
    clockwork = Clockwork(start_ms, end_ms, interval_ms, latency_ms)
    for kind, spec in run_specs(on_breakout, max_loss).items():
        lazy = attempt(columns, spec, clockwork, queue=queue, mode="lazy")
        assert lazy == attempt(columns, spec, clockwork, queue=queue, mode="events"), kind


def test_such_streams_fill_and_are_passed_over() -> None:
    """What the property runs over is not empty: all three trade, and most decisions need no whole cycle."""
    falls = [(400, "q", move, 300, 1) for move in (0, -20, 5, -20, 0, 20, 20, 5, 20, -5, -20) * 12]
    columns = Columns(tape(falls))
    clockwork = Clockwork(*span_of(columns, None, None), interval_ms=100, latency_ms=0)
    paid = 0
    for kind, spec in run_specs(OnBreakout.HOLD, None).items():
        outcome = simulate(columns, spec, clockwork)
        paid += len(outcome.payments)
        assert len(outcome.fills) >= 5, kind
        assert outcome.cycles < outcome.decisions / 2, kind
    assert paid

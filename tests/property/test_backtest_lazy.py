"""Passing over what cannot matter must not change anything: the lazy backtest against the one event by event."""

from __future__ import annotations

from array import array
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.columns import Columns
from pfmm.backtest.results import scenario
from pfmm.backtest.simulation import Clockwork, Outcome, simulate, span_of
from pfmm.engine.report import Limits, RunSpec
from pfmm.errors import PfmmError
from pfmm.model.account import FundingPayment
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.plan import Tolerance
from pfmm.model.run import JournalFill
from pfmm.paper.feeds.feed import QUOTE, MarketSpec
from pfmm.paper.feeds.replay_tape import MarketTape
from pfmm.strategy.grid.plan import GridConfig, OnBreakout
from pfmm.strategy.grid.strategy import GridStrategy
from pfmm.strategy.ladder.strategy import LadderConfig, LadderStrategy
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteStrategy
from tests.examples import examples

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
    funding = array("q", (START_MS + 20_000, 10_000, 1))
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


@examples(100, 200)
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


def fall_at_every_moment(columns: Columns, outcome: Outcome) -> Decimal:
    """The deepest fall of equity over every ms with an event: cash and what is held, at the last mid of both sides."""
    changes: dict[int, list[tuple[str, Decimal, Decimal]]] = {outcome.ended_ms: []}
    for fill in (one.fill for one in outcome.fills):
        cost = fill.signed_size * fill.price + fill.fee
        changes.setdefault(fill.time_ms, []).append(("cash", -cost, fill.signed_size))
    for payment in outcome.payments:
        changes.setdefault(payment.time_ms, []).append(("cash", payment.amount, Decimal(0)))
    for time_ms, kind, bid, bid_size, ask, ask_size in columns.rows.tolist():
        if kind == QUOTE and bid and bid_size and ask and ask_size and time_ms <= outcome.ended_ms:
            changes.setdefault(time_ms, []).append(("mid", Decimal((bid + ask) // 2) / 10, Decimal(0)))
    cash, held, mid, peak, deepest = Decimal(10_000), Decimal(0), Decimal(0), Decimal(0), Decimal(0)
    for time_ms, found in sorted(changes.items()):
        for what, value, size in found:
            mid = value if what == "mid" else mid
            cash, held = (cash, held) if what == "mid" else (cash + value, held + size)
        equity = cash + held * (outcome.mark if time_ms == outcome.ended_ms else mid)
        peak = max(peak, equity)
        deepest = max(deepest, peak - equity)
    return deepest


FILLS = st.lists(
    st.tuples(st.integers(0, 60_000), st.sampled_from(list(Side)), st.integers(9_000, 11_000), st.integers(1, 5_000)),
    min_size=1,
    max_size=6,
)


@examples(25, 100)
@given(events=EVENTS, fills=FILLS, payment=st.integers(-300, 300))
@example(  # bought at 1,000: up 30 USD, down 6, up 30, within 12 s; the fall touches neither the lowest nor the highest
    events=[(500, "q", move, 50, 1) for move in (0, 300, -60, 300)], fills=[(100, Side.LONG, 10_000, 1_000)], payment=0
)
def test_the_drawdown_is_the_deepest_fall_over_every_moment(
    events: list[tuple[int, str, int, int, int]], fills: list[tuple[int, Side, int, int]], payment: int
) -> None:
    columns = Columns(tape([*events, (7_200_000, "q", 0, 50, 1)]))  # a long silence: the samples are 12 s apart
    end_ms, rate = columns.times[-1], Decimal("0.0001")
    done = tuple(
        JournalFill(number, None, None, Fill(f"f{number}", "o", None, "X-PERP", side, Decimal(price) / 10,
                    Decimal(size) / 1_000, Decimal("-0.01"), Liquidity.MAKER, START_MS + wait))
        for number, (wait, side, price, size) in enumerate(sorted(fills, key=lambda one: one[0]), 1)
    )  # fmt: skip
    paid = FundingPayment("p1", "X-PERP", START_MS + 20_000, rate, Decimal(1_000), Decimal(1), Decimal(payment) / 10)
    (mid,) = columns.mids_at([end_ms])
    assert mid is not None
    held, nothing = sum((one.fill.signed_size for one in done), Decimal(0)), Decimal(0)
    outcome = Outcome("X-PERP", "pessimistic", done, (), (paid,), held, nothing, Decimal(mid) / 10, len(columns), 1, 1,
                      0, 0, 0.0, end_ms)  # fmt: skip
    shown = scenario(columns, outcome, Clockwork(START_MS, end_ms, 3_000), "grid").drawdown_usd
    assert shown == fall_at_every_moment(columns, outcome)

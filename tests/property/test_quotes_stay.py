"""Where quotes are said to stay without being worked out, working them out changes nothing: never a guess."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pfmm.engine.reconcile import reconcile
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.plan import DesiredOrder, MarketView, OwnOrder, OwnStatus, Tolerance
from pfmm.strategy.quiet import Look, standing_of
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteState, QuoteStrategy

D = Decimal
START_MS = 1_735_689_600_000
KEPT = Tolerance(D(2), D("0.2"), 0)
# (unit, significant figures, size step, smallest order in USD): a tick of 0.02, 0.2 and 100 bps at 64,000 and 6.4
MARKETS = [("0.1", None, "0.001", "10"), ("1", 5, "0.00001", "10"), ("0.001", 5, "0.1", "10"), ("0.1", None, "1", "5")]
MOVES = st.lists(st.tuples(st.integers(-40, 40), st.integers(1, 6)), min_size=2, max_size=12)  # 0.1 bps and ticks


def instrument(market: tuple[str, int | None, str, str]) -> Instrument:
    unit, figures, step, smallest = market
    return Instrument("X-PERP", "crypto", PriceRule(D(unit), figures), D(step), D(smallest), 20, D(-2), D(5), 8)


def view_of(
    rules: Instrument, time_ms: int, bid: Decimal, ask: Decimal, position: Decimal, limit: Decimal
) -> MarketView:
    mark = (bid + ask) / 2
    ticker = Ticker("X-PERP", time_ms, bid, D(1), ask, D(1), mark, mark, D("0.0001"), 8, time_ms + 60_000)
    return MarketView(time_ms, rules, ticker, position, position, limit)


def look_of(view: MarketView) -> Look:
    ticker = view.ticker
    assert ticker.bid is not None
    assert ticker.ask is not None
    assert ticker.mid is not None
    assert ticker.funding_rate is not None
    seen = (float(one) for one in (ticker.bid, ticker.ask, ticker.mid, ticker.mark, view.net_position))
    return Look(view.time_ms, *seen, ticker.funding_rate, 8)


def resting(orders: tuple[DesiredOrder, ...]) -> tuple[OwnOrder, ...]:
    return tuple(
        OwnOrder(f"n-{at}", "r", "X-PERP", one.slot, one.side, one.price, one.size, D(0), OwnStatus.OPEN,
                 one.reduce_only, 0, 0)
        for at, one in enumerate(orders)
    )  # fmt: skip


def said_to_stay(
    market: tuple[str, int | None, str, str], config: QuoteConfig, held: int, limit: int, moves: list[tuple[int, int]]
) -> int:
    """How many of the looks were said to change nothing, each of which is checked."""
    rules, strategy = instrument(market), QuoteStrategy("X-PERP", config)
    unit, mid = rules.price_rule.unit, D("6.4") if market[0] == "0.001" else D(64_000)
    position = D(held) * D(limit) / 100 / mid
    state, orders, count = QuoteState(), resting(()), 0
    for at, (move, ticks) in enumerate(moves):
        mid += mid * move / 100_000
        bid = mid // unit * unit
        view = view_of(rules, START_MS + 3_000 * at, bid, bid + ticks * unit, position, D(limit))
        standing = standing_of(rules, position, D(limit), KEPT, orders)
        told = strategy.stays(state, look_of(view), standing)
        state, decision = strategy.decide(state, view)
        plan = reconcile(decision.orders, orders, tolerance=KEPT, now_ms=view.time_ms, can_amend=True)
        if told is not None:
            count += 1
            assert not plan.changes
            assert not plan.held
            assert told == state
        if plan.changes:
            orders = resting(decision.orders)
    return count


@settings(max_examples=150, deadline=None)
@given(
    market=st.sampled_from(MARKETS),
    model=st.sampled_from(["glft", "as", "fixed"]),
    size=st.sampled_from(["20", "50", "400"]),
    held=st.integers(-100, 100),
    limit=st.sampled_from([60, 500, 5_000]),
    moves=MOVES,
)
@example(market=MARKETS[0], model="glft", size="50", held=0, limit=500, moves=[(0, 1)] * 6)
@example(market=MARKETS[0], model="glft", size="50", held=87, limit=500, moves=[(1, 1), (-1, 2)] * 4)
def test_what_is_said_to_stay_stays(
    market: tuple[str, int | None, str, str], model: str, size: str, held: int, limit: int, moves: list[tuple[int, int]]
) -> None:
    config = QuoteConfig(model=model, half_spread_bps=3.0, size_usd=D(size), volatility_window=4)
    said_to_stay(market, config, held, limit, moves)


def test_most_looks_at_a_still_market_are_said_to_change_nothing() -> None:
    config = QuoteConfig(volatility_window=4)
    moves = [(0, 1), (0, 1), *[(1, 2), (-1, 1)] * 10]
    assert said_to_stay(MARKETS[0], config, 0, 500, moves) >= 15


def test_a_side_for_which_the_limit_leaves_no_order_is_said_to_stay_away() -> None:
    """440 of 500 USD are held: 60 are less than a lot of 0.001 at 64,000, and the sell rests alone."""
    config = QuoteConfig(volatility_window=4)
    moves = [(0, 1), (0, 1), *[(1, 2), (-1, 1)] * 10]
    assert said_to_stay(MARKETS[0], config, 88, 500, moves) >= 15
    assert said_to_stay(MARKETS[0], config, -88, 500, moves) >= 15

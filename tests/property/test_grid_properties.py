"""A grid in a market that goes anywhere: its books always equal the inventory and the money, to the last digit."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal, localcontext
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pfmm.errors import UsageError
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.order import Side
from pfmm.model.plan import DesiredOrder, MarketView, OwnFill, RoundTrip
from pfmm.strategy.grid.plan import GridConfig, OnBreakout, Spacing, plan_grid
from pfmm.strategy.grid.state import GridState
from pfmm.strategy.grid.strategy import GridStrategy
from tests.examples import examples

D = Decimal
COIN = Instrument("COIN-PERP", "crypto", PriceRule(D("0.01")), D("0.001"), D(10), 10, D("-0.5"), D(5), 8)


class Market:
    """Fills what the price reaches, in parts when the dice say so, and keeps the money apart from the strategy."""

    def __init__(self, grid: GridStrategy, dice: Random) -> None:
        self.grid = grid
        self.dice = dice
        self.mid = D(105)
        self.cash = D(0)
        self.inventory = D(0)
        self.trips: list[RoundTrip] = []
        self.state = grid.initial(self.view())

    def view(self) -> MarketView:
        ticker = Ticker("COIN-PERP", 0, self.mid - D("0.01"), D(1), self.mid + D("0.01"), D(1), self.mid)
        return MarketView(0, COIN, ticker, self.inventory, self.inventory, D(10_000))

    def fill(self, order: DesiredOrder, size: Decimal) -> None:
        fee = (order.price * size * D("-0.00005")).quantize(D("1e-8"))
        self.cash -= order.price * size * order.side.sign + fee
        self.inventory += size * order.side.sign
        fill = OwnFill(0, order.slot, order.side, order.price, size, fee, 0)
        self.state, trips = self.grid.on_fill(self.state, fill)
        self.trips.extend(trips)

    def step(self) -> None:
        self.state, decision = self.grid.decide(self.state, self.view())
        for order in decision.orders:
            assert order.size * order.price >= COIN.min_notional
            assert order.size % COIN.size_step == 0
            assert (self.mid - order.price) * order.side.sign > D("-0.01")  # nothing would take
        slots = [order.slot for order in decision.orders]
        assert len(slots) == len(set(slots))
        if decision.close:
            side = Side.SHORT if self.inventory > 0 else Side.LONG
            self.fill(DesiredOrder("close", side, self.mid, abs(self.inventory)), abs(self.inventory))
        self.mid = max(D("60.50"), self.mid + D(self.dice.choice([-400, -130, -40, 40, 130, 400])) / 100)
        for order in decision.orders:
            if (order.price - self.mid) * order.side.sign >= 0 and self.dice.random() < 0.9:
                share = self.dice.choice([D(1), D(1), D("0.5"), D("0.07")])
                size = (order.size * share).quantize(COIN.size_step)
                if size:
                    self.fill(order, min(size, order.size))


def money_in_the_books(state: GridState, mark: Decimal) -> Decimal:
    """Everything the strategy says it earned, open parts at the mark; USD."""
    with localcontext(prec=60):
        total = state.gross - state.fees + state.closed_gross - state.closed_fees
        for cell in state.cells:
            sign = 1 if cell.opened > 0 else -1
            total += cell.closed_gross - cell.closed_fees
            total += cell.opened * mark - sign * cell.cost - cell.open_fees
        return total


@given(
    st.integers(0, 10**9),
    st.sampled_from(list(OnBreakout)),
    st.sampled_from(list(Spacing)),
    st.sampled_from([D(11), D(15), D(100)]),
)
@examples(25, 60)
def test_books_always_equal_inventory_and_money(
    seed: int, on_breakout: OnBreakout, spacing: Spacing, size_usd: Decimal
) -> None:
    config = GridConfig(5, size_usd, spacing, D(100), D(110), on_breakout=on_breakout)
    market = Market(GridStrategy("COIN-PERP", config), Random(seed))
    for _ in range(60):
        market.step()
        state = market.state
        assert state.opened == market.inventory
        assert money_in_the_books(state, market.mid) == market.cash + market.inventory * market.mid
        assert state.round_trips == len(market.trips)
        assert state.gross == sum((trip.gross for trip in market.trips), D(0))
        assert market.grid.load(json.loads(json.dumps(market.grid.dump(state)))) == state


@given(st.integers(0, 10**9))
@settings(max_examples=20)
def test_inside_of_the_range_every_round_trip_earns_its_step(seed: int) -> None:
    config = GridConfig(8, D(100), Spacing.ARITHMETIC, D(85), D(125))
    market = Market(GridStrategy("COIN-PERP", config), Random(seed))
    for _ in range(60):
        market.step()
        market.mid = min(max(market.mid, D(86)), D(124))
    for trip in market.trips:
        assert trip.gross >= trip.size * 5  # the step; a counter-order at the market may earn more
        assert trip.fees < 0


@given(st.integers(2, 60), st.decimals("0.2", "30", places=2), st.sampled_from(list(Spacing)), st.integers(10, 500))
@settings(max_examples=150)
def test_a_plan_is_sound_or_refused(levels: int, half_pct: Decimal, spacing: Spacing, size_usd: int) -> None:
    mid = D("104.37")
    config = GridConfig(levels, D(size_usd), spacing, range_pct=half_pct)
    try:
        plan = plan_grid(config, instrument=replace(COIN, maker_bps=D(2)), mid=mid)
    except UsageError:
        return
    assert list(plan.lines) == sorted(set(plan.lines))
    assert len(plan.lines) == levels + 1
    assert mid * (1 - half_pct / 100) <= plan.lower
    assert plan.upper <= mid * (1 + half_pct / 100)
    assert plan.profit_per_round_trip > 0
    assert len(plan.orders) == levels
    assert all((o.price < mid) is (o.side is Side.LONG) for o in plan.orders if abs(o.price - mid) > plan.step)
    assert all(size * low >= COIN.min_notional for size, low in zip(plan.sizes, plan.lines, strict=False))
    assert plan.worst_case.at_lower <= 0
    assert plan.worst_case.at_upper <= 0
    assert plan.empty_line not in {order.line for order in plan.orders}

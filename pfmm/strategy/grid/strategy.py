"""The grid strategy: cells with counter-orders, a breakout policy, and a state that survives restarts. Pure.

Layer: strategy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from pfmm.errors import StaleData, UsageError
from pfmm.model.market import Instrument, Ticker
from pfmm.model.order import Side
from pfmm.model.plan import Decision, DesiredOrder, MarketView, OwnFill, RoundTrip
from pfmm.strategy.grid.cells import Cell, close_out, fold_fill
from pfmm.strategy.grid.plan import GridConfig, OnBreakout, minimum_size, plan_grid
from pfmm.strategy.grid.state import GridState, dump_state, load_state, new_cells, trail, with_trips
from pfmm.strategy.quiet import QuietBand
from pfmm.strategy.ticks import snap_price, snap_size

if TYPE_CHECKING:
    from pfmm.strategy.explained import GridExplained

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class _Leg:
    """One side of a cell as it could rest: the order, or why it waits."""

    order: DesiredOrder
    waits: str | None


class GridStrategy:
    """A grid on one market, as ports.Strategy.

    The line nearest the first mid stays empty; each cell works on its own from then on. `held` bought and not yet
    sold rests as a sell at the upper line, the rest of the cell's quantity as a buy at the lower one, so a
    counter-order carries exactly the base quantity that was filled. The range comes from the first mid and then
    belongs to the state: later changes of the settings start with a new run, except `on_breakout`.
    """

    kind: str = "grid"

    def __init__(self, market: str, config: GridConfig) -> None:
        self.market: str = market
        self.config = config

    def initial(self, view: MarketView) -> GridState:
        """Lay the first state around the mid of now.

        Raises UsageError as plan_grid does, StaleData without a mid.
        """
        mid = view.ticker.mid
        if mid is None:
            raise StaleData(f"{self.market} shows no bid or no ask: a grid needs a price to be laid around")
        plan = plan_grid(self.config, instrument=view.instrument, mid=mid)
        cells = new_cells(plan.lines, plan.sizes, first=0, empty=plan.empty_line)
        return GridState(plan.layout, plan.size_usd, 0, cells)

    def on_fill(self, state: GridState, fill: OwnFill) -> tuple[GridState, tuple[RoundTrip, ...]]:
        """Return the state after one fill of the run, and the round trip it completed. Each fill must come once.

        A fill of a slot that is no cell's (a breakout's or a user's closing order) reduces the cells that are open.
        """
        index = _cell_index(fill.slot)
        position = next((i for i, cell in enumerate(state.cells) if cell.index == index), None)
        if position is None:
            closed = close_out(state.cells, fill)
            after = replace(
                state,
                cells=closed.cells,
                closed_gross=state.closed_gross + closed.gross,
                closed_fees=state.closed_fees + closed.fees,
            )
            return with_trips(after, closed.trips), closed.trips
        cell, trips = fold_fill(state.cells[position], fill)
        cells = (*state.cells[:position], cell, *state.cells[position + 1 :])
        return with_trips(replace(state, cells=cells), trips), trips

    def decide(self, state: GridState, view: MarketView) -> tuple[GridState, Decision]:
        """Want every cell's orders at the market of now, those nearest the price first.

        See `_breakout` for the rest.
        """
        state, notes = self._breakout(state, view)
        if state.broken_out is not None:
            reason = f"the price left the range {state.broken_out}: closed, out until the grid is started anew"
            return state, Decision(
                orders=(),
                absent={"grid": reason},
                notes=notes,
                close=bool(view.inventory),
                explaining=partial(_explained, state, (), {}, view.ticker),
            )
        legs = [leg for cell in state.cells for leg in _legs(cell, state, view)]
        absent = {leg.order.slot: leg.waits for leg in legs if leg.waits is not None}
        mid = view.ticker.mid or view.ticker.mark
        orders = sorted((leg.order for leg in legs if leg.waits is None), key=lambda order: abs(order.price - mid))
        explaining = partial(_explained, state, orders, absent, view.ticker)
        return state, Decision(tuple(orders), absent, notes, explaining=explaining)

    def quiet(self, state: GridState, view: MarketView) -> QuietBand | None:
        """Tell between which quotes every order stays at its line.

        None while one would cross the market there and follows the price instead, and after a breakout.
        """
        bid, ask = view.ticker.bid, view.ticker.ask
        if state.broken_out is not None or bid is None or ask is None:
            return None
        buys, sells = [], []
        for cell in state.cells:
            buy, sell = _wanted(cell, state)
            buys += [cell.low] if buy > _ZERO else []
            sells += [cell.high] if sell > _ZERO else []
        top, bottom = max(buys, default=None), min(sells, default=None)
        if (top is not None and top >= ask) or (bottom is not None and bottom <= bid):
            return None
        band = QuietBand(ask_above=top, bid_below=bottom)
        if self.config.on_breakout is OnBreakout.HOLD:
            return band
        return band.within(QuietBand(bid_above=state.lower, ask_below=state.upper))

    def dump(self, state: GridState) -> Mapping[str, Any]:
        """Write the state as JSON-ready values, Decimals as strings."""
        return dump_state(state)

    def load(self, raw: Mapping[str, Any]) -> GridState:
        """Read the state that `dump` wrote. Raises ConfigError for one that is damaged or of a newer pfmm."""
        return load_state(raw)

    def _breakout(self, state: GridState, view: MarketView) -> tuple[GridState, tuple[str, ...]]:
        """Apply the breakout policy: return the state after it, and what to tell the user.

        hold: orders stay. flatten: latched, everything is closed and nothing rests any more. trail: the range moves
        by whole lines until it holds the price again; cells that fall out keep only the order that closes what they
        have open, and come back as they are when the range does.
        """
        mid = view.ticker.mid
        if mid is None or state.broken_out is not None or state.lower <= mid <= state.upper:
            return state, ()
        where = "below" if mid < state.lower else "above"
        told = f"price {mid:f} is {where} the range {state.lower:f} to {state.upper:f}"
        if self.config.on_breakout is OnBreakout.FLATTEN:
            return replace(state, broken_out=where), (f"{told}: closing the inventory",)
        if self.config.on_breakout is OnBreakout.HOLD:
            return state, (f"{told}: holding",)
        try:
            moved = trail(state, view.instrument, mid)
        except UsageError as error:
            return state, (f"{told}: holding, the grid cannot follow: {error.message}",)
        return moved, (f"{told}: moved the grid to {moved.lower:f} to {moved.upper:f}",)


def _cell_index(slot: str) -> int | None:
    """Read the number of a cell: 7 for "cell:7:bid"; None for a slot that is no cell's."""
    parts = slot.split(":")
    return int(parts[1]) if len(parts) == 3 and parts[0] == "cell" else None


def _legs(cell: Cell, state: GridState, view: MarketView) -> list[_Leg]:
    """List what the cell wants to rest: a sell of what it holds and a buy of what is missing, each at its line.

    A leg below the venue's minimum waits for more. When none is left that could rest, the larger one is raised to
    the minimum: half-filled small orders would otherwise wait for ever. A cell outside of the range only closes.
    """
    buy, sell = _wanted(cell, state)
    instrument = view.instrument
    legs = [
        _leg(cell, Side.LONG, buy, instrument, view.ticker),
        _leg(cell, Side.SHORT, sell, instrument, view.ticker),
    ]
    wanted = [leg for leg in legs if leg is not None]
    if state.in_range(cell) and wanted and all(leg.waits is not None for leg in wanted):
        largest = max(wanted, key=lambda leg: leg.order.size)
        smallest = minimum_size(largest.order.price, instrument)
        return [_Leg(replace(largest.order, size=smallest), None), *(leg for leg in wanted if leg is not largest)]
    return wanted


def _explained(
    state: GridState, orders: Sequence[DesiredOrder], waiting: Mapping[str, str], ticker: Ticker
) -> GridExplained:
    from pfmm.strategy.grid.explain import explain

    return explain(state, orders, waiting, ticker)


def _wanted(cell: Cell, state: GridState) -> tuple[Decimal, Decimal]:
    """Return what the cell would buy and sell, base units.

    Inside of the range these are its missing and its held part, outside only what closes what it has open.
    """
    if state.in_range(cell):
        return cell.quantity - cell.held, cell.held
    return -cell.opened, cell.opened


def _leg(cell: Cell, side: Side, size: Decimal, instrument: Instrument, ticker: Ticker) -> _Leg | None:
    """Build one leg of `size` base units, or None when there is nothing to trade on that side."""
    if size <= _ZERO:
        return None
    price = _resting_price(cell.low if side is Side.LONG else cell.high, side, instrument, ticker)
    snapped = snap_size(size, instrument.size_step)
    slot = f"cell:{cell.index}:{'bid' if side is Side.LONG else 'ask'}"
    waits = None
    if not snapped or snapped * price < instrument.min_notional:
        waits = f"{size:f} ({size * price:.2f} USD) waits for the venue's minimum of {instrument.min_notional:f} USD"
    return _Leg(DesiredOrder(slot, side, price, snapped), waits)


def _resting_price(line: Decimal, side: Side, instrument: Instrument, ticker: Ticker) -> Decimal:
    """Return `line`, or the best price of the own side while an order at the line would cross the market."""
    if side is Side.LONG:
        if ticker.ask is None or line < ticker.ask or ticker.bid is None:
            return line
        return snap_price(min(line, ticker.bid), side, instrument.price_rule)
    if ticker.bid is None or line > ticker.bid or ticker.ask is None:
        return line
    return snap_price(max(line, ticker.ask), side, instrument.price_rule)

"""Explain a running grid: its range, what rests on each line, its cells and what they earned. Pure.

Imported only where something shows a grid: most decisions are never shown. Layer: strategy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pfmm.model.market import Ticker
from pfmm.model.order import Side
from pfmm.model.plan import DesiredOrder
from pfmm.strategy.explained import GridCell, GridExplained, GridLine, Waiting
from pfmm.strategy.grid.cells import Cell
from pfmm.strategy.grid.state import GridState


def explain(
    state: GridState, orders: Sequence[DesiredOrder], waiting: Mapping[str, str], ticker: Ticker
) -> GridExplained:
    """Explain a grid's decision: range, lines with what rests there, cells, waiting legs, profit, the next fills."""
    active = state.active
    prices = [active[0].low, *(cell.high for cell in active)]
    bids = [order.price for order in orders if order.side is Side.LONG]
    asks = [order.price for order in orders if order.side is Side.SHORT]
    sizes = {order.slot: order.size for order in orders}
    return GridExplained(
        lower=prices[0],
        upper=prices[-1],
        levels=state.layout.levels,
        spacing=str(state.layout.spacing),
        mid=ticker.mid,
        lines=tuple(_line(state.first + i, price, sizes) for i, price in enumerate(prices)),
        cells=tuple(_cell(cell, state) for cell in state.cells),
        waiting=tuple(Waiting(slot, reason) for slot, reason in waiting.items()),
        inventory=state.opened,
        round_trips=state.round_trips,
        realized_grid_profit=state.gross - state.fees,
        round_trip_gross=state.gross,
        round_trip_fees=state.fees,
        closed_by_breakout=state.closed_gross - state.closed_fees,
        next_buy=max(bids) if bids else None,
        next_sell=min(asks) if asks else None,
        broken_out=state.broken_out,
    )


def _line(index: int, price: Decimal, sizes: Mapping[str, Decimal]) -> GridLine:
    buy, sell = f"cell:{index}:bid", f"cell:{index - 1}:ask"
    return GridLine(index, price, sizes.get(buy), sizes.get(sell), buy, sell)


def _cell(cell: Cell, state: GridState) -> GridCell:
    return GridCell(cell.index, cell.low, cell.high, cell.quantity, cell.opened, cell.cost, state.in_range(cell))

"""The numbers that a screen or `grid status` shows of a grid, as JSON-ready values. Pure.

Knows state and desired orders; must not know how they are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pfmm.model.market import Ticker
from pfmm.model.order import Side
from pfmm.model.plan import DesiredOrder
from pfmm.strategy.grid.cells import Cell
from pfmm.strategy.grid.state import GridState


def explain(
    state: GridState, orders: Sequence[DesiredOrder], waiting: Mapping[str, str], ticker: Ticker
) -> dict[str, Any]:
    """Range, lines with what rests there, cells, waiting legs, realised grid profit and the next fills.

    `realized_grid_profit` (USD) is of completed round trips after their fees, without funding and without the open
    inventory's mark-to-market; `closed_by_breakout` what a flatten realised. Decimals are plain strings.
    """
    active = state.active
    prices = [active[0].low, *(cell.high for cell in active)]
    bids = [order.price for order in orders if order.side is Side.LONG]
    asks = [order.price for order in orders if order.side is Side.SHORT]
    return {
        "lower": _plain(prices[0]),
        "upper": _plain(prices[-1]),
        "levels": state.layout.levels,
        "spacing": str(state.layout.spacing),
        "mid": None if ticker.mid is None else _plain(ticker.mid),
        "lines": [_line(state.first + i, price, orders) for i, price in enumerate(prices)],
        "cells": [_cell(cell, state) for cell in state.cells],
        "waiting": [{"slot": slot, "reason": reason} for slot, reason in waiting.items()],
        "inventory": _plain(state.opened),
        "round_trips": state.round_trips,
        "realized_grid_profit": _plain(state.gross - state.fees),
        "round_trip_gross": _plain(state.gross),
        "round_trip_fees": _plain(state.fees),
        "closed_by_breakout": _plain(state.closed_gross - state.closed_fees),
        "next_buy": _plain(max(bids)) if bids else None,
        "next_sell": _plain(min(asks)) if asks else None,
        "broken_out": state.broken_out,
    }


def _line(index: int, price: Decimal, orders: Sequence[DesiredOrder]) -> dict[str, Any]:
    """One line with the buy of the cell above it and the sell of the cell below it."""
    sizes = {order.slot: order.size for order in orders}
    buy, sell = sizes.get(f"cell:{index}:bid"), sizes.get(f"cell:{index - 1}:ask")
    return {
        "line": index,
        "price": _plain(price),
        "buy": None if buy is None else _plain(buy),
        "sell": None if sell is None else _plain(sell),
    }


def _cell(cell: Cell, state: GridState) -> dict[str, Any]:
    """One cell: its quantity, what it has open (signed base units) and what that cost (USD)."""
    return {
        "cell": cell.index,
        "low": _plain(cell.low),
        "high": _plain(cell.high),
        "quantity": _plain(cell.quantity),
        "opened": _plain(cell.opened),
        "cost": _plain(cell.cost),
        "in_range": state.in_range(cell),
    }


def _plain(value: Decimal) -> str:
    return f"{value:f}"

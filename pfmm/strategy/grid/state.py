"""What a grid remembers between cycles, how it is saved, and how its range moves. Pure. Layer: strategy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pfmm.model.market import Instrument
from pfmm.model.plan import RoundTrip
from pfmm.strategy.grid.cells import Cell, load_cell
from pfmm.strategy.grid.plan import Layout, Spacing, cell_sizes, check_fees, lay_lines, nearest_line
from pfmm.strategy.saved import Saved, damaged

_ZERO = Decimal(0)
_STATE_VERSION = 1


@dataclass(frozen=True, slots=True)
class GridState:
    """Everything a grid must remember. `cells` are sorted by index; `first` is the lowest line of the range now.

    Always: the sum of `opened` over all cells is the run's inventory. Cells outside of the range (after a trail)
    stay until what they have open is closed. `gross` and `fees` are of the completed `round_trips`, `closed_gross`
    and `closed_fees` of what a breakout closed. `broken_out` latches a flatten: "below" or "above".
    """

    layout: Layout
    size_usd: Decimal
    first: int
    cells: tuple[Cell, ...]
    round_trips: int = 0
    gross: Decimal = _ZERO
    fees: Decimal = _ZERO
    closed_gross: Decimal = _ZERO
    closed_fees: Decimal = _ZERO
    broken_out: str | None = None

    @property
    def active(self) -> tuple[Cell, ...]:
        """The cells of the range, lowest first."""
        return tuple(cell for cell in self.cells if self.in_range(cell))

    def in_range(self, cell: Cell) -> bool:
        """Tell whether the cell is of the range now; a trail may have left it above or below."""
        return self.first <= cell.index < self.first + self.layout.levels

    @property
    def lower(self) -> Decimal:
        """The lowest line of the range, USD."""
        return self.active[0].low

    @property
    def upper(self) -> Decimal:
        """The highest line of the range, USD."""
        return self.active[-1].high

    @property
    def opened(self) -> Decimal:
        """The inventory as the cells know it, signed base units."""
        return sum((cell.opened for cell in self.cells), _ZERO)


def new_cells(lines: tuple[Decimal, ...], sizes: tuple[Decimal, ...], *, first: int, empty: int) -> tuple[Cell, ...]:
    """Make cells that have traded nothing.

    Below line `empty` (counted within `lines`) they buy first, above they sell first.
    """
    cells = []
    for i, size in enumerate(sizes):
        start = _ZERO if i < empty else size
        cells.append(Cell(first + i, lines[i], lines[i + 1], size, start=start, held=start))
    return tuple(cells)


def with_trips(state: GridState, trips: tuple[RoundTrip, ...]) -> GridState:
    """Count completed round trips."""
    return replace(
        state,
        round_trips=state.round_trips + len(trips),
        gross=sum((trip.gross for trip in trips), state.gross),
        fees=sum((trip.fees for trip in trips), state.fees),
    )


def trail(state: GridState, instrument: Instrument, mid: Decimal) -> GridState:
    """Move the range by whole lines so that it holds `mid`. Raises UsageError where no valid grid lies there."""
    below = mid < state.lower
    count = state.layout.lines_beyond(mid, state.lower if below else state.upper)
    first = state.first - count if below else state.first + count
    lines = lay_lines(state.layout, instrument, first)
    if not lines[0] <= mid <= lines[-1]:  # the outermost line is snapped inwards: the price may lie within that tick
        first += -1 if below else 1
        lines = lay_lines(state.layout, instrument, first)
    check_fees(lines, instrument)
    sizes = cell_sizes(lines, state.size_usd, instrument)
    fresh = new_cells(lines, sizes, first=first, empty=nearest_line(lines, mid))
    cells = {cell.index: cell for cell in fresh}
    # books that are open live on wherever they are; of the others only those inside of the range are still needed
    cells.update({cell.index: cell for cell in state.cells if cell.index in cells or cell.opened})
    return replace(state, first=first, cells=tuple(cells[index] for index in sorted(cells)))


def dump_state(state: GridState) -> dict[str, Any]:
    """Write the state as JSON-ready values, Decimals as strings; `load_state` is the inverse."""
    layout = state.layout
    return {
        "version": _STATE_VERSION,
        "lower": str(layout.lower),
        "upper": str(layout.upper),
        "levels": layout.levels,
        "spacing": str(layout.spacing),
        "size_usd": str(state.size_usd),
        "first": state.first,
        "cells": [cell.dump() for cell in state.cells],
        "round_trips": state.round_trips,
        "gross": str(state.gross),
        "fees": str(state.fees),
        "closed_gross": str(state.closed_gross),
        "closed_fees": str(state.closed_fees),
        "broken_out": state.broken_out,
    }


def load_state(raw: Mapping[str, Any]) -> GridState:
    """Read the state that `dump_state` wrote. Raises ConfigError for one that is damaged or of a newer pfmm."""
    saved = Saved(raw, "grid")
    saved.refuse_newer(_STATE_VERSION)
    spacing = saved.text("spacing", tuple(Spacing))
    if spacing is None:
        raise saved.bad("spacing", " or ".join(Spacing))
    state = GridState(
        layout=Layout(saved.amount("lower"), saved.amount("upper"), saved.whole("levels", low=1), Spacing(spacing)),
        size_usd=saved.amount("size_usd"),
        first=saved.whole("first"),
        cells=tuple(load_cell(cell) for cell in saved.items("cells")),
        round_trips=saved.whole("round_trips", 0, low=0),
        gross=saved.amount("gross", _ZERO),
        fees=saved.amount("fees", _ZERO),
        closed_gross=saved.amount("closed_gross", _ZERO),
        closed_fees=saved.amount("closed_fees", _ZERO),
        broken_out=saved.text("broken_out", ("below", "above")),
    )
    if len(state.active) != state.layout.levels:  # `lower` and `upper` lie on its outermost cells
        raise damaged("grid", f"{len(state.active)} of its {state.layout.levels} cells are there")
    return state

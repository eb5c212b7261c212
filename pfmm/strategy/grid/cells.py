"""The books of a grid's cells: what each bought and sold, what that cost, and when a round trip is complete. Pure.

A cell lies between two neighbouring lines, buys at the lower and sells at the upper. Layer: strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Any

from pfmm.model.plan import OwnFill, RoundTrip
from pfmm.strategy.saved import Saved

_ZERO = Decimal(0)
_USD_STEP = Decimal("1e-8")
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. Sizes are base units, amounts USD.

    `held` is what has been bought and not yet sold; a cell that sells first begins with `start` = `quantity` as if
    bought. `cost` is what the open part (held - start) was opened for, always >= 0, and `open_fees` its fees. The
    `closed…` fields collect what was closed and not yet reported as a round trip.
    """

    index: int
    low: Decimal
    high: Decimal
    quantity: Decimal
    start: Decimal
    held: Decimal
    cost: Decimal = _ZERO
    open_fees: Decimal = _ZERO
    closed: Decimal = _ZERO
    closed_cost: Decimal = _ZERO
    closed_value: Decimal = _ZERO
    closed_gross: Decimal = _ZERO
    closed_fees: Decimal = _ZERO

    @property
    def opened(self) -> Decimal:
        """The cell's own share of the inventory: signed base units, 0 when it is back at its start."""
        return self.held - self.start

    def dump(self) -> dict[str, Any]:
        """JSON-ready; `load_cell` is the inverse."""
        amounts = {f.name: str(getattr(self, f.name)) for f in fields(self) if f.name != "index"}
        return {"index": self.index, **amounts}


@dataclass(frozen=True, slots=True)
class _Removed:
    """What one closing took out of a cell's books, USD."""

    cost: Decimal
    value: Decimal
    gross: Decimal
    fees: Decimal


def load_cell(raw: object) -> Cell:
    """Read the cell that `Cell.dump` wrote; of an older one, what it did not know yet is at its default. Raises
    ConfigError naming the field that is missing or damaged."""
    saved = Saved(raw, "grid cell")
    amounts = {
        each.name: saved.amount(each.name, None if each.default is MISSING else each.default)
        for each in fields(Cell)
        if each.name != "index"
    }
    cell = Cell(index=saved.whole("index"), **amounts)
    if not 0 < cell.low < cell.high:
        raise saved.bad("low", "price below `high`")
    return cell


def fold_fill(cell: Cell, fill: OwnFill) -> tuple[Cell, tuple[RoundTrip, ...]]:
    """Return `cell` after a fill of one of its own orders, and the round trip that it completed.

    A fill against the open part closes it, the rest opens. The cost removed is cost * closed / open quantised to
    1e-8 USD. A round trip is reported once, when the cell is back at its start or a whole quantity has been closed
    since the last one: parts add up. Bought 1 at 100 (fee 0.02), sold 0.4 and 0.6 at 102 (fees 0.01 each): one
    round trip of size 1, gross 2, fees 0.04.
    """
    with localcontext(_EXACT):
        closing = _closing_size(cell, fill)
        trips: tuple[RoundTrip, ...] = ()
        if closing:
            cell, removed = _close(cell, fill, closing)
            cell = replace(
                cell,
                closed=cell.closed + closing,
                closed_cost=cell.closed_cost + removed.cost,
                closed_value=cell.closed_value + removed.value,
                closed_gross=cell.closed_gross + removed.gross,
                closed_fees=cell.closed_fees + removed.fees,
            )
            if not cell.opened or cell.closed >= cell.quantity:
                cell, trips = _report(cell, fill)
        opening = fill.size - closing
        if opening:
            cell = replace(
                cell,
                held=cell.held + opening * fill.side.sign,
                cost=cell.cost + fill.price * opening,
                open_fees=cell.open_fees + fill.fee - _part(fill.fee, closing, fill.size),
            )
        return cell, trips


@dataclass(frozen=True, slots=True)
class ClosedOut:
    """The cells after a fill that belongs to none of them, what it realised (USD), and completed round trips."""

    cells: tuple[Cell, ...]
    gross: Decimal
    fees: Decimal
    trips: tuple[RoundTrip, ...]


def close_out(cells: Sequence[Cell], fill: OwnFill) -> ClosedOut:
    """Spread a closing fill from outside (a breakout's flatten) over the cells that it reduces, lowest first.

    What it realises is no grid profit and no round trip; a cell that it brings back to its start reports what its
    own orders had closed before. More than is open goes to the books of the last cell, so that the cells always add
    up to the inventory.
    """
    with localcontext(_EXACT):
        books = list(cells)
        gross, fees, left, fee_left = _ZERO, _ZERO, fill.size, fill.fee
        trips: list[RoundTrip] = []
        for i, cell in enumerate(books):
            closing = min(_closing_size(cell, fill), left)
            if not closing:
                continue
            part = replace(fill, size=closing, fee=_part(fee_left, closing, left))
            books[i], removed = _close(cell, part, closing)
            gross, fees = gross + removed.gross, fees + removed.fees
            left, fee_left = left - closing, fee_left - part.fee
            if not books[i].opened and books[i].closed:
                books[i], reported = _report(books[i], fill)
                trips.extend(reported)
        if left:
            books[-1], reported = fold_fill(books[-1], replace(fill, size=left, fee=fee_left))
            trips.extend(reported)
        return ClosedOut(tuple(books), gross, fees, tuple(trips))


def _closing_size(cell: Cell, fill: OwnFill) -> Decimal:
    """Work out how much of `fill` closes what the cell has open, base units."""
    against = -cell.opened * fill.side.sign
    return min(against, fill.size) if against > _ZERO else _ZERO


def _close(cell: Cell, fill: OwnFill, closing: Decimal) -> tuple[Cell, _Removed]:
    """Take `closing` out of the open part of `cell` at the fill's price."""
    was_open = abs(cell.opened)
    cost = _part(cell.cost, closing, was_open)
    open_fees = _part(cell.open_fees, closing, was_open)
    value = fill.price * closing
    removed = _Removed(
        cost=cost,
        value=value,
        gross=(cost - value) * fill.side.sign,
        fees=open_fees + _part(fill.fee, closing, fill.size),
    )
    left = replace(
        cell,
        held=cell.held + closing * fill.side.sign,
        cost=cell.cost - cost,
        open_fees=cell.open_fees - open_fees,
    )
    return left, removed


def _report(cell: Cell, fill: OwnFill) -> tuple[Cell, tuple[RoundTrip, ...]]:
    """Return the cell without what is closed and not yet reported, and the round trip of that."""
    trip = RoundTrip(
        slot=fill.slot,
        size=cell.closed,
        entry_price=cell.closed_cost / cell.closed,
        exit_price=cell.closed_value / cell.closed,
        gross=cell.closed_gross,
        fees=cell.closed_fees,
        time_ms=fill.time_ms,
    )
    rest = replace(cell, closed=_ZERO, closed_cost=_ZERO, closed_value=_ZERO, closed_gross=_ZERO, closed_fees=_ZERO)
    return rest, (trip,)


def _part(amount: Decimal, share: Decimal, whole: Decimal) -> Decimal:
    """Return `amount` * share / whole, quantised to 1e-8 USD; exactly `amount` for the whole of it."""
    if share == whole:
        return amount
    return (amount * share / whole).quantize(_USD_STEP)

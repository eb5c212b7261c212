"""What hands that are not a run's own did to the account, and what follows for the run. Pure.

A liquidation concerns every run of the account, as they share its margin. Any other fill of no run concerns those of
its market: one that took from a run's position ends it, since its orders stand for what it no longer holds; one that
did not is a change of the base beside it. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pfmm.model.event import Event
from pfmm.model.order import FLATTEN_IDS, Fill
from pfmm.model.run import JournalFill
from pfmm.model.text import plain

_ZERO = Decimal(0)


def taken_from(run_id: str, claims: Iterable[JournalFill]) -> Decimal:
    """Sum up how much of a run's position the parts of a fill closed that belongs to no run, signed base units: a sale
    of 5 is -5."""
    return sum((part.fill.signed_size for part in claims if part.run_id == run_id), _ZERO)


def fill_row(fill: Fill, slot: str | None) -> dict[str, Any]:
    """Return the fields of a `fill` event; `slot` is None for a fill of no order of the run."""
    return {
        "fill_id": fill.fill_id,
        "client_order_id": fill.client_order_id,
        "slot": slot,
        "side": fill.side,
        "price": fill.price,
        "size": fill.size,
        "fee": fill.fee,
    }


def told_of(item: JournalFill, taken: Decimal, *, market: str, strategy: str) -> tuple[Event, str | None] | None:
    """Make the event of a fill that belongs to no run, for a run on `market` from which it took `taken`, with the
    reason why the run must stop, if it must. None where the fill does not concern the run."""
    fill = item.fill
    if (fill.client_order_id or "").startswith(FLATTEN_IDS):  # asked for: the way out closes what the run held
        return (Event("fill", fill.time_ms, market, strategy, fill_row(fill, None)), None) if taken else None
    where = f"{plain(fill.size)} {fill.market} at {plain(fill.price)}"
    verb = "bought" if fill.side.sign > 0 else "sold"
    if fill.liquidation:
        name, reason = "liquidated", f"liquidated: the venue {verb} {where} to close the account's position"
    elif fill.market != market:
        return None
    elif taken:
        name = "closed_outside"
        reason = f"closed from outside: {where} {verb} by no order of pfmm, which took {plain(-taken)} from this run"
    else:
        name, reason = "base_changed", None
    data = {
        "side": fill.side,
        "price": fill.price,
        "size": fill.size,
        "fee": fill.fee,
        "fill_id": fill.fill_id,
        "order_id": fill.order_id,
        "traded": fill.market,
        "taken": taken,
    }
    if reason is not None:
        data["reason"] = reason
    return Event(name, fill.time_ms, market, strategy, data), reason

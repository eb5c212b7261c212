"""Turns order actions into Hyperliquid's signed actions, keys in the order that is hashed. Layer: venue. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pfmm.errors import RiskRefused
from pfmm.model.order import AmendOrder, CancelOrder, NewOrder, Side, TimeInForce
from pfmm.venue.hyperliquid.client_ids import to_cloid
from pfmm.venue.hyperliquid.numbers import MIN_NOTIONAL_USD, wire_number, wire_size

Action = Mapping[str, Any]

MAX_ITEMS = 39  # an action of more weighs twice as much
DEAD_MAN_SHORTEST_MS = 5_000
DEAD_MAN_LEAST_S = 120  # fed at half: 1,440 of an account's actions a day, where 60 s fed every 20 s are 4,320


def place(orders: Sequence[NewOrder], assets: Mapping[str, int]) -> Action:
    """Build the action that places `orders`; `assets` gives the number of each market.

    Raises RiskRefused for what cannot be said exactly; nothing was sent then.
    """
    return {"type": "order", "orders": [order_json(one, assets) for one in orders], "grouping": "na"}


def replace(amends: Sequence[AmendOrder], assets: Mapping[str, int]) -> Action:
    """Build the action that puts a new order in the place of each old one, which is named by our own id.

    Raises RiskRefused for what cannot be said exactly; nothing was sent then.
    """
    return {"type": "batchModify", "modifies": [_modify(one, assets) for one in amends]}


def _modify(amend: AmendOrder, assets: Mapping[str, int]) -> dict[str, Any]:
    if amend.replacement is None:
        raise RiskRefused(f"{amend.market}: an order is replaced here, and the new one is not given; nothing was sent")
    return {"oid": to_cloid(amend.client_order_id), "order": order_json(amend.replacement, assets)}


def too_small(amend: AmendOrder) -> bool:
    """Tell whether a replacement is below the venue's minimum: it would be refused after the old order is gone."""
    new = amend.replacement
    return new is not None and not new.reduce_only and new.size * (new.price or Decimal(0)) < MIN_NOTIONAL_USD


def order_json(order: NewOrder, assets: Mapping[str, int]) -> dict[str, Any]:
    """Write one order: a post-only order is Alo, an immediate one Ioc, any other Gtc; a stop trades at the market.

    Raises RiskRefused for an order without a price: a market order is an immediate order at a capped price, and the
    cap is the caller's to choose.
    """
    if order.price is None:
        raise RiskRefused(f"{order.market}: an order without a price cannot be sent here; nothing was sent")
    if order.post_only and order.time_in_force is TimeInForce.IOC:
        raise RiskRefused(f"{order.market}: an order cannot be post-only and immediate; nothing was sent")
    return {
        "a": asset_of(order.market, assets),
        "b": order.side is Side.LONG,
        "p": wire_number(order.price, "price"),
        "s": wire_size(order.size),
        "r": order.reduce_only,
        "t": _kind(order),
        "c": to_cloid(order.client_order_id),
    }


def _kind(order: NewOrder) -> dict[str, Any]:
    """Write how an order lives. Raises RiskRefused for a stop that could open a position."""
    if order.trigger_price is None:
        tif = "Alo" if order.post_only else "Ioc" if order.time_in_force is TimeInForce.IOC else "Gtc"
        return {"limit": {"tif": tif}}
    if not order.reduce_only or order.post_only:
        raise RiskRefused(f"{order.market}: a stop must be reduce-only and not post-only; nothing was sent")
    return {"trigger": {"isMarket": True, "triggerPx": wire_number(order.trigger_price, "trigger"), "tpsl": "sl"}}


def cancel(cancels: Sequence[CancelOrder], assets: Mapping[str, int]) -> tuple[Action | None, Action | None]:
    """Build the action that cancels by the venue's ids and the one that cancels by ours; None for an empty one."""
    by_id = [{"a": asset_of(one.market, assets), "o": _number(one.order_id)} for one in cancels if one.order_id]
    by_cloid = [
        {"asset": asset_of(one.market, assets), "cloid": to_cloid(one.client_order_id)}
        for one in cancels
        if not one.order_id and one.client_order_id
    ]
    return (
        {"type": "cancel", "cancels": by_id} if by_id else None,
        {"type": "cancelByCloid", "cancels": by_cloid} if by_cloid else None,
    )


def dead_man(at_ms: int | None, now_ms: int) -> Action:
    """Build the action that cancels everything at venue time `at_ms`, or that takes the switch back with None.

    Raises RiskRefused for a time that is less than 5 s away: the venue refuses it.
    """
    if at_ms is None:
        return {"type": "scheduleCancel"}
    if at_ms - now_ms < DEAD_MAN_SHORTEST_MS:
        raise RiskRefused(f"the dead-man switch must be at least {DEAD_MAN_SHORTEST_MS / 1000:g} s away")
    return {"type": "scheduleCancel", "time": at_ms}


def asset_of(market: str, assets: Mapping[str, int]) -> int:
    """Find the number of a market in requests. Raises RiskRefused for a market that the venue does not list."""
    if market not in assets:
        raise RiskRefused(f"{market} has no number at the venue; nothing was sent")
    return assets[market]


def _number(order_id: str | None) -> int:
    if order_id is None or not (order_id.isascii() and order_id.isdecimal()):
        raise RiskRefused(f"{order_id!r} is no order id of this venue; nothing was sent")
    return int(order_id)

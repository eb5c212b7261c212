"""The account on the article's wire: its orders, fills, positions and payments, and what is sent of an order.

A command that only reads the market imports none of this, nor the types of orders. Layer: venue.
"""

from __future__ import annotations

from decimal import Decimal

from pfmm.errors import RiskRefused
from pfmm.model.account import Account, FundingPayment, Position
from pfmm.model.order import (
    AmendOrder,
    CancelOrder,
    Fill,
    Liquidity,
    NewOrder,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from pfmm.venue.purpleflea_json import funding_fraction
from pfmm.venue.wire import Record


def order(record: Record) -> Order:
    """Read an order. One that contradicts itself (filled beyond its size, a limit order without a price) is refused."""
    kind = record.choice("type", OrderType)
    size, filled = record.positive("size_base"), record.non_negative("filled_base")
    if filled > size:
        raise record.refusal("filled_base", f"must not exceed size_base {size}")
    if kind is OrderType.LIMIT and not record.given("price"):
        raise record.refusal("price", "must be set for a limit order")
    return Order(
        order_id=record.text("order_id"),
        client_order_id=record.optional_text("client_order_id"),
        market=record.text("market"),
        side=_side(record, "side"),
        type=kind,
        price=record.optional_positive("price"),
        size=size,
        filled=filled,
        status=record.choice("status", OrderStatus),
        post_only=record.flag("post_only"),
        reduce_only=record.flag("reduce_only"),
        created_ms=record.millis("created_at"),
        updated_ms=record.millis("updated_at"),
        avg_fill_price=record.optional_positive("avg_fill_price"),
        reason=record.optional_text("reason"),
        trigger_price=record.optional_positive("trigger_price"),
    )


def open_order(record: Record) -> Order:
    """Read an order of an open list: any other status there is refused."""
    found = order(record)
    if found.status is not OrderStatus.OPEN:
        raise record.refusal("status", "must be open in a list of open orders")
    return found


def fill(record: Record) -> Fill:
    """Read one execution of ours."""
    return Fill(
        fill_id=record.text("fill_id"),
        order_id=record.text("order_id"),
        client_order_id=record.optional_text("client_order_id"),
        market=record.text("market"),
        side=_side(record, "side"),
        price=record.positive("price"),
        size=record.positive("size_base"),
        fee=record.signed("fee"),
        liquidity=record.choice("liquidity", Liquidity),
        time_ms=record.millis("time"),
        liquidation=record.flag("liquidation") if record.given("liquidation") else False,
    )


def funding_payment(record: Record) -> FundingPayment:
    """Read one settlement; the amount is positive when received."""
    return FundingPayment(
        payment_id=record.text("payment_id"),
        market=record.text("market"),
        time_ms=record.millis("time"),
        rate=funding_fraction(record, "rate"),
        price=record.positive("price"),
        size=record.signed("size_base"),
        amount=record.signed("amount"),
    )


def position(record: Record) -> Position:
    """Read the signed position of a market; one without size but with history is kept."""
    return Position(
        market=record.text("market"),
        size=record.signed("size_base"),
        cost_basis=record.non_negative("cost_basis"),
        mark_price=record.positive("mark_price"),
        unrealized_pnl=record.signed("unrealized_pnl"),
        liquidation_price=record.optional_positive("liquidation_price"),
        leverage=record.whole("leverage", 1, 1000) if record.given("leverage") else None,
    )


def account(record: Record) -> Account:
    """Read equity and margin of the account."""
    return Account(
        account_id=record.text("account_id"),
        equity=record.signed("equity"),
        cash=record.signed("cash"),
        margin_used=record.non_negative("margin_used"),
        free_margin=record.signed("free_margin"),
        deposits=record.optional_signed("deposits"),
        realized_pnl=record.optional_signed("realized_pnl"),
        unrealized_pnl=record.optional_signed("unrealized_pnl"),
        fees=record.optional_signed("fees"),
        funding=record.optional_signed("funding"),
    )


def place_item(new: NewOrder) -> dict[str, object]:
    """Write a new order as JSON. `post_only` goes with limit orders alone: a market order cannot rest."""
    where = f"order {new.client_order_id}"
    item: dict[str, object] = {
        "market": new.market,
        "side": new.side.value,
        "type": new.type.value,
        "size_base": _sendable(new.size, f"{where}: size"),
        "client_order_id": new.client_order_id,
        "reduce_only": new.reduce_only,
    }
    if new.price is not None:
        item["price"] = _sendable(new.price, f"{where}: price")
        item["post_only"] = new.post_only
        item["time_in_force"] = TimeInForce(new.time_in_force).value
    if new.trigger_price is not None:
        item["trigger_price"] = _sendable(new.trigger_price, f"{where}: trigger")
    return _with_expiry(item, new.valid_until_ms)


def amend_item(amend: AmendOrder) -> dict[str, object]:
    """Write an amend as JSON: price and TOTAL size."""
    where = f"amend of {amend.client_order_id}"
    item: dict[str, object] = {
        "client_order_id": amend.client_order_id,
        "price": _sendable(amend.price, f"{where}: price"),
        "size_base": _sendable(amend.size, f"{where}: size"),
    }
    return _with_expiry(item, amend.valid_until_ms)


def cancel_item(cancel: CancelOrder) -> dict[str, object]:
    """Write a cancel as JSON, by our own id where there is one."""
    if cancel.client_order_id is not None:
        return {"client_order_id": cancel.client_order_id}
    if cancel.order_id is not None:
        return {"order_id": cancel.order_id}
    raise RiskRefused(f"a cancel in {cancel.market} names no order; nothing was sent")


def _side(record: Record, name: str) -> Side:
    return record.choice(name, Side)


def _sendable(value: Decimal, what: str) -> Decimal:
    if not value.is_finite() or value <= 0:
        raise RiskRefused(f"{what} must be positive, not {value}; nothing was sent")
    return value


def _with_expiry(item: dict[str, object], valid_until_ms: int | None) -> dict[str, object]:
    return item if valid_until_ms is None else {**item, "valid_until": valid_until_ms}

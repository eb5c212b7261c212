"""Between the exchange's integers and the model's values: what a wire would carry, without one.

Exact both ways. Layer: backtest.
"""

from __future__ import annotations

from decimal import Decimal

from pfmm.model.account import FundingPayment
from pfmm.model.market import Instrument, PriceRule
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
)
from pfmm.model.text import plain
from pfmm.paper.account import FillEntry, FundingEntry, OrderState
from pfmm.paper.conversions import decimal, usd
from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.ledger import half_even
from pfmm.paper.messages import AmendRequest, CancelRequest, PlaceRequest

# a member by its value: asking the enumeration for it each time costs ten times as much
_TYPES = {one.value: one for one in OrderType}
_STATUSES = {one.value: one for one in OrderStatus}


def instrument_of(spec: MarketSpec) -> Instrument:
    """Return a market's rules as the paper exchange states them."""
    return Instrument(
        market=spec.market,
        category=spec.category,
        price_rule=PriceRule(decimal(spec.tick, spec.price_decimals), spec.significant_figures),
        size_step=decimal(1, spec.size_decimals),
        min_notional=Decimal(plain(usd(spec.min_notional).normalize())),  # as the wire says it: 10, not 10.00000000
        max_leverage=spec.max_leverage,
        maker_bps=decimal(spec.maker_rate, 4),
        taker_bps=decimal(spec.taker_rate, 4),
        funding_interval_hours=spec.funding_interval_hours,
    )


def place_request(new: NewOrder) -> PlaceRequest:
    """Return the exchange's request for a new order."""
    return PlaceRequest(
        market=new.market,
        side=new.side.value,
        type=new.type.value,
        size_base=new.size,
        price=new.price,
        client_order_id=new.client_order_id,
        post_only=new.post_only,
        reduce_only=new.reduce_only,
        time_in_force=new.time_in_force.value,
        valid_until_ms=new.valid_until_ms,
    )


def amend_request(amend: AmendOrder) -> AmendRequest:
    """Return the exchange's request for an amendment."""
    return AmendRequest(None, amend.client_order_id, amend.price, amend.size, amend.valid_until_ms)


def cancel_request(cancel: CancelOrder) -> CancelRequest:
    """Return the exchange's request for a cancel."""
    return CancelRequest(cancel.order_id, cancel.client_order_id)


def order_of(order: OrderState) -> Order:
    """Return the order as a client of the exchange sees it."""
    average = usd(half_even(order.cost * 10 ** (8 - order.price_decimals), order.filled)) if order.filled else None
    return Order(
        order_id=f"o{order.number}",
        client_order_id=order.client_order_id,
        market=order.market,
        side=Side.LONG if order.side > 0 else Side.SHORT,
        type=_TYPES[order.type],
        price=decimal(order.price, order.price_decimals) if order.price else None,
        size=decimal(order.size, order.size_decimals),
        filled=decimal(order.filled, order.size_decimals),
        status=_STATUSES[order.status],
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        created_ms=order.created_ms,
        updated_ms=order.updated_ms,
        avg_fill_price=average,
        reason=order.reason,
    )


def fill_of(entry: FillEntry) -> Fill:
    """Return one execution as a client of the exchange sees it."""
    return Fill(
        fill_id=f"f{entry.number}",
        order_id=f"o{entry.order}",
        client_order_id=entry.client_order_id,
        market=entry.market,
        side=Side.LONG if entry.side > 0 else Side.SHORT,
        price=decimal(entry.price, entry.price_decimals),
        size=decimal(entry.size, entry.size_decimals),
        fee=usd(entry.fee),
        liquidity=Liquidity.MAKER if entry.maker else Liquidity.TAKER,
        time_ms=entry.time_ms,
        liquidation=entry.liquidation,
    )


def payment_of(entry: FundingEntry) -> FundingPayment:
    """Return one funding settlement as a client of the exchange sees it."""
    return FundingPayment(
        payment_id=f"p{entry.number}",
        market=entry.market,
        time_ms=entry.time_ms,
        rate=decimal(entry.rate, 8),
        price=decimal(entry.price, entry.price_decimals),
        size=decimal(entry.size, entry.size_decimals),
        amount=usd(entry.amount),
    )

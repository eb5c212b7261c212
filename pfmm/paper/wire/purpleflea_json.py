"""The exchange's records as the JSON objects of its wire dialect. Layer: paper."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.messages import (
    AccountRecord,
    BatchItem,
    BookRecord,
    ClockState,
    ExchangeError,
    FillRecord,
    FundingRateRecord,
    FundingRecord,
    MidRecord,
    OrderRecord,
    PositionRecord,
    StateRecord,
    TickerRecord,
    TradeRecord,
)

Json = dict[str, Any]

# a named tuple has a method called index, so the record cannot have the wire's name for the index price
_TICKER_NAMES = tuple("index" if name == "index_price" else name for name in TickerRecord._fields)


def clock_json(clock: ClockState) -> Json:
    """Show the venue's time; the speed keeps the digits that a person would write: 10, 0.5."""
    return {"time_ms": clock.time_ms, "speed": Decimal(f"{clock.speed:.12g}"), "state": clock.state}


def spec_json(spec: MarketSpec) -> Json:
    """Show a market, its integer units turned into USD, base units and bps: a maker rate of -20,000 is -2 bps."""
    unit = Decimal(spec.tick).scaleb(-spec.price_decimals)
    return {
        "market": spec.market,
        "category": spec.category,
        "price_unit": unit,
        "significant_figures": spec.significant_figures,
        "size_step": Decimal(1).scaleb(-spec.size_decimals),
        "min_notional": plain(Decimal(spec.min_notional).scaleb(-8)),
        "max_leverage": spec.max_leverage,
        "maker_bps": plain(Decimal(spec.maker_rate).scaleb(-4)),
        "taker_bps": plain(Decimal(spec.taker_rate).scaleb(-4)),
        "funding_interval_h": spec.funding_interval_hours,
    }


def plain(number: Decimal) -> Decimal:
    """Take off trailing zeros behind the point: 10.00000000 becomes 10, 600 stays 600."""
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


def ticker_json(ticker: TickerRecord) -> Json:
    return dict(zip(_TICKER_NAMES, ticker, strict=True))


def book_json(book: BookRecord) -> Json:
    return book._asdict()


def trade_json(trade: TradeRecord) -> Json:
    return trade._asdict()


def mid_json(mid: MidRecord) -> Json:
    return mid._asdict()


def rate_json(rate: FundingRateRecord) -> Json:
    return rate._asdict()


def order_json(order: OrderRecord) -> Json:
    """Show an order; only a stop has a trigger_price, which the article does not know."""
    row = order._asdict()
    if order.trigger_price is None:
        del row["trigger_price"]
    return row


def orders_json(orders: Iterable[OrderRecord]) -> list[Json]:
    return [order_json(order) for order in orders]


def account_json(account: AccountRecord) -> Json:
    return account._asdict()


def positions_json(positions: Iterable[PositionRecord]) -> list[Json]:
    return [position._asdict() for position in positions]


def fills_json(fills: Iterable[FillRecord]) -> list[Json]:
    return [_without_sequence(fill._asdict()) for fill in fills]


def payments_json(payments: Iterable[FundingRecord]) -> list[Json]:
    return [_without_sequence(payment._asdict()) for payment in payments]


def state_json(state: StateRecord) -> Json:
    """Show one snapshot; `more` when fills or funding payments wait on another page."""
    return {
        **clock_json(state.clock),
        "exchange_id": state.exchange_id,
        "account": account_json(state.account),
        "positions": positions_json(state.positions),
        "orders": orders_json(state.orders),
        "fills": fills_json(state.fills.fills),
        "fills_cursor": str(state.fills.cursor),
        "funding_payments": payments_json(state.funding.payments),
        "funding_cursor": str(state.funding.cursor),
        "more": state.fills.more or state.funding.more,
        "tickers": [ticker_json(ticker) for ticker in state.tickers],
        **({"books": [book_json(book) for book in state.books]} if state.books else {}),
    }


def items_json(items: Iterable[BatchItem]) -> list[Json]:
    """Show the answers of a batch: each the order as it now is, or the refusal."""
    return [_item_json(item) for item in items]


def _item_json(item: BatchItem) -> Json:
    if isinstance(item, ExchangeError):
        return {"ok": False, **error_json(item), "status": item.status}
    return {"ok": True, "order": order_json(item)}


def error_json(error: ExchangeError) -> Json:
    found: Json = {"error": error.code, "message": error.message}
    if error.order is not None:
        found["order"] = order_json(error.order)
    return found


def _without_sequence(found: Json) -> Json:
    del found["sequence"]
    return found

"""The JSON forms of the `purpleflea` dialect: answers into the model, orders into requests. Pure.

Every correction of a field's name or meaning is made here; paths and paging live in the adapter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from pfmm.errors import BadVenueData, RiskRefused
from pfmm.model.account import Account, FundingPayment, Position, VenueTime
from pfmm.model.market import Book, FundingRate, Instrument, Level, PriceRule, Ticker, Trade
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
from pfmm.venue.wire import Record

MAX_LEVELS = 1000
MAX_ROWS = 1000
MAX_MARKETS = 5000
DEFAULT_FUNDING_HOURS = 8


class VenueState(StrEnum):
    OPEN = "open"
    PAUSED = "paused"
    ENDED = "ended"


def venue_time(record: Record) -> VenueTime:
    """The venue's clock, from /api/time or the head of a state."""
    return VenueTime(
        time_ms=record.millis("time_ms"),
        speed=float(record.non_negative("speed")) if record.given("speed") else 1.0,
        state=record.choice("state", VenueState).value if record.given("state") else VenueState.OPEN.value,
    )


def instrument(record: Record) -> Instrument:
    """One market of /api/markets."""
    figures = record.whole("significant_figures", 1, 20) if record.given("significant_figures") else None
    return Instrument(
        market=record.text("market"),
        category=record.text("category"),
        price_rule=PriceRule(record.positive("price_unit"), figures),
        size_step=record.positive("size_step"),
        min_notional=record.non_negative("min_notional"),
        max_leverage=record.whole("max_leverage", 1, 1000),
        maker_bps=_fee_bps(record, "maker_bps"),
        taker_bps=_fee_bps(record, "taker_bps"),
        funding_interval_hours=record.whole("funding_interval_h", 1, 24 * 7),
    )


def ticker(record: Record, *, asked: str | None, observed_ms: int) -> Ticker:
    """A ticker. The article's minimal one (price, funding_rate, next_funding_at) is enough: then there are no quotes,
    the price is the mark, funding is per 8 h and the time is `observed_ms`, ours."""
    market = record.text("market") if asked is None or record.given("market") else asked
    if asked is not None and market != asked:
        raise record.refusal("market", f"must be {asked}")
    return Ticker(
        market=market,
        time_ms=record.millis("time") if record.given("time") else observed_ms,
        bid=record.optional_positive("bid"),
        bid_size=record.optional_non_negative("bid_size"),
        ask=record.optional_positive("ask"),
        ask_size=record.optional_non_negative("ask_size"),
        mark=record.positive("mark" if record.given("mark") else "price"),
        index=record.optional_positive("index"),
        funding_rate=_funding_rate(record, "funding_rate") if record.given("funding_rate") else None,
        funding_interval_hours=(
            record.whole("funding_interval_h", 1, 24 * 7)
            if record.given("funding_interval_h")
            else DEFAULT_FUNDING_HOURS
        ),
        next_funding_ms=record.instant("next_funding_at") if record.given("next_funding_at") else None,
        volume_24h_usd=record.optional_non_negative("volume_24h"),
    )


def book(record: Record, market: str) -> Book:
    """A book with its levels best first; a side out of order is refused, a crossed book is the engine's to judge."""
    same_market(record, market)
    return Book(
        market=market,
        time_ms=record.millis("time"),
        bids=_levels(record, "bids", -1),
        asks=_levels(record, "asks", 1),
    )


def trades(record: Record, market: str) -> tuple[Trade, ...]:
    """Public prints, oldest first."""
    same_market(record, market)
    rows = record.records("trades", MAX_ROWS)
    _in_order(rows, "time")
    return tuple(
        Trade(
            market, row.millis("time"), row.positive("price"), row.positive("size_base"), _side(row, "aggressor").sign
        )
        for row in rows
    )


def funding_rates(record: Record, market: str) -> tuple[FundingRate, ...]:
    """Published funding rates, oldest first. A row's own interval wins over the one stated for all of them."""
    same_market(record, market)
    stated = record.whole("funding_interval_h", 1, 24 * 7)
    rows = record.records("rates")
    _in_order(rows, "time")
    return tuple(
        FundingRate(
            market,
            row.millis("time"),
            _funding_rate(row, "rate"),
            row.whole("funding_interval_h", 1, 24 * 7) if row.given("funding_interval_h") else stated,
        )
        for row in rows
    )


def order(record: Record) -> Order:
    """An order. Refused where it contradicts itself: more filled than asked for, a limit order without a price."""
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
    )


def open_order(record: Record) -> Order:
    """An order of an open list: any other status there is refused."""
    found = order(record)
    if found.status is not OrderStatus.OPEN:
        raise record.refusal("status", "must be open in a list of open orders")
    return found


def fill(record: Record) -> Fill:
    """One execution of ours."""
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
    """One settlement; the amount is positive when received."""
    return FundingPayment(
        payment_id=record.text("payment_id"),
        market=record.text("market"),
        time_ms=record.millis("time"),
        rate=_funding_rate(record, "rate"),
        price=record.positive("price"),
        size=record.signed("size_base"),
        amount=record.signed("amount"),
    )


def position(record: Record) -> Position:
    """The signed position of a market; one without size but with history is kept."""
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
    """Equity and margin of the account."""
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
    """A new order as JSON. `post_only` goes with limit orders alone: a market order cannot rest."""
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
    return _with_expiry(item, new.valid_until_ms)


def amend_item(amend: AmendOrder) -> dict[str, object]:
    """An amend as JSON: price and TOTAL size."""
    where = f"amend of {amend.client_order_id}"
    item: dict[str, object] = {
        "client_order_id": amend.client_order_id,
        "price": _sendable(amend.price, f"{where}: price"),
        "size_base": _sendable(amend.size, f"{where}: size"),
    }
    return _with_expiry(item, amend.valid_until_ms)


def cancel_item(cancel: CancelOrder) -> dict[str, object]:
    """A cancel as JSON, by our own id where there is one."""
    if cancel.client_order_id is not None:
        return {"client_order_id": cancel.client_order_id}
    if cancel.order_id is not None:
        return {"order_id": cancel.order_id}
    raise RiskRefused(f"a cancel in {cancel.market} names no order; nothing was sent")


def same_market(record: Record, market: str) -> None:
    """Raises BadVenueData when the answer is about another market than the one asked for."""
    if record.text("market") != market:
        raise record.refusal("market", f"must be {market}")


def once_each(values: Iterable[str], where: str) -> None:
    """Raises BadVenueData for an id or a market that an answer lists twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise BadVenueData(f"{where}: {value} is listed twice")
        seen.add(value)


def _side(record: Record, name: str) -> Side:
    return record.choice(name, Side)


def _fee_bps(record: Record, name: str) -> Decimal:
    value = record.signed(name)
    if abs(value) > 1000:
        raise record.refusal(name, "must be within ±1000 bps")
    return value


def _funding_rate(record: Record, name: str) -> Decimal:
    value = record.signed(name)
    if abs(value) > 1:
        raise record.refusal(name, "must be a fraction within ±1")
    return value


def _levels(record: Record, name: str, direction: int) -> tuple[Level, ...]:
    levels = tuple(
        _level(item, f"{record.where}.{name}[{index}]") for index, item in enumerate(record.items(name, MAX_LEVELS))
    )
    for index, (before, after) in enumerate(pairwise(levels)):
        if (after.price - before.price) * direction <= 0:
            raise BadVenueData(
                f"{record.where}.{name}[{index + 1}]: {after.price} is out of order after {before.price}"
            )
    return levels


def _level(item: object, where: str) -> Level:
    if not isinstance(item, list) or len(item) != 2:
        raise BadVenueData(f"{where}: must be [price, size]")
    pair = Record({"price": item[0], "size": item[1]}, where)
    return Level(pair.positive("price"), pair.positive("size"))


def _in_order(rows: Sequence[Record], name: str) -> None:
    for before, after in pairwise(rows):
        if after.millis(name) < before.millis(name):
            raise after.refusal(name, f"must not be before {before.millis(name)}")


def _sendable(value: Decimal, what: str) -> Decimal:
    if not value.is_finite() or value <= 0:
        raise RiskRefused(f"{what} must be positive, not {value}; nothing was sent")
    return value


def _with_expiry(item: dict[str, object], valid_until_ms: int | None) -> dict[str, object]:
    return item if valid_until_ms is None else {**item, "valid_until": valid_until_ms}

"""From the exchange's integers to the records that it hands out. Pure, exact: no division is ever rounded silently.

Average prices are the only rounded numbers here (to 1e-8 USD, half-even); they are for display. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Container
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import cache

from pfmm.paper import ledger
from pfmm.paper.account import Account, FillEntry, FundingEntry, Marks, OrderState
from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.ledger import Position, half_even
from pfmm.paper.messages import AccountRecord, FillRecord, FundingRecord, OrderRecord, PositionRecord

# wider than any amount of the exchange; what would have to be rounded all the same is an error, not a number
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])


def decimal(units: int, decimals: int) -> Decimal:
    """Return units / 10**decimals as an exact Decimal: 639_439 and 1 give 63943.9."""
    return _multiply(units, _unit(decimals))


def usd(amount: int) -> Decimal:
    """Turn whole 1e-8 USD into USD, exactly."""
    return _multiply(amount, _SMALLEST_USD)


@cache
def _unit(decimals: int) -> Decimal:
    """Return 10**-decimals: a product with it is exact, and a third of the price of moving the point."""
    return Decimal(1).scaleb(-decimals, _EXACT)


_multiply, _SMALLEST_USD = _EXACT.multiply, _unit(8)


def side_word(side: int) -> str:
    """Name a side: +1 is long (buy), -1 short (sell)."""
    return "long" if side > 0 else "short"


def order_record(order: OrderState) -> OrderRecord:
    """Return the order as it stands."""
    average = None
    if order.filled:
        average = usd(half_even(order.cost * 10 ** (8 - order.price_decimals), order.filled))
    return OrderRecord(
        order_id=f"o{order.number}",
        client_order_id=order.client_order_id,
        market=order.market,
        side=side_word(order.side),
        type=order.type,
        price=decimal(order.price, order.price_decimals) if order.price else None,
        size_base=decimal(order.size, order.size_decimals),
        filled_base=decimal(order.filled, order.size_decimals),
        avg_fill_price=average,
        status=order.status,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        time_in_force=order.time_in_force,
        reason=order.reason,
        created_at=order.created_ms,
        updated_at=order.updated_ms,
        trigger_price=decimal(order.trigger, order.price_decimals) if order.trigger else None,
    )


def fill_record(fill: FillEntry) -> FillRecord:
    """Return an execution in the units of the API."""
    return FillRecord(
        sequence=fill.number,
        fill_id=f"f{fill.number}",
        order_id=f"o{fill.order}",
        client_order_id=fill.client_order_id,
        market=fill.market,
        side=side_word(fill.side),
        price=decimal(fill.price, fill.price_decimals),
        size_base=decimal(fill.size, fill.size_decimals),
        fee=usd(fill.fee),
        liquidity="maker" if fill.maker else "taker",
        time=fill.time_ms,
        liquidation=fill.liquidation,
    )


def funding_record(payment: FundingEntry) -> FundingRecord:
    """Return a funding settlement in the units of the API."""
    return FundingRecord(
        sequence=payment.number,
        payment_id=f"p{payment.number}",
        market=payment.market,
        time=payment.time_ms,
        rate=decimal(payment.rate, 8),
        price=decimal(payment.price, payment.price_decimals),
        size_base=decimal(payment.size, payment.size_decimals),
        amount=usd(payment.amount),
    )


def account_record(account: Account, mark: Marks) -> AccountRecord:
    """Return the account's sums at the marks. `free_margin` is never shown below zero."""
    totals = account.totals(mark)
    used = account.initial_margin(mark)
    return AccountRecord(
        account_id=account.name,
        equity=usd(totals.equity),
        cash=usd(totals.cash),
        margin_used=usd(used),
        free_margin=usd(max(totals.equity - used, 0)),
        deposits=usd(totals.deposits),
        realized_pnl=usd(totals.realized),
        unrealized_pnl=usd(totals.unrealized),
        fees=usd(totals.fees),
        funding=usd(totals.funding),
    )


def position_records(account: Account, mark: Marks, listed: Container[str]) -> tuple[PositionRecord, ...]:
    """Return the position of every market that the account has traded and that is still `listed`, by name."""
    equity = account.totals(mark).equity
    maintenance = account.maintenance_margin(mark)
    return tuple(
        _position_record(account.specs(market), position, mark(market), equity, maintenance)
        for market, position in sorted(account.positions.items())
        if market in listed
    )


def _position_record(spec: MarketSpec, position: Position, mark: int, equity: int, maintenance: int) -> PositionRecord:
    unit = ledger.notional_unit(spec)
    entry = None
    if position.size:
        entry = usd(half_even(position.basis * 10**spec.size_decimals, abs(position.size)))
    liquidation = ledger.liquidation_price(
        position.size, mark, unit, spec.max_leverage, equity=equity, maintenance=maintenance
    )
    return PositionRecord(
        market=spec.market,
        size_base=decimal(position.size, spec.size_decimals),
        cost_basis=usd(position.basis),
        entry_price=entry,
        mark_price=decimal(mark, spec.price_decimals),
        unrealized_pnl=usd(position.unrealized(mark, unit)),
        realized_pnl=usd(position.realized),
        fees=usd(position.fees),
        funding=usd(position.funding),
        liquidation_price=None if liquidation is None else decimal(liquidation, spec.price_decimals),
        leverage=min(ledger.LEVERAGE, spec.max_leverage),
    )

"""What a grid can lose: at its edges, 5 and 10 % away, and where the account would be liquidated. Pure arithmetic.

A price that runs straight one way fills every order on its way and none on the other side; nothing is bought back.
Layer: strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Protocol

from pfmm.model.market import Instrument
from pfmm.model.order import Side

_ZERO = Decimal(0)
_BPS = Decimal(10_000)
_CENTS = Decimal("0.01")
_USD_STEP = Decimal("1e-8")
_WIDE = Context(prec=40)


class Resting(Protocol):
    """One order of the grid: side, price (USD), size (base units)."""

    @property
    def side(self) -> Side: ...

    @property
    def price(self) -> Decimal: ...

    @property
    def size(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class Liquidation:
    """Where the account would be liquidated on one side of the grid, and its P&L there: USD, the taker fee of the
    closing included, its slippage not."""

    price: Decimal
    pnl: Decimal


@dataclass(frozen=True, slots=True)
class WorstCase:
    """P&L in USD, fees included, when the price runs straight to a point and fills every order on its way.

    `at_lower` and `at_upper` are the edges of the range; the others 5 and 10 % from the price of now. A liquidation is
    None where none can happen above zero, and where the account's equity is not known.
    """

    at_lower: Decimal
    at_upper: Decimal
    minus_5_pct: Decimal
    minus_10_pct: Decimal
    plus_5_pct: Decimal
    plus_10_pct: Decimal
    liquidation_below: Liquidation | None = None
    liquidation_above: Liquidation | None = None


def worst_case(
    orders: Sequence[Resting],
    edges: tuple[Decimal, Decimal],
    *,
    mid: Decimal,
    instrument: Instrument,
    equity: Decimal | None,
) -> WorstCase:
    """Work out the worst cases of a grid's first orders at `mid` (USD) within `edges`.

    `equity` is in USD, None where it is not known. Buys of 1 at 105 and 100 without fees, price 110: at 100 they have
    lost 5, at 99 (−10 %) 6 + 1 = 7. With 50 USD of equity and a maximum leverage of 20 (maintenance 2.5 %): 50 + 2p −
    205 = 0.05p at 79.49, with 46.03 lost.
    """

    def at(price: Decimal) -> Decimal:
        return _profit(orders, price, Side.LONG if price < mid else Side.SHORT, instrument)

    def away(percent: int) -> Decimal:
        return at(mid * (100 + percent) / 100).quantize(_USD_STEP)

    return WorstCase(
        at_lower=_profit(orders, edges[0], Side.LONG, instrument),
        at_upper=_profit(orders, edges[1], Side.SHORT, instrument),
        minus_5_pct=away(-5),
        minus_10_pct=away(-10),
        plus_5_pct=away(5),
        plus_10_pct=away(10),
        liquidation_below=_liquidation(orders, Side.LONG, instrument, equity),
        liquidation_above=_liquidation(orders, Side.SHORT, instrument, equity),
    )


def _profit(orders: Sequence[Resting], price: Decimal, side: Side, instrument: Instrument) -> Decimal:
    """Work out what the orders of `side` that a straight way to `price` fills have made there, maker fees included."""
    total = _ZERO
    for order in orders:
        if order.side is side and (order.price - price) * side.sign >= 0:
            total += (price - order.price) * order.size * side.sign - order.price * order.size * _maker(instrument)
    return total


def _liquidation(
    orders: Sequence[Resting], side: Side, instrument: Instrument, equity: Decimal | None
) -> Liquidation | None:
    """Find the first price on the way at which equity is the maintenance margin.

    With `held` base units filled at a value of `spent`: equity + sign·(held·p − spent) − fees = m·held·p.
    """
    if equity is None or equity <= 0 or instrument.max_leverage <= 0:
        return None
    share = instrument.maintenance
    ours = sorted((order for order in orders if order.side is side), key=lambda order: order.price * -side.sign)
    held = spent = _ZERO
    for index, order in enumerate(ours):
        held, spent = held + order.size, spent + order.size * order.price
        left = spent * side.sign - equity + spent * _maker(instrument)
        price = _WIDE.divide(left, held * (side.sign - share))
        # it lies behind the next order's price, or is met before that one fills
        following = ours[index + 1].price if index + 1 < len(ours) else None
        if price > 0 and (following is None or (price - following) * side.sign > 0):
            price = min(price, order.price) if side is Side.LONG else max(price, order.price)
            closing = held * price * instrument.taker_bps / _BPS
            profit = (held * price - spent) * side.sign - spent * _maker(instrument) - closing
            return Liquidation(price.quantize(_price_step(instrument, price)), profit.quantize(_CENTS))
    return None


def _price_step(instrument: Instrument, price: Decimal) -> Decimal:
    tick = instrument.price_rule.tick_at(price)
    return tick if tick > 0 else _CENTS


def _maker(instrument: Instrument) -> Decimal:
    return instrument.maker_bps / _BPS

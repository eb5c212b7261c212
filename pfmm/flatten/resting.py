"""The order that closes a position where a venue takes post-only orders alone, as it does after an upgrade.

ONE reduce-only post-only order rests at its own side's best price and follows it; every 5 s an immediate order is tried
again. It can neither open nor flip a position, and it stays when the time is up: the verdict says so. Layer: flatten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from pfmm.flatten.contract import MarketProgress
from pfmm.model.account import VenueTime
from pfmm.model.expiry import valid_until_ms
from pfmm.model.market import Instrument, Ticker
from pfmm.model.order import NewOrder, Order, Side

TRY_AGAIN_S: Final = 5.0  # between two immediate orders
SHOWS_WITHIN_S: Final = 2.0  # an order that rests, in a list of open orders that is read apart from the rest


def staying(market: MarketProgress, resting: Iterable[Order], ticker: Ticker | None) -> Order | None:
    """Find the closing order of `market` that should go on resting: our own one, no larger than what is left to close,
    and not behind the best price of its side."""
    if market.rest_id is None or not market.post_only:
        return None
    order = next((one for one in resting if one.client_order_id == market.rest_id), None)
    touch = _own_touch(market, ticker)
    if order is None or order.price is None or order.remaining > market.excess or order.side is not _side(market):
        return None
    behind = touch is not None and (touch - order.price) * order.side.sign > 0
    return None if behind else order


def resting_order(
    market: MarketProgress,
    ticker: Ticker | None,
    instrument: Instrument | None,
    now: VenueTime,
    *,
    client_order_id: Callable[[], str],
) -> NewOrder | None:
    """Make the order that rests at its own side's best price, or None, with the reason noted, where there is none."""
    touch = _own_touch(market, ticker)
    if touch is None or instrument is None:
        market.reason = "the venue takes post-only orders alone for now, and shows no price to rest at"
        return None
    return NewOrder(
        client_order_id=client_order_id(),
        market=instrument.market,
        side=_side(market),
        size=market.excess,
        price=touch,
        post_only=True,
        reduce_only=True,
        valid_until_ms=valid_until_ms(now),
    )


def told(order: Order) -> str:
    """Say why something is left: what rests."""
    return (
        f"the venue takes post-only orders alone for now: a reduce-only {order.side} of {order.remaining:f} rests at "
        f"{order.price or Decimal(0):f} (order {order.order_id}) and was left there"
    )


def _side(market: MarketProgress) -> Side:
    return Side.SHORT if market.size > 0 else Side.LONG


def _own_touch(market: MarketProgress, ticker: Ticker | None) -> Decimal | None:
    if ticker is None:
        return None
    return ticker.ask if _side(market) is Side.SHORT else ticker.bid

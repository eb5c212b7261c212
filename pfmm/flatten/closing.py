"""The order that closes what a market has left: reduce-only, IOC, inside the slippage cap. Layer: flatten."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from pfmm.flatten.contract import MarketProgress
from pfmm.model.account import VenueTime
from pfmm.model.expiry import valid_until_ms
from pfmm.model.market import Instrument, Ticker
from pfmm.model.order import NewOrder, Side, TimeInForce
from pfmm.strategy.ticks import snap_price, snap_size

_BPS = Decimal(10_000)


def closing_order(
    market: MarketProgress,
    ticker: Ticker | None,
    instrument: Instrument | None,
    now: VenueTime,
    *,
    max_slippage_bps: Decimal,
    client_order_id: Callable[[], str],
) -> NewOrder | None:
    """Make the order that closes the excess of `market`, or None, with the reason noted there, where it must wait.

    50 bps below a best bid of 100 is the worst price of a sale: 99.5, rounded towards the touch.
    """
    side = Side.SHORT if market.size > 0 else Side.LONG
    touch = None if ticker is None else ticker.bid if side is Side.SHORT else ticker.ask
    if touch is None or instrument is None:
        missing = f"no {'bid' if side is Side.SHORT else 'ask'} to close at" if touch is None else "no price rule"
        market.reason = f"the venue shows {missing}"
        return None
    size = market.excess if market.target == 0 else snap_size(market.excess, instrument.size_step)
    if not size:
        return None
    worst = touch * (1 + side.sign * max_slippage_bps / _BPS)
    try:
        price = snap_price(worst, side, instrument.price_rule)  # rounded towards the touch: the cap is a cap
    except ValueError as error:
        market.reason = str(error)
        return None
    return NewOrder(
        client_order_id=client_order_id(),
        market=instrument.market,
        side=side,
        size=size,
        price=price,
        post_only=False,
        reduce_only=True,
        time_in_force=TimeInForce.IOC,
        valid_until_ms=valid_until_ms(now),
    )

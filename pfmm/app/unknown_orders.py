"""Orders at the venue that some pfmm sent and this journal does not know: another state folder's, or a lost one's.

A journal that is absent proves nothing about the venue: who is asked what rests looks there. Layer: app.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.engine.cancel import ask_to_cancel, pause
from pfmm.engine.unknown_orders import unknown_orders
from pfmm.errors import ConfigError, StateUnknown

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.model.deadline import Deadline
    from pfmm.model.order import Order, Side

ROUNDS = 12


@dataclass(frozen=True, slots=True)
class UnknownOrder:
    """An open order with an id in pfmm's form that no run of this journal placed."""

    market: str
    side: Side
    price: Decimal | None
    size: Decimal
    client_order_id: str | None
    order_id: str


def asks_nobody(session: Session) -> bool:
    """Tell whether there is no venue to ask yet: an embedded exchange that was never made has no orders."""
    return session.in_process and not (session.state_dir / "paper" / "exchange.sqlite3").exists()


def resting_unknown(session: Session, market: str | None) -> tuple[Order, ...]:
    """Return the unknown orders that rest on a market, or anywhere (None). Raises what the venue's reads raise."""
    if asks_nobody(session):
        return ()
    resting = session.venue.open_orders(market)
    try:
        return unknown_orders(resting, session.journal if session.has_journal else None)
    except ConfigError:  # a journal that cannot be used knows none
        return unknown_orders(resting, None)


def rows_of(orders: Sequence[Order]) -> tuple[UnknownOrder, ...]:
    """Return the orders as an answer shows them."""
    return tuple(UnknownOrder(o.market, o.side, o.price, o.remaining, o.client_order_id, o.order_id) for o in orders)


def words_of(orders: Sequence[Order | UnknownOrder], kind: str) -> str:
    """Say on which markets unknown orders rest, and what to do about them."""
    markets = sorted({order.market for order in orders})
    ids = ", ".join(str(order.client_order_id) for order in orders[:3]) + (", …" if len(orders) > 3 else "")
    where = markets[0] if len(markets) == 1 else "MARKET"
    return (
        f"{len(orders)} orders with pfmm's ids rest on {', '.join(markets)} that this journal does not know ({ids}): "
        "another state folder sent them, or this one was lost; "
        f"`pfmm {kind} stop {where} --unknown-orders` cancels them, as `pfmm flatten {where}` does"
    )


def cancel_unknown(session: Session, market: str | None, deadline: Deadline) -> int:
    """Cancel the unknown orders and prove that none rests; return how many there were. Whoever sent them may still run,
    and send more: raises StateUnknown when some rest at the deadline."""
    from pfmm.app.wall_clock import wait_s

    found = resting_unknown(session, market)
    seen = {order.order_id for order in found}
    clock = session.clock(wait_s)
    for attempt in range(ROUNDS):
        if not found:
            return len(seen)
        if deadline.passed:
            break
        ask_to_cancel(session.venue, (), found)
        if attempt:
            clock.synchronise(session.venue.time())
            pause(clock)
        found = resting_unknown(session, market)
        seen |= {order.order_id for order in found}
    raise StateUnknown(
        f"{len(found)} orders with pfmm's ids that this journal does not know still rest",
        hint="the process that sent them may still run: stop it there; `pfmm flatten` cancels everything",
    )

"""What became of our orders: compares the orders that the journal believes live with what the venue shows.

Pure. The rule of the house: never guess. An order is FILLED only when its fills were seen, EXPIRED only when its
expiry plus the clock skew has passed and the venue knows no such order, CANCELLED only on the venue's own word.

An order that did rest is not gone for being absent: a read may be old. It is once a cancel by client order id, which
reaches what matches orders, found none, and fills were read later than that; see `settle_absent`. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pfmm.model.expiry import acts_until_ms
from pfmm.model.order import Order, OrderStatus
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.quick import quick, replace
from pfmm.model.refusal import RefusalReason

_FINAL = {
    OrderStatus.FILLED: OwnStatus.FILLED,
    OrderStatus.CANCELLED: OwnStatus.CANCELLED,
    OrderStatus.EXPIRED: OwnStatus.EXPIRED,
    OrderStatus.REJECTED: OwnStatus.REJECTED,
}


@quick(frozen=True, slots=True)
class Settlement:
    """Orders whose record changes, and client order ids that only the venue can settle (one read each)."""

    updates: tuple[OwnOrder, ...]
    ask: tuple[str, ...]


def settle(live: Iterable[OwnOrder], open_orders: Iterable[Order], now_ms: int) -> Settlement:
    """Compare live own orders with the venue's open list, both from one consistent snapshot at `now_ms`.

    Fills must have been absorbed before, so that `filled` is current. Orders in the list become OPEN; complete ones
    become FILLED; what is neither must be asked for by client order id.
    """
    shown = by_client_order_id(open_orders)
    updates: list[OwnOrder] = []
    ask: list[str] = []
    for own in live:
        seen = _of_record(own, shown.get(own.client_order_id, ()))
        if seen is not None:
            after = _as_open(own, seen, now_ms)
        elif own.amend_size is None and own.filled >= own.size and not _told(own):
            after = replace(own, status=OwnStatus.FILLED)
        else:
            ask.append(own.client_order_id)
            after = replace(own, status=OwnStatus.MISSING) if own.status is OwnStatus.OPEN else own
        if after is not own and after != own:
            updates.append(after)
    return Settlement(tuple(updates), tuple(ask))


def by_client_order_id(open_orders: Iterable[Order]) -> Mapping[str, Sequence[Order]]:
    """Open orders by the id that they were sent under: one each, unless the venue made two of one request."""
    shown: dict[str, list[Order]] = {}
    for order in open_orders:
        if order.client_order_id is not None:
            shown.setdefault(order.client_order_id, []).append(order)
    return shown


def _of_record(own: OwnOrder, shown: Sequence[Order]) -> Order | None:
    """Find, of the open orders that go by the id of `own`, the one that its record is about.

    A single one is, whatever its order id, which an amend may have changed; unless all of the record is filled, which
    was then another order.
    """
    for order in shown:
        if order.order_id == own.order_id:
            return order
    complete = own.order_id is not None and own.amend_size is None and own.filled >= own.size
    return shown[0] if shown and not complete else None


def settle_one(own: OwnOrder, answer: Order | None, now_ms: int, *, acknowledged: bool = False) -> OwnOrder:
    """Return the order after the venue was asked for it by client order id; `answer` None means that it never saw it.

    Where the answer is the one to an amendment this is `acknowledged`: whatever the venue now shows is the order.

    An order that the venue calls done stays MISSING until the fills that it told of have been seen, so that nothing is
    replaced before its fill is counted: its size is what they add up to, and it loses its expiry, since nothing else
    may settle it any more. Of 3 that were cancelled with 1 filled the size is 1; forgotten after that, it is FILLED.
    """
    if answer is None:
        if _told(own) and own.filled >= own.size:
            return replace(own, status=OwnStatus.FILLED)
        if own.status in (OwnStatus.SENDING, OwnStatus.UNKNOWN) and _expired(own, now_ms):
            return replace(own, status=OwnStatus.EXPIRED, amend_price=None, amend_size=None)
        return replace(own, status=OwnStatus.UNKNOWN) if own.status is OwnStatus.SENDING else own
    if answer.status is OrderStatus.OPEN:
        return _as_open(own, answer, now_ms, acknowledged=acknowledged)
    if own.filled < answer.filled:
        size, status, valid_until_ms = answer.filled, OwnStatus.MISSING, None
    else:
        size, status, valid_until_ms = answer.size, _FINAL[answer.status], own.valid_until_ms
    return replace(
        own,
        status=status,
        order_id=answer.order_id,
        size=size,
        valid_until_ms=valid_until_ms,
        amend_price=None,
        amend_size=None,
    )


def is_lost(own: OwnOrder, now_ms: int) -> bool:
    """Tell whether an order has left the open list and was not heard of for longer than a request can be in flight. To
    cancel it is safe then, and the answer settles it."""
    if own.status is not OwnStatus.MISSING or own.valid_until_ms is None:
        return False
    return now_ms > acts_until_ms(max(own.valid_until_ms, own.updated_ms))


def settle_absent(own: OwnOrder, reason: RefusalReason, now_ms: int) -> OwnOrder:
    """Return the order after a cancel of it by client order id was refused for `reason`, at or after `now_ms`.

    A MISSING order that the venue no longer knows becomes UNKNOWN, as if sent anew with an expiry of now: it goes on
    holding its slot, and is EXPIRED only by a later snapshot, whose fills were read after that cancel, and one more
    question by client order id. Anything that shows it meanwhile settles it as always. An order of which the venue
    told of fills that were not seen waits for these, whatever is forgotten.
    """
    if reason is not RefusalReason.ORDER_NOT_FOUND or own.status is not OwnStatus.MISSING or own.valid_until_ms is None:
        return own
    return replace(own, status=OwnStatus.UNKNOWN, valid_until_ms=max(own.valid_until_ms, now_ms))


def _as_open(own: OwnOrder, seen: Order, now_ms: int, *, acknowledged: bool = False) -> OwnOrder:
    """Return the record of an order that rests: price and size are the venue's.

    An unacknowledged amend is forgotten once it shows, or once it can no longer act.
    """
    price = own.price if seen.price is None else seen.price
    if (own.status, own.order_id, own.price, own.size) == (OwnStatus.OPEN, seen.order_id, price, seen.size) and (
        own.amend_size is None and own.amend_price is None
    ):
        return own  # as mostly, and not even made anew
    acted = own.amend_size is not None and seen.size == own.amend_size and price == own.amend_price
    settled = acknowledged or acted or own.amend_size is None or _expired(own, now_ms)
    return replace(
        own,
        status=OwnStatus.OPEN,
        order_id=seen.order_id,
        price=price,
        size=seen.size,
        amend_price=None if settled else own.amend_price,
        amend_size=None if settled else own.amend_size,
    )


def _told(own: OwnOrder) -> bool:
    """Tell whether the venue has said that the order is done, and of fills that had not been seen."""
    return own.status is OwnStatus.MISSING and own.valid_until_ms is None


def _expired(own: OwnOrder, now_ms: int) -> bool:
    return own.valid_until_ms is not None and now_ms > acts_until_ms(own.valid_until_ms)

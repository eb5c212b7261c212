"""The stop that waits at the venue and closes what a run holds where its loss reaches the limit. Pure. Layer: engine.

For venues that grant no dead-man: it outlives the machine. It only reduces, is no quote, and is counted like any other
order where limits are concerned, since it cancels none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pfmm.model.ledger import LedgerState
from pfmm.model.market import Instrument
from pfmm.model.order import Side
from pfmm.model.plan import DesiredOrder, OwnOrder, OwnStatus
from pfmm.model.quick import quick
from pfmm.strategy.ticks import snap_price, snap_size

STOP_SLOT = "stop"
SLIPPAGE = Decimal("0.05")  # how much worse than its trigger it may trade
LOSS_OFF = Decimal("0.1")  # a stop is left where it is while the loss there is this near to the limit, as a part of it
SIZE_OFF = Decimal("0.2")  # and while it closes this near to what is held

_ZERO = Decimal(0)


@quick(frozen=True, slots=True)
class StopPlan:
    """What is sent of stops in one cycle: at most one new one, and those that are not needed any more."""

    place: DesiredOrder | None = None
    cancel: tuple[OwnOrder, ...] = ()


def stop_price(ledger: LedgerState, max_loss_usd: Decimal) -> Decimal | None:
    """Return the price at which realised + unrealised - fees + funding is -max_loss.

    None while flat, and where no price above zero brings that loss. The fee and the slippage of the stop itself come on
    top.

    Long 2 bought for 200 after a gain of 5, limit 25: 2p - 200 + 5 = -25, so p is 85.
    """
    if not ledger.size:
        return None
    basis = ledger.cost_basis if ledger.size > 0 else -ledger.cost_basis
    price = (basis - max_loss_usd - ledger.realized + ledger.fees - ledger.funding) / ledger.size
    return price if price > 0 else None


def desired_stop(
    ledger: LedgerState, net_position: Decimal, max_loss_usd: Decimal | None, instrument: Instrument
) -> DesiredOrder | None:
    """Return the stop that should wait for a run: the whole of what it holds.

    It is no larger than the account's `net_position` (signed base units) lets an order of that side reduce. Prices are
    snapped so that it triggers early, not late.
    """
    trigger = None if max_loss_usd is None else stop_price(ledger, max_loss_usd)
    if trigger is None or ledger.size * net_position <= 0:
        return None
    side = Side.SHORT if ledger.size > 0 else Side.LONG
    size = snap_size(min(abs(ledger.size), abs(net_position)), instrument.size_step)
    rule = instrument.price_rule
    if trigger < rule.tick_at(trigger):
        return None
    snapped = snap_price(trigger, side, rule)
    worst = snap_price(snapped * (1 + side.sign * SLIPPAGE), side, rule)
    if not size:
        return None
    return DesiredOrder(STOP_SLOT, side, worst, size, reduce_only=True, post_only=False, trigger_price=snapped)


def keep_in_step(desired: DesiredOrder | None, live: Sequence[OwnOrder], max_loss_usd: Decimal | None) -> StopPlan:
    """Return what brings the run's live stops to the desired one.

    A new one is placed before the last old one is cancelled, which happens once the new one is seen: there is no moment
    without any, and there are never more than two. While one is unproven nothing is placed.
    """
    proven = sorted((o for o in live if o.status is OwnStatus.OPEN), key=lambda o: (o.created_ms, o.client_order_id))
    if desired is None:
        return StopPlan(cancel=tuple(proven))
    right = [order for order in proven if _is_right(desired, order, max_loss_usd or _ZERO)]
    if right:
        return StopPlan(cancel=tuple(order for order in proven if order is not right[-1]))
    return StopPlan() if len(proven) < len(live) else StopPlan(desired, tuple(proven[:-1]))


def _is_right(desired: DesiredOrder, order: OwnOrder, max_loss_usd: Decimal) -> bool:
    if order.side is not desired.side or order.trigger_price is None or desired.trigger_price is None:
        return False
    loss_error = abs(order.trigger_price - desired.trigger_price) * desired.size
    size_error = abs(order.remaining - desired.size)
    return loss_error <= LOSS_OFF * max_loss_usd and size_error <= SIZE_OFF * desired.size


def without_stops(orders: Sequence[OwnOrder]) -> list[OwnOrder]:
    """Return the orders that quote or close; a stop rests at no price and meets nobody."""
    return [order for order in orders if order.slot != STOP_SLOT]

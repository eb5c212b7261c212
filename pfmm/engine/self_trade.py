"""Two strategies on one account must never trade with each other: orders that would are re-priced or held. Pure.

Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from pfmm.model.market import PriceRule
from pfmm.model.order import Side
from pfmm.model.plan import DesiredOrder, Held, OwnOrder, Plan
from pfmm.model.quick import replace
from pfmm.strategy.ticks import snap_price

_REASON = "would trade with another strategy of this account"


def hold_crossing(plan: Plan, others: Iterable[OwnOrder]) -> Plan:
    """Move every placement or amendment that would meet an order of ANOTHER run of the account to `held`.

    `others` are the live orders of other runs on this market, unsettled ones included. Equal prices cross.
    """
    highest_buy, lowest_sell = _edges(others)
    if highest_buy is None and lowest_sell is None:
        return plan

    def crosses(side: Side, price: Decimal) -> bool:
        if side is Side.LONG:
            return lowest_sell is not None and price >= lowest_sell
        return highest_buy is not None and price <= highest_buy

    held = list(plan.held)
    place = [d for d in plan.place if not crosses(d.side, d.price)]
    held += [Held(d.slot, _REASON) for d in plan.place if crosses(d.side, d.price)]
    amend = [a for a in plan.amend if not crosses(a.desired.side, a.desired.price)]
    stuck = [a for a in plan.amend if crosses(a.desired.side, a.desired.price)]
    held += [Held(a.desired.slot, _REASON) for a in stuck]
    keep = (*plan.keep, *(a.order for a in stuck))
    return replace(plan, keep=keep, amend=tuple(amend), place=tuple(place), held=tuple(held))


def close_before(
    close: DesiredOrder, others: Iterable[OwnOrder], *, touch: Decimal, rule: PriceRule
) -> tuple[DesiredOrder | None, str | None]:
    """Return the order `close` so that it meets no order of ANOTHER run of the account, and what to tell about it.

    It takes what rests before the nearest of their orders and stops one tick short of that: selling at 99 into our
    own buy at 99.5 with a tick of 0.1 becomes selling at 99.6, the rest is closed in later cycles as far as others
    come to it. Where ours is the best price of all (`touch`, the price that `close` would trade at) nothing can be
    taken without trading with ourselves: then None, held until that order is gone. It is not ours to cancel: the other
    strategy quotes by its own rules, and an emergency has `pfmm flatten`. Their unsettled orders count as resting.
    """
    highest_buy, lowest_sell = _edges(others)
    sells = close.side is Side.SHORT
    edge = highest_buy if sells else lowest_sell
    if edge is None or (close.price - edge) * close.side.sign < 0:
        return close, None
    beyond = edge - close.side.sign * rule.tick_at(edge)
    word = "buy" if sells else "sell"
    if (beyond - touch) * close.side.sign < 0:
        return None, f"{_REASON}: its {word} at {edge:f} is the best price"
    price = snap_price(beyond, close.side, rule)
    told = f"closes at {price:f} instead of {close.price:f}, before the {word} of another strategy at {edge:f}"
    return replace(close, price=price), told


def _edges(orders: Iterable[OwnOrder]) -> tuple[Decimal | None, Decimal | None]:
    buys: list[Decimal] = []
    sells: list[Decimal] = []
    for order in orders:
        prices = [order.price] if order.amend_price is None else [order.price, order.amend_price]
        (buys if order.side is Side.LONG else sells).extend(prices)
    return max(buys, default=None), min(sells, default=None)

"""Two strategies on one account must never trade with each other: orders that would are held. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from pfmm.model.order import Side
from pfmm.model.plan import Held, OwnOrder, Plan


def hold_crossing(plan: Plan, others: Iterable[OwnOrder]) -> Plan:
    """Moves every placement or amendment that would meet an order of ANOTHER run of the account to `held`.

    `others` are the live orders of other runs on this market, unsettled ones included. Equal prices cross.
    """
    highest_buy, lowest_sell = _edges(others)

    def crosses(side: Side, price: Decimal) -> bool:
        if side is Side.LONG:
            return lowest_sell is not None and price >= lowest_sell
        return highest_buy is not None and price <= highest_buy

    reason = "would trade with another strategy of this account"
    held = list(plan.held)
    place = [d for d in plan.place if not crosses(d.side, d.price)]
    held += [Held(d.slot, reason) for d in plan.place if crosses(d.side, d.price)]
    amend = [a for a in plan.amend if not crosses(a.desired.side, a.desired.price)]
    stuck = [a for a in plan.amend if crosses(a.desired.side, a.desired.price)]
    held += [Held(a.desired.slot, reason) for a in stuck]
    keep = (*plan.keep, *(a.order for a in stuck))
    return replace(plan, keep=keep, amend=tuple(amend), place=tuple(place), held=tuple(held))


def _edges(orders: Iterable[OwnOrder]) -> tuple[Decimal | None, Decimal | None]:
    buys: list[Decimal] = []
    sells: list[Decimal] = []
    for order in orders:
        prices = [order.price] if order.amend_price is None else [order.price, order.amend_price]
        (buys if order.side is Side.LONG else sells).extend(prices)
    return max(buys, default=None), min(sells, default=None)

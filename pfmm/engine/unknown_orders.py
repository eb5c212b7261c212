"""Which of the venue's open orders some pfmm sent that is not this one. Pure but for the journal. Layer: engine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from pfmm.errors import StateUnknown
from pfmm.model.order import Order
from pfmm.model.plan import OwnOrder

if TYPE_CHECKING:
    from pfmm.engine.report import MarketSnapshot
    from pfmm.engine.strategy_run import StrategyRun

_RUN_ID = re.compile(r"[0-9a-f]{6}-[1-9][0-9]*", re.ASCII)  # a journal's nonce and a number


class KnowsOrders(Protocol):
    """Say whether an own order is known: the only question that is asked of a journal here."""

    def order(self, client_order_id: str) -> OwnOrder | None:
        """Return the own order with that id."""
        ...


def unknown_orders(orders: Iterable[Order], journal: KnowsOrders | None) -> tuple[Order, ...]:
    """Pick the orders whose client order id has the form of a run's and that the journal (None: there is none) does not
    know: "a1b2c3-7" in a journal that begins all of its ids with "0f0f0f-"."""
    return tuple(
        order
        for order in orders
        if order.client_order_id is not None
        and _RUN_ID.fullmatch(order.client_order_id)
        and (journal is None or journal.order(order.client_order_id) is None)
    )


def refuse_second(runs: Iterable[StrategyRun], seen: MarketSnapshot, journal: KnowsOrders) -> None:
    """Raise StateUnknown where a run would begin on a market on which orders of another pfmm rest, or of a lost
    journal: nobody would count or stop them, and a second run would trade beside the first."""
    for active in runs:
        found = unknown_orders(seen.orders.get(active.market, ()), journal) if active.run is None else ()
        if found:
            raise StateUnknown(
                f"{len(found)} orders with pfmm's ids rest on {active.market} that this journal does not know, as "
                f"{found[0].client_order_id}; nothing was sent",
                hint="another state folder sent them, or this one was lost: stop that run where it was started, or "
                f"`pfmm {active.kind} stop {active.market} --unknown-orders` cancels them",
            )

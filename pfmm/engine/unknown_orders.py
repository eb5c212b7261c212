"""Which of the venue's open orders some pfmm sent that is not this one. Pure but for the journal. Layer: engine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from pfmm.model.order import Order
from pfmm.model.plan import OwnOrder

_RUN_ID = re.compile(r"[0-9a-f]{6}-[1-9][0-9]*", re.ASCII)  # a journal's nonce and a number


class KnowsOrders(Protocol):
    """A journal, as far as it is asked here."""

    def order(self, client_order_id: str) -> OwnOrder | None:
        """The own order with that id."""
        ...


def unknown_orders(orders: Iterable[Order], journal: KnowsOrders | None) -> tuple[Order, ...]:
    """Those of `orders` whose client order id has the form of a run's and that the journal (None: there is none) does
    not know: "a1b2c3-7" in a journal that begins all of its ids with "0f0f0f-"."""
    return tuple(
        order
        for order in orders
        if order.client_order_id is not None
        and _RUN_ID.fullmatch(order.client_order_id)
        and (journal is None or journal.order(order.client_order_id) is None)
    )

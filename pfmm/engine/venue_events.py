"""What the venue did by itself, did not answer or held before, as events of the runs concerned. Pure. Layer: engine."""

from __future__ import annotations

from collections.abc import Sequence

from pfmm.engine.report import MarketSnapshot
from pfmm.engine.strategy_run import StrategyRun
from pfmm.errors import PfmmError
from pfmm.model.event import Event
from pfmm.model.order import Order
from pfmm.model.plan import OwnOrder
from pfmm.model.text import plain


def doubted(runs: Sequence[StrategyRun], doubts: Sequence[tuple[OwnOrder, PfmmError]], now_ms: int) -> list[Event]:
    """Tell `unknown` of every order that the venue could not be asked for: its slot is held meanwhile."""
    kinds = {active.run_id: active.kind for active in runs} if doubts else {}
    return [
        Event(
            "unknown",
            now_ms,
            own.market,
            kinds.get(own.run_id, ""),
            {"slot": own.slot, "client_order_id": own.client_order_id, "reason": error.message},
        )
        for own, error in doubts
    ]


def adopted(begun: Sequence[StrategyRun], now_ms: int) -> list[Event]:
    """Tell `position_adopted` of every run that took a position over as it began: from here on that is its own."""
    return [
        Event(
            "position_adopted",
            now_ms,
            active.market,
            active.kind,
            {
                "size": active.ledger.size,
                "price": active.adopts.price,
                "foreign": active.adopts.foreign,
                "reason": f"the run takes over {plain(active.ledger.size)} {active.market} that "
                f"{'no run ever held' if active.adopts.foreign else 'an earlier run left'}, at the mark",
            },
        )
        for active in begun
        if active.adopts is not None
    ]


def of_the_venue(
    runs: Sequence[StrategyRun], dropped: Sequence[tuple[OwnOrder, Order]], seen: MarketSnapshot
) -> list[Event]:
    """Tell what the venue did by itself: orders that it cancelled, and funding that it settled."""
    if not dropped and not seen.snapshot.funding_payments:
        return []
    kinds = {active.run_id: active.kind for active in runs}
    told = [
        Event(
            "cancelled",
            order.updated_ms,
            own.market,
            kinds.get(own.run_id, ""),
            {
                "slot": own.slot,
                "side": own.side,
                "price": own.price,
                "size": own.size,
                "client_order_id": own.client_order_id,
                "by": "venue",
                "reason": order.reason,
            },
        )
        for own, order in dropped
    ]
    for active in runs:
        told += [
            Event(
                "funding",
                paid.time_ms,
                active.market,
                active.kind,
                {"rate": paid.rate, "price": paid.price, "position": paid.size, "amount": paid.amount},
            )
            for paid in seen.snapshot.funding_payments
            if paid.market == active.market and active.run is not None
        ]
    return told

"""What of the plans may be sent: the limit of the account, no trade with oneself, and the orders that close. Pure.

Layer: engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pfmm.engine.account_limits import AccountLimits, room_of_total
from pfmm.engine.protection import without_stops
from pfmm.engine.report import MarketSnapshot
from pfmm.engine.risk import check
from pfmm.engine.self_trade import hold_crossing
from pfmm.engine.strategy_run import Step, StrategyRun
from pfmm.engine.submit import CLOSE_SLOT, intents_of
from pfmm.model.plan import DesiredOrder, Held, OwnOrder, Plan
from pfmm.model.quick import replace
from pfmm.model.run import Intents


def approve(
    steps: Sequence[Step],
    seen: MarketSnapshot,
    live: Sequence[OwnOrder],
    *,
    first_number: int,
    nonce: str,
    replaces: bool,
    account: AccountLimits | None = None,
) -> Intents:
    """Judge the plans of one cycle one after the other, each beside what the ones before it have been allowed.

    `live` are the account's orders that can still fill, `first_number` that of the next new order, and `replaces` says
    that an amended order rests beside its old self for a moment. Each step's plan becomes the part that passed, with
    the rest of it held, and `close` its closing order. Its stop goes out whatever the limit says: it only reduces.
    """
    known: dict[str, list[OwnOrder]] = {}
    for order in live:
        known.setdefault(order.market, []).append(order)
    place: list[OwnOrder] = []
    amend: list[OwnOrder] = []
    cancel: list[str] = []
    replaced: dict[str, OwnOrder] = {}
    for step in steps:
        here = known.setdefault(step.active.market, [])
        total = None if account is None else room_of_total(account, step.active.market, seen.snapshot.positions, known)
        step.plan = within_limit(step.active, step.plan, here, seen, replaces=replaces, total_room_usd=total)
        step.close = _closing_order(step, here, seen)
        intents = intents_of(
            step.plan,
            run_id=step.active.run_id or "",
            market=step.active.market,
            first_number=first_number + len(place),
            nonce=nonce,
            time=seen.time,
            beside=[one for one in (step.close, step.stop) if one is not None],
            replaces=replaces,
        )
        amended = {order.client_order_id: order for order in intents.amend}
        here[:] = [amended.get(order.client_order_id, order) for order in here]
        here += intents.place
        place += intents.place
        amend += intents.amend
        cancel += intents.cancel
        replaced |= intents.replaced
    return Intents(tuple(place), tuple(amend), tuple(cancel), replaced)


def within_limit(
    active: StrategyRun,
    plan: Plan,
    here: Sequence[OwnOrder],
    seen: MarketSnapshot,
    *,
    replaces: bool,
    total_room_usd: Decimal | None = None,
) -> Plan:
    """Take the part of a plan that passes the limit, or what other markets leave of the account's total where that is
    less; `here` are the account's live orders on the market. What does not pass is among its held."""
    ticker = seen.tickers.get(active.market)
    if ticker is None or not plan.changes:
        return plan
    own_run = active.run_id
    others = [order for order in without_stops(here) if order.run_id != own_run]
    verdict = check(
        hold_crossing(plan, others) if others else plan,
        net_position=seen.run_position(active.market),
        live_orders=here,
        limit_usd=active.room(seen, total_room_usd),
        mark=ticker.mark,
        foreign_orders=seen.foreign_orders(active.market, here),
        replaces=replaces,
    )
    if not verdict.refused:
        return verdict.plan
    return replace(verdict.plan, held=tuple(dict.fromkeys((*verdict.plan.held, *verdict.refused))))


def _closing_order(step: Step, here: Sequence[OwnOrder], seen: MarketSnapshot) -> DesiredOrder | None:
    """Return what closes the run's inventory; None unless its decision asks for that and none of its orders can fill.

    `here` are the account's live orders on the market. What is held or priced otherwise than wanted is noted.
    """
    active = step.active
    if step.decision is None or not step.decision.close or active.has_live(here):
        return None
    order, told = active.closing_order(seen, [other for other in without_stops(here) if other.run_id != active.run_id])
    if order is None and told is not None:
        step.plan = replace(step.plan, held=(*step.plan.held, Held(CLOSE_SLOT, told)))
    else:
        step.told = told
    return order

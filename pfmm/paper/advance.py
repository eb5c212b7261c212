"""Moves one account through venue time: public events, funding, liquidation and dead-man, merged in time order.

At one moment the order is: events by market name, funding, the liquidation check, stops, the dead-man switch. Funding
and the check happen at fixed marks (whole minutes of venue time) while a position is open, so that the result is the
same however the way is cut. Must not know the store or the wall clock; the feed is given. Layer: paper.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from pfmm.paper import stops
from pfmm.paper.account import Account
from pfmm.paper.feeds.feed import Event, Feed
from pfmm.paper.market_data import Moment
from pfmm.paper.matching import MarketBook

MARK_INTERVAL_MS = 60_000

_Head = tuple[int, str, Event, Iterator[Event], MarketBook]


@dataclass(slots=True)
class Budget:
    """How many events and checks one slice may take before it stops at a clean moment."""

    steps: int

    @property
    def spent(self) -> bool:
        return self.steps <= 0


def advance(account: Account, feed: Feed, to_ms: int, *, steps: int = 20_000) -> bool:
    """Move `account` towards `to_ms`; return True when it got there, False when `steps` ran out before.

    Orders of the account change only by what the market does; `account.time_ms` is the moment reached.
    """
    if account.time_ms >= to_ms:
        return True  # several requests of one moment: looking for events again would cost each of them the most
    budget = Budget(steps)
    heads = _streams(account, feed, to_ms)
    while account.time_ms < to_ms and not budget.spent:
        limit = _next_stop(account, feed, account.time_ms + 1, to_ms)
        reached = _run_events(account, feed, heads, limit, budget)
        if reached % MARK_INTERVAL_MS == 0:
            budget.steps -= max(1, len(account.held()))
            _settle_marks(account, feed, reached)
        if reached % stops.NEAR_MS == 0 and stops.is_due(account, feed, reached):
            budget.steps -= 1
            stops.look(account, Moment(feed, reached))
        if account.dead_man_ms is not None and account.dead_man_ms <= reached:
            account.cancel_all("dead_man", account.dead_man_ms)
            account.dead_man_ms = None
        account.time_ms = reached
    return account.time_ms >= to_ms


def _streams(account: Account, feed: Feed, to_ms: int) -> list[_Head]:
    heads: list[_Head] = []
    for market in sorted({order.market for order in account.orders.values()}):
        book = account.book(market)
        events = feed.events(market, account.time_ms, to_ms, book)
        first = next(events, None)
        if first is not None:
            heads.append((first[0], market, first, events, book))
    heapq.heapify(heads)
    return heads


def _next_stop(account: Account, feed: Feed, from_ms: int, to_ms: int) -> int:
    """Find the first moment at or after `from_ms` at which something besides an event can happen."""
    stop = to_ms
    if account.dead_man_ms is not None:
        stop = min(stop, max(account.dead_man_ms, from_ms))
    if account.held():
        every_ms = stops.interval_ms(account, feed, from_ms) or MARK_INTERVAL_MS
        stop = min(stop, -(-from_ms // every_ms) * every_ms)
    return stop


def _run_events(account: Account, feed: Feed, heads: list[_Head], limit: int, budget: Budget) -> int:
    """Apply events up to `limit`, or to the mark after a position opens; return the moment that is complete."""
    now = account.time_ms
    while heads and heads[0][0] <= limit:
        time_ms, market, event, events, book = heads[0]
        if budget.spent and time_ms > now > account.time_ms:
            return now
        now = time_ms
        budget.steps -= 1
        outcomes = book.on_event(event)
        if outcomes:
            account.apply(outcomes)
            limit = _next_stop(account, feed, time_ms, limit)
        following = next(events, None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following[0], market, following, events, book))
    return limit


def _settle_marks(account: Account, feed: Feed, time_ms: int) -> None:
    held = account.held()
    if not held:
        return
    marks = {market: feed.mark(market, time_ms) for market in held}
    for market in held:
        for due in feed.settlements(market, time_ms - 1, time_ms):
            account.pay_funding(market, time_ms, marks[market], due.rate)
    if account.totals(marks.__getitem__).equity >= account.maintenance_margin(marks.__getitem__):
        return
    account.cancel_all("liquidation", time_ms)
    for market in held:
        quote = feed.quote(market, time_ms)
        price = quote.bid if account.positions[market].size > 0 else quote.ask
        account.liquidate(market, price or marks[market], time_ms)

"""Stop orders of one account: they wait outside of the book until the MARK has reached their trigger, then take. Pure.

They only reduce, so that they bind no margin. They are looked at on whole minutes of venue time while a position is
open, and on whole seconds of every minute at whose begin the mark was near one: so the result is the same however the
way is cut, and a week's gap costs no 600,000 looks. A triggered one stays triggered: what the displayed depth
does not give at its price or better is tried for again a second later. Must not know the store or the wall clock.
Layer: paper.
"""

from __future__ import annotations

from pfmm.paper.account import CANCELLED, OPEN, Account, OrderState
from pfmm.paper.feeds.feed import Feed, Quote
from pfmm.paper.market_data import Moment
from pfmm.paper.matching import Levels

FAR_MS = 60_000
NEAR_MS = 1_000
NEAR = 50  # within a fiftieth of the mark, 2 %
TRIGGERED = "triggered"  # the reason of an open stop whose trigger was reached


def waiting(account: Account) -> list[OrderState]:
    """Return the account's stops, oldest first."""
    return [order for _, order in sorted(account.orders.items()) if order.trigger]


def interval_ms(account: Account, feed: Feed, time_ms: int) -> int:
    """Tell how often stops are looked at in the minute of `time_ms`; 0 without any. At a mark of 96 one at 95 is
    near."""
    begin_ms, found = time_ms - time_ms % FAR_MS, 0
    for order in account.orders.values():
        if order.trigger:
            mark = feed.mark(order.market, begin_ms)
            if order.reason == TRIGGERED or abs(mark - order.trigger) * NEAR <= mark:
                return NEAR_MS
            found = FAR_MS
    return found


def is_due(account: Account, feed: Feed, time_ms: int) -> bool:
    """Tell whether stops are looked at at `time_ms`."""
    every_ms = interval_ms(account, feed, time_ms) if account.held() else 0
    return every_ms > 0 and time_ms % every_ms == 0


def reached(order: OrderState, mark: int) -> bool:
    """Tell whether the trigger is reached, or was before: a sell's at 95 by a mark of 95 or less."""
    return order.reason == TRIGGERED or (mark - order.trigger) * order.side >= 0


def look(account: Account, moment: Moment) -> None:
    """Let every stop trade whose trigger the mark has reached."""
    for order in waiting(account):
        if order.status == OPEN and reached(order, moment.mark(order.market)):
            trade(account, order, moment)


def trade(account: Account, order: OrderState, moment: Moment) -> None:
    """Take what is displayed, up to the order's own limit; without a position to reduce it is cancelled."""
    book, bids_asks = account.book(order.market), moment.depth(order.market)
    if order.reason != TRIGGERED:
        order.reason, order.updated_ms = TRIGGERED, moment.time_ms
        account.touched[order.number] = order
    account.apply(
        book.take(
            order.number,
            order.side,
            order.remaining,
            levels(bids_asks[order.side > 0], moment.quote(order.market), order.side),
            limit=order.price,
            time_ms=moment.time_ms,
            reduce_only=True,
        ),
        taker=order.number,
    )
    if order.status == OPEN and not book.reducible(order.side):
        account.finish(order, CANCELLED, "reduce_only", moment.time_ms)


def levels(opposite: Levels, quote: Quote, side: int) -> Levels:
    """Return the displayed levels to take from: the feed's depth, or the best quote alone where there is no depth."""
    best = (quote.ask, quote.ask_size) if side > 0 else (quote.bid, quote.bid_size)
    if not best[0]:
        return ()
    return opposite or (best,)

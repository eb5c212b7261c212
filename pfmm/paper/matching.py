"""The matching core: one market's resting orders of one account against the public quotes and prints. Pure integers.

The rule of the exchange (`queue="pessimistic"`): a resting order fills at its own price (a) when the opposite best
quote reaches or passes it, up to the displayed size, each displayed size once; (b) when a trade prints through it;
(c) at its price after the queue ahead has traded: the size displayed there when it joined, or when its price first
became the visible best. Trades shorten the queue; cancellations count as behind us until less is displayed at our
price than the queue that is left: it is never longer than what is displayed. A print gives at most its own volume in
all, in price-time priority. `queue="optimistic"` is the same rule with nobody ahead.

The result depends only on events that satisfy the Watch condition of pfmm.paper.feeds.feed (an absent side counts as
beyond every price), because all others return before they touch any state: a lazy feed may leave them out.
Layer: paper.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from pfmm.paper.feeds.feed import QUOTE, Event, Quote, TradeEvent

QueueModel = Literal["pessimistic", "optimistic"]
Levels = Sequence[tuple[int, int]]


class Execution(NamedTuple):
    """`size` of order `number` traded at `price`; `side` +1 bought, -1 sold."""

    time_ms: int
    number: int
    side: int
    price: int
    size: int


class Reduction(NamedTuple):
    """A resting reduce-only order was cut to the position; `remaining` 0 means that it is gone."""

    time_ms: int
    number: int
    remaining: int


Outcome = Execution | Reduction


@dataclass(slots=True)
class Resting:
    """An order in the book. `queue_ahead` is the public size to trade first at its price, None while unknown."""

    number: int
    side: int
    price: int
    remaining: int
    reduce_only: bool = False
    queue_ahead: int | None = None


@dataclass(slots=True)
class _Side:
    """One side of our orders, best first, and how much of the opposite display they have taken."""

    sign: int
    orders: list[Resting] = field(default_factory=list)
    shown: tuple[int, int] = (0, 0)
    taken: dict[int, int] = field(default_factory=dict)

    def best(self) -> int:
        return self.orders[0].price if self.orders else 0

    def reaches(self, price: int, order_price: int) -> bool:
        """Tell whether `price` is at or beyond `order_price`, seen from this side: 99 reaches a buy at 100."""
        return price * self.sign <= order_price * self.sign

    def show(self, price: int, size: int) -> None:
        """Note the opposite best; a change of price or size is a new display that can be taken afresh."""
        if self.shown != (price, size):
            self.shown = (price, size)
            self.taken = {}

    def left(self, price: int, size: int) -> int:
        return size - self.taken.get(price, 0)

    def take(self, price: int, size: int) -> None:
        self.taken[price] = self.taken.get(price, 0) + size

    def insert(self, order: Resting) -> None:
        place = bisect_right(self.orders, -order.price * self.sign, key=lambda other: -other.price * self.sign)
        self.orders.insert(place, order)


class MarketBook:
    """Our orders in one market. It is the Watch of its feed: `best_bid` and `best_ask` are our own best prices.

    `position` is the account's signed position in size steps, kept here because reduce-only orders obey it.
    """

    __slots__ = ("_optimistic", "_sides", "best_ask", "best_bid", "position")

    def __init__(self, *, position: int = 0, queue: QueueModel = "pessimistic") -> None:
        self.best_bid = 0
        self.best_ask = 0
        self.position = position
        self._optimistic = queue == "optimistic"
        self._sides = {1: _Side(1), -1: _Side(-1)}

    def orders(self) -> list[Resting]:
        """Return all resting orders: buys from the best, then sells from the best."""
        return [*self._sides[1].orders, *self._sides[-1].orders]

    def find(self, number: int) -> Resting | None:
        """Find the resting order with that running number."""
        return next((order for side in self._sides.values() for order in side.orders if order.number == number), None)

    # -- what the market does to us

    def on_event(self, event: Event) -> Sequence[Outcome]:
        """Apply one public event; return what it did to our orders, in price-time priority.

        A crossed quote (bid >= ask) is bad data and changes nothing. Worked example: a buy of 5 at 100 with 3 ahead
        meets a sale of 4 at 100: 3 go to the queue and 1 to us.
        """
        if event[1] == QUOTE:
            time_ms, _, bid, bid_size, ask, ask_size = event
            if bid >= ask > 0:
                return ()
            outcomes: list[Outcome] = []
            if self.best_bid and bid <= self.best_bid:
                self._on_quote(self._sides[1], time_ms, (bid, bid_size), (ask, ask_size), outcomes)
            if self.best_ask and (ask >= self.best_ask or not ask):
                self._on_quote(self._sides[-1], time_ms, (ask, ask_size), (bid, bid_size), outcomes)
        else:
            time_ms, _, price, volume, aggressor = event
            if price > self.best_bid and (price < self.best_ask or not self.best_ask):
                return ()
            outcomes = []
            for sign in (-aggressor, aggressor):
                volume = self._on_trade(self._sides[sign], event, volume, outcomes)
        if outcomes:
            self._settle(time_ms, outcomes)
        return outcomes

    def _on_quote(
        self, side: _Side, time_ms: int, own: tuple[int, int], opposite: tuple[int, int], outcomes: list[Outcome]
    ) -> None:
        price, size = own
        for order in side.orders:
            if price and not side.reaches(price, order.price):
                break
            displayed = size if order.price == price else 0
            ahead = order.queue_ahead
            order.queue_ahead = displayed if ahead is None else min(ahead, displayed)
        price, size = opposite
        side.show(price, size)
        if not price:
            return
        for order in side.orders:
            left = side.left(price, size)
            if left <= 0 or not side.reaches(price, order.price):
                break
            side.take(price, self._fill(order, left, time_ms, outcomes))

    def _on_trade(self, side: _Side, event: TradeEvent, volume: int, outcomes: list[Outcome]) -> int:
        """Fill one side from what is left of a print; return what is left then."""
        price, longest = event.price, 0
        for order in side.orders:
            if volume <= 0 or not side.reaches(price, order.price):
                break
            queued = 0
            if order.price == price:
                if event.aggressor == side.sign or order.queue_ahead is None:
                    break
                # a later order of ours never overtakes an earlier one, whatever was displayed when each joined
                longest = max(longest, order.queue_ahead)
                queued = min(longest, volume)
                order.queue_ahead = longest - queued
            volume -= self._fill(order, volume - queued, event.time_ms, outcomes)
        return volume

    def _fill(self, order: Resting, available: int, time_ms: int, outcomes: list[Outcome]) -> int:
        size = min(order.remaining, available)
        if order.reduce_only:
            size = min(size, self.reducible(order.side))
        if size <= 0:
            return 0
        order.remaining -= size
        self.position += order.side * size
        outcomes.append(Execution(time_ms, order.number, order.side, order.price, size))
        return size

    def _settle(self, time_ms: int, outcomes: list[Outcome]) -> None:
        """Settle after executions: cut reduce-only orders to the new position, drop what is done, move the watch."""
        for side in self._sides.values():
            for order in side.orders:
                if order.reduce_only and order.remaining > self.reducible(order.side):
                    order.remaining = self.reducible(order.side)
                    outcomes.append(Reduction(time_ms, order.number, order.remaining))
            side.orders = [order for order in side.orders if order.remaining]
        self._watch()

    def _watch(self) -> None:
        self.best_bid = self._sides[1].best()
        self.best_ask = self._sides[-1].best()

    # -- what we do

    def reducible(self, side: int) -> int:
        """Tell how much an order of `side` can reduce the position: long 3 → a sell 3, a buy 0."""
        return max(0, -side * self.position)

    def take(
        self, number: int, side: int, size: int, levels: Levels, *, limit: int, time_ms: int, reduce_only: bool = False
    ) -> list[Outcome]:
        """Take as a taker: walk the opposite `levels` (best first) up to `limit` (0 = any price) for at most `size`.

        Returns executions at the levels' prices, then reductions of resting orders. What is displayed is taken once
        until the display changes.
        """
        own = self._sides[side]
        if levels:
            own.show(*levels[0])
        taker = Resting(number, side, 0, size, reduce_only)
        outcomes: list[Outcome] = []
        for price, displayed in levels:
            if limit and not own.reaches(price, limit):
                break
            taker.price = price
            own.take(price, self._fill(taker, own.left(price, displayed), time_ms, outcomes))
            if not taker.remaining:
                break
        if outcomes:
            self._settle(time_ms, outcomes)
        return outcomes

    def join(self, order: Resting, quote: Quote, levels: Levels = ()) -> None:
        """Rest `order` behind everybody at its price. `quote` is the market now, `levels` the displayed depth of the
        order's own side (best first), which may be empty."""
        side = self._sides[order.side]
        own = (quote.bid, quote.bid_size) if order.side == 1 else (quote.ask, quote.ask_size)
        opposite = (quote.ask, quote.ask_size) if order.side == 1 else (quote.bid, quote.bid_size)
        side.show(*opposite)
        order.queue_ahead = 0 if self._optimistic else _queue_ahead(side, order.price, own, levels)
        if order.queue_ahead is not None:
            for other in side.orders:
                if other.price == order.price and other.queue_ahead is None:
                    other.queue_ahead = order.queue_ahead
        side.insert(order)
        self._watch()

    def shrink(self, number: int, remaining: int) -> None:
        """Cut a resting order to a smaller remainder; it keeps its place in the queue."""
        order = self.find(number)
        if order is None or not 0 < remaining <= order.remaining:
            raise ValueError(f"order {number} cannot be cut to {remaining}")
        order.remaining = remaining

    def remove(self, number: int) -> None:
        """Take an order out of the book; does nothing when it is not there."""
        for side in self._sides.values():
            side.orders = [order for order in side.orders if order.number != number]
        self._watch()

    def clear(self) -> None:
        """Drop every order."""
        for side in self._sides.values():
            side.orders = []
        self._watch()

    # -- persistence

    @property
    def worth_keeping(self) -> bool:
        """False when the book holds neither orders nor taken displays: a new one would behave the same."""
        return any(side.orders or side.taken for side in self._sides.values())

    def dump(self) -> dict[str, Any]:
        """Return everything but the position, JSON-ready; `load` is the inverse."""
        return {
            str(sign): {
                "orders": [[o.number, o.price, o.remaining, o.reduce_only, o.queue_ahead] for o in side.orders],
                "shown": list(side.shown),
                "taken": [[price, size] for price, size in side.taken.items()],
            }
            for sign, side in self._sides.items()
        }

    @classmethod
    def load(cls, raw: dict[str, Any], *, position: int) -> MarketBook:
        """Rebuild a book from `dump` and the account's position."""
        book = cls(position=position)
        for sign, side in book._sides.items():
            saved = raw[str(sign)]
            side.orders = [Resting(number, sign, *rest) for number, *rest in saved["orders"]]
            side.shown = (saved["shown"][0], saved["shown"][1])
            side.taken = dict(saved["taken"])
        book._watch()
        return book


def _queue_ahead(side: _Side, price: int, own_best: tuple[int, int], levels: Levels) -> int | None:
    """Return the public size ahead of a new order: 0 when it improves the best, the displayed size where that is known.

    Inside the displayed levels a price that is not listed has nobody; beyond them the queue is unknown (None).
    """
    best, best_size = own_best
    if not best or (side.reaches(best, price) and best != price):
        return 0
    if price == best:
        return best_size
    for level, size in levels:
        if level == price:
            return size
        if side.reaches(level, price):
            return 0
    return None

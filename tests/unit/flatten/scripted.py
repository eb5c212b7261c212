"""A venue in memory whose every answer, delay and lie is written down in the test, and a flatten on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pfmm.errors import OutcomeUnknown
from pfmm.flatten.contract import FlattenOrder, FlattenResult, Others, Tools
from pfmm.flatten.emergency import flatten
from pfmm.model.account import Account, Cursors, Position, Snapshot, VenueTime
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.order import (
    Batch,
    BatchAnswer,
    NewOrder,
    Order,
    OrderStatus,
    OrderType,
    Refusal,
    Side,
    TimeInForce,
)
from pfmm.ports import Amend, Capabilities

D = Decimal
BID, ASK = D("99.9"), D("100.1")
START_MS = 1_750_000_000_000
REQUEST_S = 0.01
BTC, ETH = "BTC-PERP", "ETH-PERP"


@dataclass
class Book:
    """The best prices of a market, and how much of each can be taken by one order (None: any amount)."""

    bid: Decimal | None = BID
    ask: Decimal | None = ASK
    depth: Decimal | None = None


@dataclass
class ScriptedVenue:
    """A venue in memory. `troubles` holds, per kind of request, what happens to the next ones: an error to raise, or
    ("act", error) to act first, ("late", seconds, error) to act later, "stale" to repeat the read before."""

    positions: dict[str, Decimal] = field(default_factory=dict)
    resting: list[Order] = field(default_factory=list)
    books: dict[str, Book] = field(default_factory=lambda: {BTC: Book(), ETH: Book()})
    troubles: dict[str, list[Any]] = field(default_factory=dict)
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(Amend.IN_PLACE))
    cancels: list[list[str | None]] = field(default_factory=list)
    speed: float = 1.0
    state_word: str = "open"
    now_s: float = 0.0
    calls: list[str] = field(default_factory=list)
    placed: list[NewOrder] = field(default_factory=list)
    sizes_seen: list[tuple[str, Decimal]] = field(default_factory=list)
    refuse_places: str | None = None
    unseen: tuple[str, ...] = ()
    post_only_until_s: float | None = None  # a period in which immediate orders are refused; None: there is none
    late: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    remembered: Snapshot | None = None
    asked: dict[str, Order | None] = field(default_factory=dict)

    def order(self, client_order_id: str) -> Order | None:
        found: Order | None = self._request("order", lambda: self.asked[client_order_id])
        return found

    def elapse(self, seconds: float) -> None:
        self.now_s += seconds
        due = [act for at_s, act in self.late if at_s <= self.now_s]
        self.late = [(at_s, act) for at_s, act in self.late if at_s > self.now_s]
        for act in due:
            act()

    def wait(self, seconds: float) -> None:
        """Waits as a flatten asks for, and remembers how long."""
        self.waits.append(round(seconds, 6))
        self.elapse(seconds)

    @property
    def time(self) -> VenueTime:
        return VenueTime(START_MS + int(self.now_s * 1000 * self.speed), self.speed, self.state_word)

    def _request(self, kind: str, act: Callable[[], Any]) -> Any:
        self.calls.append(kind)
        self.elapse(REQUEST_S)
        queue = self.troubles.get(kind, [])
        trouble = queue.pop(0) if queue else None
        match trouble:
            case None:
                return act()
            case "stale":
                return self.remembered if self.remembered is not None else act()
            case ("act", error):
                act()
                raise error
            case ("late", seconds, error):
                self.late.append((self.now_s + seconds, act))
                raise error
            case error:
                raise error

    def state(self, markets: Sequence[str]) -> Snapshot:
        def read() -> Snapshot:
            self.remembered = Snapshot(
                time=self.time,
                account=Account("a", D(0), D(0), D(0), D(0)),
                positions=tuple(Position(m, s, abs(s) * 100, D(100), D(0)) for m, s in self.positions.items()),
                orders=tuple(self.resting),
                fills=(),
                funding_payments=(),
                tickers=tuple(self.ticker(market) for market in markets),
                cursors=Cursors(),
                unseen=self.unseen,
            )
            return self.remembered

        answer: Snapshot = self._request("state", read)
        return answer

    def ticker(self, market: str) -> Ticker:
        book = self.books[market]
        return Ticker(market, self.time.time_ms, book.bid, D(1), book.ask, D(1), D(100))

    def markets(self) -> tuple[Instrument, ...]:
        def read() -> tuple[Instrument, ...]:
            rule = PriceRule(D("0.1"))
            return tuple(Instrument(m, "crypto", rule, D("0.01"), D(10), 20, D(-2), D(5), 8) for m in self.books)

        answer: tuple[Instrument, ...] = self._request("markets", read)
        return answer

    def cancel_all(self, market: str | None = None) -> int:
        def act() -> int:
            gone = [order for order in self.resting if market in (None, order.market)]
            self.resting = [order for order in self.resting if order not in gone]
            return len(gone)

        answer: int = self._request("cancel_all", act)
        return answer

    def submit(self, batch: Batch) -> BatchAnswer:
        assert not batch.amend
        assert len(batch) <= 100, "no venue takes more at once"
        self.placed += batch.place
        self.cancels.append([one.order_id or one.client_order_id for one in batch.cancel])

        def act() -> BatchAnswer:
            ids = {(cancel.market, cancel.order_id) for cancel in batch.cancel}
            gone = tuple(order for order in self.resting if (order.market, order.order_id) in ids)
            self.resting = [order for order in self.resting if order not in gone]
            return BatchAnswer(cancel=gone, place=tuple(self._place(order) for order in batch.place))

        for new in batch.place:
            self.asked[new.client_order_id] = None
        answer: BatchAnswer = self._request("cancel" if batch.cancel else "place", act)
        return answer

    def _place(self, new: NewOrder) -> Order | Refusal:
        assert new.reduce_only
        assert new.price is not None
        assert new.valid_until_ms is not None
        if self.post_only_until_s is not None:
            if self.now_s < self.post_only_until_s and not new.post_only:
                return Refusal("post_only_period", "Only post-only orders allowed", 400)
            if new.post_only:
                return self._rest(new)
        if self.refuse_places is not None:
            assert new.post_only is False or self.refuse_places == "post_only_period"
            return Refusal(self.refuse_places, "no", 422)
        assert new.time_in_force is TimeInForce.IOC
        assert not new.post_only
        if self.time.time_ms > new.valid_until_ms:
            return Refusal("expired", "too late", 422)
        size = self.positions.get(new.market, D(0))
        if size * new.side.sign >= 0:
            return Refusal("reduce_only_would_increase", "nothing to reduce", 422)
        book = self.books[new.market]
        touch = book.ask if new.side is Side.LONG else book.bid
        reachable = touch is not None and (touch - new.price) * new.side.sign <= 0
        filled = min(new.size, abs(size), abs(size) if book.depth is None else book.depth) if reachable else D(0)
        self.positions[new.market] = size + new.side.sign * filled
        self.sizes_seen.append((new.market, self.positions[new.market]))
        status = OrderStatus.FILLED if filled == new.size else OrderStatus.CANCELLED
        self.asked[new.client_order_id] = Order(
            order_id=f"o{len(self.sizes_seen)}", client_order_id=new.client_order_id, market=new.market, side=new.side,
            type=OrderType.LIMIT, price=new.price, size=new.size, filled=filled, status=status, post_only=False,
            reduce_only=True, created_ms=self.time.time_ms, updated_ms=self.time.time_ms,
            avg_fill_price=touch if filled else None,
        )  # fmt: skip
        placed = self.asked[new.client_order_id]
        assert placed is not None
        return placed

    def _rest(self, new: NewOrder) -> Order:
        assert not [one for one in self.resting if one.reduce_only and one.market == new.market], "one at a time"
        order = replace(
            resting(len(self.placed), new.market), client_order_id=new.client_order_id, side=new.side, price=new.price,
            size=new.size, reduce_only=True, updated_ms=self.time.time_ms,
        )  # fmt: skip
        self.resting.append(order)
        self.asked[new.client_order_id] = order
        return order

    @property
    def flat(self) -> bool:
        return not self.resting and not any(self.positions.values())


def resting(number: int, market: str = BTC) -> Order:
    return Order(
        order_id=f"r{number}", client_order_id=None, market=market, side=Side.LONG, type=OrderType.LIMIT,
        price=D(90), size=D(1), filled=D(0), status=OrderStatus.OPEN, post_only=True, reduce_only=False,
        created_ms=START_MS, updated_ms=START_MS,
    )  # fmt: skip


def run(
    venue: ScriptedVenue, order: FlattenOrder | None = None, others: Others | None = None, **more: Any
) -> FlattenResult:
    """Flattens on the venue; `more` are further tools."""
    numbers = itertools.count(1)
    tools = Tools(lambda: venue.now_s, venue.wait, lambda: f"f{next(numbers)}", **more)
    return flatten(venue, order or FlattenOrder(None), tools, others)  # type: ignore[arg-type]  # the part it uses


def silence(error: str = "no answer") -> OutcomeUnknown:
    return OutcomeUnknown(error)

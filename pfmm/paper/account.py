"""One account of the paper exchange while it is being worked on: orders, books, positions, and what is new. Pure.

A value of this module is loaded from the store, advanced and traded on, and saved again; it keeps apart what has
changed since it was loaded (`touched`, `fills`, `payments`). Layer: paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pfmm.paper import ledger
from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.ledger import Position
from pfmm.paper.matching import Execution, MarketBook, Outcome

OPEN, FILLED, CANCELLED = "open", "filled", "cancelled"

Specs = Callable[[str], MarketSpec]
Marks = Callable[[str], int]


@dataclass(slots=True)
class OrderState:
    """An order in integer units. `cost` is the sum of price*size over its fills; `price` 0 for a market order, and
    `trigger` 0 for one that is no stop.

    Entries carry the decimals of their units, because history outlives a switch to a feed with other units.
    """

    number: int
    client_order_id: str | None
    market: str
    side: int
    type: str
    price: int
    size: int
    post_only: bool
    reduce_only: bool
    time_in_force: str
    created_ms: int
    updated_ms: int
    price_decimals: int
    size_decimals: int
    filled: int = 0
    cost: int = 0
    status: str = OPEN
    reason: str | None = None
    trigger: int = 0

    @property
    def remaining(self) -> int:
        """size - filled, size steps."""
        return self.size - self.filled


class FillEntry(NamedTuple):
    """One execution as it is stored; `fee` in 1e-8 USD, positive = paid."""

    number: int
    order: int
    client_order_id: str | None
    market: str
    side: int
    price: int
    size: int
    fee: int
    maker: bool
    time_ms: int
    liquidation: bool
    price_decimals: int
    size_decimals: int


class FundingEntry(NamedTuple):
    """One funding settlement as it is stored; `rate` in 1e-8, `amount` in 1e-8 USD, positive = received."""

    number: int
    market: str
    time_ms: int
    rate: int
    price: int
    size: int
    amount: int
    price_decimals: int
    size_decimals: int


@dataclass(slots=True)
class Account:
    """Everything that one account holds at venue time `time_ms`, and what happened since it was loaded."""

    name: str
    specs: Specs
    time_ms: int
    deposits: int
    next_order: int
    next_fill: int
    next_payment: int
    dead_man_ms: int | None = None
    positions: dict[str, Position] = field(default_factory=dict)
    books: dict[str, MarketBook] = field(default_factory=dict)
    orders: dict[int, OrderState] = field(default_factory=dict)
    touched: dict[int, OrderState] = field(default_factory=dict)
    fills: list[FillEntry] = field(default_factory=list)
    payments: list[FundingEntry] = field(default_factory=list)

    # -- reading

    def book(self, market: str) -> MarketBook:
        """Return the book of our orders in `market`, made on first use."""
        book = self.books.get(market)
        if book is None:
            position = self.positions.get(market)
            book = self.books[market] = MarketBook(position=position.size if position else 0)
        return book

    def held(self) -> list[str]:
        """Name the markets with an open position, sorted."""
        return sorted([market for market, position in self.positions.items() if position.size])

    def unit(self, market: str) -> int:
        """Return how many 1e-8 USD one price unit times one size step of `market` is."""
        return ledger.notional_unit(self.specs(market))

    def totals(self, mark: Marks) -> ledger.Totals:
        """Return the account's sums with every position valued at its mark."""
        realized = unrealized = fees = funding = 0
        for market, position in self.positions.items():
            realized += position.realized
            fees += position.fees
            funding += position.funding
            if position.size:
                unrealized += position.unrealized(mark(market), self.unit(market))
        return ledger.Totals(self.deposits, realized, unrealized, fees, funding)

    def exposures(self, mark: Marks, *, beside: tuple[str, ...] = ()) -> dict[str, ledger.Exposure]:
        """Return position and open orders of each market that has some, and of those of `beside`, as notional, in one
        pass over the orders; reduce-only ones add nothing."""
        exposures = {market: ledger.Exposure() for market in beside}
        units: dict[str, int] = {}
        for market, position in self.positions.items():
            if position.size:
                unit = units[market] = self.unit(market)
                exposures[market] = ledger.Exposure(position.size * mark(market) * unit)
        for order in self.orders.values():
            market = order.market
            exposure = exposures.get(market)
            if exposure is None:
                exposure = exposures[market] = ledger.Exposure()
            if order.reduce_only:
                continue
            if market not in units:
                units[market] = self.unit(market)
            notional = (order.size - order.filled) * order.price * units[market]
            if order.side > 0:
                exposure.buys += notional
            else:
                exposure.sells += notional
        return exposures

    def initial_margin(self, mark: Marks) -> int:
        """Return the margin of all positions and open orders, the worst side of each market, 1e-8 USD."""
        return self.margin_of(self.exposures(mark))

    def margin_of(self, exposures: Mapping[str, ledger.Exposure]) -> int:
        """Return the initial margin of these exposures, 1e-8 USD."""
        margin = 0
        for market, exposure in exposures.items():
            margin += ledger.initial_margin(exposure, self.specs(market).max_leverage)
        return margin

    def maintenance_margin(self, mark: Marks) -> int:
        """Return the equity below which the account is liquidated, 1e-8 USD."""
        margin = 0
        for market in self.held():
            size, leverage = self.positions[market].size, self.specs(market).max_leverage
            margin += ledger.maintenance_margin(size, mark(market), self.unit(market), leverage)
        return margin

    # -- changing

    def open_order(self, order: OrderState) -> None:
        """Enter a new order; its number is `next_order`."""
        self.orders[order.number] = order
        self.touched[order.number] = order
        self.next_order = order.number + 1

    def finish(self, order: OrderState, status: str, reason: str | None, time_ms: int) -> None:
        """End an order and take it out of its book."""
        order.status, order.reason, order.updated_ms = status, reason, time_ms
        self.touched[order.number] = order
        del self.orders[order.number]
        if order.market in self.books:
            self.books[order.market].remove(order.number)

    def apply(self, outcomes: Iterable[Outcome], *, taker: int | None = None) -> None:
        """Book what the matching core did: fills of `taker` pay the taker rate, all others the maker rate."""
        for outcome in outcomes:
            order = self.orders[outcome.number]
            if isinstance(outcome, Execution):
                self._fill(order, outcome, maker=outcome.number != taker)
            elif outcome.remaining:
                order.size = order.filled + outcome.remaining
                order.updated_ms = outcome.time_ms
                self.touched[order.number] = order
            else:
                self.finish(order, CANCELLED, "reduce_only", outcome.time_ms)

    def _fill(self, order: OrderState, execution: Execution, *, maker: bool, liquidation: bool = False) -> None:
        _, _, side, price, size = execution
        spec = self.specs(order.market)
        unit = ledger.notional_unit(spec)
        fee = ledger.fee_of(price * size * unit, spec.maker_rate if maker else spec.taker_rate)
        position = self.positions.setdefault(order.market, Position())
        position.trade(side * size, price, unit)
        position.fees += fee
        order.filled += size
        order.cost += price * size
        order.updated_ms = execution.time_ms
        self.touched[order.number] = order
        self.fills.append(
            FillEntry(
                number=self.next_fill,
                order=order.number,
                client_order_id=order.client_order_id,
                market=order.market,
                side=side,
                price=price,
                size=size,
                fee=fee,
                maker=maker,
                time_ms=execution.time_ms,
                liquidation=liquidation,
                price_decimals=order.price_decimals,
                size_decimals=order.size_decimals,
            )
        )
        self.next_fill += 1
        if order.filled == order.size:
            self.finish(order, FILLED, order.reason, execution.time_ms)

    def cancel_all(self, reason: str, time_ms: int, market: str | None = None) -> list[OrderState]:
        """Cancel every open order (of one market) and return them, oldest first."""
        cancelled = [order for _, order in sorted(self.orders.items()) if market in (None, order.market)]
        for order in cancelled:
            self.finish(order, CANCELLED, reason, time_ms)
        return cancelled

    def pay_funding(self, market: str, time_ms: int, mark: int, rate: int) -> None:
        """Settle funding on the position held at `time_ms`."""
        position, spec = self.positions[market], self.specs(market)
        amount = ledger.funding_amount(position.size, mark, ledger.notional_unit(spec), rate)
        position.funding += amount
        self.payments.append(
            FundingEntry(
                number=self.next_payment,
                market=market,
                time_ms=time_ms,
                rate=rate,
                price=mark,
                size=position.size,
                amount=amount,
                price_decimals=spec.price_decimals,
                size_decimals=spec.size_decimals,
            )
        )
        self.next_payment += 1

    def liquidate(self, market: str, price: int, time_ms: int) -> None:
        """Close the position of `market` at `price` with the taker fee; the fill says that it is a liquidation."""
        size, spec = self.positions[market].size, self.specs(market)
        side = -1 if size > 0 else 1
        order = OrderState(
            number=self.next_order,
            client_order_id=None,
            market=market,
            side=side,
            type="market",
            price=0,
            size=abs(size),
            post_only=False,
            reduce_only=True,
            time_in_force="IOC",
            created_ms=time_ms,
            updated_ms=time_ms,
            price_decimals=spec.price_decimals,
            size_decimals=spec.size_decimals,
            reason="liquidation",
        )
        self.open_order(order)
        self._fill(order, Execution(time_ms, order.number, side, price, abs(size)), maker=False, liquidation=True)
        self.book(market).position = 0

    @property
    def changed(self) -> bool:
        """True when something happened since the account was loaded that others must see."""
        return bool(self.touched or self.fills or self.payments)

    # -- persistence of what is not an order, a fill or a payment

    def dump(self) -> dict[str, Any]:
        """Return positions and queue places, JSON-ready; `restore` is the inverse."""
        return {
            "positions": {
                market: [position.size, position.basis, position.realized, position.fees, position.funding]
                for market, position in sorted(self.positions.items())
            },
            "books": {market: book.dump() for market, book in sorted(self.books.items()) if book.worth_keeping},
        }

    def restore(self, raw: Mapping[str, Any]) -> None:
        """Fill in positions and books from `dump`."""
        self.positions = {market: Position(*values) for market, values in raw["positions"].items()}
        for market, book in raw["books"].items():
            position = self.positions.get(market)
            self.books[market] = MarketBook.load(book, position=position.size if position else 0)

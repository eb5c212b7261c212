"""Placing, amending and cancelling orders of one account at one moment of one market.

A refusal raises ExchangeError and leaves the account exactly as it was. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pfmm.paper import ledger, stops
from pfmm.paper import order_rules as rules
from pfmm.paper.account import CANCELLED, FILLED, OPEN, Account, OrderState
from pfmm.paper.conversions import order_record
from pfmm.paper.feeds.feed import MarketSpec, Quote
from pfmm.paper.market_data import Moment
from pfmm.paper.matching import Resting
from pfmm.paper.messages import AmendRequest, CancelRequest, ExchangeError, PlaceRequest

FindOrder = Callable[[int | None, str | None], OrderState | None]


@dataclass(slots=True)
class Desk:
    """One account at a moment that it has been advanced to, and a way to look up older orders."""

    account: Account
    moment: Moment
    find: FindOrder

    @property
    def now_ms(self) -> int:
        """The moment's venue time."""
        return self.moment.time_ms

    def place(self, request: PlaceRequest) -> OrderState:
        """Place one order. 409 duplicate_client_order_id answers the order that already has that id."""
        account = self.account
        if request.client_order_id is not None:
            first = self.find(None, request.client_order_id)
            if first is not None:
                message = f"client_order_id {request.client_order_id} is already used"
                raise ExchangeError(409, "duplicate_client_order_id", message, order_record(first))
        self._check_validity(request.valid_until_ms)
        rules.check_words(request)
        spec = account.specs(request.market)
        quote = self.moment.quote(request.market)
        order = self._new_order(request, spec, quote)
        reference = order.price or order.trigger or self._reference(order, quote)
        if order.reduce_only:
            order.size = min(order.size, self._reducible(order))
        if order.post_only:
            self._refuse_crossing(order.market, order.side, order.price, quote)
        self._check_margin(order, reference, order.size)
        account.open_order(order)
        if order.trigger:
            self._wait(order)
        else:
            self._execute(order, quote)
        return order

    def _wait(self, order: OrderState) -> None:
        """Rest a stop outside of the book, or let it trade where the mark is at its trigger already."""
        if stops.reached(order, self.moment.mark(order.market)):
            stops.trade(self.account, order, self.moment)

    def _new_order(self, request: PlaceRequest, spec: MarketSpec, quote: Quote) -> OrderState:
        side = 1 if request.side == "long" else -1
        price = 0 if request.price is None else rules.price_units(spec, request.price)
        order = OrderState(
            number=self.account.next_order,
            client_order_id=request.client_order_id,
            market=request.market,
            side=side,
            type=request.type,
            price=price,
            size=0,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
            time_in_force="IOC" if request.type == "market" else request.time_in_force,
            created_ms=self.now_ms,
            updated_ms=self.now_ms,
            price_decimals=spec.price_decimals,
            size_decimals=spec.size_decimals,
            trigger=0 if request.trigger_price is None else rules.price_units(spec, request.trigger_price),
        )
        reference = price or order.trigger or self._reference(order, quote)
        if request.size_base is not None:
            order.size = rules.size_units(spec, request.size_base)
        elif request.size_usd is not None:
            order.size = rules.size_from_usd(spec, request.size_usd, reference)
        if not order.reduce_only or order.size <= 0:  # what is left of a position must always be closable
            rules.check_minimum(spec, order.size, reference, request.size_usd)
        return order

    def amend(self, request: AmendRequest) -> OrderState:
        """Change price and/or total size. Same price and a smaller size keeps the place in the queue."""
        order = self._open_order(request.order_id, request.client_order_id)
        self._check_validity(request.valid_until_ms)
        if request.price is None and request.size_base is None:
            raise rules.bad("amend", "an amend needs a price or a size_base")
        spec = self.account.specs(order.market)
        price = order.price if request.price is None else rules.price_units(spec, request.price)
        size = order.size if request.size_base is None else rules.size_units(spec, request.size_base)
        if size <= order.filled:
            order.size = order.filled
            self.account.finish(order, FILLED, order.reason, self.now_ms)
            return order
        if order.reduce_only:
            size = min(size, order.filled + self._reducible(order))
        else:
            rules.check_minimum(spec, size, price, None)
        if (price, size) != (order.price, order.size):
            self._change(order, price, size)
        order.updated_ms = self.now_ms
        self.account.touched[order.number] = order
        return order

    def _change(self, order: OrderState, price: int, size: int) -> None:
        if order.trigger:
            order.price, order.size = price, size
            self._wait(order)
            return
        book = self.account.book(order.market)
        if price == order.price and size < order.size:
            order.size = size
            book.shrink(order.number, order.remaining)
            return
        quote = self.moment.quote(order.market)
        if order.post_only:
            self._refuse_crossing(order.market, order.side, price, quote)
        self._check_margin(order, price, size - order.filled)
        order.price, order.size = price, size
        book.remove(order.number)
        self._execute(order, quote)

    def cancel(self, request: CancelRequest) -> OrderState:
        """Cancel one order; 409 order_not_open answers one that is already final."""
        order = self._open_order(request.order_id, request.client_order_id)
        self.account.finish(order, CANCELLED, "user", self.now_ms)
        return order

    def named(self, order_id: str | None, client_order_id: str | None) -> OrderState:
        """Find the order with that id, open or not; 404 order_not_found."""
        if (order_id is None) == (client_order_id is None):
            raise ExchangeError(400, "bad_request", "name the order by exactly one of order_id and client_order_id")
        number = None if order_id is None else order_number(order_id)
        order = None if number is None and client_order_id is None else self.find(number, client_order_id)
        if order is None:
            raise ExchangeError(404, "order_not_found", f"there is no order {order_id or client_order_id}")
        return order

    def _open_order(self, order_id: str | None, client_order_id: str | None) -> OrderState:
        order = self.named(order_id, client_order_id)
        if order.status != OPEN:
            record = order_record(order)
            raise ExchangeError(409, "order_not_open", f"order {record.order_id} is {order.status}", record)
        return self.account.orders[order.number]

    # -- what placing and amending share

    def _execute(self, order: OrderState, quote: Quote) -> None:
        """Take what the limit allows, then rest or cancel the remainder. The order is entered and not in a book."""
        account, book = self.account, self.account.book(order.market)
        bids, asks = self.moment.depth(order.market)
        own, opposite = (bids, asks) if order.side > 0 else (asks, bids)
        if not order.post_only:
            outcomes = book.take(
                order.number,
                order.side,
                order.remaining,
                stops.levels(opposite, quote, order.side),
                limit=order.price,
                time_ms=self.now_ms,
                reduce_only=order.reduce_only,
            )
            account.apply(outcomes, taker=order.number)
        if order.status != OPEN:
            return
        if order.time_in_force == "IOC":
            account.finish(order, CANCELLED, "ioc", self.now_ms)
            return
        if order.reduce_only and not book.reducible(order.side):
            account.finish(order, CANCELLED, "reduce_only", self.now_ms)
            return
        resting = Resting(order.number, order.side, order.price, order.remaining, order.reduce_only)
        book.join(resting, quote, own)

    def _reference(self, order: OrderState, quote: Quote) -> int:
        """Return the price that an order without one is measured at: the best opposite quote, else the mark."""
        best = quote.ask if order.side > 0 else quote.bid
        return best or self.moment.mark(order.market)

    def _reducible(self, order: OrderState) -> int:
        size = self.account.book(order.market).reducible(order.side)
        if not size:
            side = "buy" if order.side > 0 else "sell"
            raise ExchangeError(
                422, "reduce_only_would_increase", f"no position in {order.market} that a {side} would reduce"
            )
        return size

    def _refuse_crossing(self, market: str, side: int, price: int, quote: Quote) -> None:
        """Refuse with 422 a post-only price that meets the public best or an order of our own on the other side."""
        book = self.account.book(market)
        opposite = (quote.ask, book.best_ask) if side > 0 else (quote.bid, book.best_bid)
        if any(best and (price - best) * side >= 0 for best in opposite):
            raise ExchangeError(422, "post_only_would_cross", f"the order would meet {market} at once as a taker")

    def _check_margin(self, order: OrderState, price: int, remaining: int) -> None:
        """Refuse with 402 an order whose margin would exceed equity, unless it leaves the margin no larger than before.

        A sell below the best bid is measured at the bid, where it trades: at its limit a sell of 2 at 1,000 into
        66,000 would need a margin of 400 USD for a position of 132,000.
        """
        if order.reduce_only:
            return
        if order.side < 0:
            price = max(price, self.moment.quote(order.market).bid)
        account, mark = self.account, self.moment.mark
        max_leverage = account.specs(order.market).max_leverage
        exposures = account.exposures(mark, beside=(order.market,))
        exposure = exposures[order.market]
        before = ledger.initial_margin(exposure, max_leverage)
        unit = account.unit(order.market)
        replaced = order.remaining * order.price * unit if order.number in account.orders else 0
        if order.side > 0:
            exposure.buys += remaining * price * unit - replaced
        else:
            exposure.sells += remaining * price * unit - replaced
        if ledger.initial_margin(exposure, max_leverage) <= before:
            return
        required = account.margin_of(exposures)
        equity = account.totals(mark).equity
        if required > equity:
            message = f"the order needs {required / 1e8:.2f} USD of margin in all, the account has {equity / 1e8:.2f}"
            raise ExchangeError(402, "insufficient_balance", message)

    def _check_validity(self, valid_until_ms: int | None) -> None:
        if valid_until_ms is not None and self.now_ms > valid_until_ms:
            raise ExchangeError(422, "expired", f"valid_until {valid_until_ms} has passed, it is {self.now_ms}")


def order_number(order_id: str) -> int | None:
    """Return the running number behind an order id ("o12" → 12), None for anything else."""
    digits = order_id[1:]
    return int(digits) if order_id[:1] == "o" and digits.isascii() and digits.isdigit() and len(digits) < 19 else None

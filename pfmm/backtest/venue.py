"""A venue without wire or store: the paper exchange's account and desk, advanced by hand, with a set latency.

Orders reach it `latency_ms` after they were sent, and its answer takes as long to come back; market data is as old as
nothing. One account, one market; `book` is the matching core where it is not that of ticks. Layer: backtest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar

from pfmm.backtest.columns import TapeFeed
from pfmm.backtest.values import (
    amend_request,
    cancel_request,
    fill_of,
    instrument_of,
    order_of,
    payment_of,
    place_request,
)
from pfmm.model.account import Account, Cursors, FundingPayment, Position, Snapshot, VenueTime
from pfmm.model.market import Book, Candle, FundingRate, Instrument, Level, Ticker
from pfmm.model.order import (
    Batch,
    BatchAnswer,
    Fill,
    Order,
    Refusal,
)
from pfmm.model.prints import Prints
from pfmm.paper.account import OPEN, OrderState
from pfmm.paper.account import Account as Books
from pfmm.paper.advance import MARK_INTERVAL_MS, advance
from pfmm.paper.conversions import decimal, usd
from pfmm.paper.feeds.feed import MarketSpec, Settlement
from pfmm.paper.feeds.settlements import MINUTE_MS
from pfmm.paper.ledger import DEFAULT_DEPOSIT, liquidation_price
from pfmm.paper.market_data import Moment
from pfmm.paper.matching import MarketBook, QueueModel
from pfmm.paper.messages import ExchangeError
from pfmm.paper.trading import Desk
from pfmm.ports import TRADES_PAGE, Amend, Capabilities
from pfmm.strategy.quiet import Look

NAME = "backtest"

_NOBODY = Account(NAME, Decimal(0), Decimal(0), Decimal(0), Decimal(0))

Request = TypeVar("Request")


class _Due(NamedTuple):
    """The next settlement as it is known in one minute of venue time."""

    minute: int
    time_ms: int
    rate: Decimal
    interval_hours: int


class SimulatedVenue:
    """ports.Venue over one market of a feed, from `start_ms` on, with the money of every new paper account."""

    name = NAME
    account = NAME
    capabilities = Capabilities(Amend.IN_PLACE)

    def __init__(
        self,
        feed: TapeFeed,
        spec: MarketSpec,
        *,
        start_ms: int,
        end_ms: int,
        latency_ms: int = 0,
        queue: QueueModel = "pessimistic",
        book: MarketBook | None = None,
    ) -> None:
        self._feed = feed
        self.spec = spec
        self._price_scale, self._size_scale = 10**spec.price_decimals, 10**spec.size_decimals
        self._end_ms = end_ms
        self._latency_ms = latency_ms
        self.books = Books(NAME, lambda _: spec, start_ms, DEFAULT_DEPOSIT, 1, 1, 1)
        self.resting = self.books.books[spec.market] = book or MarketBook(queue=queue)  # our own orders
        self._by_number: dict[int, OrderState] = {}
        self._by_client: dict[str, OrderState] = {}
        self._open: dict[int, Order] = {}
        self._last_shown: dict[int, tuple[tuple[object, ...], Order]] = {}  # by side
        self._fills: list[Fill] = []
        self._payments: list[FundingPayment] = []
        self.requests = 0
        self._due = _Due(-1, 0, Decimal(0), 0)
        self._liquidation: Fill | None = None
        self._glimpsed: tuple[int, tuple[Position, ...]] | None = None

    # -- time

    @property
    def now_ms(self) -> int:
        """Venue time."""
        return self.books.time_ms

    @property
    def liquidated(self) -> Fill | None:
        """The fill with which the venue closed the account's position, if it did."""
        for entry in self.books.fills:  # those that no snapshot has shown yet: mostly none
            if entry.liquidation:
                self._liquidation = fill_of(entry)
        return self._liquidation

    @property
    def changed(self) -> bool:
        """True when the market did something to the account that no snapshot has shown yet."""
        return self.books.changed

    def advance(self, to_ms: int) -> None:
        """Let venue time pass, at most to the end of the data."""
        to_ms, books = min(to_ms, self._end_ms), self.books
        if to_ms <= books.time_ms:
            return
        if to_ms // MARK_INTERVAL_MS == books.time_ms // MARK_INTERVAL_MS and self._feed.still(
            books.time_ms, to_ms, self.resting
        ):
            books.time_ms = to_ms  # as `advance` would, by a longer way
            return
        while not advance(books, self._feed, to_ms):
            pass

    def time(self) -> VenueTime:
        """Read the stepped clock."""
        return VenueTime(self.now_ms, 0.0, "ended" if self.now_ms >= self._end_ms else "open")

    # -- reads

    def instrument(self) -> Instrument:
        """Return what the paper exchange would say about the market."""
        return instrument_of(self.spec)

    def markets(self) -> tuple[Instrument, ...]:
        """Return the one market."""
        return (self.instrument(),)

    def ticker(self) -> Ticker:
        """Return quote, mark and next funding rate now."""
        spec, now_ms = self.spec, self.now_ms
        quote, mark = self._feed.quote(spec.market, now_ms), self._feed.mark(spec.market, now_ms)
        due = self._next_settlement(now_ms)
        prices, sizes = spec.price_decimals, spec.size_decimals
        shown = decimal(mark, prices)
        return Ticker(
            market=spec.market,
            time_ms=now_ms,
            bid=decimal(quote.bid, prices) if quote.bid else None,
            bid_size=decimal(quote.bid_size, sizes) if quote.bid else None,
            ask=decimal(quote.ask, prices) if quote.ask else None,
            ask_size=decimal(quote.ask_size, sizes) if quote.ask else None,
            mark=shown,
            index=shown,
            funding_rate=due.rate,
            funding_interval_hours=due.interval_hours,
            next_funding_ms=due.time_ms,
        )

    def _next_settlement(self, now_ms: int) -> _Due:
        """Return what is known of the next settlement. It stays the same until the next whole minute, so it is kept."""
        minute = now_ms // MINUTE_MS
        if self._due.minute != minute:
            due = self._feed.next_settlement(self.spec.market, now_ms)
            self._due = _Due(minute, due.time_ms, decimal(due.rate, 8), due.interval_hours)
        return self._due

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[Ticker, ...]:  # noqa: ARG002 - one market
        """Return the one ticker."""
        return (self.ticker(),)

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:  # noqa: ARG002 - one market
        """Return everything at this moment, with the history after the cursors."""
        orders = self.open_orders()
        fills_from, payments_from = int(cursors.fills or 0), int(cursors.funding or 0)
        return Snapshot(
            time=self.time(),
            account=self.account_state(),
            positions=self.positions(),
            orders=orders,
            fills=tuple(self._fills[fills_from:]),
            funding_payments=tuple(self._payments[payments_from:]),
            tickers=(self.ticker(),),
            cursors=Cursors(str(len(self._fills)), str(len(self._payments))),
        )

    def look_anew(self) -> None:
        """Do nothing: every snapshot is whole."""

    def state(self, markets: Sequence[str]) -> Snapshot:
        """Return a snapshot without history."""
        return self.snapshot(markets, Cursors(str(len(self._fills)), str(len(self._payments))))

    def order(self, client_order_id: str) -> Order | None:
        """Return the order with that client order id."""
        self._collect()
        found = self._by_client.get(client_order_id)
        return None if found is None else order_of(found)

    def open_orders(self, market: str | None = None) -> tuple[Order, ...]:  # noqa: ARG002 - one market
        """Open orders, oldest first."""
        self._collect()
        return tuple(self._open.values())

    def positions(self) -> tuple[Position, ...]:
        """Return the one position, once it has traded."""
        spec = self.spec
        held = self.books.positions.get(spec.market)
        if held is None:
            return ()
        mark = self._feed.mark(spec.market, self.now_ms)
        return (
            Position(
                market=spec.market,
                size=decimal(held.size, spec.size_decimals),
                cost_basis=usd(held.basis),
                mark_price=decimal(mark, spec.price_decimals),
                unrealized_pnl=usd(held.unrealized(mark, self.books.unit(spec.market))),
            ),
        )

    def account_state(self) -> Account:
        """Return equity and margin at the mark."""
        mark = self._feed.mark(self.spec.market, self.now_ms)
        totals = self.books.totals(lambda _: mark)
        used, cash = self.books.initial_margin(lambda _: mark), totals.cash
        equity = cash + totals.unrealized
        return Account(
            account_id=NAME,
            equity=usd(equity),
            cash=usd(cash),
            margin_used=usd(used),
            free_margin=usd(max(equity - used, 0)),
            deposits=usd(totals.deposits),
            realized_pnl=usd(totals.realized),
            unrealized_pnl=usd(totals.unrealized),
            fees=usd(totals.fees),
            funding=usd(totals.funding),
        )

    def settlements(self, after_ms: int, to_ms: int) -> Sequence[Settlement]:
        """Return the funding settlements with after_ms < time <= to_ms."""
        return self._feed.settlements(self.spec.market, after_ms, to_ms)

    def liquidation(self) -> tuple[int, int] | None:
        """Return the side of the position and the mark, in price units, at which it would be liquidated.

        None without either.
        """
        spec, market = self.spec, self.spec.market
        held = self.books.positions.get(market)
        if held is None or not held.size:
            return None
        mark = self._feed.mark(market, self.now_ms)
        equity = self.books.totals(lambda _: mark).equity
        maintenance = self.books.maintenance_margin(lambda _: mark)
        unit = self.books.unit(market)
        at = liquidation_price(held.size, mark, unit, spec.max_leverage, equity=equity, maintenance=maintenance)
        return None if at is None else (1 if held.size > 0 else -1, at)

    def look(self) -> Look | None:
        """Return what the market shows now, and the position; None unless the quote has both sides."""
        spec, now_ms, scale = self.spec, self.books.time_ms, self._price_scale
        quote = self._feed.quote(spec.market, now_ms)
        bid, ask = quote.bid, quote.ask
        if not 0 < bid < ask or quote.bid_size <= 0 or quote.ask_size <= 0:
            return None
        held, due = self.books.positions.get(spec.market), self._next_settlement(now_ms)
        return Look(
            now_ms, bid / scale, ask / scale, (bid + ask) / (2 * scale), (bid + ask) // 2 / scale,
            held.size / self._size_scale if held else 0.0, due.rate, due.interval_hours,
        )  # fmt: skip

    def best(self) -> tuple[int, int]:
        """Return the best bid and ask now, in price units."""
        quote = self._feed.quote(self.spec.market, self.books.time_ms)
        return quote.bid, quote.ask

    def glimpse(self) -> Snapshot:
        """Return time, ticker and position now, and nothing else: all that a decision looks at."""
        held = self.books.positions.get(self.spec.market)
        if held is None or self._glimpsed is None or self._glimpsed[0] != held.size:
            self._glimpsed = (held.size if held else 0, self.positions())
        return Snapshot(self.time(), _NOBODY, self._glimpsed[1], (), (), (), (self.ticker(),), Cursors())

    def fills(self, since: str | None = None, market: str | None = None) -> tuple[Fill, ...]:  # noqa: ARG002 - one market
        """Return the fills after a cursor."""
        self._collect()
        return tuple(self._fills[int(since or 0) :])

    def funding_payments(self, since: str | None = None) -> tuple[FundingPayment, ...]:
        """Return the funding payments after a cursor."""
        self._collect()
        return tuple(self._payments[int(since or 0) :])

    def funding_rates(self, market: str, since_ms: int) -> tuple[FundingRate, ...]:
        """Return the rates settled after `since_ms`, oldest first."""
        settled = self._feed.settlements(market, since_ms, self.now_ms)
        return tuple(FundingRate(market, one.time_ms, decimal(one.rate, 8), one.interval_hours) for one in settled)

    def tell_depth(self, levels: int) -> None:
        """Do nothing: nobody looks at the screen of a backtest."""

    def book(self, market: str, depth: int) -> Book:
        """Return the displayed depth."""
        spec = self.spec
        bids, asks = (
            tuple(Level(decimal(p, spec.price_decimals), decimal(s, spec.size_decimals)) for p, s in side)
            for side in self._feed.depth(market, self.now_ms, depth)
        )
        return Book(market, self.now_ms, bids, asks)

    def candles(self, market: str, since_ms: int) -> tuple[Candle, ...]:  # noqa: ARG002 - the feed has prints
        """Return no candles: the feed has prints."""
        return ()

    def past_mids(self, market: str, times: Sequence[int]) -> tuple[tuple[int, Decimal], ...]:  # noqa: ARG002 - as the port has it
        """Return no mids: the report of a backtest reads the tape itself."""
        return ()

    def probe(self, markets: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG002 - the port's
        """Return no problem: nothing is missing here."""
        return ()

    def margin_mode(self, market: str) -> None:
        """Return None: the venue does not tell."""

    def actions_left(self) -> None:
        """Return None: actions are not counted here."""

    def budget_text(self) -> str:
        """Say that there is no limit."""
        return "requests unlimited"

    def budget_low(self) -> bool:
        """Return False: no budget runs low here."""
        return False

    def trades(self, market: str, since_ms: int) -> Prints:
        """Return the prints since a venue time, at most TRADES_PAGE."""
        decimals = self.spec.price_decimals, self.spec.size_decimals
        return Prints(market, decimals, *self._feed.prints(market, since_ms, self.now_ms, TRADES_PAGE))

    # -- requests that act

    def submit(self, batch: Batch) -> BatchAnswer:
        """Carry out the batch when it arrives; the answer is there when it has come back."""
        self.requests += 1
        self.advance(self.now_ms + self._latency_ms)
        desk = Desk(self.books, Moment(self._feed, self.now_ms), self._find)
        answer = BatchAnswer(
            cancel=tuple(self._each(desk.cancel, [cancel_request(one) for one in batch.cancel])),
            amend=tuple(self._each(desk.amend, [amend_request(one) for one in batch.amend])),
            place=tuple(self._each(desk.place, [place_request(one) for one in batch.place])),
        )
        self._collect_orders()
        self.advance(self.now_ms + self._latency_ms)
        return answer

    def cancel_all(self, market: str | None = None) -> int:
        """Cancel every open order; return how many."""
        self.requests += 1
        return len(self.books.cancel_all("user", self.now_ms, market))

    def arm_dead_man(self, timeout_s: int) -> None:
        """Do nothing: a backtest is not interrupted, so that there is nothing to arm."""

    def close(self) -> None:
        """Do nothing: nothing is open."""

    # -- what happened

    def _find(self, number: int | None, client_order_id: str | None) -> OrderState | None:
        for order in self.books.touched.values():
            if order.number == number or (client_order_id and order.client_order_id == client_order_id):
                return order
        if number is not None:
            return self._by_number.get(number)
        return self._by_client.get(client_order_id or "")

    def _collect_orders(self) -> None:
        """Take what is new about orders out of the account; fills and payments stay until a snapshot shows them."""
        for number, order in self.books.touched.items():
            self._by_number[number] = order
            if order.client_order_id is not None:
                self._by_client[order.client_order_id] = order
            if order.status == OPEN:
                self._open[number] = self._shown(order)
            else:
                self._open.pop(number, None)
        self.books.touched.clear()

    def _collect(self) -> None:
        self._collect_orders()
        self._liquidation = self.liquidated
        self._fills += [fill_of(entry) for entry in self.books.fills]
        self._payments += [payment_of(entry) for entry in self.books.payments]
        self.books.fills.clear()
        self.books.payments.clear()

    def _each(self, act: Callable[[Request], OrderState], requests: Sequence[Request]) -> list[Order | Refusal]:
        answers: list[Order | Refusal] = []
        for request in requests:
            try:
                answers.append(self._shown(act(request)))
            except ExchangeError as error:
                answers.append(Refusal(error.code, error.message, error.status))
        return answers

    def _shown(self, order: OrderState) -> Order:
        """Return the order as a client sees it. An answer and the list that follows it mostly show the same."""
        state = (order.number, order.price, order.size, order.filled, order.status, order.reason, order.updated_ms)
        known = self._last_shown.get(order.side)
        if known is not None and known[0] == state:
            return known[1]
        shown = order_of(order)
        self._last_shown[order.side] = state, shown
        return shown

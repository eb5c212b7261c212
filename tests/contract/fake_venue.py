"""A venue in memory, written for the contract alone: no amendments, whatever else the port asks for, in a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from pfmm.errors import UnknownMarket
from pfmm.model.account import Account, Cursors, FundingPayment, Position, Snapshot, VenueTime
from pfmm.model.market import Book, Candle, FundingRate, Instrument, Level, PriceRule, Ticker, Trade
from pfmm.model.order import (
    Batch,
    BatchAnswer,
    CancelOrder,
    Fill,
    Liquidity,
    NewOrder,
    Order,
    OrderStatus,
    OrderType,
    Refusal,
    TimeInForce,
)
from pfmm.model.refusal import RefusalReason as Reason
from pfmm.ports import Amend, Capabilities

D = Decimal
START_MS = 1_760_000_000_000
HOUR_MS = 3_600_000
MARKETS = ("BTC-PERP", "ETH-PERP")
BID, ASK = D(99), D(101)
RATE = D("0.0001")


class FakeVenue:
    """100 USD in every market, 99 bid and 101 ask for ever; an hour of funding at a time."""

    name = "fake"
    account = "main"
    capabilities = Capabilities(Amend.NONE)

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.funding = D(0)
        self._orders: list[Order] = []
        self._fills: list[Fill] = []
        self._payments: list[FundingPayment] = []

    # -- the hand behind it

    def pass_ms(self, ms: int) -> None:
        """Lets time pass, hour by hour with its payments."""
        for hour in range(self.now_ms // HOUR_MS + 1, (self.now_ms + ms) // HOUR_MS + 1):
            for one in self.positions():
                amount = -one.size * 100 * RATE
                name = f"{hour}:{one.market}"
                self._payments.append(FundingPayment(name, one.market, hour * HOUR_MS, RATE, D(100), one.size, amount))
                self.funding += amount
        self.now_ms += ms

    def fill(self, order: Order) -> None:
        """Fills the rest of an order at its price."""
        self._execute(next(one for one in self._orders if one.order_id == order.order_id), maker=True)

    def _execute(self, order: Order, *, maker: bool) -> Order:
        assert order.price is not None
        self.now_ms += 1
        number = len(self._fills)
        self._fills.append(
            Fill(
                f"f{number}", order.order_id, order.client_order_id, order.market, order.side, order.price,
                order.remaining, D("0.01"), Liquidity.MAKER if maker else Liquidity.TAKER, self.now_ms,
            )
        )  # fmt: skip
        return self._change(order, status=OrderStatus.FILLED, filled=order.size, avg_fill_price=order.price)

    def _change(self, order: Order, **changes: object) -> Order:
        changed = replace(order, updated_ms=self.now_ms, **changes)  # type: ignore[arg-type]
        self._orders[self._orders.index(order)] = changed
        return changed

    # -- the port

    def time(self) -> VenueTime:
        return VenueTime(self.now_ms)

    def markets(self) -> tuple[Instrument, ...]:
        rule = PriceRule(D("0.1"))
        return tuple(Instrument(m, "crypto", rule, D("0.001"), D(10), 20, D("1.5"), D("4.5"), 1) for m in MARKETS)

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[Ticker, ...]:
        asked = MARKETS if markets is None else tuple(markets)
        if set(asked) - set(MARKETS):
            raise UnknownMarket(f"fake does not list {asked}")
        return tuple(Ticker(m, self.now_ms, BID, D(5), ASK, D(5), D(100), D(100), RATE, 1) for m in asked)

    def book(self, market: str, depth: int) -> Book:
        self.tickers([market])
        bids = tuple(Level(BID - number, D(5)) for number in range(depth))
        return Book(market, self.now_ms, bids, tuple(Level(ASK + number, D(5)) for number in range(depth)))

    def trades(self, market: str, since_ms: int) -> tuple[Trade, ...]:
        found = [Trade(market, self.now_ms - 1000 * ago, D(100), D(1), 1) for ago in (3, 2, 1)]
        return tuple(one for one in found if one.time_ms > since_ms)

    def candles(self, market: str, since_ms: int) -> tuple[Candle, ...]:
        return ()

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        fills, paid = int(cursors.fills or 0), int(cursors.funding or 0)
        return replace(
            self.state(markets),
            fills=tuple(self._fills[fills:]),
            funding_payments=tuple(self._payments[paid:]),
            cursors=Cursors(str(len(self._fills)), str(len(self._payments))),
        )

    def look_anew(self) -> None:
        pass

    def tell_depth(self, levels: int) -> None:
        pass

    def state(self, markets: Sequence[str]) -> Snapshot:
        listed = [market for market in markets if market in MARKETS]
        return Snapshot(
            self.time(), self.account_state(), self.positions(), self.open_orders(), (), (), self.tickers(listed),
            Cursors(),
        )  # fmt: skip

    def submit(self, batch: Batch) -> BatchAnswer:
        assert not batch.amend
        cancels = tuple(self._cancel(one) for one in batch.cancel)
        return BatchAnswer(cancels, (), tuple(self._place(one) for one in batch.place))

    def _cancel(self, wanted: CancelOrder) -> Order | Refusal:
        for one in self._orders:
            if wanted.order_id == one.order_id or (
                wanted.client_order_id and wanted.client_order_id == one.client_order_id
            ):
                if one.status.final:
                    return Refusal(Reason.ORDER_NOT_OPEN, "not open", 409)
                return self._change(one, status=OrderStatus.CANCELLED)
        return Refusal(Reason.ORDER_NOT_FOUND, "not found", 404)

    def _place(self, new: NewOrder) -> Order | Refusal:
        assert new.price is not None
        crosses = new.price >= ASK if new.side.sign > 0 else new.price <= BID
        reason = self._refusal(new, new.price, crosses=crosses)
        if reason is not None:
            return Refusal(reason, "no", 422)
        order = Order(
            str(len(self._orders) + 1), new.client_order_id, new.market, new.side, OrderType.LIMIT, new.price, new.size,
            D(0), OrderStatus.OPEN, new.post_only, new.reduce_only, self.now_ms, self.now_ms,
        )  # fmt: skip
        self._orders.append(order)
        if crosses:
            return self._execute(order, maker=False)
        if new.time_in_force is TimeInForce.IOC:
            return self._change(order, status=OrderStatus.CANCELLED)
        return order

    def _refusal(self, new: NewOrder, price: Decimal, *, crosses: bool) -> Reason | None:
        held = sum((one.size for one in self.positions() if one.market == new.market), D(0))
        too_late = new.valid_until_ms is not None and self.now_ms > new.valid_until_ms
        refused = {
            Reason.EXPIRED: too_late,
            Reason.POST_ONLY_WOULD_CROSS: new.post_only and crosses,
            Reason.REDUCE_ONLY_WOULD_INCREASE: new.reduce_only and held * new.side.sign >= 0,
            Reason.BELOW_MINIMUM: not new.reduce_only and new.size * price < 10,
        }
        return next((reason for reason, applies in refused.items() if applies), None)

    def order(self, client_order_id: str) -> Order | None:
        return next((one for one in self._orders if one.client_order_id == client_order_id), None)

    def open_orders(self, market: str | None = None) -> tuple[Order, ...]:
        return tuple(one for one in self._orders if not one.status.final and market in (None, one.market))

    def positions(self) -> tuple[Position, ...]:
        held: dict[str, Decimal] = {}
        for one in self._fills:
            held[one.market] = held.get(one.market, D(0)) + one.signed_size
        return tuple(Position(m, size, abs(size) * 100, D(100), D(0)) for m, size in held.items() if size)

    def account_state(self) -> Account:
        return Account("main", D(10_000), D(10_000), D(0), D(10_000))

    def fills(self, since: str | None = None, market: str | None = None) -> tuple[Fill, ...]:
        return tuple(one for one in self._fills[int(since or 0) :] if market in (None, one.market))

    def funding_rates(self, market: str, since_ms: int) -> tuple[FundingRate, ...]:
        first = since_ms // HOUR_MS + 1
        return tuple(FundingRate(market, h * HOUR_MS, RATE, 1) for h in range(first, self.now_ms // HOUR_MS + 1))

    def funding_payments(self, since: str | None = None) -> tuple[FundingPayment, ...]:
        return tuple(self._payments[int(since or 0) :])

    def cancel_all(self, market: str | None = None) -> int:
        return len([self._change(one, status=OrderStatus.CANCELLED) for one in self.open_orders(market)])

    def arm_dead_man(self, timeout_s: int) -> None:
        pass

    def probe(self, markets: Sequence[str]) -> tuple[str, ...]:
        return ()

    def margin_mode(self, market: str) -> None:
        pass

    def actions_left(self) -> None:
        pass

    def budget_text(self) -> str:
        return "requests unlimited"

    def budget_low(self) -> bool:
        return False

    def close(self) -> None:
        pass

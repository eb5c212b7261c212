"""What must hold for an account over any market and any orders: the equity identity, and time cut anywhere."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from pfmm.paper.account import Account, OrderState
from pfmm.paper.advance import advance
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.feed import QUOTE, TRADE, USD, Event, MarketSpec, Quote, QuoteEvent, TradeEvent, Watch
from pfmm.paper.ledger import notional_unit
from pfmm.paper.market_data import Moment
from pfmm.paper.messages import AmendRequest, CancelRequest, ExchangeError, PlaceRequest
from pfmm.paper.trading import Desk
from tests.examples import examples
from tests.regular_funding import RegularFunding

HOUR_MS = 3_600_000
START = 8 * HOUR_MS * 1000
END = START + 3 * HOUR_MS
# 1-hour funding, odd fees and odd rates: nothing divides evenly
SPECS = {
    name: MarketSpec(name, "crypto", 1, 3, 1, None, USD // 100, leverage, -20_003, 50_007, 1)
    for name, leverage in (("AAA-PERP", 50), ("BBB-PERP", 10))
}


class Walk(RegularFunding):
    """Two markets from lists of events; the mark is the bid, so that it is never between ticks."""

    interval_hours = 1

    def __init__(self, events: dict[str, list[Event]]) -> None:
        self._events = events

    def specs(self) -> Sequence[MarketSpec]:
        return list(SPECS.values())

    def span(self) -> tuple[int, int] | None:
        return None

    def quote(self, market: str, time_ms: int) -> Quote:
        rows = [row for row in self._events[market] if row[1] == QUOTE]
        row = rows[bisect_right([row[0] for row in rows], time_ms) - 1]
        return Quote(time_ms, *row[2:])

    def depth(self, market: str, time_ms: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        _, bid, bid_size, ask, ask_size = self.quote(market, time_ms)
        return [(bid - i, bid_size) for i in range(levels)], [(ask + i, ask_size) for i in range(levels)]

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        return []

    def mark(self, market: str, time_ms: int) -> int:
        return self.quote(market, time_ms).bid

    def rate_at(self, market: str, settle_ms: int) -> int:
        return (settle_ms // HOUR_MS * 7919) % 60_001 - 30_000

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        return (row for row in self._events[market] if after_ms < row[0] <= to_ms)


# times are coarse, so that events of both markets, marks and orders meet at the same moment
times = st.integers(1, (END - START) // 15_000).map(lambda n: START + 15_000 * n)
bids = st.integers(940, 1060) | st.integers(600, 1500)  # mostly calm, sometimes a jump
depths = st.integers(1, 4000)
quotes = st.builds(
    lambda time_ms, bid, spread, bid_size, ask_size: QuoteEvent(time_ms, QUOTE, bid, bid_size, bid + spread, ask_size),
    times,
    bids,
    st.integers(1, 30),
    depths,
    depths,
)
trades = st.builds(
    TradeEvent, times, st.just(TRADE), st.integers(930, 1070), st.integers(1, 5000), st.sampled_from([1, -1])
)


def _tape(events: list[Event]) -> list[Event]:
    return [QuoteEvent(START, QUOTE, 1000, 3000, 1003, 3000), *sorted(events, key=lambda event: event[0])]


tapes = st.lists(quotes | trades | trades, min_size=8, max_size=40).map(_tape)
walks = st.builds(lambda a, b: Walk({"AAA-PERP": a, "BBB-PERP": b}), tapes, tapes)


deposits = st.sampled_from([900 * USD, 60 * USD, 60 * USD])  # the small one is liquidated by a swing


class Action(NamedTuple):
    """What a trader does at a moment: place, amend or cancel something, or arm the dead-man switch."""

    time_ms: int
    kind: str
    request: Any


def _place(market: str, side: str, price: int | None, size: int, flags: tuple[bool, bool, bool]) -> PlaceRequest:
    post_only, reduce_only, ioc = flags
    return PlaceRequest(
        market=market,
        side=side,
        type="market" if price is None else "limit",
        price=None if price is None else Decimal(price) / 10,
        size_base=Decimal(size) / 1000,
        post_only=post_only and price is not None and not ioc,
        reduce_only=reduce_only,
        time_in_force="IOC" if ioc else "GTC",
    )


places = st.builds(
    _place,
    st.sampled_from(sorted(SPECS)),
    st.sampled_from(["long", "short"]),
    st.none() | st.integers(940, 1060),
    st.sampled_from([7, 333, 2500, 2500, 40_000]),
    st.tuples(st.booleans(), st.sampled_from([False, False, True]), st.sampled_from([False, False, False, True])),
)
ids = st.integers(1, 8).map(lambda number: f"o{number}")
amends = st.builds(
    AmendRequest,
    order_id=ids,
    price=st.none() | st.integers(940, 1060).map(lambda price: Decimal(price) / 10),
    size_base=st.none() | st.integers(1, 3000).map(lambda size: Decimal(size) / 1000),
)
actions = st.lists(
    st.builds(Action, times, st.just("place"), places)
    | st.builds(Action, times, st.just("place"), places)
    | st.builds(Action, times, st.just("amend"), amends)
    | st.builds(Action, times, st.just("cancel"), st.builds(CancelRequest, order_id=ids))
    | st.builds(Action, times, st.just("dead_man"), st.integers(1, 5000)),
    min_size=4,
    max_size=14,
).map(lambda found: sorted(found, key=lambda action: action.time_ms))


class Trader:
    """An account that keeps everything it has ever had, so that its history can be compared."""

    def __init__(self, walk: Walk, deposit: int) -> None:
        self.walk = walk
        self.everything: dict[int, OrderState] = {}
        self.account = Account("a", SPECS.__getitem__, START, deposit, 1, 1, 1)

    def go(self, to_ms: int, steps: int = 20_000) -> None:
        while not advance(self.account, self.walk, to_ms, steps=steps):
            pass
        self.everything.update(self.account.touched)

    def do(self, action: Action) -> None:
        desk = Desk(self.account, Moment(self.walk, action.time_ms), lambda number, _: self.everything.get(number or 0))
        if action.kind == "dead_man":
            self.account.dead_man_ms = action.time_ms + action.request * 1000
            return
        try:
            getattr(desk, action.kind)(action.request)
        except ExchangeError as refused:
            assert refused.status < 500  # noqa: PT017 - a refusal is an answer, the test goes on
        self.everything.update(self.account.touched)

    def history(self) -> object:
        orders = [replace(order) for _, order in sorted(self.everything.items())]
        return orders, self.account.fills, self.account.payments, self.account.dump(), self.account.dead_man_ms


def check_identity(trader: Trader) -> None:
    """Equity from what was bought, sold, paid and received, without the ledger's cost basis."""
    account, walk = trader.account, trader.walk
    equity, sizes = account.deposits, dict.fromkeys(SPECS, 0)
    for fill in account.fills:
        equity -= fill.side * fill.price * fill.size * notional_unit(SPECS[fill.market]) + fill.fee
        sizes[fill.market] += fill.side * fill.size
    equity += sum(payment.amount for payment in account.payments)
    for market, size in sizes.items():
        equity += size * walk.mark(market, account.time_ms) * notional_unit(SPECS[market])
        position = account.positions.get(market)
        assert size == (position.size if position else 0) == account.book(market).position
        assert position is None or (position.basis >= 0 and (position.size or not position.basis))
    totals = account.totals(lambda market: walk.mark(market, account.time_ms))
    assert totals.equity == equity
    assert totals.equity == totals.deposits + totals.realized + totals.unrealized - totals.fees + totals.funding


def check_books(account: Account) -> None:
    """Books and orders agree: the same open orders with the same remainders."""
    resting = {order.number: order.remaining for book in account.books.values() for order in book.orders()}
    assert resting == {order.number: order.remaining for order in account.orders.values()}
    for order in account.orders.values():
        assert order.status == "open"
        assert 0 <= order.filled < order.size
        if order.reduce_only:
            assert order.remaining <= account.book(order.market).reducible(order.side)


@given(walks, actions, deposits)
@examples(40, 120)
def test_equity_is_what_was_traded_to_the_last_digit(walk: Walk, todo: list[Action], deposit: int) -> None:
    trader = Trader(walk, deposit)
    for action in todo:
        trader.go(action.time_ms)
        trader.do(action)
        check_identity(trader)
        check_books(trader.account)
    trader.go(END)
    check_identity(trader)
    check_books(trader.account)


@given(walks, actions, deposits, st.lists(st.integers(START, END), max_size=40), st.integers(1, 5))
@examples(40, 120)
def test_one_advance_and_many_give_the_same_history(
    walk: Walk, todo: list[Action], deposit: int, cuts: list[int], steps: int
) -> None:
    whole, pieces = Trader(walk, deposit), Trader(walk, deposit)
    for action in todo:
        whole.go(action.time_ms)
        whole.do(action)
        for cut in sorted(cut for cut in cuts if pieces.account.time_ms < cut < action.time_ms):
            pieces.go(cut, steps)
            raw = json.loads(json.dumps(pieces.account.dump()))  # and every cut goes through the store's form
            pieces.account.restore(raw)
        pieces.go(action.time_ms, steps)
        pieces.do(action)
    whole.go(END)
    for cut in sorted(cut for cut in cuts if cut > pieces.account.time_ms):
        pieces.go(cut, steps)
    pieces.go(END, steps)
    assert whole.history() == pieces.history()


@given(walks, st.lists(places, min_size=1, max_size=6))
@examples(10, 25)
def test_a_batch_is_idempotent_by_client_id(walk: Walk, requests: list[PlaceRequest]) -> None:
    named = [request._replace(client_order_id=f"c{index}") for index, request in enumerate(requests)]
    with TemporaryDirectory() as folder:
        exchange = Exchange.open(
            Path(folder) / "paper.sqlite", lambda _: walk, lambda: START, first_feed={"speed": 0, "at_ms": START}
        )
        first = exchange.batch("a", [], [], named)[2]
        before = exchange.state("a", [])
        accepted = [not isinstance(answer, ExchangeError) for answer in first]
        again = exchange.batch("a", [], [], [n for n, ok in zip(named, accepted, strict=True) if ok])[2]
        for answer in again:
            assert isinstance(answer, ExchangeError)
            assert answer.code == "duplicate_client_order_id"
        assert exchange.state("a", []) == before
        exchange.close()


def test_a_slice_never_ends_inside_a_moment() -> None:
    moment = START + 15_000
    prints: list[Event] = [TradeEvent(moment, TRADE, 990, 100, -1) for _ in range(3)]
    start = TradeEvent(START + 1, TRADE, 1001, 1, 1)
    trader = Trader(Walk({"AAA-PERP": _tape([start, *prints]), "BBB-PERP": _tape([])}), 900 * USD)
    trader.do(Action(START, "place", _place("AAA-PERP", "long", 995, 1000, (True, False, False))))
    trader.go(END, steps=1)
    assert [fill.size for fill in trader.account.fills] == [100, 100, 100]

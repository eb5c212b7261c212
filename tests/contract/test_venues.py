"""What every venue must do, whatever it speaks: one suite, through the port alone. A new adapter passes it first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pfmm.errors import UnknownMarket, VenueRefused
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors
from pfmm.model.order import AmendOrder, Batch, CancelOrder, NewOrder, Order, OrderStatus, Refusal, Side, TimeInForce
from pfmm.model.refusal import RefusalReason as Reason
from pfmm.ports import Amend
from pfmm.strategy.ticks import snap_price, snap_size
from tests.contract.desks import DESKS, Desk

D = Decimal
BTC, ETH = "BTC-PERP", "ETH-PERP"
HOUR_MS = 3_600_000


@pytest.fixture(params=DESKS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with DESKS[request.param](tmp_path) as made:
        yield made


def new(desk: Desk, number: int, factor: str = "0.97", usd: int = 50, **changes: Any) -> NewOrder:
    """An order `factor` of the mid away, of so many USD, on tick and lot."""
    order = NewOrder(f"a1b2c3-{number}", BTC, Side.LONG, D(1), D(1), **changes)
    (ticker,) = desk.venue.tickers([order.market])
    assert ticker.mid is not None
    instrument = next(one for one in desk.venue.markets() if one.market == order.market)
    price = snap_price(ticker.mid * D(factor), order.side, instrument.price_rule)
    return replace(order, price=price, size=snap_size(D(usd) / price, instrument.size_step))


def placed(desk: Desk, *orders: NewOrder) -> tuple[Order | Refusal, ...]:
    return desk.venue.submit(Batch(place=orders)).place


def rests(desk: Desk, *orders: NewOrder) -> list[Order]:
    found = placed(desk, *orders)
    assert all(isinstance(one, Order) and one.status is OrderStatus.OPEN for one in found), found
    return [one for one in found if isinstance(one, Order)]


def bought(desk: Desk, number: int = 90, usd: int = 100) -> Decimal:
    """Takes a position by an immediate order; its size."""
    (found,) = placed(desk, new(desk, number, "1.02", usd, post_only=False, time_in_force=TimeInForce.IOC))
    assert isinstance(found, Order)
    assert found.status is OrderStatus.FILLED
    return found.filled


def reason_of(desk: Desk, order: NewOrder) -> Reason:
    """Why an order is refused, be it alone or with its whole request."""
    try:
        (found,) = placed(desk, order)
    except VenueRefused as error:
        return Reason.of(error.venue_code)
    assert isinstance(found, Refusal), found
    return found.reason


def test_markets_and_prices_make_sense(desk: Desk) -> None:
    markets = {one.market: one for one in desk.venue.markets()}
    assert len(markets) == len(desk.venue.markets())
    for one in (markets[BTC], markets[ETH]):
        assert one.size_step > 0
        assert one.min_notional > 0
        assert one.funding_interval_hours > 0
    tickers = desk.venue.tickers([ETH, BTC])
    assert [one.market for one in tickers] == [ETH, BTC]
    assert all(one.bid is not None and one.ask is not None and one.bid < one.ask for one in tickers)
    assert {one.market for one in desk.venue.tickers()} >= {BTC, ETH}
    book = desk.venue.book(BTC, 3)
    assert all(a.price > b.price for a, b in pairwise(book.bids))
    assert all(a.price < b.price for a, b in pairwise(book.asks))
    assert len(book.bids) <= 3
    for history in (desk.venue.trades(BTC, 0), desk.venue.candles(BTC, 0), desk.venue.funding_rates(BTC, 0)):
        times = [one.time_ms for one in history]
        assert times == sorted(times)
    with pytest.raises(UnknownMarket):
        desk.venue.tickers(["NOPE-PERP"])


def test_the_books_of_a_snapshot_have_its_quotes(desk: Desk) -> None:
    desk.venue.tell_depth(5)
    snapshot = desk.venue.snapshot([BTC, ETH], Cursors())
    assert [one.market for one in snapshot.books] in ([], [BTC, ETH])  # a venue may tell none
    for book, ticker in zip(snapshot.books, snapshot.tickers, strict=False):
        assert (book.bids[0].price, book.asks[0].price) == (ticker.bid, ticker.ask)
        assert (book.bids[0].size, book.asks[0].size) == (ticker.bid_size, ticker.ask_size)


def test_a_resting_order_is_told_of_everywhere(desk: Desk) -> None:
    (order,) = rests(desk, new(desk, 1))
    assert (order.client_order_id, order.market, order.side, order.filled) == ("a1b2c3-1", BTC, Side.LONG, 0)
    snapshot = desk.venue.snapshot([BTC], Cursors())
    for told in (*snapshot.orders, *desk.venue.open_orders(), *desk.venue.state([BTC]).orders):
        assert (told.order_id, told.client_order_id, told.price, told.size) == (
            order.order_id, "a1b2c3-1", order.price, order.size,
        )  # fmt: skip
        assert told.post_only
        assert not told.reduce_only
    asked = desk.venue.order("a1b2c3-1")
    assert asked is not None
    assert (asked.order_id, asked.status) == (order.order_id, OrderStatus.OPEN)
    assert desk.venue.open_orders(ETH) == ()
    # what is acknowledged is not newer than the snapshot that follows: that one would look stale
    assert order.updated_ms <= snapshot.time.time_ms


def test_what_is_refused_says_why_and_leaves_nothing(desk: Desk) -> None:
    assert reason_of(desk, new(desk, 1, "1.03")) is Reason.POST_ONLY_WOULD_CROSS
    assert reason_of(desk, new(desk, 2, "0.5", 1)) in (Reason.BELOW_MINIMUM, Reason.SIZE_OFF_STEP)
    assert reason_of(desk, new(desk, 3, reduce_only=True)) is Reason.REDUCE_ONLY_WOULD_INCREASE
    assert desk.venue.open_orders() == ()


def test_a_request_that_arrives_late_does_not_act(desk: Desk) -> None:
    assert desk.venue.capabilities.request_expiry
    order = new(desk, 1, valid_until_ms=desk.venue.time().time_ms)
    desk.pass_ms(10)
    assert reason_of(desk, order) is Reason.EXPIRED
    assert desk.venue.open_orders() == ()


def test_a_batch_with_one_refusal_does_the_rest_in_its_places(desk: Desk) -> None:
    first, crossing, last = placed(desk, new(desk, 1), new(desk, 2, "1.03"), new(desk, 3, "0.96"))
    assert isinstance(crossing, Refusal)
    assert [one.client_order_id for one in (first, last) if isinstance(one, Order)] == ["a1b2c3-1", "a1b2c3-3"]
    assert len(desk.venue.open_orders()) == 2


def test_more_than_one_request_carries_is_split(desk: Desk) -> None:
    count = desk.venue.capabilities.batch_max + 3
    orders = [replace(new(desk, 1, "0.5", 12), client_order_id=f"a1b2c3-{number}") for number in range(1, count + 1)]
    found = placed(desk, *orders)
    assert [one.client_order_id for one in found if isinstance(one, Order)] == [one.client_order_id for one in orders]
    assert desk.venue.cancel_all() == count


def test_cancels_by_either_id(desk: Desk) -> None:
    first, second, third = rests(desk, new(desk, 1), new(desk, 2, "0.96"), new(desk, 3, "0.95"))
    desk.venue.state([])
    answer = desk.venue.submit(
        Batch(
            cancel=(
                CancelOrder(BTC, client_order_id="a1b2c3-1"),
                CancelOrder(BTC, order_id=second.order_id),
                CancelOrder(BTC, client_order_id="a1b2c3-77"),
            )
        )
    ).cancel
    assert [one.status for one in answer[:2] if isinstance(one, Order)] == [OrderStatus.CANCELLED] * 2
    assert isinstance(answer[2], Refusal)
    assert answer[2].reason is Reason.ORDER_NOT_FOUND
    assert [one.order_id for one in desk.venue.open_orders()] == [third.order_id]
    (again,) = desk.venue.submit(Batch(cancel=(CancelOrder(BTC, order_id=first.order_id),))).cancel
    assert isinstance(again, Refusal)
    assert again.reason.gone


def test_what_became_of_an_order_is_told_by_its_client_id(desk: Desk) -> None:
    """How an unknown outcome is settled."""
    first, _ = rests(desk, new(desk, 1), new(desk, 2, "0.96"))
    desk.fill(first)
    desk.venue.submit(Batch(cancel=(CancelOrder(BTC, client_order_id="a1b2c3-2"),)))
    found = [desk.venue.order(f"a1b2c3-{number}") for number in (1, 2, 3)]
    assert [one and one.status for one in found] == [OrderStatus.FILLED, OrderStatus.CANCELLED, None]
    assert found[0] is not None
    assert found[0].filled == first.size


def test_an_order_is_changed_as_the_venue_declares(desk: Desk) -> None:
    (order,) = rests(desk, new(desk, 1))
    wanted = new(desk, 2, "0.95", 80)
    assert wanted.price is not None
    kind = desk.venue.capabilities.amend
    if kind is Amend.NONE:
        return  # the engine cancels, and places once that is seen
    replacement = wanted if kind is Amend.REPLACE else None
    amend = AmendOrder("a1b2c3-1", BTC, wanted.price, wanted.size, replacement=replacement)
    (changed,) = desk.venue.submit(Batch(amend=(amend,))).amend
    assert isinstance(changed, Order)
    (resting,) = desk.venue.open_orders()
    assert (resting.price, resting.size) == (wanted.price, wanted.size)
    if kind is Amend.IN_PLACE:
        assert (changed.order_id, resting.client_order_id) == (order.order_id, "a1b2c3-1")
    else:
        assert (changed.order_id != order.order_id, resting.client_order_id) == (True, "a1b2c3-2")
        old = desk.venue.order("a1b2c3-1")
        assert old is not None
        assert old.status is OrderStatus.CANCELLED
    gone = replace(amend, client_order_id="a1b2c3-1" if kind is Amend.REPLACE else "a1b2c3-9")
    gone = replace(gone, replacement=replacement and replace(replacement, client_order_id="a1b2c3-3"))
    (refused,) = desk.venue.submit(Batch(amend=(gone,))).amend
    assert isinstance(refused, Refusal)
    assert refused.reason.gone
    assert len(desk.venue.open_orders()) == 1


def test_fills_come_once_and_all_of_them(desk: Desk, tmp_path: Path) -> None:
    """Read on from cursor to cursor, some in one millisecond; a fill that is told twice is one by its id."""
    journal = Journal.open(tmp_path / "j.sqlite3", venue=desk.venue.name, account="main", nonce="abcdef")
    seen: list[str] = []
    for number in range(1, 10, 3):
        for order in rests(desk, *(new(desk, number + more, f"0.9{7 - more}", 20) for more in range(3))):
            desk.fill(order)
        snapshot = desk.venue.snapshot([BTC], journal.cursors())
        new_ones = journal.absorb(fills=snapshot.fills, funding=(), cursors=snapshot.cursors)
        seen += [one.fill.fill_id for one in new_ones.fills]
        desk.pass_ms(1_000)
    journal.close()
    every = desk.venue.fills()
    assert len({one.fill_id for one in every}) == len(every) == len(seen) == 9
    assert {one.client_order_id for one in every} == {f"a1b2c3-{number}" for number in range(1, 10)}
    assert [one.time_ms for one in every] == sorted(one.time_ms for one in every)
    assert {one.fill_id for one in every} == set(seen)
    assert desk.venue.fills(market=ETH) == ()


def test_position_orders_and_fills_of_a_snapshot_agree(desk: Desk) -> None:
    size = bought(desk)
    (order,) = rests(desk, new(desk, 1, "0.98"))
    before = desk.venue.snapshot([BTC], Cursors())
    desk.fill(order)
    after = desk.venue.snapshot([BTC], before.cursors)
    assert before.time.time_ms <= after.time.time_ms
    for snapshot, expected in ((before, size), (after, size + order.size)):
        (position,) = [one for one in snapshot.positions if one.size]
        assert (position.market, position.size) == (BTC, expected)
        assert position.cost_basis > 0
        assert snapshot.account.equity > 0
    assert [one.order_id for one in before.orders] == [order.order_id]
    assert after.orders == ()
    known = {one.fill_id for one in before.fills}
    assert sum(one.signed_size for one in after.fills if one.fill_id not in known) == order.size
    assert [one.size for one in desk.venue.positions() if one.size] == [size + order.size]
    assert desk.venue.account_state().equity == desk.venue.state([]).account.equity


def test_a_reduce_only_order_closes_and_never_flips(desk: Desk) -> None:
    size = bought(desk)
    close = new(desk, 1, "0.97", reduce_only=True, post_only=False, time_in_force=TimeInForce.IOC)
    (found,) = placed(desk, replace(close, side=Side.SHORT, size=size))
    assert isinstance(found, Order)
    assert found.filled == size
    assert [one for one in desk.venue.positions() if one.size] == []


def test_funding_is_paid_and_told_once(desk: Desk) -> None:
    bought(desk)
    before = desk.venue.snapshot([BTC], Cursors())
    desk.pass_ms(9 * HOUR_MS)
    after = desk.venue.snapshot([BTC], before.cursors)
    payments = {one.payment_id: one for one in (*before.funding_payments, *after.funding_payments)}
    assert payments
    assert sum(one.amount for one in payments.values()) == desk.paid() != 0
    assert {one.payment_id for one in desk.venue.funding_payments()} == set(payments)
    assert all(one.market == BTC and one.size > 0 for one in payments.values())


def test_everything_is_cancelled_at_once(desk: Desk) -> None:
    eth = replace(new(desk, 1, "0.97"), market=ETH)
    (ticker,) = desk.venue.tickers([ETH])
    assert ticker.mid is not None
    rule = next(one.price_rule for one in desk.venue.markets() if one.market == ETH)
    price = snap_price(ticker.mid * D("0.97"), Side.LONG, rule)
    rests(desk, replace(eth, price=price, size=D("0.5")), new(desk, 2), new(desk, 3, "0.96"))
    assert desk.venue.cancel_all(BTC) == 2
    assert [one.market for one in desk.venue.open_orders()] == [ETH]
    assert desk.venue.cancel_all() == 1
    assert desk.venue.cancel_all() == 0
    assert desk.venue.state([]).orders == ()


def test_the_dead_man_switch_is_armed_and_taken_back(desk: Desk) -> None:
    assert desk.venue.capabilities.dead_man
    rests(desk, new(desk, 1))
    desk.venue.arm_dead_man(60)
    desk.venue.arm_dead_man(0)
    desk.pass_ms(120_000)
    assert len(desk.venue.open_orders()) == 1


def test_a_state_shows_what_is_there_of_markets_that_are_not_listed(desk: Desk) -> None:
    rests(desk, new(desk, 1))
    state = desk.venue.state([BTC, "GONE-PERP"])
    assert [one.market for one in state.tickers] == [BTC]
    assert len(state.orders) == 1
    assert state.fills == ()


def test_it_can_be_asked_before_the_first_order(desk: Desk) -> None:
    assert all(isinstance(line, str) and line for line in desk.venue.probe([BTC]))
    assert desk.venue.budget_text()
    assert not desk.venue.budget_low()
    assert desk.venue.open_orders() == ()

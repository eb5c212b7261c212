"""The client and the paper exchange, written from one description sharing no code: do they understand each other?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.errors import OutcomeUnknown, UnknownMarket, VenueRefused
from pfmm.model.account import Cursors
from pfmm.model.order import AmendOrder, Batch, CancelOrder, NewOrder, Order, OrderStatus, Refusal, Side
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.faults import parse_faults
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from pfmm.venue.client import IN_PROCESS_URL, HttpClient
from pfmm.venue.http import in_process
from pfmm.venue.purpleflea import PurpleFlea

NOW_MS = 1_750_000_000_000
MARKET = "BTC-PERP"
Connect = Callable[..., PurpleFlea]


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    opened = Exchange.open(
        tmp_path / "paper.sqlite3",
        lambda config: SyntheticFeed(7),
        lambda: NOW_MS,
        first_feed={"kind": "synthetic", "seed": 7, "speed": 0},
    )
    with closing(opened):
        yield opened


@pytest.fixture(params=["in process", "socket"])
def connect(exchange: Exchange, request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Opens a client of the exchange; `faults` need the socket."""
    with ExitStack() as stack:

        def open_venue(faults: str | None = None) -> PurpleFlea:
            app = make_app(exchange)
            if request.param == "in process" and faults is None:
                http = HttpClient(IN_PROCESS_URL, key=lambda: "paper-main", transport=in_process(app))
            else:
                plan = None if faults is None else parse_faults(faults)
                server = stack.enter_context(PaperServer(app, "127.0.0.1", 0, faults=plan).running())
                http = HttpClient(server.url, key=lambda: "paper-main", timeout_s=20.0)
            return stack.enter_context(closing(PurpleFlea(http, name="paper", account="main")))

        yield open_venue


def bid_at(price: Decimal, cid: str, size: str = "0.01") -> NewOrder:
    return NewOrder(cid, MARKET, Side.LONG, Decimal(size), price)


def far_below(venue: PurpleFlea) -> Decimal:
    """A whole-dollar price a tenth below the market: on any tick, and far from filling."""
    bid = venue.tickers([MARKET])[0].bid
    assert bid is not None
    return Decimal(int(bid * 9 / 10))


def test_every_read_is_understood(connect: Connect) -> None:
    venue = connect()
    venue.probe([MARKET])
    assert len(venue.markets()) >= 275
    assert len(venue.tickers()) == len(venue.markets())
    assert [one.market for one in venue.tickers(["ETH-PERP", MARKET])] == ["ETH-PERP", MARKET]
    book = venue.book(MARKET, 5)
    assert (len(book.bids), len(book.asks)) == (5, 5)
    since_ms = NOW_MS - 3_600_000
    assert all(trade.time_ms >= since_ms for trade in venue.trades(MARKET, since_ms))
    assert all(rate.market == MARKET for rate in venue.funding_rates(MARKET, NOW_MS - 86_400_000))
    assert venue.funding_payments() == ()
    assert venue.account_state().equity == 10_000
    with pytest.raises(UnknownMarket) as caught:
        venue.book("BTC-PREP", 5)
    assert "BTC-PERP" in (caught.value.hint or "")


def test_the_life_of_an_order(connect: Connect) -> None:
    venue = connect()
    price = far_below(venue)
    (placed,) = venue.submit(Batch(place=(bid_at(price, "a-1"),))).place
    assert isinstance(placed, Order)
    assert (placed.price, placed.size, placed.status, placed.post_only) == (
        price,
        Decimal("0.01"),
        OrderStatus.OPEN,
        True,
    )
    assert venue.submit(Batch(place=(bid_at(price, "a-1"),))).place == (placed,)  # a duplicate answers the first
    assert venue.open_orders() == (placed,)
    assert venue.order("a-1") == placed
    assert venue.order("never-sent") is None
    answer = venue.submit(
        Batch(
            cancel=(CancelOrder(MARKET, client_order_id="never-sent"),),
            amend=(AmendOrder("a-1", MARKET, price - 10, Decimal("0.02")),),
            place=(bid_at(price * 2, "a-2"),),
        )
    )
    assert isinstance(answer.cancel[0], Refusal)
    assert (answer.cancel[0].code, answer.cancel[0].status) == ("order_not_found", 404)
    assert isinstance(answer.amend[0], Order)
    assert (answer.amend[0].price, answer.amend[0].size) == (price - 10, Decimal("0.02"))
    assert isinstance(answer.place[0], Refusal)
    assert (answer.place[0].code, answer.place[0].status) == ("post_only_would_cross", 422)
    snapshot = venue.snapshot([MARKET], Cursors())
    assert snapshot.orders == answer.amend
    assert venue.cancel_all(MARKET) == 1
    cancelled = venue.order("a-1")
    assert cancelled is not None
    assert (cancelled.status, cancelled.reason) == (OrderStatus.CANCELLED, "user")
    with pytest.raises(VenueRefused):
        venue.cancel_all("")


def test_a_fill_reaches_snapshot_position_and_account(connect: Connect) -> None:
    venue = connect()
    taker = NewOrder("t-1", MARKET, Side.SHORT, Decimal("0.01"), None)
    (done,) = venue.submit(Batch(place=(taker,))).place
    assert isinstance(done, Order)
    assert done.status is OrderStatus.FILLED
    snapshot = venue.snapshot([MARKET], Cursors())
    assert sum(one.signed_size for one in snapshot.fills) == Decimal("-0.01")
    assert [one.size for one in snapshot.positions] == [Decimal("-0.01")]
    assert venue.fills() == snapshot.fills
    assert venue.positions() == snapshot.positions
    bare = venue.state([MARKET])
    assert (bare.fills, bare.positions, bare.account) == ((), snapshot.positions, snapshot.account)
    account = snapshot.account
    parts = (account.deposits, account.realized_pnl, account.unrealized_pnl, account.fees, account.funding)
    deposits, realized, unrealized, fees, funding = (part for part in parts if part is not None)
    assert account.equity == deposits + realized + unrealized - fees + funding
    assert venue.snapshot([MARKET], snapshot.cursors).fills == ()
    # a day on: three settlements at 00, 08 and 16 UTC
    assert venue.advance(NOW_MS + 86_400_000).time_ms == NOW_MS + 86_400_000
    later = venue.snapshot([MARKET], snapshot.cursors)
    assert len(later.funding_payments) == 3
    assert later.funding_payments == venue.funding_payments()


def test_the_dead_man_switch_cancels(connect: Connect) -> None:
    venue = connect()
    venue.submit(Batch(place=(bid_at(far_below(venue), "a-1"),)))
    venue.arm_dead_man(30)
    venue.advance(NOW_MS + 31_000)
    gone = venue.order("a-1")
    assert gone is not None
    assert (gone.status, gone.reason) == (OrderStatus.CANCELLED, "dead_man")
    venue.arm_dead_man(0)


@pytest.mark.parametrize("connect", ["socket"], indirect=True)
@pytest.mark.parametrize("kind", ["http_500", "reset_before", "reset_after", "half_body", "timeout_after"])
def test_after_any_fault_the_order_can_be_settled_by_asking(connect: Connect, kind: str) -> None:
    calm = connect()
    price = far_below(calm)
    rough = connect(faults=f"seed=1,rate=1,kinds={kind},only=POST,hold_s=0.1")
    with pytest.raises(OutcomeUnknown):
        rough.submit(Batch(place=(bid_at(price, "a-1"),)))
    # asking by client order id tells which; sending it again cannot make a second one
    found = calm.order("a-1")
    assert found is None or found.status is OrderStatus.OPEN
    again = calm.submit(Batch(place=(bid_at(price, "a-1"),))).place[0]
    assert isinstance(again, Order)
    assert found in (None, again)
    assert calm.open_orders() == (again,)


@pytest.mark.parametrize("connect", ["socket"], indirect=True)
def test_reads_come_through_a_rough_line(connect: Connect) -> None:
    rough = connect(faults="seed=3,rate=0.3,kinds=http_500+reset_before+half_body,only=GET")
    for _ in range(12):
        assert rough.snapshot([MARKET], Cursors()).account.equity == 10_000

"""A loop that follows the venue's socket: nothing is asked between changes, and the socket is never taken for proof.

The paper exchange serves /info, /exchange and /ws on loopback; its time and the client's clock are stepped by the test.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pfmm.journal.journal import Journal
from pfmm.model.account import Account, Cursors, Snapshot, VenueTime
from pfmm.model.order import Batch, NewOrder, Order, OrderStatus, OrderType, Side
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire import hyperliquid_keys as keys
from pfmm.paper.wire.hyperliquid_streams import Streams
from pfmm.paper.wire.wsgi import make_app
from pfmm.strategy.ticks import snap_price
from pfmm.venue import stream as streams
from pfmm.venue.client import HttpClient, Timekeeper
from pfmm.venue.hyperliquid.following import FRESH_S, Following
from pfmm.venue.hyperliquid.looking import FillNews, Look, News, OrderNews
from tests.dialects import hyperliquid, need_signing
from tests.faults.lagging import ACCOUNT, START_MS, PushedFeed

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

pytest.importorskip("wsproto", reason="sockets need the extra `ws`")
PATIENCE_S = 30.0
STEP_MS = 1_000


class Counted:
    """The application of an exchange; every question is counted."""

    def __init__(self, exchange: Exchange) -> None:
        self._app = make_app(exchange)
        self.talk = self._app.talk
        self.asked: Counter[str] = Counter()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        from io import BytesIO

        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
        self.asked[json.loads(body).get("type", "action")] += 1
        return self._app({**environ, "wsgi.input": BytesIO(body)}, start_response)


class World:
    """One account, its adapter and its journal at a served exchange whose time the test moves."""

    def __init__(self, folder: Path, exchange: Exchange, feed: PushedFeed, app: Counted) -> None:
        self.exchange, self.feed, self.app = exchange, feed, app
        self.now_ms = START_MS
        self.server = PaperServer(app, "127.0.0.1", 0)
        keeper = Timekeeper(
            monotonic_s=lambda: self.now_ms / 1000,
            sleep=lambda _: time.sleep(0.01),
            jitter=lambda: 0.0,
        )
        self.http = HttpClient(self.server.url, timekeeper=keeper, read_attempts=1)
        self.venue = hyperliquid(self.http, ACCOUNT)
        self.venue._follow = lambda: Following(self.http, self.server.url, keys.address(ACCOUNT))
        self.markets = [spec.market for spec in feed.specs()]
        self.journal = Journal.open(folder / "j.sqlite3", venue="paper", account=ACCOUNT, nonce="abcdef")
        self.fills: Counter[str] = Counter()

    def look(self) -> Snapshot:
        """One look of a loop."""
        seen = self.venue.snapshot(self.markets, self.journal.cursors())
        new = self.journal.absorb(fills=seen.fills, funding=seen.funding_payments, cursors=seen.cursors)
        self.fills.update(item.fill.fill_id for item in new.fills)
        return seen

    def step(self, ms: int = STEP_MS) -> None:
        """Time passes."""
        self.now_ms += ms
        self.exchange.advance_clock(self.now_ms)

    def told(self) -> None:
        """Waits until the socket has shown the books of now."""
        following = self.venue._socket
        assert following is not None

        def all_shown() -> bool:
            prices = [following.price(market) for market in self.markets]
            return bool(following.connection()) and all(
                one is not None and one.book.time_ms == self.now_ms for one in prices
            )

        wait(all_shown, following.text)

    def follow(self) -> None:
        """Looks until the socket carries the loop: it is opened by the second look."""
        self.look()
        self.step()
        self.look()
        self.step()
        self.told()
        self.look()

    def bid(self, number: int, market: str) -> NewOrder:
        instrument = next(one for one in self.venue.markets() if one.market == market)
        (ticker,) = self.venue.tickers([market])
        assert ticker.bid is not None
        price = snap_price(ticker.bid * Decimal("0.97"), Side.LONG, instrument.price_rule)
        size = (20 / price).quantize(instrument.size_step) + instrument.size_step
        return NewOrder(f"abcdef-{number}", market, Side.LONG, size, price)

    def fill(self, order: Order) -> None:
        """A print goes through the order."""
        assert order.price is not None
        spec = next(one for one in self.exchange.specs() if one.market == order.market)
        self.feed.push(order.market, self.now_ms + 1, int(order.price.scaleb(spec.price_decimals)) - 1, -1)
        self.step()


def wait(until: Any, why: Any = lambda: "") -> None:
    """Real time passes until something has happened on another thread."""
    end_s = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < end_s, why()
        time.sleep(0.005)


@contextmanager
def world(folder: Path, markets: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    need_signing()
    monkeypatch.setattr(Streams, "interval_s", 0.01)
    monkeypatch.setattr(streams, "READ_S", 0.01)
    feed = PushedFeed(SyntheticFeed(5), markets)
    stored = {"kind": "pushed", "speed": 0, "at_ms": START_MS}
    exchange = Exchange.open(folder / "x.sqlite3", lambda _: feed, lambda: START_MS, first_feed=stored)
    exchange.open_account(ACCOUNT)
    made = World(folder, exchange, feed, Counted(exchange))
    try:
        with made.server.running():
            try:
                yield made
            finally:
                made.now_ms += 1_000  # what the socket's thread waits for is over
                made.venue.close()
    finally:
        made.journal.close()
        exchange.close()


@pytest.mark.parametrize("markets", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_markets_are_followed_without_a_question_between_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, markets: int
) -> None:
    with world(tmp_path, markets, monkeypatch) as made:
        (order,) = made.venue.submit(Batch(place=(made.bid(1, "BTC-PERP"),))).place
        assert isinstance(order, Order)
        made.follow()
        quiet = made.app.asked.copy()
        times = []
        for _ in range(10):
            made.step()
            made.told()
            seen = made.look()
            times.append(seen.time.time_ms)
            assert len(seen.tickers) == markets
            assert [one.order_id for one in seen.orders] == [order.order_id]
        assert made.app.asked == quiet  # not one question in ten looks
        assert times == sorted(set(times))
        made.fill(order)  # a change: one whole look
        made.told()
        wait(lambda: made.look().positions)
        asked = made.app.asked - quiet
        assert asked["userFillsByTime"] >= 1
        assert "l2Book" not in asked  # the prices of the socket serve that look too
        assert sum(made.fills.values()) == 1
        made.step()
        made.told()
        before = made.app.asked.copy()
        made.look()
        assert made.app.asked == before  # and quiet again


def test_who_looks_once_or_wants_a_proof_opens_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, 2, monkeypatch) as made:
        for _ in range(3):
            made.venue.look_anew()
            made.look()
            made.step()
        assert made.venue._socket is None
        made.look()
        assert made.venue._socket is not None


def test_a_look_at_other_marks_is_what_the_venue_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, 2, monkeypatch) as made:
        (order,) = made.venue.submit(Batch(place=(made.bid(1, "BTC-PERP"),))).place
        assert isinstance(order, Order)
        made.fill(order)
        made.follow()
        asked = made.app.asked.copy()
        made.step(2_000)
        made.told()
        seen = made.look()
        assert made.app.asked == asked
        said = made.venue.state([])
        assert seen.account.equity == pytest.approx(said.account.equity, abs=Decimal("1e-6"))
        (position,), (truth,) = seen.positions, said.positions
        assert (position.size, position.mark_price) == (truth.size, truth.mark_price)
        assert position.unrealized_pnl == pytest.approx(truth.unrealized_pnl, abs=Decimal("1e-6"))


def test_a_fill_during_a_break_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, 2, monkeypatch) as made:
        (order,) = made.venue.submit(Batch(place=(made.bid(1, "BTC-PERP"),))).place
        assert isinstance(order, Order)
        made.follow()
        following = made.venue._socket
        assert following is not None
        first = following.connection()
        drop(made)
        wait(lambda: following.connection() != first)
        made.fill(order)
        seen = made.look()  # the socket may be back by now: whatever it says, this look reads
        assert [one.size for one in seen.positions] == [order.size]
        wait(lambda: following.connection() > first, following.text)
        for _ in range(3):
            made.step()
            made.told()
            made.look()
        assert list(made.fills.values()) == [1]
        assert made.exchange.fills(ACCOUNT).fills[0].size_base == order.size


def test_a_silent_socket_is_noticed_within_ten_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, 2, monkeypatch) as made:
        made.follow()
        following = made.venue._socket
        assert following is not None
        rounds: list[int] = []

        def last_books(talk: Streams) -> list[str]:
            """Send the books of a step later, and then nothing any more."""
            if rounds:
                return []
            made.step()
            rounds.append(made.now_ms)
            return [text for text in updates(talk) if '"l2Book"' in text]

        updates = Streams.updates
        monkeypatch.setattr(Streams, "updates", last_books)
        monkeypatch.setattr(Streams, "receive", lambda *_: ())
        wait(lambda: rounds)
        made.told()  # nothing is on its way after these
        made.step(round(FRESH_S * 1000) + 1)
        assert following.connection() == 0
        before = made.app.asked.copy()
        made.look()  # so it is asked
        asked = made.app.asked - before
        assert (asked["exchangeStatus"], asked["l2Book"]) == (1, 2)
        assert streams.SILENT_S < 10
        made.step(round((streams.SILENT_S - FRESH_S) * 1000))
        wait(lambda: following.text().startswith("no socket"), following.text)


def test_what_the_socket_keeps_to_itself_proves_nothing_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, 2, monkeypatch) as made:
        (order,) = made.venue.submit(Batch(place=(made.bid(1, "BTC-PERP"),))).place
        assert isinstance(order, Order)
        made.follow()
        from pfmm.paper.wire import hyperliquid_streams as served

        for kind in (served._Fills, served._Orders):
            monkeypatch.setattr(kind, "news", lambda _: iter(()))  # it tells of no change any more
        made.fill(order)
        made.told()
        believed = made.look()
        assert believed.positions == ()  # good enough to quote on for a minute, and no more than that
        assert [one.size for one in made.venue.state(made.markets).positions] == [order.size]  # what flatten reads
        made.step()
        made.told()
        made.venue.look_anew()  # what a wind-down and a doubtful position ask for
        assert [one.size for one in made.look().positions] == [order.size]
        made.step(61_000)
        made.told()
        before = made.app.asked.copy()
        made.look()
        assert (made.app.asked - before)["clearinghouseState"] >= 1  # each minute settles


RESTING = Order(
    "7", None, "BTC-PERP", Side.LONG, OrderType.LIMIT, Decimal(1), Decimal(5), Decimal(2), OrderStatus.OPEN,
    post_only=True, reduce_only=False, created_ms=1, updated_ms=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("news", "told"),
    [
        (OrderNews("7", "", open=True, filled=Decimal(2)), True),
        (OrderNews("7", "", open=True, filled=Decimal(1)), True),  # the look is the newer one
        (OrderNews("7", "", open=True, filled=Decimal(3)), False),
        (OrderNews("7", "", open=False, filled=Decimal(5)), False),  # still shown: a list that lags
        (OrderNews("8", "", open=True, filled=Decimal(0)), False),
        (OrderNews("8", "", open=False, filled=Decimal(0)), True),
        (OrderNews("8", "xyz", open=True, filled=Decimal(0)), True),  # of a list of markets that was not looked at
        (FillNews("a"), True),
        (FillNews("b"), False),
    ],
)
def test_a_look_stands_only_while_it_shows_what_was_told(news: News, told: bool) -> None:
    account = Account("x", Decimal(1), Decimal(1), Decimal(0), Decimal(1))
    shown = Snapshot(VenueTime(1), account, (), (RESTING,), (), (), (), Cursors())
    assert Look(1, ("",), shown, (), agreed=True).tells([news], {"a"}) is told


def drop(made: World) -> None:
    """Every connection of the server breaks."""
    with made.server._open_lock:
        opened = list(made.server._open)
    for one in opened:
        one.shutdown(2)

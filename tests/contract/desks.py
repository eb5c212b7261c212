"""One account on each venue of the contract suite, and a hand behind the venue that lets time pass and orders fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pfmm.model.order import Order, Side
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from pfmm.ports import Venue
from pfmm.venue.client import IN_PROCESS_URL, HttpClient, Timekeeper
from pfmm.venue.http import in_process
from pfmm.venue.purpleflea import PurpleFlea
from tests.contract.fake_venue import FakeVenue
from tests.dialects import OWN, POSTED, hyperliquid
from tests.faults.lagging import PushedFeed

START_MS = 1_760_000_000_000
ACCOUNT = "main"


@dataclass(frozen=True)
class Desk:
    """`venue` is what is tested; `fill` lets a resting order fill whole, `pass_ms` time go by, `paid` is the funding
    that the account has received in all, by the venue's own books."""

    venue: Venue
    fill: Callable[[Order], None]
    pass_ms: Callable[[int], None]
    paid: Callable[[], Decimal]


class _Hand:
    """What moves a stepped paper exchange."""

    def __init__(self, exchange: Exchange, feed: PushedFeed) -> None:
        self._exchange = exchange
        self._feed = feed
        self._now_ms = START_MS

    def pass_ms(self, ms: int) -> None:
        self._now_ms += ms
        self._exchange.advance_clock(self._now_ms)

    def fill(self, order: Order) -> None:
        assert order.price is not None
        spec = next(one for one in self._exchange.specs() if one.market == order.market)
        aggressor = -1 if order.side is Side.LONG else 1
        price = int(order.price.scaleb(spec.price_decimals)) + aggressor
        self._feed.push(order.market, self._now_ms + 1, price, aggressor)
        self.pass_ms(1)

    def paid(self) -> Decimal:
        return self._exchange.account(ACCOUNT).funding


@contextmanager
def _paper(folder: Path, dialect: str, *, socket: bool) -> Iterator[Desk]:
    feed = PushedFeed(SyntheticFeed(7))
    stored = {"kind": "pushed", "speed": 0, "at_ms": START_MS}
    exchange = Exchange.open(folder / "x.sqlite3", lambda _: feed, lambda: START_MS, first_feed=stored)
    exchange.open_account(ACCOUNT)
    hand = _Hand(exchange, feed)
    app = make_app(exchange)
    keeper = Timekeeper(sleep=lambda seconds: hand.pass_ms(round(seconds * 1000)))

    def desk(http: HttpClient) -> Desk:
        venue: Any = (
            hyperliquid(http, ACCOUNT) if dialect == POSTED else PurpleFlea(http, name="paper", account=ACCOUNT)
        )
        return Desk(venue, hand.fill, hand.pass_ms, hand.paid)

    options: dict[str, Any] = {"key": lambda: f"paper-{ACCOUNT}", "timekeeper": keeper}
    try:
        if socket:
            with (
                PaperServer(app, "127.0.0.1", 0).running() as server,
                closing(HttpClient(server.url, **options)) as http,
            ):
                yield desk(http)
        else:
            with closing(HttpClient(IN_PROCESS_URL, transport=in_process(app), **options)) as http:
                yield desk(http)
    finally:
        exchange.close()


@contextmanager
def _fake(_: Path) -> Iterator[Desk]:
    venue = FakeVenue()
    yield Desk(venue, venue.fill, venue.pass_ms, lambda: venue.funding)


DESKS: dict[str, Callable[[Path], Any]] = {
    "paper in process": lambda folder: _paper(folder, OWN, socket=False),
    "paper over a socket": lambda folder: _paper(folder, OWN, socket=True),
    "second dialect in process": lambda folder: _paper(folder, POSTED, socket=False),
    "second dialect over a socket": lambda folder: _paper(folder, POSTED, socket=True),
    "scripted": _fake,
}

"""The live market of the paper exchange: a scripted venue that lags, repeats, drops and restarts, followed by REST."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.live_market import keep_markets, live_feed, open_public
from pfmm.model.fees import PRESETS
from pfmm.paper.exchange import Exchange
from pfmm.paper.messages import PlaceRequest
from tests.scripted_hyperliquid import MARKET, START_MS, ScriptedVenue, served

D = Decimal
ACCOUNT = "desk"


class World:
    """The scripted venue, and a paper exchange that follows it; the wall's clock goes with the venue's."""

    def __init__(
        self, folder: Path, url: str, venue: ScriptedVenue, at_ms: int = START_MS, *, socket: bool = False
    ) -> None:
        self.venue = venue
        public = open_public("hyperliquid", "mainnet", url)
        keep_markets(public.markets(), folder / "markets.json")
        public.close()
        self.config: dict[str, Any] = {
            "kind": "live", "venue": "hyperliquid", "network": "mainnet", "url": url, "socket": socket,
            "markets_file": str(folder / "markets.json"), "fees": PRESETS["hyperliquid"].kept(), "at_ms": at_ms,
        }  # fmt: skip
        self.path = folder / "exchange.sqlite3"
        self.exchange = self.open()

    def open(self) -> Exchange:
        """The exchange as another process has it."""
        return Exchange.open(
            self.path,
            lambda config: live_feed(config, PRESETS["hyperliquid"]),
            lambda: self.venue.time_ms + 77,
            first_feed=self.config,
        )

    def buy(self, price: int, size: str = "0.5", **more: Any) -> str:
        placed = PlaceRequest(MARKET, "long", "limit", size_base=D(size), price=D(price), post_only=True, **more)
        return self.exchange.place(ACCOUNT, placed).order_id

    def fills(self) -> list[tuple[int, Decimal, Decimal]]:
        """Time after the start in ms, price and size of every fill."""
        found = self.exchange.fills(ACCOUNT).fills
        return [(one.time - START_MS, one.price, one.size_base) for one in found]

    def look(self, seconds: float = 2.5) -> None:
        """Time goes on, and somebody touches the exchange."""
        self.venue.step(seconds)
        self.exchange.ticker(MARKET)


@contextmanager
def world(folder: Path, **more: Any) -> Iterator[World]:
    venue = ScriptedVenue(**more)
    with served(venue) as url:
        made = World(folder, url, venue)
        yield made
        made.exchange.close()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def test_a_market_is_that_of_the_venue(live: World) -> None:
    ticker = live.exchange.ticker(MARKET)
    assert (ticker.bid, ticker.ask, ticker.mark, ticker.time) == (D(100_000), D(100_001), D("100000.5"), START_MS)
    assert (ticker.funding_rate, ticker.funding_interval_h) == (D("0.0000125"), 1)
    assert [one.market for one in live.exchange.specs()] == [MARKET, "ETH-PERP"]
    assert (live.exchange.spec(MARKET).maker_rate, live.exchange.spec(MARKET).price_decimals) == (15_000, 1)
    assert live.exchange.ticker("ETH-PERP").bid == D(3_999)
    assert live.exchange.depth(MARKET, 5).bids == ((D(100_000), D("1.5")), (D(99_999), D(2)), (D(99_998), D(2)))


def test_a_market_that_is_taken_off_the_list_takes_no_other_out_of_sight(
    live: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pfmm.venue.hyperliquid.public.CONTEXTS_S", 0.0)
    live.exchange.tickers([MARKET, "ETH-PERP"])
    live.buy(99_990)
    live.venue.delisted = {"ETH"}
    for _ in range(8):  # which is longer than a market stays in sight
        live.venue.step(2.5)
        btc, eth = live.exchange.tickers([MARKET, "ETH-PERP"])
        assert btc.bid == D(100_000)
    assert (eth.bid, eth.ask) == (None, None)
    live.venue.trade(99_980, "0.2")
    live.look()
    assert [size for _, _, size in live.fills()] == [D("0.2")]
    live.venue.delisted = set()
    live.venue.step(61)
    assert live.exchange.tickers(["ETH-PERP"])[0].bid == D(3_999)


def test_prints_and_quotes_fill_what_rests(live: World) -> None:
    live.buy(99_990)
    live.venue.step(1.5)
    live.venue.trade(99_980, "0.2")
    live.look(1.0)
    assert live.fills() == [(1_500, D(99_990), D("0.2"))]
    live.venue.quote(99_989, 99_990)
    live.look()
    assert live.fills()[1:] == [(5_000, D(99_990), D("0.3"))]


def test_a_print_fills_once_whoever_looks(live: World) -> None:
    live.buy(99_990)
    other = live.open()
    live.venue.step()
    live.venue.trade(99_980, "0.1")
    live.venue.step()
    assert len(other.fills(ACCOUNT).fills) == 1
    live.look()
    other.ticker(MARKET)
    assert [size for _, _, size in live.fills()] == [D("0.1")]
    assert len(live.exchange.trades(MARKET)) == 1
    other.close()


def test_a_print_that_lags_takes_its_place_when_it_is_learned(live: World) -> None:
    live.buy(99_990)
    live.venue.step()
    live.venue.trade(99_980, "0.1", lag=True)
    live.look()
    live.look()
    assert live.fills() == []
    live.venue.catch_up()
    live.look()
    assert live.fills() == [(6_001, D(99_990), D("0.1"))]
    assert [one.time - START_MS for one in live.exchange.trades(MARKET)] == [1_000]


def test_nothing_fills_in_a_gap_and_what_stands_after_it_does(tmp_path: Path) -> None:
    with world(tmp_path, page=3) as live:
        live.venue.trade(100_000)
        live.buy(99_990)
        live.venue.step()
        for price in (99_000, 99_000, 100_000, 100_000, 100_000):  # the first two are shown no more
            live.venue.trade(price)
        live.look()
        assert live.fills() == []
        assert live.exchange._sessions.store.live.gaps(MARKET) == [(START_MS, START_MS + 1_000)]
        live.venue.trade(99_980)
        live.look()
        assert [at for at, _, _ in live.fills()] == [3_501]


def test_a_venue_that_does_not_answer_is_out_of_sight(live: World) -> None:
    order = live.buy(99_990, "0.1")
    live.venue.down = True
    live.look(4.0)
    ticker = live.exchange.ticker(MARKET)
    assert (ticker.bid, ticker.time) == (D(100_000), START_MS)  # still fresh enough
    live.look(4.0)
    ticker = live.exchange.ticker(MARKET)
    assert (ticker.bid, ticker.ask, ticker.time) == (None, None, START_MS)
    assert live.exchange.time().time_ms == START_MS + 8_000
    assert "127.0.0.1" in (live.exchange.market_problem() or "")
    taker = live.exchange.place(ACCOUNT, PlaceRequest(MARKET, "long", "market", size_usd=D(10)))
    assert (taker.status, taker.filled_base, taker.reason) == ("cancelled", 0, "ioc")
    assert live.exchange.orders(ACCOUNT)[0].order_id == order
    live.venue.trade(99_980)  # while it was out of sight
    live.venue.down = False
    live.look(20.0)
    assert live.exchange.ticker(MARKET).bid == D(100_000)
    assert live.exchange.market_problem() is None


def test_funding_is_paid_by_the_hour(live: World) -> None:
    live.exchange.place(ACCOUNT, PlaceRequest(MARKET, "long", "market", size_usd=D(1_000)))
    for _ in range(3):
        live.look(1_300.0)
    (paid,) = live.exchange.funding_payments(ACCOUNT).payments
    assert (paid.time - START_MS, paid.rate) == (3_600_000, D("0.00002"))  # as settled, not as indicated

"""The purpleflea dialect against recorded-style answers: every endpoint, good and bad, and half-answered batches."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest

from pfmm.errors import (
    BadVenueData,
    CannotDoThis,
    OutcomeUnknown,
    PfmmError,
    RateLimited,
    RiskRefused,
    UnknownMarket,
    VenueRefused,
    VenueUnreachable,
)
from pfmm.model.account import Cursors, VenueTime
from pfmm.model.market import FundingRate, Instrument, Level, PriceRule, Ticker, Trade
from pfmm.model.order import (
    AmendOrder,
    Batch,
    CancelOrder,
    Fill,
    Liquidity,
    NewOrder,
    Order,
    OrderStatus,
    Refusal,
    Side,
    TimeInForce,
)
from pfmm.ports import Venue
from pfmm.venue.client import IN_PROCESS_URL, HttpClient, Timekeeper
from pfmm.venue.http import in_process
from pfmm.venue.purpleflea import PurpleFlea
from pfmm.venue.purpleflea_batch import lane_of
from pfmm.venue.ratelimit import Lane, RateBudget

NOW = 1_760_000_000_000
D = Decimal
Json = dict[str, Any]
Answer = tuple[int, Any] | Callable[[Any], tuple[int, Any]]

MARKET: Json = {
    "market": "BTC-PERP",
    "category": "crypto",
    "price_unit": 0.1,
    "significant_figures": 5,
    "size_step": 0.00001,
    "min_notional": 10,
    "max_leverage": 100,
    "maker_bps": -2,
    "taker_bps": 5.0,
    "funding_interval_h": 8,
}
TICKER: Json = {
    "market": "BTC-PERP",
    "price": 100.5,
    "bid": 100.0,
    "bid_size": 2,
    "ask": 101.0,
    "ask_size": 3.5,
    "mark": 100.4,
    "index": 100.3,
    "funding_rate": 0.0001,
    "funding_interval_h": 8,
    "next_funding_at": NOW + 60_000,
    "volume_24h": 12345.6,
    "time": NOW,
}
ORDER: Json = {
    "order_id": "17",
    "client_order_id": "a-1",
    "market": "BTC-PERP",
    "side": "long",
    "type": "limit",
    "price": 100.0,
    "size_base": 0.5,
    "filled_base": 0.1,
    "avg_fill_price": 100.0,
    "status": "open",
    "post_only": True,
    "reduce_only": False,
    "time_in_force": "GTC",
    "reason": None,
    "created_at": NOW,
    "updated_at": NOW + 5,
}
FILL: Json = {
    "fill_id": "f1",
    "order_id": "17",
    "client_order_id": "a-1",
    "market": "BTC-PERP",
    "side": "long",
    "price": 100.0,
    "size_base": 0.1,
    "fee": -0.002,
    "liquidity": "maker",
    "time": NOW,
    "liquidation": False,
}
PAYMENT: Json = {
    "payment_id": "p1",
    "market": "BTC-PERP",
    "time": NOW,
    "rate": 0.0001,
    "price": 100.0,
    "size_base": -2,
    "amount": 0.02,
}
POSITION: Json = {
    "market": "BTC-PERP",
    "size_base": -0.1,
    "cost_basis": 10.0,
    "entry_price": 100.0,
    "mark_price": 100.4,
    "unrealized_pnl": -0.04,
    "realized_pnl": 0,
    "fees": -0.002,
    "funding": 0,
    "liquidation_price": None,
    "leverage": 5,
}
ACCOUNT: Json = {
    "account_id": "main",
    "equity": 9999.962,
    "cash": 10000.002,
    "margin_used": 2.008,
    "free_margin": 9997.954,
    "deposits": 10000,
    "realized_pnl": 0,
    "unrealized_pnl": -0.04,
    "fees": -0.002,
    "funding": 0,
}
STATE: Json = {
    "time_ms": NOW,
    "speed": 1,
    "state": "open",
    "account": ACCOUNT,
    "positions": [POSITION],
    "orders": [ORDER],
    "fills": [FILL],
    "fills_cursor": "1",
    "funding_payments": [PAYMENT],
    "funding_cursor": "1",
    "more": False,
    "tickers": [TICKER],
}
NOT_FOUND = (404, {"error": "not_found", "message": "no such path"})


class Host:
    """A scripted venue: each (method, path) has answers, the last of which goes on; every request is kept."""

    def __init__(self, **answers: Answer | list[Answer]) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.keys: list[str | None] = []
        for name, answer in answers.items():
            self.says(name, answer)

    def says(self, name: str, answer: Answer | list[Answer]) -> Host:
        self.answers[name] = answer if isinstance(answer, list) else [answer]
        return self

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        name = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(length), parse_float=Decimal) if length else None
        self.requests.append((name, dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)), body))
        self.keys.append(environ.get("HTTP_AUTHORIZATION"))
        script = self.answers.get(name, [NOT_FOUND])
        answer = script.pop(0) if len(script) > 1 else script[0]
        status, reply = answer(body) if callable(answer) else answer
        start_response(f"{status} X", [("Content-Type", "application/json")])
        return [reply if isinstance(reply, bytes) else json.dumps(reply).encode()]


def venue_of(host: Host, budget: RateBudget | None = None) -> PurpleFlea:
    keeper = Timekeeper(monotonic_s=lambda: 0.0, sleep=lambda seconds: None, jitter=lambda: 0.0, wall_ms=lambda: NOW)
    http = HttpClient(
        IN_PROCESS_URL, key=lambda: "paper-main", transport=in_process(host), budget=budget, timekeeper=keeper
    )
    return PurpleFlea(http, name="paper", account="main")


def changed(base: Json, path: str, value: Any) -> Json:
    """A deep copy of `base` with the field at a dotted path changed, or removed where the value is `...`."""
    made = copy.deepcopy(base)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    at: Any = made
    for part in parents:
        at = at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return made


THE_ORDER = Order(
    order_id="17",
    client_order_id="a-1",
    market="BTC-PERP",
    side=Side.LONG,
    type="limit",  # type: ignore[arg-type]
    price=D(100),
    size=D("0.5"),
    filled=D("0.1"),
    status=OrderStatus.OPEN,
    post_only=True,
    reduce_only=False,
    created_ms=NOW,
    updated_ms=NOW + 5,
    avg_fill_price=D(100),
)
THE_FILL = Fill(
    fill_id="f1",
    order_id="17",
    client_order_id="a-1",
    market="BTC-PERP",
    side=Side.LONG,
    price=D(100),
    size=D("0.1"),
    fee=D("-0.002"),
    liquidity=Liquidity.MAKER,
    time_ms=NOW,
)


# --- market data ------------------------------------------------------------------------------------------------------


def test_it_is_a_venue() -> None:
    venue: Venue = venue_of(Host())
    assert (venue.name, venue.account, venue.capabilities.amend) == ("paper", "main", "in_place")


def test_time_and_steps() -> None:
    host = Host().says("GET /api/time", (200, {"time_ms": NOW, "speed": 0, "state": "paused"}))
    host.says("POST /api/paper/advance", (200, {"time_ms": NOW + 7, "speed": 0, "state": "open"}))
    venue = venue_of(host)
    assert venue.time() == VenueTime(NOW, 0.0, "paused")
    assert venue.advance(NOW + 7) == VenueTime(NOW + 7, 0.0, "open")
    assert host.requests[1] == ("POST /api/paper/advance", {}, {"to_ms": NOW + 7})


def test_a_real_host_may_say_only_the_time() -> None:
    assert venue_of(Host().says("GET /api/time", (200, {"time_ms": NOW}))).time() == VenueTime(NOW, 1.0, "open")


def test_markets() -> None:
    host = Host().says("GET /api/markets", (200, {"markets": [MARKET]}))
    assert venue_of(host).markets() == (
        Instrument(
            "BTC-PERP",
            "crypto",
            PriceRule(D("0.1"), 5),
            D("0.00001"),
            D(10),
            100,
            D(-2),
            D(5),
            funding_interval_hours=8,
        ),
    )
    assert host.keys == [None]  # public data needs no key


def test_one_ticker_is_read_from_its_own_endpoint() -> None:
    host = Host().says("GET /api/ticker/BTC-PERP", (200, TICKER))
    (ticker,) = venue_of(host).tickers(["BTC-PERP"])
    assert ticker == Ticker(
        "BTC-PERP",
        NOW,
        D(100),
        D(2),
        D(101),
        D("3.5"),
        mark=D("100.4"),
        index=D("100.3"),
        funding_rate=D("0.0001"),
        funding_interval_hours=8,
        next_funding_ms=NOW + 60_000,
        volume_24h_usd=D("12345.6"),
    )


def test_the_articles_minimal_ticker_is_enough() -> None:
    minimal = {"price": 67000.5, "funding_rate": -0.0003, "next_funding_at": "2025-10-09T16:00:00Z"}
    host = Host().says("GET /api/ticker/BTC-PERP", (200, minimal))
    (ticker,) = venue_of(host).tickers(["BTC-PERP"])
    assert ticker == Ticker(
        "BTC-PERP",
        NOW,  # our own clock: the answer carries none
        None,
        None,
        None,
        None,
        mark=D("67000.5"),
        funding_rate=D("-0.0003"),
        funding_interval_hours=8,
        next_funding_ms=1_760_025_600_000,
    )


def test_several_tickers_come_in_the_order_asked_for() -> None:
    other = {**TICKER, "market": "ETH-PERP", "bid": None, "bid_size": None}
    host = Host().says("GET /api/tickers", (200, {"tickers": [TICKER, other]}))
    venue = venue_of(host)
    tickers = venue.tickers(["ETH-PERP", "BTC-PERP"])
    assert [(one.market, one.bid) for one in tickers] == [("ETH-PERP", None), ("BTC-PERP", D(100))]
    assert host.requests[0][1] == {"markets": "ETH-PERP,BTC-PERP"}
    assert len(venue.tickers()) == 2
    with pytest.raises(BadVenueData, match="asked for BTC-PERP,SOL-PERP, got BTC-PERP,ETH-PERP"):
        venue.tickers(["BTC-PERP", "SOL-PERP"])


def test_market_names_cannot_leave_their_place_in_the_path() -> None:
    host = Host()
    for market in ("../orders", "A/B?x=1", "xyz:TSLA"):
        with pytest.raises(VenueRefused):
            venue_of(host).book(market, 5)
    assert [name for name, _, _ in host.requests] == [
        "GET /api/orderbook/../orders",
        "GET /api/orderbook/A/B?x=1",
        "GET /api/orderbook/xyz:TSLA",
    ]
    assert all(query == {"depth": "5"} for _, query, _ in host.requests)


def test_book_trades_and_rates() -> None:
    host = Host()
    host.says(
        "GET /api/orderbook/BTC-PERP",
        (200, {"market": "BTC-PERP", "time": NOW, "bids": [[100, 1], [99.5, 2]], "asks": [[101, 0.5]]}),
    )
    host.says(
        "GET /api/trades/BTC-PERP",
        (
            200,
            {
                "market": "BTC-PERP",
                "trades": [
                    {"time": NOW, "price": 100, "size_base": 1, "aggressor": "long"},
                    {"time": NOW, "price": 99, "size_base": 2, "aggressor": "short"},
                ],
            },
        ),
    )
    host.says(
        "GET /api/funding/BTC-PERP",
        (200, {"market": "BTC-PERP", "funding_interval_h": 8, "rates": [{"time": NOW, "rate": -0.0002}]}),
    )
    venue = venue_of(host)
    book = venue.book("BTC-PERP", 20)
    assert (book.bids, book.asks) == ((Level(D(100), D(1)), Level(D("99.5"), D(2))), (Level(D(101), D("0.5")),))
    assert venue.trades("BTC-PERP", NOW - 5) == (
        Trade("BTC-PERP", NOW, D(100), D(1), 1),
        Trade("BTC-PERP", NOW, D(99), D(2), -1),
    )
    assert venue.funding_rates("BTC-PERP", NOW) == (FundingRate("BTC-PERP", NOW, D("-0.0002"), 8),)
    assert [query for _, query, _ in host.requests] == [{"depth": "20"}, {"since": str(NOW - 5)}, {"since": str(NOW)}]


def test_past_mids_are_asked_for_in_portions_and_of_some_servers_never_again() -> None:
    host = Host().says("GET /api/mids/BTC-PERP", (200, {"market": "BTC-PERP", "mids": [{"time": NOW, "mid": 100.5}]}))
    venue = venue_of(host)
    assert venue.past_mids("BTC-PERP", [NOW + n for n in range(401)]) == ((NOW, D("100.5")),)
    assert [len(query["at"].split(",")) for _, query, _ in host.requests] == [400, 1]
    knows_none = Host().says("GET /api/mids/BTC-PERP", (404, {"error": "not_found", "message": "no such path"}))
    other = venue_of(knows_none)
    assert [other.past_mids("BTC-PERP", [NOW]) for _ in range(2)] == [(), ()]
    assert len(knows_none.requests) == 1


def test_an_unknown_market_names_its_neighbours() -> None:
    refusal = (404, {"error": "unknown_market", "message": "no"})
    host = Host()
    for path in ("ticker/BTC-PREP", "orderbook/BTC-PREP", "trades/BTC-PREP", "tickers", "state", "orders", "fills"):
        host.says(f"GET /api/{path}", refusal)
    host.says("GET /api/markets", (200, {"markets": [MARKET, {**MARKET, "market": "EURUSD-PERP"}]}))
    venue = venue_of(host)
    for read in (
        lambda: venue.tickers(["BTC-PREP"]),
        lambda: venue.tickers(["BTC-PERP", "BTC-PREP"]),
        lambda: venue.book("BTC-PREP", 1),
        lambda: venue.trades("BTC-PREP", 0),
        lambda: venue.snapshot(["BTC-PREP"], Cursors()),
        lambda: venue.open_orders("BTC-PREP"),
        lambda: venue.fills(market="BTC-PREP"),
    ):
        with pytest.raises(UnknownMarket, match="does not list BTC-PREP") as caught:
            read()
        assert "did you mean BTC-PERP" in (caught.value.hint or "")
    host.says("GET /api/markets", (404, b""))
    with pytest.raises(UnknownMarket) as caught:
        venue.book("BTC-PREP", 1)
    assert caught.value.hint == "`pfmm markets` lists them"


# --- bad answers ------------------------------------------------------------------------------------------------------

BOOK = {"market": "BTC-PERP", "time": NOW, "bids": [[100, 1], [99, 2]], "asks": [[101, 1], [102, 1]]}
TRADES = {
    "market": "BTC-PERP",
    "trades": [{"time": NOW + n, "price": 100, "size_base": 1, "aggressor": "long"} for n in range(2)],
}
MIDS = {"market": "BTC-PERP", "mids": [{"time": NOW + n, "mid": 100.25} for n in range(2)]}
RATES = {"market": "BTC-PERP", "funding_interval_h": 8, "rates": [{"time": NOW, "rate": 0.0001}]}
READS: dict[str, tuple[str, Any, Callable[[PurpleFlea], object]]] = {
    "time": ("/api/time", {"time_ms": NOW, "speed": 1, "state": "open"}, lambda v: v.time()),
    "markets": ("/api/markets", {"markets": [MARKET, {**MARKET, "market": "X"}]}, lambda v: v.markets()),
    "ticker": ("/api/ticker/BTC-PERP", TICKER, lambda v: v.tickers(["BTC-PERP"])),
    "tickers": ("/api/tickers", {"tickers": [TICKER, {**TICKER, "market": "X"}]}, lambda v: v.tickers()),
    "book": ("/api/orderbook/BTC-PERP", BOOK, lambda v: v.book("BTC-PERP", 20)),
    "trades": ("/api/trades/BTC-PERP", TRADES, lambda v: v.trades("BTC-PERP", 0)),
    "mids": ("/api/mids/BTC-PERP", MIDS, lambda v: v.past_mids("BTC-PERP", [NOW])),
    "rates": ("/api/funding/BTC-PERP", RATES, lambda v: v.funding_rates("BTC-PERP", 0)),
    "orders": ("/api/orders", {"orders": [ORDER, {**ORDER, "order_id": "18"}]}, lambda v: v.open_orders("BTC-PERP")),
    "order": ("/api/orders/by-client-id/a-1", ORDER, lambda v: v.order("a-1")),
    "account": ("/api/account", ACCOUNT, lambda v: v.account_state()),
    "positions": ("/api/positions", {"positions": [POSITION, {**POSITION, "market": "X"}]}, lambda v: v.positions()),
    "fills": (
        "/api/fills",
        {"fills": [FILL, {**FILL, "fill_id": "f2"}], "cursor": "2", "more": False},
        lambda v: v.fills(),
    ),
    "payments": (
        "/api/funding-payments",
        {"payments": [PAYMENT, {**PAYMENT, "payment_id": "p2"}], "cursor": "2", "more": False},
        lambda v: v.funding_payments(),
    ),
    "state": ("/api/state", STATE, lambda v: v.snapshot(["BTC-PERP"], Cursors())),
}


def read_with(name: str, answer: Any) -> object:
    path, _, read = READS[name]
    return read(venue_of(Host().says(f"GET {path}", (200, answer))))


@pytest.mark.parametrize("name", READS)
def test_the_unspoilt_answers_are_read(name: str) -> None:
    assert read_with(name, READS[name][1])


@pytest.mark.parametrize(
    ("name", "field", "value", "says"),
    [
        ("time", "time_ms", NOW / 1000, "time in whole ms"),
        ("time", "state", "closed", "open, paused, ended"),
        ("time", "speed", -1, "must not be negative"),
        ("markets", "markets", {}, "must be a list"),
        ("markets", "markets.1.market", "BTC-PERP", "BTC-PERP is listed twice"),
        ("markets", "markets.0.price_unit", 0, r"markets\[0\].price_unit: must be positive, got 0"),
        ("markets", "markets.0.size_step", None, r"markets\[0\].size_step"),
        ("markets", "markets.0.maker_bps", 20000, "within ±1000 bps"),
        ("markets", "markets.0.max_leverage", 0, "from 1 to 1000"),
        ("markets", "markets.0.significant_figures", 2.5, "whole number from 1 to 20"),
        ("ticker", "market", "ETH-PERP", "must be BTC-PERP, got 'ETH-PERP'"),
        ("ticker", "bid", 0, "bid: must be positive, got 0"),
        ("ticker", "ask", "101", "ask: must be a number"),
        ("ticker", "mark", -1, "mark: must be positive"),
        ("ticker", "bid_size", -1, "bid_size: must not be negative"),
        ("ticker", "funding_rate", 100, "fraction within ±1"),
        ("ticker", "time", 0, "time in whole ms"),
        ("ticker", "next_funding_at", "tomorrow", "ISO-8601"),
        ("ticker", "funding_interval_h", 0, "from 1 to 168"),
        ("tickers", "tickers.1.market", "BTC-PERP", "listed twice"),
        ("tickers", "tickers.0.market", ..., "market: missing"),
        ("mids", "market", "ETH-PERP", "must be BTC-PERP"),
        ("mids", "mids.1.mid", 0, r"mids\[1\].mid: must be positive, got 0"),
        ("mids", "mids.1.time", NOW - 1, "must not be before"),
        ("book", "market", "ETH-PERP", "must be BTC-PERP"),
        ("book", "bids.1.0", 100, r"bids\[1\]: 100 is out of order after 100"),
        ("book", "bids.1.0", 100.5, "out of order"),
        ("book", "asks.0.0", 102, "out of order"),
        ("book", "asks.0.1", 0, r"asks\[0\].size: must be positive"),
        ("book", "asks.0", [101], r"must be \[price, size\]"),
        ("book", "asks", [[n + 101, 1] for n in range(1001)], "at most 1000 items"),
        ("trades", "trades.1.time", NOW - 1, "must not be before"),
        ("trades", "trades.0.aggressor", "buy", "one of long, short"),
        ("trades", "trades.0.price", True, "must be a number, got True"),
        ("rates", "rates.0.rate", -2, "fraction within ±1"),
        ("rates", "market", "X", "must be BTC-PERP"),
        ("orders", "orders.1.order_id", "17", "17 is listed twice"),
        ("orders", "orders.0.status", "filled", "must be open in a list of open orders"),
        ("orders", "orders.0.market", "ETH-PERP", "must be BTC-PERP"),
        ("order", "client_order_id", "a-2", "answered with the order of a-2"),
        ("order", "filled_base", 0.6, "must not exceed size_base 0.5"),
        ("order", "price", None, "must be set for a limit order"),
        ("order", "status", "OPEN", "one of open, filled"),
        ("order", "post_only", 1, "true or false"),
        ("order", "side", "buy", "one of long, short"),
        ("account", "equity", None, "equity: must be a number"),
        ("account", "margin_used", -1, "must not be negative"),
        ("account", "account_id", 7, "printable text"),
        ("positions", "positions.1.market", "BTC-PERP", "listed twice"),
        ("positions", "positions.0.cost_basis", -10, "must not be negative"),
        ("positions", "positions.0.leverage", 1.5, "whole number"),
        ("positions", "positions", ..., "positions: missing"),
        ("fills", "fills.1.fill_id", "f1", "f1 is listed twice"),
        ("fills", "fills.0.size_base", -1, "must be positive"),
        ("fills", "fills.0.liquidity", "both", "one of maker, taker"),
        ("fills", "fills.0.fee", "0", "must be a number"),
        ("fills", "more", None, "true or false"),
        ("payments", "payments.1.payment_id", "p1", "listed twice"),
        ("payments", "payments.0.amount", None, "must be a number"),
        ("state", "fills_cursor", 7, "printable text"),
        ("state", "more", ..., "more: missing"),
        ("state", "orders.0.status", "cancelled", "must be open"),
        ("state", "tickers", [], "asked for BTC-PERP, got "),
        ("state", "account.cash", None, "/api/state.account.cash"),
        ("state", "account", None, "expected an object, got None"),
        ("state", "fills", [FILL, FILL], "f1 is listed twice"),
        ("state", "positions", None, "must be a list"),
        ("state", "time_ms", ..., "time_ms: missing"),
    ],
)
def test_a_bad_answer_is_refused_by_name(name: str, field: str, value: Any, says: str) -> None:
    with pytest.raises(BadVenueData, match=says) as caught:
        read_with(name, changed(READS[name][1], field, value))
    assert caught.value.message.startswith("/api/")


# a server that does not know the question for past mids tells none: that is no refusal
@pytest.mark.parametrize("name", [name for name in READS if name != "mids"])
def test_a_missing_path_is_the_venues_no(name: str) -> None:
    with pytest.raises(VenueRefused) as caught:
        READS[name][2](venue_of(Host()))
    assert (caught.value.status, caught.value.venue_code) == (404, "not_found")


# --- the account ------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_one_request() -> None:
    host = Host().says("GET /api/state", (200, STATE))
    snapshot = venue_of(host).snapshot(["BTC-PERP"], Cursors("0", None))
    assert host.requests == [("GET /api/state", {"markets": "BTC-PERP", "fills_since": "0"}, None)]
    assert host.keys == ["Bearer paper-main"]
    assert snapshot.time == VenueTime(NOW, 1.0, "open")
    assert (snapshot.orders, snapshot.fills) == ((THE_ORDER,), (THE_FILL,))
    assert snapshot.account.equity == D("9999.962")
    assert snapshot.positions[0].notional == D("-10.04")
    assert (snapshot.positions[0].liquidation_price, snapshot.positions[0].leverage) == (None, 5)
    assert snapshot.funding_payments[0].amount == D("0.02")
    assert snapshot.tickers[0].mid == D("100.5")
    assert snapshot.cursors == Cursors("1", "1")


def test_the_depth_comes_with_the_snapshot_where_it_is_wanted() -> None:
    host = Host().says("GET /api/state", (200, {**STATE, "books": [BOOK]}))
    venue = venue_of(host)
    assert venue.snapshot(["BTC-PERP"], Cursors()).books == ()
    venue.tell_depth(7)
    (book,) = venue.snapshot(["BTC-PERP"], Cursors()).books
    assert (book.bids[1], book.asks[0].price) == (Level(D(99), D(2)), D(101))
    assert [query for _, query, _ in host.requests] == [{"markets": "BTC-PERP"}, {"markets": "BTC-PERP", "depth": "7"}]


def test_a_server_that_knows_no_depth_is_asked_for_it_once() -> None:
    refusal = (400, {"error": "bad_request", "message": "the query parameter 'depth' is unknown here"})
    host = Host().says("GET /api/state", [refusal, (200, STATE), (200, STATE)])
    venue = venue_of(host)
    venue.tell_depth(7)
    assert [venue.snapshot(["BTC-PERP"], Cursors()).books for _ in range(2)] == [(), ()]
    assert ["depth" in query for _, query, _ in host.requests] == [True, False, False]


def test_a_real_venue_is_not_asked_for_a_depth_that_only_a_screen_wants() -> None:
    host = Host().says("GET /api/state", (200, {**STATE, "books": [BOOK]}))
    venue = PurpleFlea(venue_of(host).http, name="purpleflea", account="main")
    venue.tell_depth(7)
    assert venue.snapshot(["BTC-PERP"], Cursors()).books == ()
    assert host.requests[0][1] == {"markets": "BTC-PERP"}


def test_a_state_without_history_is_one_request_however_much_waits() -> None:
    host = Host().says("GET /api/state", (200, {**STATE, "fills": [], "funding_payments": [], "more": True}))
    state = venue_of(host).state(["BTC-PERP"])
    assert host.requests == [("GET /api/state", {"markets": "BTC-PERP", "limit": "0"}, None)]
    assert (state.orders, state.fills, state.cursors) == ((THE_ORDER,), (), Cursors())


def test_a_snapshot_joins_pages_and_takes_the_rest_from_the_last() -> None:
    first = {**STATE, "more": True, "orders": [ORDER]}
    last = {
        **STATE,
        "time_ms": NOW + 9,
        "orders": [],
        "fills": [{**FILL, "fill_id": "f2"}],
        "fills_cursor": "2",
        "funding_payments": [],
    }
    host = Host().says("GET /api/state", [(200, first), (200, last)])
    snapshot = venue_of(host).snapshot(["BTC-PERP"], Cursors())
    assert [one.fill_id for one in snapshot.fills] == ["f1", "f2"]
    assert [one.payment_id for one in snapshot.funding_payments] == ["p1"]
    assert (snapshot.orders, snapshot.time.time_ms, snapshot.cursors) == ((), NOW + 9, Cursors("2", "1"))
    assert host.requests[1][1] == {"markets": "BTC-PERP", "fills_since": "1", "funding_since": "1"}


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ({"time_ms": NOW - 1}, "must not be before"),
        ({"fills_cursor": "1", "more": True}, "must move while more is true"),
        ({"fills_cursor": "2"}, "f1 is listed twice"),  # the same fill on two pages
    ],
)
def test_pages_that_do_not_fit_are_refused(second: Json, says: str) -> None:
    host = Host().says("GET /api/state", [(200, {**STATE, "more": True}), (200, {**STATE, **second})])
    with pytest.raises(BadVenueData, match=says):
        venue_of(host).snapshot(["BTC-PERP"], Cursors())


def test_fills_are_read_to_the_last_page() -> None:
    pages: list[Answer] = [
        (200, {"fills": [{**FILL, "fill_id": f"f{n}"}], "cursor": str(n), "more": n < 3}) for n in (1, 2, 3)
    ]
    host = Host().says("GET /api/fills", pages)
    assert [one.fill_id for one in venue_of(host).fills("0", "BTC-PERP")] == ["f1", "f2", "f3"]
    assert [query["since"] for _, query, _ in host.requests] == ["0", "1", "2"]
    assert all(query["market"] == "BTC-PERP" for _, query, _ in host.requests)
    stuck = Host().says("GET /api/fills", (200, {"fills": [], "cursor": "5", "more": True}))
    with pytest.raises(BadVenueData, match="must move"):
        venue_of(stuck).fills("5")


def test_an_order_is_absent_only_by_the_venues_own_words() -> None:
    path = "GET /api/orders/by-client-id/a-1"
    assert venue_of(Host().says(path, (200, ORDER))).order("a-1") == THE_ORDER
    assert venue_of(Host().says(path, (404, {"error": "order_not_found", "message": ""}))).order("a-1") is None
    for other in (NOT_FOUND, (404, b"<html>no route</html>"), (410, {"error": "order_not_found"})):
        with pytest.raises(VenueRefused):
            venue_of(Host().says(path, other)).order("a-1")
    with pytest.raises(VenueUnreachable):
        venue_of(Host().says(path, (502, b""))).order("a-1")


def test_open_orders_of_one_market_or_all() -> None:
    host = Host().says("GET /api/orders", (200, {"orders": [ORDER]}))
    assert venue_of(host).open_orders() == venue_of(host).open_orders("BTC-PERP") == (THE_ORDER,)
    assert [query for _, query, _ in host.requests] == [
        {"status": "open"},
        {"status": "open", "market": "BTC-PERP"},
    ]


def test_cancel_all() -> None:
    host = Host().says("DELETE /api/orders", (200, {"cancelled": 3, "orders": []}))
    venue = venue_of(host)
    assert (venue.cancel_all(), venue.cancel_all("BTC-PERP"), venue.cancel_all("")) == (3, 3, 3)
    # a blank market goes out as blank, for the venue to refuse: left out it would mean every market
    assert [query for _, query, _ in host.requests] == [{}, {"market": "BTC-PERP"}, {"market": ""}]
    odd: Any
    for odd in ({"cancelled": -1}, {"cancelled": "3"}, {}, []):
        with pytest.raises(OutcomeUnknown):
            venue_of(Host().says("DELETE /api/orders", (200, odd))).cancel_all()


def test_the_dead_man_switch() -> None:
    host = Host().says("POST /api/dead-man", [(200, {"armed": True, "fires_at": NOW}), (200, {"armed": False})])
    venue = venue_of(host)
    venue.arm_dead_man(30)
    venue.arm_dead_man(0)
    assert [body for _, _, body in host.requests] == [{"timeout_s": 30}, {"timeout_s": 0}]
    with pytest.raises(OutcomeUnknown, match="armed=False"):
        venue.arm_dead_man(30)
    with pytest.raises(CannotDoThis, match="no dead-man switch"):
        venue_of(Host()).arm_dead_man(30)
    refusing = Host().says("POST /api/dead-man", (400, {"error": "invalid_timeout_s"}))
    with pytest.raises(VenueRefused) as caught:
        venue_of(refusing).arm_dead_man(1)
    assert caught.value.venue_code == "invalid_timeout_s"


# --- batches ----------------------------------------------------------------------------------------------------------

BATCH = "POST /api/orders/batch"


def new_order(cid: str = "a-1", **fields: Any) -> NewOrder:
    return NewOrder(
        **{
            "client_order_id": cid,
            "market": "BTC-PERP",
            "side": Side.LONG,
            "size": D("0.50"),
            "price": D("100.0"),
            **fields,
        }
    )


def placed(body: Json) -> tuple[int, Any]:
    """Accepts everything, as a venue does."""
    return 200, {
        "cancel": [
            {
                "ok": True,
                "order": {
                    **ORDER,
                    "status": "cancelled",
                    "client_order_id": one.get("client_order_id"),
                    "order_id": one.get("order_id", "17"),
                },
            }
            for one in body["cancel"]
        ],
        "amend": [{"ok": True, "order": {**ORDER, "client_order_id": one["client_order_id"]}} for one in body["amend"]],
        "place": [{"ok": True, "order": {**ORDER, "client_order_id": one["client_order_id"]}} for one in body["place"]],
    }


def test_a_batch_is_one_request_with_exact_numbers() -> None:
    host = Host().says(BATCH, placed)
    answer = venue_of(host).submit(
        Batch(
            cancel=(CancelOrder("BTC-PERP", client_order_id="c-1"), CancelOrder("BTC-PERP", order_id="99")),
            amend=(AmendOrder("m-1", "BTC-PERP", D("99.5"), D("0.7"), valid_until_ms=NOW + 3),),
            place=(
                new_order(valid_until_ms=NOW + 3),
                new_order("a-2", price=None, reduce_only=True),
                new_order("a-3", time_in_force=TimeInForce.IOC, post_only=False, size=D("1E+1")),
            ),
        )
    )
    assert len(host.requests) == 1
    assert host.requests[0][2] == {
        "cancel": [{"client_order_id": "c-1"}, {"order_id": "99"}],
        "amend": [
            {"client_order_id": "m-1", "price": D("99.5"), "size_base": D("0.7"), "valid_until": NOW + 3},
        ],
        "place": [
            {
                "market": "BTC-PERP",
                "side": "long",
                "type": "limit",
                "size_base": D("0.50"),
                "client_order_id": "a-1",
                "reduce_only": False,
                "price": D("100.0"),
                "post_only": True,
                "time_in_force": "GTC",
                "valid_until": NOW + 3,
            },
            # a market order cannot rest: it carries neither price nor post_only
            {
                "market": "BTC-PERP",
                "side": "long",
                "type": "market",
                "size_base": D("0.50"),
                "client_order_id": "a-2",
                "reduce_only": True,
            },
            {
                "market": "BTC-PERP",
                "side": "long",
                "type": "limit",
                "size_base": D(10),
                "client_order_id": "a-3",
                "reduce_only": False,
                "price": D("100.0"),
                "post_only": False,
                "time_in_force": "IOC",
            },
        ],
    }
    assert answer.place[0] == THE_ORDER
    assert (len(answer.cancel), len(answer.amend), len(answer.place)) == (2, 1, 3)


def test_an_empty_batch_sends_nothing() -> None:
    host = Host()
    assert venue_of(host).submit(Batch()).place == ()
    assert host.requests == []


def one_answer(row: Any) -> Order | Refusal:
    host = Host().says(BATCH, (200, {"cancel": [], "amend": [], "place": [row]}))
    return venue_of(host).submit(Batch(place=(new_order(),))).place[0]


def no(code: str, status: int, **more: Any) -> Json:
    return {"ok": False, "error": code, "message": f"because {code}", "status": status, **more}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"ok": True, "order": ORDER}, THE_ORDER),
        (no("post_only_would_cross", 422), Refusal("post_only_would_cross", "because post_only_would_cross", 422)),
        (no("busy", 503), Refusal("busy", "because busy", 503)),
        ({"ok": False, "error": "below_minimum", "status": 422}, Refusal("below_minimum", "below_minimum", 422)),
        (
            {**no("invalid_price", 400), "message": "x" * 999 + "\x1b[2J"},
            Refusal("invalid_price", "x" * 200, 400),
        ),
        # the answer to an order sent twice is the order that stands
        (no("duplicate_client_order_id", 409, order=ORDER), THE_ORDER),
    ],
)
def test_item_answers(row: Json, expected: Order | Refusal) -> None:
    assert one_answer(row) == expected


@pytest.mark.parametrize(
    "row",
    [
        {"ok": True},
        {"ok": True, "order": None},
        {"ok": "yes", "order": ORDER},
        {"ok": True, "order": {**ORDER, "client_order_id": "a-2"}},
        {"ok": True, "order": {**ORDER, "client_order_id": None}},
        {"ok": True, "order": {**ORDER, "market": "ETH-PERP"}},
        {"ok": True, "order": {**ORDER, "side": "short"}},
        {"ok": True, "order": {**ORDER, "filled_base": 99}},
        {"ok": False},
        {"ok": False, "error": "x", "status": 200},
        no("internal", 500),
        no("duplicate_client_order_id", 409),
        no("duplicate_client_order_id", 409, order={**ORDER, "market": "ETH-PERP"}),
    ],
)
def test_an_item_that_proves_nothing_is_unknown(row: Json) -> None:
    answer = one_answer(row)
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.status) == ("outcome_unknown", 0)


def test_a_bad_item_does_not_hide_a_good_one() -> None:
    rows = [{"ok": True, "order": ORDER}, {"ok": True}]
    host = Host().says(BATCH, (200, {"place": rows}))
    answer = venue_of(host).submit(Batch(place=(new_order(), new_order("a-2"))))
    assert answer.place[0] == THE_ORDER
    assert isinstance(answer.place[1], Refusal)


def test_a_cancel_by_the_venues_id_must_be_answered_for_that_id() -> None:
    batch = Batch(cancel=(CancelOrder("BTC-PERP", order_id="17"),))
    good = Host().says(BATCH, (200, {"cancel": [{"ok": True, "order": {**ORDER, "client_order_id": "else"}}]}))
    assert isinstance(venue_of(good).submit(batch).cancel[0], Order)
    bad = Host().says(BATCH, (200, {"cancel": [{"ok": True, "order": {**ORDER, "order_id": "18"}}]}))
    assert isinstance(venue_of(bad).submit(batch).cancel[0], Refusal)


def test_only_a_new_order_can_be_a_duplicate() -> None:
    row = no("duplicate_client_order_id", 409, order=ORDER)
    host = Host().says(BATCH, (200, {"amend": [row]}))
    (answer,) = venue_of(host).submit(Batch(amend=(AmendOrder("a-1", "BTC-PERP", D(100), D("0.5")),))).amend
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.status) == ("duplicate_client_order_id", 409)


@pytest.mark.parametrize(
    "answer",
    [
        (200, []),
        (200, {}),
        (200, {"place": []}),
        (200, {"place": [{"ok": True, "order": ORDER}] * 2}),
        (200, {"place": [7]}),
        (200, {"place": [{"ok": True, "order": ORDER}], "cancel": [{"ok": True, "order": ORDER}]}),
        (200, b'{"place":[{"ok":true'),
        (500, {"error": "internal"}),
    ],
)
def test_a_whole_answer_that_proves_nothing_is_unknown(answer: Answer) -> None:
    with pytest.raises(OutcomeUnknown, match="may or may not have acted"):
        venue_of(Host().says(BATCH, answer)).submit(Batch(place=(new_order(),)))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (NOT_FOUND, CannotDoThis),
        ((405, b""), CannotDoThis),
        ((429, {"error": "rate_limited"}), RateLimited),
        ((400, {"error": "bad_request"}), VenueRefused),
        ((503, {"error": "busy"}), VenueRefused),
    ],
)
def test_a_no_to_the_whole_batch(answer: Answer, kind: type[PfmmError]) -> None:
    with pytest.raises(kind) as caught:
        venue_of(Host().says(BATCH, answer)).submit(Batch(place=(new_order(),)))
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "order",
    [
        new_order(size=D(0)),
        new_order(size=D("-1")),
        new_order(size=D("NaN")),
        new_order(price=D("Infinity")),
        new_order(price=D("1e-40")),
    ],
)
def test_a_senseless_order_keeps_the_whole_batch_at_home(order: NewOrder) -> None:
    host = Host().says(BATCH, placed)
    with pytest.raises(RiskRefused, match="nothing was sent"):
        venue_of(host).submit(Batch(place=(new_order("good"), order)))
    assert host.requests == []


def test_a_cancel_that_names_nothing_is_refused() -> None:
    with pytest.raises(RiskRefused, match="names no order"):
        venue_of(Host()).submit(Batch(cancel=(CancelOrder("BTC-PERP"),)))


def large_batch() -> Batch:
    return Batch(
        cancel=tuple(CancelOrder("BTC-PERP", client_order_id=f"c-{n}") for n in range(120)),
        place=tuple(new_order(f"a-{n}") for n in range(110)),
    )


def test_a_large_batch_is_split_cancels_first() -> None:
    host = Host().says(BATCH, placed)
    answer = venue_of(host).submit(large_batch())
    sizes = [(len(body["cancel"]), len(body["place"])) for _, _, body in host.requests]
    assert sizes == [(100, 0), (20, 80), (0, 30)]
    assert [one.client_order_id for one in answer.cancel if isinstance(one, Order)] == [f"c-{n}" for n in range(120)]
    assert [one.client_order_id for one in answer.place if isinstance(one, Order)] == [f"a-{n}" for n in range(110)]


@pytest.mark.parametrize(
    ("failure", "code", "status"),
    [
        ((500, b""), "outcome_unknown", 0),
        ((200, b"cut"), "outcome_unknown", 0),
        ((429, b""), "rate_limited", 429),
        ((400, {"error": "bad_request"}), "bad_request", 400),
        ((401, b""), "not_sent", 0),
    ],
)
def test_a_failure_in_the_middle_keeps_what_was_answered(failure: Answer, code: str, status: int) -> None:
    host = Host().says(BATCH, [placed, failure, placed])
    answer = venue_of(host).submit(large_batch())
    assert len(host.requests) == 2  # the third is not sent
    assert all(isinstance(one, Order) for one in answer.cancel[:100])
    second = [*answer.cancel[100:], *answer.place[:80]]
    assert {(one.code, one.status) for one in second if isinstance(one, Refusal)} == {(code, status)}
    assert len([one for one in second if isinstance(one, Refusal)]) == 100
    third = answer.place[80:]
    assert {(one.code, one.status) for one in third if isinstance(one, Refusal)} == {("not_sent", 0)}
    assert len(third) == 30


def test_a_failure_at_the_start_is_raised_and_nothing_else_sent() -> None:
    host = Host().says(BATCH, [(500, b""), placed])
    with pytest.raises(OutcomeUnknown):
        venue_of(host).submit(large_batch())
    assert len(host.requests) == 1


CANCEL = CancelOrder("BTC-PERP", client_order_id="c")


@pytest.mark.parametrize(
    ("items", "lane"),
    [
        ([CANCEL], Lane.CANCEL),
        ([CANCEL, new_order(reduce_only=True)], Lane.FLATTEN),
        ([new_order(reduce_only=True), new_order()], Lane.PLACE),
        ([CANCEL, AmendOrder("a", "BTC-PERP", D(1), D(1))], Lane.PLACE),
    ],
)
def test_the_lane_of_a_batch_is_that_of_the_most_it_adds(items: list[Any], lane: Lane) -> None:
    assert lane_of(items) is lane


def test_a_spent_budget_still_lets_a_cancel_through() -> None:
    host = Host().says(BATCH, placed)
    budget = RateBudget(20, 600)
    venue = venue_of(host, budget)
    while budget.take(Lane.PLACE, 0.0) == 0:
        pass
    with pytest.raises(RateLimited, match="was not sent"):
        venue.submit(Batch(place=(new_order(),)))
    assert isinstance(venue.submit(Batch(cancel=(CANCEL,))).cancel[0], Order)
    assert len(host.requests) == 1


def test_a_dead_man_switch_that_the_venue_limits_keeps_no_order_and_no_cancel_from_being_sent() -> None:
    host = Host().says("POST /api/dead-man", (429, b"")).says(BATCH, placed)
    venue = venue_of(host, RateBudget())
    venue.http.time = Timekeeper(monotonic_s=lambda: 0.0, sleep=lambda seconds: pytest.fail(f"waits {seconds} s"))
    with pytest.raises(RateLimited, match="limits requests"):
        venue.arm_dead_man(30)
    assert isinstance(venue.submit(Batch(cancel=(CANCEL,))).cancel[0], Order)
    assert isinstance(venue.submit(Batch(place=(new_order(),))).place[0], Order)
    assert len(host.requests) == 3


# --- probing a host ---------------------------------------------------------------------------------------------------


def full_host() -> Host:
    host = Host()
    for path, answer, _ in READS.values():
        host.says(f"GET {path}", (200, answer))
    return host.says("GET /api/orders/by-client-id/pfmm-probe", (404, {"error": "order_not_found"}))


def test_a_host_that_serves_everything_passes_without_one_post() -> None:
    host = full_host()
    venue_of(host).probe(["BTC-PERP"])
    assert {name.split()[0] for name, _, _ in host.requests} == {"GET"}


def test_a_probe_names_everything_that_is_missing() -> None:
    host = full_host()
    for path in ("/api/state", "/api/orders/by-client-id/pfmm-probe"):
        host.says(f"GET {path}", NOT_FOUND)
    host.says("GET /api/time", (405, b""))
    with pytest.raises(CannotDoThis, match="not serve /api/time, /api/state, /api/orders/by-client-id, which"):
        venue_of(host).probe(["BTC-PERP"])


def test_a_probe_of_an_unknown_market_says_so() -> None:
    host = full_host().says("GET /api/ticker/BTC-PERP", (404, {"error": "unknown_market"}))
    with pytest.raises(UnknownMarket):
        venue_of(host).probe(["BTC-PERP"])


def test_a_probe_does_not_take_an_outage_for_a_missing_path() -> None:
    with pytest.raises(VenueUnreachable):
        venue_of(full_host().says("GET /api/state", (503, b""))).probe(["BTC-PERP"])


def test_a_paper_exchange_tells_which_one_it_is_and_a_real_venue_need_not() -> None:
    named = {**STATE, "exchange_id": "3f2a-0"}
    assert venue_of(Host().says("GET /api/state", (200, named))).state(["BTC-PERP"]).exchange_id == "3f2a-0"
    assert venue_of(Host().says("GET /api/state", (200, STATE))).state(["BTC-PERP"]).exchange_id is None
    for strange in (named, {**STATE, "exchange_id": {"not": "ours"}}):
        real = venue_of(Host().says("GET /api/state", (200, strange)))
        real.name = "purpleflea"
        assert real.state(["BTC-PERP"]).exchange_id is None

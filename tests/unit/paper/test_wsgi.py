"""The wire dialect, endpoint by endpoint, over WSGI in one process with a real exchange behind it."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from wsgiref.validate import validator

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.throttle import Throttle
from pfmm.paper.wire.json_text import MAX_BYTES
from pfmm.paper.wire.wsgi import PaperApp, make_app

NOW_MS = 1_750_000_000_000
MARKET = "BTC-PERP"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any
    text: str


class Desk:
    """A client without manners: sends exactly the bytes it is told to, under the WSGI standard's own checker."""

    def __init__(self, app: PaperApp) -> None:
        self.app = app
        self.errors = io.StringIO()

    def __call__(
        self, method: str, target: str, body: Any = None, *, key: str | None = "paper-desk", raw: bytes | None = None
    ) -> Answer:
        sent = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        url = urlsplit(target)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(sent)),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(sent),
            "wsgi.errors": self.errors,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if key is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., None]:
            head[:] = [status, headers]
            return lambda data: None

        # the checker only knows the methods of its day
        app = validator(self.app) if method in ("GET", "HEAD", "POST", "PUT", "DELETE") else self.app
        parts = app(environ, start_response)
        text = b"".join(parts).decode()
        if hasattr(parts, "close"):
            parts.close()
        found = json.loads(text, parse_float=Decimal) if text else None
        return Answer(int(head[0].split()[0]), dict(head[1]), found, text)

    def place(self, **fields: Any) -> Answer:
        return self("POST", "/api/orders", {"market": MARKET, "side": "long", "type": "limit", **fields})

    def ticker(self) -> dict[str, Any]:
        return dict(self("GET", f"/api/ticker/{MARKET}").body)

    def low(self) -> int:
        """A whole-dollar price a tenth below the market: valid on any tick, and far from filling."""
        return int(self.ticker()["bid"] * 9 / 10)


@pytest.fixture
def wall() -> list[int]:
    return [NOW_MS]


@pytest.fixture
def exchange(tmp_path: Path, wall: list[int]) -> Iterator[Exchange]:
    opened = Exchange.open(tmp_path / "paper.sqlite3", lambda config: SyntheticFeed(7), lambda: wall[0])
    yield opened
    opened.close()


@pytest.fixture
def desk(exchange: Exchange) -> Desk:
    return Desk(make_app(exchange))


# --- market data ---------------------------------------------------------------------------------------------------


def test_time_and_markets_need_no_key(desk: Desk) -> None:
    clock = desk("GET", "/api/time", key=None)
    assert clock.status == 200
    assert clock.body == {"time_ms": NOW_MS, "speed": 1, "state": "open"}
    markets = desk("GET", "/api/markets", key=None).body["markets"]
    assert len(markets) >= 275
    assert next(market for market in markets if market["market"] == MARKET) == {
        "market": MARKET,
        "category": "crypto",
        "price_unit": Decimal("0.1"),
        "significant_figures": 5,
        "size_step": Decimal("0.00001"),
        "min_notional": 10,
        "max_leverage": 40,
        "maker_bps": -2,
        "taker_bps": 5,
        "funding_interval_h": 8,
    }


def test_ticker(desk: Desk) -> None:
    ticker = desk("GET", f"/api/ticker/{MARKET}", key=None).body
    assert " ".join(ticker) == (
        "market price bid bid_size ask ask_size mark index funding_rate funding_interval_h next_funding_at"
        " volume_24h time"
    )
    assert ticker["bid"] < ticker["price"] < ticker["ask"]
    assert ticker["price"] * 2 == ticker["bid"] + ticker["ask"]
    assert ticker["next_funding_at"] % (8 * 3_600_000) == 0
    assert 0 < ticker["next_funding_at"] - NOW_MS <= 8 * 3_600_000
    assert desk("GET", f"/api/tickers?markets={MARKET},ETH-PERP").body["tickers"][0] == ticker
    names = [found["market"] for found in desk("GET", f"/api/tickers?markets=ETH-PERP,{MARKET}").body["tickers"]]
    assert names == ["ETH-PERP", MARKET]


def test_tickers_of_every_market(desk: Desk) -> None:
    tickers = desk("GET", "/api/tickers").body["tickers"]
    assert [found["market"] for found in tickers] == [
        found["market"] for found in desk("GET", "/api/markets").body["markets"]
    ]


def test_orderbook(desk: Desk) -> None:
    ticker = desk.ticker()
    book = desk("GET", f"/api/orderbook/{MARKET}?depth=5", key=None).body
    assert (book["market"], len(book["bids"]), len(book["asks"])) == (MARKET, 5, 5)
    assert book["bids"][0] == [ticker["bid"], ticker["bid_size"]]
    assert book["asks"][0] == [ticker["ask"], ticker["ask_size"]]
    assert len(desk("GET", f"/api/orderbook/{MARKET}").body["bids"]) == 20
    for depth in ("0", "201", "-1", "1.5", "x", ""):
        refused = desk("GET", f"/api/orderbook/{MARKET}?depth={depth}")
        assert (refused.status, refused.body["error"]) == (400, "invalid_depth")


def test_trades_are_oldest_first_and_after_since(desk: Desk) -> None:
    since = NOW_MS - 120_000
    found = desk("GET", f"/api/trades/{MARKET}?since={since}", key=None).body
    assert found["market"] == MARKET
    times = [trade["time"] for trade in found["trades"]]
    assert times
    assert times == sorted(times)
    assert since < times[0]
    assert times[-1] <= NOW_MS
    assert set(found["trades"][0]) == {"time", "price", "size_base", "aggressor"}
    assert {trade["aggressor"] for trade in found["trades"]} <= {"long", "short"}
    assert len(desk("GET", f"/api/trades/{MARKET}").body["trades"]) <= 1000


def test_mids_in_force_at_past_times(desk: Desk) -> None:
    """The ticker's bid and ask of now are in force now; nothing is said of later than that."""
    ticker = desk("GET", f"/api/ticker/{MARKET}", key=None).body
    found = desk("GET", f"/api/mids/{MARKET}?at={NOW_MS},{NOW_MS - 5_000},{NOW_MS},{NOW_MS + 1}", key=None).body
    assert found["market"] == MARKET
    assert [one["time"] for one in found["mids"]] == [NOW_MS - 5_000, NOW_MS]
    assert Decimal(str(found["mids"][1]["mid"])) == (Decimal(str(ticker["bid"])) + Decimal(str(ticker["ask"]))) / 2
    for at in ("", "1.5", "x", ",".join(["1"] * 401)):
        refused = desk("GET", f"/api/mids/{MARKET}?at={at}")
        assert (refused.status, refused.body["error"]) == (400, "invalid_at")


def test_funding_rates(desk: Desk) -> None:
    found = desk("GET", f"/api/funding/{MARKET}?since={NOW_MS - 3 * 86_400_000}", key=None).body
    assert (found["market"], found["funding_interval_h"]) == (MARKET, 8)
    assert len(found["rates"]) == 9  # three days of three settlements
    assert all(rate["time"] % (8 * 3_600_000) == 0 for rate in found["rates"])


@pytest.mark.parametrize("path", ["ticker", "orderbook", "trades", "funding"])
def test_unknown_markets(desk: Desk, path: str) -> None:
    refused = desk("GET", f"/api/{path}/BTCPERP")
    assert (refused.status, refused.body["error"]) == (404, "unknown_market")


# --- orders --------------------------------------------------------------------------------------------------------


def test_an_order_by_both_its_names(desk: Desk) -> None:
    low = desk.low()
    placed = desk.place(size=50, price=low, client_order_id="a/b:1", post_only=True)
    assert placed.status == 200
    order = placed.body
    assert " ".join(order) == (
        "order_id client_order_id market side type price size_base filled_base avg_fill_price status post_only"
        " reduce_only time_in_force reason created_at updated_at"
    )
    # 50 USD at the limit price, rounded down to the size step of 0.00001
    assert order["size_base"] == (Decimal(50) / low).quantize(Decimal("0.00001"), rounding="ROUND_DOWN")
    assert (order["price"], order["filled_base"], order["status"], order["reason"]) == (low, 0, "open", None)
    assert (order["created_at"], order["updated_at"]) == (NOW_MS, NOW_MS)
    assert desk("GET", f"/api/orders/{order['order_id']}").body == order
    assert desk("GET", "/api/orders/by-client-id/a/b:1").body == order
    assert desk("GET", "/api/orders").body == {"orders": [order]}
    assert desk("GET", f"/api/orders?status=open&market={MARKET}").body == {"orders": [order]}
    assert desk("GET", "/api/orders?status=all&market=ETH-PERP").body == {"orders": []}


def test_amend_and_cancel(desk: Desk) -> None:
    low = desk.low()
    first = desk.place(size_base=Decimal("0.002").__float__(), price=low, client_order_id="c1").body
    moved = desk("PATCH", f"/api/orders/{first['order_id']}", {"price": low - 1})
    assert (moved.status, moved.body["price"], moved.body["size_base"]) == (200, low - 1, Decimal("0.002"))
    shrunk = desk("PATCH", "/api/orders/by-client-id/c1", {"size_base": 0.001, "valid_until": NOW_MS + 1})
    assert (shrunk.status, shrunk.body["size_base"]) == (200, Decimal("0.001"))
    gone = desk("DELETE", "/api/orders/by-client-id/c1")
    assert (gone.status, gone.body["status"], gone.body["reason"]) == (200, "cancelled", "user")
    again = desk("DELETE", f"/api/orders/{first['order_id']}")
    assert (again.status, again.body["error"], again.body["order"]) == (409, "order_not_open", gone.body)
    late = desk("PATCH", "/api/orders/by-client-id/c1", {"price": low})
    assert late.status == 409
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"price": low})):
        for path in ("/api/orders/o999", "/api/orders/by-client-id/none"):
            missing = desk(method, path, body)
            assert (missing.status, missing.body["error"]) == (404, "order_not_found")


def test_cancel_all_of_one_market_and_of_all(desk: Desk) -> None:
    low = desk.low()
    for number in range(3):
        desk.place(size=50, price=low - number)
    eth_bid = desk("GET", "/api/ticker/ETH-PERP").body["bid"]
    desk.place(market="ETH-PERP", size=50, price=int(eth_bid * 9 / 10))
    one = desk("DELETE", f"/api/orders?market={MARKET}").body
    assert (one["cancelled"], len(one["orders"])) == (3, 3)
    assert {order["status"] for order in one["orders"]} == {"cancelled"}
    assert desk("DELETE", "/api/orders").body["cancelled"] == 1
    assert desk("DELETE", "/api/orders").body == {"cancelled": 0, "orders": []}


@pytest.mark.parametrize("query", ["markt=BTC-PERP", "market=", "market=BTC-PERP&market=ETH-PERP", "market=BTCPERP"])
def test_a_mistaken_cancel_all_cancels_nothing(desk: Desk, query: str) -> None:
    desk.place(size=50, price=desk.low())
    assert desk("DELETE", f"/api/orders?{query}").status in (400, 404)
    assert len(desk("GET", "/api/orders").body["orders"]) == 1


def test_a_client_order_id_is_used_once(desk: Desk) -> None:
    low = desk.low()
    first = desk.place(size=50, price=low, client_order_id="once").body
    second = desk.place(size=80, price=low - 5, client_order_id="once")
    assert (second.status, second.body["error"], second.body["order"]) == (409, "duplicate_client_order_id", first)
    batched = desk(
        "POST",
        "/api/orders/batch",
        {
            "place": [
                {"market": MARKET, "side": "long", "type": "limit", "size": 50, "price": low, "client_order_id": "once"}
            ]
        },
    ).body["place"][0]
    assert (batched["ok"], batched["error"], batched["status"]) == (False, "duplicate_client_order_id", 409)
    assert batched["order"] == first
    assert len(desk("GET", "/api/orders?status=all").body["orders"]) == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"market": "BTCPERP"}, 404, "unknown_market"),
        ({"size": 9}, 422, "below_minimum"),
        ({"size": 10_000_000}, 402, "insufficient_balance"),
        ({"price": 50_000.05}, 422, "price_off_tick"),
        ({"size": None, "size_base": 0.0010001}, 422, "size_off_step"),
        ({"valid_until": NOW_MS - 1}, 422, "expired"),
        ({"reduce_only": True}, 422, "reduce_only_would_increase"),
        ({"price": 1e29}, None, None),
        ({"size": 1e29}, None, None),
        ({"postonly": True}, 400, "bad_request"),
        ({"side": "buy"}, 400, "invalid_side"),
    ],
)
def test_refused_orders(desk: Desk, change: dict[str, Any], status: int | None, code: str | None) -> None:
    refused = desk.place(**{"size": 50, "price": desk.low(), **change})
    if status is None:
        assert 400 <= refused.status < 500, refused
    else:
        assert (refused.status, refused.body["error"]) == (status, code)
    assert refused.body["message"]
    assert desk("GET", "/api/orders?status=open").body["orders"] == []


def test_post_only_never_takes(desk: Desk) -> None:
    ask = desk.ticker()["ask"]
    refused = desk.place(size=50, price=int(ask) + 1, post_only=True)
    assert (refused.status, refused.body["error"]) == (422, "post_only_would_cross")
    resting = desk.place(size=50, price=desk.low(), post_only=True, client_order_id="p").body
    moved = desk("PATCH", "/api/orders/by-client-id/p", {"price": int(ask) + 1})
    assert (moved.status, moved.body["error"]) == (422, "post_only_would_cross")
    assert desk("GET", "/api/orders").body["orders"] == [resting]


def test_batch_in_order_with_an_answer_an_item(desk: Desk) -> None:
    low = desk.low()
    for name in ("a", "b"):
        desk.place(size=50, price=low, client_order_id=name)
    order = {"market": MARKET, "side": "long", "type": "limit", "size": 60, "price": low - 2}
    done = desk(
        "POST",
        "/api/orders/batch",
        {
            "place": [{**order, "client_order_id": "c"}, {**order, "sied": "long"}, {**order, "size": 1}],
            "cancel": [{"client_order_id": "a"}, {"order_id": "o999"}],
            "amend": [{"client_order_id": "b", "price": low - 1}, {"client_order_id": "a", "price": low - 1}],
        },
    )
    assert done.status == 200
    assert list(done.body) == ["cancel", "amend", "place"]
    assert [item["ok"] for item in done.body["cancel"]] == [True, False]
    assert (done.body["cancel"][1]["error"], done.body["cancel"][1]["status"]) == ("order_not_found", 404)
    assert [item["ok"] for item in done.body["amend"]] == [True, False]  # a was cancelled first
    assert done.body["amend"][1]["status"] == 409
    assert [item["ok"] for item in done.body["place"]] == [True, False, False]
    assert [item.get("error") for item in done.body["place"]] == [None, "bad_request", "below_minimum"]
    left = {order["client_order_id"]: order["price"] for order in desk("GET", "/api/orders").body["orders"]}
    assert left == {"b": low - 1, "c": low - 2}
    assert desk("POST", "/api/orders/batch", {}).body == {"cancel": [], "amend": [], "place": []}


# --- the account ---------------------------------------------------------------------------------------------------


def test_a_taker_fill_shows_everywhere_and_adds_up(desk: Desk) -> None:
    bought = desk.place(type="market", size=500, client_order_id="buy").body
    assert (bought["status"], bought["filled_base"], bought["price"]) == ("filled", bought["size_base"], None)
    sold = desk.place(type="market", side="short", size_base=float(bought["size_base"]) * 2, client_order_id="sell")
    assert sold.body["status"] == "filled"
    page = desk("GET", "/api/fills").body
    assert page["more"] is False
    fills = page["fills"]
    assert " ".join(fills[0]) == (
        "fill_id order_id client_order_id market side price size_base fee liquidity time liquidation"
    )
    assert len({fill["fill_id"] for fill in fills}) == len(fills)
    assert {fill["liquidity"] for fill in fills} == {"taker"}
    for fill in fills:
        # 5 bps of the notional, to 1e-8 USD
        assert abs(fill["fee"] - fill["price"] * fill["size_base"] * Decimal("0.0005")) <= Decimal("0.000000005")
    account = desk("GET", "/api/account").body
    assert account["account_id"] == "desk"
    assert account["deposits"] == 10_000
    assert account["fees"] == sum(fill["fee"] for fill in fills)
    assert account["equity"] == (
        account["deposits"] + account["realized_pnl"] + account["unrealized_pnl"] - account["fees"] + account["funding"]
    )
    position = desk("GET", "/api/positions").body["positions"][0]
    assert (position["market"], position["size_base"]) == (MARKET, -bought["size_base"])
    assert desk("GET", f"/api/fills?since={page['cursor']}").body["fills"] == []
    assert desk("GET", f"/api/fills?market={MARKET}&since=").body["fills"] == fills
    assert desk("GET", "/api/fills?market=ETH-PERP").body["fills"] == []


def test_state_is_one_snapshot(desk: Desk) -> None:
    low = desk.low()
    desk.place(type="market", size=500)
    resting = desk.place(size=50, price=low).body
    state = desk("GET", f"/api/state?markets={MARKET}").body
    assert " ".join(state) == (
        "time_ms speed state exchange_id account positions orders fills fills_cursor funding_payments funding_cursor "
        "more tickers"
    )
    assert state["orders"] == [resting]
    assert state["account"] == desk("GET", "/api/account").body
    assert state["positions"] == desk("GET", "/api/positions").body["positions"]
    assert state["fills"] == desk("GET", "/api/fills").body["fills"]
    assert state["tickers"] == [desk.ticker()]
    assert isinstance(state["fills_cursor"], str)
    deep = desk("GET", f"/api/state?markets={MARKET},ETH-PERP&depth=3").body["books"]
    assert deep == [desk("GET", f"/api/orderbook/{name}?depth=3").body for name in (MARKET, "ETH-PERP")]
    later = desk(
        "GET",
        f"/api/state?markets=&fills_since={state['fills_cursor']}&funding_since={state['funding_cursor']}",
    ).body
    assert (later["fills"], later["funding_payments"], later["tickers"]) == ([], [], [])
    assert later["fills_cursor"] == state["fills_cursor"]


def test_funding_payments(desk: Desk, wall: list[int]) -> None:
    desk.place(type="market", size=500)
    wall[0] += 8 * 3_600_000
    page = desk("GET", "/api/funding-payments").body
    assert len(page["payments"]) == 1
    payment = page["payments"][0]
    assert " ".join(payment) == ("payment_id market time rate price size_base amount")
    # a long pays a positive rate: -size * price * rate, to 1e-8 USD
    exact = -payment["size_base"] * payment["price"] * payment["rate"]
    assert abs(payment["amount"] - exact) <= Decimal("0.000000005")
    assert desk("GET", "/api/account").body["funding"] == payment["amount"]
    assert desk("GET", f"/api/funding-payments?since={page['cursor']}").body["payments"] == []


def test_dead_man(desk: Desk, wall: list[int]) -> None:
    order = desk.place(size=50, price=desk.low()).body
    armed = desk("POST", "/api/dead-man", {"timeout_s": 30})
    assert (armed.status, armed.body) == (200, {"armed": True, "fires_at": NOW_MS + 30_000})
    assert desk("POST", "/api/dead-man", {"timeout_s": 0}).body == {"armed": False, "fires_at": None}
    desk("POST", "/api/dead-man", {"timeout_s": 1})
    wall[0] += 1_001
    gone = desk("GET", f"/api/orders/{order['order_id']}").body
    assert (gone["status"], gone["reason"]) == ("cancelled", "dead_man")
    refused = desk("POST", "/api/dead-man", {"timeout_s": -1})
    assert (refused.status, refused.body["error"]) == (400, "invalid_timeout_s")


def test_accounts_are_apart(desk: Desk) -> None:
    order = desk.place(size=50, price=desk.low(), client_order_id="mine").body
    assert desk("GET", "/api/orders", key="paper-other").body["orders"] == []
    assert desk("GET", f"/api/orders/{order['order_id']}", key="paper-other").status == 404
    assert desk("DELETE", "/api/orders/by-client-id/mine", key="paper-other").status == 404
    assert desk("GET", "/api/account", key="paper-other").body["account_id"] == "other"


def test_the_clock_is_stepped_only_at_speed_0(desk: Desk) -> None:
    refused = desk("POST", "/api/paper/advance", {"to_ms": NOW_MS + 1})
    assert (refused.status, refused.body["error"]) == (409, "not_stepped")
    assert desk("POST", "/api/paper/advance", {"to_ms": "soon"}).body["error"] == "invalid_to_ms"


def test_stepping_the_clock(desk: Desk, exchange: Exchange) -> None:
    exchange.set_feed({"kind": "synthetic", "seed": 7, "speed": 0, "at_ms": NOW_MS}, reset=True)
    stepped = desk("POST", "/api/paper/advance", {"to_ms": NOW_MS + 60_000}, key=None)
    assert (stepped.status, stepped.body) == (200, {"time_ms": NOW_MS + 60_000, "speed": 0, "state": "open"})
    assert desk("GET", "/api/time").body == stepped.body
    back = desk("POST", "/api/paper/advance", {"to_ms": NOW_MS})
    assert back.status == 400


# --- the door ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", [None, "", "desk", "paper-", "paper-a b", "paper-../x", "Paper-desk", "paper-" + "x" * 65]
)
def test_keys(desk: Desk, key: str | None) -> None:
    for method, path in (("GET", "/api/state"), ("POST", "/api/orders"), ("DELETE", "/api/orders")):
        refused = desk(method, path, key=key)
        assert (refused.status, refused.body["error"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/ticker/", 404, "not_found"),
        ("GET", "/api/orders/", 404, "not_found"),
        ("GET", "/api/Time", 404, "not_found"),
        ("GET", "/api/time?x=1", 400, "bad_request"),
        ("GET", "/api/fills?since=abc", 400, "invalid_since"),
        ("GET", "/api/fills?since=-1", 400, "invalid_since"),
        ("GET", "/api/fills?since=9999999999999999999", 400, "invalid_since"),
        ("GET", "/api/state?fills_since=1.5", 400, "invalid_fills_since"),
        ("GET", "/api/state?depth=0", 400, "invalid_depth"),
        ("GET", "/api/state?fill_since=1", 400, "bad_request"),
        ("GET", "/api/orders?status=closed", 400, "invalid_status"),
        ("GET", "/api/state?markets=BTCPERP", 404, "unknown_market"),
    ],
)
def test_mistaken_requests(desk: Desk, method: str, path: str, status: int, code: str) -> None:
    refused = desk(method, path)
    assert (refused.status, refused.body["error"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/api/time", "GET, HEAD"),
        ("PUT", "/api/orders", "GET, POST, DELETE, HEAD"),
        ("POST", "/api/orders/o1", "GET, PATCH, DELETE, HEAD"),
        ("GET", "/api/orders/batch", "POST"),
        ("BREW", "/api/dead-man", "POST"),
    ],
)
def test_wrong_methods(desk: Desk, method: str, path: str, allow: str) -> None:
    refused = desk(method, path)
    assert (refused.status, refused.body["error"], refused.headers["Allow"]) == (405, "method_not_allowed", allow)


def test_head_is_get_without_the_body(desk: Desk) -> None:
    full = desk("GET", f"/api/ticker/{MARKET}")
    bare = desk("HEAD", f"/api/ticker/{MARKET}")
    assert (bare.status, bare.text) == (200, "")
    assert bare.headers["Content-Length"] == full.headers["Content-Length"] == str(len(full.text))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"market=BTC-PERP",
        b'{"size": NaN}',
        b'{"size": 1E+999999}',
        b'{"size": 50, "size": 60}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_bodies_that_are_no_order(desk: Desk, raw: bytes) -> None:
    refused = desk("POST", "/api/orders", raw=raw)
    assert (refused.status, refused.body["error"]) == (400, "bad_request")
    assert desk.errors.getvalue() == ""


def test_oversized_bodies(desk: Desk) -> None:
    refused = desk("POST", "/api/orders", raw=b" " * (MAX_BYTES + 1))
    assert (refused.status, refused.body["error"]) == (413, "body_too_large")
    assert desk("POST", "/api/orders", raw=b" " * MAX_BYTES).status == 400


def test_amounts_are_numbers_with_exactly_their_digits(desk: Desk) -> None:
    text = desk("GET", "/api/account").text
    assert '"equity":10000' in text
    assert "E" not in text.replace('"account_id"', "")
    ticker = desk("GET", f"/api/ticker/{MARKET}")
    assert f'"bid":{ticker.body["bid"]}' in ticker.text


# --- trouble -------------------------------------------------------------------------------------------------------


def test_a_failure_inside_is_answered_and_logged(desk: Desk, exchange: Exchange) -> None:
    exchange.close()
    broken = desk("GET", "/api/account")
    assert (broken.status, broken.body["error"]) == (500, "internal")
    assert "Traceback" in desk.errors.getvalue()


@pytest.mark.waits
def test_a_locked_store_is_busy(desk: Desk, tmp_path: Path) -> None:
    desk("GET", "/api/account")
    hog = sqlite3.connect(tmp_path / "paper.sqlite3", isolation_level=None)
    hog.execute("BEGIN IMMEDIATE")
    busy = desk.place(size=50, price=1000)
    assert (busy.status, busy.body["error"], busy.headers["Retry-After"]) == (503, "busy", "1")
    # reads of market data take no lock
    assert desk("GET", f"/api/ticker/{MARKET}", key=None).status == 200
    hog.execute("ROLLBACK")
    hog.close()
    assert desk("GET", "/api/account").status == 200


def test_rate_limits_when_asked(exchange: Exchange) -> None:
    now_s = [0.0]
    throttle = Throttle({"orders": 2, "data": 3, "cancels": 1})
    desk = Desk(make_app(exchange, throttle=throttle, clock_s=lambda: now_s[0]))
    assert desk("POST", "/api/orders", {}).headers["X-RateLimit-Remaining"] == "1"
    assert desk("POST", "/api/orders/batch", {}).headers["X-RateLimit-Remaining"] == "0"
    now_s[0] = 20.5
    spent = desk("POST", "/api/orders/batch", {})
    assert (spent.status, spent.body["error"]) == (429, "rate_limited")
    assert (spent.headers["Retry-After"], spent.headers["X-RateLimit-Limit"]) == ("40", "2")
    assert (spent.headers["X-RateLimit-Remaining"], spent.headers["X-RateLimit-Reset"]) == ("0", "40")
    assert desk("DELETE", "/api/orders").status == 200  # cancels have room of their own
    assert desk("DELETE", "/api/orders").status == 429
    assert [desk("GET", "/api/account").status for _ in range(4)] == [200, 200, 200, 429]
    assert desk("GET", "/api/account", key="paper-other").status == 200
    now_s[0] = 60.0
    assert desk("POST", "/api/dead-man", {"timeout_s": 0}).status == 200


def test_no_limits_unless_asked(desk: Desk) -> None:
    answers = [desk("POST", "/api/dead-man", {"timeout_s": 0}) for _ in range(130)]
    assert {answer.status for answer in answers} == {200}
    assert not any(name.startswith("X-RateLimit") for name in answers[0].headers)

"""The Hyperliquid dialect of the paper exchange over its WSGI application: what it answers, and what it refuses."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.messages import FillRecord, TradeRecord
from pfmm.paper.wire import hyperliquid_json as form
from pfmm.paper.wire.hyperliquid_candles import candles
from pfmm.paper.wire.wsgi import make_app
from tests.dialects import need_signing

NOW_MS = 1_750_000_000_000
DAY_MS = 86_400_000
D = Decimal


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    opened = Exchange.open(tmp_path / "exchange.sqlite3", lambda _: SyntheticFeed(7), lambda: NOW_MS)
    opened.open_account("desk")
    yield opened
    opened.close()


class Client:
    """Signs with the adapter's own signer, which shares no code with the exchange."""

    def __init__(self, exchange: Exchange, account: str = "desk") -> None:
        need_signing()
        from pfmm.paper.wire.hyperliquid_keys import test_key
        from pfmm.venue.hyperliquid.signing import Signer

        self._app = make_app(exchange, wall_ms=lambda: NOW_MS)
        self.signer = Signer(test_key(account))

    def post(self, path: str, body: object, method: str = "POST") -> tuple[str, Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        seen: list[str] = []
        environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "CONTENT_LENGTH": str(len(raw)),
                   "wsgi.input": io.BytesIO(raw), "wsgi.errors": io.StringIO()}  # fmt: skip
        answer = b"".join(self._app(environ, lambda status, _: seen.append(status)))  # type: ignore[arg-type,misc]
        return seen[0][:3], json.loads(answer)

    def info(self, **asked: Any) -> Any:
        status, answer = self.post("/info", asked)
        assert status == "200", answer
        return answer

    def act(self, action: Mapping[str, Any], nonce: int = NOW_MS, *, sent: Mapping[str, Any] | None = None) -> Any:
        """Signs `action` and sends it, or `sent` with the signature of `action`."""
        signature = self.signer.sign(action, nonce=nonce, mainnet=False)
        body = {"action": sent or action, "nonce": nonce, "signature": signature.as_json()}
        status, answer = self.post("/exchange", body)
        assert status == "200", answer
        return answer


@pytest.fixture
def client(exchange: Exchange) -> Client:
    return Client(exchange)


def order(price: str, **changes: Any) -> dict[str, Any]:
    item = {"a": 0, "b": True, "p": price, "s": "0.001", "r": False, "t": {"limit": {"tif": "Alo"}}}
    return {"type": "order", "orders": [{**item, **changes}], "grouping": "na"}


def low_price(client: Client) -> str:
    return str(int(Decimal(client.info(type="allMids")["BTC"]) * D("0.9")))


def test_a_signed_order_rests(client: Client, exchange: Exchange) -> None:
    answer = client.act(order(low_price(client)))
    assert answer["status"] == "ok"
    (one,) = exchange.orders("desk")
    assert one.order_id == f"o{answer['response']['data']['statuses'][0]['resting']['oid']}"


def test_a_changed_order_is_an_unknown_wallets(client: Client, exchange: Exchange) -> None:
    action = order(low_price(client))
    answer = client.act(action, sent={**action, "orders": [{**action["orders"][0], "s": "0.002"}]})
    assert answer["status"] == "err"
    assert "does not exist" in answer["response"]
    assert exchange.orders("desk") == ()
    assert exchange.accounts() == ("desk",)


def test_a_request_that_arrives_twice_acts_once(client: Client, exchange: Exchange) -> None:
    action = order(low_price(client))
    assert client.act(action)["status"] == "ok"
    again = client.act(action)
    assert "duplicate nonce" in again["response"]
    assert len(exchange.orders("desk")) == 1


def test_a_used_nonce_is_refused_after_a_restart_too(client: Client, exchange: Exchange) -> None:
    action = {"type": "scheduleCancel"}
    assert client.act(action)["status"] == "ok"
    assert "duplicate nonce" in Client(exchange).act(action)["response"]


def test_only_the_newest_hundred_nonces_count(client: Client) -> None:
    for number in range(100):
        assert client.act({"type": "scheduleCancel"}, NOW_MS + number)["status"] == "ok"
    assert client.act({"type": "scheduleCancel"}, NOW_MS - 1)["status"] == "err"
    assert client.act({"type": "scheduleCancel"}, NOW_MS + 100)["status"] == "ok"


@pytest.mark.parametrize("nonce", [NOW_MS - 2 * DAY_MS, NOW_MS + DAY_MS, 0])
def test_a_nonce_of_another_day_is_refused(client: Client, nonce: int) -> None:
    assert "is not within" in client.act({"type": "scheduleCancel"}, nonce)["response"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"p": "65432.0"}, "invalid price"),
        ({"p": "1E+2"}, "invalid price"),
        ({"p": "NaN"}, "invalid price"),
        ({"p": 65432}, "invalid price"),
        ({"s": "0"}, "size"),
        ({"s": "0.0010"}, "invalid size"),
        ({"s": "-0.001"}, "invalid size"),
        ({"c": "07"}, "invalid cloid"),
        ({"t": {"trigger": {"isMarket": True, "triggerPx": "1", "tpsl": "sl"}}}, "must be reduce_only"),
        ({"t": {"trigger": {"isMarket": False, "triggerPx": "1", "tpsl": "sl"}}}, "Only stop-market orders"),
        ({"t": {"trigger": {"isMarket": True, "triggerPx": "1", "tpsl": "tp"}}}, "Only stop-market orders"),
        ({"t": {"trigger": {"isMarket": True, "triggerPx": "1.0", "tpsl": "sl"}}}, "invalid price"),
        ({"t": {"limit": {"tif": "FrontendMarket"}}}, "Only limit orders"),
        ({"b": 1}, "invalid b or r"),
        ({"a": 299}, "invalid asset"),
        ({"a": -1}, "invalid asset"),
        ({"a": True}, "invalid asset"),
    ],
)
def test_an_odd_order_is_refused_in_its_place(
    client: Client, exchange: Exchange, changes: dict[str, Any], words: str
) -> None:
    answer = client.act(order(low_price(client), **changes))
    assert words in answer["response"]["data"]["statuses"][0]["error"]
    assert exchange.orders("desk") == ()


def test_one_bad_order_of_a_batch_stops_no_other(client: Client, exchange: Exchange) -> None:
    action = order(low_price(client))
    bad = {**action["orders"][0], "p": "junk"}
    answer = client.act({**action, "orders": [bad, action["orders"][0]]})
    statuses = answer["response"]["data"]["statuses"]
    assert ["error" in one for one in statuses] == [True, False]
    assert len(exchange.orders("desk")) == 1


def test_a_stranger_reads_an_empty_account(client: Client) -> None:
    user = "0x" + "12" * 20
    assert client.info(type="frontendOpenOrders", user=user) == []
    state = client.info(type="clearinghouseState", user=user)
    assert state["marginSummary"]["accountValue"] == "0"
    assert client.info(type="orderStatus", user=user, oid=1) == {"status": "unknownOid"}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"type": "moonPhase"},
        {"type": "l2Book", "coin": "NOPE"},
        {"type": "clearinghouseState", "user": "0x12"},
        {"type": "clearinghouseState", "user": "0x" + "12" * 20, "dex": "xyz"},
        {"type": "userFillsByTime", "user": "0x" + "12" * 20, "startTime": "now"},
        {"type": "candleSnapshot", "req": {"coin": "BTC", "interval": "7m", "startTime": 0}},
    ],
)
def test_what_is_no_request_is_answered_422(client: Client, body: object) -> None:
    status, answer = client.post("/info", body)
    assert status == "422"
    assert "deserialize" in answer["message"]


def test_only_post_is_answered_and_broken_json_is_refused(client: Client) -> None:
    assert client.post("/info", {}, "GET")[0] == "405"
    assert client.post("/exchange", b'{"action":')[0] == "400"


def test_funding_is_told_by_the_hour(client: Client, exchange: Exchange) -> None:
    ticker = exchange.ticker("BTC-PERP")
    shown = client.info(type="metaAndAssetCtxs")[1][0]["funding"]
    assert ticker.funding_rate is not None
    assert abs(D(shown) * 8 - ticker.funding_rate) < D("1e-11")


def fill(sequence: int, side: str, price: str, size: str) -> FillRecord:
    return FillRecord(
        sequence,
        f"f{sequence}",
        "o1",
        None,
        "BTC-PERP",
        side,
        D(price),
        D(size),
        D(0),
        "maker",
        NOW_MS,
        liquidation=False,
    )


def test_closed_profit_is_against_the_average_cost() -> None:
    # 2 bought at 100, 1 sold at 103: 103 − 100 = 3; then 3 sold at 99: 1 closed at −1, 2 opened short
    rows = form.fills([fill(1, "long", "100", "2"), fill(2, "short", "103", "1"), fill(3, "short", "99", "3")])[::-1]
    assert [(row["startPosition"], row["closedPnl"], row["dir"]) for row in rows] == [
        ("0", "0", "Open Long"),
        ("2", "3", "Close Long"),
        ("1", "-1", "Close Long"),
    ]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 999), st.integers(1, 9)), max_size=30))
def test_positions_before_fills_form_a_chain(raw: list[tuple[bool, int, int]]) -> None:
    records = [
        fill(number, "long" if buys else "short", str(price), str(size))
        for number, (buys, price, size) in enumerate(raw)
    ]
    position = D(0)
    for record, row in zip(records, form.fills(records)[::-1], strict=True):
        assert D(row["startPosition"]) == position
        position += record.size_base if record.side == "long" else -record.size_base


def test_a_candle_is_made_of_its_prints() -> None:
    prints = [TradeRecord(NOW_MS + ms, D(price), D("0.5"), "long") for ms, price in ((0, 1), (5, 3), (9, 2))]
    (made,) = candles(prints, "BTC", "1h")
    assert {name: made[name] for name in "ohlcvn"} == {"o": "1", "h": "3", "l": "1", "c": "2", "v": "1.5", "n": 3}

"""pfmm's own socket client on pfmm's own served exchange, and what a client may do wrong there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfmm.model.deadline import Deadline
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from pfmm.venue import sockets
from pfmm.venue.client import HttpClient
from pfmm.venue.hyperliquid.streaming import StreamedData
from pfmm.venue.stream import _Talk

PATIENCE_S = 20.0
wsproto = pytest.importorskip("wsproto", reason="sockets need the extra `ws`")


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    path = tmp_path / "exchange.sqlite3"
    opened = Exchange.open(path, lambda _: SyntheticFeed(7), lambda: time.time_ns() // 1_000_000)
    yield opened
    opened.close()


def test_our_client_follows_our_exchange_over_a_restart(exchange: Exchange) -> None:
    server = PaperServer(make_app(exchange), "127.0.0.1", 0)
    port = server.server_port
    data = StreamedData(HttpClient(server.url), server.url)
    try:
        with server.running():
            (ticker,) = data.tickers(["BTC-PERP"])
            assert ticker.bid is not None
            assert data.trades("BTC-PERP", 0)
            assert data.known_from("BTC-PERP") is not None  # the newest prints, and nothing is known of before
        with PaperServer(make_app(exchange), "127.0.0.1", port).running():
            assert data._stream.wait_until("l2Book:BTC", lambda shown: shown.connection == 2, PATIENCE_S)
            (again,) = data.tickers(["BTC-PERP"])
            assert again.time_ms > ticker.time_ms
            shown = exchange.depth("BTC-PERP", 20)
            assert len(data.book("BTC-PERP", 20).bids) == len(shown.bids)
    finally:
        data.close()


class Client:
    """Frames to and from the served exchange."""

    def __init__(self, port: int) -> None:
        waiting = sockets.Waiting(Deadline.after(PATIENCE_S, time.monotonic))
        self.line = sockets.connect("127.0.0.1", port, waiting)
        self.talk = _Talk(wsproto, self.line, HttpClient("http://127.0.0.1").time)
        self.talk.open(f"127.0.0.1:{port}", "/ws")
        while not self.talk.accepted:
            self.talk.receive(PATIENCE_S)

    def ask(self, text: str) -> Any:
        self.talk.send(text)
        return self.next()

    def next(self) -> Any:
        while True:
            texts = self.talk.receive(PATIENCE_S)
            assert texts is not None
            if texts:
                return json.loads(texts[0])


@pytest.fixture
def client(exchange: Exchange) -> Iterator[Client]:
    with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        made = Client(server.server_port)
        yield made
        made.line.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "JSON"),
        ("[]", "object"),
        ('{"method":"dance"}', "method 'dance' is not served"),
        ('{"method":"subscribe"}', "object"),
        ('{"method":"subscribe","subscription":{"type":"l2Book","coin":"NONE"}}', "there is no coin"),
        ('{"method":"subscribe","subscription":{"type":"secrets"}}', "is not served"),
        ('{"method":"subscribe","subscription":{"type":"userFills","user":"me"}}', "user is no address"),
        ('{"method":"subscribe","subscription":{"type":"candle","coin":"BTC","interval":"1x"}}', "interval"),
    ],
)
def test_a_message_that_makes_no_sense_is_answered(client: Client, text: str, words: str) -> None:
    answer = client.ask(text)
    assert answer["channel"] == "error"
    assert words in answer["data"]
    assert client.ask('{"method":"ping"}') == {"channel": "pong"}  # and the socket stays open


def test_posts_are_answered_with_their_number(client: Client) -> None:
    asked = {"method": "post", "id": 7, "request": {"type": "info", "payload": {"type": "l2Book", "coin": "BTC"}}}
    answer = client.ask(json.dumps(asked))["data"]
    assert (answer["id"], answer["response"]["type"]) == (7, "info")
    assert answer["response"]["payload"]["data"]["coin"] == "BTC"
    for request in ({"type": "info", "payload": {"type": "x"}}, {"type": "action", "payload": {}}, {"type": "dance"}):
        refused = client.ask(json.dumps({"method": "post", "id": 8, "request": request}))["data"]["response"]
        assert refused["type"] == "error"


def test_what_was_subscribed_to_can_be_left(client: Client) -> None:
    wanted = {"type": "allMids"}
    assert client.ask(json.dumps({"method": "subscribe", "subscription": wanted}))["data"]["method"] == "subscribe"
    texts = [client.next()]
    assert len(texts[0]["data"]["mids"]) == 299
    left = client.ask(json.dumps({"method": "unsubscribe", "subscription": wanted}))
    assert left["data"] == {"method": "unsubscribe", "subscription": wanted}


def test_a_text_that_is_too_long_ends_the_socket(client: Client) -> None:
    assert client.ask('{"method":"ping"}') == {"channel": "pong"}
    with pytest.raises((ConnectionError, OSError)):
        client.ask("x" * 1_500_000)


def test_a_closed_exchange_says_goodbye(exchange: Exchange) -> None:
    with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        client = Client(server.server_port)
        assert client.ask('{"method":"ping"}') == {"channel": "pong"}
    with pytest.raises(ConnectionError):
        client.next()
    client.line.close()


def test_without_an_upgrade_there_is_nothing(exchange: Exchange) -> None:
    from pfmm.errors import PfmmError

    with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        http = HttpClient(server.url, read_attempts=1)
        with pytest.raises(PfmmError):
            http.get("/ws", signed=False)
        http.close()

"""What a request costs: in one process, over the loopback socket, and how much of it is the exchange's face."""

from __future__ import annotations

import http.client
import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import PaperApp, make_app

pytestmark = pytest.mark.bench

NOW_MS = 1_750_000_000_000
MARKET = "BTC-PERP"
KEY = {"Authorization": "Bearer paper-bench"}


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    opened = Exchange.open(tmp_path / "paper.sqlite3", lambda config: SyntheticFeed(7), lambda: NOW_MS)
    yield opened
    opened.close()


def call(app: PaperApp, method: str, path: str, query: str = "", body: bytes = b"") -> bytes:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": KEY["Authorization"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
    }
    return b"".join(app(environ, lambda status, headers: lambda data: None))


def best_ms(work: Callable[[], object], times: int = 300) -> float:
    """Milliseconds a call: the best of five rounds, as other work on the machine only ever adds."""
    work()
    rounds = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(times):
            work()
        rounds.append((time.perf_counter() - start) * 1000 / times)
    return min(rounds)


def order(name: str, price: int = 1000) -> dict[str, Any]:
    return {"market": MARKET, "side": "long", "type": "limit", "size": 10, "price": price, "client_order_id": name}


def test_in_process(exchange: Exchange) -> None:
    app = make_app(exchange)
    call(app, "POST", "/api/orders/batch", body=json.dumps({"place": [order(f"b{n}") for n in range(50)]}).encode())
    cases: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        ("GET /api/time", lambda: call(app, "GET", "/api/time"), exchange.time),
        ("GET /api/ticker", lambda: call(app, "GET", f"/api/ticker/{MARKET}"), lambda: exchange.ticker(MARKET)),
        ("GET /api/account", lambda: call(app, "GET", "/api/account"), lambda: exchange.account("bench")),
        (
            "GET /api/state, 50 orders",
            lambda: call(app, "GET", "/api/state", f"markets={MARKET}"),
            lambda: exchange.state("bench", [MARKET]),
        ),
    ]
    for name, whole, own in cases:
        total, inner = best_ms(whole), best_ms(own)
        print(f"\n{name}: {total:.3f} ms, of which the exchange {inner:.3f}, the face {total - inner:.3f}")
        assert total - inner < 1.5


def test_over_loopback(exchange: Exchange) -> None:
    with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port)

        def ask(line: http.client.HTTPConnection, target: str) -> bytes:
            line.request("GET", target, headers=KEY)
            return line.getresponse().read()

        for target in ("/api/time", f"/api/ticker/{MARKET}", f"/api/state?markets={MARKET}"):
            cost_ms = best_ms(partial(ask, connection, target))
            print(f"\n{target}: {cost_ms:.3f} ms a request, {1000 / cost_ms:.0f} a second, one kept-alive connection")
            assert cost_ms < 20  # an unbuffered writer costs 44 ms
        connection.close()

        def hammer() -> None:
            line = http.client.HTTPConnection("127.0.0.1", server.server_port)
            for _ in range(200):
                ask(line, "/api/time")
            line.close()

        threads = [threading.Thread(target=hammer) for _ in range(8)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"\n8 connections at once: {1600 / (time.perf_counter() - start):.0f} requests a second")

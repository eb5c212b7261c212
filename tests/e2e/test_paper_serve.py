"""The exchange over a real socket: HTTP manners, hostile clients, many threads, and every planned fault, judged by
the exchange's own ledger."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from pfmm.errors import ConfigError, PortInUse, UsageError
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.faults import FaultPlan, parse_faults
from pfmm.paper.server.serve import PaperServer, serve
from pfmm.paper.wire.json_text import MAX_BYTES
from pfmm.paper.wire.wsgi import make_app

NOW_MS = 1_750_000_000_000
MARKET = "BTC-PERP"
KEY = {"Authorization": "Bearer paper-desk"}
WAIT_S = 60.0


@pytest.fixture
def wall() -> list[int]:
    return [NOW_MS]


@pytest.fixture
def exchange(tmp_path: Path, wall: list[int]) -> Iterator[Exchange]:
    opened = Exchange.open(tmp_path / "paper.sqlite3", lambda config: SyntheticFeed(7), lambda: wall[0])
    yield opened
    opened.close()


@contextmanager
def served(exchange: Exchange, faults: str | None = None, latency_ms: int = 0) -> Iterator[PaperServer]:
    plan: FaultPlan | None = None if faults is None else parse_faults(faults)
    with PaperServer(make_app(exchange), "127.0.0.1", 0, faults=plan, latency_ms=latency_ms).running() as server:
        yield server


@contextmanager
def connected(server: PaperServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=WAIT_S)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def raw(server: PaperServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=WAIT_S) as line:
        yield line


def ask(
    connection: http.client.HTTPConnection, method: str, target: str, body: Any = None
) -> tuple[int, dict[str, str], Any]:
    connection.request(method, target, None if body is None else json.dumps(body), KEY)
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, dict(answer.getheaders()), json.loads(text, parse_float=Decimal) if text else None


def order(name: str, price: int = 1000) -> dict[str, Any]:
    return {"market": MARKET, "side": "long", "type": "limit", "size": 50, "price": price, "client_order_id": name}


def read_all(line: socket.socket) -> bytes:
    parts = []
    while part := line.recv(65536):
        parts.append(part)
    return b"".join(parts)


def names(exchange: Exchange) -> list[str | None]:
    """The exchange's own ledger: the client ids of every order it has ever taken, oldest first."""
    return [found.client_order_id for found in exchange.orders("desk", status="all")]


# --- HTTP ----------------------------------------------------------------------------------------------------------


def test_a_story_over_one_connection(exchange: Exchange) -> None:
    with served(exchange) as server, connected(server) as connection:
        assert ask(connection, "GET", "/api/time")[2] == {"time_ms": NOW_MS, "speed": 1, "state": "open"}
        first = connection.sock
        status, headers, placed = ask(connection, "POST", "/api/orders", order("a%2F"))
        assert (status, placed["status"], headers["Content-Type"]) == (200, "open", "application/json")
        assert ask(connection, "GET", "/api/orders/by-client-id/a%252F")[2] == placed
        assert ask(connection, "PATCH", f"/api/orders/{placed['order_id']}", {"price": 1001})[2]["price"] == 1001
        assert ask(connection, "DELETE", f"/api/orders/{placed['order_id']}")[2]["status"] == "cancelled"
        assert ask(connection, "GET", "/api/nothing")[0] == 404
        assert ask(connection, "POST", "/api/orders", {"market": MARKET})[0] == 400
        assert ask(connection, "PUT", "/api/orders")[0] == 405
        status, headers, body = ask(connection, "HEAD", "/api/account")
        assert (status, body) == (200, None)
        assert int(headers["Content-Length"]) > 100
        assert ask(connection, "GET", "/api/account")[2]["equity"] == 10_000
        assert connection.sock is first  # kept alive through errors and all


def test_the_same_bytes_as_in_process(exchange: Exchange) -> None:
    app = make_app(exchange)
    with (
        served(exchange) as server,
        httpx.Client(base_url=server.url, headers=KEY, trust_env=False) as outside,
        httpx.Client(base_url=server.url, headers=KEY, transport=httpx.WSGITransport(app=app)) as inside,
    ):
        outside.post("/api/orders", json=order("one"))
        for target in ("/api/state", "/api/markets", f"/api/orderbook/{MARKET}?depth=3", "/api/orders/o999"):
            assert outside.get(target).content == inside.get(target).content
        assert outside.patch("/api/orders/by-client-id/one", json={"price": 1001}).json()["price"] == 1001
        assert inside.patch("/api/orders/by-client-id/one", json={"price": 1002}).json()["price"] == 1002


def test_twenty_threads_lose_nothing(exchange: Exchange) -> None:
    failures: list[BaseException] = []

    def trade(worker: int) -> None:
        try:
            with connected(server) as connection:
                for number in range(5):
                    status, _, placed = ask(connection, "POST", "/api/orders", order(f"w{worker}-{number}"))
                    assert (status, placed["client_order_id"]) == (200, f"w{worker}-{number}")
                    assert ask(connection, "GET", "/api/time")[0] == 200
        except BaseException as failure:  # noqa: BLE001 a thread's failure must reach the test
            failures.append(failure)

    with served(exchange) as server:
        workers = [threading.Thread(target=trade, args=(worker,)) for worker in range(20)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
    assert failures == []
    assert sorted(map(str, names(exchange))) == sorted(
        f"w{worker}-{number}" for worker in range(20) for number in range(5)
    )


def test_an_answer_is_one_segment(exchange: Exchange) -> None:
    with served(exchange) as server, raw(server) as line:
        line.sendall(b"GET /api/time HTTP/1.1\r\nHost: x\r\n\r\n")
        head, _, body = line.recv(65536).partition(b"\r\n\r\n")  # the first read already has the whole answer
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert json.loads(body)["state"] == "open"


def test_pipelined_requests_are_answered_in_order_and_garbage_ends_them(exchange: Exchange) -> None:
    with served(exchange) as server, raw(server) as line:
        good = b"GET /api/time HTTP/1.1\r\nHost: x\r\n\r\n"
        line.sendall(good + good + b"\x16\x03\x01 not http at all\r\n\r\n" + good)
        answers = read_all(line).split(b"HTTP/1.1 ")[1:]
        assert [answer[:3] for answer in answers] == [b"200", b"200", b"400"]
        assert json.loads(answers[2].partition(b"\r\n\r\n")[2])["error"] == "bad_request"


def test_a_half_sent_order_is_never_placed(exchange: Exchange) -> None:
    body = json.dumps(order("half")).encode()
    with served(exchange) as server:
        with raw(server) as line:
            head = f"POST /api/orders HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY['Authorization']}\r\n"
            # what is there parses as JSON by itself: only the length says that more was to come
            line.sendall(f"{head}Content-Length: {len(body) + 1}\r\n\r\n".encode() + body)
            line.shutdown(socket.SHUT_WR)
            assert read_all(line) == b""
        assert names(exchange) == []
        with connected(server) as connection:
            assert ask(connection, "GET", "/api/time")[0] == 200


def test_slow_clients_hold_up_nobody(exchange: Exchange) -> None:
    body = json.dumps(order("slow")).encode()
    with served(exchange) as server, raw(server) as line, connected(server) as connection:
        head = f"POST /api/orders HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY['Authorization']}\r\n"
        line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        assert ask(connection, "POST", "/api/orders", order("quick"))[0] == 200
        assert names(exchange) == ["quick"]
        line.sendall(body[10:])
        assert line.recv(65536).startswith(b"HTTP/1.1 200")
    assert names(exchange) == ["quick", "slow"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (f"Content-Length: {MAX_BYTES + 1}", b"413"),
        ("Content-Length: 99999999999999999999", b"413"),
        ("Content-Length: -1", b"400"),
        ("Content-Length: 1e3", b"400"),
        ("Content-Length: 5\r\nContent-Length: 6", b"400"),
        ("Transfer-Encoding: chunked", b"411"),
        ("X: " + "y" * 70_000, b"431"),
    ],
)
def test_bodies_that_are_refused_by_their_head(exchange: Exchange, headers: str, status: bytes) -> None:
    with served(exchange) as server, raw(server) as line:
        line.sendall(f"POST /api/orders HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode() + b"0" * 4096)
        line.shutdown(socket.SHUT_WR)
        answer = read_all(line)
        assert answer.split()[1] == status
        assert b"Connection: close" in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["message"]


def test_a_large_body_is_answered_though_it_is_not_read(exchange: Exchange) -> None:
    with served(exchange) as server, connected(server) as connection:
        connection.request("POST", "/api/orders", b" " * (2 * MAX_BYTES), KEY)
        assert connection.getresponse().status == 413


def test_expect_continue_and_whole_urls_and_http_1_0(exchange: Exchange) -> None:
    with served(exchange) as server:
        with raw(server) as line:
            head = "POST http://x/api/dead-man HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 15\r\n"
            line.sendall(f"{head}Authorization: {KEY['Authorization']}\r\n\r\n".encode())
            assert line.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            line.sendall(b'{"timeout_s":0}')
            assert line.recv(65536).startswith(b"HTTP/1.1 200")
        with raw(server) as line:
            line.sendall(b"GET /api/time HTTP/1.0\r\n\r\n")
            assert b"Connection: close" in read_all(line)


# --- starting and stopping -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com", "::", ""])
def test_only_this_machine_is_served(exchange: Exchange, host: str) -> None:
    with pytest.raises(UsageError, match="this machine only"):
        PaperServer(make_app(exchange), host, 0)


def test_a_taken_port_is_named(exchange: Exchange) -> None:
    with served(exchange) as server, pytest.raises(PortInUse, match=str(server.server_port)):
        serve(lambda: make_app(exchange), "127.0.0.1", server.server_port)


def test_serve_until_stopped(exchange: Exchange) -> None:
    stop = threading.Event()
    kept: list[http.client.HTTPConnection] = []

    def check(url: str) -> None:
        assert url.startswith("http://127.0.0.1:")
        kept.append(http.client.HTTPConnection(url.removeprefix("http://"), timeout=WAIT_S))
        assert ask(kept[0], "GET", "/api/time")[0] == 200  # ready means that requests are answered
        stop.set()

    assert serve(lambda: make_app(exchange), on_ready=check, stop=stop) is None
    assert kept[0].sock is not None
    assert kept[0].sock.recv(1) == b""  # the idle kept-alive connection was ended, not left hanging
    kept[0].close()


def test_the_other_loopback(exchange: Exchange) -> None:
    try:
        server = PaperServer(make_app(exchange), "::1", 0)
    except ConfigError as problem:
        pytest.skip(f"no IPv6 here: {problem}")
    with server.running():
        assert server.url == f"http://[::1]:{server.server_port}"
        assert httpx.get(f"{server.url}/api/time", trust_env=False).status_code == 200


@pytest.mark.parametrize("port", [-1, 65_536])
def test_ports_that_do_not_exist(exchange: Exchange, port: int) -> None:
    with pytest.raises(UsageError, match=str(port)):
        PaperServer(make_app(exchange), "127.0.0.1", port)


def test_a_latency_that_no_wait_can_last_is_refused(exchange: Exchange) -> None:
    with pytest.raises(UsageError, match="60000 ms, not 99999999999999"):
        PaperServer(make_app(exchange), "127.0.0.1", 0, latency_ms=99_999_999_999_999)


def test_a_request_in_flight_is_answered_before_the_end(exchange: Exchange) -> None:
    with served(exchange, latency_ms=60_000) as server, raw(server) as line:
        line.sendall(b"GET /api/time HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: bool(server._open))
        server.closing.set()
        answer = read_all(line)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"Connection: close" in answer


SCRIPT = """
import sys, time
from pathlib import Path
from pfmm.paper.wire.wsgi import make_app
from pfmm.paper.exchange import Exchange
from pfmm.paper.server.serve import serve
from pfmm.paper.feeds.synthetic import SyntheticFeed
exchange = Exchange.open(Path(sys.argv[1]), lambda config: SyntheticFeed(7), lambda: time.time_ns() // 1_000_000)
print(serve(lambda: make_app(exchange), on_ready=lambda url: print(url, flush=True)))
"""


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_signals_end_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "paper.sqlite3")]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=WAIT_S)
        assert ask(connection, "POST", "/api/orders", order("kept"))[0] == 200
        os.kill(process.pid, number)
        assert process.stdout.read().strip() == str(int(number))
        assert process.wait(WAIT_S) == 0
        connection.close()
    reopened = Exchange.open(tmp_path / "paper.sqlite3", lambda config: SyntheticFeed(7), lambda: NOW_MS)
    assert names(reopened) == ["kept"]
    reopened.close()


def until(done: Callable[[], bool]) -> None:
    """Waits for something that another thread does on its own, and fails after a generous while."""
    pause = threading.Event()
    deadline = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < deadline
        pause.wait(0.005)


# --- faults: what each does, and whether the exchange acted ----------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "acted", "failure"),
    [
        ("timeout_before", False, http.client.RemoteDisconnected),
        ("timeout_after", True, http.client.RemoteDisconnected),
        ("reset_before", False, ConnectionResetError),
        ("reset_after", True, ConnectionResetError),
        ("half_body", True, http.client.IncompleteRead),
    ],
)
def test_faults_without_an_answer(exchange: Exchange, kind: str, acted: bool, failure: type[Exception]) -> None:
    with served(exchange, f"rate=1,kinds={kind},hold_s=0.05") as server, connected(server) as connection:
        with pytest.raises(failure) as caught:
            ask(connection, "POST", "/api/orders", order("x"))
        # a timeout is an orderly end, and a subclass of the reset that it must not be mistaken for
        assert type(caught.value) is failure
        assert names(exchange) == (["x"] if acted else [])


@pytest.mark.parametrize(
    ("kind", "acted", "status", "code"),
    [
        ("http_429", False, 429, "rate_limited"),
        ("http_500", False, 500, "injected_fault"),
        ("http_500_after", True, 500, "injected_fault"),
        ("duplicate", True, 409, "duplicate_client_order_id"),
        ("latency", True, 200, None),
    ],
)
def test_faults_with_an_answer(exchange: Exchange, kind: str, acted: bool, status: int, code: str | None) -> None:
    with served(exchange, f"rate=1,kinds={kind},latency_ms=5") as server, connected(server) as connection:
        answered, headers, body = ask(connection, "POST", "/api/orders", order("x"))
        assert (answered, body.get("error")) == (status, code)
        assert headers.get("Retry-After") == ("1" if kind == "http_429" else None)
        assert names(exchange) == (["x"] if acted else [])


def test_a_duplicate_without_a_client_id_acts_twice(exchange: Exchange) -> None:
    with served(exchange, "rate=1,kinds=duplicate,only=POST") as server, connected(server) as connection:
        fields = {**order("x"), "client_order_id": None}
        assert ask(connection, "POST", "/api/orders", fields)[0] == 200
        assert names(exchange) == [None, None]


def test_held_connections_are_held_and_then_dropped(exchange: Exchange) -> None:
    with served(exchange, "rate=1,kinds=timeout_before,hold_s=0.3") as server, raw(server) as line:
        started = time.monotonic()
        line.sendall(b"GET /api/time HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_all(line) == b""
        assert 0.25 <= time.monotonic() - started < 30


def test_latency_delays_the_answer(exchange: Exchange) -> None:
    with served(exchange, latency_ms=120) as server, connected(server) as connection:
        started = time.monotonic()
        assert ask(connection, "GET", "/api/time")[0] == 200
        assert time.monotonic() - started >= 0.12


def test_a_stale_read_answers_what_was(exchange: Exchange) -> None:
    with (
        served(exchange, "rate=1,kinds=stale,only=/api/positions+/api/state") as server,
        connected(server) as connection,
    ):
        before = ask(connection, "GET", "/api/positions")[2]
        assert before == {"positions": []}
        assert ask(connection, "POST", "/api/orders", {**order("x"), "type": "market", "price": None})[0] == 200
        assert exchange.positions("desk")[0].size_base > 0
        assert ask(connection, "GET", "/api/positions")[2] == before
        connection.request("GET", "/api/positions", headers={"Authorization": "Bearer paper-other"})
        assert json.loads(connection.getresponse().read()) == {"positions": []}  # never another account's memory


def test_crossed_quotes(exchange: Exchange) -> None:
    sound = exchange.ticker(MARKET)
    assert sound.bid is not None
    assert sound.ask is not None
    with served(exchange, "rate=1,kinds=crossed") as server, connected(server) as connection:
        for target in (f"/api/ticker/{MARKET}", f"/api/tickers?markets={MARKET}", f"/api/state?markets={MARKET}"):
            body = ask(connection, "GET", target)[2]
            ticker = body["tickers"][0] if "tickers" in body else body
            assert (ticker["bid"], ticker["ask"]) == (sound.ask, sound.bid)
        book = ask(connection, "GET", f"/api/orderbook/{MARKET}?depth=2")[2]
        assert book["bids"][0][0] > book["asks"][0][0]
        assert ask(connection, "GET", "/api/ticker/NONE")[0] == 404


def test_a_skewed_clock(exchange: Exchange) -> None:
    with served(exchange, "rate=1,kinds=skew,skew_ms=-7000") as server, connected(server) as connection:
        assert ask(connection, "GET", "/api/time")[2]["time_ms"] == NOW_MS - 7000
        assert ask(connection, "GET", "/api/state")[2]["time_ms"] == NOW_MS


def test_a_plan_plays_out_alike_every_time(exchange: Exchange) -> None:
    def play(account: int) -> list[str]:
        found = []
        with served(exchange, "seed=5,rate=0.5,kinds=http+reset") as server:
            for number in range(30):
                with connected(server) as connection:
                    try:
                        found.append(str(ask(connection, "POST", "/api/orders", order(f"{account}-{number}"))[0]))
                    except ConnectionResetError:
                        found.append("reset")
        return found

    first = play(1)
    assert first == play(2)
    assert set(first) == {"200", "429", "500", "reset"}

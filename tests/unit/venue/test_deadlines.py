"""No request outlasts its deadline, however slowly the answer comes, and a signal ends its wait."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pfmm.errors import ConfigError, Interrupted, OutcomeUnknown, PfmmError, VenueUnreachable
from pfmm.model.deadline import Deadline
from pfmm.runner.signals import Signals
from pfmm.venue import client as client_module
from pfmm.venue.client import HttpClient
from pfmm.venue.ratelimit import Lane
from tests.slow_server import PATIENCE_S, SlowServer, no_name_service, serving, trusting

TIMEOUT_S = 0.3
SLACK_S = 2.0  # what a busy machine may take on top


@contextmanager
def client_of(url: str, **options: Any) -> Iterator[HttpClient]:
    client = HttpClient(url, **{"key": lambda: "sk-0123456789", "timeout_s": TIMEOUT_S, **options})
    try:
        yield client
    finally:
        client.close()


def cancel(client: HttpClient) -> object:
    return client.act("DELETE", "/api/orders", lane=Lane.CANCEL)


def took_s(work: Callable[[], object], error: type[PfmmError]) -> float:
    begin_s = time.monotonic()
    with pytest.raises(error):
        work()
    return time.monotonic() - begin_s


@pytest.mark.parametrize("way", ["headers", "body", "silent", "flood"])
def test_an_answer_without_end_ends_with_the_timeout(way: str) -> None:
    with serving(way) as server, client_of(server.url, read_attempts=1) as client:
        assert took_s(lambda: client.get("/api/time"), VenueUnreachable) < TIMEOUT_S + SLACK_S
        assert took_s(lambda: cancel(client), OutcomeUnknown) < TIMEOUT_S + SLACK_S
        assert len(server.requests) == 2


@pytest.mark.parametrize("way", ["headers", "body", "silent"])
def test_attempts_and_pauses_share_the_deadline_of_the_command(way: str) -> None:
    with serving(way) as server:
        deadline = Deadline.after(2 * TIMEOUT_S, time.monotonic)
        with client_of(server.url, deadline=lambda: deadline) as client:
            for _ in range(3):  # 0.3, 0.15 and 0.075 s
                took_s(lambda: client.get("/api/time"), VenueUnreachable)
            took_s(lambda: cancel(client), OutcomeUnknown)  # which takes what is left
            assert time.monotonic() < deadline.at_s + SLACK_S
            sent = len(server.requests)
            assert took_s(lambda: cancel(client), VenueUnreachable) < SLACK_S  # never sent, and said so
            assert len(server.requests) == sent


def test_an_order_is_not_sent_with_too_little_time_for_its_answer() -> None:
    with serving("silent") as server:
        deadline = Deadline.after(client_module.LEAST_PLACE_S / 2, time.monotonic)
        with (
            client_of(server.url, deadline=lambda: deadline) as client,
            pytest.raises(VenueUnreachable, match="too little time"),
        ):
            client.act("POST", "/api/orders/batch", {}, lane=Lane.PLACE)
        assert server.requests == []


@pytest.mark.parametrize("way", ["headers", "body", "silent"])
def test_tls_answers_end_with_the_timeout_too(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusting(tmp_path)))
    with serving(way, tls=tmp_path) as server, client_of(server.url, read_attempts=1) as client:
        assert took_s(lambda: client.get("/api/time"), VenueUnreachable) < TIMEOUT_S + SLACK_S
        assert took_s(lambda: cancel(client), OutcomeUnknown) < TIMEOUT_S + SLACK_S
        assert server.dripping.is_set()


def test_tls_answers_arrive_whole_and_connections_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"long":"' + b"x" * 200_000 + b'"}'

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    monkeypatch.setenv("SSL_CERT_FILE", str(trusting(tmp_path)))
    options = {"timeout_s": PATIENCE_S}
    with serving("silent", tls=tmp_path, app=app, after=3) as server, client_of(server.url, **options) as client:
        for _ in range(2):
            assert client.get("/api/time") == {"long": "x" * 200_000}
        assert cancel(client) == {"long": "x" * 200_000}


def test_a_certificate_that_nobody_trusts_means_never_sent(tmp_path: Path) -> None:
    with (
        serving("silent", tls=tmp_path) as server,
        client_of(server.url, timeout_s=PATIENCE_S) as client,
        pytest.raises(VenueUnreachable, match="never sent"),
    ):
        cancel(client)
    assert server.requests == []


def test_a_tls_handshake_that_never_comes_ends_with_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with client_of(url) as client:
            assert took_s(lambda: cancel(client), VenueUnreachable) < TIMEOUT_S + SLACK_S


def test_a_name_service_that_hangs_ends_with_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        no_name_service(monkeypatch, "venue.example"),
        client_of("https://venue.example", read_attempts=1) as client,
    ):
        assert took_s(lambda: client.get("/api/time"), VenueUnreachable) < TIMEOUT_S + SLACK_S
        assert took_s(lambda: cancel(client), VenueUnreachable) < TIMEOUT_S + SLACK_S


def test_a_name_is_looked_up_and_every_address_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a machine whose name has an IPv6 address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = closed.getsockname()

    def look_up(host: str, port: int, **options: Any) -> Any:
        if options["flags"]:
            raise socket.gaierror("not a number")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (refusing, ("127.0.0.1", port))]

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [("Content-Length", "2")])
        return [b"{}"]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with (
        serving("silent", app=app, after=1) as server,
        client_of(f"http://localhost:{server.port}", timeout_s=PATIENCE_S) as client,
    ):
        assert client.get("/api/time") == {}


def test_a_name_without_address_means_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str, port: int, **options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with (
        client_of("https://venue.example", timeout_s=PATIENCE_S) as client,
        pytest.raises(VenueUnreachable, match="never sent"),
    ):
        cancel(client)


# --- signals ----------------------------------------------------------------------------------------------------------


def interrupting(server: SlowServer) -> threading.Thread:
    """Sends this process a SIGINT once the server is in the midst of its answer."""

    def send() -> None:
        assert server.dripping.wait(PATIENCE_S)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.mark.parametrize("way", ["headers", "body", "silent"])
def test_a_signal_ends_a_read_at_once(way: str) -> None:
    with serving(way) as server, Signals() as signals:
        with client_of(server.url, timeout_s=PATIENCE_S, wakeup=lambda: signals) as client:
            thread = interrupting(server)
            with pytest.raises(Interrupted):
                client.get("/api/state")
            with pytest.raises(Interrupted):  # nor is anything more asked
                client.get("/api/state")
            with pytest.raises(VenueUnreachable, match="never sent"):
                cancel(client)
            thread.join()
        assert signals.received is signal.SIGINT
        assert len(server.requests) == 1


@pytest.mark.parametrize("way", ["headers", "body", "silent"])
def test_a_signal_leaves_a_request_that_acts_a_moment_and_then_unknown(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "ANSWER_GRACE_S", 0.05)
    with (
        serving(way) as server,
        Signals() as signals,
        client_of(server.url, timeout_s=PATIENCE_S, wakeup=lambda: signals) as client,
    ):
        thread = interrupting(server)
        with pytest.raises(OutcomeUnknown, match="a signal asked to stop"):
            cancel(client)
        thread.join()


def test_what_a_signal_kept_from_leaving_says_nothing_of_the_venue() -> None:
    with serving("silent") as server, Signals() as signals:
        with client_of(server.url, timeout_s=PATIENCE_S, wakeup=lambda: signals) as client:
            os.kill(os.getpid(), signal.SIGINT)
            with pytest.raises(VenueUnreachable, match="sent: a signal asked to stop") as caught:
                cancel(client)
        assert "cannot be reached" not in caught.value.message


def test_an_answer_that_is_on_its_way_when_a_signal_comes_is_taken() -> None:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        start("200 OK", [("Content-Length", "2")])
        return [b"{}"]

    with serving("silent", app=app, after=1) as server, Signals() as signals:
        with client_of(server.url, timeout_s=PATIENCE_S, wakeup=lambda: signals) as client:
            assert cancel(client) == {}
        assert signals.received is signal.SIGINT


def test_a_signal_ends_the_pause_between_two_attempts() -> None:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("503 Service Unavailable", [("Content-Length", "0"), ("Retry-After", "15")])
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        return []

    with (
        serving("silent", app=app, after=1) as server,
        Signals() as signals,
        client_of(server.url, timeout_s=PATIENCE_S, wakeup=lambda: signals) as client,
    ):
        with pytest.raises(Interrupted):
            client.get("/api/state")
        assert len(server.requests) == 1


def test_a_wake_up_that_asks_for_nothing_ends_no_read() -> None:
    """As of a resized window; the signal after it is obeyed all the same."""

    class Noise(Signals):
        def __init__(self) -> None:
            super().__init__()
            os.write(self._write, b"\x1c")

    with serving("body") as server, Noise() as signals:
        with client_of(server.url, read_attempts=1, wakeup=lambda: signals) as client:
            assert took_s(lambda: client.get("/api/state"), VenueUnreachable) < TIMEOUT_S + SLACK_S
        with client_of(server.url, timeout_s=PATIENCE_S, wakeup=lambda: signals) as client:
            thread = interrupting(server)
            with pytest.raises(Interrupted):
                client.get("/api/state")
            thread.join()


# --- proxies ----------------------------------------------------------------------------------------------------------


class Proxy:
    """An HTTP proxy that opens one tunnel after the other, or, `deaf`, takes connections and says nothing."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.asked: list[str] = []
        self._deaf = deaf
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lines: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        for line in (self._listener, *self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self._lines.append(line)
                if not self._deaf:
                    self._tunnel(line)

    def _tunnel(self, line: socket.socket) -> None:
        self.asked.append(line.recv(65536).decode().split("\r\n")[0])
        host, _, port = self.asked[-1].split()[1].partition(":")
        far = socket.create_connection((host, int(port)))
        self._lines.append(far)
        line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for one, other in ((line, far), (far, line)):
            thread = threading.Thread(target=self._carry, args=(one, other))
            self._threads.append(thread)
            thread.start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Sets the proxy of the environment, and the hosts that need none."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusting(tmp_path)))

    def name_them(url: str, none_for: str = "") -> None:
        monkeypatch.setenv("HTTPS_PROXY", url)
        monkeypatch.setenv("NO_PROXY", none_for)

    return name_them


def empty(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    start("200 OK", [("Content-Length", "2")])
    return [b"{}"]


def test_https_goes_through_the_proxy_of_the_environment(proxied: Callable[..., None], tmp_path: Path) -> None:
    with closing(Proxy()) as proxy, serving("silent", tls=tmp_path, app=empty, after=3) as server:
        proxied(proxy.url)
        with client_of(server.url, timeout_s=PATIENCE_S) as client:
            assert (client.get("/api/time"), cancel(client)) == ({}, {})
        assert proxy.asked == [f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"]
        proxied(proxy.url, none_for="127.0.0.1")
        with client_of(server.url, timeout_s=PATIENCE_S) as client:
            assert client.get("/api/time") == {}
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("way", ["headers", "body", "silent"])
def test_an_answer_through_a_proxy_ends_with_the_timeout(
    way: str, proxied: Callable[..., None], tmp_path: Path
) -> None:
    with closing(Proxy()) as proxy, serving(way, tls=tmp_path) as server:
        proxied(proxy.url)
        with client_of(server.url, read_attempts=1) as client:
            assert took_s(lambda: client.get("/api/time"), VenueUnreachable) < TIMEOUT_S + SLACK_S
            assert took_s(lambda: cancel(client), OutcomeUnknown) < TIMEOUT_S + SLACK_S


def test_a_proxy_that_says_nothing_ends_with_the_timeout(proxied: Callable[..., None]) -> None:
    with closing(Proxy(deaf=True)) as proxy:
        proxied(proxy.url)
        with client_of("https://venue.example", read_attempts=1) as client:
            assert took_s(lambda: client.get("/api/time"), VenueUnreachable) < TIMEOUT_S + SLACK_S


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:1", "gopher://x", "http://"])
def test_a_proxy_that_is_no_http_address_is_said(address: str, proxied: Callable[..., None]) -> None:
    proxied(address)
    with pytest.raises(ConfigError, match="HTTPS_PROXY"):
        HttpClient("https://venue.example")

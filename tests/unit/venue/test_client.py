"""What the HTTP client proves about the fate of a request: over real sockets that answer, stall, cut and reset."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import struct
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pfmm.errors import (
    AuthenticationError,
    BadVenueData,
    ConfigError,
    OutcomeUnknown,
    PfmmError,
    RateLimited,
    RiskRefused,
    SecretError,
    VenueRefused,
    VenueUnreachable,
)
from pfmm.model.account import Cursors
from pfmm.venue.client import IN_PROCESS_URL, HttpClient, Timekeeper
from pfmm.venue.http import MAYBE_SENT, NEVER_SENT, in_process, never_sent
from pfmm.venue.purpleflea import PurpleFlea
from pfmm.venue.ratelimit import Lane, RateBudget
from tests.slow_server import Listening

KEY = "sk-very-secret-0123456789"
PATIENCE_S = 60.0  # for what another thread does: a busy machine lets it wait

Behaviour = Callable[[socket.socket], bool]
"""Handles one request on a connection; True keeps the connection."""


@dataclass
class FakeTime:
    """A clock that only sleeping moves."""

    now_s: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    def keeper(self) -> Timekeeper:
        return Timekeeper(monotonic_s=lambda: self.now_s, sleep=self.sleep, jitter=lambda: 1.0, wall_ms=lambda: 0)


class RawServer(Listening):
    """A socket server that does to request n what `script[n]` says (the last entry goes on), and keeps the bytes."""

    def __init__(self, script: list[Behaviour]) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.asked = threading.Event()
        self._lock = threading.Lock()
        super().__init__()

    def _serve(self, line: socket.socket) -> None:
        with line:
            line.settimeout(PATIENCE_S)
            try:
                while request := _read_request(line):
                    with self._lock:
                        behave = self.script[min(len(self.requests), len(self.script) - 1)]
                        self.requests.append(request)
                    self.asked.set()
                    if not behave(line):
                        return
            except OSError:
                return

    def stall(self, line: socket.socket) -> bool:
        self.done.wait(PATIENCE_S)
        return False


def _read_request(line: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = line.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(status: int = 200, body: bytes = b'{"ok":true}', *headers: str) -> Behaviour:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]

    def behave(line: socket.socket) -> bool:
        line.sendall("\r\n".join(lines).encode() + body)
        return True

    return behave


def cut(line: socket.socket) -> bool:
    return False


def reset(line: socket.socket) -> bool:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def half_a_body(line: socket.socket) -> bool:
    line.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":')
    return False


def garbage(line: socket.socket) -> bool:
    line.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")
    return False


@contextmanager
def serving(*script: Behaviour) -> Iterator[RawServer]:
    server = RawServer(list(script))
    try:
        yield server
    finally:
        server.close()


@contextmanager
def client_of(url: str, **options: Any) -> Iterator[HttpClient]:
    client = HttpClient(url, **{"key": lambda: KEY, "timeout_s": PATIENCE_S, **options})
    try:
        yield client
    finally:
        client.close()


def post(client: HttpClient) -> object:
    return client.act("POST", "/api/orders/batch", {"place": []}, lane=Lane.PLACE)


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_connections_are_reused_and_only_signed_requests_carry_the_key() -> None:
    with serving(answer()) as server, client_of(server.url) as client:
        assert client.get("/api/time", {"a": "x y"}, signed=False) == {"ok": True}
        assert post(client) == {"ok": True}
        client.get("/api/account")
        assert server.connections == 1
    first, second, third = server.requests
    assert first.startswith(b"GET /api/time?a=x+y HTTP/1.1\r\n") or first.startswith(b"GET /api/time?a=x%20y HTTP/1.1")
    assert b"uthorization" not in first
    assert b"Authorization: Bearer " + KEY.encode() in second
    assert second.endswith(b'\r\n\r\n{"place":[]}')
    assert b"Authorization: Bearer " + KEY.encode() in third


def test_proxies_of_the_environment_do_not_capture_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serving(answer()) as server, client_of(server.url) as client:
        assert client.get("/api/time") == {"ok": True}


def test_no_certificates_are_loaded_for_loopback_and_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("certificates were loaded")

    monkeypatch.setattr(ssl, "create_default_context", refuse)
    with serving(answer()) as server, client_of(server.url) as client:
        client.get("/api/time")
    with client_of(IN_PROCESS_URL, transport=in_process(scripted((200, {}, b"{}")))) as client:
        assert client.get("/api/time") == {}
    with pytest.raises(AssertionError, match="certificates"):
        HttpClient("https://venue.example")


# --- the fate of a request that acts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behave",
    [
        cut,
        reset,
        half_a_body,
        garbage,
        answer(200, b"not json"),
        answer(200, b'{"a":NaN}'),
        answer(200, b""),
        answer(204, b""),
        answer(301, b"", "Location: /elsewhere"),
        answer(307, b"", "Location: http://127.0.0.1:1/"),
        answer(408, b'{"error":"timeout"}'),
        answer(500, b'{"error":"internal","message":"x"}'),
        answer(502, b"<html>bad gateway</html>"),
        answer(503, b"<html>unavailable</html>", "Retry-After: 1"),
        answer(503, b'{"error":"maintenance"}'),
        answer(504),
    ],
)
def test_a_request_that_may_have_acted_is_sent_once_and_unknown(behave: Behaviour) -> None:
    clock = FakeTime()
    with serving(behave) as server, client_of(server.url, timekeeper=clock.keeper()) as client:
        with pytest.raises(OutcomeUnknown, match="may or may not have acted"):
            post(client)
        assert len(server.requests) == 1
        assert clock.slept == []


def test_a_stall_is_unknown() -> None:
    with serving(answer()) as server, client_of(server.url, timeout_s=0.15) as client:
        server.script = [server.stall]
        with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
            post(client)
        assert server.asked.wait(PATIENCE_S)
        assert len(server.requests) == 1


def test_a_kept_connection_that_the_server_closed_is_unknown_too() -> None:
    with serving(answer(), cut) as server, client_of(server.url) as client:
        assert post(client) == {"ok": True}
        with pytest.raises(OutcomeUnknown, match=r"RemoteProtocolError|ReadError"):
            post(client)
        assert (server.connections, len(server.requests)) == (1, 2)


def test_a_drip_of_bytes_ends_at_the_deadline() -> None:
    """Each byte comes in time, a second after the one before, and the whole answer would take days."""
    clock = FakeTime()

    def drip(line: socket.socket) -> bool:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not server.done.wait(0.001):
            clock.now_s += 1.0
            line.sendall(b" ")
        return False

    with (
        serving(drip) as server,
        client_of(server.url, timekeeper=clock.keeper()) as client,
        pytest.raises(OutcomeUnknown, match="ReadTimeout"),
    ):
        post(client)


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pfmm.venue.http.MAX_BODY_BYTES", 1000)
    big = scripted((200, {}, b" " * 1001))
    with client_of(IN_PROCESS_URL, transport=in_process(big)) as client, pytest.raises(OutcomeUnknown, match="large"):
        post(client)


def test_nothing_listening_means_never_sent() -> None:
    with socket.socket() as taken:  # by us, so that nobody else can listen there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with client_of(url) as client, pytest.raises(VenueUnreachable, match="never sent"):
            post(client)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, b'{"error":"invalid_price","message":"price 0"}', VenueRefused, "invalid_price"),
        (402, b'{"error":"insufficient_balance"}', VenueRefused, "insufficient_balance"),
        (404, b'{"error":"unknown_market","message":"XX"}', VenueRefused, "unknown_market"),
        (404, b"<html>", VenueRefused, "http_404"),
        (413, b'["odd"]', VenueRefused, "http_413"),
        (422, b'{"error":"below_minimum","message":"\\u001b[31m10 USD"}', VenueRefused, "below_minimum"),
        (422, b'{"error":7,"message":null}', VenueRefused, "http_422"),
        (401, b'{"error":"unauthorized","message":"no"}', AuthenticationError, None),
        (403, b"", AuthenticationError, None),
        (429, b'{"error":"rate_limited"}', RateLimited, "rate_limited"),
    ],
)
def test_a_no_of_the_venue(status: int, body: bytes, kind: type[PfmmError], code: str | None) -> None:
    with serving(answer(status, body)) as server, client_of(server.url) as client:
        with pytest.raises(kind) as caught:
            post(client)
        assert type(caught.value) is kind
        assert len(server.requests) == 1
    if isinstance(caught.value, VenueRefused):
        assert (caught.value.venue_code, caught.value.status) == (code, status)
    assert caught.value.message.isprintable()


def test_a_429_on_an_order_carries_the_wait() -> None:
    with serving(answer(429, b"{}", "Retry-After: 7")) as server, client_of(server.url) as client:
        with pytest.raises(RateLimited) as caught:
            post(client)
        assert caught.value.retry_after_s == 7.0


def test_busy_is_the_venues_word_that_it_did_not_act() -> None:
    busy = answer(503, b'{"error":"busy","message":"wait"}', "Retry-After: 1")
    clock = FakeTime()
    with serving(busy, busy, answer()) as server, client_of(server.url, timekeeper=clock.keeper()) as client:
        assert post(client) == {"ok": True}
        assert clock.slept == [1.0, 1.0]
    with serving(busy) as server, client_of(server.url, timekeeper=clock.keeper()) as client:
        with pytest.raises(VenueRefused) as caught:
            post(client)
        assert (caught.value.venue_code, len(server.requests)) == ("busy", 3)


def test_a_number_that_cannot_be_sent_never_leaves() -> None:
    with serving(answer()) as server, client_of(server.url) as client:
        with pytest.raises(RiskRefused, match=r"request\.price"):
            client.act("POST", "/api/orders", {"price": 0.1}, lane=Lane.PLACE)
        assert server.requests == []


# --- reads ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behave", [cut, reset, half_a_body, garbage, answer(500), answer(503), answer(429)])
def test_a_read_is_repeated(behave: Behaviour) -> None:
    clock = FakeTime()
    with serving(behave, behave, answer()) as server, client_of(server.url, timekeeper=clock.keeper()) as client:
        assert client.get("/api/state") == {"ok": True}
        assert len(server.requests) == 3
        # 0.2 s, then 0.4 s, with the whole of the jitter
        assert clock.slept == [0.2, 0.4]


def test_a_read_gives_up_after_four_attempts() -> None:
    clock = FakeTime()
    with serving(cut) as server, client_of(server.url, timekeeper=clock.keeper()) as client:
        with pytest.raises(VenueUnreachable, match="got no answer"):
            client.get("/api/state")
        assert len(server.requests) == 4
        assert clock.slept == [0.2, 0.4, 0.8]


@pytest.mark.parametrize(
    ("headers", "slept"),
    [
        (("Retry-After: 3",), [3.0]),
        (("Retry-After: 0",), [0.2]),
        (("Retry-After: soon",), [0.2]),
        (("Retry-After: -5",), [0.2]),
        (("Retry-After: Thu, 09 Oct 2025 10:00:05 GMT", "Date: Thu, 09 Oct 2025 10:00:00 GMT"), [5.0]),
        (("Retry-After: Thu, 09 Oct 2025 10:00:05 GMT",), [0.2]),
        (("Retry-After: Thu, 09 Oct 2025 99999999999999999999:00:05 GMT", "Date: now"), [0.2]),
        (("Retry-After: Thu, 09 Oct 2025 10:00:05 +99999999999999",), [0.2]),
    ],
)
def test_retry_after_is_honoured(headers: tuple[str, ...], slept: list[float]) -> None:
    clock = FakeTime()
    script = (answer(429, b"{}", *headers), answer())
    with serving(*script) as server, client_of(server.url, timekeeper=clock.keeper()) as client:
        client.get("/api/state")
    assert clock.slept == slept


def test_a_wait_beyond_the_total_is_not_begun() -> None:
    clock = FakeTime()
    script = answer(429, b"{}", "Retry-After: 21")
    with serving(script) as server, client_of(server.url, timekeeper=clock.keeper()) as client:
        with pytest.raises(RateLimited) as caught:
            client.get("/api/state")
        assert (caught.value.retry_after_s, clock.slept, len(server.requests)) == (21.0, [], 1)


class Hanging(httpx.BaseTransport):
    """Answers nothing: each request lasts for as long as it is waited for."""

    def __init__(self, clock: FakeTime) -> None:
        self.clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.clock.now_s += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("nothing came", request=request)


@pytest.mark.parametrize(
    ("read", "took_s"),
    [
        (lambda client: client.get("/api/state"), 20.0),
        (lambda client: client.get("/api/state", total_s=7.0), 7.0),
        # one order's fate: shorter than the 10 s for which what a cycle decides is good
        (lambda client: PurpleFlea(client, name="paper", account="main").order("n-1"), 5.0),
    ],
)
def test_a_read_that_hangs_ends_with_its_total(read: Callable[[HttpClient], object], took_s: float) -> None:
    clock = FakeTime()
    options = {"timeout_s": 10.0, "timekeeper": clock.keeper(), "transport": Hanging(clock)}
    with client_of(IN_PROCESS_URL, **options) as client, pytest.raises(VenueUnreachable, match="ReadTimeout"):
        read(client)
    assert clock.now_s - 100.0 == pytest.approx(took_s)


def test_many_orders_whose_questions_hang_share_one_budget_between_two_snapshots() -> None:
    """As on twenty markets at once: 5 + 2.5 + 1.25 and so on, instead of 100 s in one cycle."""
    clock = FakeTime()
    options = {"timeout_s": 10.0, "timekeeper": clock.keeper(), "transport": Hanging(clock)}

    def lasted(read: Callable[[], object]) -> float:
        began_s = clock.now_s
        with pytest.raises(VenueUnreachable):
            read()
        return clock.now_s - began_s

    with client_of(IN_PROCESS_URL, **options) as client:
        venue = PurpleFlea(client, name="paper", account="main")
        for look in (lambda: venue.snapshot([], Cursors()), lambda: venue.state([])):
            took_s = [lasted(lambda: venue.order("n-1")) for _ in range(20)]
            assert took_s[:3] == pytest.approx([5.0, 2.5, 1.25])
            assert sum(took_s) < 10.1
            lasted(look)


@pytest.mark.parametrize(
    ("behave", "kind", "says"),
    [
        (answer(200, b"nonsense"), BadVenueData, "GET /api/state"),
        (answer(302, b"", "Location: http://127.0.0.1:1/"), VenueRefused, "redirected"),
        (answer(404, b'{"error":"not_found"}'), VenueRefused, "not_found"),
        (answer(401, b""), AuthenticationError, "does not accept the key"),
    ],
)
def test_a_definite_answer_is_not_asked_again(behave: Behaviour, kind: type[PfmmError], says: str) -> None:
    with serving(behave) as server, client_of(server.url) as client:
        with pytest.raises(kind, match=says):
            client.get("/api/state")
        assert len(server.requests) == 1


# --- every httpx exception --------------------------------------------------------------------------------------------


def leaves(kind: type[Exception]) -> Iterator[type[Exception]]:
    below = [sub for sub in kind.__subclasses__() if sub.__module__.split(".")[0] == "httpx"]
    yield from [kind] if not below else (leaf for sub in below for leaf in leaves(sub))


HTTPX_EXCEPTIONS = sorted(
    {
        leaf
        for name in dir(httpx)
        if isinstance(kind := getattr(httpx, name), type) and issubclass(kind, Exception)
        for leaf in leaves(kind)
    },
    key=lambda kind: kind.__name__,
)


def made(kind: type[Exception]) -> Exception:
    request = httpx.Request("POST", "http://127.0.0.1/", headers={"Authorization": f"Bearer {KEY}"})
    if kind is httpx.HTTPStatusError:
        return httpx.HTTPStatusError(KEY, request=request, response=httpx.Response(500))
    if issubclass(kind, (httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead, httpx.RequestNotRead)):
        return kind()
    return kind(KEY)


def test_every_httpx_exception_is_on_exactly_one_list() -> None:
    assert len(HTTPX_EXCEPTIONS) > 15
    assert set(HTTPX_EXCEPTIONS) == NEVER_SENT | MAYBE_SENT
    assert not NEVER_SENT & MAYBE_SENT


@pytest.mark.parametrize("kind", [*HTTPX_EXCEPTIONS, ZeroDivisionError], ids=lambda kind: kind.__name__)
def test_every_exception_of_a_transport_becomes_ours(kind: type[Exception]) -> None:
    class Broken(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise made(kind) if kind is not ZeroDivisionError else ZeroDivisionError(KEY)

    clock = FakeTime()
    with client_of(IN_PROCESS_URL, transport=Broken(), timekeeper=clock.keeper()) as client:
        with pytest.raises(VenueUnreachable if kind in NEVER_SENT else OutcomeUnknown) as caught:
            post(client)
        assert KEY not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__context__ is None
        if kind is not ZeroDivisionError:
            assert never_sent(made(kind)) == (kind in NEVER_SENT)
            with pytest.raises(VenueUnreachable):
                client.get("/api/state")


# --- the key ----------------------------------------------------------------------------------------------------------


def test_the_key_is_nowhere_but_on_the_wire(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = json.dumps({"error": f"bad_{KEY}", "message": f"no such key: {KEY}"}).encode()
    texts = []
    for behave in (cut, answer(401, echo), answer(400, echo), answer(500, echo), answer(429, echo), garbage):
        clock = FakeTime()
        with serving(behave) as server, client_of(server.url, timekeeper=clock.keeper()) as client:
            calls: list[Callable[[HttpClient], object]] = [post, lambda served: served.get("/api/state")]
            for call in calls:
                with pytest.raises(PfmmError) as caught:
                    call(client)
                error = caught.value
                texts += [str(error), repr(error), str(error.hint), *traceback.format_exception(error)]
                texts += [str(vars(error))]
            frames = traceback.TracebackException.from_exception(error, capture_locals=True)
            texts += [repr(client), repr(vars(client)), "".join(frames.format())]
            assert KEY.encode() in server.requests[0]
    own = [line for text in texts for line in text.splitlines() if KEY in line and "KEY" not in line]
    # the locals of this very test hold the key in `echo`
    assert [line for line in own if "echo" not in line] == []
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "spelt",
    [
        KEY,
        KEY.replace("-", "\\u002d"),
        "".join(f"\\u{ord(letter):04x}" for letter in KEY),
        "\\u0000".join(KEY),  # unprintable letters are dropped from messages: not before the key is looked for
    ],
)
def test_a_key_that_the_venue_repeats_reaches_no_field_and_no_message(spelt: str) -> None:
    body = f'{{"error":"{spelt}","message":"no: {spelt}","{spelt}":[1.5,{{"account_id":"{spelt}"}}]}}'.encode()
    with serving(answer(200, body), answer(200, body), answer(400, body)) as server, client_of(server.url) as client:
        if "\\u0000" not in spelt:
            clean = {"error": "***", "message": "no: ***", "***": [Decimal("1.5"), {"account_id": "***"}]}
            assert [client.get("/api/state"), post(client)] == [clean, clean]
        else:
            client.get("/api/state"), post(client)  # such a text is refused where a field is read
        with pytest.raises(VenueRefused) as caught:
            client.get("/api/state")
        assert (caught.value.venue_code, KEY in caught.value.message) == ("***", False)


@pytest.mark.parametrize("spelt", [KEY, KEY.replace("-", "\\u002d")])
def test_a_key_at_hand_is_kept_out_of_answers_to_public_reads_too(spelt: str) -> None:
    body = f'{{"error":"no","message":"{spelt}","markets":["{spelt}"]}}'.encode()
    with (
        serving(answer(200, body), answer(200, body), answer(400, body)) as server,
        closing(HttpClient(server.url, key_at_hand=lambda: KEY)) as client,
    ):
        clean = {"error": "no", "message": "***", "markets": ["***"]}
        assert [client.get("/api/markets", signed=False), client.ask("/info", {})] == [clean, clean]
        with pytest.raises(VenueRefused) as caught:
            client.get("/api/markets", signed=False)
        assert "***" in caught.value.message
        assert KEY not in caught.value.message


def test_a_key_in_an_answer_that_is_no_json_reaches_no_message() -> None:
    with serving(answer(200, f'{{"{KEY}":1,"{KEY}":2}}'.encode())) as server, client_of(server.url) as client:
        with pytest.raises(BadVenueData, match=r"key '\*\*\*' is given twice"):
            client.get("/api/state")
        with pytest.raises(OutcomeUnknown, match=r"key '\*\*\*' is given twice"):
            post(client)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", "tab\there"])
def test_a_key_that_is_none_is_refused_unseen(key: str) -> None:
    with serving(answer()) as server, client_of(server.url, key=lambda: key) as client:
        with pytest.raises(SecretError) as caught:
            post(client)
        assert key not in caught.value.message
        assert server.requests == []


@pytest.mark.parametrize("key", [None, lambda: ""])
def test_without_a_key_only_public_reads_work(key: Callable[[], str] | None) -> None:
    with serving(answer()) as server, client_of(server.url, key=key) as client:
        assert client.get("/api/time", signed=False) == {"ok": True}
        with pytest.raises(AuthenticationError, match="needs an API key"):
            client.get("/api/account")
        with pytest.raises(AuthenticationError, match="needs an API key"):
            post(client)
        assert len(server.requests) == 1


def test_the_key_is_read_once_and_late() -> None:
    asked: list[int] = []

    def key() -> str:
        asked.append(1)
        return KEY

    with serving(answer()) as server, client_of(server.url, key=key) as client:
        client.get("/api/time", signed=False)
        assert asked == []
        post(client)
        client.get("/api/account")
        assert asked == [1]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://venue.example", "must be https"),
        ("http://127.0.0.1.venue.example", "must be https"),
        ("http://localhost.venue.example", "must be https"),
        ("http://10.0.0.1", "must be https"),
        ("ftp://127.0.0.1", "must be like https://host"),
        ("venue.example", "must be like https://host"),
        ("https://", "must be like https://host"),
        ("https://venue.example/?key=1", "must be like https://host"),
        ("https://user:pass@venue.example", "must not carry a user or password"),
        ("https://venue.example:notaport", "not a URL"),
        ("", "must be like https://host"),
    ],
)
def test_addresses_that_would_give_the_key_away_are_refused(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        HttpClient(url)
    assert "pass" not in caught.value.message.replace("password", "")


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]:80"])
def test_loopback_may_be_plain(url: str) -> None:
    HttpClient(url).close()


# --- the budget -------------------------------------------------------------------------------------------------------


def test_placing_waits_for_a_token_but_not_for_long() -> None:
    clock = FakeTime()
    budget = RateBudget(60, 600)  # one a second
    with serving(answer()) as server, client_of(server.url, timekeeper=clock.keeper(), budget=budget) as client:
        while budget.take(Lane.PLACE, clock.now_s) == 0:
            pass
        post(client)
        assert clock.slept == pytest.approx([1.0])
        budget.close(Lane.PLACE, clock.now_s, 30.0)
        with pytest.raises(RateLimited, match="was not sent") as caught:
            post(client)
        assert caught.value.retry_after_s >= 30.0
        client.act("DELETE", "/api/orders", lane=Lane.CANCEL)
        assert len(server.requests) == 2


def test_the_client_learns_from_the_venue() -> None:
    clock = FakeTime()
    budget = RateBudget(120, 600)
    told = answer(200, b"{}", "X-RateLimit-Limit: 90", "X-RateLimit-Remaining: 33", "X-RateLimit-Reset: 12")
    odd = answer(200, b"{}", "X-RateLimit-Limit: many", "X-RateLimit-Remaining: -1")
    no = answer(429, b"{}", "Retry-After: 5")
    with serving(told, odd, no) as server, client_of(server.url, timekeeper=clock.keeper(), budget=budget) as client:
        post(client)
        assert (budget.remaining(clock.now_s).orders, budget.remaining(clock.now_s).orders_per_minute) == (33, 90)
        post(client)
        assert budget.remaining(clock.now_s).orders == 32
        with pytest.raises(RateLimited):
            post(client)
        assert budget.remaining(clock.now_s).orders == 0
        assert budget.take(Lane.PLACE, clock.now_s) >= 5.0


# --- in-process -------------------------------------------------------------------------------------------------------


def scripted(reply: tuple[int, dict[str, str], bytes]) -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        status, headers, body = reply
        start_response(f"{status} X", list(headers.items()))
        return [body]

    return app


def test_an_in_process_venue_that_falls_over_leaves_the_outcome_unknown() -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        raise RuntimeError("disk full")

    with client_of(IN_PROCESS_URL, transport=in_process(app)) as client:
        with pytest.raises(OutcomeUnknown, match="RuntimeError"):
            post(client)
        with pytest.raises(RuntimeError, match="disk full"):
            client.get("/api/state")

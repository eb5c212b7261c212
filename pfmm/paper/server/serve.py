"""Serves the paper exchange over HTTP/1.1 on a loopback socket: threads, keep-alive, one send an answer.

It carries bytes between sockets and a WSGI application, and refuses what is not HTTP. Layer: paper.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pfmm.errors import ConfigError, PortInUse, UsageError
from pfmm.paper.server.faults import FaultPlan
from pfmm.paper.server.faulty_line import FaultyLine, Request, Response
from pfmm.paper.server.websocket import TalkMaker, WebSocket, missing, wants_upgrade
from pfmm.paper.wire import json_text
from pfmm.paper.wire.paths import WEB_SOCKET

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

IDLE_TIMEOUT_S = 60.0
MAX_LATENCY_MS = 60_000
_LINGER_S = 1.0
_DRIP_S = 0.02  # between two bytes of a dripping answer
_FAREWELL_S = 2.0


def serve(
    app_factory: Callable[[], WSGIApplication],
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    faults: FaultPlan | None = None,
    latency_ms: int = 0,
    on_ready: Callable[[str], object] | None = None,
    stop: threading.Event | None = None,
) -> int | None:
    """Serve until `stop` is set or, on the main thread without `stop`, until SIGINT or SIGTERM; return that signal.

    `app_factory` is called once; the application must take calls from several threads. `port` 0 takes a free one;
    `on_ready` gets the URL once requests are answered. `latency_ms` delays every request.
    Raises UsageError for a host that is not loopback and for a latency above a minute, PortInUse when the port is
    taken, ConfigError when it cannot be had for another reason.
    """
    server = PaperServer(app_factory(), host, port, faults=faults, latency_ms=latency_ms)
    with server.running():
        if stop is not None:
            _tell(on_ready, server.url)
            stop.wait()
            return None
        with _signals() as wait_for_signal:
            _tell(on_ready, server.url)
            return wait_for_signal()


class PaperServer(ThreadingHTTPServer):
    """The listening socket and its threads. `running()` is the way to use it; `url` is known from the start."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, app: WSGIApplication, host: str, port: int, *, faults: FaultPlan | None = None, latency_ms: int = 0
    ) -> None:
        address = _loopback(host)
        if not 0 <= port <= 65_535:
            raise UsageError(f"there is no port {port}", hint="0 takes a free one")
        if not 0 <= latency_ms <= MAX_LATENCY_MS:
            raise UsageError(f"the latency must be 0 to {MAX_LATENCY_MS} ms, not {latency_ms}")
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.app = app
        self.talk: TalkMaker | None = getattr(app, "talk", None)
        self.latency_s = latency_ms / 1000
        self.line = None if faults is None else FaultyLine(faults)
        self.closing = threading.Event()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        try:
            super().__init__((address, port), _Handler)
        except OSError as problem:
            raise _unbound(problem, address, port) from problem
        bound = f"[{address}]" if ":" in address else address
        self.url = f"http://{bound}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Bind without the base class's reverse look-up of the name, which can wait for a DNS server."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @contextmanager
    def running(self) -> Iterator[PaperServer]:
        """Answer requests in the background while the block runs; then let those in flight finish, and close."""
        loop = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        loop.start()
        try:
            yield self
        finally:
            self.closing.set()
            self.shutdown()
            loop.join()
            self.server_close()
            self._see_off()

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open[request] = threading.current_thread()
        try:
            super().finish_request(request, client_address)
        finally:
            with self._open_lock:
                del self._open[request]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a client that goes away in the middle; anything else is printed as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def _see_off(self) -> None:
        """End idle connections at once and give the busy ones a moment to answer."""
        with self._open_lock:
            waiting = list(self._open.items())
        for connection, _ in waiting:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        deadline = time.monotonic() + _FAREWELL_S
        for _, thread in waiting:
            thread.join(max(0.0, deadline - time.monotonic()))


class _Handler(BaseHTTPRequestHandler):
    """One connection: reads requests whole, has them answered, writes each answer with one send."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_TIMEOUT_S
    disable_nagle_algorithm = True
    wbufsize = -1
    server: PaperServer

    def _serve_one(self) -> None:
        body = self._read_body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path == WEB_SOCKET and wants_upgrade(headers):
            self._upgrade()
            return
        request = Request(method=self.command, target=_origin_form(self.path), headers=headers, body=body)
        if self.server.latency_s:
            self.hold(self.server.latency_s)
        if self.server.line is None:
            self.send(self._act(request))
        else:
            self.server.line.carry(request, self._act, self)

    def _upgrade(self) -> None:
        """Go on as a WebSocket, for as long as that lasts."""
        why = "there is none here" if self.server.talk is None else missing()
        if why is not None or self.server.talk is None:
            self._refuse("501 Not Implemented", "no_websocket", str(why))
            return
        self.close_connection = True
        WebSocket(self.connection, self.server.talk(), self.server.closing).serve(self.headers.items(), self.path)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve_one  # noqa: N815 the base's names

    def send(self, response: Response) -> None:
        """Send head and body at once: two would wait for each other's acknowledgement."""
        body = b"" if self.command == "HEAD" else response.body
        self.connection.sendall(self._head(response) + body)

    def send_half(self, response: Response) -> None:
        self.connection.sendall(self._head(response) + response.body[: len(response.body) // 2])
        self.close_connection = True

    def hold(self, seconds: float) -> None:
        self.server.closing.wait(seconds)

    def drip(self, start: bytes, seconds: float) -> None:
        self.close_connection = True
        self.connection.sendall(start)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.server.closing.wait(_DRIP_S):
            self.connection.sendall(b" ")

    def drop(self) -> None:
        self.close_connection = True

    def reset(self) -> None:
        # detached first: an orderly shutdown before the close would let the client see an end instead of a reset
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer in the dialect's JSON what the base class refuses: a line that is not HTTP, headers too long."""
        status = HTTPStatus(code)
        self._refuse(f"{status.value} {status.phrase}", "bad_request", explain or message or status.description)

    def handle_expect_100(self) -> bool:
        self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base's name
        """Log no request: the exchange's ledger is the record."""

    def _head(self, response: Response) -> bytes:
        lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in response.headers)]
        if not any(name.lower() == "content-length" for name, _ in response.headers):
            lines.append(f"Content-Length: {len(response.body)}")
        if self.server.closing.is_set():
            self.close_connection = True
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _refuse(self, status: str, code: str, message: str) -> None:
        self.close_connection = True
        body = json_text.dumps({"error": code, "message": message}).encode()
        self.send(Response(status=status, headers=[("Content-Type", "application/json")], body=body))
        self._linger()

    def _read_body(self) -> bytes | None:
        """Read the whole body; None when the connection is over: refused, or ended before its body was complete."""
        if self.headers.get("transfer-encoding") is not None:
            self._refuse("411 Length Required", "length_required", "send Content-Length, not Transfer-Encoding")
            return None
        lengths = self.headers.get_all("content-length") or ["0"]
        if len(set(lengths)) != 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            self._refuse("400 Bad Request", "bad_request", f"Content-Length {', '.join(lengths)} is not a length")
            return None
        if len(lengths[0]) > 12 or int(lengths[0]) > json_text.MAX_BYTES:
            self._refuse("413 Content Too Large", "body_too_large", f"a body has at most {json_text.MAX_BYTES} bytes")
            return None
        length = int(lengths[0])
        body = self.rfile.read(length)
        if len(body) < length:  # half-sent: never acted upon
            self.close_connection = True
            return None
        return body

    def _linger(self) -> None:
        """Read on a little after a refusal: closing on unread bytes would reset the answer away."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER_S)
            for _ in range(64):
                if not self.rfile.read1(65536):
                    break

    def _act(self, request: Request) -> Response:
        return _call(self.server.app, request)


def _origin_form(target: str) -> str:
    """Return the `/path?query` of a target that may be a whole URL, as proxies send it."""
    return target if target.startswith("/") else "/" + target.partition("://")[2].partition("/")[2]


def _call(app: WSGIApplication, request: Request) -> Response:
    """Call a WSGI application with one request, and gather its answer."""
    from urllib.parse import unquote

    path, _, query = request.target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "0",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    head: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], object]:
        head[:] = [status, headers]
        return lambda _data: None

    body = b"".join(app(environ, start_response))
    return Response(status=head[0], headers=head[1], body=body)


def _loopback(host: str) -> str:
    """Return the loopback address that `host` names. Without passwords the exchange answers this machine alone."""
    if host == "localhost":
        return "127.0.0.1"
    with suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return host
    raise UsageError(f"the paper exchange serves this machine only, not {host}", hint="use 127.0.0.1 or ::1")


def _unbound(problem: OSError, address: str, port: int) -> ConfigError:
    if problem.errno == errno.EADDRINUSE:
        return PortInUse(f"port {port} of {address} is taken", hint="choose another --port, or 0 for any")
    return ConfigError(f"cannot listen on port {port} of {address}: {problem.strerror}")


def _tell(on_ready: Callable[[str], object] | None, url: str) -> None:
    if on_ready is not None:
        on_ready(url)


@contextmanager
def _signals() -> Iterator[Callable[[], int]]:
    """Yield a wait for SIGINT or SIGTERM that no handler can deadlock: the signal is a byte on a socket pair."""
    inbox, outbox = socket.socketpair()
    outbox.settimeout(0)
    caught = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, lambda *_: None) for number in caught}
    wakeup = signal.set_wakeup_fd(outbox.fileno())

    def wait() -> int:
        while True:
            select.select([inbox], [], [])
            number = inbox.recv(1)[0]
            if number in caught:
                return number

    try:
        yield wait
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in previous.items():
            signal.signal(number, handler)
        inbox.close()
        outbox.close()

"""A socket server that never gets to the end of an answer: silent, or a byte at a time. Over TLS too."""

from __future__ import annotations

import io
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 60.0  # for what another thread does: a busy machine lets it wait

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# of a server on this machine only, made for these tests with `openssl req -x509 -newkey ec ... -days 36500`
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUXPv5vNpi3ctLUKEpbAYNdXDNgsIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyOTIwMjI0NFoYDzIxMjYxMTA1
MjAyMjQ0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASjsJl7tAJgSS4gj4VDMH+rqKtNHbyqk9erRViKVNk6Frw7A3ZLgT7t
INCLnZcdQU6KGsLAk3DoC8DzHVcyj6Rwo28wbTAdBgNVHQ4EFgQUZIoatbIBTI4Q
5jzDQiTFkV6dV3gwHwYDVR0jBBgwFoAUZIoatbIBTI4Q5jzDQiTFkV6dV3gwGgYD
VR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
zj0EAwIDSAAwRQIgKF5rP2nDxgn4r4gY9yu2PnE84Ro3agNenaBaQDx7r8MCIQCZ
jFTORx9Z239u13T0+WfQVYSIRv42qjgJru7E9ZxGIA==
-----END CERTIFICATE-----
"""
PRIVATE_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgr4JaDxmXhS07THY/
7ORjw3x+/91TH42+IXxGhF0a9WGhRANCAASjsJl7tAJgSS4gj4VDMH+rqKtNHbyq
k9erRViKVNk6Frw7A3ZLgT7tINCLnZcdQU6KGsLAk3DoC8DzHVcyj6Rw
-----END PRIVATE KEY-----
"""


class Listening:
    """A server of sockets on a port of its own: each connection is served on a thread until `close`."""

    def __init__(self, scheme: str = "http") -> None:
        self.done = threading.Event()
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Ends every connection and thread."""
        self.done.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(line,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        raise NotImplementedError


class SlowServer(Listening):
    """Answers the first `after` requests by `app`, and to every later one speaks without end, as `way` says:

    "headers" and "body" drip a byte every `pace_s`, "silent" says nothing, "flood" sends a body as fast as it can.
    `way` and `answered`, the number of requests that are answered, may be changed on the way.
    """

    def __init__(
        self,
        way: str,
        *,
        pace_s: float = 0.02,
        app: Application | None = None,
        after: int = 0,
        tls: Path | None = None,
    ) -> None:
        self.way, self.answered = way, after
        self._pace_s, self._app = pace_s, app
        self._context = None if tls is None else _server_context(tls)
        self.requests: list[str] = []
        self.dripping = threading.Event()
        self._lock = threading.Lock()
        super().__init__("http" if tls is None else "https")

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError), line:
            line.settimeout(PATIENCE_S)
            if self._context is not None:
                line = self._context.wrap_socket(line, server_side=True)
            with line:
                while request := _read_request(line):
                    with self._lock:
                        self.requests.append(request[0])
                        answers = len(self.requests) <= self.answered
                    if answers and self._app is not None:
                        line.sendall(_answer(self._app, *request))
                    else:
                        self._never_end(line)

    def _never_end(self, line: socket.socket) -> None:
        if self.way == "headers":
            line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        elif self.way in ("body", "flood"):
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n")
        self.dripping.set()
        if self.way == "flood":
            while not self.done.is_set():
                line.sendall(b" ")
        while not self.done.wait(self._pace_s if self.way != "silent" else PATIENCE_S):
            line.sendall(b" " if self.way == "body" else b"a")


def _read_request(line: socket.socket) -> tuple[str, dict[str, str], bytes] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = line.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rest)}
    while len(body) < int(headers.get("content-length", "0")):
        body += line.recv(65536)
    return first.rpartition(" ")[0], headers, body


def _answer(app: Application, target: str, headers: dict[str, str], body: bytes) -> bytes:
    """What a WSGI application says to a request, as bytes of HTTP."""
    method, _, address = target.partition(" ")
    path, _, query = address.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": headers.get("content-type", ""),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
    }
    if "authorization" in headers:
        environ["HTTP_AUTHORIZATION"] = headers["authorization"]
    said: list[bytes] = []

    def start(status: str, rows: list[tuple[str, str]]) -> Callable[[bytes], None]:
        said.append("\r\n".join([f"HTTP/1.1 {status}", *(f"{n}: {v}" for n, v in rows), "", ""]).encode())
        return said.append

    content = b"".join(app(environ, start))
    return b"".join(said) + content


@contextmanager
def no_name_service(monkeypatch: pytest.MonkeyPatch, host: str) -> Iterator[None]:
    """Within the block nobody answers what address `host` has, nor that it has none."""
    answers = threading.Event()
    real = socket.getaddrinfo

    def look_up(name: str, *args: Any, **options: Any) -> Any:
        if name == host and not options["flags"]:
            answers.wait(PATIENCE_S)
            raise socket.gaierror("no such name")
        return real(name, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        yield
    finally:
        answers.set()
        for thread in threading.enumerate():
            if thread.name == "resolver":
                thread.join(PATIENCE_S)


def trusting(folder: Path) -> Path:
    """The file of the certificate, for SSL_CERT_FILE."""
    file = folder / "certificate.pem"
    file.write_text(CERTIFICATE)
    return file


def _server_context(folder: Path) -> ssl.SSLContext:
    key = folder / "key.pem"
    key.write_text(PRIVATE_KEY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusting(folder), key)
    return context


@contextmanager
def serving(way: str, **options: Any) -> Iterator[SlowServer]:
    """A slow server for the length of the block."""
    server = SlowServer(way, **options)
    try:
        yield server
    finally:
        server.close()

"""One WebSocket of the paper exchange: frames over the connection that an HTTP request was upgraded from.

It carries texts between a socket and whoever talks (`Talk`), and must not know the dialect. Neither fragments nor
compresses; answers pings and a close. A client that is silent for a minute is let go. Needs the extra `ws`.
Layer: paper.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from pfmm.errors import ConfigError

if TYPE_CHECKING:
    from threading import Event

SILENCE_S = 60.0
MAX_TEXT = 1_000_000
READ_BYTES = 65_536
SEND_TIMEOUT_S = 10.0


class Talk(Protocol):
    """What is said on one connection."""

    interval_s: float

    def receive(self, text: str) -> Iterable[str]:
        """Answer one text of the client."""
        ...

    def updates(self) -> Iterable[str]:
        """Return what there is to tell since the last time."""
        ...


class Line(Protocol):
    """The connection, as much of it as is needed."""

    def fileno(self) -> int: ...

    def settimeout(self, seconds: float | None, /) -> None: ...

    def recv(self, most: int, /) -> bytes: ...

    def sendall(self, data: bytes, /) -> None: ...


def wants_upgrade(headers: Mapping[str, str]) -> bool:
    """Tell whether a request asks for a WebSocket; `headers` are in lower case."""
    return headers.get("upgrade", "").lower() == "websocket"


class WebSocket:
    """A connection after its upgrade. `serve` returns when it is over."""

    def __init__(self, connection: Line, talk: Talk, closing: Event) -> None:
        self._socket = connection
        self._talk = talk
        self._closing = closing
        self._wsproto = _library()
        self._frames: Any = self._wsproto.WSConnection(self._wsproto.ConnectionType.SERVER)
        self._text: list[str] = []
        self._open = True

    def serve(self, headers: Iterable[tuple[str, str]], path: str) -> None:
        """Answer the upgrade, then talk until either side has enough."""
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._socket.settimeout(SEND_TIMEOUT_S)
        self._frames.initiate_upgrade_connection(encoded, path)
        self._take()
        heard_s = due_s = time.monotonic()
        while self._open and not self._closing.is_set():
            now_s = time.monotonic()
            if now_s - heard_s > SILENCE_S:
                self._close()
                return
            readable, _, _ = select.select([self._socket], [], [], max(0.0, due_s - now_s))
            if readable:
                received = self._socket.recv(READ_BYTES)
                heard_s = time.monotonic()
                self._frames.receive_data(received or None)
                self._take()
            if time.monotonic() >= due_s:
                self._send(self._talk.updates())
                due_s = time.monotonic() + self._talk.interval_s
        if self._open:
            self._close()

    def _take(self) -> None:
        """Act on what the received bytes said."""
        events = self._wsproto.events
        for event in self._frames.events():
            if isinstance(event, events.Request):
                self._write(self._frames.send(events.AcceptConnection()))
            elif isinstance(event, events.Ping):
                self._write(self._frames.send(event.response()))
            elif isinstance(event, events.TextMessage):
                self._text.append(event.data)
                if sum(map(len, self._text)) > MAX_TEXT:
                    self._close()
                elif event.message_finished:
                    text, self._text = "".join(self._text), []
                    self._send(self._talk.receive(text))
            elif isinstance(event, events.CloseConnection):
                if self._frames.state is self._wsproto.connection.ConnectionState.REMOTE_CLOSING:
                    self._write(self._frames.send(event.response()))
                self._open = False

    def _send(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._write(self._frames.send(self._wsproto.events.TextMessage(data=text)))

    def _close(self) -> None:
        self._open = False
        self._write(self._frames.send(self._wsproto.events.CloseConnection(code=1001, reason="bye")))

    def _write(self, data: bytes) -> None:
        self._socket.sendall(data)


def missing() -> str | None:
    """Say why there can be no WebSocket; None where there can."""
    try:
        _library()
    except ConfigError as error:
        return f"{error.message}: {error.hint}"
    return None


def _library() -> Any:
    try:
        import wsproto
        import wsproto.connection
        import wsproto.events
    except ImportError:
        raise ConfigError("WebSockets need the library wsproto", hint="pip install 'pfmm[ws]'") from None
    return wsproto


TalkMaker = Callable[[], Talk]

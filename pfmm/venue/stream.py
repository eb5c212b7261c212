"""A venue's WebSocket, owned by one daemon thread that parses and publishes. Layer: venue. Needs the extra `ws`.

What arrives goes, under one lock, into slots (the latest value of its kind) and bounded queues, each with the local
time of its arrival and the number of its connection. The thread never calls anybody; others look when they want to.
It connects again, more and more slowly, subscribes again, and takes a socket for dead that is silent for 9 s.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Condition, Event, Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pfmm.errors import CannotDoThis
from pfmm.model.deadline import Deadline
from pfmm.venue import sockets
from pfmm.venue.client import Timekeeper

SILENT_S = 9.0
PING_S = 4.0
CONNECT_S = 5.0
READ_S = 0.1  # how long new subscriptions may wait to be sent
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 15.0
QUEUED = 10_000
READ_BYTES = 65_536
MAX_TEXT = 4_000_000
Json = Mapping[str, Any]


class Arrival(NamedTuple):
    """One value, the local time (monotonic s) of its arrival, and the number of its connection, from 1."""

    value: Any
    at_s: float
    connection: int


class Publication(NamedTuple):
    """Where a value belongs: the slot or the queue of a name."""

    name: str
    value: Any
    queued: bool


@dataclass(slots=True)
class _Queue:
    arrivals: deque[Arrival]
    overflowed: bool = False


class Stream:
    """The socket at `url`. `sort` says what a message publishes; it is called on the stream's own thread, and what it
    raises ends the connection."""

    def __init__(
        self,
        url: str,
        sort: Callable[[Json], Iterable[Publication]],
        *,
        ping: Json,
        timekeeper: Timekeeper | None = None,
    ) -> None:
        self._url = urlsplit(url)
        self._sort = sort
        self._ping = json.dumps(dict(ping))
        self._time = timekeeper or Timekeeper()
        self._library = _library()
        self._changed = Condition()
        self._slots: dict[str, Arrival] = {}
        self._queues: dict[str, _Queue] = {}
        self._wanted: list[str] = []
        self._connection = 0
        self._connected = False
        self._heard_s = 0.0
        self._problem = "nothing has arrived yet"
        self._ending = Event()
        self._thread = Thread(target=self._run, name="stream", daemon=True)

    # -- for everybody else

    def subscribe(self, messages: Iterable[Json]) -> None:
        """Send these messages now and after each new connection, each once however often it is asked for."""
        with self._changed:
            for message in messages:
                text = json.dumps(dict(message))
                if text not in self._wanted:
                    self._wanted.append(text)
        if not self._thread.is_alive() and not self._ending.is_set():
            self._thread.start()

    def slot(self, name: str) -> Arrival | None:
        """Return the latest value of that name; None before the first."""
        with self._changed:
            return self._slots.get(name)

    def wait_for(self, names: Sequence[str], seconds: float) -> bool:
        """Wait until every one of these slots holds something; False where the time was too short."""
        with self._changed:
            return self._changed.wait_for(lambda: all(name in self._slots for name in names), seconds)

    def wait_until(self, name: str, accept: Callable[[Arrival], bool], seconds: float) -> bool:
        """Wait until a slot holds what `accept` takes; False where the time was too short."""

        def holds() -> bool:
            found = self._slots.get(name)
            return found is not None and accept(found)

        with self._changed:
            return self._changed.wait_for(holds, seconds)

    def take(self, name: str) -> tuple[list[Arrival], bool]:
        """Take away everything that was queued under a name; True beside it where older values were lost."""
        with self._changed:
            queue = self._queues.pop(name, None)
        return ([], False) if queue is None else (list(queue.arrivals), queue.overflowed)

    @property
    def problem(self) -> str | None:
        """Tell why nothing arrives; None while the socket is open."""
        with self._changed:
            return None if self._connected else self._problem

    @property
    def heard(self) -> tuple[int, float]:
        """Return the number of the open connection and when it was heard last (monotonic s); number 0 without any."""
        with self._changed:
            return (self._connection if self._connected else 0), self._heard_s

    def close(self) -> None:
        """End the thread."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(CONNECT_S)

    # -- the thread

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._ending.is_set():
            before = self._connection
            try:
                self._one_connection()
            except Exception as error:  # noqa: BLE001 - whatever a server sends must not end the thread
                self._fail(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            pause_s = FIRST_PAUSE_S if self._connection > before else min(2 * pause_s, LONGEST_PAUSE_S)
            self._ending.wait(pause_s * (0.5 + self._time.jitter() / 2))

    def _fail(self, problem: str) -> None:
        with self._changed:
            self._connected, self._problem = False, problem
            self._changed.notify_all()

    def _one_connection(self) -> None:
        line = self._connect()
        try:
            self._talk(line)
        finally:
            line.close()

    def _connect(self) -> sockets.Line | sockets.TlsLine:
        waiting = sockets.Waiting(Deadline.after(CONNECT_S, self._time.monotonic_s))
        host, secure = self._url.hostname or "", self._url.scheme == "wss"
        line = sockets.connect(host, self._url.port or (443 if secure else 80), waiting)
        if not secure:
            return line
        import ssl

        over = sockets.TlsLine(line, ssl.create_default_context(), host)
        try:
            over.handshake(waiting)
        except BaseException:
            over.close()
            raise
        return over

    def _talk(self, line: sockets.Line | sockets.TlsLine) -> None:
        talk = _Talk(self._library, line, self._time)
        talk.open(self._url.netloc, self._url.path or "/")
        sent = 0
        heard_s = asked_s = self._time.monotonic_s()
        while not self._ending.is_set():
            now_s = self._time.monotonic_s()
            if now_s - heard_s > SILENT_S:
                raise TimeoutError(f"the socket was silent for {SILENT_S:g} s")
            if talk.accepted:
                with self._changed:
                    due = self._wanted[sent:]
                for text in due:
                    talk.send(text)
                sent += len(due)
                if now_s - asked_s > PING_S:
                    talk.send(self._ping)
                    asked_s = now_s
            texts = talk.receive(READ_S)
            if texts is None:
                continue
            heard_s = self._time.monotonic_s()
            if texts:
                self._publish(texts, heard_s, new=not self._connected)

    def _publish(self, texts: Sequence[str], at_s: float, *, new: bool) -> None:
        found = [one for text in texts for one in self._sort(_object(text))]
        with self._changed:
            if new:
                self._connection += 1
                self._connected = True
            self._heard_s = at_s
            for name, value, queued in found:
                arrival = Arrival(value, at_s, self._connection)
                if not queued:
                    self._slots[name] = arrival
                    continue
                queue = self._queues.setdefault(name, _Queue(deque(maxlen=QUEUED)))
                queue.overflowed = queue.overflowed or len(queue.arrivals) == QUEUED
                queue.arrivals.append(arrival)
            self._changed.notify_all()


class _Talk:
    """The frames of one connection."""

    def __init__(self, library: Any, line: sockets.Line | sockets.TlsLine, timekeeper: Timekeeper) -> None:
        self._library = library
        self._line = line
        self._time = timekeeper
        self._frames = library.WSConnection(library.ConnectionType.CLIENT)
        self._parts: list[str] = []
        self.accepted = False

    def open(self, host: str, path: str) -> None:
        """Ask for the upgrade."""
        self._write(self._frames.send(self._library.events.Request(host=host, target=path)))

    def send(self, text: str) -> None:
        """Send one text."""
        self._write(self._frames.send(self._library.events.TextMessage(data=text)))

    def receive(self, seconds: float) -> list[str] | None:
        """Return the texts that have come; None where nothing came in time. Raises ConnectionError when it is over."""
        waiting = sockets.Waiting(Deadline.after(seconds, self._time.monotonic_s))
        try:
            data = self._line.read(READ_BYTES, waiting)
        except TimeoutError:
            return None
        if not data:
            raise ConnectionError("the venue closed the socket")
        self._frames.receive_data(data)
        events, texts = self._library.events, []
        for event in self._frames.events():
            if isinstance(event, events.AcceptConnection):
                self.accepted = True
            elif isinstance(event, events.RejectConnection | events.CloseConnection):
                raise ConnectionError(f"the venue refused or closed the socket: {event}")
            elif isinstance(event, events.Ping):
                self._write(self._frames.send(event.response()))
            elif isinstance(event, events.TextMessage):
                self._parts.append(event.data)
                if sum(map(len, self._parts)) > MAX_TEXT:
                    raise ConnectionError(f"a message is longer than {MAX_TEXT} characters")
                if event.message_finished:
                    texts.append("".join(self._parts))
                    self._parts = []
        return texts

    def _write(self, data: bytes) -> None:
        self._line.write(data, sockets.Waiting(Deadline.after(CONNECT_S, self._time.monotonic_s)))


def _object(text: str) -> Json:
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("a message is no object")
    return message


def installed() -> bool:
    """Tell whether the extra that sockets need is installed; imports nothing."""
    from importlib.util import find_spec

    return find_spec("wsproto") is not None


def missing() -> CannotDoThis:
    """Build the error to raise where that extra is not installed."""
    return CannotDoThis("WebSockets need the library wsproto", hint="pip install 'pfmm[ws]'")


def _library() -> Any:
    try:
        import wsproto
        import wsproto.events
    except ImportError:
        raise missing() from None
    return wsproto

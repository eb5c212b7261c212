"""Sockets whose every wait ends with its request's deadline or with a signal. Layer: venue.

Standard library only. Each wait is a `poll` on the socket AND on what a signal makes readable, for at most the time
that is left: connecting, TLS, headers and body share one total, however slowly the bytes come in.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from contextlib import suppress
from math import ceil, isinf
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pfmm.errors import Interrupted

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from pfmm.model.deadline import Deadline

READABLE = select.POLLIN
WRITABLE = select.POLLOUT
_PART_BYTES = 65_536
_LOOK_AGAIN_S = 0.05
Answer = TypeVar("Answer")
Address = tuple[Any, ...]


class Wakeup(Protocol):
    """What a signal makes readable, and whether that signal asks to stop."""

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a signal arrives."""
        ...

    def stopping(self) -> bool:
        """Tell whether a signal has asked to stop; what is readable may be of one that did not (a resized window)."""
        ...


class Waiting:
    """How long one request may wait, and what cuts that short. Lives for one request, in one thread.

    A signal ends the wait with `Interrupted`; once the request has been `sent`, only `grace_s` after the signal, for an
    answer that is on its way. The end of the deadline raises TimeoutError.
    """

    def __init__(self, deadline: Deadline, wakeup: Wakeup | None = None, *, grace_s: float = 0.0) -> None:
        self._deadline = deadline
        self._wakeup = wakeup
        self._grace_s = grace_s
        self._in_grace = False
        self.sent = False

    def left_s(self) -> float:
        """Return the seconds that are left."""
        return self._deadline.left_s()

    def within(self, seconds: float) -> Waiting:
        """Return a wait for a part of the request that may take at most `seconds`, before anything is sent."""
        return Waiting(self._deadline.within(seconds), self._wakeup)

    def check(self) -> None:
        """Raise TimeoutError or Interrupted if the wait is over already."""
        if not self._in_grace and self._wakeup is not None and self._wakeup.stopping():
            self._interrupt()
        if self._deadline.passed:
            if self._in_grace:
                raise Interrupted
            raise TimeoutError("the time for the request is up")

    def until(self, fd: int, events: int) -> None:
        """Wait until `fd` shows one of `events` (or an error, which the next operation will tell)."""
        woken = False
        while True:
            self.check()
            poll = select.poll()
            poll.register(fd, events)
            left_s = self.left_s()
            if self._wakeup is not None and not self._in_grace:
                if woken:  # by what is no wish to stop, and is not ours to take away: look again and again
                    left_s = min(left_s, _LOOK_AGAIN_S)
                else:
                    poll.register(self._wakeup.fileno(), READABLE)
            ready = {one for one, _ in poll.poll(None if isinf(left_s) else ceil(left_s * 1000))}
            if fd in ready:
                return
            woken = woken or bool(ready)

    def _interrupt(self) -> None:
        if not self.sent or self._grace_s <= 0:
            raise Interrupted
        self._in_grace = True
        self._deadline = self._deadline.within(self._grace_s)


def rest(seconds: float, wakeup: Wakeup) -> None:
    """Wait `seconds`; raise Interrupted as soon as a signal asks to stop."""
    from time import monotonic

    from pfmm.model.deadline import Deadline

    ours, other = socket.socketpair()  # on which nothing ever comes
    with ours, other, suppress(TimeoutError):
        Waiting(Deadline.after(seconds, monotonic), wakeup).until(ours.fileno(), READABLE)


class Line:
    """A TCP connection. Every call takes the `Waiting` of the request that it serves. Raises OSError."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    @property
    def socket(self) -> socket.socket:
        """Return the socket itself."""
        return self._socket

    def read(self, max_bytes: int, waiting: Waiting) -> bytes:
        """Return what has come, at most `max_bytes`; empty when the other side has closed."""
        return self._when_ready(lambda: self._socket.recv(max_bytes), READABLE, waiting)

    def write(self, data: bytes, waiting: Waiting) -> None:
        """Send all of `data`."""
        rest_of = memoryview(data)
        while rest_of:
            count = self._when_ready(lambda: self._socket.send(rest_of), WRITABLE, waiting)  # noqa: B023 - called at once
            rest_of = rest_of[count:]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def readable(self) -> bool:
        """Tell whether something is there to read: on an idle connection, that the other side has closed it."""
        if self._socket.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._socket, READABLE)
        return bool(poll.poll(0))

    def _when_ready(self, act: Callable[[], Answer], events: int, waiting: Waiting) -> Answer:
        waiting.check()  # else a server that always has more to say would never be waited for
        while True:
            try:
                return act()
            except BlockingIOError:
                waiting.until(self._socket.fileno(), events)


class TlsLine:
    """TLS over a `Line`, or over another `TlsLine` (a proxy that speaks TLS itself)."""

    def __init__(self, below: Line | TlsLine, context: ssl.SSLContext, server_name: str | None) -> None:
        import ssl

        self._below = below
        self._wants_more = ssl.SSLWantReadError
        self._closed = ssl.SSLZeroReturnError
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

    @property
    def socket(self) -> socket.socket:
        """Return the socket at the bottom."""
        return self._below.socket

    def handshake(self, waiting: Waiting) -> None:
        """Agree on keys and check the certificate. Raises ssl.SSLError, an OSError."""
        self._carry(self.tls.do_handshake, waiting)

    def read(self, max_bytes: int, waiting: Waiting) -> bytes:
        """See `Line.read`. What is decrypted already comes first, without any wait."""
        try:
            return self._carry(lambda: self.tls.read(max_bytes), waiting)
        except self._closed:
            return b""

    def write(self, data: bytes, waiting: Waiting) -> None:
        """See `Line.write`."""
        rest_of = memoryview(data)
        while rest_of:
            count = self._carry(lambda: self.tls.write(rest_of), waiting)  # noqa: B023 - called at once
            rest_of = rest_of[count:]

    def close(self) -> None:
        """Close the socket at the bottom."""
        self._below.close()

    def readable(self) -> bool:
        """See `Line.readable`."""
        return self._below.readable()

    def _carry(self, act: Callable[[], Answer], waiting: Waiting) -> Answer:
        """Do `act`, and carry records between it and the line below until it is done."""
        while True:
            try:
                answer = act()
            except self._wants_more:
                self._flush(waiting)
                data = self._below.read(_PART_BYTES, waiting)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                self._flush(waiting)
                return answer

    def _flush(self, waiting: Waiting) -> None:
        if self._outgoing.pending:
            self._below.write(self._outgoing.read(), waiting)


def connect(host: str, port: int, waiting: Waiting) -> Line:
    """Return a connection to the first address of `host` that takes one. Raises OSError, TimeoutError, Interrupted.

    An address that does not answer takes no more than its share of the time: with 9 s left, the first of three 3 s.
    """
    addresses = resolve(host, port, waiting)
    failure: OSError = OSError(f"{host} has no address")
    for index, (family, address) in enumerate(addresses):
        share_s = waiting.left_s() / (len(addresses) - index)
        try:
            return Line(_connected(family, address, waiting.within(share_s)))
        except OSError as error:
            failure = error
    raise failure


def _connected(family: int, address: Address, waiting: Waiting) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        with suppress(BlockingIOError):
            sock.connect(address)
        waiting.until(sock.fileno(), WRITABLE)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def resolve(host: str, port: int, waiting: Waiting) -> Sequence[tuple[int, Address]]:
    """Return the addresses of `host`, each with its family. Raises OSError, TimeoutError, Interrupted.

    A name is looked up on a daemon thread: the system's resolver has no deadline and hears no signal. A look-up that is
    given up goes on alone and ends with the process.
    """
    with suppress(socket.gaierror, UnicodeError):
        return _addresses(host, port, socket.AI_NUMERICHOST)
    answers: list[Sequence[tuple[int, Address]] | OSError] = []
    ours, theirs = os.pipe()

    def look_up() -> None:
        try:
            answers.append(_addresses(host, port, 0))
        except (OSError, UnicodeError) as error:
            answers.append(error if isinstance(error, OSError) else OSError(f"{host!r} is no name of a host"))
        finally:
            os.close(theirs)  # which wakes the one who waits

    try:
        threading.Thread(target=look_up, name="resolver", daemon=True).start()
        waiting.until(ours, READABLE | select.POLLHUP)
    finally:
        os.close(ours)
    (answer,) = answers
    if isinstance(answer, OSError):
        raise answer
    return answer


def _addresses(host: str, port: int, flags: int) -> list[tuple[int, Address]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in found]

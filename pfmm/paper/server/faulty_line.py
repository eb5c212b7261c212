"""Carries a request to the application over a line that fails as the fault plan says.

The connection offers what can be done to it. Layer: paper.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pfmm.paper.server.faults import Fault, FaultKind, FaultPlan, cross_quotes
from pfmm.paper.wire import json_text
from pfmm.paper.wire.paths import reads

_REMEMBERED = 256
_HUGE_BYTES = 40 * 1024 * 1024
_NESTED = 100_000
_DRIPPING_HEAD = b"HTTP/1.1 200 OK\r\nX-Slow: "
_DRIPPING_BODY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n["


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, read whole. `target` is the path with its query, `headers` have lower-case names."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer: "200 OK", its headers, its body."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Connection(Protocol):
    """What can be done to the client's connection. Everything but `send` and `hold` ends it."""

    def send(self, response: Response) -> None: ...

    def send_half(self, response: Response) -> None:
        """Send the whole head and half of the body, then end it."""
        ...

    def hold(self, seconds: float) -> None:
        """Wait, at most until the server stops."""
        ...

    def drip(self, start: bytes, seconds: float) -> None:
        """Send `start` and then a byte every little while; the rest never comes."""
        ...

    def drop(self) -> None: ...

    def reset(self) -> None:
        """End it with a TCP reset."""
        ...


Act = Callable[[Request], Response]


class FaultyLine:
    """One line for all connections of a server: it numbers the requests and remembers answers for stale reads."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        self._number = 0
        self._answers: OrderedDict[tuple[str, str, bytes], Response] = OrderedDict()

    def carry(self, request: Request, act: Act, connection: Connection) -> None:
        """Bring `request` to `act` and the answer back over `connection`, or fail as planned."""
        with self._lock:
            self._number += 1
            number = self._number
        fault = self._plan.fault(number, request.method, request.path)
        if fault is None:
            connection.send(self._remembering(request, act))
        else:
            self._fail(fault, request, act, connection)

    def _fail(self, fault: Fault, request: Request, act: Act, connection: Connection) -> None:
        match fault.kind:
            case FaultKind.TIMEOUT_BEFORE | FaultKind.TIMEOUT_AFTER:
                if fault.kind is FaultKind.TIMEOUT_AFTER:
                    act(request)
                connection.hold(fault.hold_s)
                connection.drop()
            case FaultKind.RESET_BEFORE | FaultKind.RESET_AFTER:
                if fault.kind is FaultKind.RESET_AFTER:
                    act(request)
                connection.reset()
            case FaultKind.LATE:
                connection.reset()
                connection.hold(fault.hold_s)
                act(request)
            case FaultKind.HEADER_DRIP | FaultKind.BODY_DRIP:
                act(request)
                start = _DRIPPING_HEAD if fault.kind is FaultKind.HEADER_DRIP else _DRIPPING_BODY
                connection.drip(start, fault.hold_s)
            case FaultKind.HTML | FaultKind.HUGE | FaultKind.NESTED:
                act(request)
                connection.send(_no_answer(fault.kind))
            case FaultKind.HALF_BODY:
                connection.send_half(act(request))
            case FaultKind.LATENCY:
                connection.hold(fault.latency_ms / 1000)
                connection.send(self._remembering(request, act))
            case _:
                connection.send(self._wrong_answer(fault, request, act))

    def _wrong_answer(self, fault: Fault, request: Request, act: Act) -> Response:
        match fault.kind:
            case FaultKind.HTTP_429:
                return _error("429 Too Many Requests", "rate_limited", retry_after_s=1)
            case FaultKind.HTTP_500 | FaultKind.HTTP_500_AFTER:
                if fault.kind is FaultKind.HTTP_500_AFTER:
                    act(request)
                return _error("500 Internal Server Error", "injected_fault")
            case FaultKind.DUPLICATE:
                act(request)
                return act(request)
            case FaultKind.STALE:
                with self._lock:
                    earlier = self._answers.get(_key(request))
                return earlier if earlier is not None else self._remembering(request, act)
            case FaultKind.CROSSED:
                return _edited(act(request), cross_quotes)
            case _:
                return _edited(act(request), lambda payload: _skewed(payload, fault.skew_ms))

    def _remembering(self, request: Request, act: Act) -> Response:
        """Act, and keep the answer of a read for a later stale one: as old as the last read that went well."""
        response = act(request)
        if reads(request.method, request.path) and response.status.startswith("200"):
            with self._lock:
                self._answers[_key(request)] = response
                self._answers.move_to_end(_key(request))
                if len(self._answers) > _REMEMBERED:
                    self._answers.popitem(last=False)
        return response


def _key(request: Request) -> tuple[str, str, bytes]:
    # by account too, or a stale read would answer with somebody else's positions
    return request.headers.get("authorization", ""), request.target, request.body


def _no_answer(kind: FaultKind) -> Response:
    """Make a 200 with a body that is no answer: a proxy's page, 40 MB of blanks, or lists nested without end."""
    if kind is FaultKind.HTML:
        page = b"<!DOCTYPE html><html><body><h1>Service is being updated</h1></body></html>"
        return Response("200 OK", [("Content-Type", "text/html")], page)
    body = b" " * _HUGE_BYTES if kind is FaultKind.HUGE else b"[" * _NESTED
    return Response("200 OK", [("Content-Type", "application/json")], body)


def _error(status: str, code: str, *, retry_after_s: int | None = None) -> Response:
    body = json_text.dumps({"error": code, "message": "a fault that --faults asked for"}).encode()
    headers = [("Content-Type", "application/json")]
    if retry_after_s is not None:
        headers.append(("Retry-After", str(retry_after_s)))
    return Response(status=status, headers=headers, body=body)


def _edited(response: Response, edit: Callable[[Any], Any]) -> Response:
    """Return the answer with its JSON edited; errors and empty bodies stay as they are."""
    if not response.status.startswith("200") or not response.body:
        return response
    headers = [header for header in response.headers if header[0].lower() != "content-length"]  # it changes
    return replace(response, headers=headers, body=json_text.dumps(edit(json_text.loads(response.body))).encode())


def _skewed(payload: dict[str, Any], skew_ms: int) -> dict[str, Any]:
    return {**payload, "time_ms": payload["time_ms"] + skew_ms}

"""The paper exchange's face: a WSGI application that answers the wire dialect over an Exchange.

It shares no code with the client of the same dialect. Layer: paper.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from pfmm.errors import UnknownMarket
from pfmm.paper.exchange import Exchange
from pfmm.paper.messages import Busy, ExchangeError
from pfmm.paper.wire import json_text
from pfmm.paper.wire.purpleflea import Call, Route, find_routes
from pfmm.paper.wire.purpleflea_json import error_json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from pfmm.paper.server.throttle import Throttle
    from pfmm.paper.wire.hyperliquid import Dialect
    from pfmm.paper.wire.hyperliquid_streams import Streams


HYPERLIQUID = ("/info", "/exchange")
_KEY = re.compile(r"Bearer paper-([A-Za-z0-9][A-Za-z0-9._-]{0,63})")
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
Headers = list[tuple[str, str]]


class _Answer(NamedTuple):
    status: int
    payload: Any
    headers: tuple[tuple[str, str], ...] = ()


class PaperApp:
    """WSGI callable. It answers everything itself, its own failures included: no exception passes to the server."""

    def __init__(
        self,
        exchange: Exchange,
        throttle: Throttle | None,
        clock_s: Callable[[], float],
        wall_ms: Callable[[], int],
    ) -> None:
        self._exchange = exchange
        self._wall_ms = wall_ms
        self._dialect: Dialect | None = None
        self._throttle = throttle
        self._clock_s = clock_s

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        limits: Headers = []
        try:
            answer = self._answer(environ, limits)
            text = json_text.dumps(answer.payload).encode()
        except Exception as failure:  # noqa: BLE001 the boundary: in-process clients would get it raw
            import traceback

            traceback.print_exception(failure, file=environ["wsgi.errors"])
            answer = _Answer(500, {"error": "internal", "message": f"{type(failure).__name__}: {failure}"})
            text = json_text.dumps(answer.payload).encode()
        head = [("Content-Type", "application/json"), ("Content-Length", str(len(text))), *limits, *answer.headers]
        start_response(f"{answer.status} {_REASONS.get(answer.status, 'Refused')}", head)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else text]

    def _answer(self, environ: WSGIEnvironment, limits: Headers) -> _Answer:
        try:
            return self._answer_or_refuse(environ, limits)
        except ExchangeError as refusal:
            headers = (("Retry-After", str(refusal.retry_after_s)),) if isinstance(refusal, Busy) else ()
            return _Answer(refusal.status, error_json(refusal), headers)
        except UnknownMarket as unknown:
            message = f"{unknown.message}; {unknown.hint}" if unknown.hint else unknown.message
            return _Answer(404, {"error": "unknown_market", "message": message})

    def _answer_or_refuse(self, environ: WSGIEnvironment, limits: Headers) -> _Answer:
        path = environ.get("PATH_INFO", "")
        if path in HYPERLIQUID:
            return _Answer(200, self._hyperliquid(environ, path))
        methods, tail = find_routes(path)
        if methods is None:
            raise ExchangeError(404, "not_found", f"there is no {path[:200]}")
        method = environ["REQUEST_METHOD"]
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            allowed = ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
            payload = {"error": "method_not_allowed", "message": f"{path[:200]} answers {allowed}, not {method[:20]}"}
            return _Answer(405, payload, (("Allow", allowed),))
        account = _account(environ) if route.needs_key else ""
        refused = self._throttled(account, route, limits)
        if refused is not None:
            return refused
        body = _body(environ) if route.has_body else None
        call = Call(self._exchange, account, tail, environ.get("QUERY_STRING", ""), body)
        return _Answer(200, route.answer(call))

    def _hyperliquid(self, environ: WSGIEnvironment, path: str) -> Any:
        """Answer in the other dialect: two paths, both POST, every refusal an answer of its own."""
        if environ["REQUEST_METHOD"] != "POST":
            raise ExchangeError(405, "method_not_allowed", f"{path} answers POST")
        return self._other_dialect().answer(path, _body(environ))

    def talk(self) -> Streams:
        """Return the talker of one WebSocket, which speaks the other dialect."""
        return self._other_dialect().talk()

    def _other_dialect(self) -> Dialect:
        if self._dialect is None:
            from pfmm.paper.wire.hyperliquid import Dialect

            self._dialect = Dialect(self._exchange, self._wall_ms)
        return self._dialect

    def _throttled(self, account: str, route: Route, limits: Headers) -> _Answer | None:
        """Return the refusal of a request beyond its limit, None when it may pass; `limits` gains what the client
        should know of its budget either way."""
        if self._throttle is None or route.lane is None:
            return None
        allowance = self._throttle.take(account, route.lane, self._clock_s())
        limits += [
            ("X-RateLimit-Limit", str(allowance.limit)),
            ("X-RateLimit-Remaining", str(allowance.remaining)),
            ("X-RateLimit-Reset", str(allowance.reset_s)),
        ]
        if allowance.allowed:
            return None
        message = f"{allowance.limit} {route.lane} requests a minute are spent"
        return _Answer(429, {"error": "rate_limited", "message": message}, (("Retry-After", str(allowance.reset_s)),))


def make_app(
    exchange: Exchange,
    *,
    throttle: Throttle | None = None,
    clock_s: Callable[[], float] = time.monotonic,
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> PaperApp:
    """Make the application over `exchange`, callable from several threads. `throttle` enforces the documented request
    limits; without one there are none. `clock_s` is the throttle's clock: seconds that never go back. `wall_ms` is the
    clock by which the numbers of signed requests are judged."""
    return PaperApp(exchange, throttle, clock_s, wall_ms)


def _account(environ: WSGIEnvironment) -> str:
    """Read the account that the key names: `Bearer paper-NAME`. Raises ExchangeError 401."""
    found = _KEY.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
    if found is None:
        raise ExchangeError(401, "unauthorized", "the key of a paper account is paper- and its name, as a Bearer token")
    return found[1]


def _body(environ: WSGIEnvironment) -> Any:
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise ExchangeError(400, "bad_request", f"Content-Length {length[:40]} is not a length")
    if len(length) > 12 or int(length) > json_text.MAX_BYTES:
        raise ExchangeError(413, "body_too_large", f"a body has at most {json_text.MAX_BYTES} bytes")
    raw = environ["wsgi.input"].read(int(length))
    if len(raw) < int(length):
        raise ExchangeError(400, "bad_request", f"the body ended after {len(raw)} of {length} bytes")
    try:
        return json_text.loads(raw)
    except json_text.JsonRefused as problem:
        raise ExchangeError(400, "bad_request", str(problem)) from problem

"""One HTTP client for every venue: sends a request, proves what can be known about its fate, and says it in our errors.

The only module that imports httpx. Knows statuses, retries, the key and the request budget; knows no endpoint.
Reads are repeated within bounds. A request that acts is never repeated unless the venue says that it did not act.
"""

from __future__ import annotations

import ipaddress
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from pfmm.errors import AuthenticationError, ConfigError, RateLimited, SecretError
from pfmm.venue.ratelimit import Lane, RateBudget
from pfmm.venue.reply import Judge, NoReply, Reply, busy, retry_after_s, whole_header
from pfmm.venue.wire import encode

if TYPE_CHECKING:
    from collections.abc import Generator
    from wsgiref.types import WSGIApplication

IN_PROCESS_URL = "http://127.0.0.1"  # never dialled: the transport of `in_process` calls the application itself

MAX_BODY_BYTES = 16 * 1024 * 1024
READ_ATTEMPTS = 4
READ_TOTAL_S = 20.0
BUSY_ATTEMPTS = 3
FIRST_BACKOFF_S = 0.2
# below the 5 s after which common servers drop an idle connection: a request must not race that close
KEEPALIVE_S = 4.0
_SHORTEST_KEY = 8

# What httpx raises before the first byte of a request leaves. A proxy error comes from the tunnel's own handshake.
NEVER_SENT: frozenset[type[Exception]] = frozenset(
    {
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.UnsupportedProtocol,
        httpx.ProxyError,
        httpx.InvalidURL,
    }
)
# What it raises when the request may have left, and may have acted.
MAYBE_SENT: frozenset[type[Exception]] = frozenset(
    {
        httpx.ReadTimeout,
        httpx.WriteTimeout,
        httpx.ReadError,
        httpx.WriteError,
        httpx.CloseError,
        httpx.LocalProtocolError,
        httpx.RemoteProtocolError,
        httpx.DecodingError,
        httpx.TooManyRedirects,
        httpx.HTTPStatusError,
        httpx.CookieConflict,
        httpx.StreamConsumed,
        httpx.StreamClosed,
        httpx.ResponseNotRead,
        httpx.RequestNotRead,
    }
)
_HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError)


@dataclass(frozen=True, slots=True)
class Timekeeper:
    """The clocks and chances that a client uses; tests bring their own. `jitter` gives numbers in [0, 1)."""

    monotonic_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


class _Bearer(httpx.Auth):
    """Puts the key on a request, and keeps it out of every repr and text."""

    def __init__(self, read: Callable[[], str] | None) -> None:
        self._read = read
        self._value = ""

    def __repr__(self) -> str:
        return "<API key>"

    def load(self) -> None:
        """Reads the key once. Raises AuthenticationError when there is none, SecretError when it is unusable."""
        if self._value:
            return
        value = self._read() if self._read is not None else ""
        if not value:
            raise AuthenticationError("this request needs an API key and none is set")
        if not value.isascii() or not value.isprintable() or " " in value:
            raise SecretError("the API key holds a space, a line break or another character that no key has")
        self._value = value

    def redact(self, text: str) -> str:
        """The text without the key, should a venue repeat it in its answer."""
        return text.replace(self._value, "***") if self._value else text

    def may_repeat_key(self, body: bytes) -> bool:
        """Whether the body holds the key, or escapes behind which it could hide. Quick; a key too short to be one
        would be found in any answer, and is not looked for."""
        return len(self._value) >= _SHORTEST_KEY and (self._value.encode() in body or b"\\" in body)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """httpx's hook: adds the header just before the request leaves."""
        request.headers["Authorization"] = f"Bearer {self._value}"
        yield request


def never_sent(error: Exception) -> bool:
    """True when this httpx error proves that nothing of the request left; unknown errors prove nothing."""
    return any(kind in NEVER_SENT for kind in type(error).__mro__)


def in_process(app: WSGIApplication) -> httpx.BaseTransport:
    """A transport that calls a WSGI application in this process: no socket, no TLS, same bytes."""
    return httpx.WSGITransport(app=app)


class HttpClient:
    """JSON over HTTP to one host, with one key. Safe to share between threads.

    `key` is called at the first request that needs it. `budget` None means no limit. `base_url` must be https unless
    its host is loopback (ConfigError); on loopback and with a `transport` no proxy setting of the environment counts.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: Callable[[], str] | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout_s: float = 10.0,
        read_attempts: int = READ_ATTEMPTS,
        budget: RateBudget | None = None,
        timekeeper: Timekeeper | None = None,
    ) -> None:
        url, loopback = _checked_url(base_url)
        self.place = url.netloc.decode("ascii")
        self.budget = budget
        self.time = timekeeper or Timekeeper()
        self._timeout_s = timeout_s
        self._read_attempts = read_attempts
        self._bearer = _Bearer(key)
        self._judge = Judge(self.place, self._bearer.redact, self._bearer.may_repeat_key)
        local = loopback or transport is not None
        self._client = httpx.Client(
            base_url=url,
            transport=transport or (_plain_transport() if loopback else None),
            trust_env=not local,
            follow_redirects=False,  # the key must not travel to another host
            timeout=httpx.Timeout(timeout_s),
            limits=_limits(),
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "pfmm"},
        )

    def close(self) -> None:
        """Closes every connection."""
        self._client.close()

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        signed: bool = True,
        total_s: float = READ_TOTAL_S,
    ) -> object:
        """A read: the parsed JSON of a 2xx answer.

        Tried up to `read_attempts` times within `total_s`, with growing, jittered pauses, longer where Retry-After
        says so. Raises VenueUnreachable, AuthenticationError, VenueRefused, RateLimited, BadVenueData.
        """
        if signed:
            self._bearer.load()
        what = f"GET {path}"
        deadline_s = self.time.monotonic_s() + total_s
        for attempt in range(self._read_attempts):
            self._spend(Lane.READ, what)
            outcome = self._attempt("GET", path, query, None, signed=signed, lane=Lane.READ, deadline_s=deadline_s)
            if isinstance(outcome, Reply) and outcome.status != 429 and outcome.status < 500:
                return self._judge.read(outcome, what)
            pause_s = self._pause_s(outcome, attempt)
            if attempt + 1 == self._read_attempts or self.time.monotonic_s() + pause_s >= deadline_s:
                break
            self.time.sleep(pause_s)
        raise self._judge.given_up(outcome, what)

    def act(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        *,
        lane: Lane,
    ) -> object:
        """A request that acts: the parsed JSON of a 2xx answer. Sent once.

        Only an answer 503 with error `busy`, the venue's word that it did not act, is asked again, up to 3 times.
        Raises VenueUnreachable when it certainly never left, VenueRefused, AuthenticationError or RateLimited when the
        venue said no, RiskRefused for a number that cannot be sent exactly, and OutcomeUnknown in every other case.
        """
        self._bearer.load()
        what = f"{method} {path}"
        content = None if body is None else encode(body)
        for attempt in range(BUSY_ATTEMPTS):
            reply = self._act_once(method, path, query, content, lane)
            if not busy(reply) or attempt + 1 == BUSY_ATTEMPTS:
                break
            self.time.sleep(min(self._pause_s(reply, attempt), lane.patience_s))
        return self._judge.acted(reply, what)

    def _act_once(
        self, method: str, path: str, query: Mapping[str, str] | None, content: bytes | None, lane: Lane
    ) -> Reply:
        what = f"{method} {path}"
        self._spend(lane, what)
        deadline_s = self.time.monotonic_s() + self._timeout_s
        outcome = self._attempt(method, path, query, content, signed=True, lane=lane, deadline_s=deadline_s)
        if isinstance(outcome, Reply):
            return outcome
        raise self._judge.unanswered(outcome, what)

    def _attempt(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        content: bytes | None,
        *,
        signed: bool,
        lane: Lane,
        deadline_s: float,
    ) -> Reply | NoReply:
        """One round trip. Errors become values here, so that no traceback carries httpx's own texts or objects."""
        try:
            timeout_s = max(0.001, min(self._timeout_s, deadline_s - self.time.monotonic_s()))
            request = self._client.build_request(
                method,
                path,
                params=query,
                content=content,
                headers=None if content is None else {"Content-Type": "application/json"},
                timeout=timeout_s,
            )
            response = self._client.send(request, stream=True, auth=self._bearer if signed else None)
            try:
                outcome = self._read(response, self.time.monotonic_s() + timeout_s)
            finally:
                response.close()
        except _HTTPX_ERRORS as error:
            return NoReply(type(error).__name__, never_sent(error))
        except Exception as error:
            # an in-process venue lets its own failures out raw: it may have acted before it failed
            if method == "GET":
                raise
            return NoReply(type(error).__name__, never_sent=False)
        if isinstance(outcome, Reply):
            self._learn(outcome, lane)
        return outcome

    def _read(self, response: httpx.Response, deadline_s: float) -> Reply | NoReply:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > MAX_BODY_BYTES:
                return NoReply("answer too large", never_sent=False)
            if self.time.monotonic_s() > deadline_s:
                return NoReply("answer too slow", never_sent=False)
        return Reply(response.status_code, response.headers, b"".join(parts))

    def _spend(self, lane: Lane, what: str) -> None:
        """Waits for room in the budget, no longer than the lane's patience; else raises RateLimited, nothing sent."""
        if self.budget is None:
            return
        deadline_s = self.time.monotonic_s() + lane.patience_s
        while True:
            now_s = self.time.monotonic_s()
            wait_s = self.budget.take(lane, now_s)
            if wait_s <= 0:
                return
            if now_s + wait_s > deadline_s:
                raise RateLimited(
                    f"{what} was not sent: the request budget of {self.place} is spent for {wait_s:.1f} s",
                    retry_after_s=wait_s,
                )
            self.time.sleep(wait_s)

    def _learn(self, reply: Reply, lane: Lane) -> None:
        if self.budget is None:
            return
        now_s = self.time.monotonic_s()
        limit = whole_header(reply, "x-ratelimit-limit")
        remaining = whole_header(reply, "x-ratelimit-remaining")
        self.budget.learn(lane, now_s, limit=limit, remaining=remaining)
        if reply.status == 429:
            self.budget.close(lane, now_s, retry_after_s(reply) or 1.0)

    def _pause_s(self, outcome: Reply | NoReply, attempt: int) -> float:
        """0.2, 0.4, 0.8 s, each between half and the whole of it by chance; never less than the venue asks for."""
        backoff_s = FIRST_BACKOFF_S * 2.0**attempt * (0.5 + self.time.jitter() / 2)
        return max(backoff_s, retry_after_s(outcome) if isinstance(outcome, Reply) else 0.0)


def _checked_url(base_url: str) -> tuple[httpx.URL, bool]:
    """The parsed address and whether its host is this machine. Raises ConfigError."""
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        raise ConfigError("the venue's address is not a URL") from None
    if url.userinfo:
        raise ConfigError("the venue's address must not carry a user or password")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ConfigError("the venue's address must be like https://host, without query or fragment")
    loopback = _is_loopback(url.host)
    if url.scheme == "http" and not loopback:
        raise ConfigError(
            f"the venue's address must be https: over http to {url.host} anyone on the way could read the key",
            hint="plain http is for 127.0.0.1 and localhost only",
        )
    return url, loopback and url.scheme == "http"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _limits() -> httpx.Limits:
    return httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=KEEPALIVE_S)


def _plain_transport() -> httpx.BaseTransport:
    """Sockets without TLS: the empty context trusts nobody, and spares loading the system's certificates."""
    import ssl

    return httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False, limits=_limits())

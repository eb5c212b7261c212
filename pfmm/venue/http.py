"""The HTTP libraries, kept in one place: requests over sockets of our own, or into a WSGI application. Layer: venue.

The only module that imports httpx and httpcore. Knows no status, no retry and no endpoint: `client` judges what comes.
"""

from __future__ import annotations

import ipaddress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from pfmm.errors import AuthenticationError, ConfigError, SecretError
from pfmm.venue import sockets
from pfmm.venue.reply import NoReply, Reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
    from wsgiref.types import WSGIApplication

    from httpcore import ConnectionPool, NetworkBackend, NetworkStream

    from pfmm.venue.sockets import Line, TlsLine, Waiting
else:  # httpcore asks for no base class, and a client in this process never imports it
    NetworkBackend = NetworkStream = object

Transport = httpx.BaseTransport

MAX_BODY_BYTES = 16 * 1024 * 1024
WAITING = "waiting"  # the extension of a request that holds its Waiting
# below the 5 s after which common servers drop an idle connection: a request must not race that close
KEEPALIVE_S = 4.0
_MAX_CONNECTIONS, _MAX_IDLE = 20, 10
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
FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError)


def checked_url(base_url: str) -> tuple[httpx.URL, bool]:
    """Return the parsed address, and whether it is plain http to this machine. Raises ConfigError."""
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


def never_sent(error: Exception) -> bool:
    """Tell whether this httpx error proves that nothing of the request left; unknown errors prove nothing."""
    return any(kind in NEVER_SENT for kind in type(error).__mro__)


def in_process(app: WSGIApplication) -> httpx.BaseTransport:
    """Return a transport that calls a WSGI application in this process: no socket, no TLS, same bytes."""
    return httpx.WSGITransport(app=app)


class Bearer(httpx.Auth):
    """Puts the key on a request, and keeps it out of every repr and text."""

    def __init__(self, read: Callable[[], str] | None, at_hand: Callable[[], str] | None = None) -> None:
        self._read = read
        self._at_hand = at_hand
        self._value = ""

    def __repr__(self) -> str:
        return "<API key>"

    def load(self) -> None:
        """Read the key once. Raises AuthenticationError when there is none, SecretError when it is unusable."""
        if self._value:
            return
        value = self._read() if self._read is not None else ""
        if not value:
            raise AuthenticationError("this request needs an API key and none is set")
        if not value.isascii() or not value.isprintable() or " " in value:
            raise SecretError("the API key holds a space, a line break or another character that no key has")
        self._value = value

    def redact(self, text: str) -> str:
        """Return the text without the key, should a venue repeat it in its answer."""
        hidden = self._hidden
        return text.replace(hidden, "***") if hidden else text

    @cached_property
    def _unsent(self) -> str:
        """Return the key that no request has needed yet, where it is at hand: an answer to a public read can repeat it
        too, from another connection or another program."""
        found = "" if self._at_hand is None else self._at_hand()
        return found if len(found) >= _SHORTEST_KEY else ""

    @property
    def _hidden(self) -> str:
        return self._value or self._unsent

    def may_repeat_key(self, body: bytes) -> bool:
        """Tell whether the body holds the key, or escapes behind which it could hide. Quick; a key too short to be one
        would be found in any answer, and is not looked for."""
        hidden = self._hidden
        return len(hidden) >= _SHORTEST_KEY and (hidden.encode() in body or b"\\" in body)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header just before the request leaves: httpx's hook."""
        request.headers["Authorization"] = f"Bearer {self._value}"
        yield request


class Http:
    """Requests to one host. Safe to share between threads.

    Over `transport`, or over sockets: without TLS where `plain`, else with the system's proxies and certificates.
    """

    def __init__(self, url: httpx.URL, *, transport: httpx.BaseTransport | None, plain: bool) -> None:
        self._client = httpx.Client(
            base_url=url,
            transport=transport or SocketTransport(None if plain else _proxy(url.host), plain=plain),
            trust_env=False,  # the environment is read here: the sockets are ours
            follow_redirects=False,  # the key must not travel to another host
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "pfmm"},
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        content: bytes | None,
        *,
        bearer: Bearer | None,
        waiting: Waiting,
    ) -> Reply | NoReply:
        """Send one request and return the whole answer, or NoReply for one that is too large.

        Raises `FAILURES`, Interrupted, and what an application in this process raises.
        """
        request = self._client.build_request(
            method,
            path,
            params=query,
            content=content,
            headers=None if content is None else {"Content-Type": "application/json"},
            timeout=waiting.left_s(),
            extensions={WAITING: waiting},
        )
        response = self._client.send(request, stream=True, auth=bearer)
        try:
            return _whole(response)
        finally:
            response.close()


def _whole(response: httpx.Response) -> Reply | NoReply:
    """Return the answer with its body; the request's Waiting bounds each wait for a part of it."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_BODY_BYTES:
            return NoReply("answer too large", never_sent=False)
    return Reply(response.status_code, response.headers, b"".join(parts))


class SocketTransport(httpx.BaseTransport):
    """Requests over `sockets`, each bounded in all by the Waiting in its extensions."""

    def __init__(self, proxy: httpx.Proxy | None, *, plain: bool) -> None:
        self._pool = _pool(proxy, _no_certificates() if plain else httpx.create_ssl_context())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request over a connection of the pool; httpx's hook."""
        import httpcore

        waiting: Waiting = request.extensions[WAITING]
        url = request.url
        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            # httpcore hands these on to the backend's calls as they are
            extensions={
                "timeout": {"connect": waiting, "write": waiting, "read": waiting, "pool": waiting.left_s()},
            },
        )
        try:
            answer = self._pool.handle_request(asked)
        except Exception as error:
            raise _as_httpx(error) from error
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))  # type: ignore[arg-type]

    def close(self) -> None:
        """Close every connection; httpx's hook."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer, read as it is asked for."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except Exception as error:
            raise _as_httpx(error) from error

    def close(self) -> None:
        self._stream.close()  # type: ignore[attr-defined]  # a stream of httpcore's pool has it


class _Backend(NetworkBackend):
    """Connections for httpcore. The `timeout` of every call is the request's Waiting."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Any = None,
        local_address: str | None = None,  # noqa: ARG002 - httpcore's signature; never given
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - likewise
    ) -> NetworkStream:
        try:
            return _Stream(sockets.connect(host, port, timeout))
        except OSError as error:
            raise _failure(error, "ConnectTimeout", "ConnectError") from error


class _Stream(NetworkStream):
    """One connection for httpcore."""

    def __init__(self, line: Line | TlsLine) -> None:
        self._line = line

    def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        try:
            return self._line.read(max_bytes, timeout)
        except OSError as error:
            raise _failure(error, "ReadTimeout", "ReadError") from error

    def write(self, buffer: bytes, timeout: Any = None) -> None:
        timeout.sent = True
        try:
            self._line.write(buffer, timeout)
        except OSError as error:
            raise _failure(error, "WriteTimeout", "WriteError") from error

    def close(self) -> None:
        self._line.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Any = None
    ) -> NetworkStream:
        line = sockets.TlsLine(self._line, ssl_context, server_hostname)
        try:
            line.handshake(timeout)
        except OSError as error:
            self.close()
            raise _failure(error, "ConnectTimeout", "ConnectError") from error
        except BaseException:
            self.close()
            raise
        return _Stream(line)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._line.readable()
        if info == "ssl_object" and isinstance(self._line, sockets.TlsLine):
            return self._line.tls
        return None


def _failure(error: OSError, on_timeout: str, on_error: str) -> Exception:
    """Return httpcore's word for the failure of a socket, by which it tells what became of a connection."""
    import httpcore

    kind: type[Exception] = getattr(httpcore, on_timeout if isinstance(error, TimeoutError) else on_error)
    return kind(str(error))


def _as_httpx(error: Exception) -> Exception:
    """Return httpx's failure of the same name for one of httpcore's; any other as it is."""
    if type(error).__module__.partition(".")[0] != "httpcore":
        return error
    kind: type[Exception] = getattr(httpx, type(error).__name__, httpx.TransportError)
    return kind(str(error))


def _pool(proxy: httpx.Proxy | None, context: ssl.SSLContext) -> ConnectionPool:
    import httpcore

    through = None
    if proxy is not None:
        url = proxy.url
        through = httpcore.Proxy(
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            auth=proxy.raw_auth,
            headers=proxy.headers.raw,
            ssl_context=proxy.ssl_context,
        )
    return httpcore.ConnectionPool(
        ssl_context=context,
        proxy=through,
        max_connections=_MAX_CONNECTIONS,
        max_keepalive_connections=_MAX_IDLE,
        keepalive_expiry=KEEPALIVE_S,
        network_backend=_Backend(),
    )


def _no_certificates() -> ssl.SSLContext:
    """Return a context that trusts nobody, for sockets without TLS: loading the system's certificates takes time."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _proxy(host: str) -> httpx.Proxy | None:
    """Return the proxy that the environment names for https requests to `host`. Raises ConfigError."""
    from urllib.request import getproxies, proxy_bypass

    named = getproxies()
    address = named.get("https") or named.get("all")
    if not address or proxy_bypass(host):
        return None
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    except (httpx.InvalidURL, ValueError):
        proxy = None
    if proxy is None or proxy.url.scheme not in ("http", "https") or not proxy.url.host:
        raise ConfigError("the proxy that the environment names (HTTPS_PROXY, ALL_PROXY) is no http(s) address")
    return proxy

"""A scripted Hyperliquid on loopback: one market whose quotes and prints the test sets, step by step.

It answers public reads over HTTP and speaks on a WebSocket when it is told to. What real servers do wrong it does on
demand: show no print for a while (lag), show prints again, show only the newest few, give no answer, break its sockets,
lose what it knew and begin anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import wsproto
import wsproto.events

START_MS = 1_764_489_600_000
COIN, MARKET = "BTC", "BTC-PERP"
UNIVERSE = [
    {"name": "BTC", "szDecimals": 5, "maxLeverage": 40},
    {"name": "OLD", "szDecimals": 1, "maxLeverage": 3, "isDelisted": True},
    {"name": "ETH", "szDecimals": 4, "maxLeverage": 25},
]
JSON = dict[str, Any]


class ScriptedVenue:
    """What the venue shows now. Prices are whole USD, sizes texts; `page` prints are shown at most."""

    def __init__(self, *, page: int = 10) -> None:
        self.time_ms = START_MS
        self.page = page
        self.down = False
        self.delisted: set[str] = set()
        self.url = ""
        self.bid, self.ask = 100_000, 100_001
        self.bid_size = self.ask_size = "1.5"
        self.prints: list[JSON] = []
        self.hidden: list[JSON] = []
        self.requests: list[JSON] = []
        self.lock = Lock()
        self.sockets: list[Socket] = []
        self.connections = 0
        self.refusing = False  # new sockets
        self._next_tid = 1

    def step(self, seconds: float = 1.0) -> None:
        """Time goes on."""
        self.time_ms += round(seconds * 1000)

    def quote(self, bid: int, ask: int, size: str = "1.5") -> None:
        """The best quotes from now on."""
        self.bid, self.ask, self.bid_size, self.ask_size = bid, ask, size, size

    def trade(self, price: int, size: str = "0.1", side: str = "A", *, ago_ms: int = 0, lag: bool = False) -> JSON:
        """One print, now or a little ago; with `lag` it is shown only after `catch_up`."""
        row = {
            "coin": COIN, "side": side, "px": str(price), "sz": size, "time": self.time_ms - ago_ms,
            "hash": "0x" + "0" * 64, "tid": self._next_tid, "users": ["0x" + "1" * 40, "0x" + "2" * 40],
        }  # fmt: skip
        self._next_tid += 1
        (self.hidden if lag else self.prints).append(row)
        return row

    def catch_up(self) -> None:
        """Shows the prints that lagged."""
        self.prints += self.hidden
        self.hidden = []

    def push(self) -> None:
        """Tells every socket what is new: prints, context, book."""
        with self.lock:
            for one in self.sockets:
                one.push()

    def drop(self) -> None:
        """Every socket breaks."""
        with self.lock:
            for one in self.sockets:
                one.drop()
            self.sockets = []

    def answer(self, asked: JSON) -> Any:
        """The answer to one public read."""
        self.requests.append(asked)
        match asked["type"]:
            case "exchangeStatus":
                return {"time": self.time_ms, "specialStatuses": None}
            case "meta":
                return {"universe": self.universe()}
            case "metaAndAssetCtxs":
                return [{"universe": self.universe()}, [self.context(one["name"]) for one in UNIVERSE]]
            case "l2Book":
                return self.book(asked["coin"])
            case "recentTrades":
                rows = sorted(self.prints, key=lambda row: row["time"])[-self.page :]
                return list(reversed(rows)) if asked["coin"] == COIN else []
            case "fundingHistory":
                hour = self.time_ms // 3_600_000 * 3_600_000
                times = [hour] if hour >= asked["startTime"] else []
                return [{"coin": asked["coin"], "fundingRate": "0.00002", "premium": "0", "time": at} for at in times]
        raise AssertionError(asked)

    def universe(self) -> list[JSON]:
        """Every market, those that were taken off the list marked."""
        return [{**one, "isDelisted": True} if one["name"] in self.delisted else one for one in UNIVERSE]

    def context(self, coin: str) -> JSON:
        """Mark, oracle and hourly funding."""
        mid = (self.bid + self.ask) / 2 if coin == COIN else 4_000
        return {
            "funding": "0.0000125", "openInterest": "688.11", "prevDayPx": str(mid), "dayNtlVlm": "1169046.29",
            "premium": "0.0003", "oraclePx": str(mid), "markPx": str(mid), "midPx": str(mid),
            "impactPxs": [str(self.bid), str(self.ask)], "dayBaseVlm": "8.0",
        }  # fmt: skip

    def book(self, coin: str) -> JSON:
        """Three levels a side."""
        bid, ask = (self.bid, self.ask) if coin == COIN else (3_999, 4_001)
        sides = [
            [{"px": str(best + sign * n), "sz": size if n == 0 else "2", "n": 1} for n in range(3)]
            for best, sign, size in ((bid, -1, self.bid_size), (ask, 1, self.ask_size))
        ]
        return {"coin": coin, "time": self.time_ms, "levels": sides}


class Socket:
    """One WebSocket of the venue."""

    def __init__(self, venue: ScriptedVenue, connection: Any) -> None:
        self._venue = venue
        self._connection = connection
        self._frames = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        self._subscribed: list[JSON] = []
        self._told = 0
        self.open = True

    def talk(self, headers: Iterable[tuple[str, str]], path: str) -> None:
        """Answers until the socket is over."""
        self._frames.initiate_upgrade_connection([(a.encode(), b.encode()) for a, b in headers], path)
        self._take()
        while self.open:
            data = self._connection.recv(65_536)
            with self._venue.lock:
                if not data:
                    self.open = False
                    return
                self._frames.receive_data(data)
                self._take()

    def _take(self) -> None:
        for event in self._frames.events():
            if isinstance(event, wsproto.events.Request):
                self._connection.sendall(self._frames.send(wsproto.events.AcceptConnection()))
            elif isinstance(event, wsproto.events.TextMessage):
                self._heard(json.loads(event.data))
            elif isinstance(event, wsproto.events.CloseConnection):
                self.open = False

    def _heard(self, message: JSON) -> None:
        if message["method"] == "ping":
            self._send({"channel": "pong"})
            return
        wanted = message["subscription"]
        self._subscribed.append(wanted)
        self._send({"channel": "subscriptionResponse", "data": message})
        if wanted["type"] == "trades":
            self._told = len(self._venue.prints)
            if wanted["coin"] == COIN and self._venue.prints:
                self._send({"channel": "trades", "data": self._venue.prints[-self._venue.page :]})
        else:
            self._tell(wanted)

    def push(self) -> None:
        """Prints since the last time, then contexts and books."""
        fresh, self._told = self._venue.prints[self._told :], len(self._venue.prints)
        if fresh and {"type": "trades", "coin": COIN} in self._subscribed:
            self._send({"channel": "trades", "data": fresh})
        for wanted in self._subscribed:
            if wanted["type"] != "trades":
                self._tell(wanted)

    def _tell(self, wanted: JSON) -> None:
        coin = wanted["coin"]
        data = (
            self._venue.book(coin) if wanted["type"] == "l2Book" else {"coin": coin, "ctx": self._venue.context(coin)}
        )
        self._send({"channel": wanted["type"], "data": data})

    def _send(self, message: JSON) -> None:
        if self.open:
            self._connection.sendall(self._frames.send(wsproto.events.TextMessage(data=json.dumps(message))))

    def drop(self) -> None:
        """Breaks without a word."""
        self.open = False
        with suppress(OSError):
            self._connection.shutdown(2)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    venue: ScriptedVenue

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.venue.lock:
            if self.venue.down:
                self.close_connection = True
                return
            body = json.dumps(self.venue.answer(asked)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.close_connection = True
        if self.venue.refusing or self.venue.down:
            return
        socket = Socket(self.venue, self.connection)
        with self.venue.lock:
            self.venue.sockets.append(socket)
            self.venue.connections += 1
        with suppress(OSError):
            socket.talk(self.headers.items(), self.path)
        with self.venue.lock:
            if socket in self.venue.sockets:
                self.venue.sockets.remove(socket)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Nothing is logged."""


@contextmanager
def served(venue: ScriptedVenue) -> Iterator[str]:
    """The venue on a socket; yields its URL."""
    handler = type("Handler", (_Handler,), {"venue": venue})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        venue.drop()
        server.shutdown()
        thread.join()
        server.server_close()

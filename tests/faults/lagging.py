"""An exchange behind a lagging server: some of its answers are of a while ago, and orders fill as their cancel arrives.

All in one process with a clock that requests and waits move, through the adapter of the dialect that has no atomic
snapshot. The truth stays in the exchange's own books.
"""

from __future__ import annotations

import heapq
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.feed import TRADE, Event, Feed, MarketSpec, TradeEvent, Watch
from pfmm.paper.messages import OrderRecord
from pfmm.paper.wire.wsgi import PaperApp, make_app
from pfmm.venue.client import IN_PROCESS_URL, HttpClient, Timekeeper
from pfmm.venue.http import in_process
from pfmm.venue.hyperliquid.adapter import Hyperliquid
from pfmm.venue.weights import WeightBudget
from tests.dialects import POSTED, hyperliquid

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

START_MS = 1_760_000_000_000
ACCOUNT = "main"


class PushedFeed:
    """A market as `inner` has it, with prints that a test adds in the future."""

    def __init__(self, inner: Feed, markets: int = 3) -> None:
        self._inner = inner
        self._markets = markets
        self._pushed: dict[str, list[TradeEvent]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def specs(self) -> Sequence[MarketSpec]:
        return self._inner.specs()[: self._markets]  # a look at prices reads every market

    def push(self, market: str, time_ms: int, price: int, aggressor: int) -> None:
        """A large print that goes through `price`."""
        self._pushed.setdefault(market, []).append(TradeEvent(time_ms, TRADE, price, 10**9, aggressor))

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        mine = [one for one in self._pushed.get(market, ()) if after_ms < one.time_ms <= to_ms]
        return heapq.merge(self._inner.events(market, after_ms, to_ms, watch), mine, key=lambda one: one.time_ms)

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        mine = [one for one in self._pushed.get(market, ()) if after_ms < one.time_ms <= to_ms]
        found = heapq.merge(self._inner.trades(market, after_ms, to_ms, limit), mine, key=lambda one: one.time_ms)
        return list(found)[:limit]


@dataclass(frozen=True)
class Lag:
    """How old answers are, ms. `states` and `orders` each choose one for a read, so that they go back in time where
    there are several; fills are hidden for `fills` ms; of the cancels `fill_on_cancel` arrive after the fill."""

    states: tuple[int, ...] = (0,)
    orders: tuple[int, ...] = (0,)
    fills: int = 0
    fill_on_cancel: float = 0.0


@dataclass
class Lagging:
    """The application of `exchange` with answers of a while ago. `between_ms` is what a request takes, at most."""

    exchange: Exchange
    feed: PushedFeed
    lag: Lag
    random: Random
    now_ms: int = START_MS
    between_ms: int = 60
    refuse_reads: int = 0  # so many of the next reads are refused for the whole address
    log: list[tuple[int, dict[str, Any], int]] = field(default_factory=list)
    on_step: Callable[[int], None] = lambda _: None
    told_fill: Callable[[dict[str, Any]], dict[str, Any]] = lambda row: row  # how an answer tells of a fill
    dialect: str = POSTED
    _history: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._app: PaperApp = make_app(self.exchange)

    def step(self, ms: int) -> None:
        """Lets the exchange's time pass."""
        self.now_ms += ms
        self.exchange.advance_clock(self.now_ms)
        self.on_step(self.now_ms)

    def venue(self, *, paced: bool = False) -> Hyperliquid:
        """An adapter whose waits are the exchange's time; `paced` with the budget of a venue that counts weights."""
        keeper = Timekeeper(
            monotonic_s=lambda: self.now_ms / 1000,
            sleep=lambda seconds: self.step(max(round(seconds * 1000), 1)),
            wall_ms=lambda: self.now_ms,
        )
        weights = WeightBudget(None, lambda: self.now_ms / 1000) if paced else None
        transport = in_process(self)
        http = HttpClient(IN_PROCESS_URL, transport=transport, read_attempts=1, timekeeper=keeper, budget=weights)
        return hyperliquid(http, ACCOUNT, weights)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.step(self.random.randint(1, self.between_ms))
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
        asked = json.loads(body)
        if environ["PATH_INFO"] == "/info" and self.refuse_reads:
            self.refuse_reads -= 1
            start_response("429 Too Many Requests", [("Content-Type", "application/json")])
            return [b"null"]
        if environ["PATH_INFO"] == "/exchange":
            self._fill_before_cancels(asked["action"])
        answer = self._now(environ, body)
        kind = asked.get("type")
        if kind in ("clearinghouseState", "frontendOpenOrders"):
            lags = self.lag.states if kind == "clearinghouseState" else self.lag.orders
            answer = self._earlier(kind, answer, self.random.choice(lags))
        elif kind == "userFillsByTime":
            rows = [row for row in json.loads(answer) if row["time"] <= self.now_ms - self.lag.fills]
            answer = json.dumps([self.told_fill(row) for row in rows]).encode()
        found = json.loads(answer)
        self.log.append((self.now_ms, asked, len(found) if isinstance(found, list) else 0))
        start_response("200 OK", [("Content-Type", "application/json")])
        return [answer]

    def _now(self, environ: WSGIEnvironment, body: bytes) -> bytes:
        from io import BytesIO

        asked = {**environ, "wsgi.input": BytesIO(body)}
        return b"".join(self._app(asked, lambda *_: lambda _: None))

    def watch(self, user: str) -> None:
        """Notes what the account looks like now, for answers that come later."""
        for kind in ("clearinghouseState", "frontendOpenOrders"):
            body = json.dumps({"type": kind, "user": user}).encode()
            environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/info", "CONTENT_LENGTH": str(len(body))}
            self._history.setdefault(kind, []).append((self.now_ms, self._now(environ, body)))

    def _earlier(self, kind: str, answer: bytes, lag_ms: int) -> bytes:
        """The newest answer that is at least `lag_ms` old; the oldest of all where none is."""
        history = self._history.setdefault(kind, [])
        history.append((self.now_ms, answer))
        place = bisect_right(history, self.now_ms - lag_ms, key=lambda one: one[0])
        return history[max(place - 1, 0)][1]

    def _fill_before_cancels(self, action: dict[str, Any]) -> None:
        """Some orders fill just before their cancel, or what replaces them, arrives."""
        items = action.get("cancels") or action.get("modifies") or []
        for item in items:
            if self.random.random() < self.lag.fill_on_cancel:
                wanted = item.get("o", item.get("oid", item.get("cloid")))
                for order in self.exchange.orders(ACCOUNT):
                    if wanted in (int(order.order_id[1:]), order.client_order_id):
                        self.fill(order)

    def fill(self, order: OrderRecord) -> None:
        """A print goes through the order."""
        assert order.price is not None
        spec = next(one for one in self.exchange.specs() if one.market == order.market)
        units = int(order.price.scaleb(spec.price_decimals))
        aggressor = -1 if order.side == "long" else 1
        self.feed.push(order.market, self.now_ms + 1, units + aggressor, aggressor)
        self.step(1)


@contextmanager
def lagging(folder: Path, feed: Feed, lag: Lag, seed: int, markets: int = 3) -> Iterator[Lagging]:
    """A stepped exchange over `feed` behind such a server."""
    folder.mkdir(parents=True, exist_ok=True)
    pushed = PushedFeed(feed, markets)
    stored = {"kind": "pushed", "speed": 0, "at_ms": START_MS}
    exchange = Exchange.open(folder / "x.sqlite3", lambda _: pushed, lambda: START_MS, first_feed=stored)
    exchange.open_account(ACCOUNT)
    try:
        yield Lagging(exchange, pushed, lag, Random(seed))
    finally:
        exchange.close()

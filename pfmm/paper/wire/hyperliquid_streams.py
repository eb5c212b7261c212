"""The WebSocket of the Hyperliquid dialect: subscriptions, their snapshots and updates, and posts. Layer: paper wire.

One object a connection. It looks at the exchange from time to time and tells what has changed since; an answer to a
post is that of `/info` or `/exchange`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pfmm.paper.exchange import Exchange
from pfmm.paper.messages import ExchangeError, OrderRecord
from pfmm.paper.wire import hyperliquid_json as form
from pfmm.paper.wire import json_text
from pfmm.paper.wire.hyperliquid_candles import candles
from pfmm.paper.wire.hyperliquid_names import Json, Names, object_of, unreadable

MAX_SUBSCRIPTIONS = 1_000
SHOWN_TRADES = 10
LOOK_BACK_MS = 300_000
NOBODY = "0x" + "0" * 40
Messages = Iterator[tuple[str, Any]]


class Streams:
    """What one connection has subscribed to. `read` answers as `/info`, `act` as `/exchange`."""

    interval_s = 0.2

    def __init__(
        self, exchange: Exchange, names: Names, read: Callable[[object], Any], act: Callable[[object], Any]
    ) -> None:
        self._exchange = exchange
        self._names = names
        self._read = read
        self._act = act
        self._streams: dict[str, _Stream] = {}

    def receive(self, text: str) -> Iterable[str]:
        """Answer one message of the client."""
        try:
            asked = object_of(json_text.loads(text.encode()))
            return [json_text.dumps(one) for one in self._answer(asked)]
        except (ExchangeError, json_text.JsonRefused) as refusal:
            return [json_text.dumps({"channel": "error", "data": str(refusal)})]

    def updates(self) -> Iterable[str]:
        """Tell what has changed in what was subscribed to."""
        return [
            json_text.dumps({"channel": channel, "data": data})
            for stream in list(self._streams.values())
            for channel, data in self._new_of(stream)
        ]

    def _new_of(self, stream: _Stream) -> Messages:
        try:
            yield from stream.news()
        except ExchangeError:
            return  # busy, or out of sight: the next look tells

    def _answer(self, asked: Json) -> Iterator[Json]:
        method = asked.get("method")
        if method == "ping":
            yield {"channel": "pong"}
        elif method == "post":
            yield {"channel": "post", "data": {"id": asked.get("id"), "response": self._posted(asked)}}
        elif method in ("subscribe", "unsubscribe"):
            wanted = object_of(asked.get("subscription"))
            key = json_text.dumps(dict(sorted(wanted.items())))
            said = {"channel": "subscriptionResponse", "data": {"method": method, "subscription": wanted}}
            if method == "unsubscribe":
                self._streams.pop(key, None)
                yield said
                return
            if len(self._streams) >= MAX_SUBSCRIPTIONS:
                raise unreadable(f"more than {MAX_SUBSCRIPTIONS} subscriptions")
            stream = self._stream(wanted)
            yield said
            for channel, data in stream.snapshot():
                yield {"channel": channel, "data": data}
            self._streams[key] = stream
        else:
            raise unreadable(f"method {str(method)[:40]!r} is not served")

    def _posted(self, asked: Json) -> Json:
        request = object_of(asked.get("request"))
        kind, payload = request.get("type"), request.get("payload")
        try:
            if kind == "action":
                return {"type": "action", "payload": self._act(payload)}
            if kind == "info":
                answer = self._read(payload)
                return {"type": "info", "payload": {"type": object_of(payload).get("type"), "data": answer}}
        except ExchangeError as refusal:
            return {"type": "error", "payload": str(refusal)}
        return {"type": "error", "payload": f"request type {str(kind)[:40]!r} is not served"}

    def _stream(self, wanted: Json) -> _Stream:
        kind = str(wanted.get("type"))
        makers: Mapping[str, type[_Stream]] = {
            "allMids": _Mids, "bbo": _Bbo, "l2Book": _Book, "trades": _Trades, "candle": _Candle,
            "activeAssetCtx": _Context, "userFills": _Fills, "userEvents": _Events, "orderUpdates": _Orders,
            "userFundings": _Fundings, "webData2": _WebData,
        }  # fmt: skip
        if kind not in makers:
            raise unreadable(f"subscription type {kind[:40]!r} is not served")
        return makers[kind](self._exchange, self._names, wanted, self._read)


class _Stream:
    """One subscription: a snapshot first, then what is new."""

    def __init__(self, exchange: Exchange, names: Names, wanted: Json, read: Callable[[object], Any]) -> None:
        self.exchange = exchange
        self.names = names
        self.wanted = wanted
        self.read = read
        self.begin()

    def begin(self) -> None:
        """Look up what the subscription names. Raises ExchangeError 422."""

    def snapshot(self) -> Messages:
        """Yield what is told at first: by default, what is new."""
        return self.news()

    def news(self) -> Messages:
        """Yield (channel, data) of what has changed since the last call."""
        raise NotImplementedError


class _Changing(_Stream):
    """A value that is told whenever it has changed."""

    channel = ""
    told: Any = None

    def value(self) -> Any:
        """Return what to tell now."""
        raise NotImplementedError

    def news(self) -> Messages:
        now = self.value()
        if self._without_time(now) != self._without_time(self.told):
            self.told = now
            yield self.channel, now

    def _without_time(self, data: Any) -> Any:
        return {name: part for name, part in data.items() if name != "time"} if isinstance(data, dict) else data


class _Mids(_Changing):
    channel = "allMids"
    every_ms = 1_000

    def begin(self) -> None:
        self.names.dex(self.wanted)
        self.at_ms = -self.every_ms

    def news(self) -> Messages:
        now_ms = self.exchange.time().time_ms
        if now_ms - self.at_ms < self.every_ms:
            return
        self.at_ms = now_ms
        yield from super().news()

    def value(self) -> Any:
        return {"mids": self.read({"type": "allMids", "dex": self.wanted.get("dex")})}


class _OfMarket(_Changing):
    def begin(self) -> None:
        self.market = self.names.market(self.wanted)


class _Bbo(_OfMarket):
    channel = "bbo"

    def value(self) -> Any:
        return form.bbo(self.exchange.ticker(self.market))


class _Book(_OfMarket):
    """Told again and again, changed or not, as the venue does: an old one is a sign that none comes."""

    channel = "l2Book"
    every_ms = 500

    def begin(self) -> None:
        super().begin()
        self.at_ms = -self.every_ms

    def news(self) -> Messages:
        now_ms = self.exchange.time().time_ms
        if now_ms - self.at_ms >= self.every_ms:
            self.at_ms = now_ms
            yield self.channel, self.value()

    def value(self) -> Any:
        return form.book(self.exchange.depth(self.market, 20))


class _Context(_OfMarket):
    channel = "activeAssetCtx"

    def value(self) -> Any:
        return {"coin": form.coin(self.market), "ctx": form.context(self.exchange.ticker(self.market))}


class _Candle(_OfMarket):
    channel = "candle"

    def value(self) -> Any:
        now_ms = self.exchange.time().time_ms
        prints = self.exchange.trades(self.market, now_ms - LOOK_BACK_MS)
        try:
            made = candles(prints, form.coin(self.market), str(self.wanted.get("interval")))
        except ValueError as error:
            raise unreadable(str(error)) from None
        return made[-1] if made else None

    def news(self) -> Messages:
        yield from (message for message in super().news() if message[1] is not None)


class _Trades(_Stream):
    def begin(self) -> None:
        self.market = self.names.market(self.wanted)
        self.seen_ms = self.exchange.time().time_ms - LOOK_BACK_MS
        self.told: set[int] = set()  # numbers of the prints of that millisecond

    def snapshot(self) -> Messages:
        for channel, data in self.news():
            yield channel, data[-SHOWN_TRADES:]

    def news(self) -> Messages:
        rows = form.trades(self.market, self.exchange.trades(self.market, self.seen_ms - 1))
        fresh = [row for row in rows if row["time"] > self.seen_ms or row["tid"] not in self.told]
        if fresh:
            self.seen_ms = fresh[-1]["time"]
            self.told = {row["tid"] for row in rows if row["time"] == self.seen_ms}
            yield "trades", [{**row, "users": [NOBODY, NOBODY]} for row in fresh]


class _OfAccount(_Stream):
    def begin(self) -> None:
        self.account = self.names.account(self.wanted)
        self.user = str(self.wanted.get("user")).lower()


class _Fills(_OfAccount):
    cursor = 0

    def snapshot(self) -> Messages:
        yield "userFills", {"isSnapshot": True, "user": self.user, "fills": list(self.fresh())}

    def news(self) -> Messages:
        fresh = self.fresh()
        if fresh:
            yield "userFills", {"user": self.user, "fills": fresh}

    def fresh(self) -> list[form.Json]:
        """Return the fills since the last call, oldest first."""
        if self.account is None or not self.exchange.fills(self.account, since=self.cursor).fills:
            return []
        everything = self.names.all_fills(self.account)
        number = sum(one.sequence > self.cursor for one in everything)
        self.cursor = everything[-1].sequence
        return form.fills(everything)[:number][::-1]


class _Events(_Fills):
    def snapshot(self) -> Messages:
        self.fresh()
        return iter(())

    def news(self) -> Messages:
        fresh = self.fresh()
        if fresh:
            yield "user", {"fills": fresh}


class _Orders(_OfAccount):
    """Changes of orders. Only those that rest are remembered, and only what may have changed is read."""

    def begin(self) -> None:
        super().begin()
        self.newest = 0
        self.open: dict[int, tuple[object, ...]] = {}
        if self.account is not None:
            orders = self.exchange.orders(self.account, status="all")
            self.newest = max(map(_number, orders), default=0)
            self._remember(orders)

    def snapshot(self) -> Messages:
        return iter(())

    def news(self) -> Messages:
        if self.account is None:
            return
        seen = self.exchange.orders_since(self.account, self.newest, self.open)
        changed = [one for one in seen if self.open.get(_number(one)) != _state(one)]
        self.newest = max([self.newest, *map(_number, seen)])
        self._remember(seen)
        if changed:
            yield "orderUpdates", [form.order_update(one) for one in changed]

    def _remember(self, orders: Iterable[OrderRecord]) -> None:
        self.open = {_number(one): _state(one) for one in orders if one.status == "open"}


class _Fundings(_OfAccount):
    cursor = 0

    def snapshot(self) -> Messages:
        yield "userFundings", {"isSnapshot": True, "user": self.user, "fundings": self._fresh()}

    def news(self) -> Messages:
        fresh = self._fresh()
        if fresh:
            yield "userFundings", {"user": self.user, "fundings": fresh}

    def _fresh(self) -> list[dict[str, Any]]:
        if self.account is None:
            return []
        page = self.exchange.funding_payments(self.account, since=self.cursor)
        self.cursor = page.cursor
        hours = {spec.market: spec.funding_interval_hours for spec in self.exchange.specs()}
        rows = (form.funding(one, hours.get(one.market, 8)) for one in page.payments)
        return [{"time": row["time"], **row["delta"]} for row in rows]


class _WebData(_OfAccount):
    """All that a web page shows of an account, at most once a second and as the reads answer it."""

    every_ms = 1_000

    def begin(self) -> None:
        super().begin()
        self.at_ms = -self.every_ms

    def news(self) -> Messages:
        now_ms = self.exchange.time().time_ms
        if now_ms - self.at_ms < self.every_ms:
            return
        self.at_ms = now_ms
        mine = {"user": self.user}
        meta, contexts = self.read({"type": "metaAndAssetCtxs"})
        yield (
            "webData2",
            {
                "user": self.user,
                "serverTime": now_ms,
                "clearinghouseState": self.read({"type": "clearinghouseState", **mine}),
                "openOrders": self.read({"type": "frontendOpenOrders", **mine}),
                "meta": meta,
                "assetCtxs": contexts,
                "spotState": self.read({"type": "spotClearinghouseState", **mine}),
                "spotAssetCtxs": [],
                "agentAddress": None,
                "agentValidUntil": None,
                "isVault": False,
                "leadingVaults": [],
                "totalVaultEquity": "0.0",
                "cumLedger": "0.0",
                "twapStates": [],
                "perpsAtOpenInterestCap": [],
            },
        )


def _number(order: OrderRecord) -> int:
    return form.oid(order.order_id)


def _state(order: OrderRecord) -> tuple[object, ...]:
    return order.status, order.filled_base, order.updated_at, order.price, order.size_base

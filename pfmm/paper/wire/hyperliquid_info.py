"""The reads of the Hyperliquid dialect: what `POST /info` answers. Layer: paper wire.

An address that nobody has reads as empty. What is no request of the dialect is an ExchangeError 422.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pfmm.paper.exchange import Exchange
from pfmm.paper.wire import hyperliquid_json as form
from pfmm.paper.wire.hyperliquid_candles import candles
from pfmm.paper.wire.hyperliquid_names import Json, Names, end_of, object_of, start_of, time_of, unreadable

MAX_FILLS = 2_000
MAX_LEVELS = 20


class Info:
    """The reads over one exchange."""

    def __init__(self, exchange: Exchange, names: Names) -> None:
        self._exchange = exchange
        self._names = names

    def answer(self, request: object) -> Any:
        """Answer one read. Raises ExchangeError 422 for what is no request of the dialect."""
        asked = object_of(request)
        read = self._reads().get(str(asked.get("type")))
        if read is None:
            raise unreadable(f"type {asked.get('type')!r} is not served")
        return read(asked)

    def _reads(self) -> Mapping[str, Callable[[Json], Any]]:
        return {
            "exchangeStatus": lambda _: {"time": self._exchange.time().time_ms, "specialStatuses": None},
            "meta": lambda asked: form.meta(self._names.specs(self._names.dex(asked))),
            "metaAndAssetCtxs": self._contexts,
            "spotMeta": lambda _: form.spot_meta(),
            "spotMetaAndAssetCtxs": lambda _: [form.spot_meta(), []],
            "perpDexs": lambda _: form.perp_dexs(self._names.dexes()),
            "allMids": self._mids,
            "l2Book": self._book,
            "recentTrades": self._trades,
            "fundingHistory": self._funding_history,
            "candleSnapshot": self._candles,
            "clearinghouseState": self._clearinghouse,
            "spotClearinghouseState": lambda _: {"balances": []},
            "openOrders": self._open_orders,
            "frontendOpenOrders": self._open_orders,
            "historicalOrders": self._historical_orders,
            "orderStatus": self._order_status,
            "userFills": self._fills,
            "userFillsByTime": self._fills,
            "userFunding": self._user_funding,
            "userFees": lambda _: form.fees(self._exchange.specs()[0]),
            "userRole": lambda asked: {"role": "user" if self._names.account(asked) else "missing"},
            "userAbstraction": lambda _: "disabled",
            "userRateLimit": self._rate_limit,
            "extraAgents": lambda _: [],
            "activeAssetData": self._asset_data,
        }

    def _contexts(self, asked: Json) -> Any:
        specs = self._names.specs(self._names.dex(asked))
        tickers = self._exchange.tickers([spec.market for spec in specs])
        return [form.meta(specs), [form.context(one) for one in tickers]]

    def _mids(self, asked: Json) -> Json:
        specs = self._names.specs(self._names.dex(asked))
        tickers = self._exchange.tickers([spec.market for spec in specs])
        return {form.coin(one.market): form.number(one.price) for one in tickers}

    def _book(self, asked: Json) -> Json:
        return form.book(self._exchange.depth(self._names.market(asked), MAX_LEVELS))

    def _trades(self, asked: Json) -> list[form.Json]:
        market = self._names.market(asked)
        return form.trades(market, self._exchange.trades(market))[::-1]

    def _funding_history(self, asked: Json) -> list[form.Json]:
        market, since_ms, until_ms = self._names.market(asked), time_of(asked, "startTime"), end_of(asked)
        interval_h = self._exchange.spec(market).funding_interval_hours
        rates = self._exchange.funding_rates(market, since_ms - 1)
        return [form.rate(market, one, interval_h) for one in rates if one.time <= until_ms]

    def _candles(self, asked: Json) -> list[Json]:
        wanted = object_of(asked.get("req"))
        market = self._names.market(wanted)
        since_ms, until_ms = time_of(wanted, "startTime"), end_of(wanted)
        try:
            made = candles(self._exchange.trades(market, since_ms - 1), form.coin(market), str(wanted.get("interval")))
        except ValueError as error:
            raise unreadable(str(error)) from None
        return [one for one in made if one["t"] <= until_ms]

    def _clearinghouse(self, asked: Json) -> Json:
        dex, name = self._names.dex(asked), self._names.account(asked)
        if name is None:
            return form.clearinghouse(None, (), self._exchange.time(), {})
        state = self._exchange.state(name, (), limit=0)
        specs = {spec.market: spec for spec in self._names.specs(dex)}
        # one account for all lists: what it is worth is told with the first
        return form.clearinghouse(None if dex else state.account, state.positions, state.clock, specs)

    def _open_orders(self, asked: Json) -> list[form.Json]:
        dex, name = self._names.dex(asked), self._names.account(asked)
        found = () if name is None else self._exchange.orders(name)
        return [form.order(one) for one in found if form.dex(one.market) == dex]

    def _historical_orders(self, asked: Json) -> list[form.Json]:
        name = self._names.account(asked)
        found = () if name is None else self._exchange.orders(name, status="all")
        return [form.order_with_status(one) for one in reversed(found)]

    def _order_status(self, asked: Json) -> Json:
        name = self._names.account(asked)
        found = None if name is None else self._names.order(name, asked.get("oid"))
        return (
            {"status": "unknownOid"} if found is None else {"status": "order", "order": form.order_with_status(found)}
        )

    def _fills(self, asked: Json) -> list[form.Json]:
        since_ms, until_ms = start_of(asked), end_of(asked)
        name = self._names.account(asked)
        if name is None:
            return []
        rows = [row for row in form.fills(self._names.all_fills(name)) if since_ms <= row["time"] <= until_ms]
        # by time the oldest come first where there are more than an answer holds, so that a reader can go on
        return rows[-MAX_FILLS:] if asked["type"] == "userFillsByTime" else rows[:MAX_FILLS]

    def _user_funding(self, asked: Json) -> list[form.Json]:
        since_ms, until_ms = start_of(asked), end_of(asked)
        name = self._names.account(asked)
        if name is None:
            return []
        rows = self._exchange.funding_payments(name).payments
        hours = {spec.market: spec.funding_interval_hours for spec in self._exchange.specs()}
        return [form.funding(one, hours.get(one.market, 8)) for one in rows if since_ms <= one.time <= until_ms]

    def _asset_data(self, asked: Json) -> Json:
        market = self._names.market(asked)
        most = self._exchange.spec(market).max_leverage
        return {"user": asked.get("user"), "coin": form.coin(market), **form.leverage(most)}

    def _rate_limit(self, asked: Json) -> Json:
        name = self._names.account(asked)
        traded = (
            Decimal(0)
            if name is None
            else sum((f.price * f.size_base for f in self._names.all_fills(name)), Decimal(0))
        )
        used = 0 if name is None else len(self._exchange.orders(name, status="all"))
        return {"cumVlm": form.number(traded), "nRequestsUsed": used, "nRequestsCap": 10_000 + int(traded)}

"""Every step that the official SDK and ccxt were captured with, REST and WebSocket, on the served paper exchange.

The clients are unmodified but for the address. After the last step the exchange's ledger equals what each believes.
The steps of further lists of markets, of vaults and of other keys: `test_hyperliquid_lists`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.wire import hyperliquid_keys as keys
from tests.e2e.served_exchange import exchange_of, served, wall_ms

pytest.importorskip("coincurve", reason="the exchange checks signatures with the extra `hyperliquid`")

ACCOUNT = "desk"
SYMBOL = "BTC/USDC:USDC"
ALO: Any = {"limit": {"tif": "Alo"}}
IOC: Any = {"limit": {"tif": "Ioc"}}
GTC: Any = {"limit": {"tif": "Gtc"}}
PATIENCE_S = 20.0


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with exchange_of(tmp_path, ACCOUNT) as opened:
        yield opened


@pytest.fixture
def url(exchange: Exchange) -> Iterator[str]:
    with served(exchange) as address:
        yield address


def ledger(exchange: Exchange) -> dict[str, Any]:
    """Open orders, positions, fills and equity, from the exchange itself."""
    state = exchange.state(ACCOUNT, ())
    return {
        "orders": {int(one.order_id[1:]): (one.side, one.price, one.size_base) for one in state.orders},
        "positions": {one.market: one.size_base for one in state.positions if one.size_base},
        "fills": [(one.sequence, one.price, one.size_base, one.fee) for one in exchange.fills(ACCOUNT).fills],
    }


def statuses(answer: Any) -> list[Any]:
    assert answer["status"] == "ok", answer
    return list(answer["response"]["data"]["statuses"])


class Collected:
    """What a WebSocket told, by channel."""

    def __init__(self) -> None:
        self._messages: Queue[Any] = Queue()
        self._kept: list[Any] = []

    def __call__(self, message: Any) -> None:
        self._messages.put(message)

    def wait_for(self, channel: str, accept: Callable[[Any], bool] = lambda _: True) -> Any:
        """The first message of the channel that `accept` takes."""
        deadline_s = time.monotonic() + PATIENCE_S
        seen = list(self._kept)
        while True:
            for message in seen:
                if message["channel"] == channel and accept(message["data"]):
                    return message["data"]
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, (channel, self._kept)
            seen = [self._messages.get(timeout=left_s)]
            self._kept += seen


class TestOfficialSdk:
    @pytest.fixture
    def clients(self, url: str) -> tuple[Any, Any, str]:
        pytest.importorskip("hyperliquid.exchange", reason="the official SDK is a test extra")
        from eth_account import Account
        from hyperliquid.exchange import Exchange as SdkExchange
        from hyperliquid.info import Info

        wallet = Account.from_key(keys.test_key(ACCOUNT))
        return Info(url, skip_ws=True), SdkExchange(wallet, url), wallet.address

    def test_rest(self, clients: tuple[Any, Any, str], exchange: Exchange, url: str) -> None:
        from hyperliquid.info import Info
        from hyperliquid.utils.types import Cloid

        info, trading, me = clients
        mid = float(info.all_mids()["BTC"])

        def near(factor: float) -> float:
            return float(f"{mid * factor:.5g}")

        assert Info(url, skip_ws=True, perp_dexs=[""]).name_to_asset("BTC") == 0
        resting = statuses(trading.order("BTC", True, 0.001, near(0.97), ALO))[0]["resting"]["oid"]
        assert "immediately matched" in statuses(trading.order("BTC", True, 0.001, near(1.03), ALO))[0]["error"]
        assert "minimum value" in statuses(trading.order("BTC", True, 0.0001, near(0.5), GTC))[0]["error"]
        refused = statuses(trading.order("BTC", False, 0.001, near(0.9), IOC, reduce_only=True))[0]["error"]
        assert refused.startswith("Reduce only order would increase position")
        assert "filled" in statuses(trading.market_open("BTC", True, 0.002))[0]
        assert "filled" in statuses(trading.market_close("BTC"))[0]
        assert "filled" in statuses(trading.market_open("ETH", False, 0.1))[0]
        cloid = Cloid.from_int(5)
        batch = [
            {"coin": "BTC", "is_buy": True, "sz": 0.001, "limit_px": near(0.96), "order_type": ALO,
             "reduce_only": False, "cloid": cloid},
            {"coin": "BTC", "is_buy": True, "sz": 0.001, "limit_px": near(1.03), "order_type": ALO,
             "reduce_only": False},
            {"coin": "BTC", "is_buy": False, "sz": 0.001, "limit_px": near(1.04), "order_type": ALO,
             "reduce_only": False},
        ]  # fmt: skip
        first, second, third = statuses(trading.bulk_orders(batch))
        assert ("resting" in first, "error" in second, "resting" in third) == (True, True, True)
        moved = statuses(trading.modify_order(third["resting"]["oid"], "BTC", False, 0.001, near(1.05), ALO))[0]
        assert moved["resting"]["oid"] > third["resting"]["oid"]
        moved_by_cloid = statuses(trading.modify_order(cloid, "BTC", True, 0.002, near(0.95), ALO, cloid=cloid))[0]
        assert moved_by_cloid["resting"]["cloid"] == cloid.to_raw()
        wanted = {
            "oid": resting,
            "order": {"coin": "BTC", "is_buy": True, "sz": 0.003, "limit_px": near(0.94), "order_type": ALO,
                      "reduce_only": False},
        }  # fmt: skip
        assert "resting" in statuses(trading.bulk_modify_orders_new([wanted]))[0]

        shown = info.frontend_open_orders(me)
        assert {one["oid"] for one in info.open_orders(me)} == {one["oid"] for one in shown}
        assert info.query_order_by_cloid(me, cloid)["order"]["order"]["origSz"] == "0.002"
        assert info.query_order_by_oid(me, 10**7) == {"status": "unknownOid"}
        believed = {
            "orders": {
                one["oid"]: ("long" if one["side"] == "B" else "short", Decimal(one["limitPx"]), Decimal(one["origSz"]))
                for one in shown
            },
            "positions": {
                f"{one['position']['coin']}-PERP": Decimal(one["position"]["szi"])
                for one in info.user_state(me)["assetPositions"]
            },
            "fills": [
                (one["tid"], Decimal(one["px"]), Decimal(one["sz"]), Decimal(one["fee"]))
                for one in reversed(info.user_fills(me))
            ],
        }
        assert believed == ledger(exchange)
        assert len(believed["orders"]) == 3
        assert info.user_fills_by_time(me, 0) == info.user_fills(me)

        assert statuses(trading.cancel("BTC", moved["resting"]["oid"])) == ["success"]
        assert statuses(trading.cancel_by_cloid("BTC", cloid)) == ["success"]
        assert "already canceled" in statuses(trading.cancel_by_cloid("BTC", cloid))[0]["error"]
        assert trading.update_leverage(5, "BTC")["status"] == "ok"
        assert trading.schedule_cancel(wall_ms() + 60_000)["status"] == "ok"
        assert trading.schedule_cancel(None)["status"] == "ok"
        assert info.user_role(me) == {"role": "user"}
        assert info.extra_agents(me) == []
        assert info.user_rate_limit(me)["nRequestsUsed"] > 0
        assert info.user_funding_history(me, 0) == []
        assert info.candles_snapshot("BTC", "1m", wall_ms() - 600_000, wall_ms())
        assert len(info.historical_orders(me)) >= 8
        assert "filled" in statuses(trading.market_close("ETH"))[0]
        assert list(ledger(exchange)["orders"].values()) == [("long", Decimal(f"{near(0.94):f}"), Decimal("0.003"))]
        assert Decimal(info.user_state(me)["marginSummary"]["accountValue"]) == exchange.account(ACCOUNT).equity

    def test_streams(self, clients: tuple[Any, Any, str], exchange: Exchange, url: str) -> None:
        from hyperliquid.info import Info

        _, trading, me = clients
        info = Info(url)
        told = Collected()
        try:
            for wanted in (
                {"type": "allMids"}, {"type": "bbo", "coin": "BTC"}, {"type": "l2Book", "coin": "BTC"},
                {"type": "trades", "coin": "BTC"}, {"type": "userFills", "user": me},
                {"type": "orderUpdates", "user": me}, {"type": "userEvents", "user": me},
                {"type": "candle", "coin": "BTC", "interval": "1m"}, {"type": "userFundings", "user": me},
                {"type": "activeAssetCtx", "coin": "BTC"}, {"type": "webData2", "user": me},
            ):  # fmt: skip
                info.subscribe(wanted, told)
            assert len(told.wait_for("allMids")["mids"]) == 299
            bid, ask = told.wait_for("bbo")["bbo"]
            assert Decimal(bid["px"]) < Decimal(ask["px"])
            assert len(told.wait_for("l2Book")["levels"][0]) > 1
            assert told.wait_for("trades")[0]["coin"] == "BTC"
            assert told.wait_for("userFills")["isSnapshot"] is True
            assert told.wait_for("userFundings")["fundings"] == []
            assert told.wait_for("candle")["i"] == "1m"
            assert Decimal(told.wait_for("activeAssetCtx")["ctx"]["markPx"]) > 0
            page = told.wait_for("webData2")
            assert page["clearinghouseState"]["marginSummary"] == info.user_state(me)["marginSummary"]
            assert (len(page["meta"]["universe"]), len(page["assetCtxs"]), page["openOrders"]) == (299, 299, [])
            price = float(f"{float(bid['px']) * 0.97:.5g}")
            oid = statuses(trading.order("BTC", True, 0.001, price, ALO))[0]["resting"]["oid"]
            opened = told.wait_for("orderUpdates", lambda rows: rows[0]["order"]["oid"] == oid)[0]
            assert (opened["status"], opened["order"]["sz"]) == ("open", "0.001")
            trading.cancel("BTC", oid)
            told.wait_for(
                "orderUpdates", lambda rows: (rows[-1]["order"]["oid"], rows[-1]["status"]) == (oid, "canceled")
            )
            trading.market_open("BTC", True, 0.001)
            fills = told.wait_for("userFills", lambda data: "isSnapshot" not in data)["fills"]
            assert [
                (one["tid"], Decimal(one["px"]), Decimal(one["sz"]), Decimal(one["fee"])) for one in fills
            ] == ledger(exchange)["fills"][: len(fills)]
            assert told.wait_for("user")["fills"] == fills
        finally:
            info.disconnect_websocket()


@pytest.mark.slow  # by default it trades in test_hyperliquid_clients
class TestCcxt:
    def made(self, url: str, module: Any, **options: Any) -> Any:
        made = module.hyperliquid({"walletAddress": keys.address(ACCOUNT), "privateKey": keys.test_key(ACCOUNT)})
        made.urls["api"] = {"public": url, "private": url, "ws": {"public": f"ws{url[4:]}/ws"}}
        made.enableRateLimit = False
        made.options |= {"fetchMarkets": {"types": ["swap"]}, **options}
        return made

    def test_rest(self, url: str, exchange: Exchange) -> None:
        ccxt = pytest.importorskip("ccxt", reason="ccxt is a test extra")
        client = self.made(url, ccxt)
        client.load_markets()
        assert abs(client.fetch_time() - wall_ms()) < 60_000
        mid = client.fetch_ticker(SYMBOL)["last"]
        assert client.fetch_tickers([SYMBOL])[SYMBOL]["last"] > 0
        assert client.fetch_ohlcv(SYMBOL, "1m", since=wall_ms() - 600_000)
        assert client.fetch_funding_rate(SYMBOL)["fundingRate"] is not None
        assert client.fetch_funding_rates([SYMBOL])[SYMBOL]["markPrice"] > 0
        assert client.fetch_funding_rate_history(SYMBOL, wall_ms() - 86_400_000)
        alo = {"postOnly": True}
        cloid = f"0x{9:032x}"
        resting = client.create_order(SYMBOL, "limit", "buy", 0.001, mid * 0.97, {**alo, "clientOrderId": cloid})
        with pytest.raises(ccxt.InvalidOrder, match="immediately matched"):
            client.create_order(SYMBOL, "limit", "buy", 0.001, mid * 1.03, alo)
        with pytest.raises(ccxt.InvalidOrder, match="minimum value"):
            client.create_order(SYMBOL, "limit", "buy", 0.0001, mid * 0.5)
        assert client.create_order(SYMBOL, "limit", "buy", 0.001, mid * 1.02, {"timeInForce": "Ioc"})["id"]
        assert client.create_order(SYMBOL, "market", "buy", 0.001, mid)["id"]

        def order(price: float) -> Any:
            return {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.001, "price": price, "params": alo}

        with suppress(ccxt.InvalidOrder):  # two rest, one is refused: ccxt raises for the whole batch
            client.create_orders([order(mid * 0.96), order(mid * 1.03), order(mid * 0.95)])
        assert len(exchange.orders(ACCOUNT)) == 3
        third, fourth = client.create_orders([order(mid * 0.94), order(mid * 0.93)])
        edited = client.edit_order(third["id"], SYMBOL, "limit", "buy", 0.002, mid * 0.92, alo)
        edits = [{**order(mid * 0.91), "id": fourth["id"], "amount": 0.003}]
        assert len(client.edit_orders(edits)) == 1
        assert client.fetch_order(cloid, SYMBOL, {"clientOrderId": cloid})["id"] == resting["id"]
        with pytest.raises(ccxt.OrderNotFound):
            client.fetch_order("10000000", SYMBOL)
        believed = {
            "orders": {
                int(one["id"]): ("long" if one["side"] == "buy" else "short", one["price"], one["amount"])
                for one in client.fetch_open_orders()
            },
            "positions": {one["info"]["position"]["coin"]: one["contracts"] for one in client.fetch_positions()},
            "fills": [(one["price"], one["amount"], one["fee"]["cost"]) for one in client.fetch_my_trades(SYMBOL)],
        }
        known = ledger(exchange)
        assert believed == {
            "orders": {number: (side, float(px), float(size)) for number, (side, px, size) in known["orders"].items()},
            "positions": {market.removesuffix("-PERP"): float(size) for market, size in known["positions"].items()},
            "fills": [(float(px), float(size), float(fee)) for _, px, size, fee in known["fills"]],
        }
        assert len(believed["orders"]) == 5
        assert len(client.fetch_my_trades(SYMBOL, since=0)) == len(believed["fills"])
        assert len(client.fetch_orders(SYMBOL)) >= 9
        assert client.fetch_balance()["total"]["USDC"] > 0
        assert client.fetch_funding_history(SYMBOL) == []
        assert client.fetch_trading_fee(SYMBOL)["maker"] == -0.0002
        client.cancel_order(edited["id"], SYMBOL)
        client.cancel_order(None, SYMBOL, {"clientOrderId": cloid})
        with pytest.raises(ccxt.OrderNotFound):
            client.cancel_order(None, SYMBOL, {"clientOrderId": cloid})
        assert client.set_leverage(5, SYMBOL, {"marginMode": "cross"})["status"] == "ok"
        assert client.cancel_all_orders_after(3_600_000)["status"] == "ok"
        with pytest.raises(ccxt.ExchangeError, match="too early"):
            client.cancel_all_orders_after(0)  # which asks for a time that has passed
        client.create_order(SYMBOL, "limit", "buy", 0.001, mid * 0.9, {**alo, "expiresAfter": wall_ms() + 60_000})
        assert len(exchange.orders(ACCOUNT)) == 4

    def test_streams_and_orders_over_the_socket(self, url: str, exchange: Exchange) -> None:
        pro = pytest.importorskip("ccxt.pro", reason="ccxt is a test extra")

        async def trade() -> None:
            client = self.made(url, pro)
            try:
                await client.load_markets()
                book = await client.watch_order_book(SYMBOL)
                bid = book["bids"][0][0]
                assert bid < book["asks"][0][0]
                assert (await client.watch_trades(SYMBOL))[0]["symbol"] == SYMBOL
                assert (await client.watch_ohlcv(SYMBOL, "1m"))[0][4] > 0
                assert SYMBOL in await client.watch_tickers([SYMBOL])
                watching = asyncio.ensure_future(client.watch_orders(SYMBOL))
                await asyncio.sleep(0)
                fills = asyncio.ensure_future(client.watch_my_trades(SYMBOL))
                await asyncio.sleep(0)
                made = await client.create_order_ws(SYMBOL, "limit", "buy", 0.001, bid * 0.97, {"postOnly": True})
                assert int(made["id"]) in ledger(exchange)["orders"]
                seen = (await asyncio.wait_for(watching, PATIENCE_S))[-1]
                assert (seen["id"], seen["status"]) == (made["id"], "open")
                bought = await client.create_order_ws(SYMBOL, "market", "buy", 0.001, bid)
                (fill,) = await asyncio.wait_for(fills, PATIENCE_S)
                (_, price, size, fee), *_ = ledger(exchange)["fills"]
                assert (fill["order"], fill["price"], fill["amount"], fill["fee"]["cost"]) == (
                    bought["id"], float(price), float(size), float(fee),
                )  # fmt: skip
                await client.cancel_order_ws(made["id"], SYMBOL)
                assert ledger(exchange)["orders"] == {}
            finally:
                await client.close()

        asyncio.run(trade())

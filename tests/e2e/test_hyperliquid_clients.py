"""Clients that others wrote trade on the paper exchange, unmodified but for the address; its ledger agrees with them.

The official SDK and ccxt come with the extra `dev`; where they cannot be installed, the tests skip.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.wire import hyperliquid_keys as keys
from tests.e2e.served_exchange import exchange_of, served, wall_ms

pytest.importorskip("coincurve", reason="the exchange checks signatures with the extra `hyperliquid`")

ACCOUNT = "desk"
POST_ONLY = {"limit": {"tif": "Alo"}}
SYMBOL = "BTC/USDC:USDC"


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with exchange_of(tmp_path, ACCOUNT) as opened:
        yield opened


@pytest.fixture
def url(exchange: Exchange) -> Iterator[str]:
    with served(exchange) as address:
        yield address


def status_of(answer: Any) -> Any:
    (status,) = answer["response"]["data"]["statuses"]
    return status


def resting(exchange: Exchange) -> dict[int, tuple[str, Decimal, Decimal]]:
    """Side, price and size of each open order by number, from the ledger itself."""
    return {
        int(one.order_id[1:]): (one.side, one.price or Decimal(0), one.size_base) for one in exchange.orders(ACCOUNT)
    }


class TestOfficialSdk:
    @pytest.fixture
    def clients(self, url: str) -> tuple[Any, Any, str]:
        pytest.importorskip("hyperliquid.exchange", reason="the official SDK is a test extra")
        from eth_account import Account
        from hyperliquid.exchange import Exchange as SdkExchange
        from hyperliquid.info import Info

        wallet = Account.from_key(keys.test_key(ACCOUNT))
        return Info(url, skip_ws=True), SdkExchange(wallet, url), wallet.address

    def test_orders_are_placed_modified_and_cancelled(self, clients: tuple[Any, Any, str], exchange: Exchange) -> None:
        from hyperliquid.utils.types import Cloid

        info, trading, address = clients
        mid = float(info.all_mids()["BTC"])

        def price(factor: float) -> float:
            return float(f"{mid * factor:.5g}")

        bid, twin = Cloid.from_int(7), Cloid.from_int(8)
        first = status_of(trading.order("BTC", True, 0.001, price(0.97), POST_ONLY, cloid=bid))["resting"]["oid"]
        assert (
            "immediately matched, bbo was"
            in status_of(trading.order("BTC", True, 0.001, price(1.03), POST_ONLY))["error"]
        )
        small = status_of(trading.order("BTC", True, 0.0001, price(0.5), {"limit": {"tif": "Gtc"}}))
        assert small == {"error": "Order must have minimum value of $10. asset=0"}
        assert info.query_order_by_cloid(address, bid)["order"]["status"] == "open"
        assert info.query_order_by_oid(address, 10**6) == {"status": "unknownOid"}

        second = status_of(trading.order("BTC", False, 0.001, price(1.03), POST_ONLY, cloid=twin))["resting"]["oid"]
        third = status_of(trading.modify_order(second, "BTC", False, 0.002, price(1.04), POST_ONLY, cloid=twin))
        fourth = status_of(trading.modify_order(twin, "BTC", False, 0.003, price(1.05), POST_ONLY, cloid=twin))
        newest = fourth["resting"]["oid"]
        assert second < third["resting"]["oid"] < newest
        assert fourth["resting"]["cloid"] == twin.to_raw()
        assert status_of(trading.modify_order(second, "BTC", False, 0.002, price(1.04), POST_ONLY))["error"].startswith(
            "Cannot modify canceled or filled order"
        )
        believed = {
            one["oid"]: ("long" if one["side"] == "B" else "short", Decimal(one["limitPx"]), Decimal(one["origSz"]))
            for one in info.frontend_open_orders(address)
        }
        assert believed == resting(exchange)
        assert set(believed) == {first, newest}

        assert status_of(trading.cancel_by_cloid("BTC", twin)) == "success"
        assert status_of(trading.cancel("BTC", first)) == "success"
        assert "already canceled" in status_of(trading.cancel("BTC", first))["error"]
        assert resting(exchange) == {}
        assert [row["status"] for row in info.historical_orders(address)] == ["canceled"] * 4

    def test_a_round_trip_is_the_same_in_both_books(self, clients: tuple[Any, Any, str], exchange: Exchange) -> None:
        info, trading, address = clients
        assert "filled" in status_of(trading.market_open("ETH", True, 0.1))
        held = info.user_state(address)["assetPositions"][0]["position"]
        assert (held["coin"], held["szi"]) == ("ETH", "0.1")
        assert "filled" in status_of(trading.market_close("ETH"))
        fills = info.user_fills(address)
        assert [one["dir"] for one in fills] == ["Close Long", "Open Long"]
        assert [one["startPosition"] for one in fills] == ["0.1", "0"]
        ledger = exchange.account(ACCOUNT)
        assert Decimal(fills[0]["closedPnl"]) == ledger.realized_pnl
        assert sum(Decimal(one["fee"]) for one in fills) == ledger.fees
        state = info.user_state(address)
        assert Decimal(state["marginSummary"]["accountValue"]) == ledger.equity
        assert state["assetPositions"] == []

    def test_the_other_reads_answer(self, clients: tuple[Any, Any, str]) -> None:
        info, _, address = clients
        universe, contexts = info.meta_and_asset_ctxs()
        assert len(universe["universe"]) == len(contexts) == 299
        best_bid = Decimal(info.l2_snapshot("BTC")["levels"][0][0]["px"])
        assert best_bid < Decimal(info.l2_snapshot("BTC")["levels"][1][0]["px"])
        assert Decimal(info.user_fees(address)["userCrossRate"]) == Decimal("0.0005")
        assert info.user_fills_by_time(address, 0) == info.user_funding_history(address, 0) == []
        # three settlements of eight hours a day, told by the hour
        assert 2 <= len(info.funding_history("BTC", wall_ms() - 86_400_000)) <= 4
        assert info.candles_snapshot("BTC", "1m", wall_ms() - 600_000, wall_ms())

    def test_protection_and_refusals(self, clients: tuple[Any, Any, str], url: str, exchange: Exchange) -> None:
        from eth_account import Account
        from hyperliquid.exchange import Exchange as SdkExchange

        info, trading, _ = clients
        price = float(f"{float(info.all_mids()['BTC']) * 0.9:.5g}")
        assert trading.update_leverage(5, "BTC")["status"] == "ok"
        assert trading.update_leverage(40, "BTC") == {
            "status": "err",
            "response": "The paper exchange has cross margin at 5x for BTC.",
        }
        assert trading.schedule_cancel(wall_ms() + 60_000)["status"] == "ok"
        assert trading.schedule_cancel(None)["status"] == "ok"
        trading.set_expires_after(wall_ms() + 60_000)
        assert "resting" in status_of(trading.order("BTC", True, 0.001, price, POST_ONLY))
        trading.set_expires_after(1_000_000_000_000)
        late = trading.order("BTC", True, 0.001, price, POST_ONLY)
        assert late == {"status": "err", "response": "Action already expired."}
        stranger = SdkExchange(Account.create(), url).order("BTC", True, 0.001, price, POST_ONLY)
        assert stranger["response"].endswith("does not exist.")
        assert len(resting(exchange)) == 1
        assert exchange.accounts() == (ACCOUNT,)


class TestCcxt:
    @pytest.fixture
    def client(self, url: str) -> Any:
        ccxt = pytest.importorskip("ccxt", reason="ccxt is a test extra")
        made = ccxt.hyperliquid({"walletAddress": keys.address(ACCOUNT), "privateKey": keys.test_key(ACCOUNT)})
        made.urls["api"] = {"public": url, "private": url}
        made.options["fetchMarkets"] = {"types": ["swap"]}
        made.load_markets()
        return made

    def test_orders_are_placed_edited_and_cancelled(self, client: Any, exchange: Exchange) -> None:
        import ccxt

        bid = client.fetch_order_book(SYMBOL)["bids"][0][0]
        cloid = f"0x{7:032x}"
        params = {"postOnly": True}
        first = client.create_order(SYMBOL, "limit", "buy", 0.001, bid * 0.97, {**params, "clientOrderId": cloid})
        with pytest.raises(ccxt.InvalidOrder, match="immediately matched"):
            client.create_order(SYMBOL, "limit", "buy", 0.001, bid * 1.03, params)
        with pytest.raises(ccxt.InvalidOrder, match="minimum value"):
            client.create_order(SYMBOL, "limit", "buy", 0.0001, bid * 0.5)
        second = client.create_order(SYMBOL, "limit", "sell", 0.001, bid * 1.03, params)
        edited = client.edit_order(second["id"], SYMBOL, "limit", "sell", 0.002, bid * 1.04, params)
        assert int(edited["id"]) > int(second["id"])
        believed = {
            int(one["id"]): ("long" if one["side"] == "buy" else "short", Decimal(str(one["price"])), one["amount"])
            for one in client.fetch_open_orders(SYMBOL)
        }
        ledger = {number: (side, price, float(size)) for number, (side, price, size) in resting(exchange).items()}
        assert believed == ledger
        assert client.fetch_order(first["id"], SYMBOL)["clientOrderId"] == cloid
        client.cancel_order(first["id"], SYMBOL)
        with pytest.raises(ccxt.OrderNotFound):
            client.cancel_order(first["id"], SYMBOL)
        client.cancel_order(edited["id"], SYMBOL)
        assert resting(exchange) == {}

    def test_fills_and_balance_are_those_of_the_ledger(self, client: Any, exchange: Exchange) -> None:
        price = client.fetch_order_book(SYMBOL)["asks"][0][0]
        client.create_order(SYMBOL, "market", "buy", 0.001, price)
        (held,) = client.fetch_positions()
        assert (held["symbol"], held["side"], held["contracts"]) == (SYMBOL, "long", 0.001)
        client.create_order(SYMBOL, "limit", "sell", 0.001, price * 0.98, {"timeInForce": "Ioc", "reduceOnly": True})
        fills = client.fetch_my_trades(SYMBOL)
        ledger = exchange.fills(ACCOUNT).fills
        assert [(one["side"], one["price"], one["fee"]["cost"]) for one in fills] == [
            ("buy" if one.side == "long" else "sell", float(one.price), float(one.fee)) for one in ledger
        ]
        assert client.fetch_positions() == []
        assert client.fetch_balance()["total"]["USDC"] == float(exchange.account(ACCOUNT).equity)
        assert client.fetch_trading_fee(SYMBOL)["taker"] == 0.0005
        assert client.set_leverage(5, SYMBOL, {"marginMode": "cross"})["status"] == "ok"
        assert client.fetch_funding_rates([SYMBOL])[SYMBOL]["fundingRate"] is not None

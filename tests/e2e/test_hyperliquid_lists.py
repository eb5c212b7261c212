"""The captured steps that need more than one list of markets, or more than one account: builders' lists, vaults, keys.

The clients are unmodified but for the address; the exchange's own ledger says where their orders went.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pfmm.model.account import Cursors
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.wire import hyperliquid_keys as keys
from pfmm.venue.client import HttpClient
from tests.dialects import hyperliquid
from tests.e2e.served_exchange import served

pytest.importorskip("coincurve", reason="the exchange checks signatures with the extra `hyperliquid`")

ACCOUNT, VAULT = "desk", "vault"
INNER, LISTED = "TSLA-PERP", "xyz:TSLA-PERP"
ALO: Any = {"limit": {"tif": "Alo"}}


class WithList:
    """The synthetic market with a few of its markets, one of them on the list of the builder xyz."""

    def __init__(self) -> None:
        self._inner = SyntheticFeed(7)

    def specs(self) -> Any:
        known = {spec.market: spec for spec in self._inner.specs()}
        return (known["BTC-PERP"], known["ETH-PERP"], replace(known[INNER], market=LISTED))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return found if not callable(found) else lambda *given: found(*(INNER if x == LISTED else x for x in given))


@dataclass(frozen=True)
class Place:
    """The exchange, and where it is served."""

    exchange: Exchange
    url: str

    def resting(self, account: str) -> dict[int, str]:
        return {int(one.order_id[1:]): one.market for one in self.exchange.orders(account)}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    feed: Any = WithList()
    opened = Exchange.open(tmp_path / "x.sqlite3", lambda _: feed, lambda: time.time_ns() // 1_000_000)
    for name in (ACCOUNT, VAULT):
        opened.open_account(name)
    with served(opened) as url:
        yield Place(opened, url)
    opened.close()


def test_the_sdk_trades_a_builder_s_list_and_a_vault_and_an_unknown_key_does_not(place: Place) -> None:
    pytest.importorskip("hyperliquid.exchange", reason="the official SDK is a test extra")
    from eth_account import Account
    from hyperliquid.exchange import Exchange as SdkExchange
    from hyperliquid.info import Info

    info = Info(place.url, skip_ws=True, perp_dexs=["", "xyz"])
    assert (info.name_to_asset("BTC"), info.name_to_asset("xyz:TSLA")) == (0, 110_000)
    mids = info.all_mids(dex="xyz")
    assert [*mids] == ["xyz:TSLA"]
    price = float(f"{float(mids['xyz:TSLA']) * 0.97:.5g}")
    wallet = Account.from_key(keys.test_key(ACCOUNT))
    trading = SdkExchange(wallet, place.url, perp_dexs=["", "xyz"])
    listed = trading.order("xyz:TSLA", True, 1, price, ALO)["response"]["data"]["statuses"][0]["resting"]["oid"]
    assert place.resting(ACCOUNT) == {listed: LISTED}
    assert [one["oid"] for one in info.frontend_open_orders(wallet.address, dex="xyz")] == [listed]
    assert info.frontend_open_orders(wallet.address) == []
    assert info.user_state(wallet.address, dex="xyz")["marginSummary"]["accountValue"] == "0"

    bid = float(f"{float(info.all_mids()['BTC']) * 0.97:.5g}")
    for_vault = SdkExchange(wallet, place.url, vault_address=keys.address(VAULT))
    oid = for_vault.order("BTC", True, 0.001, bid, ALO)["response"]["data"]["statuses"][0]["resting"]["oid"]
    assert place.resting(VAULT) == {oid: "BTC-PERP"}
    nowhere = SdkExchange(wallet, place.url, vault_address="0x" + "7" * 40).order("BTC", True, 0.001, bid, ALO)
    assert nowhere["response"].startswith("Vault not registered")
    stranger = SdkExchange(Account.from_key("0x" + "9" * 64), place.url).order("BTC", True, 0.001, bid, ALO)
    assert "does not exist" in stranger["response"]
    assert len(place.resting(ACCOUNT)) == 1


def test_ccxt_trades_a_builder_s_list_and_a_vault_and_by_the_other_source(place: Place) -> None:
    ccxt = pytest.importorskip("ccxt", reason="ccxt is a test extra")
    client = ccxt.hyperliquid({"walletAddress": keys.address(ACCOUNT), "privateKey": keys.test_key(ACCOUNT)})
    client.urls["api"] = {"public": place.url, "private": place.url}
    client.enableRateLimit = False
    client.load_markets()
    (symbol,) = [name for name, one in client.markets.items() if one["baseName"] == "xyz:TSLA"]
    mid = float(client.fetch_tickers([symbol])[symbol]["info"]["markPx"])
    alo = {"postOnly": True}
    listed = client.create_order(symbol, "limit", "buy", 1, mid * 0.97, alo)
    assert place.resting(ACCOUNT) == {int(listed["id"]): LISTED}
    assert client.fetch_position(symbol).get("contracts") is None  # nothing held there
    btc = "BTC/USDC:USDC"
    bid = client.fetch_ticker(btc)["last"] * 0.97
    client.create_order(btc, "limit", "buy", 0.001, bid, {**alo, "vaultAddress": keys.address(VAULT)})
    assert [*place.resting(VAULT).values()] == ["BTC-PERP"]
    client.options["sandboxMode"] = True  # it signs as for the test network then
    client.create_order(btc, "limit", "buy", 0.001, bid, alo)
    assert sorted(place.resting(ACCOUNT).values()) == ["BTC-PERP", LISTED]


def test_pfmm_s_own_adapter_looks_and_trades_there(place: Place) -> None:
    http = HttpClient(place.url)
    venue = hyperliquid(http, ACCOUNT)
    try:
        venue._dexes = ("", "xyz")
        venue._public.use(venue._dexes)
        assert {one.market for one in venue.markets()} == {"BTC-PERP", "ETH-PERP", LISTED}
        seen = venue.snapshot(["BTC-PERP", LISTED], Cursors())
        assert [ticker.market for ticker in seen.tickers] == ["BTC-PERP", LISTED]
        assert seen.account.equity == place.exchange.account(ACCOUNT).equity  # counted once
    finally:
        venue.close()

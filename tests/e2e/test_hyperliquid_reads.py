"""Commands that read work on Hyperliquid with no special case of their own, and on its mainnet nothing acts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.messages import PlaceRequest
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from tests.e2e.driver import run, run_here

D = Decimal


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of commands that read a served exchange in which `desk` holds a position."""
    for library in ("coincurve", "msgpack", "sha3"):
        pytest.importorskip(library, reason="addresses need the extra `hyperliquid`")
    from pfmm.paper.wire import hyperliquid_keys as keys

    path = tmp_path / "exchange.sqlite3"
    exchange = Exchange.open(path, lambda _: SyntheticFeed(7), lambda: time.time_ns() // 1_000_000)
    exchange.open_account("desk")
    exchange.place("desk", PlaceRequest("BTC-PERP", "long", "market", size_usd=D(100)))
    with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        yield {
            "PFMM_VENUE": "hyperliquid",
            "PFMM_BASE_URL": f"http://127.0.0.1:{server.server_port}",
            "PFMM_ACCOUNT": keys.address("desk").upper().replace("0X", "0x"),
        }
    exchange.close()


def test_reads_need_no_key(tmp_path: Path, variables: dict[str, str]) -> None:
    def data(*arguments: str) -> Any:
        return run(*arguments, "--json", home=tmp_path / "home", env=variables).data

    (funding,) = data("funding", "BTC")["markets"]
    assert (funding["market"], funding["interval_hours"], funding["source"]) == ("BTC-PERP", 1, "estimated")
    assert len(data("funding", "--all")["markets"]) == 299
    (position,) = data("inventory")["positions"]
    assert (position["market"], position["side"]) == ("BTC-PERP", "long")
    assert Decimal(data("quote", "show", "BTC")["bid"]) > 0


@pytest.mark.parametrize(
    "words", [["grid", "start", "BTC", "--once", "--yes"], ["quote", "start", "BTC"], ["flatten", "--all", "--yes"]]
)
def test_mainnet_is_refused_before_anything_is_asked(tmp_path: Path, words: list[str]) -> None:
    live = {"PFMM_VENUE": "hyperliquid", "PFMM_ACCOUNT": "0x" + "1" * 40, "PFMM_API_KEY": "0x" + "2" * 64}
    done = run_here(*words, "--json", home=tmp_path, env=live)
    assert done.code == 6
    assert "does not trade on hyperliquid yet" in done.error["message"]
    assert "break even" in done.error["message"]
    assert "network testnet" in done.error["hint"]
    assert run("resume", "--json", home=tmp_path, env=live).data["halted_by"] is None  # nothing was halted


def test_an_account_that_is_no_address_is_refused(tmp_path: Path, variables: dict[str, str]) -> None:
    done = run("inventory", "--json", home=tmp_path / "home", env={**variables, "PFMM_ACCOUNT": "desk"})
    assert done.code == 3
    assert "accounts are addresses" in done.error["message"]

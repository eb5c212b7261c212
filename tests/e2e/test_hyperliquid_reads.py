"""Commands that read work on Hyperliquid with no special case of their own, and sign nothing."""

from __future__ import annotations

import subprocess
import sys
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
from tests.dialects import need_signing
from tests.e2e.driver import environment, run, run_here
from tests.scripted_hyperliquid import ScriptedVenue, served

D = Decimal


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of commands that read a served exchange in which `desk` holds a position."""
    need_signing()
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


SIGNING = ("coincurve", "msgpack", "sha3", "wsproto")
READS = "funding BTC;funding --all;markets;quote show BTC;book BTC;inventory;report;grid status;paper status"
ALL = (
    "import contextlib, io, sys\n"
    "from pfmm.cli.main import main\n"
    "for line in sys.argv[1].split(';'):\n"
    "    sys.argv = ['pfmm', *line.split()]\n"
    "    with contextlib.redirect_stdout(io.StringIO()):\n"
    "        try:\n"
    "            main()\n"
    "        except SystemExit as end:\n"
    "            code = end.code or 0\n"
    "    print(line, code, '|', *(name for name in {} if name in sys.modules))\n"
)


def test_commands_that_do_not_sign_import_nothing_that_signs(tmp_path: Path, variables: dict[str, str]) -> None:
    environ = environment(tmp_path / "home", variables)
    process = [sys.executable, "-c", ALL.format(SIGNING), READS]
    done = subprocess.run(process, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{line} 0 |" for line in READS.split(";")], done.stderr


def test_rates_of_every_market_are_one_request(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    with served(venue) as url:
        live = {"PFMM_VENUE": "hyperliquid", "PFMM_BASE_URL": url}
        found = run("funding", "--all", "--json", home=tmp_path, env=live).data["markets"]
    assert [one["market"] for one in found] == ["BTC-PERP", "ETH-PERP"]
    assert venue.requests == [{"type": "metaAndAssetCtxs"}]


@pytest.mark.parametrize("words", [["grid", "start", "BTC", "--once"], ["quote", "start", "BTC"], ["flatten", "--all"]])
def test_real_money_is_not_touched_off_a_terminal_without_a_yes(tmp_path: Path, words: list[str]) -> None:
    """Before anything is asked of anybody."""
    live = {"PFMM_VENUE": "hyperliquid", "PFMM_ACCOUNT": "0x" + "1" * 40, "PFMM_API_KEY": "0x" + "2" * 64}
    done = run_here(*words, "--json", home=tmp_path, env=live)
    assert (done.code, done.error["hint"]) == (2, "add --yes")
    assert not (tmp_path / "state" / "locks").exists(), "nothing was halted"


def test_an_account_that_is_no_address_is_refused(tmp_path: Path, variables: dict[str, str]) -> None:
    done = run("inventory", "--json", home=tmp_path / "home", env={**variables, "PFMM_ACCOUNT": "desk"})
    assert done.code == 3
    assert "accounts are addresses" in done.error["message"]

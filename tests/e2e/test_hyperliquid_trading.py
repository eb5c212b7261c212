"""Commands trade on Hyperliquid's dialect as on any venue: the served paper exchange answers, and its ledger agrees."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from tests.e2e.driver import Completed, run

D = Decimal
LOCAL = "hyperliquid-local"
STATED = ("--kappa", "1.5", "--sigma", "40")  # nothing to fit first
CRON = ("--once", "--yes", "--yes-unprotected")


@dataclass(frozen=True)
class Desk:
    """One account of a served exchange, and the command line of somebody who has its key."""

    exchange: Exchange
    pfmm: Callable[..., Completed]

    @property
    def resting(self) -> int:
        return len(self.exchange.orders("desk"))

    @property
    def held(self) -> dict[str, Decimal]:
        return {one.market: one.size_base for one in self.exchange.positions("desk") if one.size_base}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    need_signing()
    from pfmm.paper.wire import hyperliquid_keys as keys

    path = tmp_path / "exchange.sqlite3"
    exchange = Exchange.open(path, lambda _: SyntheticFeed(7), lambda: time.time_ns() // 1_000_000)
    exchange.open_account("desk")
    with PaperServer(make_app(exchange), "127.0.0.1", 0).running() as server:
        env = {
            "PFMM_VENUE": "hyperliquid",
            "PFMM_BASE_URL": f"http://127.0.0.1:{server.server_port}",
            "PFMM_ACCOUNT": keys.address("desk"),
            "PFMM_API_KEY": keys.test_key("desk"),
        }

        def pfmm(*words: str, **more: str) -> Completed:
            return run(*words, "--json", home=tmp_path / "home", env={**env, **more})

        yield Desk(exchange, pfmm)
    exchange.close()


@pytest.mark.waits
def test_a_grid_a_ladder_and_a_quote_run_stop_and_are_flattened(desk: Desk) -> None:
    once = desk.pfmm("grid", "start", "BTC", *CRON).data
    assert (once["venue"], once["runs"][0]["placed"]) == (LOCAL, 10)
    assert desk.resting == 10
    again = desk.pfmm("grid", "start", "BTC", *CRON).data
    assert again["adopted_orders"] == 10
    assert again["runs"][0]["resting"] == desk.resting
    (row,) = desk.pfmm("grid", "status").data["runs"]
    assert len(row["orders"]) == desk.resting
    assert desk.pfmm("ladder", "start", "ETH", *STATED, *CRON).code == 0
    assert desk.pfmm("quote", "start", "SOL", *STATED, *CRON).code == 0
    (stopped,) = desk.pfmm("grid", "stop", "BTC").data["runs"]
    assert stopped["orders_left"] == 0
    desk.exchange.place("desk", PlaceRequest("BTC-PERP", "long", "market", size_usd=D(300)))
    flat = desk.pfmm("flatten", "--all", "--yes").data
    assert (flat["venue"], flat["state"], flat["orders_left"]) == (LOCAL, "flat", 0)
    assert desk.resting == 0
    assert desk.held == {}
    assert desk.pfmm("quote", "start", "SOL", *STATED, *CRON).code == 75
    assert desk.pfmm("resume").data["halted_by"] == "flatten"


def test_a_start_says_where_a_full_inventory_is_liquidated_and_refuses_what_comes_too_near(desk: Desk) -> None:
    """10,000 USD, BTC at 40x (maintenance 1.25 %): a move of 10 % against 87,800 costs 8,780, and 1,207.25 are the
    maintenance of 96,580, so that 12.75 USD are left."""
    once = ("grid", "start", "BTC", "--once", "--yes", "--max-inventory", "87800")
    near = desk.pfmm(*once, "--max-loss", "7")
    assert near.code == 7
    assert near.error["message"] == (
        "a price 10 % against a full inventory leaves 12.75 USD before liquidation, and more than 14.00 is wanted, "
        "twice the largest loss; nothing was sent"
    )
    over = desk.pfmm("grid", "start", "BTC", *CRON, "--max-inventory", "88000")
    assert (over.code, over.error["message"]) == (
        7, "a price 10 % against a full inventory leaves -10.00 USD before liquidation; nothing was sent",
    )  # fmt: skip
    assert desk.resting == 0
    taken = desk.pfmm(*once, "--max-loss", "6")
    assert taken.code == 0
    (told,) = [line for line in taken.err.splitlines() if "USD long" in line]
    assert "note: BTC-PERP: cross margin at 5x, which pfmm never changes; 87800.00 USD long is liquidated at " in told
    assert "note: a price 10 % against a full inventory leaves 12.75 USD before liquidation" in taken.err
    again = desk.pfmm(*once, "--max-loss", "6")
    assert "liquidat" not in again.err, "a run that goes on is asked nothing"


def test_what_rests_is_seen_where_the_journal_that_knew_it_is_lost(desk: Desk, tmp_path: Path) -> None:
    """Nothing is doubled, `stop` does not say that nothing rests, and on request it is cancelled."""
    assert desk.pfmm("grid", "start", "BTC", *CRON).code == 0
    lost = {"PFMM_HOME": str(tmp_path / "lost")}
    (warning,) = desk.pfmm("grid", "status", **lost).envelope["warnings"]
    assert warning.startswith("10 orders with pfmm's ids rest on BTC-PERP that this journal does not know")
    for line in (("grid", "start", "BTC", *CRON), ("grid", "stop"), ("quote", "stop")):
        refused = desk.pfmm(*line, **lost)
        assert (refused.code, refused.error["code"]) == (8, "state_unknown"), line
    checks = {one["name"]: one["verdict"] for one in desk.pfmm("doctor", **lost).data["checks"]}
    assert (checks["orders"], desk.resting) == ("warn", 10)
    stopped = desk.pfmm("grid", "stop", "--unknown-orders", **lost)
    assert (stopped.code, stopped.data["unknown_cancelled"], desk.resting) == (0, 10, 0)


def test_a_loop_quotes_and_leaves_nothing(desk: Desk) -> None:
    done = desk.pfmm("quote", "start", "ETH", "--cycles", "4", "--interval", "0.5", "--yes")
    assert done.code == 0, done.err
    names = [event["event"] for event in done.events]
    assert names[0] == "started"
    assert names[-1] == "stopped"
    assert done.events[0]["venue"] == LOCAL
    assert "placed" in names
    assert desk.resting == 0
    ours = desk.pfmm("report").data
    assert ours["fills"] == len(desk.exchange.fills("desk").fills)


def test_what_shows_the_account_shows_it_here(desk: Desk) -> None:
    desk.exchange.place("desk", PlaceRequest("BTC-PERP", "long", "market", size_usd=D(100)))
    (position,) = desk.pfmm("inventory").data["positions"]
    assert (position["market"], Decimal(position["size"])) == ("BTC-PERP", desk.held["BTC-PERP"])
    checks = {one["name"]: one for one in desk.pfmm("doctor").data["checks"]}
    assert checks["account"]["verdict"] == "ok"
    assert "equity" in checks["account"]["detail"]
    assert any(one["market"] == "BTC-PERP" for one in desk.pfmm("markets").data["markets"])


def test_another_account_s_key_places_nothing(desk: Desk) -> None:
    from pfmm.paper.wire import hyperliquid_keys as keys

    desk.exchange.open_account("other")
    done = desk.pfmm("grid", "start", "BTC", *CRON, PFMM_API_KEY=keys.test_key("other"))
    assert done.code == 4
    assert "may not act for the account" in done.error["message"]
    assert desk.resting == 0


def test_an_address_that_nobody_has_is_never_called_flat(desk: Desk) -> None:
    unknown: Any = desk.pfmm("flatten", "--all", "--yes", PFMM_ACCOUNT="0x" + "3" * 40)
    assert unknown.code == 4
    assert "knows no account" in unknown.error["message"]

"""A market that the venue takes off its list, while the journal still has a run on it: the others must not suffer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from pfmm.journal.journal import Journal
from tests.e2e.driver import run
from tests.e2e.scripted_venue import ScriptedVenue

NOW_MS = 1_750_000_000_000
GONE, LISTED = "AAA-PERP", "BTC-PERP"
INSTRUMENT = {
    "market": LISTED, "category": "crypto", "price_unit": 0.1, "significant_figures": None, "size_step": 1,
    "min_notional": 10, "max_leverage": 5, "maker_bps": 0, "taker_bps": 0, "funding_interval_h": 1,
}  # fmt: skip


def state(query: str) -> dict[str, Any] | None:
    """The account with nothing on it; no answer, which is an unknown market, where the one that is gone is named."""
    names = parse_qs(query).get("markets", [""])[0].split(",")
    if GONE in names:
        return None
    return {
        "time_ms": NOW_MS, "positions": [], "orders": [], "fills": [], "fills_cursor": "0", "funding_payments": [],
        "funding_cursor": "0", "more": False,
        "account": {"account_id": "a", "equity": 100, "cash": 100, "margin_used": 0, "free_margin": 100},
        "tickers": [{"market": name, "price": 100, "mark": 100, "time": NOW_MS} for name in names if name],
    }  # fmt: skip


def account_with(shown: Callable[[str], dict[str, Any] | None], orders: list[dict[str, Any]]) -> dict[str, Any]:
    """The answers of a venue whose clock is stepped, where DELETE takes away the orders that `shown` tells of."""

    def open_or_cancelled(query: str) -> dict[str, Any]:
        if "status=open" in query:
            return {"orders": list(orders)}
        return {"cancelled": len(orders), "orders": orders.clear() or []}

    time = {"time_ms": NOW_MS, "speed": 0, "state": "open"}
    return {
        "/api/state": shown,
        "/api/markets": {"markets": [INSTRUMENT]},
        "/api/time": time,
        "/api/orders": open_or_cancelled,
        "/api/paper/advance": time,
    }


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a venue that lists one of the two markets on which the journal has an open run."""
    path = tmp_path / "state" / "journals" / "paper-default.sqlite3"
    path.parent.mkdir(parents=True)
    with closing(Journal.open(path, venue="paper", account="default", nonce="abc")) as journal:
        for market in (GONE, LISTED):
            journal.start_run("grid", market, {}, time_ms=NOW_MS, wall_ms=NOW_MS, pid=1)
    time = {"time_ms": NOW_MS, "speed": 1, "state": "open"}
    answers = {
        "/api/state": state, "/api/markets": {"markets": [INSTRUMENT]}, "/api/time": time,
        "/api/orders": {"orders": []},
    }  # fmt: skip
    with ScriptedVenue(answers).serving() as served:
        yield {"PFMM_BASE_URL": served.url}


def test_status_shows_every_run_and_says_which_market_is_gone(tmp_path: Path, venue: dict[str, str]) -> None:
    done = run("grid", "status", "--json", home=tmp_path, env=venue)
    rows = {row["market"]: row for row in done.data["runs"]}
    assert set(rows) == {GONE, LISTED}
    assert (rows[GONE]["unrealized_pnl"], rows[LISTED]["unrealized_pnl"]) == (None, "0")
    assert done.envelope["warnings"] == [f"the venue lists {GONE} no more"]


def test_stop_ends_the_runs(tmp_path: Path, venue: dict[str, str]) -> None:
    done = run("grid", "stop", "--json", home=tmp_path, env=venue)
    assert {(row["market"], row["state"]) for row in done.data["runs"]} == {(GONE, "stopped"), (LISTED, "stopped")}


def test_resume_lifts_the_halt(tmp_path: Path, venue: dict[str, str]) -> None:
    run("flatten", "--all", "--timeout", "1", "--json", home=tmp_path, env=venue)
    lifted = run("resume", "--json", home=tmp_path, env=venue)
    assert {row["market"] for row in lifted.data["runs_ended"]} <= {GONE, LISTED}
    assert run("resume", "--json", home=tmp_path, env=venue).data["halted_by"] is None


POSITION = {"market": GONE, "size_base": 2, "cost_basis": 200, "mark_price": 100, "unrealized_pnl": 0, "leverage": 5}
ORDER = {
    "order_id": "1", "client_order_id": "by-hand", "market": GONE, "side": "long", "type": "limit", "price": 90,
    "size_base": 1, "filled_base": 0, "avg_fill_price": None, "status": "open", "post_only": True,
    "reduce_only": False, "created_at": NOW_MS, "updated_at": NOW_MS,
}  # fmt: skip


@pytest.fixture
def held(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a venue where the account holds 2 of the market that is gone, with one order there."""
    orders = [ORDER]

    def shown(query: str) -> dict[str, Any] | None:
        found = state(query)
        return found and {**found, "speed": 0, "positions": [POSITION], "orders": list(orders)}

    with ScriptedVenue(account_with(shown, orders)).serving() as served:
        yield {"PFMM_BASE_URL": served.url}


def test_a_position_there_is_shown_by_any_spelling(tmp_path: Path, held: dict[str, str]) -> None:
    """The account never ran anything there: the venue's own word on the position is enough."""
    done = run("inventory", "aaa", "--json", home=tmp_path, env=held)
    (row,) = done.data["positions"]
    assert (row["market"], row["size"], row["mark_price"]) == (GONE, "2", "100")
    assert done.envelope["warnings"][0] == f"the venue lists {GONE} no more"
    assert run("inventory", "zzz", "--json", home=tmp_path, env=held).error["code"] == "unknown_market"


@pytest.mark.waits
@pytest.mark.parametrize("what", ["aaa", "--all"])
def test_flatten_cancels_there_and_says_that_the_position_is_left(
    tmp_path: Path, held: dict[str, str], what: str
) -> None:
    planned = run("flatten", what, "--dry-run", "--half", "--json", home=tmp_path, env=held).data
    assert (planned["would_cancel"], planned["markets"]) == (1, [{"market": GONE, "before": "2", "would_close": "0"}])
    done = run("flatten", what, "--timeout", "5", "--json", home=tmp_path, env=held)
    assert done.code == 9
    assert (done.envelope["data"]["orders_left"], done.envelope["data"]["cancelled"]) == (0, 1)
    (market,) = done.envelope["data"]["markets"]
    assert (market["market"], market["after"], market["reason"]) == (GONE, "2", "the venue shows no bid to close at")


@pytest.mark.parametrize("command", ["status", "stop"])
def test_its_run_can_be_named(tmp_path: Path, venue: dict[str, str], command: str) -> None:
    done = run("grid", command, "aaa", "--json", home=tmp_path, env=venue)
    assert [row["market"] for row in done.data["runs"]] == [GONE]


@pytest.mark.waits
def test_a_run_can_be_named_while_the_venue_does_not_answer(tmp_path: Path, venue: dict[str, str]) -> None:
    nowhere = {"PFMM_BASE_URL": "http://127.0.0.1:9"}
    done = run("grid", "status", "aaa", "--json", home=tmp_path, env=nowhere)
    assert [row["market"] for row in done.data["runs"]] == [GONE]
    assert len(done.envelope["warnings"]) == 1
    assert run("grid", "status", "zzz", "--json", home=tmp_path, env=nowhere).code == 5


def test_a_report_reads_the_venue_all_the_same(tmp_path: Path, venue: dict[str, str]) -> None:
    done = run("report", "--market", "aaa", "--json", home=tmp_path, env=venue)
    assert (done.data["market"], done.envelope["warnings"]) == (GONE, [f"the venue lists {GONE} no more"])

"""A market that the venue takes off its list, while the journal still has a run on it: the others must not suffer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from pfmm.journal import Journal
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


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a venue that lists one of the two markets on which the journal has an open run."""
    path = tmp_path / "state" / "journals" / "paper-default.sqlite3"
    path.parent.mkdir(parents=True)
    with closing(Journal.open(path, venue="paper", account="default", nonce="abc")) as journal:
        for market in (GONE, LISTED):
            journal.start_run("grid", market, {}, time_ms=NOW_MS, wall_ms=NOW_MS, pid=1)
    time = {"time_ms": NOW_MS, "speed": 1, "state": "open"}
    answers = {"/api/state": state, "/api/markets": {"markets": [INSTRUMENT]}, "/api/time": time}
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

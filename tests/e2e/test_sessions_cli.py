"""Markets that close: a live start wants to know their hours, and outside of them nothing new rests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.driver import run
from tests.e2e.homes import served, stepped_home

HOURS = "mon-fri 09:30-16:00 America/New_York"


def home_at(folder: Path, utc: str) -> Path:
    stepped_home(folder, seed=3, at_ms=round(datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp() * 1000))
    return folder


def test_orders_rest_within_the_hours_and_none_outside(tmp_path: Path) -> None:
    words = ("quote", "start", "AAPL", "--sessions", HOURS, "--once", "--json")
    open_, closed = home_at(tmp_path / "open", "2026-11-30T16:00"), home_at(tmp_path / "closed", "2026-11-30T22:00")
    assert run(*words, home=open_).data["runs"][0]["resting"] == 2
    shown = run(*words, home=closed)
    assert shown.data["runs"][0]["resting"] == 0
    free = run("quote", "start", "AAPL", "--once", "--json", home=home_at(tmp_path / "free", "2026-11-30T22:00"))
    assert free.data["runs"][0]["resting"] == 2  # paper money asks for no hours
    wrong = run("quote", "start", "AAPL", "--sessions", "nine to five", "--once", "--json", home=open_)
    assert (wrong.code, "mon-fri 09:30-16:00" in wrong.error["hint"]) == (2, True)


def test_a_live_start_wants_the_hours(tmp_path: Path) -> None:
    home = home_at(tmp_path / "server", "2026-11-30T16:00")
    with served(home) as env:
        live = {**env, "PFMM_VENUE": "purpleflea", "PURPLE_FLEA_KEY": "paper-default"}
        words = ("quote", "start", "AAPL", "--once", "--yes", "--yes-unprotected", "--json")
        refused = run(*words, home=tmp_path / "client", env=live)
        assert refused.code == 7, refused.out
        assert "AAPL-PERP (stock) closes at times" in refused.error["message"]
        assert "--sessions 24x7" in refused.error["hint"]
        for hours in (HOURS, "24x7"):
            started = run(*words, "--sessions", hours, home=tmp_path / "client", env=live)
            assert started.data["runs"][0]["resting"] == 2, started.out

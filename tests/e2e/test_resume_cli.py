"""`pfmm resume`: shows why an account is halted, and lifts it only when nothing of the past is left running."""

from __future__ import annotations

import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pfmm.journal.journal import Journal
from pfmm.runner.locks import AccountLocks
from tests.e2e.driver import Running, run
from tests.e2e.homes import resting_grid, runner_of
from tests.e2e.scripted_venue import ScriptedVenue
from tests.e2e.test_delisted_market import INSTRUMENT, NOW_MS, state
from tests.held import answer_of
from tests.unit.accounting.test_portfolio_leftovers import run_that_holds

BTC = "BTC-PERP"


def locks(home: Path) -> AccountLocks:
    return AccountLocks(home / "state", "paper", "default")


def journal_of(home: Path) -> Path:
    return home / "state" / "journals" / "paper-default.sqlite3"


def test_nothing_to_resume_is_said_and_no_failure(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    data = run("resume", "--json", home=tmp_path).data
    assert (data["account"], data["halted_by"], data["runs_ended"]) == ("default", None, [])
    assert "is not halted" in run("resume", home=tmp_path).out
    (row,) = run("grid", "status", "--json", home=tmp_path).data["runs"]
    assert row["state"] == "between_runs", "a run that nobody halted goes on"


def test_a_kill_switch_is_shown_and_other_runs_go_on(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    locks(tmp_path).halt(halted_by="kill_switch", reason="lost 12.50 USD", since="2025-01-01T00:00:00.000Z")
    assert run("grid", "start", BTC, "--once", "--json", home=tmp_path).code == 75
    done = run("resume", home=tmp_path)
    assert done.code == 0
    for word in ("kill_switch", "lost 12.50 USD", "2025-01-01T00:00:00.000Z"):
        assert word in done.out
    again = run("grid", "start", BTC, "--once", "--json", home=tmp_path).data
    assert again["adopted_orders"] > 0


def test_a_flatten_after_a_kill_switch_has_its_runs_ended(tmp_path: Path) -> None:
    """Also where the flatten itself could not end them."""
    resting_grid(tmp_path)
    locks(tmp_path).halt(halted_by="kill_switch", reason="lost 12.50 USD", since="2025-01-01T00:00:00.000Z")
    with closing(sqlite3.connect(journal_of(tmp_path), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert run("flatten", "--all", "--json", home=tmp_path).code == 0
        other.execute("ROLLBACK")
    data = run("resume", "--json", home=tmp_path).data
    assert (data["halted_by"], data["since"]) == ("flatten", "2025-01-01T00:00:00.000Z")
    assert data["reason"] == "flatten the whole account; before it kill_switch: lost 12.50 USD"
    assert data["runs_ended"] == [{"market": BTC, "strategy": "grid"}]


def test_a_latch_that_cannot_be_read_still_halts_and_can_be_lifted(tmp_path: Path) -> None:
    folder = locks(tmp_path).folder
    folder.mkdir(parents=True)
    (folder / "HALT.json").write_bytes(b"\xff{half")
    assert run("grid", "start", BTC, "--once", "--json", home=tmp_path).code == 75
    assert run("resume", "--json", home=tmp_path).data["halted_by"] == "unknown"
    assert run("grid", "start", BTC, "--once", "--json", home=tmp_path).code == 0


def test_a_runner_that_still_lives_is_not_let_loose(tmp_path: Path) -> None:
    with runner_of(tmp_path, "grid", BTC):
        locks(tmp_path).halt(halted_by="flatten", reason="panic", since="2025-01-01T00:00:00.000Z")
        refused = run("resume", "--json", home=tmp_path)
        assert (refused.code, refused.error["code"]) == (11, "already_running")
        assert locks(tmp_path).halted() is not None
    assert run("resume", "--json", home=tmp_path).code == 0


def test_what_a_failed_flatten_left_is_cancelled_and_ended_first(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    locks(tmp_path).halt(halted_by="flatten", reason="panic", since="2025-01-01T00:00:00.000Z")
    data = run("resume", "--json", home=tmp_path).data
    assert data["runs_ended"] == [{"market": BTC, "strategy": "grid"}]
    (row,) = run("grid", "status", "--json", home=tmp_path).data["runs"]
    assert (row["state"], row["orders"]) == ("halted", [])


@pytest.mark.waits
def test_a_journal_that_is_only_busy_keeps_the_halt_until_it_is_free(tmp_path: Path) -> None:
    """Else the next start would carry on a run whose position flatten has closed."""
    resting_grid(tmp_path)
    with closing(sqlite3.connect(journal_of(tmp_path), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert run("flatten", "--all", "--json", home=tmp_path).code == 0
        refused = run("resume", "--json", home=tmp_path)
        assert (refused.code, refused.error["code"]) == (8, "state_unknown")
        assert "stayed locked by another process" in refused.error["message"]
        assert locks(tmp_path).halted() is not None
        other.execute("ROLLBACK")
    assert run("resume", "--json", home=tmp_path).data["runs_ended"] == [{"market": BTC, "strategy": "grid"}]
    assert run("grid", "start", BTC, "--once", "--json", home=tmp_path).data["adopted_orders"] == 0


def test_a_corrupt_journal_stops_no_resume(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    journal_of(tmp_path).write_bytes(b"no database" * 500)
    assert run("flatten", "--all", "--json", home=tmp_path).code == 0
    done = run("resume", "--json", home=tmp_path)
    assert (done.code, done.data["halted_by"]) == (0, "flatten")
    assert "corrupt" in done.envelope["warnings"][0]


@pytest.mark.waits
def test_a_resume_in_the_middle_of_a_flatten_does_not_outlive_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {"PFMM_VENUE": "paper", "PFMM_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        with Running("flatten", "--all", "--timeout", "2", "--json", home=tmp_path, env=env) as emergency:
            silent.accept()[0].close()  # its first request, after it has set the HALT
            emergency.process.send_signal(signal.SIGSTOP)  # it is not over before the resume, however slow that is
            assert run("resume", "--json", home=tmp_path, env=env).data["halted_by"] == "flatten"
            assert locks(tmp_path).halted() is None
            emergency.process.send_signal(signal.SIGCONT)
            assert emergency.end() == 8
        (answer,) = map(answer_of, emergency.lines)
    assert answer["data"]["halted"] is True
    assert locks(tmp_path).halted() is not None


def test_what_a_half_flatten_left_of_ended_runs_is_said(tmp_path: Path) -> None:
    """Of a position of 3, ended runs bought 2: limits count it, and no start takes it up again."""
    journal_of(tmp_path).parent.mkdir(parents=True)
    with closing(Journal.open(journal_of(tmp_path), venue="paper", account="default", nonce="n")) as journal:
        run_that_holds(journal, 1, "2", end=True)
    locks(tmp_path).halt(halted_by="flatten", reason="halve", since="2025-01-01T00:00:00.000Z")
    position = {"market": BTC, "size_base": 3, "cost_basis": 300, "mark_price": 100, "unrealized_pnl": 0}
    answers = {
        "/api/state": lambda query: {**(state(query) or {}), "positions": [position]},
        "/api/markets": {"markets": [INSTRUMENT]},
        "/api/time": {"time_ms": NOW_MS, "speed": 1, "state": "open"},
    }
    warning = (
        f"{BTC}: 2 was left by ended runs: limits count it, and no run works it off; "
        f"`pfmm flatten {BTC}` closes what is held there"
    )
    with ScriptedVenue(answers).serving() as venue:
        env = {"PFMM_BASE_URL": venue.url}
        for command in ("resume", "inventory"):
            assert warning in run(command, "--json", home=tmp_path, env=env).envelope["warnings"]
    locks(tmp_path).halt(halted_by="flatten", reason="halve", since="2025-01-01T00:00:00.000Z")
    nowhere = {"PFMM_BASE_URL": "http://127.0.0.1:9"}
    lifted = run("resume", "--json", home=tmp_path, env=nowhere)
    assert lifted.data["halted_by"] == "flatten"
    (warning,) = lifted.envelope["warnings"]
    assert warning.startswith("what ended runs left could not be read: GET /api/state at 127.0.0.1:9 got no answer")

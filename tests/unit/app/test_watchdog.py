"""The watchdog as a function, over the embedded exchange: for whose runs it acts, and what it leaves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfmm.app import watchdog
from pfmm.app.once import once
from pfmm.app.session import Session
from pfmm.app.starting import Start, StartRequest
from pfmm.app.watchdog import Watch, is_there, presence
from pfmm.config.resolve import load_settings
from pfmm.model.run import RunSave

BTC = "BTC-PERP"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = Session(load_settings({"PFMM_HOME": str(tmp_path), "PFMM_PAPER_SEED": "1"}))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def gone() -> int:
    """The number of a process that is no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def begun(session: Session, pid: int) -> str:
    """A run with orders, as the journal has it of a process that was killed."""
    assert once(StartRequest("grid", (BTC,)), session=session, confirm=lambda _: True, tell=str) is not None
    run = session.journal.open_run("grid", BTC)
    assert run is not None
    saved = RunSave("running", run.memory, run.folded_through, run.last_cycle_ms or 0, 0, pid)
    session.journal.save_run(run.run_id, saved)
    return run.run_id


def watch(session: Session, pid: int) -> str | None:
    said: list[str] = []
    return watchdog.watch_over(Watch("grid", (BTC,), pid, 3.0), session=session, tell=said.append)


def test_what_a_dead_process_left_is_cancelled_said_and_left_open(session: Session, gone: int) -> None:
    run_id = begun(session, gone)
    done = watch(session, gone)
    assert done == (
        f"the process of the run (pid {gone}) was gone without having ended it: 10 orders cancelled, nothing closed"
    )
    assert session.venue.open_orders() == ()
    assert session.journal.live_orders() == ()
    (told,) = [one for one in session.journal.events() if one.event.name == "watchdog"]
    assert (told.run_id, told.event.data["cancelled"]) == (run_id, 10)
    still = session.journal.open_run("grid", BTC)
    assert still is not None
    assert still.run_id == run_id


@pytest.mark.parametrize("how", ["ended", "between_runs", "another process"])
def test_nothing_is_touched_of_a_run_that_was_left_on_purpose(session: Session, gone: int, how: str) -> None:
    run_id = begun(session, gone + 1 if how == "another process" else gone)
    if how == "ended":
        session.journal.end_run(run_id, status="stopped", reason="stop", time_ms=1)
    elif how == "between_runs":
        session.journal.save_run(run_id, RunSave("between_runs", None, 0, 1, 0, None))
    before = session.venue.open_orders()
    assert watch(session, gone) is None
    assert session.venue.open_orders() == before != ()


def test_a_run_that_another_process_took_over_meanwhile_is_its(session: Session, gone: int) -> None:
    begun(session, gone)
    with Start(StartRequest("grid", (BTC,)), session, str).holding():
        assert watch(session, gone) is None
        assert session.venue.open_orders() != ()


def test_it_is_there_while_it_holds_its_file(session: Session) -> None:
    assert not is_there(session.locks, BTC, "grid")
    held = presence(session.locks, BTC, "grid")
    assert held.take(0)
    assert is_there(session.locks, BTC, "grid")
    held.release()
    assert not is_there(session.locks, BTC, "grid")


@pytest.mark.parametrize(
    ("setting", "on_exit", "wanted"),
    [("auto", "cancel", False), ("on", "cancel", True), ("on", "keep", True), ("off", "cancel", False)],
)
def test_paper_money_has_one_only_where_that_is_asked_for(
    tmp_path: Path, setting: str, on_exit: str, wanted: bool
) -> None:
    settings = load_settings({"PFMM_HOME": str(tmp_path), "PFMM_RUN_WATCHDOG": setting})
    assert watchdog.wanted(Session(settings), on_exit) is wanted


@pytest.mark.parametrize(
    ("dead_man_s", "on_exit", "wanted"), [("60", "cancel", None), ("0", "cancel", True), ("60", "keep", False)]
)
def test_real_money_has_one_where_no_dead_man_is_granted(
    tmp_path: Path, dead_man_s: str, on_exit: str, wanted: bool | None
) -> None:
    """None: that shows when it is asked for."""
    live = {"PFMM_VENUE": "purpleflea", "PFMM_BASE_URL": "http://127.0.0.1:9", "PURPLE_FLEA_KEY": "k"}
    settings = load_settings({"PFMM_HOME": str(tmp_path), **live, "PFMM_RUN_DEAD_MAN_S": dead_man_s})
    assert watchdog.wanted(Session(settings), on_exit) is wanted

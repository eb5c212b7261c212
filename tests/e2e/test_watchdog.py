"""The watchdog of a loop, as real processes: it acts for a loop that is gone or hangs, and for no other."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfmm.app.embedded import open_exchange
from pfmm.store import flock
from tests.e2e.driver import Running, run
from tests.e2e.homes import still_home

ON = {"PFMM_RUN_WATCHDOG": "on"}
LINE = ("grid", "start", "BTC", "--interval", "0.2")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    still_home(tmp_path)
    return tmp_path


def resting(home: Path) -> int:
    exchange = open_exchange(home / "state")
    try:
        return len(exchange.orders("default"))
    finally:
        exchange.close()


def watchdogs(home: Path) -> list[int]:
    """The processes that watch over a loop of this home."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"pfmm.cli.watchdog" in words and f"PFMM_HOME={home}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except (OSError, ValueError):
            continue
    return found


@pytest.fixture
def loop(home: Path) -> Iterator[Running]:
    with Running(*LINE, home=home, env=ON) as started:
        started.wait_for('"event":"cycle"')
        assert resting(home) > 0
        assert flock.wait_for(lambda: bool(watchdogs(home)), 30)
        yield started
    assert flock.wait_for(lambda: not watchdogs(home), 60), "it ends with the run"


def told(home: Path) -> list[dict[str, Any]]:
    return [event for event in run("events", home=home).events if event["event"] == "watchdog"]


def test_a_killed_loop_has_its_orders_cancelled_and_is_said(home: Path, loop: Running) -> None:
    loop.process.send_signal(signal.SIGKILL)
    loop.end()
    assert flock.wait_for(lambda: resting(home) == 0, 60)
    assert flock.wait_for(lambda: bool(told(home)), 30)
    (event,) = told(home)
    assert "was gone without having ended it" in event["reason"]
    assert event["cancelled"] > 0
    again = run(*LINE[:3], "--once", "--json", home=home)
    assert again.code == 0, "the run is the next start's, which adopts it"
    assert again.data["runs"][0]["resting"] > 0


def test_a_healthy_loop_is_not_touched_and_one_that_ends_by_itself_needs_none(tmp_path: Path) -> None:
    with Running(*LINE, home=tmp_path, env=ON) as loop:
        for _ in range(8):
            loop.wait_for('"event":"cycle"')
        (pid,) = watchdogs(tmp_path)
        loop.process.send_signal(signal.SIGTERM)
        assert loop.end() == 143
    assert not any('"event":"command"' in line and "SIGTERM" not in line for line in loop.lines)
    assert flock.wait_for(lambda: pid not in watchdogs(tmp_path), 60)
    assert told(tmp_path) == []


def test_one_that_is_gone_itself_is_said_by_status_and_doctor(home: Path, loop: Running) -> None:
    (pid,) = watchdogs(home)
    assert "watchdog" not in str(run("grid", "status", "--json", home=home).envelope["warnings"])
    os.kill(pid, signal.SIGKILL)
    assert flock.wait_for(lambda: not watchdogs(home), 30)
    (warning,) = run("grid", "status", "--json", home=home).envelope["warnings"]
    assert "the watchdog of the grid on BTC-PERP" in warning
    assert "is gone" in warning
    checks = run("doctor", "--json", home=home).data["checks"]
    (check,) = [one for one in checks if one["name"].startswith("watchdog ")]
    assert check["verdict"] == "warn"
    loop.process.send_signal(signal.SIGTERM)
    loop.end()


@pytest.mark.slow
def test_a_stopped_loop_is_signalled_and_its_orders_are_cancelled(tmp_path: Path) -> None:
    """It takes the 30 s for which a loop may be silent, of a market that runs on."""
    with Running(*LINE, home=tmp_path, env=ON) as loop:
        loop.wait_for('"event":"cycle"')
        assert resting(tmp_path) > 0
        loop.process.send_signal(signal.SIGSTOP)
        stopped_s = time.monotonic()
        assert flock.wait_for(lambda: resting(tmp_path) == 0, 120)
        assert time.monotonic() - stopped_s >= 29
        assert loop.end() == 143, "woken, it left by its exit policy"
    assert flock.wait_for(lambda: not watchdogs(tmp_path), 60)


def test_a_loop_of_paper_money_has_none_unless_asked(home: Path) -> None:
    with Running(*LINE, home=home) as started:
        started.wait_for('"event":"cycle"')
        assert watchdogs(home) == []
        started.process.send_signal(signal.SIGTERM)
        started.end()

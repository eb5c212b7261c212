"""Whole-process figures: start-up against `python -c pass`, memory of a running loop, a week's gap."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.driver import Running, environment, run
from tests.e2e.homes import START_MS, own_session, stepped_home

ROUNDS = 15
WEEK_MS = 7 * 24 * 3600 * 1000

pytestmark = pytest.mark.bench


def seconds(command: list[str], home: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=environment(home), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def test_grid_once_costs_at_most_30_bare_interpreters(tmp_path: Path) -> None:
    stepped_home(tmp_path, seed=5)
    once = [sys.executable, "-m", "pfmm", "grid", "start", "BTC-PERP", "--once", "--json"]
    bare = [sys.executable, "-c", "pass"]
    seconds(once, tmp_path)
    both = [(seconds(bare, tmp_path), seconds(once, tmp_path)) for _ in range(ROUNDS)]
    floor, ours = min(b for b, _ in both), min(o for _, o in both)
    print(f"\npython -c pass {floor * 1000:.1f} ms, grid start --once {ours * 1000:.1f} ms: {ours / floor:.1f} ×")
    assert ours <= 30 * floor


def peak_mb(pid: int) -> float:
    """The most that a running process has held: what wait4 tells counts the process that started it, too."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("this system does not tell a process's memory in /proc")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def test_a_running_loop_stays_under_80_mb(tmp_path: Path) -> None:
    stepped_home(tmp_path, seed=7)
    with Running("grid", "start", "BTC-PERP", home=tmp_path) as grid:
        for _ in range(500):
            grid.wait_for_event("cycle")
        peak = peak_mb(grid.process.pid)
    print(f"\nrunning grid, 500 cycles: {peak:.0f} MB resident at most")
    assert peak < 80


def test_a_weeks_gap_with_20_resting_orders_is_caught_up_in_2_s(tmp_path: Path) -> None:
    stepped_home(tmp_path, seed=7)
    grid = ("grid", "start", "BTC-PERP", "--once", "--levels", "20", "--range-pct", "2")
    assert run(*grid, "--json", home=tmp_path).data["runs"][0]["resting"] == 20
    with own_session(tmp_path) as session:
        start = time.perf_counter()
        session.venue.advance(START_MS + WEEK_MS)
        orders = session.venue.open_orders()
        took = time.perf_counter() - start
    print(f"\na week with 20 orders resting: {took:.2f} s, {20 - len(orders)} of them filled")
    assert took < 2

"""`stop` that meets a runner in its first cycle: that places nothing more, and what it began is ended as well."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.driver import PATIENCE_S, environment, run
from tests.e2e.homes import open_orders, still_home

BTC = "BTC-PERP"
# a grid whose first look at the venue lasts until it was told to stop, and then does END
SLOW_GRID = """
import signal, sys
from pfmm.cli.app import run
from pfmm.errors import VenueUnreachable
from pfmm.venue.purpleflea import PurpleFlea
look = PurpleFlea.snapshot
def late(*asked):
    PurpleFlea.snapshot = look
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    print("looking", flush=True)
    signal.sigwait({signal.SIGTERM})
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    signal.raise_signal(signal.SIGTERM)
    END
PurpleFlea.snapshot = late
sys.exit(run(["grid", "start", "BTC-PERP", "--json", "--on-exit", "keep"]))
"""


@contextmanager
def grid_in_its_first_cycle(home: Path, end: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SLOW_GRID.replace("END", end)]
    with subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, text=True) as grid:
        try:
            assert grid.stdout is not None
            assert grid.stdout.readline() == "looking\n"
            yield grid
        finally:
            grid.kill()


def test_a_run_that_began_meanwhile_has_placed_nothing_and_is_ended(tmp_path: Path) -> None:
    still_home(tmp_path)
    with grid_in_its_first_cycle(tmp_path, "return look(*asked)") as grid:
        done = run("grid", "stop", "--json", home=tmp_path)
        # a shell calls both 143: `stop` asks once more, which may meet the last moment of a process that has left
        assert grid.wait(timeout=PATIENCE_S) in (143, -signal.SIGTERM)
    assert open_orders(tmp_path) == []
    row = {"market": BTC, "strategy": "grid", "cancelled": 0, "orders_left": 0, "state": "stopped"}
    row |= {"inventory": None, "pnl": None, "close": None}  # of a run alone
    assert (done.code, done.data["runs"]) == (0, [row])


def test_a_runner_that_began_no_run_is_told_of(tmp_path: Path) -> None:
    still_home(tmp_path)
    with grid_in_its_first_cycle(tmp_path, 'raise VenueUnreachable("gone")') as grid:
        done = run("grid", "stop", "--json", home=tmp_path)
        assert grid.wait(timeout=PATIENCE_S) == 5
    row = {"market": BTC, "strategy": "grid", "cancelled": 0, "orders_left": 0, "state": "stopped"}
    row |= {"inventory": None, "pnl": None, "close": None}  # of a run alone
    assert (done.code, done.data["runs"], open_orders(tmp_path)) == (0, [row], [])

"""A `start` that would carry a run on, beside the `stop` that ends it: it begins a new one, as any new one begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.e2e.driver import PATIENCE_S, environment, run
from tests.e2e.homes import open_orders, resting_grid
from tests.held import answer_of

# the stop comes when the start is about to take the run's lock, its own look at the open runs behind it
STOPPED_WITHIN = """
import contextlib, io, sys
from pfmm.cli.app import run
stopped = []
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith("BTC-PERP.grid.lock") and not stopped:
        stopped.append(event)
        with contextlib.redirect_stdout(io.StringIO()):
            assert run(["grid", "stop"]) == 0
sys.addaudithook(hook)
sys.exit(run(["grid", "start", "BTC-PERP", "--once", "--size", "10000", "--json"]))
"""


def test_a_grid_that_is_new_after_all_is_refused_where_it_could_never_work(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WITHIN],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    error = answer_of(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (7, "risk_refused"), done.stdout + done.stderr
    assert error["message"].startswith("one side of this grid is worth")
    assert open_orders(tmp_path) == []
    assert len(run("grid", "status", "BTC-PERP", "--json", home=tmp_path).data["runs"]) == 1

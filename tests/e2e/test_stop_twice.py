"""Two `stop`s of one runner at the same time: the second waits for the first, and ends nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.e2e.driver import PATIENCE_S, environment
from tests.e2e.homes import open_orders, resting_grid
from tests.held import answer_of

STOP = """
import sys
from pfmm.cli.app import run
from pfmm.venue.purpleflea import PurpleFlea
{}
sys.exit(run(["grid", "stop", "--json"]))
"""
# it has the run's lock when it looks at the venue for the first time
SLOW = """
look = PurpleFlea.snapshot
def late(*asked):
    PurpleFlea.snapshot = look
    print("looking", flush=True)
    sys.stdin.readline()
    return look(*asked)
PurpleFlea.snapshot = late
"""
# it has looked for the lock's holder, and acted by what it saw, when it has looked so often
WATCHED = """
looks = 0
def hook(event, arguments):
    global looks
    looks += event == "fcntl.flock"
    if event == "fcntl.flock" and looks == 12:
        print("waiting", flush=True)
sys.addaudithook(hook)
"""


def stop(home: Path, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", STOP.format(how)],
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_second_stop_waits_for_the_first(tmp_path: Path) -> None:
    resting_grid(tmp_path)
    with stop(tmp_path, SLOW) as first:
        try:
            assert first.stdout is not None
            assert first.stdout.readline() == "looking\n"
            with stop(tmp_path, WATCHED) as second:
                try:
                    assert second.stdout is not None
                    assert second.stdout.readline() == "waiting\n"
                    told, _ = first.communicate("go on\n", timeout=PATIENCE_S)
                    told_too, _ = second.communicate(timeout=PATIENCE_S)
                finally:
                    second.kill()
        finally:
            first.kill()
    assert (first.returncode, second.returncode) == (0, 0)
    row = {"market": "BTC-PERP", "strategy": "grid", "orders_left": 0, "state": "stopped"}
    left = {"inventory": "0", "pnl": "0", "close": None}
    for answer in (told, told_too):
        assert [{**row, **left, "cancelled": 10}] == answer_of(answer)["data"]["runs"]
    assert open_orders(tmp_path) == []

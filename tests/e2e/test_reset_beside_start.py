"""`paper reset` beside a command that opens a journal: no run ever writes to a journal that is moved aside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pfmm.journal.sharing import journals_in_use
from tests.e2e.driver import PATIENCE_S, environment, run
from tests.e2e.homes import own_session, still_home

# a start opens the account's journal when the reset is about to move it; Python tells its audit hooks of either
START_WITHIN = """
import sys, threading
from pathlib import Path
from pfmm.app.session import Session
from pfmm.app.paper_admin import reset
from pfmm.config.resolve import load_settings
far_enough = threading.Event()  # the start waits for the reset, or has its journal
def start():
    session = Session(load_settings({"PFMM_HOME": sys.argv[1]}))
    session.journal.start_run("grid", "BTC-PERP", {}, time_ms=0, wall_ms=0, pid=None)
    far_enough.set()
    session.close()
starting = threading.Thread(target=start)
def hook(event, arguments):
    moved = event == "os.rename" and ".pyc" not in str(arguments[0])  # not a compiled module's
    if moved and starting.ident is None:
        starting.start()
        far_enough.wait()
    if event == "fcntl.flock" and threading.current_thread() is starting:
        far_enough.set()
sys.addaudithook(hook)
reset(Path(sys.argv[1]) / "state")
starting.join()
"""


def test_a_run_that_begins_within_a_reset_is_in_the_journal_of_afterwards(tmp_path: Path) -> None:
    still_home(tmp_path)
    assert run("grid", "start", "ETH-PERP", "--once", "--json", home=tmp_path).code == 0
    command = [sys.executable, "-c", START_WITHIN, str(tmp_path)]
    subprocess.run(command, env=environment(tmp_path), timeout=PATIENCE_S, check=True)
    with own_session(tmp_path) as session:
        assert [run.market for run in session.journal.runs()] == ["BTC-PERP"]


def test_a_reset_is_kept_out_as_long_as_a_journal_is_open(tmp_path: Path) -> None:
    use = journals_in_use(tmp_path / "state")
    with own_session(tmp_path) as session:
        assert session.journal.runs() == ()
        assert not use.take(0)
    assert use.take(0)
    use.release()

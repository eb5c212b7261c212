"""`events --follow` beside a loop that is killed and started again: every fill once, and what is missing is said."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.e2e.driver import Running, run
from tests.e2e.homes import own_session, stepped_home


@pytest.mark.parametrize("kill_after_lines", [(40,), pytest.param((30, 90, 200), marks=pytest.mark.slow)])
def test_every_fill_is_told_once_though_the_loop_is_killed(tmp_path: Path, kill_after_lines: tuple[int, ...]) -> None:
    stepped_home(tmp_path, seed=7)
    with Running("events", "--since", "0", "--follow", home=tmp_path) as reader:
        for lines in kill_after_lines:
            with Running("grid", "start", "BTC-PERP", home=tmp_path) as grid:
                for _ in range(lines):
                    grid.wait_for("{")
                grid.process.send_signal(signal.SIGKILL)
                grid.end()
        assert run("grid", "start", "BTC-PERP", "--cycles", "120", home=tmp_path).code == 0
        reader.wait_for_event("stopped")
        reader.process.send_signal(signal.SIGINT)
        assert reader.end() == 130
    told = reader.events
    with own_session(tmp_path) as session:
        fills = [item.fill.fill_id for item in session.journal.fills()]
        (run_id,) = {item.run_id for item in session.journal.fills()}
    assert len(fills) > 5
    assert [one["fill_id"] for one in told if one["event"] == "fill"] == fills
    cursors = [one["cursor"] for one in told]
    assert cursors == list(range(1, len(cursors) + 1)), "none twice, none left out"

    # the same in two halves by the cursor, and of the run alone, which has ended
    half = cursors[len(cursors) // 2]
    rest = run("events", "--since", str(half), home=tmp_path).events
    assert [one["cursor"] for one in rest] == cursors[half:]
    with Running("events", "--since", "0", "--run", "grid", "--follow", home=tmp_path) as done:
        assert done.end() == 0, "a run that has ended is followed to its end"
    assert {one["run"] for one in done.events} == {run_id}
    assert done.events[-1]["event"] == "stopped"

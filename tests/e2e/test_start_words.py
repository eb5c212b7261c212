"""What `start` says it did, held to what rests: no flag is passed over, no sentence claims more than happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.driver import run
from tests.e2e.homes import open_orders, still_home


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (("--once", "--cycles", "3"), "--cycles"),
        (("--once", "--detach"), "--detach"),
        (("--dry-run", "--cycles", "3"), "--cycles"),
        (("--dry-run", "--detach"), "--detach"),
        (("--exit-code", "--once"), "--dry-run"),
    ],
)
def test_a_flag_that_could_do_nothing_is_refused(tmp_path: Path, given: tuple[str, ...], word: str) -> None:
    answer = run("grid", "start", "BTC", *given, "--json", home=tmp_path)
    assert answer.code == 2
    assert word in answer.error["message"]


@pytest.mark.parametrize(("policy", "rests"), [("keep", 10), ("cancel", 0)])
def test_a_loop_begins_with_started_and_ends_with_what_it_left(tmp_path: Path, policy: str, rests: int) -> None:
    still_home(tmp_path)
    events = run("grid", "start", "BTC", "--cycles", 1, "--on-exit", policy, home=tmp_path).events
    assert [event["event"] for event in events] == ["started", *["placed"] * 10, "cycle", "stopping", "stopped"]
    assert events[-1]["orders_left"] == len(open_orders(tmp_path)) == rests
    assert events[-1]["cancelled"] == 10 - rests

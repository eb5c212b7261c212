"""The child's command line, and what it tells the parent that waits for it."""

from __future__ import annotations

import json
import os

import pytest

from pfmm.app.detaching import READY_FD, tell_failure, tell_ready
from pfmm.cli.output import Failure
from pfmm.cli.starting import child_arguments


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["grid", "start", "BTC", "--detach"], ["grid", "start", "BTC", "--yes"]),
        (["--json", "grid", "start", "--detach", "BTC", "--yes"], ["--json", "grid", "start", "BTC", "--yes"]),
        (["grid", "start", "--detach", "--", "BTC"], ["grid", "start", "--yes", "--", "BTC"]),
        (["quote", "start", "--detach", "--", "BTC", "--yes"], ["quote", "start", "--yes", "--", "BTC", "--yes"]),
    ],
)
def test_the_childs_flags_stand_before_the_end_of_options(given: list[str], expected: list[str]) -> None:
    assert child_arguments(given) == expected


def test_the_parent_is_told_once_and_a_parent_that_went_away_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    monkeypatch.setenv(READY_FD, str(write))
    tell_failure(Failure("usage", "no \u2192 way", None, 2))
    tell_ready()  # the pipe is closed: nobody is told twice
    assert json.loads(os.read(read, 1000)) == {"code": "usage", "message": "no → way", "hint": None, "exit_code": 2}
    assert os.read(read, 1000) == b""
    os.close(read)
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setenv(READY_FD, str(write))
    tell_ready()
    os.close(write)

"""How far a backtest has come: shown on a terminal after a second, with rate and time left, and nowhere else."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from pfmm.cli import reading
from pfmm.cli.output import Globals

DAY_MS = 86_400_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Seconds:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    made = Seconds()
    monkeypatch.setattr(reading, "time", made)
    return made


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called by the test itself: between its phases pytest puts its own stderr back."""
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return made


def test_a_run_of_a_second_shows_nothing_and_a_longer_one_its_days_and_rate(
    seconds: Seconds, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    terminal = on_terminal(monkeypatch)
    with reading.running(Globals("backtest run"), [tmp_path]) as (read, walk):
        assert read is not None
        assert walk is not None
        told = walk(1, 2, 0, 10 * DAY_MS)  # the second of two runs of ten days
        told(DAY_MS)
        assert terminal.getvalue() == ""
        seconds.now += 1.1
        told(4 * DAY_MS)
        shown = terminal.getvalue()
        assert "running" in shown
        assert "left" in shown
        assert re.search(r"\x1b\[[\d;]*m", shown) is None  # no colour: not all of a bar's are read on white
    assert "14.00 of 20.00 days" in terminal.getvalue()


@pytest.mark.parametrize("options", [Globals("backtest run", json=True), Globals("backtest run", quiet=True)])
def test_scripts_see_no_bar(options: Globals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = on_terminal(monkeypatch)
    with reading.running(options, [tmp_path]) as (read, walk):
        assert read is walk is None
    assert terminal.getvalue() == ""


def test_a_pipe_sees_no_bar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with reading.running(Globals("backtest run"), [tmp_path]) as (read, walk):
        assert read is walk is None

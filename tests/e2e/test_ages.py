"""What a command asks of the account's files on its first day and after many fills, in steps of SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.big_journal import CYCLE_MS, fill_journal
from tests.bench.big_journal import START_MS as FIRST_FILL_MS
from tests.e2e.driver import run_here
from tests.e2e.homes import stepped_home
from tests.sqlite_steps import Steps
from tests.unit.journal.old_journal import old_journal

NOW_MS = FIRST_FILL_MS + 30 * 86_400_000
COMMANDS = [
    "grid start BTC-PERP --once",
    "grid start BTC-PERP --once",
    "quote start ETH-PERP --once",
    "ladder start SOL-PERP --once",
    "grid status",
    "grid start BTC-PERP --dry-run",
    "grid stop BTC-PERP",
    "inventory",
    "flatten --all --yes",
    "resume",
]


def upgraded(home: Path, fills: int) -> Path:
    """A home with a market that stands still and a journal of before books, with what the upgrade owes paid."""
    stepped_home(home, seed=7, at_ms=NOW_MS)
    path = home / "state" / "journals" / "paper-default.sqlite3"
    old_journal(path, 2, account="default")
    fill_journal(path, fills, orders=fills, cycles=fills, span_cycles=fills)
    assert FIRST_FILL_MS + fills * CYCLE_MS < NOW_MS
    assert run_here("report", home=home).code == 0
    return home


def taken(home: Path, steps: Steps) -> list[int]:
    """What each command takes, one after the other."""
    counts = []
    for command in COMMANDS:
        before = steps.taken
        done = run_here(*command.split(), home=home)
        assert done.code == 0, (command, done)
        counts.append(steps.taken - before)
    return counts


@pytest.mark.parametrize("fills", [1_000, pytest.param(3_000, marks=pytest.mark.slow)])
def test_no_command_that_trades_asks_more_of_an_account_with_many_fills(
    tmp_path: Path, steps: Steps, fills: int
) -> None:
    """Ten and thirty times the fills and orders; the steps in hundreds may differ by a few, for the depth of trees."""
    few = taken(upgraded(tmp_path / "few", 100), steps)
    many = taken(upgraded(tmp_path / "many", fills), steps)
    for command, before, after in zip(COMMANDS, few, many, strict=True):
        assert after <= before + 5, (command, dict(zip(COMMANDS, zip(few, many, strict=True), strict=True)))

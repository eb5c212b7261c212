"""What a command costs on an account's first day and after a million fills; `report` beside an older version.

What is held to is a journal in use: what an upgrade owes once (books, minute rows) is paid before and printed.
PFMM_BASELINE names the Python of another installation of pfmm: `report` is timed with it in the same rounds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.bench.big_journal import CYCLES, fill_journal
from tests.unit.journal.old_journal import old_journal

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 7
AGES = (0, 100_000, 1_000_000)
COMMANDS = {
    "grid start --once": ("grid", "start", "BTC-PERP", "--once"),
    "quote start --once": ("quote", "start", "ETH-PERP", "--once"),
    "grid status": ("grid", "status"),
    "inventory": ("inventory",),
}
TIMES, MORE_MB = 1.2, 5.0
REPORT_SHARE = 0.5
# a process's peak of memory is at least its parent's when it was started: a small parent, then, and not pytest
MEASURE = """
import os, sys
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent), 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime, used.ru_maxrss)
"""
BASELINE = os.environ.get("PFMM_BASELINE")


def used(command: Sequence[str], home: Path, python: str = sys.executable) -> tuple[float, float]:
    """User processor time in s, with that of the children, and the peak of memory in MB of a command that succeeds."""
    env = {**os.environ, "PFMM_HOME": str(home), "COLUMNS": "100"}
    if python == sys.executable:
        env["PYTHONPATH"] = str(ROOT)
    measure = [sys.executable, "-S", "-c", MEASURE, python, "-m", "pfmm", *command]
    told = subprocess.run(measure, env=env, stdout=subprocess.PIPE, cwd="/", check=True, text=True).stdout.split()
    assert told[0] == "0", (command, told)
    return float(told[1]), int(told[2]) / 1024


def aged(home: Path, fills: int) -> Path:
    """A home whose paper account has so many fills of ended runs, flat, in a journal of before there were books."""
    path = home / "state" / "journals" / "paper-default.sqlite3"
    old_journal(path, 2, account="default")
    cycles = CYCLES * fills // AGES[-1]
    fill_journal(path, fills, orders=fills, cycles=cycles, span_cycles=max(cycles, 1))
    return home


class Homes(NamedTuple):
    """A home for each number of fills, brought up to date, and one of the most as an older version left it."""

    by_fills: dict[int, Path]
    before: Path


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    """What an upgrade owes is paid here, once: the first command makes the books, the first report the minute rows."""
    folder = tmp_path_factory.mktemp("ages")
    by_fills = {fills: aged(folder / str(fills), fills) for fills in AGES}
    before = folder / "before"
    shutil.copytree(by_fills[AGES[-1]], before)
    for fills, home in by_fills.items():
        used(("paper", "feed", "synthetic", "--seed", "7"), home)  # one market for all
        books, rows = used(("grid", "status"), home)[0], used(("report",), home)[0]
        print(f"\n{fills:,} fills, once after the upgrade: books {books:.2f} s, minute rows {rows:.2f} s", end="")
    return Homes(by_fills, before)


@pytest.mark.bench
def test_a_command_costs_the_same_after_a_million_fills(homes: Homes) -> None:
    wrong = []
    print(f"\n{'':>20} " + " ".join(f"{fills:>20,}" for fills in AGES))
    for name, command in COMMANDS.items():
        seconds: dict[int, list[float]] = {fills: [] for fills in AGES}
        megabytes: dict[int, list[float]] = {fills: [] for fills in AGES}
        for round_ in range(ROUNDS):
            for turn in range(len(AGES)):
                fills = AGES[(turn + round_) % len(AGES)]
                second, megabyte = used(command, homes.by_fills[fills])
                seconds[fills].append(second)
                megabytes[fills].append(megabyte)
        least, memory = [min(seconds[fills]) for fills in AGES], [min(megabytes[fills]) for fills in AGES]
        times, more_mb = max(least) / min(least), max(memory) - min(memory)
        columns = " ".join(f"{s:>9.3f} s {m:>5.1f} MB" for s, m in zip(least, memory, strict=True))
        print(f"{name:>20} {columns}   {times:.2f} x, {more_mb:.1f} MB")
        if times > TIMES or more_mb > MORE_MB:
            wrong.append(name)
    assert not wrong


@pytest.mark.bench
def test_a_report_of_a_million_fills_takes_half_of_what_it_took(homes: Homes) -> None:
    now, then = [], []
    for _ in range(3):
        now.append(used(("report",), homes.by_fills[AGES[-1]])[0])
        if BASELINE is not None:
            then.append(used(("report",), homes.before, BASELINE)[0])
    print(f"\nreport of {AGES[-1]:,} fills: {min(now):.2f} s user, before {min(then, default=float('nan')):.2f} s")
    assert not then or min(now) <= REPORT_SHARE * min(then)

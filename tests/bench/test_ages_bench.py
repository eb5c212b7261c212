"""What a command costs on an account's first day and after a million fills; `report` beside an older version.

PFMM_BASELINE names the Python of another installation of pfmm: `report` is timed with it in the same rounds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

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
BASELINE = os.environ.get("PFMM_BASELINE")


def used(command: Sequence[str], home: Path, python: str = sys.executable) -> tuple[float, float]:
    """User processor time in s, with that of the children, and the peak of memory in MB of a command that succeeds."""
    env = {**os.environ, "PFMM_HOME": str(home), "COLUMNS": "100"}
    if python == sys.executable:
        env["PYTHONPATH"] = str(ROOT)
    with subprocess.Popen([python, "-m", "pfmm", *command], env=env, stdout=subprocess.DEVNULL, cwd="/") as one:
        _, status, usage = os.wait4(one.pid, 0)
        one.returncode = os.waitstatus_to_exitcode(status)
    assert one.returncode == 0, (command, one.returncode)
    return usage.ru_utime, usage.ru_maxrss / 1024


def aged(home: Path, fills: int) -> Path:
    """A home whose paper account has so many fills, recorded before there were books."""
    path = home / "state" / "journals" / "paper-default.sqlite3"
    old_journal(path, 2, account="default")
    cycles = CYCLES * fills // AGES[-1]
    fill_journal(path, fills, orders=fills, cycles=cycles, span_cycles=max(cycles, 1))
    return home


@pytest.mark.bench
def test_a_command_costs_the_same_after_a_million_fills(tmp_path: Path) -> None:
    homes = {fills: aged(tmp_path / str(fills), fills) for fills in AGES}
    for fills, home in homes.items():
        first, _ = used(("grid", "status"), home)
        print(f"\n{fills:,} fills: the first command, which makes the books, {first:.2f} s", end="")
    wrong = []
    print(f"\n{'':>20} " + " ".join(f"{fills:>20,}" for fills in AGES))
    for name, command in COMMANDS.items():
        rounds = [[used(command, home) for home in homes.values()] for _ in range(ROUNDS)]
        seconds = [min(round_[age][0] for round_ in rounds) for age in range(len(AGES))]
        megabytes = [min(round_[age][1] for round_ in rounds) for age in range(len(AGES))]
        print(f"{name:>20} " + " ".join(f"{s:>9.3f} s {m:>5.1f} MB" for s, m in zip(seconds, megabytes, strict=True)))
        if max(seconds) > TIMES * min(seconds) or max(megabytes) - min(megabytes) > MORE_MB:
            wrong.append(name)
    assert not wrong


@pytest.mark.bench
def test_a_report_of_a_million_fills_takes_half_of_what_it_took(tmp_path: Path) -> None:
    home = aged(tmp_path / "now", AGES[-1])
    before = tmp_path / "before"
    shutil.copytree(home, before)
    first, _ = used(("report",), home)
    print(f"\nthe first report, which makes the minute rows: {first:.2f} s")
    now, then = [], []
    for _ in range(3):
        now.append(used(("report",), home)[0])
        if BASELINE is not None:
            then.append(used(("report",), before, BASELINE)[0])
    print(f"report of {AGES[-1]:,} fills: {min(now):.2f} s user, before {min(then, default=float('nan')):.2f} s")
    assert not then or min(now) <= REPORT_SHARE * min(then)

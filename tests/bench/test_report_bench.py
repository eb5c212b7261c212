"""`pfmm report` on a journal of a million fills, as a whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pfmm.journal.journal import Journal
from tests.bench.big_journal import CYCLES, fill_journal

ROOT = Path(__file__).resolve().parents[2]
FILLS, ORDERS = 1_000_000, 1_500_000
LIMIT_S = 8.0
ROUNDS = 3


def make_journal(path: Path) -> None:
    """As it would be after ten days of three loops."""
    Journal.open(path, venue="paper", account="default", nonce="n").close()
    fill_journal(path, FILLS, orders=ORDERS)


@pytest.mark.bench
def test_report_of_a_million_fills(pfmm_home: Path) -> None:
    make_journal(pfmm_home / "state" / "journals" / "paper-default.sqlite3")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    wall, cpu, peak_mb = [], [], 0.0
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "pfmm", "report"], env=env, stdout=subprocess.PIPE, text=True
        ) as one:
            assert one.stdout is not None
            shown = one.stdout.read()
            _, status, used = os.wait4(one.pid, 0)
            one.returncode = os.waitstatus_to_exitcode(status)
        wall.append(time.perf_counter() - begin)
        cpu.append(used.ru_utime + used.ru_stime)
        peak_mb = max(peak_mb, used.ru_maxrss / 1024)
        assert one.returncode == 0
    assert f"{FILLS}" in shown
    print(f"\n{shown}")
    print(f"pfmm report, {FILLS:,} fills, {3 * CYCLES:,} mids, {ORDERS:,} orders: {min(wall):.2f} s of {wall}")
    print(f"processor time of both processes {min(cpu):.2f} s, {peak_mb:.0f} MB in the larger one")
    assert min(wall) < LIMIT_S

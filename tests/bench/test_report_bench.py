"""`pfmm report` on a journal of a million fills, as a whole process."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pfmm.journal.journal import Journal

ROOT = Path(__file__).resolve().parents[2]
FILLS, ORDERS = 1_000_000, 1_500_000
MARKETS, PRICES = ("BTC-PERP", "ETH-PERP", "SOL-PERP"), (65_000, 3_500, 200)
START_MS, CYCLE_MS, CYCLES = 1_767_225_600_000, 3_000, 288_000  # ten days at 3 s
STEP_MS = CYCLE_MS * CYCLES // FILLS
LIMIT_S = 8.0
ROUNDS = 3


def rows() -> Iterator[tuple[object, ...]]:
    """Fills of three markets in turn, near the price; sizes that mostly lead the inventory back to nothing."""
    chance = random.Random(1)
    held = [0, 0, 0]
    for n in range(FILLS):
        which = n % 3
        side = ("short" if held[which] > 0 else "long") if chance.random() < 0.7 else chance.choice(("long", "short"))
        sign, size = (1 if side == "long" else -1), chance.randint(1, 3_000)
        held[which] += sign * size
        price = PRICES[which] * (1 - sign * chance.randint(0, 300) / 1e6)
        yield (
            n + 1, f"f{n}", f"v{n // 2}", f"n-{n // 2}", MARKETS[which], side, f"{price:.2f}", f"{size / 1e5:.5f}",
            f"{-price * size * 2e-9:.8f}", "maker", START_MS + n * STEP_MS, 0, f"n-r{which + 1}", "bid",
        )  # fmt: skip


def make_journal(path: Path) -> None:
    """Bulk inserts behind the journal's back: as it would be after ten days of three loops."""
    with Journal.open(path, venue="paper", account="default", nonce="n") as journal:
        for market in MARKETS:
            journal.start_run("grid", market, {}, time_ms=START_MS, wall_ms=0, pid=None)
    chance = random.Random(2)
    with sqlite3.connect(path) as db:
        db.executemany(f"INSERT INTO fills VALUES ({', '.join('?' * 14)})", rows())
        columns = "number, client_order_id, run_id, market, slot, side, price, size, filled_reported, status, live, "
        columns += "reduce_only, created_ms, updated_ms, filled_absorbed"
        db.executemany(
            f"INSERT INTO orders ({columns}) VALUES ({', '.join('?' * 15)})",
            (
                (n, f"n-{n}", f"n-r{n % 3 + 1}", MARKETS[n % 3], "bid", "long", "65000.12", "0.00154", "0", "cancelled",
                 0, 0, START_MS + n, START_MS + n, "0.00154" if n < FILLS // 2 else "0")
                for n in range(ORDERS)
            ),
        )  # fmt: skip
        for market, price in zip(MARKETS, PRICES, strict=True):
            db.executemany(
                "INSERT INTO mids VALUES (?, ?, ?)",
                (
                    (market, START_MS + n * CYCLE_MS, f"{price + chance.randint(-100, 100) * price / 1e6:.2f}")
                    for n in range(CYCLES)
                ),
            )
        db.executemany(
            "INSERT INTO equity (time_ms, equity) VALUES (?, ?)",
            ((START_MS + n * CYCLE_MS, f"{10_000 + chance.randint(-5_000, 5_000) / 100:.8f}") for n in range(CYCLES)),
        )


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

"""A loop on 20 markets for eight simulated hours: memory, threads and descriptors stay, and the journal grows by a
stated number of bytes a fill and an idle hour."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.driver import Running, run
from tests.e2e.homes import own_session, stepped_home

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc")

MARKETS = [
    f"{base}-PERP"
    for base in (
        *("BTC", "ETH", "SOL", "DOGE", "XRP", "ADA", "AVAX", "LINK", "LTC", "BNB"),
        *("ARB", "OP", "SUI", "APT", "INJ", "DOT", "UNI", "AAVE", "TRX", "BCH"),
    )
]
HOURS = float(os.environ.get("PFMM_SOAK_HOURS", "8"))
INTERVAL_S = 10
GROWTH_MB = 5.0
BYTES_A_FILL = 4_096
BYTES_AN_IDLE_HOUR = 96 * 1024  # a mid of each market and the equity, every cycle of 3 s


class Use(NamedTuple):
    """What a process holds."""

    resident_mb: float
    threads: int
    descriptors: int


def use_of(pid: int) -> Use:
    """Reads what a living process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    resident_mb = int(fields["VmRSS"].split()[0]) / 1024
    return Use(resident_mb, int(fields["Threads"]), sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


def journal_bytes(home: Path) -> int:
    """The journal with its log, as the disk has them."""
    return sum(file.stat().st_size for file in (home / "state" / "journals").iterdir())


@pytest.mark.slow
def test_eight_hours_on_twenty_markets_hold_no_more_than_the_first(tmp_path: Path) -> None:
    stepped_home(tmp_path, seed=7)
    cycles = int(HOURS * 3_600 / INTERVAL_S)
    begin = ("quote", "start", *MARKETS, "--model", "fixed", "--interval", str(INTERVAL_S), "--cycles", str(cycles))
    seen: list[Use] = []
    with Running(*begin, home=tmp_path) as loop:
        for cycle in range(1, cycles + 1):
            for _ in MARKETS:
                loop.wait_for_event("cycle")
            if cycle % max(1, cycles // 10) == 0 and cycle < cycles:
                seen.append(use_of(loop.process.pid))
        assert loop.end() == 0, loop.errors
    early, late = seen[0], seen[-1]
    with own_session(tmp_path) as session:
        fills = sum(1 for _ in session.journal.fills())
    size = journal_bytes(tmp_path)
    print(f"\n{cycles} cycles of {len(MARKETS)} markets, {fills} fills: {early} → {late}; {size} bytes of journal")
    assert late.resident_mb - early.resident_mb < GROWTH_MB
    assert (late.threads, late.descriptors) == (early.threads, early.descriptors)
    assert fills > 100 * HOURS
    assert size <= fills * BYTES_A_FILL + HOURS * BYTES_AN_IDLE_HOUR * len(MARKETS)


@pytest.mark.slow
def test_an_idle_hour_costs_little_of_the_disk(tmp_path: Path) -> None:
    stepped_home(tmp_path, seed=7)
    far = ("--range-pct", "30", "--levels", "4")  # rests, and is never reached
    begin = ("grid", "start", "BTC-PERP", *far, "--on-exit", "keep", "--cycles")
    assert run(*begin, "2", home=tmp_path).code == 0
    before = journal_bytes(tmp_path)
    assert run(*begin, "1200", home=tmp_path).code == 0
    with own_session(tmp_path) as session:
        assert not list(session.journal.fills()), "the hour was to be idle"
    grown = journal_bytes(tmp_path) - before
    print(f"\nan idle hour of 1,200 cycles: {grown} bytes")
    assert grown <= BYTES_AN_IDLE_HOUR

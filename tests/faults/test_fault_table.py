"""Every kind of fault on every endpoint, one alone and all mixed: what 300 flattens and 300 loops did, as a table.

A cell of the first half is one kind on one endpoint, where 60 % of the requests fail; of the second half every kind on
all of them, at 5, 20 and 60 %. Nothing may be claimed that the ledger denies, whatever the rate; at 60 % a flatten may
end without a verdict (UNKNOWN, exit 8), and a loop may refuse to send.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pfmm.errors import StateUnknown
from pfmm.paper.server.faults import FaultKind, FaultPlan
from pfmm.paper.server.faulty_line import FaultyLine
from tests.dialects import OWN
from tests.faults.loop_world import ACCOUNT, grid_spec, quote_spec, settle_accounts, world
from tests.faults.test_flatten_faults import THREADS, exchanges, run_once

RATES = (0.05, 0.2, 0.6)
SINGLE_RATE = 0.6
FLATTEN_ENDPOINTS = ("/api/time", "/api/state", "/api/orders", "/api/orders/batch")
LOOP_ENDPOINTS = ("/api/time", "/api/state", "/api/orders", "/api/fills")
RUNS = 300
FLATTEN_TIMEOUT_S = 10.0
# above the time asked for: the request in flight ends at its own deadline, on a machine that has more to do
OVER_S = 5.0
LOOP_CLIENT_TIMEOUT_S = 0.5
HOLD_S = 0.8  # longer than a request may take: a drip and a silence meet the client's deadline
CYCLES = 12


@dataclass(frozen=True)
class Cell:
    """One line of the table: which faults, where, how often."""

    name: str
    faults: dict[str, Any]
    runs: int


@dataclass
class Row:
    """What came of a cell."""

    states: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


def cells(endpoints: tuple[str, ...], runs: int) -> Iterator[Cell]:
    """Every kind on every endpoint once, then the rest of the runs in three mixed cells."""
    singles = [
        Cell(f"{kind.value} on {path}", {"kinds": (kind,), "paths": (path,), "rate": SINGLE_RATE, "hold_s": HOLD_S}, 1)
        for kind in FaultKind
        for path in endpoints
    ]
    yield from singles
    left = runs - len(singles)
    for place, rate in enumerate(RATES):
        share = left // len(RATES) + (place < left % len(RATES))
        yield Cell(f"every kind, {rate:.0%} of all requests", {"rate": rate}, share)


def show(title: str, rows: dict[str, Row]) -> None:
    """Prints the table."""
    print(f"\n{title}")
    for name, row in rows.items():
        told = ", ".join(f"{number} {state}" for state, number in sorted(row.states.items()))
        print(f"  {name:<36} {told:<60} {len(row.wrong)} wrong  slowest {row.slowest_s:5.2f} s")


def flatten_table(folder: Path, runs: int) -> dict[str, Row]:
    """Runs the flattens on as many threads as there are exchanges."""
    jobs = [(cell, number) for cell in cells(FLATTEN_ENDPOINTS, runs) for number in range(cell.runs)]
    rows = {cell.name: Row() for cell in cells(FLATTEN_ENDPOINTS, runs)}
    with exchanges(folder) as opened, ThreadPoolExecutor(THREADS) as pool:

        def share(n: int) -> list[tuple[str, Any]]:
            return [
                (cell.name, run_once(opened[n], 5_000 + index, FLATTEN_TIMEOUT_S, OWN, **cell.faults))
                for index, (cell, _) in enumerate(jobs)
                if index % THREADS == n
            ]

        for name, outcome in (pair for pairs in pool.map(share, range(THREADS)) for pair in pairs):
            row = rows[name]
            row.states[outcome.result.state.value] += 1
            row.slowest_s = max(row.slowest_s, outcome.seconds)
            row.wrong += [outcome.lie] if outcome.lie else []
            row.wrong += outcome.flips
    return rows


def loop_once(folder: Path, seed: int, faults: dict[str, Any], row: Row) -> None:
    """One loop under faults, healed, wound down, and held against the ledger; every cycle is audited on the way."""
    spec = (grid_spec, quote_spec)[seed % 2]()
    with world(folder, seed=seed) as made:
        engine, journal = made.engine(spec, venue=made.venue(timeout_s=LOOP_CLIENT_TIMEOUT_S)), made.journal()
        made.run(engine, 2)
        made.server.line = FaultyLine(FaultPlan(seed=seed, **{"hold_s": HOLD_S, **faults}))
        started_s, before = time.monotonic(), len(made.failures)
        made.run(engine, CYCLES)
        row.slowest_s = max(row.slowest_s, (time.monotonic() - started_s) / CYCLES)
        row.states["cycles refused"] += len(made.failures) - before
        try:
            made.end(journal, not_before_ms=engine.not_before_ms)
            assert made.exchange.orders(ACCOUNT) == (), "nothing rests, it says, and something does"
            row.states["proven"] += 1
        except StateUnknown:
            row.states["unknown"] += 1
        made.server.line = None
        healed = made.engine(spec)
        made.run(healed, 4)
        made.end(journal, not_before_ms=healed.not_before_ms)
        healed.cycle(send=False)
        healed.leave(made.now_ms, status="stopped", reason="test")
        settle_accounts(made, journal)


def loop_table(folder: Path, runs: int) -> dict[str, Row]:
    """Runs the loops one after another: each is a server and an engine of its own."""
    rows: dict[str, Row] = {}
    seed = 0
    for cell in cells(LOOP_ENDPOINTS, runs):
        row = rows.setdefault(cell.name, Row())
        for _ in range(cell.runs):
            seed += 1
            try:
                loop_once(folder / str(seed), seed, cell.faults, row)
            except AssertionError as wrong:
                row.wrong.append(f"seed {seed}: {wrong}")
    return rows


@pytest.mark.slow
def test_three_hundred_flattens_claim_nothing_that_the_ledger_denies(tmp_path: Path) -> None:
    rows = flatten_table(tmp_path, RUNS)
    show(f"{RUNS} flattens", rows)
    assert sum(sum(row.states.values()) for row in rows.values()) == RUNS
    assert not [wrong for row in rows.values() for wrong in row.wrong]
    assert max(row.slowest_s for row in rows.values()) <= FLATTEN_TIMEOUT_S + OVER_S


@pytest.mark.slow
def test_three_hundred_loops_keep_true_books_and_limits(tmp_path: Path) -> None:
    rows = loop_table(tmp_path, RUNS)
    show(f"{RUNS} loops", rows)
    assert sum(row.states["proven"] + row.states["unknown"] for row in rows.values()) == RUNS
    assert not [wrong for row in rows.values() for wrong in row.wrong]

"""What the journal costs: committing an intent, absorbing a page of fills, a cycle without news, opening the file."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import pytest

from pfmm.journal.journal import Intents, Journal
from pfmm.model.account import Cursors
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.plan import OwnOrder, OwnStatus

pytestmark = pytest.mark.bench


def timed(action: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each call."""
    spent = []
    for _ in range(times):
        start = perf_counter()
        action()
        spent.append((perf_counter() - start) * 1_000)
    return spent


def shown(name: str, spent: list[float]) -> None:
    print(f"{name}: median {median(spent):.2f} ms, p99 {quantiles(spent, n=100)[-1]:.2f} ms")


def test_journal_latency(tmp_path: Path) -> None:
    path = tmp_path / "bench.journal"
    journal = Journal.open(path, venue="paper", account="bench", nonce="b")
    run = journal.start_run("grid", "M", {}, time_ms=0, wall_ms=0, pid=None)

    def decide(live: tuple[OwnOrder, ...], number: int) -> Intents:
        amounts = (Decimal("65000.5"), Decimal("0.002"), Decimal(0))
        order = OwnOrder(f"b-{number}", run.run_id, "M", "s", Side.LONG, *amounts, OwnStatus.SENDING, False, 0, 0)
        return Intents(place=(order,) if len(live) < 20 else ())

    shown("commit one intent (durable)", timed(lambda: journal.commit_intents(decide, time_ms=0), 20))
    shown("guard with 20 live orders, nothing to send", timed(lambda: journal.commit_intents(decide, time_ms=0), 200))
    pages = iter(range(1_000))

    def absorb() -> None:
        page = next(pages)
        amounts = (Decimal("65000.5"), Decimal("0.002"), Decimal("-0.026"))
        fills = [
            Fill(f"{page}/{n}", "v", f"b-{n % 20 + 1}", "M", Side.LONG, *amounts, Liquidity.MAKER, page)
            for n in range(1_000)
        ]
        assert len(journal.absorb(fills=fills, funding=(), cursors=Cursors(str(page))).fills) == 1_000

    shown("absorb 1,000 fills (durable)", timed(absorb, 50))
    shown(
        "absorb nothing new",
        timed(lambda: journal.absorb(fills=(), funding=(), cursors=Cursors("49")), 200),
    )
    start = perf_counter()
    assert sum(1 for _ in journal.fills()) == 50_000
    print(f"read 50,000 fills: {perf_counter() - start:.2f} s")
    shown("open and close", timed(lambda: Journal.open_readonly(path).close(), 100))
    journal.close()

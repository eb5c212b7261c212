"""The live screen of twenty quoted markets: everything on it, and nothing wider than the terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from pfmm.cli.live.fitting import cut
from pfmm.cli.live.tables import frame
from pfmm.model.account import Snapshot
from pfmm.model.cycle import CycleReport
from pfmm.model.event import Event
from pfmm.paper.feeds.synthetic import SyntheticFeed
from tests.e2e.engine_rig import FIXED, START_MS, rig

MARKETS = [
    f"{name}-PERP"
    for name in (
        "BTC", "ETH", "SOL", "AVAX", "BNB", "LTC", "DOGE", "SUI", "kPEPE", "LINK",
        "XRP", "BCH", "APT", "AAVE", "COMP", "TRX", "UNI", "DOT", "ADA", "TON",
    )
]  # fmt: skip
HEALTH = {
    "venue": "paper", "account": "default", "dead_man": "armed", "cycles": 7, "warning": None,
    "on_exit": "cancel",
    "budget": "requests left: orders 119/120, data 598/600",
}  # fmt: skip


FILLS = tuple(
    Event(
        "fill",
        START_MS + n,
        "BTC-PERP",
        "quote",
        {"side": "long", "size": Decimal(1), "price": Decimal(n), "fee": Decimal(0)},
    )
    for n in range(6)
)


def screen(report: CycleReport, width: int, height: int | None = None) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, color_system=None).print(
        frame("quote", report, FILLS, HEALTH, width, height)
    )
    return out.getvalue().splitlines()


LINES = {
    "edge": "break-even maker fee: 5s -1.23 ± 0.20, 30s -1.10 ± 0.40, 300s n/a bps",
    "net": "paid -2.00 (a rebate), so the edge is +0.77 bps: only the rebate earns",
    "fees": "fees maker -2, taker 5 bps (paper)",
}


@pytest.mark.parametrize(("width", "height"), [(60, None), (80, 24), (100, 40)])
def test_the_break_even_fee_is_the_first_figure_and_the_fees_are_named(
    report: CycleReport, width: int, height: int | None
) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, color_system=None)
    console.print(frame("quote", report, FILLS, {**HEALTH, **LINES}, width, height))
    lines = out.getvalue().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("break-even"))
    assert at <= 2  # below the head, which says where, with which money and when
    assert lines[at : at + 3] == [cut(line, width) for line in LINES.values()]


def half_of_a_market_gone(market: str) -> Callable[[Snapshot], Snapshot]:
    def doctor(snapshot: Snapshot) -> Snapshot:
        return replace(
            snapshot, tickers=tuple(replace(t, bid=None) if t.market == market else t for t in snapshot.tickers)
        )

    return doctor


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> CycleReport:
    """The thirteenth cycle of twenty markets, one of which has half a book."""
    home = tmp_path_factory.mktemp("twenty")
    stepped = {"kind": "synthetic", "seed": 7, "speed": 0, "at_ms": START_MS}
    with rig(home, SyntheticFeed(7), replace(FIXED, half_spread_bps=3), markets=MARKETS, first_feed=stepped) as r:
        for _ in range(12):
            r.step()
        r.venue.doctor = half_of_a_market_gone("LINK-PERP")
        return r.step()


@pytest.mark.parametrize("width", [100, 80, 60])
def test_twenty_markets_fit(report: CycleReport, width: int) -> None:
    lines = screen(report, width)
    assert max(len(line) for line in lines) <= width
    assert len(lines) <= 40
    assert not any("…" in line for line in lines)
    rows = {line.split()[0]: line for line in lines if line.strip()}
    for run in report.runs:
        row = rows[run.market.removesuffix("-PERP")]
        assert str(run.fills) in row.split()
        for order in run.orders:
            assert f"{order.price:f}" in row
    assert "none" in rows["LINK"]
    assert any("LINK: not quoted, one-sided: the book has no bid" in line for line in lines)
    assert any("119/120" in line for line in lines)
    total = sum(
        (run.ledger.realized + run.unrealized - run.ledger.fees + run.ledger.funding for run in report.runs), Decimal(0)
    )
    assert any(line.startswith(f"total {total:+.4f} USD") for line in lines)


def test_a_low_screen_counts_the_markets_that_it_leaves_out_and_keeps_sums_and_health(report: CycleReport) -> None:
    whole, low = screen(report, 100, 60), screen(report, 100, 24)
    assert (len(low), low[:10]) == (24, whole[:10])
    assert any(line.endswith(" more lines") for line in low)
    assert low[-3:] == whole[-3:]
    assert [line for line in low if line.startswith("total ")] == [line for line in whole if line.startswith("total ")]
    assert sum("bought" in line for line in whole) == len(FILLS)
    assert not any("bought" in line for line in low)

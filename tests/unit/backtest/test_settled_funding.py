"""Funding and the end of the data in whole runs: every settlement with its own interval and rate, to the file's end."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.loading import load
from pfmm.backtest.results import Scenario, scenario
from pfmm.backtest.simulation import Clockwork, simulate, span_of
from pfmm.engine.report import Limits, RunSpec
from pfmm.errors import DataFileError
from pfmm.paper.feeds.tape_cache import TapeCache
from pfmm.strategy.grid.plan import GridConfig
from pfmm.strategy.grid.strategy import GridStrategy

D = Decimal
MIDNIGHT = 1_736_000_000_000 // 86_400_000 * 86_400_000
MINUTE, HOUR = 60_000, 3_600_000
MARKET = "ABC-PERP"


def recording(path: Path, *, hours: int, rates: Sequence[tuple[int, str, int]] = (), still: bool = False) -> Path:
    """Opens at 51, where the grid bids 47; falls to 46.9, which buys 2; stands at 50 from then on, so that 100 USD are
    held. From there each quote is the same as the one before where the market is `still`."""
    lines = ['{"format":"pfmm-tape","version":1,"units":{"time":"ms","price":"USD","size":"base"}}']

    def quote(at: int, bid: str, ask: str, size: int) -> str:
        return (
            f'{{"kind":"quote","market":"{MARKET}","time":{MIDNIGHT + at},"bid":"{bid}","bid_size":"7",'
            f'"ask":"{ask}","ask_size":"{size}"}}'
        )

    lines += [quote(0, "50.9", "51.1", 9), quote(MINUTE, "46.8", "46.9", 9), quote(2 * MINUTE, "49.9", "50.1", 9)]
    lines += [quote(at, "49.9", "50.1", 9 - (not still and at // MINUTE // 10 % 2)) for at in range(
        10 * MINUTE, hours * HOUR + 1, 10 * MINUTE
    )]  # fmt: skip
    lines += [
        f'{{"kind":"funding","market":"{MARKET}","time":{MIDNIGHT + at},"rate":"{rate}","interval_h":{interval}}}'
        for at, rate, interval in rates
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def rates_file(path: Path, *rows: tuple[int, str]) -> Path:
    path.write_text("time_ms,rate_8h\n" + "".join(f"{MIDNIGHT + at},{rate}\n" for at, rate in rows))
    return path


def run(data: Path, folder: Path, funding: Path | None = None) -> Scenario:
    world = load([data], MARKET, TapeCache(folder / "cache"), funding)
    clockwork = Clockwork(*span_of(world.columns, None, None), interval_ms=MINUTE)
    grid = GridConfig(levels=2, size_usd=D(94), lower=D(47), upper=D(55))
    spec = RunSpec(GridStrategy(MARKET, grid), {}, Limits(D(500), keep_on_bad_data=True))
    return scenario(world.columns, simulate(world.columns, spec, clockwork), clockwork, "grid")


def test_hourly_rows_of_rates_per_8_hours_each_pay_an_eighth(tmp_path: Path) -> None:
    """1 bp per 8 h is 0.125 bp an hour: on 100 USD 0.00125 an hour; the row of 80 bps pays 0.1. Seven and one:
    -0.10875."""
    rows = [(hour * HOUR, "0.0080" if hour == 3 else "0.0001") for hour in range(1, 9)]
    found = run(recording(tmp_path / "a", hours=9), tmp_path, rates_file(tmp_path / "rates.csv", *rows))
    assert len(found.outcome.payments) == 8
    assert found.report.pnl.funding == D("-0.10875")
    assert (found.settlements, found.without_rate) == (9, 1)  # the ninth hour has no row


def test_rows_late_by_some_ms_or_every_4_hours_are_used(tmp_path: Path) -> None:
    """4 h of 2 bps per 8 h are 1 bp: 0.01 on 100 USD, twice."""
    rates = rates_file(tmp_path / "rates.csv", (12, "0.0002"), (4 * HOUR + 3, "0.0002"), (8 * HOUR + 1, "0.0002"))
    found = run(recording(tmp_path / "a", hours=9), tmp_path, rates)
    assert [one.time_ms - MIDNIGHT for one in found.outcome.payments] == [4 * HOUR, 8 * HOUR]
    assert found.report.pnl.funding == D("-0.02")
    assert (found.settlements, found.without_rate) == (2, 0)


def test_an_interval_that_changes_belongs_to_each_settlement(tmp_path: Path) -> None:
    """Four hourly settlements of 1 bp, then 8 bps for 8 hours: 12 bps of 100 USD."""
    rates = [*((hour * HOUR, "0.0001", 1) for hour in range(1, 5)), (8 * HOUR, "0.0008", 8)]
    found = run(recording(tmp_path / "a", hours=9, rates=rates), tmp_path)
    assert [one.rate for one in found.outcome.payments] == [D("0.0001")] * 4 + [D("0.0008")]
    assert found.report.pnl.funding == D("-0.12")
    assert found.without_rate == 0


def test_a_market_that_stands_still_runs_to_the_end_of_its_file(tmp_path: Path) -> None:
    found = run(recording(tmp_path / "a", hours=9, rates=[(8 * HOUR, "0.01", 8)], still=True), tmp_path)
    assert found.outcome.ended_ms == MIDNIGHT + 9 * HOUR
    assert found.report.pnl.funding == D(-1)


def test_rates_that_follow_too_closely_are_refused_by_line(tmp_path: Path) -> None:
    rates = rates_file(tmp_path / "rates.csv", (HOUR, "0.0001"), (HOUR + 5 * MINUTE, "0.0001"))
    with pytest.raises(DataFileError, match=r"rates\.csv, line 3: less than half an hour after the rate before it"):
        run(recording(tmp_path / "a", hours=2), tmp_path, rates)

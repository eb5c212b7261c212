"""A report from minute rows says what a report from every fill says, however the rows came about."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pfmm.app.position_closers import closing_fills
from pfmm.app.report import Slice, of_fills
from pfmm.app.report_minutes import of_minutes
from pfmm.journal import keeper
from pfmm.journal.journal import Journal
from pfmm.report.data import ReportData
from tests.property.test_books_properties import MARKETS, OLD, A, History, ends, fills, foreign, payments

D = Decimal
closes = st.tuples(st.just("close"), st.just(A), st.just(0), st.booleans(), st.integers(1, 9), st.just(0))
waits = st.tuples(st.just("wait"), st.just(A), st.just(0), st.booleans(), st.integers(1, 9), st.just(0))
histories = st.lists(st.one_of(fills, fills, foreign, payments, ends, closes, waits), min_size=3, max_size=50)


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "SLICE", 3)
    monkeypatch.setattr(keeper, "MINUTE_SLICE", 2)


def played(history: History, told: list[Any]) -> Journal:
    """Everything in the order of time, with a mid of each market after every action; at times the rows are written."""
    journal = history.process(A)
    for what, who, run, long, amount, _ in told:
        if what == "close":
            journal.close_minutes(amount)
        elif what == "wait":
            history.now_ms += amount * 60_000
        else:
            history.act(what, who, run, long, amount, 0)
        mids = [(market, history.now_ms + 500, D(95 + (history.count + n) % 7)) for n, market in enumerate(MARKETS)]
        journal.record_mids(mids)
        journal.record_equity(history.now_ms, D(10_000), None)
    return journal


def without_samples(found: ReportData) -> dict[str, Any]:
    names = ("fills", "metrics", "pnl", "equity", "cash_flows", "markouts_bps", "markets", "strategies")
    return {name: getattr(found, name) for name in names}


@given(told=histories)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_minute_rows_and_fills_report_the_same(told: list[Any]) -> None:
    with TemporaryDirectory() as folder, closing(History(Path(folder) / "j.sqlite3")) as history:
        journal = played(history, told)
        start_ms, end_ms = journal.span_ms() or (0, 0)
        asked = Slice(start_ms, end_ms, None, None)
        marks = {"BTC-PERP": D(101)}
        closings = closing_fills(journal, None)
        from_fills, _ = of_fills(journal, asked, marks, closings)
        from_rows = of_minutes(journal, (start_ms, end_ms), None, marks, journal.equity_readings())
        if closings:
            # a fill that is cut counts once in a row, else by its parts; a payment is split by what was known by then
            assert (from_rows.pnl, from_rows.markouts_bps) == (from_fills.pnl, from_fills.markouts_bps)
            return
        assert without_samples(from_rows) == without_samples(from_fills)
        assert (from_rows.edge.n, from_rows.edge.below_zero) == (from_fills.edge.n, from_fills.edge.below_zero)
        if from_fills.edge.mean_bps is not None:
            assert from_rows.edge.mean_bps == pytest.approx(from_fills.edge.mean_bps)
        for market, samples in from_rows.samples.items():
            assert samples[-1:] == from_fills.samples[market][-1:]
        journal.close_minutes()
        assert without_samples(of_minutes(journal, (start_ms, end_ms), None, marks, journal.equity_readings())) == (
            without_samples(from_rows)
        )


def test_the_sums_for_an_error_take_all_fills_of_an_order_in_a_minute_for_one(tmp_path: Path) -> None:
    """Two fills of one order: x = 2 + 4 and n = 100 + 200; one of another: x = 1, n = 100. The sums of x*x, x*n, n*n
    are 37, 1,900 and 100,000."""
    with closing(History(tmp_path / "j.sqlite3")) as history:
        journal = history.process(A)
        journal.record_mids([("BTC-PERP", 0, D(100)), ("BTC-PERP", 5_000, D(100)), ("BTC-PERP", 10_000, D(100))])
        for number, (order, price, size) in enumerate((("a", 98, 1), ("a", 98, 2), ("b", 99, 1)), start=1):
            history.old.execute(
                "INSERT INTO fills (seq, fill_id, order_id, market, side, price, size, fee, liquidity, time_ms, "
                "liquidation) VALUES (?, ?, ?, 'BTC-PERP', 'long', ?, ?, '0', 'maker', 1000, 0)",
                (number, f"f{number}", order, str(price), str(size)),
            )
        journal.record_equity(1_000_000, D(1), None)
        journal.close_minutes()
        columns = "fills, orders, m5_fills, m5_orders, m5_xx, m5_xn, m5_nn"
        (row,) = history.old.execute(f"SELECT {columns} FROM minutes WHERE owner = ''").fetchall()
        assert row == (3, 2, 3, 2, 37.0, 1_900.0, 100_000.0)


def test_a_row_waits_for_the_last_mid_of_its_horizons(tmp_path: Path) -> None:
    """A fill of minute 0 is judged up to 5 minutes after it: its row is written from 360 s on."""
    with closing(History(tmp_path / "j.sqlite3")) as history:
        journal = history.process(A)
        history.now_ms = 0
        history.act("foreign", OLD, 0, True, 3, 0)
        for seen_ms, rows in ((359_999, 0), (360_000, 2)):
            journal.record_equity(seen_ms, D(1), None)
            journal.close_minutes()
            assert history.old.execute("SELECT count(*) FROM minutes").fetchone() == (rows,)

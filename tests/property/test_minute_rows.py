"""A report from minute rows says what a report from every fill says, however the rows came about."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from pfmm.app.position_closers import closing_fills
from pfmm.app.report import of_fills
from pfmm.app.report_minutes import of_minutes
from pfmm.journal import keeper
from pfmm.journal.journal import Journal
from pfmm.report.data import ReportData
from pfmm.report.inputs import Slice
from tests.examples import examples
from tests.property.test_books_properties import MARKETS, OLD, A, History, ends, fills, foreign, payments
from tests.unit.journal.old_journal import INSERT_FILL, old_journal

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
    names = ("fills", "metrics", "pnl", "equity", "cash_flows", "markouts_bps", "markets", "strategies", "edge")
    return {name: getattr(found, name) for name in names}


def closed_late(amount: int) -> list[Any]:
    """Somebody sold `amount` and the row of that was written; then a run bought 10 and ended, without a cycle since
    before the sale: its end claims a part of a fill that has its row."""
    return [
        ("foreign", A, 0, False, amount, 0),
        ("wait", A, 0, True, 9, 0),
        ("wait", A, 0, True, 9, 0),
        ("close", A, 0, True, 9, 0),
        ("fill", A, 0, True, 10, 0),
        ("end", A, 0, True, 1, 0),
        ("fill", A, 2, True, 1, 0),
    ]


@given(told=histories)
@example(told=closed_late(4)).via("all of what was sold closed the run's")
@example(told=closed_late(25)).via("what was sold closed the run's and opened more")
@examples(12, 25, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
        for market, samples in from_rows.samples.items():
            assert samples[-1:] == from_fills.samples[market][-1:]
        journal.close_minutes()
        assert without_samples(of_minutes(journal, (start_ms, end_ms), None, marks, journal.equity_readings())) == (
            without_samples(from_rows)
        )


def test_the_sums_for_the_edge_take_all_fills_of_an_order_in_a_minute_for_one(tmp_path: Path) -> None:
    """Two fills of one order, 1 and 2 at 98 with a mid of 100 before and 5 s later: a gain of 2 + 4 on 100 + 200. One
    of another, 1 at 99: 1 on 100. The mid of the fills' own ms counts for none of them. One that took 1 at 101 for a
    fee of 0.5 earned -1.5."""
    with closing(History(tmp_path / "j.sqlite3")) as history:
        journal = history.process(A)
        journal.record_mids([("BTC-PERP", time_ms, D(mid)) for time_ms, mid in ((900, 100), (1_000, 97), (5_000, 100))])
        rows = (("a", 98, 1, "0", "maker"), ("a", 98, 2, "0", "maker"), ("b", 99, 1, "0", "maker"))
        for number, (order, price, size, fee, made) in enumerate((*rows, ("c", 101, 1, "0.5", "taker")), start=1):
            history.old.execute(
                "INSERT INTO fills (seq, fill_id, order_id, market, side, price, size, fee, liquidity, time_ms, "
                "liquidation) VALUES (?, ?, ?, 'BTC-PERP', 'long', ?, ?, ?, ?, 1000, 0)",
                (number, f"f{number}", order, str(price), str(size), fee, made),
            )
        journal.record_equity(1_000_000, D(1), None)
        journal.close_minutes()
        columns = "fills, orders, maker_orders, m5_maker_fills, m5_gain, m5_maker_value, maker_usd, exits, exit_gain, "
        columns += "placed, mid_age_ms"
        (row,) = history.old.execute(f"SELECT {columns} FROM minute_rows WHERE owner = ''").fetchall()
        assert row == (4, 3, 2, 3, "7", "400", "393", 1, "-1.5", 4, 400)


def test_a_row_waits_for_the_last_mid_of_its_horizons(tmp_path: Path) -> None:
    """A fill of minute 0 is judged up to 5 minutes after it: its row is written from 360 s on."""
    with closing(History(tmp_path / "j.sqlite3")) as history:
        journal = history.process(A)
        history.now_ms = 0
        history.act("foreign", OLD, 0, True, 3, 0)
        for seen_ms, rows in ((359_999, 0), (360_000, 2)):
            journal.record_equity(seen_ms, D(1), None)
            journal.close_minutes()
            assert history.old.execute("SELECT count(*) FROM minute_rows").fetchone() == (rows,)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("writes", [True, False])
def test_rows_of_an_older_definition_are_made_anew(tmp_path: Path, version: int, *, writes: bool) -> None:
    """One purchase of 1 at 99 at 1 s, the mid 100 at 0.9 s and 98 in its own ms: it captured 1. A journal of the third
    schema had written -1, and that its one claim came late; one that is only read says the same without a write."""
    path = tmp_path / "j.sqlite3"
    old_journal(path, version, account="main")
    with sqlite3.connect(path) as database:
        database.execute(INSERT_FILL, (1, "f1", "v1", None, "X", "long", "99", "1", "0", "maker", 1_000, 0, None, None))
        database.executemany("INSERT INTO mids VALUES ('X', ?, ?)", [(900, "100"), (1_000, "98"), (5_000, "100")])
        database.execute("INSERT INTO equity (time_ms, equity) VALUES (900000, '1')")
        if version == 3:
            names = [row[1] for row in database.execute("PRAGMA table_info(minutes)")]
            old = {"market": "X", "owner": "*", "minute": 0, "fills": 1, "capture": "-1"}
            values = [old.get(name, "0") for name in names]
            marks = ", ".join("?" * len(names))
            database.execute(f"INSERT INTO minutes ({', '.join(names)}) VALUES ({marks})", values)
            database.execute("UPDATE folded SET minutes = 1")
    database.close()
    opened = Journal.open(path, venue="paper", account="main", nonce="n") if writes else Journal.open_readonly(path)
    with opened as journal:
        journal.close_minutes()
        tables = journal.minute_tables("X", ("capture", "m5_gain", "maker_orders"))
        found = [(tables[o].total("capture"), tables[o].total("m5_gain")) for o in sorted(tables)]
        assert found == [(1, 1)] * len(tables)
        assert list(tables["*"].column("maker_orders")) == [1]
    if writes:
        with sqlite3.connect(path) as database:
            assert database.execute("SELECT count(*) FROM minutes").fetchone() == (0,)
            assert database.execute("SELECT capture FROM minute_rows WHERE owner = '*'").fetchall() == [("1",)]
        database.close()

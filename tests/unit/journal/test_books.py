"""Books in the journal's file: brought up to date in slices, beside older processes, and by no full fold."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.local_checks import journals
from pfmm.app.report_minutes import of_minutes
from pfmm.journal import keeper
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors, FundingPayment
from pfmm.model.ledger import ACCOUNT, UNATTRIBUTED
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents
from tests.bench.big_journal import MARKETS, fill_journal
from tests.sqlite_steps import Steps
from tests.unit.journal.old_journal import INSERT_FILL, INSERT_FUNDING, old_journal

D = Decimal
BTC = "BTC-PERP"
ROOT = Path(__file__).resolve().parents[3]


def opened(path: Path) -> Journal:
    return Journal.open(path, venue="paper", account="main", nonce="n")


def aged(path: Path, fills: int) -> Path:
    """A journal of before books, with so many fills, one in 8.64 s."""
    old_journal(path, 2)
    fill_journal(path, fills, orders=fills, cycles=3 * fills, span_cycles=3 * fills)
    return path


def old_fill(seq: int, *, time_ms: int = 1_000, run_id: str | None = None, price: str = "100") -> tuple[object, ...]:
    return (seq, f"f{seq}", "o", None, BTC, "long", price, "2", "0.01", "maker", time_ms, 0, run_id, None)


def right(journal: Journal) -> bool:
    return {(book.market, book.owner): book for book in journal.books()} == journal.books_in_full()


def test_what_an_older_process_records_is_booked_told_and_given_its_mid(tmp_path: Path) -> None:
    """It holds the file open since before this version came; the mid of 5 s before is 101, of the moment itself 99."""
    path = tmp_path / "j.sqlite3"
    old_journal(path, 2)
    with closing(sqlite3.connect(path, isolation_level=None)) as older, opened(path) as journal:
        older.execute(INSERT_FILL, old_fill(1))
        assert journal.book(BTC, ACCOUNT).ledger.size == 2
        journal.record_mids([(BTC, 15_000, D(101)), (BTC, 20_000, D(99))])
        older.execute(INSERT_FILL, old_fill(2, time_ms=20_000))
        assert journal.book(BTC, UNATTRIBUTED).ledger.size == 4
        assert right(journal)
        assert [(item.mid_before, item.mid_age_ms) for item in journal.fills()] == [(None, None), (D(101), 5_000)]
        assert [told.event.data["fill_id"] for told in journal.events()] == ["f1", "f2"]


def test_a_fill_keeps_the_last_mid_strictly_before_it(tmp_path: Path) -> None:
    with opened(tmp_path / "j.sqlite3") as journal:
        journal.record_mids([(BTC, 1_000, D(100)), (BTC, 4_000, D(105)), (BTC, 5_000, D(110))])
        fill = Fill("f1", "o1", None, BTC, Side.LONG, D(104), D(1), D(0), Liquidity.MAKER, 5_000)
        (item,) = journal.absorb(fills=[fill], funding=[], cursors=Cursors()).fills
        assert (item.mid_before, item.mid_age_ms) == (D(105), 1_000)
        assert list(journal.fills()) == [item]


def test_one_that_may_not_write_folds_what_is_missing_and_leaves_the_file_alone(tmp_path: Path) -> None:
    path = aged(tmp_path / "j.sqlite3", 40)
    with Journal.open_readonly(path) as reader:  # of the schema before books
        before = reader.books()
        assert sum(book.fills for book in before if book.owner == ACCOUNT) == 40
        assert right(reader)
    with closing(sqlite3.connect(path)) as look:
        assert look.execute("PRAGMA user_version").fetchone() == (2,)
    with opened(path) as journal:
        assert journal.books() == before
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        older.execute(INSERT_FILL, old_fill(41))
    with Journal.open_readonly(path) as reader:
        assert reader.book(BTC, UNATTRIBUTED).ledger.size == 2
    with closing(sqlite3.connect(path)) as look:
        assert look.execute("SELECT fills FROM folded").fetchone() == (40,)


def test_a_payment_is_split_by_the_shares_of_its_time_also_where_it_is_told_late(tmp_path: Path) -> None:
    """A run held 2 at the settlement, and a stranger bought 6 before it is told: a payment of -2 on 2 is the run's."""
    with opened(tmp_path / "j.sqlite3") as journal:
        run = journal.start_run("grid", BTC, {}, time_ms=0, wall_ms=0, pid=1)
        own = OwnOrder(
            "n-1", run.run_id, BTC, "bid", Side.LONG, D(100), D(2), D(0), OwnStatus.SENDING, False, 0, 0
        )  # fmt: skip
        journal.commit_intents(lambda _live, _number: Intents(place=(own,)), time_ms=0)
        first = Fill("f1", "o1", "n-1", BTC, Side.LONG, D(100), D(2), D(0), Liquidity.MAKER, 1_000)
        stranger = Fill("f2", "o2", None, BTC, Side.LONG, D(100), D(6), D(0), Liquidity.TAKER, 9_000)
        for one in (first, stranger):
            journal.absorb(fills=[one], funding=[], cursors=Cursors())
        payment = FundingPayment("p", BTC, 5_000, D("0.01"), D(100), D(2), D(-2))
        journal.absorb(fills=[], funding=[payment], cursors=Cursors())
        assert {book.owner: book.ledger.funding for book in journal.books()} == {
            run.run_id: D(-2), ACCOUNT: D(-2), UNATTRIBUTED: D(0)
        }  # fmt: skip
        assert journal.funding_parts(BTC) == [(5_000, run.run_id, D(-2))]


def test_one_that_may_not_write_tells_the_parts_of_payments_that_are_not_folded(tmp_path: Path) -> None:
    """Before books nobody wrote down whose a payment was: a run held 2 at the settlement on BTC, nobody any ETH."""
    path = tmp_path / "j.sqlite3"
    old_journal(path, 2)
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        older.execute(INSERT_FILL, old_fill(1, run_id="n-r1"))
        for payment, market, amount in (("p1", BTC, "-2"), ("p2", "ETH-PERP", "-3")):
            older.execute(INSERT_FUNDING, (payment, market, 5_000, "0.01", "100", "2", amount))
    with Journal.open_readonly(path) as reader:
        assert reader.funding_parts(BTC) == [(5_000, "n-r1", D(-2))]
        assert reader.funding_parts("ETH-PERP") == [(5_000, UNATTRIBUTED, D(-3))]


MIGRATE = """
import os, signal, sys
from pathlib import Path
from pfmm.journal import keeper
from pfmm.journal.journal import Journal
keeper.SLICE = 7
left = int(sys.argv[2])
fold = keeper.BookKeeper._fold
def counted(self, limit):
    global left
    done = fold(self, limit)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)  # within the transaction
    return done
keeper.BookKeeper._fold = counted
Journal.open(Path(sys.argv[1]), venue="paper", account="main", nonce="n")
"""


def test_a_migration_that_is_killed_again_and_again_goes_on_from_its_last_slice(tmp_path: Path) -> None:
    path = aged(tmp_path / "j.sqlite3", 100)
    reached = []
    for slices in (1, 2, 5):
        killed = subprocess.run(
            [sys.executable, "-c", MIGRATE, str(path), str(slices)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        with closing(sqlite3.connect(path)) as look:
            reached.append(look.execute("SELECT fills FROM folded").fetchone()[0])
    assert reached == [0, 7, 35], "the slice in which it was killed is undone, those before are kept"
    with opened(path) as journal:
        assert right(journal)
        assert sum(book.fills for book in journal.books(owner=ACCOUNT)) == 100


def work(path: Path, steps: Steps) -> dict[str, int]:
    """The steps of what cycles, statuses and reports ask a journal that is up to date."""
    taken: dict[str, int] = {}
    opened(path).close()

    def measured(name: str, before: int) -> None:
        taken[name] = steps.taken - before

    start = steps.taken
    with opened(path) as journal:
        measured("open", start)
        start = steps.taken
        for owner in ("n-r1", ACCOUNT, UNATTRIBUTED):
            journal.book(BTC, owner)
        journal.books(owner=ACCOUNT)
        journal.left_by_ended(BTC)
        journal.newest_fill()
        list(journal.fills(after_seq=journal.newest_fill()))
        measured("read", start)
        start = steps.taken
        journal.live_orders()
        journal.live_orders(run_id="n-r1")
        journal.live_orders(market=BTC)
        measured("live orders", start)
        start = steps.taken
        journal.runs()
        journal.open_run("grid", BTC)
        journal.count_actions("n-r1")
        journal.mid_at(BTC, 1_900_000_000_000)
        journal.equity_at()
        measured("run, prices and equity", start)
        start = steps.taken
        number = journal.newest_fill() + 1
        fill = Fill(f"x{number}", "o", None, BTC, Side.LONG, D(100), D(1), D(0), Liquidity.MAKER, 1_900_000_000_000)
        payment = FundingPayment(f"p{number}", BTC, 1_900_000_000_000, D("0.01"), D(100), D(1), D(-1))
        journal.absorb(fills=[fill], funding=[payment], cursors=Cursors("1", "1"))
        measured("absorb", start)
    return taken


def test_what_a_cycle_asks_of_the_journal_costs_the_same_with_many_fills(tmp_path: Path, steps: Steps) -> None:
    """Twenty times the fills; the steps in hundreds may differ by a few, for the depth of trees."""
    few = work(aged(tmp_path / "few.sqlite3", 150), steps)
    many = work(aged(tmp_path / "many.sqlite3", 3_000), steps)
    for name, taken in many.items():
        assert taken <= few[name] * 1.2 + 3, (name, few, many)


def test_a_report_of_everything_reads_rows_instead_of_fills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """3,000 fills in 150 minutes: of the fills it reads the few whose minutes are not closed yet."""
    path = tmp_path / "j.sqlite3"
    old_journal(path, 2)
    fill_journal(path, 3_000, orders=10, cycles=3_000, span_cycles=3_000)
    monkeypatch.setattr(keeper, "MINUTE_SLICE", 100)
    read: list[str] = []
    with opened(path) as journal:
        journal.close_minutes()
        journal._db.set_trace_callback(read.append)
        span = journal.span_ms()
        assert span is not None
        read.clear()
        found = of_minutes(journal, span, None, {}, journal.equity_readings())
        assert found.fills == 3_000
        open_fills = sum(
            1
            for _ in journal.fills(
                after_seq=int(journal._db.execute("SELECT through FROM minute_progress").fetchone()[0])
            )
        )
        assert open_fills <= 3_000 * 7 // 150 + 20
        assert not [one for one in read if "FROM fills" in one and "seq" not in one], "none looks through all fills"
        assert set(found.samples) == set(MARKETS)


def test_doctor_says_whose_books_differ_from_the_fills(tmp_path: Path) -> None:
    path = aged(tmp_path / "journals" / "paper-main.sqlite3", 30)
    opened(path).close()
    (found,) = journals(tmp_path, deep=True)
    assert found.verdict == "ok"
    with closing(sqlite3.connect(path)) as look, look:
        look.execute("UPDATE books SET fees = '1' WHERE owner = 'n-r1'")
    assert next(journals(tmp_path)).verdict == "ok", "only --deep folds the fills"
    (found,) = journals(tmp_path, deep=True)
    assert found.verdict == "fail"
    assert "BTC-PERP n-r1" in found.detail


def test_the_minutes_of_late_are_the_kept_rows_and_what_the_newest_fills_would_make(tmp_path: Path) -> None:
    """A fill a minute: after 12 the rows of 0 to 6 are kept, those of 7 to 11 wait for the mids of 5 minutes later."""
    with opened(tmp_path / "j.sqlite3") as journal:
        minutes = 12
        journal.record_mids([(BTC, 60_000 * n + 1_000, D(100)) for n in range(minutes)])
        for n in range(minutes):
            fill = Fill(
                f"f{n}", f"o{n}", None, BTC, Side.LONG, D(99), D(1), D("0.01"), Liquidity.MAKER, 60_000 * n + 2_000
            )
            journal.absorb(fills=[fill], funding=[], cursors=Cursors())
        journal.record_equity(60_000 * minutes, D(1), None)
        journal.close_minutes()
        kept = journal._db.execute("SELECT minute FROM minute_rows WHERE owner = ? ORDER BY minute", (UNATTRIBUTED,))
        assert [minute for (minute,) in kept] == list(range(7))
        rows = journal.recent_minutes(BTC, UNATTRIBUTED, 60_000 * 4)
        assert [row.minute for row in rows] == list(range(4, minutes))
        assert {(row.fills, row.bought, row.maker_usd, row.fees) for row in rows} == {(1, D(1), D(99), D("0.01"))}
        assert {row.capture for row in rows} == {D(1)}  # bought at 99 where the mid was 100
        assert journal.recent_minutes(BTC, "n-r1", 0) == []

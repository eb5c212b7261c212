"""The journal as a file and as a record: what it takes in comes out again, once, whatever happens in between."""

from __future__ import annotations

import json
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.errors import AlreadyRunning, ConfigError, JournalUnusable, NoJournal, OtherExchange
from pfmm.journal import schema as journal_schema
from pfmm.journal import sharing
from pfmm.journal.books import OLD_CLOSINGS
from pfmm.journal.export import canonical
from pfmm.journal.file import prepare_file
from pfmm.journal.journal import Intents, Journal, Run
from pfmm.journal.opening import stored_version
from pfmm.model.account import Cursors, FundingPayment
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import RunSave
from pfmm.store.wal import use_wal
from tests.unit.journal.old_journal import old_journal

MARKET = "BTC-PERP"
FILL = Fill("f1", "o1", None, MARKET, Side.LONG, Decimal(100), Decimal(2), Decimal(0), Liquidity.TAKER, 1_000)


def open_journal(path: Path, nonce: str = "ab12") -> Journal:
    return Journal.open(path, venue="paper", account="main", nonce=nonce)


def start(journal: Journal, kind: str = "grid", market: str = MARKET) -> Run:
    return journal.start_run(kind, market, {"levels": 10}, time_ms=1_000, wall_ms=2_000, pid=7)


def own(run: Run, number: int, **changes: object) -> OwnOrder:
    order = OwnOrder(
        client_order_id=f"ab12-{number}",
        run_id=run.run_id,
        market=run.market,
        slot=f"cell:{number}:bid",
        side=Side.LONG,
        price=Decimal("100.50"),
        size=Decimal(2),
        filled=Decimal(0),
        status=OwnStatus.SENDING,
        reduce_only=False,
        created_ms=1_500,
        updated_ms=1_500,
        valid_until_ms=9_000,
    )
    return replace(order, **changes)


def place(journal: Journal, *orders: OwnOrder) -> None:
    journal.commit_intents(lambda _live, _number: Intents(place=orders), time_ms=1_500)


def fill(fill_id: str, client_order_id: str | None = None, size: str = "0.5", order_id: str = "v1") -> Fill:
    return Fill(
        fill_id=fill_id,
        order_id=order_id,
        client_order_id=client_order_id,
        market=MARKET,
        side=Side.LONG,
        price=Decimal("100.50"),
        size=Decimal(size),
        fee=Decimal("-0.01005"),
        liquidity=Liquidity.MAKER,
        time_ms=2_000,
    )


def payment(payment_id: str, market: str = MARKET, time_ms: int = 3_000) -> FundingPayment:
    amounts = (Decimal("0.0001"), Decimal(100), Decimal(-2), Decimal("0.02"))
    return FundingPayment(payment_id, market, time_ms, *amounts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "main.journal"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with open_journal(path) as opened:
        yield opened


# -- the file ----------------------------------------------------------------------------------------------------


def test_a_new_journal_is_private_durable_and_keeps_its_first_nonce(path: Path) -> None:
    with open_journal(path, "ab12") as first:
        assert first.nonce == "ab12"
        with sqlite3.connect(path) as look:
            assert look.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        look.close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.with_name(path.name + "-wal").stat().st_mode) == 0o600
    with open_journal(path, "zz99") as second:
        assert (second.nonce, second.venue, second.account) == ("ab12", "paper", "main")
        assert second.damage() == ()


def test_a_file_that_others_could_read_is_made_private(path: Path) -> None:
    open_journal(path).close()
    path.chmod(0o644)
    open_journal(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_nonce_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="nonce"):
        open_journal(path, "")


def _not_a_database(path: Path) -> None:
    path.write_bytes(b"[general]\nvenue = 'paper'\n" * 100)


def _truncated(path: Path) -> None:
    open_journal(path).close()
    path.write_bytes(path.read_bytes()[:5_000])


def _someone_elses(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE photos (name TEXT)")
    database.commit()
    database.close()


def _newer(path: Path) -> None:
    open_journal(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()


def _a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_not_a_database, "is corrupt"),
        (_truncated, "is corrupt"),
        (_someone_elses, "no journal of pfmm"),
        (_newer, "schema 99"),
        (_a_folder, "cannot be used"),
    ],
)
def test_an_unusable_file_is_named_with_the_fix(path: Path, spoil: object, words: str) -> None:
    path.parent.mkdir()
    spoil(path)
    before = None if path.is_dir() else path.read_bytes()
    with pytest.raises(ConfigError, match=words) as caught:
        open_journal(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert before is None or path.read_bytes() == before


def test_the_journal_of_another_account_or_venue_is_refused(path: Path) -> None:
    open_journal(path).close()
    for venue, account in (("paper", "other"), ("hyperliquid", "main")):
        with pytest.raises(ConfigError, match=r"belongs to account 'main' on paper"):
            Journal.open(path, venue=venue, account=account, nonce="x")


def test_a_folder_that_cannot_be_made_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be made"):
        open_journal(tmp_path / "file" / "main.journal")


def test_a_failing_migration_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_journal(path) as journal:
        start(journal)
    good, bad = "CREATE TABLE extra (a TEXT)", "CREATE TABLE runs (a TEXT)"
    monkeypatch.setattr(journal_schema, "MIGRATIONS", (*journal_schema.MIGRATIONS, (good, bad)))
    with pytest.raises(ConfigError, match="already exists"):
        open_journal(path)
    monkeypatch.setattr(journal_schema, "MIGRATIONS", (*journal_schema.MIGRATIONS[:-1], (good,)))
    with pytest.raises(ConfigError, match="older than this pfmm"):
        Journal.open_readonly(path)
    with open_journal(path) as journal:
        assert len(journal.runs()) == 1
    look = sqlite3.connect(path)
    assert look.execute("PRAGMA user_version").fetchone() == (len(journal_schema.MIGRATIONS),)
    look.close()


def test_reading_only(path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no journal"):
        Journal.open_readonly(path)
    with open_journal(path) as journal:
        run = start(journal)
        with Journal.open_readonly(path) as reader:
            assert reader.runs() == (run,)
            with pytest.raises(ConfigError, match="read-only"):
                reader.record_equity(1, Decimal(1), None)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc")
def test_a_file_that_cannot_be_read_as_a_journal_is_let_go_of(path: Path) -> None:
    open_journal(path).close()
    with closing(sqlite3.connect(path)) as spoiling:
        spoiling.execute("DROP TABLE meta")
    with pytest.raises(JournalUnusable, match="no such table: meta"):
        Journal.open_readonly(path)
    assert not [fd for fd in Path("/proc/self/fd").iterdir() if fd.exists() and fd.samefile(path)]


def test_a_journal_whose_paper_exchange_is_being_reset_is_not_opened(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "RESET_PATIENCE_S", 0.0)
    reset = sharing.journals_in_use(tmp_path)
    assert reset.take(0)
    with pytest.raises(AlreadyRunning, match="is just being reset"):
        Journal.open(path, venue="paper", account="main", nonce="n", resets_of=tmp_path)
    assert not path.exists()
    reset.release()
    Journal.open(path, venue="paper", account="main", nonce="n", resets_of=tmp_path).close()
    assert reset.take(0), "a journal that is closed keeps no reset out"
    reset.release()


UNPRIVILEGED = """
import os, sys
import urllib.parse  # from 3.13 on pathlib imports it late: nobody may not be able to read the interpreter's files
from pathlib import Path
from pfmm.errors import ConfigError
from pfmm.journal.journal import Journal
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everything
path = Path(sys.argv[1])
with Journal.open_readonly(path) as journal:
    print(journal.nonce, len(journal.runs()))
try:
    Journal.open(path, venue="paper", account="main", nonce="x")
except ConfigError as error:
    print(error.message)
"""


def test_a_folder_that_cannot_be_written_can_be_read_and_is_refused_for_writing() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "main.journal"
        with open_journal(path) as journal:
            start(journal)
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, str(path)],
            cwd=Path(__file__).resolve().parents[3],
            capture_output=True,
            text=True,
            check=False,
        )
        Path(folder).chmod(0o755)
    assert done.stdout.splitlines() == ["ab12 1", f"the journal {path} is read-only"], done.stderr


def test_a_held_lock_is_reported_as_such(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pfmm.journal.opening.BUSY_TIMEOUT_S", 0.02)
    journal = open_journal(path)  # with the short timeout
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConfigError, match="locked by another process"):
        journal.record_equity(1, Decimal(1), None)
    holder.execute("ROLLBACK")
    holder.close()
    journal.record_equity(1, Decimal(1), None)
    assert journal.equity_readings() == [(1, Decimal(1), None)]
    journal.close()


# -- runs --------------------------------------------------------------------------------------------------------


def test_runs_are_numbered_found_and_ended_once(journal: Journal) -> None:
    first, other, second = start(journal), start(journal, "ladder"), start(journal)
    assert [run.run_id for run in (first, other, second)] == ["ab12-r1", "ab12-r2", "ab12-r3"]
    assert (first.status, first.config, first.memory, first.folded_through) == ("running", {"levels": 10}, None, 0)
    assert journal.open_run("grid", MARKET) == second
    assert journal.open_run("grid", "ETH-PERP") is None
    journal.end_run(second.run_id, status="halted", reason="kill switch", time_ms=5_000)
    journal.end_run(second.run_id, status="stopped", reason="again", time_ms=6_000)
    assert journal.open_run("grid", MARKET) == first
    (ended,) = journal.runs(ended=True)
    assert (ended.status, ended.stop_reason, ended.ended_ms, ended.pid) == ("halted", "kill switch", 5_000, None)
    assert [run.number for run in journal.runs(ended=False)] == [1, 2]
    assert [run.number for run in journal.runs(kind="grid", market=MARKET)] == [1, 3]


def test_memory_and_the_fills_it_is_folded_through_are_saved_together(journal: Journal) -> None:
    run = start(journal)
    memory = {"cells": [{"line": 3, "filled": Decimal("0.50")}], "sigma": 0.25}
    saved = RunSave("between_runs", memory, folded_through=12, time_ms=4_000, wall_ms=4_100, pid=None)
    journal.save_run(run.run_id, replace(saved, last_mid=Decimal("65000.5")))
    now = journal.runs()[0]
    assert now.memory == {"cells": [{"line": 3, "filled": "0.50"}], "sigma": 0.25}
    assert (now.status, now.folded_through, now.last_cycle_ms, now.wall_last_cycle_ms) == (
        "between_runs",
        12,
        4_000,
        4_100,
    )
    assert now.last_mid == Decimal("65000.5")
    journal.save_run(run.run_id, replace(saved, memory=None))
    assert (journal.runs()[0].memory, journal.runs()[0].last_mid) == (None, Decimal("65000.5"))


def test_an_ended_run_does_not_come_back_to_life(journal: Journal) -> None:
    run = start(journal)
    journal.end_run(run.run_id, status="stopped", reason="stop", time_ms=5_000)
    journal.save_run(run.run_id, RunSave("running", {}, folded_through=9, time_ms=6_000, wall_ms=1, pid=8))
    assert (journal.runs()[0].status, journal.runs()[0].folded_through) == ("stopped", 9)


@pytest.mark.parametrize("memory", [{"sigma": float("nan")}, {"when": object()}])
def test_memory_that_json_does_not_know_is_refused_by_name(journal: Journal, memory: dict[str, object]) -> None:
    run = start(journal)
    with pytest.raises(ValueError, match="memory cannot be stored"):
        journal.save_run(run.run_id, RunSave("running", memory, folded_through=0, time_ms=1, wall_ms=1, pid=None))


def test_unknown_runs_and_orders_are_refused(journal: Journal) -> None:
    run = start(journal)
    with pytest.raises(ValueError, match="no run 'r9'"):
        journal.end_run("r9", status="stopped", reason="", time_ms=1)
    with pytest.raises(ValueError, match="no run 'r9'"):
        journal.count_actions("r9")
    with pytest.raises(ValueError, match="no run 'r9'"):
        place(journal, own(run, 1, run_id="r9"))
    with pytest.raises(ValueError, match="no order 'ab12-1'"):
        journal.update_orders([own(run, 1)], time_ms=1)
    with pytest.raises(ValueError, match="no order 'ab12-1'"):
        journal.commit_intents(lambda _live, _number: Intents(cancel=("ab12-1",)), time_ms=1)
    with pytest.raises(ValueError, match="no live order 'ab12-1'"):
        journal.commit_intents(lambda _live, _number: Intents(amend=(own(run, 1),)), time_ms=1)
    assert journal.live_orders() == ()


# -- intents -----------------------------------------------------------------------------------------------------


def test_an_order_comes_back_as_it_was_placed(journal: Journal) -> None:
    run = start(journal)
    order = own(run, 1, side=Side.SHORT, size=Decimal("1E+3"), reduce_only=True, valid_until_ms=None)
    place(journal, order)
    assert journal.order("ab12-1") == replace(order, size=Decimal(1000))
    assert str(journal.order("ab12-1").price) == "100.50"
    assert journal.orders(run_id=run.run_id) == journal.live_orders() == (journal.order("ab12-1"),)
    assert journal.order("ab12-2") is None


def test_decide_sees_every_live_order_of_the_account_and_the_next_number(journal: Journal) -> None:
    grid, ladder = start(journal), start(journal, "ladder", "ETH-PERP")
    seen: list[tuple[list[str], int]] = []

    def decide(live: tuple[OwnOrder, ...], number: int) -> Intents:
        seen.append(([order.client_order_id for order in live], number))
        return Intents(place=(own((ladder, grid)[number % 2], number), own(ladder, number + 1)))

    journal.commit_intents(decide, time_ms=1)
    journal.update_orders([own(grid, 1, status=OwnStatus.CANCELLED)], time_ms=2)
    journal.commit_intents(decide, time_ms=3)
    assert seen == [([], 1), (["ab12-2"], 3)]
    assert [order.client_order_id for order in journal.live_orders(market="ETH-PERP")] == ["ab12-2", "ab12-4"]
    assert [order.client_order_id for order in journal.live_orders(run_id=grid.run_id)] == ["ab12-3"]
    assert journal.live_orders(market="ETH-PERP", run_id=grid.run_id) == ()


def test_an_exception_in_decide_leaves_no_trace(journal: Journal) -> None:
    run = start(journal)

    def refuse(_live: tuple[OwnOrder, ...], _number: int) -> Intents:
        raise RuntimeError("over the limit")

    with pytest.raises(RuntimeError, match="over the limit"):
        journal.commit_intents(refuse, time_ms=1)
    with pytest.raises(ValueError, match="already used"):
        place(journal, own(run, 1), own(run, 1))
    with pytest.raises(ValueError, match="status sending"):
        place(journal, own(run, 1, status=OwnStatus.OPEN))
    with pytest.raises(ValueError, match="price must be a finite amount"):
        place(journal, own(run, 1), own(run, 2, price=Decimal("NaN")))
    assert journal.live_orders() == ()
    assert journal.count_actions(run.run_id)["placed"] == 0
    numbers: list[int] = []
    journal.commit_intents(lambda _live, number: numbers.append(number) or Intents(), time_ms=1)
    assert numbers == [1]


def test_amend_intents_hold_what_was_asked_until_it_is_answered(journal: Journal) -> None:
    run = start(journal)
    place(journal, own(run, 1))
    asked = own(run, 1, amend_price=Decimal(101), amend_size=Decimal(3), valid_until_ms=12_000)
    journal.commit_intents(lambda _live, _number: Intents(amend=(asked,)), time_ms=2_000)
    order = journal.order("ab12-1")
    assert (order.price, order.amend_price, order.amend_size) == (Decimal("100.50"), Decimal(101), Decimal(3))
    assert (order.valid_until_ms, order.updated_ms, order.remaining) == (12_000, 2_000, Decimal(3))
    answered = replace(order, price=Decimal(101), size=Decimal(3), amend_price=None, amend_size=None, order_id="v1")
    journal.update_orders([replace(answered, status=OwnStatus.OPEN)], time_ms=2_100)
    assert journal.order("ab12-1") == replace(answered, status=OwnStatus.OPEN, updated_ms=2_100)


def test_actions_are_counted_once_each(journal: Journal) -> None:
    run = start(journal)
    place(journal, own(run, 1), own(run, 2), own(run, 3))
    amended = own(run, 1, amend_price=Decimal(99))
    for _ in range(2):
        journal.commit_intents(lambda _live, _n: Intents(amend=(amended,), cancel=("ab12-2",)), time_ms=2)
        journal.update_orders([own(run, 3, status=OwnStatus.REJECTED)], time_ms=3)
    assert journal.count_actions(run.run_id) == {"placed": 3, "amended": 2, "cancelled": 1, "refused": 1}


@pytest.mark.parametrize("status", OwnStatus)
def test_only_orders_that_could_fill_are_live(journal: Journal, status: OwnStatus) -> None:
    run = start(journal)
    place(journal, own(run, 1))
    journal.update_orders([own(run, 1, status=status)], time_ms=2)
    assert bool(journal.live_orders()) is status.live
    assert journal.order("ab12-1").status is status


def test_an_update_of_many_orders_is_all_or_nothing(journal: Journal) -> None:
    run = start(journal)
    place(journal, own(run, 1))
    with pytest.raises(ValueError, match="no order 'ab12-9'"):
        journal.update_orders([own(run, 1, status=OwnStatus.OPEN), own(run, 9)], time_ms=2)
    assert journal.order("ab12-1").status is OwnStatus.SENDING


# -- fills and funding -------------------------------------------------------------------------------------------


def test_a_fill_is_recorded_once_and_added_to_its_own_order(journal: Journal) -> None:
    run = start(journal)
    place(journal, own(run, 1), own(run, 2))
    fills = [fill("f1", "ab12-1"), fill("f2", "ab12-2", "0.25"), fill("f1", "ab12-1"), fill("f3", "ab12-1", "1.5")]
    new = journal.absorb(fills=fills, funding=(), cursors=Cursors("3", None))
    assert [(one.seq, one.run_id, one.slot, one.fill) for one in new.fills] == [
        (1, run.run_id, "cell:1:bid", fills[0]),
        (2, run.run_id, "cell:2:bid", fills[1]),
        (3, run.run_id, "cell:1:bid", fills[3]),
    ]
    assert journal.order("ab12-1").filled == Decimal(2)  # 0.5 + 1.5
    assert journal.order("ab12-2").filled == Decimal("0.25")
    again = journal.absorb(fills=[*fills, fill("f4", "ab12-2")], funding=(), cursors=Cursors("4", None))
    assert [one.seq for one in again.fills] == [4]
    assert tuple(journal.fills()) == new.fills + again.fills
    assert tuple(journal.fills(after_seq=3)) == again.fills


def test_a_fill_without_a_client_id_is_known_by_the_venues_order_id(journal: Journal) -> None:
    run = start(journal)
    place(journal, own(run, 1))
    journal.update_orders([own(run, 1, status=OwnStatus.OPEN, order_id="v77")], time_ms=2)
    fills = [fill("f1", None, order_id="v77"), fill("f2", None, order_id="v78"), fill("f3", "someone-else")]
    new = journal.absorb(fills=fills, funding=(), cursors=Cursors())
    assert [one.run_id for one in new.fills] == [run.run_id, None, None]
    assert [one.seq for one in journal.fills(run_id=run.run_id)] == [1]


def test_what_the_venue_reports_and_what_was_absorbed_never_count_twice(journal: Journal) -> None:
    run = start(journal)
    place(journal, own(run, 1))
    # the open list runs ahead: it shows 0.5 done before the fill itself is read
    journal.update_orders([own(run, 1, status=OwnStatus.OPEN, filled=Decimal("0.5"))], time_ms=2)
    journal.absorb(fills=[fill("f1", "ab12-1")], funding=(), cursors=Cursors())
    assert journal.order("ab12-1").filled == Decimal("0.5")
    # and an update from an older reading takes nothing back, neither of what was reported nor of what was absorbed
    journal.update_orders([own(run, 1, status=OwnStatus.OPEN, filled=Decimal("0.75"))], time_ms=3)
    journal.update_orders([own(run, 1, status=OwnStatus.OPEN)], time_ms=3)
    assert journal.order("ab12-1").filled == Decimal("0.75")
    journal.absorb(fills=[fill("f2", "ab12-1")], funding=(), cursors=Cursors())
    journal.update_orders([own(run, 1, status=OwnStatus.OPEN)], time_ms=3)
    assert journal.order("ab12-1").filled == Decimal(1)


def test_cursors_move_with_what_they_stand_for(journal: Journal) -> None:
    assert journal.cursors() == Cursors(None, None)
    journal.absorb(fills=(), funding=(), cursors=Cursors("5", "7"))
    with pytest.raises(ValueError, match="fill price must be a finite amount"):
        journal.absorb(
            fills=[fill("f1"), replace(fill("f2"), price=Decimal("Infinity"))], funding=(), cursors=Cursors("6", "8")
        )
    assert journal.cursors() == Cursors("5", "7")
    assert list(journal.fills()) == []
    journal.absorb(fills=(), funding=(), cursors=Cursors(None, "8"))
    assert journal.cursors() == Cursors("5", "8")


def test_funding_payments_are_recorded_once(journal: Journal) -> None:
    payments = [payment("p1"), payment("p2", "ETH-PERP"), payment("p1"), payment("p3", time_ms=9_000)]
    assert journal.absorb(fills=(), funding=payments, cursors=Cursors()).funding == (
        payments[0],
        payments[1],
        payments[3],
    )
    assert journal.absorb(fills=(), funding=payments, cursors=Cursors()).funding == ()
    assert list(journal.funding(market=MARKET)) == [payments[0], payments[3]]
    assert list(journal.funding(since_ms=4_000)) == [payments[3]]


def test_long_histories_are_read_in_pages_while_more_is_written(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pfmm.journal.queries.PAGE_ROWS", 3)
    journal.absorb(fills=[fill(f"f{n}") for n in range(7)], funding=(), cursors=Cursors())
    seen = []
    for one in journal.fills(market=MARKET, since_ms=2_000):
        seen.append(one.seq)
        if one.seq == 2:
            journal.absorb(fills=[fill("late")], funding=(), cursors=Cursors())
    assert seen == [1, 2, 3, 4, 5, 6, 7, 8]
    assert list(journal.fills(since_ms=2_001)) == []


# -- series ------------------------------------------------------------------------------------------------------


def test_mids_and_equity_are_kept_in_time_order(journal: Journal) -> None:
    journal.record_mids([(MARKET, 2_000, Decimal("100.5")), (MARKET, 1_000, Decimal(100)), ("ETH-PERP", 1, Decimal(3))])
    journal.record_mids([(MARKET, 2_000, Decimal(999))])
    assert journal.mids(MARKET) == [(1_000, Decimal(100)), (2_000, Decimal("100.5"))]
    assert journal.mids(MARKET, since_ms=1_500) == [(2_000, Decimal("100.5"))]
    assert journal.markets_with_mids() == (MARKET, "ETH-PERP")
    assert journal.peak_equity() is None
    for time_ms, equity in ((1, "9999.5"), (3, "10000"), (2, "10000.25"), (3, "9000")):
        journal.record_equity(time_ms, Decimal(equity), None)
    assert journal.equity_readings() == [
        (1, Decimal("9999.5"), None),
        (2, Decimal("10000.25"), None),
        (3, Decimal(9000), None),
    ]
    assert journal.equity_readings(since_ms=3) == [(3, Decimal(9000), None)]
    assert journal.peak_equity() == Decimal("10000.25")  # as text "9999.5" would be the larger


def test_the_peak_is_in_the_money_that_is_in_the_account(journal: Journal) -> None:
    told = [
        (1, "1000", "0", "1000"),
        (2, "950", "0", "1000"),
        (3, "1900", "950", "2000"),  # 950 deposited at 5 % below the peak: 1,000 * 1,900 / 950
        (4, "1901", None, "2000"),  # what is not told is taken for no change
        (6, "951", "0", "1000.52603893"),  # 950 withdrawn: 2,000 * 951 / 1,901
        (5, "1901", "950", "1000.52603893"),  # told late, and of before the withdrawal
        (5, "1002", "0", "1002"),  # told late, and of after it
        (6, "1061", "110", "1117.89905363"),  # the same time again: 1,002 * 1,061 / 951
    ]
    for time_ms, equity, deposits, peak in told:
        journal.record_equity(time_ms, Decimal(equity), None if deposits is None else Decimal(deposits))
        assert journal.peak_equity() == Decimal(peak)
    assert journal.equity_at() == (6, 1061, 110)
    assert journal.equity_at(4) == (4, 1901, None)


def test_a_journal_of_before_deposits_were_recorded_goes_on(path: Path) -> None:
    old_journal(path, 1)
    before = sqlite3.connect(path)
    with before:
        before.execute("INSERT INTO equity (time_ms, equity) VALUES (1, '1000'), (2, '900')")
        before.execute("INSERT INTO meta VALUES ('peak_equity', '1000')")
    before.close()
    with Journal.open_readonly(path) as reader:
        assert reader.equity_readings() == [(1, 1000, None), (2, 900, None)]
        assert reader.equity_at() == (2, 900, None)
    with open_journal(path) as journal:
        assert journal.equity_readings() == [(1, 1000, None), (2, 900, None)]
        journal.record_equity(3, Decimal(1900), Decimal(2000))
        assert journal.peak_equity() == 1900, "that 1,000 of it were just deposited is not known"
        journal.record_equity(4, Decimal(1000), Decimal(1100))
        assert journal.peak_equity() == 1000
        assert journal.equity_readings(since_ms=3) == [(3, 1900, 2000), (4, 1000, 1100)]


def test_one_reading_is_as_of_its_begin(path: Path) -> None:
    with open_journal(path) as journal, open_journal(path) as beside:
        beside.record_equity(1, Decimal(5), None)
        with journal.one_reading():
            beside.record_equity(2, Decimal(6), None)
            beside.absorb(fills=[fill("f1")], funding=[], cursors=Cursors())
            assert journal.equity_readings() == [(1, 5, None)]
            assert (journal.newest_fill(), journal.span_ms()) == (0, (1, 1))
        assert (journal.newest_fill(), len(journal.equity_readings())) == (1, 2)
        with pytest.raises(KeyError), journal.one_reading():
            raise KeyError("an error ends it too")
        journal.record_equity(3, Decimal(7), None)


# -- export ------------------------------------------------------------------------------------------------------


def exported(path: Path, nonce: str, pid: int, prefix: str) -> str:
    """The same story, told with other ids, process numbers and wall times."""
    with open_journal(path, nonce) as journal:
        run = journal.start_run("grid", MARKET, {"levels": 2}, time_ms=1_000, wall_ms=pid * 999, pid=pid)
        cid = f"{nonce}-1"
        place(journal, own(run, 1, client_order_id=cid), own(run, 2, client_order_id=f"{nonce}-2"))
        journal.update_orders(
            [own(run, 1, client_order_id=cid, status=OwnStatus.OPEN, order_id=f"{prefix}o1")], time_ms=1_600
        )
        journal.absorb(
            fills=[fill(f"{prefix}f1", cid, order_id=f"{prefix}o1"), fill(f"{prefix}f2", None, order_id=f"{prefix}x")],
            funding=[payment(f"{prefix}p1")],
            cursors=Cursors(f"{prefix}9", None),
        )
        memory = {"slots": {"cell:1:bid": cid}, "last": [f"{prefix}o1", run.run_id], "folded": 2}
        save = RunSave("running", memory, folded_through=2, time_ms=2_000, wall_ms=pid * 7, pid=pid)
        journal.save_run(run.run_id, save)
        journal.record_mids([(MARKET, 2_000, Decimal("100.5"))])
        journal.record_equity(2_000, Decimal("10000.10"), None)
        return "\n".join(json.dumps(record) for record in canonical(journal))


def test_the_same_story_exports_to_the_same_bytes(tmp_path: Path) -> None:
    one = exported(tmp_path / "a", "ab12", 100, "x")
    two = exported(tmp_path / "elsewhere" / "b", "cd34", 20_000, "yy")
    assert one == two
    assert "ab12" not in one
    assert str(tmp_path) not in one
    records = [json.loads(line) for line in one.splitlines()]
    assert [record["record"] for record in records] == [
        "journal",
        "run",
        "order",
        "order",
        "fill",
        "fill",
        "funding",
        "mid",
        "equity",
    ]
    assert records[1]["memory"] == {
        "slots": {"cell:1:bid": "client-order-1"},
        "last": ["order-1", "run-1"],
        "folded": 2,
    }
    assert (
        records[4] | {"fee": "-0.01005", "order": "order-1", "client_order": "client-order-1", "run": "run-1"}
        == (records[4])
    )
    assert (records[5]["order"], records[5]["run"]) == ("order-2", None)
    assert records[8]["equity"] == "10000.10"


# -- several processes -------------------------------------------------------------------------------------------

COMPETITOR = """
import sys
from decimal import Decimal
from pathlib import Path
from pfmm.journal.journal import Intents, Journal
from pfmm.model.order import Side
from pfmm.model.plan import OwnOrder, OwnStatus
path, cap = Path(sys.argv[1]), int(sys.argv[2])
journal = Journal.open(path, venue="paper", account="main", nonce="race")
run = journal.start_run(sys.argv[3], "M", {}, time_ms=0, wall_ms=0, pid=None)
print("ready", flush=True)
sys.stdin.readline()
foreign = 0
def decide(live, number):
    global foreign
    foreign = max(foreign, sum(order.run_id != run.run_id for order in live))
    if len(live) >= cap:
        return Intents()
    return Intents(place=(OwnOrder(f"race-{number}", run.run_id, "M", f"s{number}", Side.LONG, Decimal(1), Decimal(1),
        Decimal(0), OwnStatus.SENDING, False, number, 0),))
placed = 0
while intents := journal.commit_intents(decide, time_ms=0).place:
    placed += len(intents)
print(placed, foreign, flush=True)
"""


def spawn(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[3],
    )


def test_processes_share_one_budget_and_one_row_of_order_numbers(path: Path) -> None:
    cap = 120
    racers = [spawn(COMPETITOR, path, cap, f"kind{number}") for number in range(3)]  # they also race to create the file
    try:
        assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * 3
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        results = [tuple(map(int, racer.stdout.readline().split())) for racer in racers]
    finally:
        for racer in racers:
            racer.communicate(timeout=60)
    with open_journal(path) as journal:
        live = journal.live_orders()
        assert sum(placed for placed, _ in results) == len(live) == cap
        # ids were made of the number that decide was given: unique, without a gap
        assert [order.client_order_id for order in live] == [f"race-{number}" for number in range(1, cap + 1)]
        for placed, foreign in results:
            assert foreign == cap - placed  # at the end each guard saw all the orders of the others
        assert sorted(run.run_id for run in journal.runs()) == ["race-r1", "race-r2", "race-r3"]


def test_a_journal_made_while_another_process_looks_at_the_empty_file_is_understood(path: Path) -> None:
    prepare_file(path)
    shared = sqlite3.connect(path, isolation_level=None)
    assert use_wal(shared, 0)
    opened: list[str] = []

    def make_it(statement: str) -> None:  # between the first and the second look at the file's header
        if "user_version" in statement and not opened:
            opened.append(statement)
            open_journal(path).close()

    shared.set_trace_callback(make_it)
    assert stored_version(shared, path) == 0  # what it saw first is what it sees
    assert stored_version(shared, path) == len(journal_schema.MIGRATIONS)
    shared.close()


def test_the_first_of_two_processes_marks_from_which_fill_on_others_close_what_runs_hold(path: Path) -> None:
    """The other one marks at fill 0 and absorbs a fill, between our look and our transaction: a mark at 1 would take
    that fill for one of before."""
    with open_journal(path) as journal, open_journal(path) as other:
        journal._db.execute("DELETE FROM meta WHERE key = ?", (OLD_CLOSINGS,))
        marked: list[str] = []

        def mark_first(statement: str) -> None:
            if statement.startswith("BEGIN") and not marked:
                marked.append(statement)
                other._mark_closings()
                other.absorb(fills=[FILL], funding=[], cursors=Cursors())

        journal._db.set_trace_callback(mark_first)
        journal._mark_closings()
        assert marked
        assert (journal.newest_fill(), journal._meta(OLD_CLOSINGS)) == (1, "0")


def test_a_fill_is_found_by_its_number_and_one_that_is_not_there_is_refused(journal: Journal) -> None:
    journal.absorb(fills=[FILL], funding=[], cursors=Cursors())
    assert journal.fill(1).fill == FILL
    with pytest.raises(ValueError, match="the journal has no fill 2"):
        journal.fill(2)


def test_a_file_that_was_only_just_made_has_no_journal_yet(path: Path) -> None:
    prepare_file(path)
    with pytest.raises(NoJournal, match="is empty"):
        Journal.open_readonly(path)
    open_journal(path).close()
    Journal.open_readonly(path).close()


VICTIM = """
import sys
from decimal import Decimal
from pathlib import Path
from pfmm.journal.journal import Intents, Journal
from pfmm.model.account import Cursors
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from tests.unit.journal.old_journal import old_journal
journal = Journal.open(Path(sys.argv[1]), venue="paper", account="main", nonce="kill")
run = journal.start_run("grid", "M", {}, time_ms=0, wall_ms=0, pid=None)
def decide(live, number):
    return Intents(place=tuple(OwnOrder(f"kill-{n}", run.run_id, "M", f"s{n}", Side.LONG, Decimal(1), Decimal(9),
        Decimal(0), OwnStatus.SENDING, False, n, 0) for n in (number, number + 1)))
while True:
    for order in journal.commit_intents(decide, time_ms=0).place:
        cid = order.client_order_id
        journal.absorb(fills=[Fill(f"{cid}/{n}", "v", cid, "M", Side.LONG, Decimal(1), Decimal(1), Decimal(0),
            Liquidity.MAKER, 0) for n in range(3)], funding=(), cursors=Cursors(cid, None))
        print(cid, flush=True)
"""


def test_a_process_killed_in_the_middle_leaves_whole_transactions(path: Path) -> None:
    acknowledged: list[str] = []
    for round_number in (1, 2, 3):
        victim = spawn(VICTIM, path)
        acknowledged += [victim.stdout.readline().strip() for _ in range(4 + 3 * round_number)]
        victim.send_signal(signal.SIGKILL)
        acknowledged += [line.strip() for line in victim.communicate(timeout=60)[0].splitlines() if line.endswith("\n")]
        with open_journal(path) as journal:
            assert journal.damage() == ()
            orders = journal.live_orders()
            assert [order.client_order_id for order in orders] == [f"kill-{n + 1}" for n in range(len(orders))]
            assert len(orders) % 2 == 0  # both orders of an intent, or none
            placed = sum(journal.count_actions(run.run_id)["placed"] for run in journal.runs())
            assert placed == len(orders)
            by_id = {order.client_order_id: order for order in orders}
            assert all(by_id[client_order_id].filled == 3 for client_order_id in acknowledged)
            fills = [one.fill for one in journal.fills()]
            assert len(fills) % 3 == 0  # a read of the venue is absorbed whole
            assert sum(order.filled for order in orders) == len(fills)
            assert journal.cursors().fills == fills[-1].client_order_id
    assert len(acknowledged) >= 27


def test_what_is_recorded_together_is_recorded_whole_or_not_at_all(journal: Journal) -> None:
    def start_and_fail() -> None:
        with journal.together():
            start(journal)
            journal.save_run("nobody", RunSave("running", None, folded_through=0, time_ms=1, wall_ms=1, pid=1))

    with pytest.raises(ValueError, match="knows no run"):
        start_and_fail()
    assert journal.runs() == ()
    with journal.together():
        first, second = start(journal), start(journal)
    assert [run.run_id for run in journal.runs()] == [first.run_id, second.run_id]


def test_the_first_exchange_is_remembered_and_another_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite3"
    with open_journal(path) as journal, open_journal(path) as other_process:
        assert journal.exchange_id is None
        journal.recognise("aa-0")
        journal.recognise("aa-0")
        with pytest.raises(OtherExchange, match=r"is that of paper exchange aa-0, and exchange bb-0 answers") as caught:
            other_process.recognise("bb-0")
        assert str(path) in caught.value.message
        assert "PFMM_HOME" in (caught.value.hint or "")
        assert caught.value.exit_code == 3
        other_process.recognise("aa-0")
    with Journal.open_readonly(path) as journal:
        assert journal.exchange_id == "aa-0"

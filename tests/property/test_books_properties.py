"""Books that are folded piece by piece, by any processes in any order, say what the full fold says."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from pfmm.accounting.ledger import net_profit
from pfmm.journal import keeper, schema
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors, FundingPayment
from pfmm.model.ledger import ACCOUNT, Adoption, LedgerState
from pfmm.model.order import Fill, Liquidity, Side
from tests.examples import examples
from tests.plain_books import ledgers_in_time
from tests.unit.journal.old_journal import END_RUN, INSERT_FILL, INSERT_FUNDING, old_journal

D = Decimal
MARKETS = ("BTC-PERP", "ETH-PERP")
RUNS = 4  # two on each market, so that runs and strangers share positions
MARKS = {"BTC-PERP": D(103), "ETH-PERP": D(97)}

OLD, A, B = "old", "a", "b"
whos = st.sampled_from((OLD, A, B))
runs = st.integers(0, RUNS - 1)
amounts = st.integers(1, 30)
# (what, who, run or market, side or amount, size, seconds of lateness)
fills = st.tuples(st.just("fill"), whos, runs, st.booleans(), amounts, st.integers(0, 40))
foreign = st.tuples(st.just("foreign"), whos, runs, st.booleans(), amounts, st.integers(0, 40))
payments = st.tuples(st.just("payment"), whos, runs, st.booleans(), amounts, st.integers(0, 40))
ends = st.tuples(st.just("end"), whos, runs, st.booleans(), amounts, st.just(0))
again = st.tuples(st.just("again"), whos, runs, st.booleans(), amounts, st.just(0))
adoptions = st.tuples(st.just("adopt"), st.sampled_from((A, B)), runs, st.booleans(), amounts, st.just(0))
looks = st.tuples(st.just("look"), st.sampled_from((A, B)), runs, st.booleans(), amounts, st.just(0))
actions = st.lists(st.one_of(fills, fills, foreign, payments, ends, again, looks), min_size=3, max_size=40)
adopting = st.lists(
    st.one_of(fills, fills, foreign, payments, ends, adoptions, adoptions, looks), min_size=3, max_size=40
)
UNBOOKED = {"BTC-PERP": D(2), "ETH-PERP": D(-1)}  # held before any fill


class History:
    """One journal with three processes on it, one of them of before books; time passes with every action."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now_ms = 1_000_000
        self.count = 0
        old_journal(path, 2)
        self.old = sqlite3.connect(path, isolation_level=None)
        self.open: dict[str, Journal] = {}
        self.started: list[str] = []
        self.told: list[Fill] = []
        for number in range(RUNS):
            run_id = f"n-r{number + 1}"
            self.started.append(run_id)
            self.old.execute(
                "INSERT INTO runs (number, run_id, kind, market, config, status, started_ms, wall_started_ms) "
                "VALUES (?, ?, 'grid', ?, '{}', 'running', ?, 0)",
                (number + 1, run_id, MARKETS[number % 2], self.now_ms),
            )
            self.old.execute(
                "INSERT INTO orders (number, client_order_id, run_id, market, slot, side, price, size, "
                "filled_reported, status, live, reduce_only, created_ms, updated_ms) "
                "VALUES (?, ?, ?, ?, 's', 'long', '100', '1000', '0', 'open', 1, 0, 0, 0)",
                (number + 1, f"n-{number + 1}", run_id, MARKETS[number % 2]),
            )

    def act(self, what: str, who: str, run: int, long: bool, amount: int, late_s: int) -> None:
        self.now_ms += 7_000
        self.count += 1
        market, time_ms = MARKETS[run % 2], self.now_ms - late_s * 1_000
        if what in ("fill", "foreign"):
            owner = f"n-{run + 1}" if what == "fill" else None
            side = Side.LONG if long else Side.SHORT
            price = D(90 + (self.count * 7) % 21) + D("0.25")
            fee = D(amount) * D("0.0000000017")
            one = Fill(
                f"f{self.count}", f"v{self.count}", owner, market, side, price, D(amount), fee, Liquidity.MAKER, time_ms
            )
            self.told.append(one)
            self.record(who, [one], [])
        elif what == "again" and self.told:
            self.record(who, [self.told[amount % len(self.told)]], [])
        elif what == "payment":
            held = D(amount if long else -amount)
            rate = D("0.0001") * (1 + self.count % 3)
            paid = FundingPayment(f"p{self.count}", market, time_ms, rate, D(100), held, -held * rate * 100)
            self.record(who, [], [paid])
        elif what == "end":
            self.end(who, self.started[run])
        elif what == "adopt":
            self.adopt(who, market, amount, foreign=long)
        elif what == "look":
            assert books_are_right(self.process(who))

    def process(self, who: str) -> Journal:
        if who not in self.open:
            self.open[who] = Journal.open(self.path, venue="paper", account="main", nonce="n")
        return self.open[who]

    def record(self, who: str, new: Sequence[Fill], paid: Sequence[FundingPayment]) -> None:
        if who != OLD:
            self.process(who).absorb(fills=new, funding=paid, cursors=Cursors())
            return
        for one in new:
            owner = one.client_order_id
            run_id = None if owner is None else f"n-r{owner.removeprefix('n-')}"
            number = self.old.execute("SELECT coalesce(max(seq), 0) + 1 FROM fills").fetchone()[0]
            row = (one.fill_id, one.order_id, owner, one.market, one.side.value, str(one.price), str(one.size),
                   format(one.fee, "f"), "maker", one.time_ms, 0, run_id, None if run_id is None else "s")  # fmt: skip
            self.old.execute(INSERT_FILL, (number, *row))
        for payment in paid:
            self.old.execute(INSERT_FUNDING, schema.funding_values(payment))

    def end(self, who: str, run_id: str) -> None:
        if who != OLD:
            self.process(who).end_run(run_id, status="stopped", reason="stop", time_ms=self.now_ms)
        else:
            self.old.execute(END_RUN, ("stopped", "stop", self.now_ms, run_id))

    def adopt(self, who: str, market: str, amount: int, *, foreign: bool) -> None:
        """A new run begins: what ended runs left, and all with `foreign`, goes to it."""
        journal = self.process(who)
        before = {book.owner: book.ledger for book in journal.books(market)}
        left, beside = journal.left_by_ended(market), journal.beside_runs(market) + UNBOOKED[market]
        price = D(90 + amount)
        run = journal.start_run(
            "grid", market, {}, time_ms=self.now_ms, wall_ms=0, pid=None,
            adopts=Adoption(price, foreign, UNBOOKED[market]),
        )  # fmt: skip
        taker = journal.book(market, run.run_id).ledger
        assert taker.size == (beside if foreign else left)
        assert (taker.fees, taker.funding, net_profit(taker, price)) == (0, 0, 0), "it counts from the price on"
        assert journal.left_by_ended(market) == 0
        assert journal.beside_runs(market) + UNBOOKED[market] == (0 if foreign else beside - left)
        for owner, ledger in before.items():
            if owner != ACCOUNT:
                after = journal.book(market, owner).ledger
                assert net_profit(after, price) == net_profit(ledger, price), "and nobody earns by giving"

    def close(self) -> None:
        for journal in self.open.values():
            journal.close()
        self.old.close()


def books_are_right(journal: Journal) -> bool:
    """Books are the full fold, and the owners' books add up to the account's."""
    books = journal.books()
    assert {(book.market, book.owner): book for book in books} == journal.books_in_full()
    for market in MARKETS:
        owned = [book.ledger for book in books if book.market == market and book.owner != ACCOUNT]
        account = journal.book(market, ACCOUNT).ledger
        mark = MARKS[market]
        assert sum((ledger.size for ledger in owned), D(0)) == account.size
        assert sum((net_profit(ledger, mark) for ledger in owned), D(0)) == net_profit(account, mark)
        newest, by_fills = journal.filled([market])
        assert newest == journal.newest_fill()
        assert by_fills[market] == sum((i.fill.signed_size for i in journal.fills(market=market)), D(0))
        assert account.size - by_fills[market] in (0, UNBOOKED[market])
        assert account.funding == sum((paid.amount for paid in journal.funding(market=market)), D(0))
    return True


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "SLICE", 3)


@given(before=actions, after=actions)
@examples(15, 60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_books_are_the_full_fold_whoever_recorded_what_and_when(before: list[Any], after: list[Any]) -> None:
    """`before` was recorded by an older pfmm alone, which goes on beside two newer processes."""
    with TemporaryDirectory() as folder, closing(History(Path(folder) / "j.sqlite3")) as history:
        for what, _, *rest in before:
            if what != "look":
                history.act(what, OLD, *rest)
        for action in after:
            history.act(*action)
        assert books_are_right(history.process(A))
        fills = list(history.process(A).fills())
        told = [told.event.data["fill_id"] for told in history.process(B).events() if told.event.name == "fill"]
        old = history.old.execute("SELECT old_fills FROM folded").fetchone()[0]
        assert told == [item.fill.fill_id for item in fills if item.seq > old], "each newer fill is told once"


@given(history_=adopting)
@examples(12, 40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_runs_adopt_changes_no_sum_and_is_earned_once(history_: list[Any]) -> None:
    """Beside an older pfmm that records fills and knows of no adoption."""
    with TemporaryDirectory() as folder, closing(History(Path(folder) / "j.sqlite3")) as history:
        for action in history_:
            history.act(*action)
        assert books_are_right(history.process(A))
        assert books_are_right(history.process(B))


@given(history_=st.lists(st.one_of(fills, foreign, payments, ends, looks), min_size=3, max_size=40))
@examples(12, 40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_told_in_order_is_booked_as_plain_accounting_in_time_does(history_: list[Any]) -> None:
    with TemporaryDirectory() as folder, closing(History(Path(folder) / "j.sqlite3")) as history:
        ended: set[int] = set()
        history.process(A)  # from here on fills of no run close what running runs hold
        for what, who, run, long, amount, _ in history_:
            if what == "fill" and run in ended:
                continue  # an order of an ended run that fills later: the journal learned of the end first
            if what == "end":
                ended.add(run)
                history.old.execute("UPDATE runs SET last_cycle_ms = ? WHERE number = ?", (history.now_ms + 1, run + 1))
            history.act(what, who, run, long, amount, 0)
        journal = history.process(A)
        for market in MARKETS:
            plain = ledgers_in_time(
                list(journal.fills(market=market)), list(journal.funding(market=market)),
                journal.runs(market=market, ended=True),
            )  # fmt: skip
            kept = {book.owner: book.ledger for book in journal.books(market) if book.owner != ACCOUNT}
            assert {owner: kept.pop(owner) for owner in plain} == plain
            assert set(kept.values()) <= {LedgerState()}, "an ended run that never filled has an empty book"

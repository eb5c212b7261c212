"""What a run holds or left open is closed, in its own books, by the fills of no run that reduce it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.position_closers import closing_fills, left_by_ended
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors, FundingPayment
from pfmm.model.ledger import ACCOUNT, UNATTRIBUTED, LedgerState
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents

D = Decimal


def fill(number: int, side: Side, size: str, *, time_ms: int, client_order_id: str | None, fee: str = "0.5") -> Fill:
    return Fill(
        f"f{number}", f"o{number}", client_order_id, "BTC-PERP", side, D(100), D(size), D(fee), Liquidity.TAKER, time_ms
    )


def ledgers_of(journal: Journal) -> dict[str, LedgerState]:
    """The ledger of each owner but the account; the full fold says the same."""
    books = journal.books("BTC-PERP")
    assert {(book.market, book.owner): book for book in books} == journal.books_in_full()
    return {book.owner: book.ledger for book in books if book.owner != ACCOUNT}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "j.sqlite3", venue="paper", account="a", nonce="n") as opened:
        yield opened


def run_that_holds(journal: Journal, number: int, size: str, *, end: bool) -> str:
    """A run that bought `size` at 100 at time 10·number and, if `end`, ended at 10·number + 5."""
    at = 10 * number
    run = journal.start_run("grid", "BTC-PERP", {}, time_ms=at, wall_ms=at, pid=1)
    client_order_id = f"n-{number}"
    order = OwnOrder(
        client_order_id, run.run_id, "BTC-PERP", "cell:0:bid", Side.LONG, D(100), D(size), D(0), OwnStatus.SENDING,
        False, at, at,
    )  # fmt: skip
    journal.commit_intents(lambda _live, _number: Intents(place=(order,)), time_ms=at)
    bought = fill(number, Side.LONG, size, time_ms=at + 1, client_order_id=client_order_id)
    journal.absorb(fills=[bought], funding=[], cursors=Cursors())
    if end:
        journal.end_run(run.run_id, status="halted", reason="flatten", time_ms=at + 5)
    return run.run_id


def test_a_closing_fill_of_no_run_empties_ended_runs_oldest_first(journal: Journal) -> None:
    """Runs hold 3 and 1; a foreign sale of 5 closes both and leaves 1 short; its fee of 0.5 goes 0.3, 0.1, 0.1."""
    first = run_that_holds(journal, 1, "3", end=True)
    second = run_that_holds(journal, 2, "1", end=True)
    journal.absorb(fills=[fill(9, Side.SHORT, "5", time_ms=50, client_order_id=None)], funding=[], cursors=Cursors())
    ledgers = ledgers_of(journal)
    assert (ledgers[first].size, ledgers[second].size, ledgers[UNATTRIBUTED].size) == (D(0), D(0), D(-1))
    assert (ledgers[first].fees, ledgers[second].fees, ledgers[UNATTRIBUTED].fees) == (D("0.8"), D("0.6"), D("0.1"))


def test_a_run_that_goes_on_is_closed_by_another_hand(journal: Journal) -> None:
    alive = run_that_holds(journal, 1, "3", end=False)
    journal.absorb(fills=[fill(9, Side.SHORT, "2", time_ms=50, client_order_id=None)], funding=[], cursors=Cursors())
    assert {owner: ledger.size for owner, ledger in ledgers_of(journal).items()} == {alive: D(1)}
    journal.absorb(fills=[fill(8, Side.SHORT, "2", time_ms=60, client_order_id=None)], funding=[], cursors=Cursors())
    ledgers = ledgers_of(journal)
    assert (ledgers[alive].size, ledgers[UNATTRIBUTED].size) == (D(0), D(-1))


def test_another_hand_closes_first_what_it_holds_itself(journal: Journal) -> None:
    """A hedge of 2 sold by hand under a run's 3, and bought back by 1: the run keeps its 3."""
    alive = run_that_holds(journal, 1, "3", end=False)
    journal.absorb(fills=[fill(9, Side.LONG, "2", time_ms=50, client_order_id=None)], funding=[], cursors=Cursors())
    journal.absorb(fills=[fill(8, Side.SHORT, "1", time_ms=60, client_order_id=None)], funding=[], cursors=Cursors())
    ledgers = ledgers_of(journal)
    assert (ledgers[alive].size, ledgers[UNATTRIBUTED].size) == (D(3), D(1))


def test_a_fill_that_adds_to_the_account_s_position_closes_no_run(journal: Journal) -> None:
    """Runs hold 3 and -1: a purchase of 1 by hand is nobody's business but its own."""
    one, other = run_that_holds(journal, 1, "3", end=False), run_that_holds(journal, 2, "1", end=False)
    sold = replace(fill(3, Side.SHORT, "2", time_ms=40, client_order_id="n-2"), order_id="o2")
    bought = fill(9, Side.LONG, "1", time_ms=50, client_order_id=None)
    journal.absorb(fills=[sold, bought], funding=[], cursors=Cursors())
    assert {owner: ledger.size for owner, ledger in ledgers_of(journal).items()} == {
        one: D(3), other: D(-1), UNATTRIBUTED: D(1),
    }  # fmt: skip


@pytest.mark.parametrize("restarted", [False, True])
def test_a_liquidation_empties_every_run_that_shares_the_position(tmp_path: Path, restarted: bool) -> None:
    """Runs hold 5 and -2 and a hand holds 1: 4 are sold at 60. One sold 5 and the other bought 2, at 60, and the hand
    sold its 1: the fee of 0.6 is that of 6, as that much lay with the position."""
    journal = Journal.open(tmp_path / "j.sqlite3", venue="paper", account="a", nonce="n")
    one, other = run_that_holds(journal, 1, "5", end=False), run_that_holds(journal, 2, "1", end=False)
    sold = replace(fill(3, Side.SHORT, "3", time_ms=40, client_order_id="n-2"), order_id="o2")
    bought = fill(4, Side.LONG, "1", time_ms=41, client_order_id=None)
    journal.absorb(fills=[sold, bought], funding=[], cursors=Cursors())
    before = {owner: ledger.fees for owner, ledger in ledgers_of(journal).items()}
    closing = fill(9, Side.SHORT, "4", time_ms=50, client_order_id=None, fee="0.6")
    journal.absorb(fills=[replace(closing, price=D(60), liquidation=True)], funding=[], cursors=Cursors())
    if restarted:
        journal.close()
        journal = Journal.open(tmp_path / "j.sqlite3", venue="paper", account="a", nonce="n")
    ledgers = ledgers_of(journal)
    assert {owner: ledger.size for owner, ledger in ledgers.items()} == {one: D(0), other: D(0), UNATTRIBUTED: D(0)}
    assert [ledgers[owner].realized for owner in (one, other, UNATTRIBUTED)] == [5 * D(-40), 2 * D(40), D(-40)]
    assert [ledgers[owner].fees - before[owner] for owner in (one, other, UNATTRIBUTED)] == [D("0.5"), D(0), D("0.1")]
    account = journal.book("BTC-PERP", ACCOUNT).ledger
    assert sum(ledger.realized for ledger in ledgers.values()) == account.realized == D(-160)
    assert [(part.run_id, part.fill.signed_size) for part in journal.claims_of(5)] == [(one, D(-5)), (other, D(2))]
    journal.close()


def test_a_partial_liquidation_takes_from_the_runs_before_a_hand_s_own_position(journal: Journal) -> None:
    alive = run_that_holds(journal, 1, "3", end=False)
    journal.absorb(fills=[fill(4, Side.LONG, "5", time_ms=41, client_order_id=None)], funding=[], cursors=Cursors())
    closing = replace(fill(9, Side.SHORT, "4", time_ms=50, client_order_id=None), liquidation=True)
    journal.absorb(fills=[closing], funding=[], cursors=Cursors())
    ledgers = ledgers_of(journal)
    assert (ledgers[alive].size, ledgers[UNATTRIBUTED].size) == (D(0), D(4))


def test_what_was_booked_before_this_rule_stays_as_it_was(journal: Journal) -> None:
    alive = run_that_holds(journal, 1, "3", end=False)
    journal._db.execute("UPDATE meta SET value = '2' WHERE key = 'old_closings'")
    for number in (8, 9):
        sold = fill(number, Side.SHORT, "1", time_ms=40 + number, client_order_id=None)
        journal.absorb(fills=[sold], funding=[], cursors=Cursors())
    ledgers = ledgers_of(journal)
    assert (ledgers[alive].size, ledgers[UNATTRIBUTED].size) == (D(2), D(-1))


def test_a_fill_of_the_same_direction_closes_nothing(journal: Journal) -> None:
    ended = run_that_holds(journal, 1, "3", end=True)
    journal.absorb(fills=[fill(9, Side.LONG, "2", time_ms=50, client_order_id=None)], funding=[], cursors=Cursors())
    ledgers = ledgers_of(journal)
    assert (ledgers[ended].size, ledgers[UNATTRIBUTED].size) == (D(3), D(2))


@pytest.mark.parametrize(("position", "left"), [("6", "4"), ("2", "2"), ("0", "0"), ("-1", "0")])
def test_what_ended_runs_left_is_no_more_than_is_held(journal: Journal, position: str, left: str) -> None:
    """Ended runs hold 3 and 1, a living one 2."""
    for number, size, end in ((1, "3", True), (2, "1", True), (3, "2", False)):
        run_that_holds(journal, number, size, end=end)
    assert left_by_ended(journal, "BTC-PERP", D(position)) == D(left)
    assert left_by_ended(journal, "ETH-PERP", D(position)) == 0


def test_what_nobodys_fill_closed_of_ended_runs_is_not_left(journal: Journal) -> None:
    """They end with 3 and 1; of 5 sold by no run 4 close them, and the next purchase of 2 is nobody's either."""
    for number, size in ((1, "3"), (2, "1")):
        run_that_holds(journal, number, size, end=True)
    sold = [fill(8, Side.SHORT, "2", time_ms=50, client_order_id=None)]
    journal.absorb(fills=sold, funding=[], cursors=Cursors())
    assert left_by_ended(journal, "BTC-PERP", D(9)) == 2
    more = [fill(9, Side.SHORT, "3", time_ms=51, client_order_id=None)]
    more += [fill(10, Side.LONG, "2", time_ms=52, client_order_id=None)]
    journal.absorb(fills=more, funding=[], cursors=Cursors())
    assert left_by_ended(journal, "BTC-PERP", D(9)) == 0


@pytest.mark.parametrize("late", [False, True])
def test_a_report_cuts_as_the_books_do(journal: Journal, late: bool) -> None:
    """Ended runs hold 3 and 1, a running one 2. Sold by no run at 50, 51 and 52: 2 of the first; its last and the
    second's; the running one's. The cuts are in the order of recording: told late, the newest is the first."""
    first = run_that_holds(journal, 1, "3", end=True)
    second = run_that_holds(journal, 2, "1", end=True)
    alive = run_that_holds(journal, 3, "2", end=False)
    sold = [fill(n, Side.SHORT, "2", time_ms=t, client_order_id=None) for n, t in ((7, 50), (8, 51), (9, 52))]
    for one in reversed(sold) if late else sold:
        journal.absorb(fills=[one], funding=[], cursors=Cursors())
    found = {
        parts[0][1].fill_id: [(owner, part.size, part.fee) for owner, part in parts]
        for parts in closing_fills(journal, None).values()
    }
    assert found == {
        "f9" if late else "f7": [(first, D(2), D("0.5"))],
        "f8": [(first, D(1), D("0.25")), (second, D(1), D("0.25"))],
        "f7" if late else "f9": [(alive, D(2), D("0.5"))],
    }
    assert closing_fills(journal, "BTC-PERP") == closing_fills(journal, None)
    assert closing_fills(journal, "ETH-PERP") == {}
    ledgers = ledgers_of(journal)
    assert [ledgers[one].size for one in (first, second, alive)] == [D(0)] * 3


def test_a_run_whose_own_fill_is_told_late_takes_back_only_what_closed_it(journal: Journal) -> None:
    """Sold 1 and 2 by hand at 50 and 60, then an ended run's purchase of 1 is told: the first sale closed it whole."""
    at = 10
    run = journal.start_run("grid", "BTC-PERP", {}, time_ms=at, wall_ms=at, pid=1)
    order = OwnOrder(
        "n-1", run.run_id, "BTC-PERP", "cell:0:bid", Side.LONG, D(100), D(1), D(0), OwnStatus.SENDING, False, at, at
    )
    journal.commit_intents(lambda _live, _number: Intents(place=(order,)), time_ms=at)
    journal.end_run(run.run_id, status="halted", reason="flatten", time_ms=at + 5)
    by_hand = [
        fill(8, Side.SHORT, "1", time_ms=50, client_order_id=None),
        fill(9, Side.SHORT, "2", time_ms=60, client_order_id=None),
    ]
    journal.absorb(fills=by_hand, funding=[], cursors=Cursors())
    late = fill(1, Side.LONG, "1", time_ms=at + 1, client_order_id="n-1")
    journal.absorb(fills=[late], funding=[], cursors=Cursors())
    ledgers = ledgers_of(journal)
    assert (ledgers[run.run_id].size, ledgers[UNATTRIBUTED].size) == (D(0), D(-2))


def test_a_payment_told_after_a_closing_fill_is_shared_as_things_stood_before_it(journal: Journal) -> None:
    """A run left 3 and a sale of 4 at 50 closed it; the payment of time 40, told later, is the run's alone."""
    ended = run_that_holds(journal, 1, "3", end=True)
    journal.absorb(fills=[fill(9, Side.SHORT, "4", time_ms=50, client_order_id=None)], funding=[], cursors=Cursors())
    paid = FundingPayment("p1", "BTC-PERP", 40, D("0.0001"), D(100), D(3), D("-0.03"))
    journal.absorb(fills=[], funding=[paid], cursors=Cursors())
    ledgers = ledgers_of(journal)
    assert (ledgers[ended].funding, ledgers[UNATTRIBUTED].funding) == (D("-0.03"), D(0))

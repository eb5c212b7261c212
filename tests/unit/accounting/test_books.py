"""Books folded in memory from a journal that is a list, worked by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from pfmm.accounting.adopting import moves_of
from pfmm.accounting.books import (
    ALL_OLD,
    EndedRun,
    Entry,
    MemoryBooks,
    advance,
    fold_fill,
    fold_move,
    settle,
    shares_at,
    sum_beside_runs,
)
from pfmm.accounting.ledger import net_profit
from pfmm.accounting.portfolio import full_fold
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import ACCOUNT, UNATTRIBUTED, Adoption, LedgerState, Move, OwnerBook
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.run import JournalFill

D = Decimal
LOOK_BACK_MS = 600_000


def told(seq: int, run_id: str | None, size: str, time_ms: int, price: str = "100", market: str = "M") -> JournalFill:
    """A fill of signed `size` for a fee of 0.01 a unit."""
    amount = D(size)
    side = Side.LONG if amount > 0 else Side.SHORT
    one = Fill(
        f"f{seq}", f"o{seq}", None, market, side, D(price), abs(amount), abs(amount) / 100, Liquidity.MAKER, time_ms
    )
    return JournalFill(seq, run_id, None, one)


def paid(number: int, size: str, time_ms: int, amount: str) -> tuple[int, FundingPayment]:
    return number, FundingPayment(f"p{number}", "M", time_ms, D("0.0001"), D(100), D(size), D(amount))


@dataclass
class Log:
    """A journal's order of things, in memory."""

    items: list[JournalFill]
    entries: list[Entry] = field(default_factory=list)
    payments: list[tuple[int, FundingPayment]] = field(default_factory=list)
    ended: list[EndedRun] = field(default_factory=list)
    old_fills: int = 0
    old_closings: int = 0
    reads: list[str] = field(default_factory=list)

    def old_ended(self) -> Sequence[EndedRun]:
        self.reads.append("ended")
        return self.ended

    def fills(self, after: int, through: int | None, limit: int) -> Sequence[JournalFill]:
        found = [one for one in self.items if after < one.seq <= (through if through is not None else 1 << 60)]
        return found[:limit]

    def entry(self, after: int) -> Entry | None:
        return next((one for one in self.entries if one.number > after), None)

    def old_payments(self, after: tuple[int, int], limit: int) -> Sequence[tuple[int, FundingPayment]]:
        self.reads.append("payments")
        found = [one for one in self.payments if (one[1].time_ms, one[0]) > after]
        return sorted(found, key=lambda one: (one[1].time_ms, one[0]))[:limit]

    def newest_first(self, through: int) -> Iterator[JournalFill]:
        return (one for one in reversed(self.items) if one.seq <= through)


def folded(log: Log, limit: int = 100) -> MemoryBooks:
    books = MemoryBooks(log.newest_first)
    while advance(log, books, limit):
        pass
    return books


def sizes(books: MemoryBooks) -> dict[str, Decimal]:
    return {book.owner: book.ledger.size for book in books.all()}


OLD_AND_NEW = Log(
    items=[
        told(1, "r1", "3", 1_000),
        told(2, None, "-2", 2_000),  # closes 2 of what r1 left, which had ended before
        told(3, "r2", "4", 3_000),
        told(4, None, "-2", 4_000),  # r1's last; 1 is nobody's: running runs were not closed then
        told(5, None, "-1", 5_000),  # now they are
        told(6, "r2", "1", 6_000),
    ],
    entries=[
        Entry(1, 4, payment=paid(3, "3", 4_500, "-3")),
        Entry(2, 5, ended=EndedRun("M", "r2", 2, 4_500)),
        Entry(3, 6, moves=(Move("M", "r2", "r3", D(4), D(110), 7_000),)),
    ],
    payments=[paid(1, "3", 1_500, "-3"), paid(2, "1", 2_500, "-1")],
    ended=[EndedRun("M", "r1", 1, 1_800)],
    old_fills=3,
    old_closings=4,
)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_books_fold_in_the_order_of_the_journal_whatever_the_slices(limit: int) -> None:
    books = folded(OLD_AND_NEW, limit)
    # the account: 3 - 2 + 4 - 2 - 1 + 1
    assert sizes(books) == {"r1": D(0), ACCOUNT: D(3), "r2": D(0), UNATTRIBUTED: D(-1), "r3": D(4)}
    # -3 and -1 are r1's, which held all; of -3 on 3 at 4,500 r2 had 4 and nobody's hand -1
    funding = {book.owner: book.ledger.funding for book in books.all()}
    assert funding == {ACCOUNT: -7, "r1": -4, "r2": -4, UNATTRIBUTED: 1, "r3": 0}
    # all was traded at 100; r2 gives 4 at 110, and r3 counts from there
    realized = {book.owner: book.ledger.realized for book in books.all()}
    assert realized == {ACCOUNT: 0, "r1": 0, "r2": 40, UNATTRIBUTED: 0, "r3": 0}
    assert {book.owner: book.fills for book in books.all()} == {ACCOUNT: 6, "r1": 1, "r2": 2, UNATTRIBUTED: 1, "r3": 0}
    assert books.book("M", "r3").ledger.cost_basis == 440
    assert (books.progress.fills, books.progress.entries, books.progress.old_payment) == (6, 3, ALL_OLD)
    assert (books.book("M", "r1").number, books.book("M", "r2").number) == (1, 2)
    OLD_AND_NEW.reads.clear()
    assert advance(OLD_AND_NEW, books, limit) == 0
    assert OLD_AND_NEW.reads == [], "what was before the first entry is read once"


def test_the_full_fold_is_the_same() -> None:
    assert full_fold(OLD_AND_NEW, OLD_AND_NEW.newest_first) == {
        (book.market, book.owner): book for book in folded(OLD_AND_NEW).all()
    }


def test_a_slice_folds_about_as_much_as_it_was_asked_for() -> None:
    log = Log([told(n, "r1", "1", n) for n in range(1, 11)], [Entry(1, 4), Entry(2, 8)])
    books = MemoryBooks(log.newest_first)
    counts = []
    while done := advance(log, books, 3):
        counts.append((done, books.progress.fills, books.progress.entries))
    # 10 fills and 2 entries: 3; 1 fill and the entry after it, 1 fill; 3; the entry and 2 fills
    assert counts == [(3, 3, 0), (3, 5, 1), (3, 8, 1), (3, 10, 2)]


def test_old_payments_wait_for_their_place_among_the_old_fills() -> None:
    """Five payments between two fills, in slices of two: none is skipped, none is paid twice."""
    payments = [paid(n, "1", 1_500 + n, "-1") for n in range(1, 6)]
    log = Log([told(1, "r1", "1", 1_000), told(2, "r1", "1", 9_000)], payments=payments, old_fills=2)
    for limit in (1, 2, 3, 100):
        books = folded(log, limit)
        assert books.book("M", "r1").ledger.funding == -5
        assert books.book("M", "r1").ledger.size == 2


class Noting(MemoryBooks):
    """Books that note after how many fills each payment was split."""

    def __init__(self, log: Log) -> None:
        super().__init__(log.newest_first)
        self.noted: dict[int, int] = {}

    def keep_funding(self, payment_number: int, owner: str, amount: Decimal) -> None:
        self.noted[payment_number] = self.progress.fills


def test_an_old_payment_comes_before_the_first_fill_of_a_later_time_and_fills_are_counted() -> None:
    times = (1_500, 1_500, 2_000, 2_001)  # ms; the third fill is of 2,000 and the fourth of 2,001
    log = Log(
        [told(1, "r1", "1", 1_000), told(2, "r1", "1", 1_500), told(3, "r1", "1", 2_000), told(4, "r1", "1", 2_001)],
        payments=[paid(n, "1", time_ms, "-1") for n, time_ms in enumerate(times, 1)],
        old_fills=4,
    )
    for limit, counts in ((2, [2, 1, 2, 1]), (3, [3, 1, 1]), (100, [4, 1])):
        books, found = Noting(log), []
        while done := advance(log, books, limit):
            found.append(done)
        assert books.noted == {1: 2, 2: 2, 3: 3, 4: 4}, limit
        assert found == counts, limit
    ended_once = Log([told(n, "r1", "1", n) for n in (1, 2, 3)], ended=[EndedRun("M", "r1", 1, 1)])
    folded(ended_once, 1)
    assert ended_once.reads.count("ended") == 1


def test_among_old_fills_too_only_the_newer_ones_close_what_running_runs_hold() -> None:
    items = [told(1, "r1", "3", 1_000), told(2, None, "-1", 2_000), told(3, None, "-1", 3_000)]
    books = folded(Log(items, old_fills=3, old_closings=2))
    assert sizes(books) == {ACCOUNT: D(1), "r1": D(2), UNATTRIBUTED: D(-1)}


def test_a_book_that_looks_as_the_account_s_will_is_folded_all_the_same() -> None:
    """r1 holds 1 at 100 for no fee, and the account nothing; with 1 more the account looks as r1 did."""
    items = [told(1, "r1", "1", 1), told(2, "r2", "-1", 2), told(3, "r1", "1", 3)]
    free = [replace(item, fill=replace(item.fill, fee=D(0))) for item in items]
    assert sizes(folded(Log(free))) == {ACCOUNT: D(1), "r1": D(2), "r2": D(-1)}


def test_what_is_left_of_a_fill_of_no_run_is_what_stays_unclaimed() -> None:
    items = [told(1, "r1", "3", 1_000), told(2, None, "-5", 2_000)]
    books = folded(Log(items, [Entry(1, 1, ended=EndedRun("M", "r1", 1, 1_800))]))
    assert [(item.seq, item.fill.size) for item in books.unclaimed("M", 0)] == [(2, 2)]


def test_an_end_told_late_gives_the_run_what_was_closed_of_it_before() -> None:
    """r1 holds 3 from 1,000 on and ended at 1,800; sold by no run: 1 at 1,700, 2 at 1,800 and 2 at 2,000."""
    sold = [told(2, None, "-1", 1_700), told(3, None, "-2", 1_800), told(4, None, "-2", 2_000)]
    log = Log([told(1, "r1", "3", 1_000), *sold], [Entry(1, 4, ended=EndedRun("M", "r1", 1, 1_800))], old_closings=9)
    books = folded(log)
    # 2 and 1 of the two from 1,800 on; the one before, and the rest of 1, stay nobody's: 1 + 1
    assert sizes(books) == {ACCOUNT: D(-2), "r1": D(0), UNATTRIBUTED: D(-2)}
    assert {book.owner: book.fills for book in books.all()} == {ACCOUNT: 4, "r1": 1, UNATTRIBUTED: 2}
    assert [(one.run_id, one.fill.size) for seq in (2, 3, 4) for one in books.claims(seq)] == [("r1", 2), ("r1", 1)]
    assert [(one.seq, one.fill.size) for one in books.unclaimed("M", 0)] == [(2, 1), (4, 1)]
    # a fee of 0.01 a unit: 0.06 of the run's 6 units, 0.02 of nobody's 2
    assert books.book("M", "r1").ledger.fees == D("0.06")
    assert books.book("M", UNATTRIBUTED).ledger.fees == D("0.02")


def test_a_run_takes_back_nothing_that_lies_its_own_way_nor_of_another_market() -> None:
    foreign = [told(2, None, "1", 1_900), told(3, None, "-1", 1_950, market="N"), told(4, None, "-1", 2_000)]
    log = Log([told(1, "r1", "3", 1_000), *foreign], [Entry(1, 4, ended=EndedRun("M", "r1", 1, 1_800))], old_closings=9)
    books = folded(log)
    assert (books.book("M", "r1").ledger.size, books.book("M", UNATTRIBUTED).ledger.size) == (2, 1)
    assert books.book("N", UNATTRIBUTED).ledger.size == -1
    halves = [told(1, "r1", "0.5", 1_000), told(2, None, "0.5", 2_000)]
    log = Log(halves, [Entry(1, 2, ended=EndedRun("M", "r1", 1, 1_800))], old_closings=9)
    assert sizes(folded(log)) == {ACCOUNT: D(1), "r1": D("0.5"), UNATTRIBUTED: D("0.5")}
    short = [told(1, "r1", "-3", 1_000), told(2, None, "1", 2_000)]
    log = Log(short, [Entry(1, 2, ended=EndedRun("M", "r1", 1, 1_800))], old_closings=9)
    assert sizes(folded(log)) == {ACCOUNT: D(-2), "r1": D(-2), UNATTRIBUTED: D(0)}


def test_a_late_fill_of_an_ended_run_takes_back_what_had_closed_it() -> None:
    ended = Entry(1, 0, ended=EndedRun("M", "r1", 1, 1_800))
    log = Log([told(1, None, "-2", 2_000), told(2, "r1", "3", 1_000)], [ended])
    books = folded(log)
    assert sizes(books) == {ACCOUNT: D(1), "r1": D(1), UNATTRIBUTED: D(0)}
    assert books.book("M", UNATTRIBUTED).fills == 0


def test_an_owner_alone_has_the_ledger_of_the_account() -> None:
    books = folded(Log([told(1, "r1", "2", 1_000), told(2, "r1", "-1", 2_000, "103")]))
    ledger = books.book("M", "r1").ledger
    assert ledger == books.book("M", ACCOUNT).ledger
    assert (ledger.size, ledger.realized, ledger.fees) == (1, 3, D("0.03"))


def test_a_move_is_earned_by_its_giver_and_counts_for_the_account_only_where_there_is_none() -> None:
    log = Log([told(1, "r1", "2", 1_000)])
    books = folded(log)
    fold_move(books, Move("M", "r1", "r2", D(2), D(103), 2_000))
    assert (books.book("M", "r1").ledger.size, books.book("M", "r1").ledger.realized) == (0, 6)
    assert (books.book("M", "r2").ledger.size, books.book("M", "r2").ledger.cost_basis) == (2, 206)
    assert books.book("M", ACCOUNT).ledger.size == 2
    fold_move(books, Move("M", None, "r2", D(-1), D(103), 3_000))
    assert (books.book("M", ACCOUNT).ledger.size, books.book("M", "r2").ledger.size) == (1, 1)
    assert [book.fills for book in books.all()] == [1, 1, 0]
    assert [move.time_ms for move in books.moves("M")] == [2_000, 3_000]
    assert books.moves("N") == ()
    # before the second move r2 held 2, before the first r1 did
    assert shares_at(books, "M", 2_500) == {"r2": D(2)}
    assert shares_at(books, "M", 1_500) == {"r1": D(2)}


def test_what_runs_left_or_a_hand_holds_is_beside_the_running_ones() -> None:
    def book(owner: str, size: str, left_since_ms: int | None = None) -> OwnerBook:
        return OwnerBook("M", owner, LedgerState(D(size), D(0)), left_since_ms=left_since_ms)

    assert sum_beside_runs([book(UNATTRIBUTED, "2"), book("r1", "1", 0), book("r2", "4")]) == 3
    assert isinstance(sum_beside_runs([]), Decimal)


@pytest.mark.parametrize(
    ("time_ms", "shares"),
    [
        (999, {}),
        (1_000, {"r1": "3"}),  # a fill of that very moment counts as held
        (1_999, {"r1": "3"}),
        (2_000, {"r1": "3", "r2": "-1"}),
        (3_000, {"r1": "2", "r2": "-1"}),  # 1 sold by no run closed r1's
        (9_000, {"r1": "2", "r2": "-1"}),
    ],
)
def test_what_each_held_at_a_time(time_ms: int, shares: dict[str, str]) -> None:
    items = [told(1, "r1", "3", 1_000), told(2, "r2", "-1", 2_000), told(3, None, "-1", 3_000)]
    items.append(told(4, "r1", "7", 2_500, market="N"))
    assert shares_at(folded(Log(items)), "M", time_ms) == {owner: D(size) for owner, size in shares.items()}


def test_shares_are_told_by_the_age_of_their_owners_and_none_that_is_zero() -> None:
    items = [told(n, f"r{owner}", "1", n) for n, owner in enumerate((10, 9, 2), 1)]
    items += [told(4, None, "1", 4), told(5, "r2", "-1", 5)]
    assert list(shares_at(folded(Log(items)), "M", 9)) == [UNATTRIBUTED, "r9", "r10"]


def test_the_look_back_ends_at_a_fill_told_ten_minutes_late() -> None:
    """At a payment of 1,000,000 the fill of 1,000,001 was not held, unless one before it is older than 400,000."""
    for older_ms, share in ((400_000, "1"), (399_999, "2")):
        items = [told(1, "r1", "1", 1_000_001), told(2, "r1", "1", older_ms)]
        assert shares_at(folded(Log(items)), "M", 1_000_000) == {"r1": D(share)}, "a later one is not looked at"
    assert LOOK_BACK_MS == 1_000_000 - 400_000


def test_a_payment_reaches_every_book_and_the_sums_agree() -> None:
    books = folded(Log([told(1, "r1", "2", 1_000), told(2, None, "1", 1_000)]))
    settle(books, 7, paid(7, "3", 2_000, "-1")[1])
    funding = {book.owner: book.ledger.funding for book in books.all()}
    assert funding == {ACCOUNT: -1, "r1": D("-0.66666667"), UNATTRIBUTED: D("-0.33333333")}
    settle(books, 8, paid(8, "3", 3_000, "-1")[1])
    assert books.book("M", "r1").ledger.funding == D("-1.33333334")
    nobody = MemoryBooks(lambda _: iter(()))
    settle(nobody, 1, paid(1, "2", 2_000, "-1")[1])
    assert {book.owner: book.ledger.funding for book in nobody.all()} == {ACCOUNT: -1, UNATTRIBUTED: -1}


def test_a_book_that_was_never_kept_is_empty_and_what_is_open_is_not_the_account_s() -> None:
    books = folded(Log([told(1, "r1", "2", 1_000), told(2, "r2", "2", 1_000), told(3, "r2", "-2", 1_000)]))
    assert books.book("M", "r9") == OwnerBook("M", "r9")
    assert [book.owner for book in books.open_books("M")] == ["r1"]
    assert (list(books.open_books("N")), list(books.claims(99)), list(books.unclaimed("N", 0))) == ([], [], [])


def test_unclaimed_fills_are_told_in_time_order_from_a_time_on() -> None:
    books = MemoryBooks(lambda _: iter(()))
    for item in (
        told(1, None, "1", 3_000),
        told(3, None, "1", 2_000),
        told(2, None, "1", 2_000),
        told(4, None, "1", 999),
    ):
        fold_fill(books, item)
    assert [item.seq for item in books.unclaimed("M", 1_000)] == [2, 3, 1]
    assert [item.seq for item in books.unclaimed("M", 2_000)] == [2, 3, 1]
    assert [item.seq for item in books.unclaimed("M", 2_001)] == [1]


@pytest.mark.parametrize(
    ("foreign", "moves"),
    [
        (False, [("r1", "2")]),
        # nobody's 1, and of 4 that no fill tells of 3 are left: an earlier adoption took 1
        (True, [("r1", "2"), (UNATTRIBUTED, "1"), (None, "3")]),
    ],
)
def test_what_is_adopted_changes_hands(foreign: bool, moves: list[tuple[str | None, str]]) -> None:
    books = [
        OwnerBook("M", "r1", LedgerState(D(2), D(200)), left_since_ms=5),
        OwnerBook("M", "r2", LedgerState(D(7), D(700))),  # it goes on
        OwnerBook("M", UNATTRIBUTED, LedgerState(D(1), D(100))),
        OwnerBook("M", "r3", LedgerState(), left_since_ms=6),
    ]
    adoption = Adoption(D(110), foreign=foreign, unbooked=D(4))
    found = moves_of(adoption, books, D(1), market="M", taker="r9", time_ms=50)
    assert found == tuple(Move("M", giver, "r9", D(size), D(110), 50) for giver, size in moves)


def test_nothing_is_adopted_twice() -> None:
    adoption = Adoption(D(110), foreign=True, unbooked=D(4))
    assert moves_of(adoption, [], D(4), market="M", taker="r9", time_ms=50) == ()
    taker = folded(OLD_AND_NEW).book("M", "r3")
    assert net_profit(taker.ledger, D(110)) == 0
    assert replace(taker.ledger, size=D(0), cost_basis=D(0)) == LedgerState()

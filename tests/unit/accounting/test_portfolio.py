"""Each run's own share, folded from the journal: by hand for a small account."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from pfmm.accounting.ledger import net_profit
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors, FundingPayment
from pfmm.model.ledger import ACCOUNT, UNATTRIBUTED, LedgerState
from pfmm.model.order import Side
from tests.unit.scripted_venue import MARKET, T0, begin, commit, fill, open_journal, own

D = Decimal


def ledgers_of(journal: Journal) -> dict[str, LedgerState]:
    """The ledger of each owner but the account; the full fold says the same."""
    books = journal.books(MARKET)
    assert {(book.market, book.owner): book for book in books} == journal.books_in_full()
    return {book.owner: book.ledger for book in books if book.owner != ACCOUNT}


def test_fills_and_funding_are_split_between_the_runs(tmp_path: Path) -> None:
    """Run 1 buys 2 at 100, run 2 sells 1 at 101, a stranger buys 1: the position is 2, and a payment of -4 on it is
    split by signed share: -4, +2 and -2. Later run 1 sells 1 at 103 and has earned 3."""
    with open_journal(tmp_path) as journal:
        one, two = begin(journal), begin(journal)
        commit(journal, own(1), own(2, run_id=two.run_id, side=Side.SHORT), own(3, side=Side.SHORT))
        fills = [
            fill(1, "2"),
            fill(2, "1", at_ms=T0 + 1, side=Side.SHORT, price=D(101)),
            fill(9, "1", at_ms=T0 + 2),
            fill(3, "1", at_ms=T0 + 20, side=Side.SHORT, price=D(103)),
        ]
        payment = FundingPayment("p1", MARKET, T0 + 10, D("0.02"), D(100), D(2), D(-4))
        journal.absorb(fills=fills, funding=[payment], cursors=Cursors())
        ledgers = ledgers_of(journal)
        assert {name: ledger.size for name, ledger in ledgers.items()} == {
            one.run_id: D(1),
            two.run_id: D(-1),
            UNATTRIBUTED: D(1),
        }
        assert [ledgers[name].funding for name in (one.run_id, two.run_id, UNATTRIBUTED)] == [D(-4), D(2), D(-2)]
        assert ledgers[one.run_id].realized == D(3)
        # 3 realised + 1 x (102 - 100) - 0.02 fees - 4 funding
        assert net_profit(ledgers[one.run_id], D(102)) == D("0.98")


def test_a_payment_that_nobody_s_share_explains_is_unattributed(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        payment = FundingPayment("p1", MARKET, T0, D("0.01"), D(100), D(1), D(-1))
        journal.absorb(fills=[], funding=[payment], cursors=Cursors())
        assert ledgers_of(journal) == {UNATTRIBUTED: LedgerState(funding=D(-1))}

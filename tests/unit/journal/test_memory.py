"""A backtest's journal answers as the one on disk does: each story is told to both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pfmm.journal.memory import MemoryJournal
from pfmm.model.account import Cursors, FundingPayment
from pfmm.model.ledger import ACCOUNT, UNATTRIBUTED, Adoption
from pfmm.model.order import Side
from pfmm.model.plan import OwnStatus
from pfmm.model.run import Run, RunSave
from pfmm.ports import Journal
from tests.unit.scripted_venue import MARKET, T0, D, commit, fill, open_journal, own

OTHER = "ETH-PERP"


@pytest.fixture(params=["disk", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    if request.param == "memory":
        yield MemoryJournal("n")
        return
    with open_journal(tmp_path) as opened:
        yield opened


def begin(journal: Journal, market: str = MARKET, *, at_ms: int = T0, adopts: Adoption | None = None) -> Run:
    return journal.start_run("grid", market, {}, time_ms=at_ms, wall_ms=at_ms, pid=None, adopts=adopts)


def holding_two(journal: Journal) -> Run:
    """A run that bought 2 at 100 at T0."""
    run = begin(journal)
    commit(journal, own(1, run_id=run.run_id, status=OwnStatus.OPEN))
    journal.absorb(fills=[fill()], funding=[], cursors=Cursors())
    return run


def size(journal: Journal, owner: str) -> object:
    return journal.book(MARKET, owner).ledger.size


def test_a_run_that_begins_takes_over_what_is_offered_to_it_at_the_mark(journal: Journal) -> None:
    """Of 2 bought at 100 the giver earns 2 x 3 up to a mark of 103, and the taker holds them for 206; of a position of
    5 no fill tells of 3, for which nobody earned anything."""
    old = holding_two(journal)
    journal.end_run(old.run_id, status="stopped", reason="stop", time_ms=T0 + 1)
    assert (journal.left_by_ended(MARKET), journal.beside_runs(MARKET)) == (2, 2)
    new = begin(journal, at_ms=T0 + 10, adopts=Adoption(D(103), foreign=True, unbooked=D(3)))
    given, taken = (journal.book(MARKET, run.run_id).ledger for run in (old, new))
    assert (given.size, given.realized) == (0, 6)
    assert (taken.size, taken.cost_basis, taken.realized) == (5, 5 * 103, 0)
    assert (size(journal, ACCOUNT), journal.left_by_ended(MARKET)) == (5, 0)
    assert journal.filled([MARKET]) == (1, {MARKET: D(2)}), "fills alone tell of 2"


def test_a_payment_of_before_an_adoption_is_the_givers(journal: Journal) -> None:
    """Told after it: the taker holds 2 now, and held none of them at the time of the settlement."""
    old = holding_two(journal)
    journal.end_run(old.run_id, status="stopped", reason="stop", time_ms=T0 + 1)
    new = begin(journal, at_ms=T0 + 1_000, adopts=Adoption(D(103)))
    late = FundingPayment("p1", MARKET, T0 + 500, D("0.0001"), D(100), D(2), D("-0.02"))
    after = replace(late, payment_id="p2", time_ms=T0 + 2_000, amount=D("-0.03"))
    journal.absorb(fills=[], funding=[late, after], cursors=Cursors())
    paid = {owner: journal.book(MARKET, owner).ledger.funding for owner in (old.run_id, new.run_id, ACCOUNT)}
    assert paid == {old.run_id: D("-0.02"), new.run_id: D("-0.03"), ACCOUNT: D("-0.05")}


@pytest.mark.parametrize(("cycle_ms", "left"), [(None, (0, 0)), (T0 + 100, (2, -2))])
def test_an_end_gives_a_run_the_closings_since_its_last_cycle(
    journal: Journal, cycle_ms: int | None, left: tuple[int, int]
) -> None:
    """A hand sold 2 at T0 + 50, before the fill of the run was told: the sale is its own, until the run ends and has
    been at no cycle since the sale."""
    run = begin(journal)
    commit(journal, own(1, run_id=run.run_id, status=OwnStatus.OPEN))
    if cycle_ms is not None:
        journal.save_run(run.run_id, RunSave("running", None, 0, cycle_ms, T0, None))
    by_hand = fill(9, at_ms=T0 + 50, client_order_id=None, order_id="x", side=Side.SHORT)
    journal.absorb(fills=[by_hand, fill()], funding=[], cursors=Cursors())
    assert (size(journal, run.run_id), size(journal, UNATTRIBUTED)) == (2, -2)
    journal.end_run(run.run_id, status="stopped", reason="stop", time_ms=T0 + 200)
    assert (size(journal, run.run_id), size(journal, UNATTRIBUTED)) == left
    claimed = [(part.run_id, part.fill.size, part.fill.side) for part in journal.claims_of(1)]
    assert claimed == ([(run.run_id, 2, Side.SHORT)] if cycle_ms is None else [])


def test_the_first_end_of_a_run_stays(journal: Journal) -> None:
    run = begin(journal)
    for status, reason, at_ms in (("halted", "loss", T0 + 1), ("stopped", "stop", T0 + 9)):
        journal.end_run(run.run_id, status=status, reason=reason, time_ms=at_ms)
    (ended,) = journal.runs(ended=True)
    assert (ended.status, ended.stop_reason, ended.ended_ms) == ("halted", "loss", T0 + 1)


def test_runs_are_found_by_kind_and_market_and_whether_they_ended(journal: Journal) -> None:
    first, second, elsewhere = begin(journal), begin(journal), begin(journal, OTHER)
    journal.end_run(second.run_id, status="stopped", reason="stop", time_ms=T0)
    open_runs = [journal.open_run("grid", market) for market in (MARKET, OTHER)]
    assert [run and run.run_id for run in open_runs] == [first.run_id, elsewhere.run_id]
    assert journal.open_run("quote", MARKET) is None
    assert [run.number for run in journal.runs(market=MARKET)] == [1, 2]


def test_a_fill_that_is_told_again_counts_once(journal: Journal) -> None:
    run = holding_two(journal)
    again = journal.absorb(fills=[fill(), fill(2, "1", at_ms=T0 + 1)], funding=[], cursors=Cursors("7", None))
    assert [item.fill.fill_id for item in again.fills] == [f"f2-{T0 + 1}"]
    assert (size(journal, run.run_id), size(journal, UNATTRIBUTED)) == (2, 1)
    assert (journal.newest_fill(), journal.cursors()) == (2, Cursors("7", None))


def test_live_orders_are_told_by_run_and_by_market(journal: Journal) -> None:
    one, two = begin(journal), begin(journal, OTHER)
    commit(journal, own(1, run_id=one.run_id), own(2, run_id=two.run_id, market=OTHER), own(3, run_id=one.run_id))
    journal.update_orders([own(3, run_id=one.run_id, status=OwnStatus.CANCELLED)], time_ms=T0)

    def live(**of: str) -> list[str]:
        return [order.client_order_id for order in journal.live_orders(**of)]

    assert live() == ["n-1", "n-2"]
    assert (live(run_id=one.run_id), live(run_id=two.run_id)) == (["n-1"], ["n-2"])
    assert (live(market=MARKET), live(market=OTHER), live(run_id=one.run_id, market=OTHER)) == (["n-1"], ["n-2"], [])


def test_no_fill_of_a_backtest_waits_for_mids_as_its_report_has_the_tape() -> None:
    journal = MemoryJournal("n")
    journal.absorb(fills=[fill()], funding=[], cursors=Cursors())
    assert journal.unjudged(10, since_ms=0, closed=False) == ()

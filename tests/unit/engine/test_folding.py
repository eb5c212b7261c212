"""Fills on their way from the journal into runs: each once, also while another process goes on writing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pfmm.engine.folding import FillFolder
from pfmm.engine.strategy_run import StrategyRun
from pfmm.journal.memory import MemoryJournal
from pfmm.model.account import Cursors
from pfmm.model.event import Event
from pfmm.model.ledger import OwnerBook
from pfmm.model.order import Fill
from tests.unit.engine.test_strategy_run import toy_run
from tests.unit.scripted_venue import MARKET, T0, D, commit, fill, own


class Busy(MemoryJournal):
    """One into which another process writes a fill whenever a book is read, as long as some are `coming`."""

    def __init__(self) -> None:
        super().__init__("n")
        self.coming: list[Fill] = []

    def book(self, market: str, owner: str) -> OwnerBook:
        fills = [self.coming.pop(0)] if self.coming else []
        self.absorb(fills=fills, funding=[], cursors=Cursors())
        return super().book(market, owner)


def taken_up(journal: MemoryJournal, *, seen_through: int = 0) -> StrategyRun:
    """A run of which an earlier process has saved up to which fill it saw what hands outside did."""
    run = journal.start_run("toy", MARKET, {}, time_ms=T0, wall_ms=T0, pid=1)
    active = toy_run()
    active.resume(replace(run, memory={"fills": 0, "_seen_through": seen_through}), OwnerBook(MARKET, run.run_id), 0)
    return active


def test_a_run_has_folded_every_fill_that_its_book_has() -> None:
    """A second fill comes as the book is read for the first: a book ahead of the strategy would count it twice."""
    journal = Busy()
    folder, active = FillFolder(journal, [MARKET]), taken_up(journal)
    commit(journal, own(1), own(2))
    journal.absorb(fills=[fill(1)], funding=[], cursors=Cursors())
    journal.coming = [fill(2, "0.5")]
    told: list[Event] = []
    folder.fold([active], told)
    assert (active.state, active.fills, active.folded_through, folder.folded_through) == (2, 2, 2, 2)
    assert active.ledger.size == D("2.5")
    assert [event.data["size"] for event in told if event.name == "fill"] == [2, D("0.5")]


@pytest.mark.parametrize(("seen_through", "names"), [(0, ["base_changed"]), (1, [])])
def test_what_a_hand_outside_did_is_told_by_one_process_alone(seen_through: int, names: list[str]) -> None:
    """The other process looked at it after this one had begun to count, and left the run."""
    journal = MemoryJournal("n")
    folder = FillFolder(journal, [MARKET])
    active = taken_up(journal, seen_through=seen_through)
    journal.absorb(fills=[fill(9, client_order_id=None)], funding=[], cursors=Cursors())
    told: list[Event] = []
    folder.fold([active], told)
    assert ([event.name for event in told], active.seen_through) == (names, 1)

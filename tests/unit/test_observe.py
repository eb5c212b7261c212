"""One look at the venue: what the journal takes from it, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from pfmm.errors import BadVenueData
from pfmm.model.order import OrderStatus
from pfmm.model.plan import OwnStatus
from pfmm.observe import observe
from tests.unit.scripted_venue import MARKET, T0, D, ScriptedVenue, begin, commit, fill, open_journal, order, own


def test_a_snapshot_of_before_is_refused_whole(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, own(status=OwnStatus.OPEN))
        venue = ScriptedVenue(fills_waiting=[fill()], now_ms=T0 - 1)
        with pytest.raises(BadVenueData, match=f"stale snapshot, of {T0 - 1}: {T0} has been seen"):
            observe(venue, journal, [MARKET], [run.run_id], not_before_ms=T0)
        assert list(journal.fills()) == []
        assert journal.cursors().fills is None
        assert [o.status for o in journal.live_orders()] == [OwnStatus.OPEN]
        venue.now_ms = T0
        assert observe(venue, journal, [MARKET], [run.run_id], not_before_ms=T0).time.time_ms == T0


def test_fills_are_absorbed_before_orders_are_settled_and_once(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, own(status=OwnStatus.OPEN))
        for _ in range(2):  # the same page again, as a cached or repeated answer brings it
            observe(ScriptedVenue(fills_waiting=[fill()]), journal, [MARKET], [run.run_id])
        assert [item.fill.size for item in journal.fills(run_id=run.run_id)] == [D(2)]
        mine = journal.order("n-1")
        assert mine is not None
        assert (mine.status, mine.filled) == (OwnStatus.FILLED, D(2))


def test_only_the_runs_asked_for_are_settled(tmp_path: Path) -> None:
    """Another process may have a request of its own in flight."""
    with open_journal(tmp_path) as journal:
        begin(journal)
        commit(journal, own())
        observe(ScriptedVenue(), journal, [MARKET], [])
        assert [o.status for o in journal.live_orders()] == [OwnStatus.SENDING]


def test_an_order_believed_gone_that_the_venue_shows_open_lives_again(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, own(status=OwnStatus.EXPIRED))
        assert journal.live_orders() == ()
        strangers = [order(7), order(8, client_order_id=None), order(9, client_order_id="other-1")]
        observe(ScriptedVenue(orders=[order(), *strangers]), journal, [MARKET], [run.run_id])
        assert [(o.client_order_id, o.status) for o in journal.live_orders()] == [("n-1", OwnStatus.OPEN)]


def test_an_old_answer_does_not_outweigh_a_newer_snapshot(tmp_path: Path) -> None:
    """Not in the open list, but open when asked for: neither is believed, the order stays missing."""
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, own(status=OwnStatus.OPEN))
        venue = ScriptedVenue(known={"n-1": order(size=D(1))})
        observe(venue, journal, [MARKET], [run.run_id])
        ((mine),) = journal.live_orders()
        assert (mine.status, mine.size) == (OwnStatus.MISSING, D(2))
        venue.known = {"n-1": order(status=OrderStatus.CANCELLED)}
        observe(venue, journal, [MARKET], [run.run_id])
        assert journal.live_orders() == ()

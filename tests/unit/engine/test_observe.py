"""One look at the venue: what the journal takes from it, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pfmm.engine.observe import observe
from pfmm.errors import (
    AuthenticationError,
    BadVenueData,
    OtherExchange,
    PfmmError,
    RateLimited,
    VenueRefused,
    VenueUnreachable,
)
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors, FundingPayment, Snapshot
from pfmm.model.order import OrderStatus, Side
from pfmm.model.plan import OwnStatus
from pfmm.model.run import Run
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


@dataclass
class Paying(ScriptedVenue):
    """Tells of one more payment at each look, and of those of before again."""

    payments: tuple[FundingPayment, ...] = ()

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        paid = FundingPayment(f"p{len(self.payments)}", MARKET, T0, D("0.0001"), D(100), D(2), D("-0.02"))
        self.payments = (*self.payments, paid)
        return replace(super().snapshot(markets, cursors), funding_payments=self.payments)


def test_a_payment_that_is_told_again_is_new_once(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        venue = Paying()
        for number in range(2):
            seen = observe(venue, journal, [MARKET], [])
            assert [payment.payment_id for payment in seen.funding_payments] == [f"p{number}"]
        assert [payment.payment_id for payment in journal.funding()] == ["p0", "p1"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"size": D(1)}, "BTC-PERP long 1 at 100"),
        ({"price": D("100.5")}, "BTC-PERP long 2 at 100.5"),
        ({"side": Side.SHORT}, "BTC-PERP short 2 at 100"),
        ({"market": "ETH-PERP"}, "ETH-PERP long 2 at 100"),  # ids that count for each market anew
    ],
)
def test_another_fill_with_the_id_of_one_that_is_recorded_is_not_passed_over(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, own(status=OwnStatus.OPEN))
        observe(ScriptedVenue(orders=[order()], fills_waiting=[fill()]), journal, [MARKET], [run.run_id])
        before = journal.live_orders()
        waiting = [fill(2, at_ms=T0 + 1), fill(**changes)]
        with pytest.raises(BadVenueData, match=f"is told as {told}, and is recorded as BTC-PERP long 2 at 100"):
            observe(ScriptedVenue(fills_waiting=waiting), journal, [MARKET], [run.run_id])
        assert ([item.fill for item in journal.fills()], journal.live_orders()) == ([fill()], before)
        same = fill(price=D("100.0"), size=D("2.00"), fee=D("0.02"))  # the same fill, however it is written
        observe(ScriptedVenue(fills_waiting=[same]), journal, [MARKET], [run.run_id])


@pytest.mark.parametrize("changes", [{"side": Side.SHORT}, {"market": "ETH-PERP"}])
def test_an_order_that_goes_by_our_id_and_cannot_be_ours_proves_nothing(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, own(status=OwnStatus.UNKNOWN))
        with pytest.raises(BadVenueData, match="order n-1 was sent as BTC-PERP long and shows as "):
            observe(ScriptedVenue(orders=[order(**changes)]), journal, [MARKET], [run.run_id])
        doubts: list[str] = []
        known = {"n-1": order(status=OrderStatus.CANCELLED, **changes)}
        observe(
            ScriptedVenue(known=known),
            journal,
            [MARKET],
            [run.run_id],
            doubt=lambda _, error: doubts.append(error.message),
        )
        assert [o.status for o in journal.live_orders()] == [OwnStatus.UNKNOWN]
        assert len(doubts) == 1
        # who is not asked to settle them does not judge them either
        observe(ScriptedVenue(orders=[order(**changes)]), journal, [MARKET], [])


def test_nothing_is_taken_from_another_exchange(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, own(status=OwnStatus.OPEN))
        observe(ScriptedVenue(orders=[order()], exchange_id="aa-0"), journal, [MARKET], [run.run_id])
        before = journal.cursors()
        with pytest.raises(OtherExchange, match="exchange bb-0 answers"):
            observe(ScriptedVenue(fills_waiting=[fill()], exchange_id="bb-0"), journal, [MARKET], [run.run_id])
        assert (list(journal.fills()), journal.cursors()) == ([], before)
        assert [o.status for o in journal.live_orders()] == [OwnStatus.OPEN]
        # a venue that tells no id, as no real one does, is the one that it always was
        observe(ScriptedVenue(fills_waiting=[fill()]), journal, [MARKET], [run.run_id])
        assert [o.status for o in journal.live_orders()] == []


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


GONE = order(status=OrderStatus.CANCELLED)
GONE_ETH = replace(GONE, market="ETH-PERP")


def look(venue: ScriptedVenue, journal: Journal, run: Run) -> list[tuple[str, str]]:
    """One look; what could not be asked for."""
    doubts: list[tuple[str, str]] = []
    observe(
        venue, journal, [MARKET], [run.run_id],
        doubt=lambda own, error: doubts.append((own.client_order_id, error.message)),
    )  # fmt: skip
    return doubts


def statuses(journal: Journal) -> dict[str, OwnStatus]:
    found = (journal.order(f"n-{number}") for number in (1, 2, 3))
    return {one.client_order_id: one.status for one in found if one is not None}


@pytest.mark.parametrize(
    "error", [VenueUnreachable("status 500"), VenueRefused("no", status=403), BadVenueData("the order of another")]
)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (OwnStatus.SENDING, OwnStatus.UNKNOWN),
        (OwnStatus.UNKNOWN, OwnStatus.UNKNOWN),
        (OwnStatus.OPEN, OwnStatus.MISSING),
    ],
)
def test_an_order_that_cannot_be_asked_for_stays_unproven_and_the_others_go_on(
    tmp_path: Path, error: PfmmError, before: OwnStatus, after: OwnStatus
) -> None:
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, own(1, status=before), own(2, market="ETH-PERP", status=OwnStatus.OPEN))
        # long after the expiry of n-1: its absence would count, if the venue said so
        venue = ScriptedVenue(silent={"n-1": error}, known={"n-2": GONE_ETH}, now_ms=T0 + 60_000)
        assert look(venue, journal, run) == [("n-1", error.message)]
        assert statuses(journal) == {"n-1": after, "n-2": OwnStatus.CANCELLED}
        venue.silent = {}
        venue.known["n-1"] = GONE
        assert look(venue, journal, run) == []
        assert journal.live_orders() == ()


def test_nobody_need_be_told_what_could_not_be_asked_for(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, own(1), own(2))
        venue = ScriptedVenue(silent={"n-1": VenueRefused("no")}, known={"n-2": GONE})
        observe(venue, journal, [MARKET], [run.run_id])
        assert statuses(journal) == {"n-1": OwnStatus.UNKNOWN, "n-2": OwnStatus.CANCELLED}


def test_a_market_whose_read_gets_no_answer_is_not_asked_on(tmp_path: Path) -> None:
    """Each such read lasts: what waited for all of them would decide on old prices. A refusal is quick."""
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, *(own(number) for number in (1, 2)), own(3, market="ETH-PERP"))
        venue = ScriptedVenue(silent={"n-1": VenueUnreachable("timed out")}, known={"n-3": GONE_ETH})
        assert look(venue, journal, run) == [("n-1", "timed out")]
        assert venue.asked == ["n-1", "n-3"]
        assert statuses(journal) == {
            "n-1": OwnStatus.UNKNOWN, "n-2": OwnStatus.UNKNOWN, "n-3": OwnStatus.CANCELLED,
        }  # fmt: skip
        venue = ScriptedVenue(silent={"n-1": VenueRefused("no")}, known={"n-2": GONE, "n-3": GONE_ETH})
        assert look(venue, journal, run) == [("n-1", "no")]
        assert statuses(journal)["n-2"] is OwnStatus.CANCELLED


@pytest.mark.parametrize(
    ("error", "timeless"),
    [
        (VenueUnreachable("timed out"), True),
        (RateLimited("wait", retry_after_s=1), False),
        (AuthenticationError("no"), False),
    ],
)
def test_what_concerns_the_whole_venue_ends_the_look(tmp_path: Path, error: PfmmError, timeless: bool) -> None:
    with open_journal(tmp_path) as journal:
        run = begin(journal)
        commit(journal, own(1), own(2, market="ETH-PERP"))
        venue = ScriptedVenue(silent={"n-1": error}, known={"n-2": GONE_ETH}, timeless=timeless)
        with pytest.raises(type(error), match=error.message):
            look(venue, journal, run)
        assert statuses(journal) == {"n-1": OwnStatus.SENDING, "n-2": OwnStatus.SENDING}

"""Nothing rests: said only when it is proven, and tried for even when it cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pfmm.engine.cancel import ATTEMPTS, wind_down
from pfmm.errors import (
    AuthenticationError,
    ConfigError,
    OtherExchange,
    OutcomeUnknown,
    PfmmError,
    StateUnknown,
    VenueUnreachable,
)
from pfmm.journal.journal import Journal
from pfmm.model.deadline import Deadline
from pfmm.model.expiry import CLOCK_SKEW_MS
from pfmm.model.order import Batch, BatchAnswer, CancelOrder, OrderStatus, Refusal
from pfmm.model.plan import OwnStatus
from tests.unit.scripted_venue import (
    MARKET,
    T0,
    D,
    ScriptedVenue,
    StepClock,
    begin,
    commit,
    fill,
    open_journal,
    order,
    own,
)

S = OwnStatus
GONE = BatchAnswer(cancel=(order(status=OrderStatus.CANCELLED),))
NO = BatchAnswer(cancel=(Refusal("order_not_found", "no", 404),))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path) as opened:
        begin(opened)
        yield opened


def end(venue: ScriptedVenue, journal: Journal, clock: StepClock | None = None, *, not_before_ms: int = 0) -> int:
    done = wind_down(venue, journal, clock or StepClock(venue), [MARKET], ["n-r1"], not_before_ms=not_before_ms)
    return done.cancelled


def test_nothing_to_do_takes_one_look(journal: Journal) -> None:
    venue = ScriptedVenue()
    assert end(venue, journal) == 0
    assert venue.sent == []


def test_what_rests_is_cancelled_and_looked_at_again(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(orders=[order()], answers=[GONE])
    clock = StepClock(venue)
    assert end(venue, journal, clock) == 1
    assert clock.synchronised == [T0, T0], "one look before the cancel, one after it"


def test_a_lost_cancel_is_asked_again_until_a_snapshot_shows_it(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(orders=[order()], answers=[OutcomeUnknown("silence"), OutcomeUnknown("silence"), GONE])
    assert end(venue, journal) == 1
    assert len(venue.sent) == 3


def test_an_unknown_order_is_believed_absent_only_after_its_expiry(journal: Journal) -> None:
    commit(journal, own(status=S.UNKNOWN))
    venue = ScriptedVenue(answers=[NO])
    clock = StepClock(venue)
    assert end(venue, journal, clock) == 0
    assert clock.waits == [T0 + 10_000 + CLOCK_SKEW_MS + 1]
    mine = journal.order("n-1")
    assert mine is not None
    assert mine.status is S.EXPIRED


def test_an_order_that_the_venue_has_forgotten_is_proven_gone_by_its_cancel(journal: Journal) -> None:
    """It rested, and is neither listed, nor known by its id, nor found by the cancel: gone one skew after that."""
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(now_ms=T0 + 60_000, answers=[NO])
    clock = StepClock(venue)
    assert end(venue, journal, clock) == 0
    assert clock.waits == [T0 + 60_000 + CLOCK_SKEW_MS + 1]
    mine = journal.order("n-1")
    assert mine is not None
    assert (mine.status, len(venue.sent)) == (S.EXPIRED, 1)


def test_the_fill_of_a_forgotten_order_is_counted_before_it_is_believed_gone(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(now_ms=T0 + 60_000, answers=[NO])

    class LateFill(StepClock):
        def wait_until(self, time_ms: int) -> bool:
            venue.fills_waiting = [fill(at_ms=T0 + 59_000)]
            return super().wait_until(time_ms)

    assert end(venue, journal, LateFill(venue)) == 0
    mine = journal.order("n-1")
    assert mine is not None
    assert (mine.status, mine.filled) == (S.FILLED, D(2))


def test_an_order_that_is_found_by_no_read_but_by_its_cancel_is_not_forgotten(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN))
    done = BatchAnswer(cancel=(Refusal("order_not_open", "no", 409),))
    venue = ScriptedVenue(now_ms=T0 + 60_000, answers=[done] * ATTEMPTS)
    with pytest.raises(StateUnknown, match=r"\(n-1, missing\)"):
        end(venue, journal)


def test_an_order_that_fills_meanwhile_is_counted_as_filled(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN))
    filled = order(status=OrderStatus.FILLED, filled=D(2))
    venue = ScriptedVenue(known={"n-1": filled}, answers=[BatchAnswer(cancel=(filled,))])

    class LateFill(StepClock):
        def wait_until(self, time_ms: int) -> bool:
            venue.fills_waiting = [fill(at_ms=T0 + 1)]
            return super().wait_until(time_ms)

    venue.answers.append(BatchAnswer(cancel=(Refusal("order_not_open", "no", 409),)))
    assert end(venue, journal, LateFill(venue)) == 0
    assert [item.fill.size for item in journal.fills()] == [D(2)]


@pytest.mark.parametrize("trouble", [VenueUnreachable("gone"), OutcomeUnknown("silence")])
def test_what_stays_is_named_and_unknown(journal: Journal, trouble: PfmmError) -> None:
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(orders=[order()], answers=[trouble] * ATTEMPTS)
    with pytest.raises(StateUnknown, match=r"1 orders could not be proven gone: BTC-PERP bid:1 \(n-1, open\)"):
        end(venue, journal)
    assert len(venue.sent) == ATTEMPTS


def test_an_emergency_gives_the_bookkeeping_few_rounds(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(orders=[order()], answers=[VenueUnreachable("gone")] * ATTEMPTS)
    with pytest.raises(StateUnknown):
        wind_down(venue, journal, StepClock(venue), [MARKET], ["n-r1"], attempts=2)
    assert len(venue.sent) == 2


def test_with_the_deadline_it_ends_and_names_what_may_rest(journal: Journal) -> None:
    """Each round takes 8 s of 20: there are three, and the third is the last."""
    commit(journal, own(status=S.OPEN))
    now_s = 100.0

    class Slow(ScriptedVenue):
        def submit(self, batch: Batch) -> BatchAnswer:
            nonlocal now_s
            now_s += 8
            return super().submit(batch)

    venue = Slow(orders=[order()], answers=[OutcomeUnknown("silence")] * ATTEMPTS)
    deadline = Deadline.after(20, lambda: now_s)
    with pytest.raises(StateUnknown, match=r"BTC-PERP bid:1 \(n-1, open\)"):
        wind_down(venue, journal, StepClock(venue), [MARKET], ["n-r1"], deadline=deadline)
    assert len(venue.sent) == 3


def test_a_deadline_that_has_passed_leaves_one_try(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(trouble=[VenueUnreachable("gone")] * ATTEMPTS, answers=[GONE] * ATTEMPTS)
    passed = Deadline(0.0, lambda: 1.0)
    with pytest.raises(StateUnknown, match="gone"):
        wind_down(venue, journal, StepClock(venue), [MARKET], ["n-r1"], deadline=passed)
    assert len(venue.sent) == 1


def test_what_cannot_be_seen_is_cancelled_all_the_same(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(trouble=[VenueUnreachable("gone")] * ATTEMPTS, answers=[GONE] * ATTEMPTS)
    with pytest.raises(StateUnknown, match="gone"):
        end(venue, journal)
    assert len(venue.sent) == ATTEMPTS
    seen = ScriptedVenue(known={"n-1": order(status=OrderStatus.CANCELLED)}, answers=[GONE])
    assert end(seen, journal) == 1, "what was cancelled blind counts"


def test_a_key_that_is_refused_ends_it_with_a_try_to_cancel_and_what_may_rest(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN))
    told = "no key; 1 orders could not be proven gone and may still rest"
    for trouble, answers in (([AuthenticationError("no key")], [GONE]), ([], [AuthenticationError("no key")] * 2)):
        venue = ScriptedVenue(orders=[order()], answers=[*answers], trouble=[*trouble])
        with pytest.raises(AuthenticationError, match=told):
            end(venue, journal)
        assert [one.client_order_id for one in venue.sent[0].cancel] == ["n-1"]
        assert [one.status for one in journal.live_orders()] == [S.OPEN]


def test_a_snapshot_from_before_the_cancel_proves_nothing(journal: Journal) -> None:
    """The cancel was acknowledged 50 ms later than the snapshot that a cache goes on serving."""
    commit(journal, own(status=S.OPEN))
    cancelled = BatchAnswer(cancel=(order(status=OrderStatus.CANCELLED, updated_ms=T0 + 50),))
    venue = ScriptedVenue(orders=[order()], answers=[cancelled])

    class Frozen(StepClock):
        def wait_until(self, time_ms: int) -> bool:
            return True

    with pytest.raises(StateUnknown, match="stale snapshot"):
        end(venue, journal, Frozen(venue))
    venue.now_ms, venue.orders = T0 + 50, []
    assert end(venue, journal, not_before_ms=T0 + 50) == 0


def test_a_snapshot_from_before_the_one_before_proves_nothing(journal: Journal) -> None:
    """The cancels got no answer, and then a cache serves a moment before the order rested."""
    commit(journal, own(status=S.OPEN))
    lost = [OutcomeUnknown("silence")] * ATTEMPTS
    venue = ScriptedVenue(now_ms=T0 + 50, orders=[order()], known={"n-1": order(status=OrderStatus.CANCELLED)})
    venue.answers = [*lost]

    class Backwards(StepClock):
        def wait_until(self, time_ms: int) -> bool:
            venue.now_ms, venue.orders = T0, []
            return True

    with pytest.raises(StateUnknown, match="stale snapshot"):
        end(venue, journal, Backwards(venue))


def test_a_journal_that_cannot_be_written_does_not_keep_orders_alive(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(trouble=[ConfigError("the disk is full")], answers=[GONE])
    with pytest.raises(StateUnknown, match="asked to be cancelled, but not proven gone: the disk is full"):
        end(venue, journal)
    assert [c.client_order_id for c in venue.sent[0].cancel] == ["n-1"]


def test_another_exchange_is_neither_asked_to_cancel_nor_believed(journal: Journal) -> None:
    journal.recognise("aa-0")
    commit(journal, own(status=S.OPEN))
    venue = ScriptedVenue(exchange_id="bb-0")
    with pytest.raises(OtherExchange):
        end(venue, journal)
    assert (venue.sent, [o.status for o in journal.live_orders()]) == ([], [S.OPEN])


def test_an_order_believed_expired_that_rests_is_found_and_cancelled(journal: Journal) -> None:
    commit(journal, replace(own(), status=S.EXPIRED))
    venue = ScriptedVenue(orders=[order()], answers=[GONE])
    assert end(venue, journal) == 1


TWIN = order(order_id="o1b")  # the venue made two orders of one request


def test_two_orders_of_one_request_are_both_cancelled(journal: Journal) -> None:
    """By client order id the venue cancels but one of them: the other is named by its own id."""
    commit(journal, own(status=S.OPEN, order_id="o1"))
    first = order(status=OrderStatus.CANCELLED)
    both = BatchAnswer(cancel=(first, replace(TWIN, status=OrderStatus.CANCELLED)))
    venue = ScriptedVenue(orders=[order(), TWIN], answers=[both])
    assert end(venue, journal) == 1
    assert venue.sent == [Batch((CancelOrder(MARKET, client_order_id="n-1"), CancelOrder(MARKET, order_id="o1b")))]


def test_the_wrong_one_of_two_being_cancelled_leaves_none_behind(journal: Journal) -> None:
    """The client order id means the other one to the venue, and ever after: only the order id is left to name it."""
    commit(journal, own(status=S.OPEN, order_id="o1"))
    gone, not_open = replace(TWIN, status=OrderStatus.CANCELLED), Refusal("order_not_open", "no", 409)
    second = BatchAnswer(cancel=(not_open, order(status=OrderStatus.CANCELLED)))
    venue = ScriptedVenue(
        orders=[order(), TWIN],
        known={"n-1": gone},
        answers=[BatchAnswer(cancel=(gone, not_open)), second],
    )
    end(venue, journal)
    assert venue.sent[1].cancel == (CancelOrder(MARKET, client_order_id="n-1"), CancelOrder(MARKET, order_id="o1"))
    assert venue.orders == []


def test_a_second_order_of_a_request_that_is_filled_is_cancelled(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN, order_id="o1"))
    venue = ScriptedVenue(orders=[TWIN], fills_waiting=[fill()])
    venue.answers = [BatchAnswer(cancel=(replace(TWIN, status=OrderStatus.CANCELLED),))]
    assert end(venue, journal) == 0
    assert venue.sent == [Batch((CancelOrder(MARKET, order_id="o1b"),))]
    mine = journal.order("n-1")
    assert mine is not None
    assert mine.status is S.FILLED


def test_a_second_order_that_stays_is_named(journal: Journal) -> None:
    commit(journal, own(status=S.OPEN, order_id="o1"))
    venue = ScriptedVenue(orders=[TWIN], fills_waiting=[fill()], answers=[NO] * ATTEMPTS)
    with pytest.raises(StateUnknown, match=r"resting beside another of the same client order id: .* order o1b \(n-1\)"):
        end(venue, journal)

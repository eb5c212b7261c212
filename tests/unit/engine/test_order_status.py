"""Never guess: every pair of what we believe and what the venue shows, one row each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from pfmm.engine.order_status import is_lost, settle, settle_absent, settle_one
from pfmm.model.expiry import CLOCK_SKEW_MS
from pfmm.model.order import OrderStatus
from pfmm.model.plan import OwnStatus
from pfmm.model.refusal import RefusalReason
from tests.unit.scripted_venue import T0, order, own

LATE = T0 + 10_000 + CLOCK_SKEW_MS  # the last moment at which absence proves nothing
D = Decimal
S, O = OwnStatus, OrderStatus  # noqa: E741 - two tables of states, beside each other


@pytest.mark.parametrize(
    ("before", "filled", "in_list", "after", "asked"),
    [
        (S.SENDING, "0", True, S.OPEN, False),
        (S.UNKNOWN, "0", True, S.OPEN, False),
        (S.MISSING, "0", True, S.OPEN, False),
        (S.OPEN, "1", True, S.OPEN, False),
        (S.OPEN, "2", False, S.FILLED, False),  # all 2 seen as fills
        (S.UNKNOWN, "2", False, S.FILLED, False),
        (S.OPEN, "1", False, S.MISSING, True),  # 1 of 2 seen: filled or cancelled, only the venue can tell
        (S.MISSING, "0", False, S.MISSING, True),
        (S.SENDING, "0", False, S.SENDING, True),
        (S.UNKNOWN, "0", False, S.UNKNOWN, True),
    ],
)
def test_the_open_list(before: OwnStatus, filled: str, in_list: bool, after: OwnStatus, asked: bool) -> None:
    mine = own(status=before, filled=D(filled))
    settlement = settle([mine], [order()] if in_list else [], T0)
    (current,) = settlement.updates or (mine,)
    assert (current.status, bool(settlement.ask)) == (after, asked)


def test_what_did_not_change_is_no_update() -> None:
    shown = order()
    pending = own(status=S.OPEN, order_id=shown.order_id, amend_price=D(99), amend_size=D(3))
    for mine in (pending, own(status=S.OPEN, order_id=shown.order_id)):
        assert settle([mine], [shown], T0).updates == ()


@pytest.mark.parametrize(
    ("before", "filled", "answer", "now_ms", "after"),
    [
        (S.SENDING, "0", None, T0, S.UNKNOWN),
        (S.UNKNOWN, "0", None, LATE, S.UNKNOWN),
        (S.UNKNOWN, "0", None, LATE + 1, S.EXPIRED),
        (S.SENDING, "0", None, LATE + 1, S.EXPIRED),
        (S.MISSING, "0", None, LATE + 1, S.MISSING),  # it did rest: its absence is no answer
        (S.UNKNOWN, "0", {"status": O.OPEN}, T0, S.OPEN),
        (S.MISSING, "0", {"status": O.FILLED, "filled": D(2)}, T0, S.MISSING),  # its fills were not seen yet
        (S.MISSING, "2", {"status": O.FILLED, "filled": D(2)}, T0, S.FILLED),
        (S.MISSING, "0", {"status": O.CANCELLED, "filled": D(1)}, T0, S.MISSING),
        (S.MISSING, "1", {"status": O.CANCELLED, "filled": D(1)}, T0, S.CANCELLED),
        (S.UNKNOWN, "0", {"status": O.EXPIRED}, T0, S.EXPIRED),
        (S.UNKNOWN, "0", {"status": O.REJECTED}, T0, S.REJECTED),
    ],
)
def test_the_answer_by_client_order_id(
    before: OwnStatus, filled: str, answer: dict[str, Any] | None, now_ms: int, after: OwnStatus
) -> None:
    told = None if answer is None else order(**answer)
    assert settle_one(own(status=before, filled=D(filled)), told, now_ms).status is after


@pytest.mark.parametrize(
    ("seen_price", "seen_size", "now_ms", "pending"),
    [
        ("99", "3", T0, False),  # it shows: acted
        ("100", "2", LATE, True),  # the old order: the amendment may still arrive
        ("100", "2", LATE + 1, False),  # ... and now it cannot any more
        ("99", "2", T0, True),  # half of it is not it
    ],
)
def test_an_unacknowledged_amendment_counts_until_it_shows_or_cannot_act(
    seen_price: str, seen_size: str, now_ms: int, pending: bool
) -> None:
    mine = own(status=S.OPEN, amend_price=D(99), amend_size=D(3))
    ((after),) = settle([mine], [order(price=D(seen_price), size=D(seen_size))], now_ms).updates
    assert (after.amend_size is not None) == pending
    assert (after.price, after.size) == (D(seen_price), D(seen_size))
    assert after.remaining == (D(3) if pending or seen_size == "3" else D(2))


def test_an_amendment_of_the_price_alone_counts_until_the_price_shows() -> None:
    """2 at 100, asked to be 2 at 99: the size is right from the first, and says nothing."""
    mine = own(status=S.OPEN, amend_price=D(99), amend_size=D(2))
    assert all(after.amend_price == D(99) for after in settle([mine], [order(price=D(100))], T0).updates)
    ((after),) = settle([mine], [order(price=D(99))], T0).updates
    assert (after.price, after.amend_price, after.amend_size) == (D(99), None, None)


def test_a_full_order_with_a_pending_amendment_is_asked_for() -> None:
    """2 of 2 filled, but a rise to 3 may have acted: 1 could still fill."""
    mine = own(status=S.OPEN, filled=D(2), amend_price=D(100), amend_size=D(3))
    assert settle([mine], [], T0).ask == ("n-1",)
    done = settle_one(replace(mine, filled=D(3)), order(status=O.FILLED, size=D(3), filled=D(3)), T0)
    assert (done.status, done.size, done.amend_size) == (S.FILLED, D(3), None)


@pytest.mark.parametrize(
    ("before", "code", "now_ms", "after", "expiry"),
    [
        (S.MISSING, "order_not_found", T0 + 5_000, S.UNKNOWN, T0 + 10_000),  # what is in flight may yet act
        (S.MISSING, "order_not_found", T0 + 60_000, S.UNKNOWN, T0 + 60_000),
        (S.MISSING, "order_not_open", T0 + 60_000, S.MISSING, T0 + 10_000),  # known and done: its fills will tell
        (S.MISSING, "rate_limited", T0 + 60_000, S.MISSING, T0 + 10_000),
        (S.OPEN, "order_not_found", T0 + 60_000, S.OPEN, T0 + 10_000),  # the list shows it: one of the two is old
        (S.UNKNOWN, "order_not_found", T0 + 60_000, S.UNKNOWN, T0 + 10_000),
    ],
)
def test_a_cancel_that_found_no_such_order(
    before: OwnStatus, code: str, now_ms: int, after: OwnStatus, expiry: int
) -> None:
    settled = settle_absent(own(status=before), RefusalReason.of(code), now_ms)
    assert (settled.status, settled.valid_until_ms) == (after, expiry)


def test_a_forgotten_order_is_gone_only_in_a_snapshot_later_than_the_cancel() -> None:
    cancelled_ms = T0 + 60_000
    forgotten = settle_absent(own(status=S.MISSING), RefusalReason.ORDER_NOT_FOUND, cancelled_ms)
    assert settle([forgotten], [], cancelled_ms + 9_000).ask == ("n-1",), "by word of the venue alone"
    assert settle_one(forgotten, None, cancelled_ms + CLOCK_SKEW_MS).status is S.UNKNOWN
    assert settle_one(forgotten, None, cancelled_ms + CLOCK_SKEW_MS + 1).status is S.EXPIRED
    late = replace(forgotten, filled=D(2))
    assert settle([late], [], cancelled_ms + 9_000).updates == (replace(late, status=S.FILLED),)


def test_an_order_that_the_venue_called_filled_waits_for_its_fills_whatever_is_forgotten() -> None:
    told = settle_one(own(status=S.OPEN), order(status=O.FILLED, filled=D(2)), T0)
    assert (told.status, is_lost(told, T0 + 3_600_000)) == (S.MISSING, False)
    assert settle_absent(told, RefusalReason.ORDER_NOT_FOUND, T0 + 3_600_000) == told


def test_an_order_cancelled_with_a_fill_not_yet_seen_is_done_once_that_is_though_it_is_forgotten() -> None:
    """2 were asked for, 1 filled: that one is waited for, and nothing more."""
    told = settle_one(own(status=S.OPEN), order(status=O.CANCELLED, filled=D(1)), T0)
    assert (told.status, told.size, told.remaining) == (S.MISSING, D(1), D(1))
    assert settle_one(told, None, LATE + 1) == told
    seen = replace(told, filled=D(1))
    assert settle([seen], [], LATE + 1).ask == ("n-1",), "the venue may still know that it was cancelled"
    assert settle_one(seen, None, LATE + 1) == replace(seen, status=S.FILLED)
    known = settle_one(seen, order(status=O.CANCELLED, filled=D(1)), LATE + 1)
    assert (known.status, known.size) == (S.CANCELLED, D(2))


@pytest.mark.parametrize(
    ("status", "updated_ms", "now_ms", "lost"),
    [
        (S.MISSING, T0, LATE, False),
        (S.MISSING, T0, LATE + 1, True),
        (S.MISSING, LATE, LATE + CLOCK_SKEW_MS, False),  # only just gone from the list
        (S.MISSING, LATE, LATE + CLOCK_SKEW_MS + 1, True),
        (S.UNKNOWN, T0, LATE + 1, False),
        (S.OPEN, T0, LATE + 1, False),
    ],
)
def test_an_order_is_lost_after_long_silence(status: OwnStatus, updated_ms: int, now_ms: int, lost: bool) -> None:
    assert is_lost(own(status=status, updated_ms=updated_ms), now_ms) is lost


def test_orders_of_strangers_and_repetition_change_nothing() -> None:
    mine = own(status=S.OPEN)
    once = settle([mine], [order(), order(2), order(3, client_order_id=None)], T0).updates
    assert settle(once, [order()], T0).updates == ()


def test_of_two_orders_of_one_request_the_record_is_about_the_one_whose_order_id_it_has() -> None:
    mine = own(status=S.OPEN, order_id="7")
    other, its = order(order_id="8", price=D(90)), order(order_id="7", price=D(95))
    for shown in ([other, its], [its, other]):
        (after,) = settle([mine], shown, T0).updates
        assert (after.order_id, after.price) == ("7", D(95))


@pytest.mark.parametrize(
    ("order_id", "filled", "amend_size", "after"),
    [
        ("7", "2", None, S.FILLED),  # all of it is filled: what still rests was another order
        ("7", "1", None, S.OPEN),  # an amend may have given it a new id
        ("7", "2", "3", S.OPEN),  # and a rise that may have acted leaves 1 to rest
        (None, "2", None, S.OPEN),  # of a request without an answer nothing is known yet
    ],
)
def test_an_order_under_a_new_order_id_is_the_record_unless_that_is_filled(
    order_id: str | None, filled: str, amend_size: str | None, after: OwnStatus
) -> None:
    amended = {} if amend_size is None else {"amend_price": D(100), "amend_size": D(amend_size)}
    mine = own(status=S.OPEN, order_id=order_id, filled=D(filled), **amended)
    (found,) = settle([mine], [order(order_id="8")], T0).updates
    assert (found.status, found.order_id) == (after, "8" if after is S.OPEN else order_id)


def test_what_ends_an_order_ends_its_amendment_and_keeps_what_the_venue_said() -> None:
    """An order that expired unseen, and one that the venue calls cancelled, with an amendment on its way."""
    pending = own(status=S.UNKNOWN, amend_price=D(99), amend_size=D(3))
    gone = settle_one(pending, None, LATE + 1)
    assert (gone.status, gone.amend_price, gone.amend_size) == (S.EXPIRED, None, None)
    done = settle_one(pending, order(order_id="9", status=O.CANCELLED), T0)
    assert (done.status, done.order_id, done.amend_price, done.amend_size) == (S.CANCELLED, "9", None, None)
    assert done.valid_until_ms == pending.valid_until_ms
    rests = settle_one(pending, order(order_id="9", status=O.OPEN), LATE + 1)
    assert (rests.status, rests.order_id, rests.amend_size) == (S.OPEN, "9", None)


def test_a_full_order_without_an_expiry_needs_no_question() -> None:
    mine = replace(own(status=S.OPEN, filled=D(2)), valid_until_ms=None)
    assert settle([mine], [], T0) == type(settle([], [], T0))((replace(mine, status=S.FILLED),), ())


def test_an_order_that_is_shown_without_a_price_keeps_its_own() -> None:
    (after,) = settle([own(status=S.SENDING)], [replace(order(), price=None)], T0).updates
    assert (after.status, after.price) == (S.OPEN, own().price)

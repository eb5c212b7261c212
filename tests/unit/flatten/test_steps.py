"""The steps of the emergency path one by one: how long it waits, what it believes, whom it touches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from pfmm.errors import CannotDoThis, ConfigError, OutcomeUnknown, PfmmError, RateLimited, VenueUnreachable
from pfmm.flatten.contract import FlatState, FlattenOrder
from pfmm.model.account import Snapshot, VenueTime
from pfmm.model.order import Batch, BatchAnswer, CancelOrder, NewOrder, OrderStatus
from pfmm.ports import Amend, Capabilities
from tests.unit.flatten.scripted import ASK, BTC, ETH, START_MS, Book, ScriptedVenue, resting, run

D = Decimal
DOWN = VenueUnreachable("down")
GROWING = [0.05, 0.1, 0.2, 0.4, 0.8, 0.8]  # s; each twice the one before, up to 0.8


class Others:
    """Other runners from whose requests nothing is to be feared from `silent_ms` on; notes what time it was told."""

    def __init__(self, silent_ms: int | None) -> None:
        self.silent_ms = silent_ms
        self.told: list[VenueTime] = []

    def press(self) -> None:
        pass

    def silent_from_ms(self, now: VenueTime) -> int | None:
        self.told.append(now)
        return self.silent_ms


def retell(venue: ScriptedVenue, change: Callable[[int, Snapshot], Snapshot]) -> None:
    """Lets every snapshot of the venue, by its number from 0 on, be told otherwise."""
    honest, told = venue.state, [0]

    def state(markets: Sequence[str]) -> Snapshot:
        snapshot = honest(markets)
        told[0] += 1
        return change(told[0] - 1, snapshot)

    setattr(venue, "state", state)  # noqa: B010 - from now on the venue answers so


def later(snapshot: Snapshot, ms: int) -> Snapshot:
    return replace(snapshot, time=replace(snapshot.time, time_ms=snapshot.time.time_ms + ms))


# -- waiting


def test_failures_in_a_row_are_waited_out_longer_each_time_and_from_the_start_after_an_answer() -> None:
    venue = ScriptedVenue(troubles={"state": [DOWN] * 6 + [None] + [DOWN] * 2})
    assert run(venue).state is FlatState.FLAT
    # the answer that begins anew is the first picture: it proves nothing, and there is nothing to wait for
    assert venue.waits == [*GROWING, 0.05, 0.1]


def test_a_venue_that_says_how_long_is_waited_for_so_long_at_least() -> None:
    venue = ScriptedVenue(
        troubles={"state": [RateLimited("wait", retry_after_s=0.5), RateLimited("wait", retry_after_s=0.01)]}
    )
    assert run(venue).state is FlatState.FLAT
    assert venue.waits == [0.5, 0.1]


def test_no_wait_goes_beyond_the_end_of_the_time_nor_below_zero() -> None:
    venue = ScriptedVenue(troubles={"state": [RateLimited("wait", retry_after_s=99)] * 2})
    result = run(venue, FlattenOrder(None, timeout_s=1))
    # 0.01 s for the read and 0.01 s for the cancels, then the rest of the second; none after the last look
    assert venue.waits == [0.98, 0.0]
    assert (result.state, result.reason) == (FlatState.UNKNOWN, "wait")


def test_waiting_for_others_is_longer_each_time_and_short_again_after_an_action() -> None:
    venue = ScriptedVenue()
    venue.late.append((1.7, lambda: venue.resting.append(resting(9))))
    result = run(venue, FlattenOrder(None, timeout_s=3), Others(None))
    # found after 0.05 + 0.1 + 0.2 + 0.4 + 0.8 s and the reads between them, which take 0.01 s each
    assert venue.waits[:8] == [0.05, 0.1, 0.2, 0.4, 0.8, 0.8, 0.05, 0.1]
    assert result.reason == "a runner of the account may still be sending orders"


def test_no_time_at_all_is_two_looks_as_the_first_may_be_any_age() -> None:
    venue = ScriptedVenue()
    result = run(venue, FlattenOrder(None, timeout_s=0))
    assert (result.state, venue.calls, result.orders_left) == (FlatState.FLAT, ["state", "state"], 0)
    # the venue was down all the time; then its cache, filled while the account was flat, answers for it once
    venue = ScriptedVenue()
    venue.state(())
    venue.positions[BTC] = D(1)
    venue.troubles["state"] = [DOWN, "stale"]
    result = run(venue, FlattenOrder(None, timeout_s=0.02))
    assert (result.state, result.markets[0].after) == (FlatState.RESIDUAL, D(1))


def test_proofs_are_as_far_apart_as_was_asked_for() -> None:
    venue = ScriptedVenue()
    assert run(venue, FlattenOrder(None, proofs=3, between_proofs_s=1.5)).state is FlatState.FLAT
    assert (venue.waits, venue.calls) == ([1.5, 1.5], ["state"] * 4)
    apart = ScriptedVenue(capabilities=Capabilities(Amend.REPLACE, atomic_snapshot=False))
    assert run(apart, FlattenOrder(None, between_proofs_s=3.0)).state is FlatState.FLAT
    assert (apart.waits, apart.calls) == ([3.0], ["state"] * 3)
    apart = ScriptedVenue(capabilities=Capabilities(Amend.REPLACE, atomic_snapshot=False))
    assert run(apart, FlattenOrder(None, between_proofs_s=0.1)).state is FlatState.FLAT
    assert (apart.waits, apart.calls) == ([2.0], ["state"] * 3)


def test_who_asks_to_stop_ends_it_three_seconds_later_and_no_later_than_the_time_that_was_given() -> None:
    for timeout_s, least_s, most_s in ((30, 4.0, 4.1), (2, 2.0, 2.1)):
        venue = ScriptedVenue()
        result = run(venue, FlattenOrder(None, timeout_s=timeout_s), Others(None), interrupted=lambda: venue.now_s > 1)  # noqa: B023 - called before the next turn
        assert result.state is FlatState.UNKNOWN
        # asked at the first pass after 1 s: at most one wait of 0.8 s later
        assert least_s <= venue.now_s <= most_s + 0.8


# -- what is believed


@pytest.mark.parametrize(
    ("speed", "behind_ms", "believed"),
    [(1, 2_000, True), (1, 2_001, False), (10, 20_000, True), (10, 20_001, False)],
)
def test_a_snapshot_may_be_two_seconds_behind_and_no_more(speed: int, behind_ms: int, believed: bool) -> None:
    venue = ScriptedVenue(speed=speed)

    def behind(number: int, snapshot: Snapshot) -> Snapshot:
        if number != 1:
            return snapshot
        venue.now_s += 9  # so long the read takes: it is newer than the first
        now_ms = START_MS + round(venue.now_s * 1_000 * speed)
        return replace(snapshot, time=VenueTime(now_ms - behind_ms, speed))

    retell(venue, behind)
    assert run(venue).state is FlatState.FLAT
    assert venue.calls == ["state"] * (2 if believed else 3)


def test_the_furthest_that_the_venue_was_ahead_is_what_later_times_are_held_against() -> None:
    # the first snapshot is told 5 s ahead: the ones that are not are behind it until 3 s have passed
    venue = ScriptedVenue()
    retell(venue, lambda number, snapshot: later(snapshot, 5_000) if number == 0 else snapshot)
    result = run(venue, FlattenOrder(None, timeout_s=2))
    assert (result.state, result.reason) == (FlatState.UNKNOWN, "the venue answers with stale snapshots")
    # the second is 5 s ahead, the third behind it: only the furthest counts
    venue = ScriptedVenue()
    retell(venue, lambda number, snapshot: later(snapshot, 5_000) if number == 1 else snapshot)
    result = run(venue, FlattenOrder(None, timeout_s=2, proofs=2, between_proofs_s=0.1))
    assert (result.state, result.reason) == (FlatState.UNKNOWN, "the venue answers with stale snapshots")


def test_another_pace_of_the_venue_begins_another_measure() -> None:
    # from the second snapshot on the clock runs at half its pace, and later stands; it never goes back
    def slower(number: int, snapshot: Snapshot) -> Snapshot:
        return snapshot if number < 1 else replace(snapshot, time=VenueTime(START_MS + 1_000 + number, 0.5))

    venue = ScriptedVenue()
    retell(venue, slower)
    assert run(venue, FlattenOrder(None, timeout_s=1)).state is FlatState.FLAT


def test_a_faster_pace_is_not_held_against_how_far_ahead_the_slower_one_was() -> None:
    """At 10 venue seconds a second, 500,200 ms of ours are further than the venue's 50,100 ms since the start."""
    venue = ScriptedVenue(now_s=50.0)

    def faster(number: int, snapshot: Snapshot) -> Snapshot:
        now_ms = START_MS + 50_000 + round((venue.now_s - 50) * 10_000)
        return replace(snapshot, time=VenueTime(now_ms, 10.0)) if number else snapshot

    retell(venue, faster)
    assert run(venue, FlattenOrder(None, proofs=2, between_proofs_s=0.1, timeout_s=1)).state is FlatState.FLAT


@pytest.mark.parametrize(
    ("first", "second", "believed"),
    [
        (VenueTime(1_000), VenueTime(1_000), False),  # the same moment may be a cached answer
        (VenueTime(1_000), VenueTime(1_001), True),
        (VenueTime(1_000, 0.0), VenueTime(1_000, 0.0), True),  # a clock that stands still
        (VenueTime(1_000, 0.0), VenueTime(999, 0.0), False),
        (VenueTime(1_000, 1.0, "paused"), VenueTime(1_000, 1.0, "paused"), True),
        (VenueTime(1_000, 1.0, "paused"), VenueTime(999, 1.0, "paused"), False),
        (VenueTime(1_000, 1.0, "open"), VenueTime(1_000, 1.0, "ended"), True),
        (VenueTime(1_000, 1.0, "paused"), VenueTime(1_000, 1.0, "open"), False),  # it goes on: a moment of before
        (VenueTime(1_000, 1.0, "paused"), VenueTime(1_001, 1.0, "open"), True),
        (VenueTime(1_000, 2.0), VenueTime(1_000, 1.0), False),
        (VenueTime(1_000, 2.0), VenueTime(1_001, 1.0), True),
    ],
)
def test_which_moment_after_another_is_believed(first: VenueTime, second: VenueTime, believed: bool) -> None:
    venue = ScriptedVenue()
    retell(venue, lambda number, snapshot: replace(snapshot, time=second if number else first))
    result = run(venue, FlattenOrder(None, timeout_s=0.02))
    assert (result.state is FlatState.FLAT) is believed
    assert believed or result.reason == "the venue answers with stale snapshots"


def test_others_are_asked_with_the_time_of_the_snapshot_and_silent_from_their_moment_on() -> None:
    for silent_ms, state in ((START_MS, FlatState.FLAT), (START_MS + 1, FlatState.UNKNOWN)):
        venue, others = ScriptedVenue(speed=0.0), Others(silent_ms)
        assert run(venue, FlattenOrder(None, timeout_s=1), others).state is state
        assert set(others.told) == {VenueTime(START_MS, 0.0)}


def test_everything_that_was_not_looked_at_is_named() -> None:
    result = run(ScriptedVenue(unseen=("xyz", "abc")), FlattenOrder(None, timeout_s=1))
    assert result.reason == "not looked at: xyz, abc; all else is as asked for"


def test_slippage_is_against_the_first_mid_that_was_seen() -> None:
    venue = ScriptedVenue({BTC: D(2)}, [resting(1)])
    # while the resting order is cancelled the market falls by 1
    venue.late.append((0.015, lambda: venue.books.update({BTC: Book(D("98.9"), D("99.1"))})))
    (market,) = run(venue, FlattenOrder((BTC,))).markets
    assert market.avg_price == D("98.9")
    assert market.slippage_bps == D("110.00")  # (100 - 98.9) / 100


def test_every_order_that_was_seen_and_is_gone_counts_as_cancelled() -> None:
    venue = ScriptedVenue(resting=[resting(1), resting(2)])
    venue.late.append((0.04, lambda: venue.resting.append(resting(3))))
    assert run(venue, FlattenOrder(None, proofs=2, between_proofs_s=0.1)).cancelled == 3
    stuck = ScriptedVenue(resting=[resting(1), resting(2, ETH)])
    stuck.troubles = {kind: [CannotDoThis("no", status=404)] * 999 for kind in ("cancel", "cancel_all")}
    result = run(stuck, FlattenOrder((BTC,), timeout_s=1))
    assert (result.state, result.cancelled, result.orders_left, len(stuck.resting)) == (FlatState.RESIDUAL, 0, 1, 2)


# -- whom it cancels


def test_cancels_take_turns_between_all_at_once_and_one_by_one_and_touch_no_other_market() -> None:
    refusal = CannotDoThis("no", status=404)
    for markets, kinds in ((None, ["cancel_all", "cancel"] * 2), ((BTC,), ["cancel", "cancel_all"] * 2)):
        venue = ScriptedVenue({}, [resting(1), resting(2, ETH)])
        venue.troubles = {"cancel": [refusal] * 2, "cancel_all": [refusal] * 2}
        assert run(venue, FlattenOrder(markets)).state is FlatState.FLAT
        assert [call for call in venue.calls if call != "state"][:4] == kinds
        assert [order.market for order in venue.resting] == ([] if markets is None else [ETH])
        assert venue.waits[:4] == [0.05] * 4, "each was refused, and an answer came between them"
    one = ScriptedVenue({}, [resting(1), resting(2, ETH)], troubles={"cancel": [refusal]})
    assert run(one, FlattenOrder((BTC,))).state is FlatState.FLAT
    assert [order.market for order in one.resting] == [ETH], "all at once is all of that market"
    several = ScriptedVenue({}, [resting(1), resting(2, ETH)], troubles={"cancel": [refusal]})
    assert run(several, FlattenOrder((BTC, ETH))).state is FlatState.FLAT
    assert several.calls == ["state", "cancel", "state", "cancel_all", "cancel_all", "state"]


REFUSALS = [DOWN, CannotDoThis("no", status=404), OutcomeUnknown("no answer")]


@pytest.mark.parametrize("error", REFUSALS)
@pytest.mark.parametrize("unread", [DOWN, CannotDoThis("gone", status=404)])
def test_what_is_known_is_cancelled_whatever_the_venue_says_to_the_rest(error: PfmmError, unread: PfmmError) -> None:
    names = tuple(CancelOrder(BTC, client_order_id=f"mine-{number}") for number in range(130))
    venue = ScriptedVenue(troubles={"state": [unread, None], "cancel_all": [error], "cancel": [error, error]})
    assert run(venue, known=lambda: names).state is FlatState.FLAT
    # both batches, though the first was refused, and the reason stays why nothing could be read
    assert venue.calls == ["state", "cancel_all", "cancel", "cancel", "state", "state"]
    assert [len(batch) for batch in venue.cancels] == [100, 30]
    venue = ScriptedVenue(resting=[resting(1)])
    venue.troubles = {"state": [unread], "cancel_all": [error], "cancel": [error]}
    result = run(venue, FlattenOrder(None, timeout_s=0.01), known=lambda: names[:1])
    assert (result.state, result.reason) == (FlatState.UNKNOWN, unread.message)


def test_what_was_seen_of_other_markets_is_not_cancelled_blindly() -> None:
    venue = ScriptedVenue(resting=[resting(1), resting(2, ETH)])
    venue.troubles = {"state": [None, DOWN], "cancel_all": [DOWN], "cancel": [DOWN]}
    assert run(venue, FlattenOrder((BTC,))).state is FlatState.FLAT
    assert venue.cancels[:2] == [["r1"], ["r1"]]


def test_a_key_that_is_unusable_ends_it_at_once() -> None:
    with pytest.raises(ConfigError):
        run(ScriptedVenue(troubles={"state": [ConfigError("no")]}))


# -- what it closes


def test_what_a_market_holds_is_asked_for_by_name_once_it_is_known() -> None:
    venue, asked = ScriptedVenue({BTC: D(1), ETH: D(0)}), []
    honest = venue.state

    def state(markets: Sequence[str]) -> Snapshot:
        asked.append(tuple(markets))
        return honest(markets)

    setattr(venue, "state", state)  # noqa: B010 - mypy takes no assignment to a method
    result = run(venue)
    # the first look knows of no market, and so of no price; one without a position is never asked for
    assert asked == [(), (BTC,), (BTC,)]
    assert [market.market for market in result.markets] == [BTC]


def test_refusals_count_only_where_nothing_passes_and_an_answer_forgives_them() -> None:
    venue = ScriptedVenue(
        {BTC: D(1), ETH: D(1)}, books={BTC: Book(bid=None), ETH: Book()}, refuse_places="account_frozen"
    )
    result = run(venue, FlattenOrder((BTC, ETH), timeout_s=2))
    # one market waits for a price, so that the other's three refusals are no end yet
    assert (result.state, venue.calls.count("place")) == (FlatState.RESIDUAL, 3)
    assert result.reason == (
        f"{BTC}: the venue shows no bid to close at; {ETH}: the venue refused to close 1: no (account_frozen)"
    )
    assert {market.market: market.attempts for market in result.markets} == {BTC: 0, ETH: 3}
    assert venue.now_s >= 2


def test_refused_and_empty_closings_are_waited_out_longer_each_time() -> None:
    venue = ScriptedVenue({BTC: D(1)}, refuse_places="account_frozen")
    run(venue, FlattenOrder((BTC,)))
    assert venue.waits == [0.05, 0.1, 0.2, 0.05]  # and once more, to see whether anything else is left
    empty = ScriptedVenue({BTC: D(1)}, books={BTC: Book(depth=D(0))})
    run(empty, FlattenOrder((BTC,), timeout_s=1.0))
    assert empty.waits[:4] == [0.05, 0.1, 0.2, 0.4]
    thin = ScriptedVenue({BTC: D(1), ETH: D(1)}, books={BTC: Book(depth=D(0)), ETH: Book(depth=D("0.4"))})
    run(thin, FlattenOrder((BTC, ETH), timeout_s=0.3))
    assert thin.waits[:2] == [0.05, 0.05], "one of two closes something: no reason to wait longer"
    whole = ScriptedVenue({BTC: D(1)})
    run(whole, FlattenOrder((BTC,)))
    assert whole.waits == []


def test_a_position_on_a_market_that_the_venue_lists_no_more_is_left_and_said() -> None:
    venue = ScriptedVenue({BTC: D(1), ETH: D(1)})
    (listed,) = [instrument for instrument in venue.markets() if instrument.market == BTC]
    setattr(venue, "markets", lambda: (listed,))  # noqa: B010 - from now on the venue answers so
    result = run(venue, FlattenOrder(None, timeout_s=2))
    assert (result.state, result.reason) == (FlatState.RESIDUAL, f"{ETH}: the venue shows no price rule")
    assert {market.market: market.after for market in result.markets} == {BTC: 0, ETH: 1}


def test_in_a_post_only_period_no_order_rests_where_its_side_of_the_book_is_empty() -> None:
    venue = ScriptedVenue({BTC: D(1)}, books={BTC: Book(ask=None)}, post_only_until_s=1e9)
    result = run(venue, FlattenOrder(None, timeout_s=4))
    assert (result.state, venue.resting, len(venue.placed)) == (FlatState.RESIDUAL, [], 1), "one immediate order alone"
    assert (result.reason or "").endswith("takes post-only orders alone for now, and shows no price to rest at")


def test_a_half_that_was_certainly_not_sent_is_tried_again_at_once() -> None:
    for error in (DOWN, CannotDoThis("no", status=404)):
        venue = ScriptedVenue({BTC: D(1)}, troubles={"place": [error]})
        assert run(venue, FlattenOrder(None, half=True)).state is FlatState.REDUCED
        assert (venue.positions[BTC], venue.calls.count("order"), venue.waits) == (D("0.5"), 0, [0.05, 0.05])


@pytest.mark.parametrize(
    ("code", "least_s", "most_s"),
    [
        ("outcome_unknown", 7, 9),  # as without an answer: its life of 5 s and 2 s of skew
        ("busy", 0, 1),
    ],
)
def test_a_half_whose_fate_the_venue_does_not_know_waits_for_its_end(code: str, least_s: float, most_s: float) -> None:
    venue = ScriptedVenue({BTC: D(1)}, refuse_places=code)
    venue.late.append((0.2, lambda: setattr(venue, "refuse_places", None)))
    assert run(venue, FlattenOrder(None, half=True)).state is FlatState.REDUCED
    assert least_s <= venue.now_s <= most_s
    assert venue.positions[BTC] == D("0.5")


def test_a_lost_answer_of_a_half_that_is_found_counts() -> None:
    venue = ScriptedVenue({BTC: D(1)}, troubles={"place": [("act", OutcomeUnknown("no answer"))]})
    (market,) = run(venue, FlattenOrder(None, half=True)).markets
    assert (market.closed_size, market.avg_price, market.after) == (0, None, D("0.5"))
    venue = ScriptedVenue({BTC: D(1)}, books={BTC: Book(depth=D("0.2"))})
    venue.troubles["place"] = [("act", OutcomeUnknown("no answer"))]
    result = run(venue, FlattenOrder(None, half=True))
    # 0.2 in the lost answer, 0.2 and 0.1 in two more
    assert (result.state, result.markets[0].closed_size) == (FlatState.REDUCED, D("0.5"))


def test_a_half_goes_on_where_the_clock_stands_still() -> None:
    venue = ScriptedVenue({BTC: D(1)}, books={BTC: Book(depth=D("0.2"))}, speed=0.0)
    assert run(venue, FlattenOrder(None, half=True)).state is FlatState.REDUCED
    assert [size for _, size in venue.sizes_seen] == [D("0.8"), D("0.6"), D("0.5")]


def test_a_venue_that_answers_for_fewer_orders_than_were_sent_breaks_its_promise() -> None:
    venue = ScriptedVenue({BTC: D(1), ETH: D(1)})
    honest = venue.submit
    setattr(venue, "submit", lambda batch: replace(answer := honest(batch), place=answer.place[:1]))  # noqa: B010 - mypy takes no assignment to a method
    with pytest.raises(ValueError, match="shorter"):
        run(venue, FlattenOrder((BTC, ETH)))


# -- an order that rests


def shown_late(venue: ScriptedVenue, seconds: float) -> None:
    """What rests is shown only so long after it was placed, as where lists of orders are read apart."""
    placed: dict[str | None, float] = {}

    def tell(_: int, snapshot: Snapshot) -> Snapshot:
        for order in snapshot.orders:
            placed.setdefault(order.order_id, venue.now_s)
        shown = [order for order in snapshot.orders if venue.now_s - placed[order.order_id] >= seconds]
        return replace(snapshot, orders=tuple(shown))

    retell(venue, tell)


def rested(venue: ScriptedVenue) -> list[NewOrder]:
    return [one for one in venue.placed if one.post_only]


def test_an_order_that_rests_and_does_not_show_yet_is_not_placed_twice() -> None:
    venue = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9)
    shown_late(venue, 1.9)
    assert run(venue, FlattenOrder(None, timeout_s=20)).state is FlatState.RESIDUAL
    assert len(rested(venue)) == len(venue.resting) == 1
    assert "order" not in venue.calls


def test_an_immediate_order_is_tried_every_five_seconds_beside_the_one_that_rests() -> None:
    venue = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9)
    tried: list[float] = []
    honest = venue.submit

    def submit(batch: Batch) -> BatchAnswer:
        tried.extend(venue.now_s for order in batch.place if not order.post_only)
        return honest(batch)

    setattr(venue, "submit", submit)  # noqa: B010 - mypy takes no assignment to a method
    run(venue, FlattenOrder(None, timeout_s=21))
    gaps = [after - before for before, after in pairwise(tried)]
    assert len(tried) >= 4
    assert all(5 <= gap < 6 for gap in gaps), gaps


def test_a_resting_order_that_is_gone_unfilled_is_placed_again_once_it_cannot_come() -> None:
    venue = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9)

    def vanish() -> None:
        (order,) = venue.resting
        venue.resting = []
        assert order.client_order_id is not None
        venue.asked[order.client_order_id] = replace(order, status=OrderStatus.CANCELLED)

    venue.late.append((3.0, vanish))
    result = run(venue, FlattenOrder(None, timeout_s=20))
    assert (result.state, result.markets[0].closed_size) == (FlatState.RESIDUAL, 0)
    assert len(rested(venue)) == 2
    assert venue.calls.count("order") == 1


def test_what_a_resting_order_closed_before_its_cancel_is_counted_once() -> None:
    venue = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9)

    def half_taken() -> None:
        (order,) = venue.resting
        taken = replace(order, filled=D("0.5"), status=OrderStatus.CANCELLED)
        venue.resting, venue.positions[BTC] = [], D("1.5")
        assert order.client_order_id is not None
        venue.asked[order.client_order_id] = taken

    venue.late.append((3.0, half_taken))
    result = run(venue, FlattenOrder(None, timeout_s=20))
    (market,) = result.markets
    assert (market.closed_size, market.avg_price, market.after) == (D("0.5"), ASK, D("1.5"))
    assert [order.size for order in rested(venue)] == [D(2), D("1.5")]


def test_what_else_rests_is_cancelled_beside_the_order_that_stays() -> None:
    venue = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9)
    venue.late.append((8.0, lambda: venue.resting.append(resting(50))))
    result = run(venue, FlattenOrder(None, timeout_s=20))
    assert result.cancelled == 1
    assert (venue.calls.count("cancel"), venue.calls.count("cancel_all")) == (1, 0)
    assert [order.order_id for order in venue.resting] == ["r2"]
    assert len(rested(venue)) == 1


def test_a_resting_order_is_counted_also_behind_a_market_that_has_none() -> None:
    """BTC has no price to rest at; ETH's order is taken."""
    venue = ScriptedVenue(
        {BTC: D(2), ETH: D(2)}, books={BTC: Book(D("99.9"), None), ETH: Book()}, post_only_until_s=1e9
    )

    def taken() -> None:
        (order,) = venue.resting
        venue.resting, venue.positions[ETH] = [], D(0)
        assert order.client_order_id is not None
        venue.asked[order.client_order_id] = replace(order, filled=order.size, status=OrderStatus.FILLED)

    venue.late.append((7.0, taken))
    closed = {market.market: market.closed_size for market in run(venue, FlattenOrder(None, timeout_s=15)).markets}
    assert closed == {BTC: 0, ETH: 2}


def test_the_moment_until_which_an_order_may_come_is_no_proof_and_the_next_is() -> None:
    """The answer to the resting order is lost; others have closed the position meanwhile."""
    venue = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9, now_s=50.0)
    venue.troubles["place"] = [None, OutcomeUnknown("no answer")]
    looks: list[int] = []

    def at_its_end(_: int, snapshot: Snapshot) -> Snapshot:
        if not rested(venue):
            return snapshot
        looks.append(len(looks))
        end_ms = (rested(venue)[0].valid_until_ms or 0) + 2_000
        return replace(snapshot, time=replace(snapshot.time, time_ms=end_ms + len(looks) - 1), positions=())

    retell(venue, at_its_end)
    result = run(venue)
    # the first look is at the very end, and asks what became of the order; the second and third are after it, and two
    # must agree that others closed the position
    assert (result.state, len(looks)) == (FlatState.FLAT, 3)
    assert venue.calls.count("order") == 0, "for two seconds an order may rest unseen"


def test_no_proof_counts_while_an_order_that_was_to_rest_may_still_come() -> None:
    """The answer to the resting order is lost, and others close the position: it could open nothing, but rest."""
    venue = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9, now_s=50.0)
    venue.troubles["place"] = [None, OutcomeUnknown("no answer")]
    venue.late.append((51.0, lambda: venue.positions.update({BTC: D(0)})))
    result = run(venue)
    assert result.state is FlatState.FLAT
    (order,) = rested(venue)
    assert result.time_ms is not None
    assert order.valid_until_ms is not None
    assert result.time_ms > order.valid_until_ms + 2_000  # its life, and the skew of clocks

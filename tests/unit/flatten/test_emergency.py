"""The emergency path against a venue whose every answer, delay and lie is written down in the test."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pfmm.errors import AuthenticationError, CannotDoThis, OutcomeUnknown, PfmmError, RateLimited, VenueUnreachable
from pfmm.flatten.contract import FlatState, FlattenOrder
from pfmm.flatten.emergency import MAX_REFUSALS
from pfmm.model.account import Snapshot, VenueTime
from pfmm.model.order import (
    CancelOrder,
    OrderStatus,
    Side,
)
from pfmm.ports import Amend, Capabilities
from tests.unit.flatten.scripted import ASK, BID, BTC, ETH, START_MS, Book, ScriptedVenue, resting, run, silence

D = Decimal


def test_a_flat_account_takes_two_reads_and_nothing_else() -> None:
    venue = ScriptedVenue()
    result = run(venue)
    assert (result.state, result.orders_left, result.markets, result.reason) == (FlatState.FLAT, 0, (), None)
    assert venue.calls == ["state", "state"]
    assert result.time_ms == venue.remembered.time.time_ms  # type: ignore[union-attr]


def test_orders_and_positions_on_both_sides_in_six_requests() -> None:
    venue = ScriptedVenue({BTC: D(2), ETH: D(-3)}, [resting(1), resting(2, ETH)])
    result = run(venue)
    assert venue.calls == ["state", "cancel_all", "state", "markets", "place", "state"]
    assert (result.state, result.cancelled, result.orders_left) == (FlatState.FLAT, 2, 0)
    by_market = {market.market: market for market in result.markets}
    # sold 2 at the bid of 99.9 and bought 3 at the ask of 100.1, each 0.1 of 100 = 10 bps from mid
    for name, before, price in ((BTC, D(2), D("99.9")), (ETH, D(-3), D("100.1"))):
        market = by_market[name]
        assert (market.before, market.after, market.closed_size) == (before, D(0), abs(before))
        assert (market.avg_price, market.slippage_bps, market.attempts) == (price, D("10.00"), 1)
    # 99.9 x 0.995 = 99.4005 up to 99.5; 100.1 x 1.005 = 100.6005 down to 100.6: never beyond the cap
    assert [order.price for order in venue.placed] == [D("99.5"), D("100.6")]


def test_a_thin_book_is_taken_in_pieces() -> None:
    venue = ScriptedVenue({BTC: D("7.5")}, books={BTC: Book(depth=D(2))})
    result = run(venue)
    assert result.state is FlatState.FLAT
    assert [size for _, size in venue.sizes_seen] == [D("5.5"), D("3.5"), D("1.5"), D(0)]
    assert (result.markets[0].attempts, result.markets[0].closed_size, result.markets[0].reason) == (4, D("7.5"), None)


def test_dust_below_one_step_is_closed_whole() -> None:
    venue = ScriptedVenue({BTC: D("0.003")})
    assert run(venue).state is FlatState.FLAT
    assert venue.placed[0].size == D("0.003")


def test_an_empty_side_leaves_a_residual_that_says_so() -> None:
    venue = ScriptedVenue({BTC: D(1), ETH: D(1)}, books={BTC: Book(bid=None), ETH: Book()})
    result = run(venue, FlattenOrder(None, timeout_s=2))
    assert result.state is FlatState.RESIDUAL
    assert result.reason == "BTC-PERP: the venue shows no bid to close at"
    assert {market.market: market.after for market in result.markets} == {BTC: D(1), ETH: D(0)}


def test_nothing_inside_the_cap_leaves_a_residual() -> None:
    venue = ScriptedVenue({BTC: D(1)}, books={BTC: Book(depth=D(0))})
    result = run(venue, FlattenOrder(None, timeout_s=3))
    assert result.state is FlatState.RESIDUAL
    assert "only 0 of 1 could be closed inside the slippage cap" in (result.reason or "")
    assert result.markets[0].attempts < 10, "an empty book must not be hammered"


def test_repeated_refusals_end_it_before_the_time_is_up() -> None:
    venue = ScriptedVenue({BTC: D(1)}, refuse_places="account_frozen")
    result = run(venue, FlattenOrder(None, timeout_s=60))
    assert result.state is FlatState.RESIDUAL
    assert "account_frozen" in (result.reason or "")
    assert venue.calls.count("place") == MAX_REFUSALS
    assert venue.now_s < 5


@pytest.mark.parametrize(
    "code", ["rate_limited", "busy", "expired", "outcome_unknown", "no_liquidity", "post_only_period"]
)
def test_refusals_that_pass_are_tried_again(code: str) -> None:
    venue = ScriptedVenue({BTC: D(1)}, refuse_places=code)
    assert run(venue, FlattenOrder(None, timeout_s=10)).state is FlatState.RESIDUAL
    assert venue.calls.count("place") > MAX_REFUSALS


def test_what_is_known_is_cancelled_where_nothing_can_be_seen() -> None:
    """A venue that must read before it cancels all: what was seen last, and what the journal knows, goes by its id."""
    down = VenueUnreachable("down")
    venue = ScriptedVenue({}, [resting(1)], troubles={"state": [None] + [down] * 2, "cancel_all": [down] * 3})
    known = (CancelOrder(BTC, client_order_id="mine-1"), CancelOrder("ELSE-PERP", client_order_id="mine-2"))
    result = run(venue, FlattenOrder((BTC,), timeout_s=20), known=lambda: known)
    assert venue.cancels[:2] == [["r1"], ["r1", "mine-1"]]
    assert result.state is FlatState.FLAT


def test_two_snapshots_apart_prove_flat_where_none_is_atomic() -> None:
    """The list of open orders is read apart from the rest: an order of a moment ago may be missing in one."""
    venue = ScriptedVenue(capabilities=Capabilities(Amend.REPLACE, atomic_snapshot=False))
    result = run(venue, FlattenOrder(None, between_proofs_s=0.1))
    assert result.state is FlatState.FLAT
    assert venue.calls == ["state"] * 3
    assert venue.now_s >= 2.0


def test_a_stale_answer_proves_nothing() -> None:
    venue = ScriptedVenue({BTC: D(1)}, troubles={"state": [None] + ["stale"] * 10_000})
    result = run(venue, FlattenOrder(None, timeout_s=3))
    assert result.state is FlatState.UNKNOWN
    assert result.reason == "the venue answers with stale snapshots"
    assert (result.orders_left, result.markets[0].after) == (None, None)


def test_a_stale_flat_picture_is_not_believed() -> None:
    # the cache was filled while the account was still flat; it answers the first read, and the second
    venue = ScriptedVenue()
    venue.state(())
    venue.positions[BTC] = D(1)
    venue.troubles["state"] = ["stale", "stale", "stale"]
    assert run(venue).state is FlatState.FLAT
    assert venue.flat
    assert [size for _, size in venue.sizes_seen] == [0]


def test_a_position_that_one_snapshot_leaves_out_is_not_gone() -> None:
    venue = ScriptedVenue({BTC: D(1)})
    honest, reads = venue.state, itertools.count()

    def forgetful(markets: Sequence[str]) -> Snapshot:
        snapshot = honest(markets)
        return replace(snapshot, positions=()) if next(reads) == 1 else snapshot

    setattr(venue, "state", forgetful)  # noqa: B010 - from now on the venue answers so
    venue.refuse_places = "busy"  # so that the snapshot after the first shows what the venue tells, nothing closed
    venue.troubles["place"] = [OutcomeUnknown("never acted")]
    assert run(venue, FlattenOrder(None, timeout_s=3)).state is FlatState.RESIDUAL
    assert venue.positions[BTC] == D(1)
    # two that agree are believed: somebody else has closed it
    venue = ScriptedVenue({BTC: D(1)}, troubles={"place": [("act", OutcomeUnknown("the answer was lost"))]})
    assert run(venue, FlattenOrder(None, timeout_s=3)).state is FlatState.FLAT
    assert venue.calls == ["state", "markets", "state", "place", "state", "state"]


def test_a_cache_that_moves_but_lags_is_not_believed() -> None:
    venue = ScriptedVenue({BTC: D(1)})
    honest = venue.state

    def lagging(markets: Sequence[str]) -> Snapshot:
        snapshot = honest(markets)
        late_ms = min(int(venue.now_s * 900), 20_000)  # runs at a tenth of the time
        return replace(snapshot, time=replace(snapshot.time, time_ms=snapshot.time.time_ms - late_ms))

    venue.state = lagging  # type: ignore[method-assign]
    venue.refuse_places = "busy"
    assert run(venue, FlattenOrder(None, timeout_s=8)).state is FlatState.UNKNOWN


@pytest.mark.parametrize("error", [VenueUnreachable("down"), RateLimited("wait", retry_after_s=0.5)])
def test_what_cannot_be_read_is_cancelled_all_the_same(error: PfmmError) -> None:
    venue = ScriptedVenue({}, [resting(1)], troubles={"state": [error, error]})
    result = run(venue)
    assert venue.calls[:2] == ["state", "cancel_all"]
    assert result.state is FlatState.FLAT


def test_a_read_that_never_answers_is_unknown_and_says_why() -> None:
    venue = ScriptedVenue({}, [resting(1)], troubles={"state": [VenueUnreachable("down")] * 10_000})
    result = run(venue, FlattenOrder(None, timeout_s=3))
    assert (result.state, result.reason, result.time_ms, result.orders_left) == (FlatState.UNKNOWN, "down", None, None)
    assert venue.flat, "cancelled blindly"


def test_cancels_are_tried_the_other_way_too() -> None:
    refusal = CannotDoThis("no such endpoint", status=404)
    venue = ScriptedVenue({}, [resting(1)], troubles={"cancel_all": [refusal] * 100})
    assert run(venue).state is FlatState.FLAT
    venue = ScriptedVenue({}, [resting(1)], troubles={"cancel": [refusal] * 100})
    assert run(venue, FlattenOrder((BTC,))).state is FlatState.FLAT
    assert venue.calls[:4] == ["state", "cancel", "state", "cancel_all"]


def test_orders_that_cannot_be_cancelled_are_a_residual() -> None:
    refused = [CannotDoThis("no", status=404)] * 1000
    venue = ScriptedVenue({}, [resting(1), resting(2)], troubles={"cancel_all": list(refused), "cancel": list(refused)})
    result = run(venue, FlattenOrder(None, timeout_s=3))
    assert (result.state, result.orders_left, result.reason) == (FlatState.RESIDUAL, 2, "2 orders still rest")


def test_only_the_markets_asked_for_are_touched() -> None:
    venue = ScriptedVenue({BTC: D(1), ETH: D(1)}, [resting(1), resting(2, ETH)])
    result = run(venue, FlattenOrder((BTC,)))
    assert result.state is FlatState.FLAT
    assert venue.positions == {BTC: D(0), ETH: D(1)}
    assert [order.market for order in venue.resting] == [ETH]
    assert [market.market for market in result.markets] == [BTC]


def test_cancel_only_leaves_positions() -> None:
    venue = ScriptedVenue({BTC: D(1)}, [resting(1)])
    result = run(venue, FlattenOrder(None, cancel_only=True))
    assert (result.state, result.cancelled, venue.positions) == (FlatState.CANCELLED, 1, {BTC: D(1)})
    assert not venue.placed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1", "0.5"),
        ("-1", "-0.5"),
        ("0.05", "0.03"),  # half is 0.025, of which 0.02 is whole steps
        ("0.02", "0.01"),
    ],
)
def test_half_closes_whole_steps_of_half(before: str, after: str) -> None:
    venue = ScriptedVenue({BTC: D(before)}, [resting(1)])
    result = run(venue, FlattenOrder(None, half=True))
    assert (result.state, venue.positions[BTC], venue.resting) == (FlatState.REDUCED, D(after), [])


@pytest.mark.parametrize("before", ["0.01", "-0.01", "0.015", "0.001"])
def test_what_cannot_be_halved_is_a_residual_that_says_so(before: str) -> None:
    # half of one lot of 0.01, or of less than two, is no whole lot: nothing is sent, nothing is claimed
    venue = ScriptedVenue({BTC: D(before)}, [resting(1)])
    result = run(venue, FlattenOrder(None, half=True))
    assert (result.state, venue.positions[BTC], venue.placed, venue.resting) == (FlatState.RESIDUAL, D(before), [], [])
    reason = f"{abs(D(before))} cannot be halved in lots of 0.01"
    assert result.reason == f"{BTC}: {reason}"
    assert (result.markets[0].closed_size, result.markets[0].after, result.markets[0].reason) == (0, D(before), reason)
    assert venue.now_s < 1, "known at once, not when the time is up"


def test_what_can_be_halved_is_halved_beside_what_cannot() -> None:
    venue = ScriptedVenue({BTC: D("0.01"), ETH: D("-0.4")})
    result = run(venue, FlattenOrder(None, half=True))
    assert (result.state, venue.positions) == (FlatState.RESIDUAL, {BTC: D("0.01"), ETH: D("-0.2")})
    assert result.reason == f"{BTC}: 0.01 cannot be halved in lots of 0.01"
    assert [market.reason is None for market in result.markets] == [False, True]


def test_a_single_lot_is_no_reason_where_nothing_is_to_be_halved() -> None:
    assert run(ScriptedVenue({BTC: D("0.01")}), FlattenOrder(None, cancel_only=True)).state is FlatState.CANCELLED
    assert run(ScriptedVenue({BTC: D("0.01")}), FlattenOrder(None)).state is FlatState.FLAT


def test_half_of_nothing_is_flat() -> None:
    assert run(ScriptedVenue({BTC: D(0)}), FlattenOrder(None, half=True)).state is FlatState.FLAT


@pytest.mark.parametrize(
    ("trouble", "least_s", "most_s"),
    [
        (("act", silence()), 0, 1),  # the venue, asked for the order, knows it
        (("late", 2.0, silence()), 2, 4),
        (silence(), 7, 9),  # believed lost only after its life of 5 s and 2 s of clock skew
    ],
)
def test_half_is_never_closed_twice(trouble: Any, least_s: float, most_s: float) -> None:
    # the order acts at once, 2 s later or never; each time the answer is lost
    venue = ScriptedVenue({BTC: D(1)}, troubles={"place": [trouble]})
    result = run(venue, FlattenOrder(None, half=True))
    assert result.state is FlatState.REDUCED
    assert least_s <= venue.now_s <= most_s
    venue.elapse(60)
    assert venue.positions[BTC] == D("0.5")


def test_half_measures_the_position_that_is_left_when_nothing_rests() -> None:
    venue = ScriptedVenue({BTC: D(1)}, [resting(1)])

    def fill_then_cancel(market: str | None = None) -> int:
        venue.positions[BTC] = D(2)  # the resting order filled just before its cancel
        venue.resting = []
        return 0

    venue.cancel_all = fill_then_cancel  # type: ignore[method-assign]
    assert run(venue, FlattenOrder(None, half=True)).state is FlatState.REDUCED
    assert venue.positions[BTC] == D(1)


def test_half_waits_for_a_snapshot_that_counts_the_order_before() -> None:
    """A replica is 15 ms behind: after the closing order it shows a newer moment, but one before the fill."""
    venue = ScriptedVenue({BTC: D(1)})
    honest, pictures = venue.state, list[Snapshot]()

    def replica(markets: Sequence[str]) -> Snapshot:
        pictures.append(honest(markets))
        if len(pictures) != 3:
            return pictures[-1]
        before = pictures[1]
        return replace(before, time=replace(before.time, time_ms=before.time.time_ms + 1))

    venue.state = replica  # type: ignore[method-assign]
    assert run(venue, FlattenOrder(None, half=True)).state is FlatState.REDUCED
    assert (len(venue.placed), venue.positions[BTC]) == (1, D("0.5"))


def test_half_is_not_read_from_a_stale_first_answer() -> None:
    venue = ScriptedVenue({BTC: D(4)})
    venue.state(())
    venue.positions[BTC] = D(1)  # 3 of 4 were closed since; half of 4 would leave 1 alone
    venue.troubles["state"] = ["stale"]
    assert run(venue, FlattenOrder(None, half=True)).state is FlatState.REDUCED
    assert venue.positions[BTC] == D("0.5")


class Crowd:
    """Others that are alive until `gone_s`, with requests that may act until `silent_ms`."""

    def __init__(self, venue: ScriptedVenue, gone_s: float, silent_ms: int) -> None:
        self._venue, self._gone_s, self._silent_ms = venue, gone_s, silent_ms
        self.presses = 0

    def press(self) -> None:
        self.presses += 1

    def silent_from_ms(self, now: VenueTime) -> int | None:
        return None if self._venue.now_s < self._gone_s else self._silent_ms


def test_proof_waits_until_the_others_are_silent() -> None:
    venue = ScriptedVenue()
    crowd = Crowd(venue, gone_s=2.0, silent_ms=START_MS + 5_000)
    # a request of a dead runner arrives late and rests: a snapshot before that would have been a wrong FLAT
    venue.late.append((4.0, lambda: venue.resting.append(resting(9))))
    result = run(venue, others=crowd)
    assert (result.state, result.cancelled, venue.flat) == (FlatState.FLAT, 1, True)
    assert result.time_ms is not None
    assert result.time_ms >= START_MS + 5_000
    assert crowd.presses > 2


@pytest.mark.parametrize(
    ("gone_s", "silent_ms", "reason"),
    [
        (99.0, 0, "a runner of the account may still be sending orders"),
        (0.0, START_MS + 99_000, "requests of stopped runners could still arrive"),
    ],
)
def test_others_that_are_never_silent_make_it_unknown(gone_s: float, silent_ms: int, reason: str) -> None:
    venue = ScriptedVenue()
    result = run(venue, FlattenOrder(None, timeout_s=3), Crowd(venue, gone_s, silent_ms))
    assert (result.state, result.reason) == (FlatState.UNKNOWN, reason)


def test_two_proofs_are_a_cycle_apart_and_start_anew_after_an_action() -> None:
    venue = ScriptedVenue()
    venue.late.append((1.0, lambda: venue.resting.append(resting(9))))
    result = run(venue, FlattenOrder(None, proofs=2, between_proofs_s=3.0))
    assert result.state is FlatState.FLAT
    # proof at 0 s, an order found at 3 s, cancelled, then proofs at 3 s and 6 s
    assert venue.now_s > 6


def test_a_key_that_is_refused_ends_it_at_once() -> None:
    with pytest.raises(AuthenticationError):
        run(ScriptedVenue(troubles={"state": [AuthenticationError("no")]}))


def test_the_last_action_is_looked_at_even_when_the_time_is_up() -> None:
    # every request takes 0.01 s and the time is up right after the place, which acted
    venue = ScriptedVenue({BTC: D(1)})
    result = run(venue, FlattenOrder((BTC,), timeout_s=0.025))
    assert venue.calls == ["state", "markets", "place", "state"]
    assert result.state is FlatState.FLAT
    # and with half of it closed, the verdict is the truth rather than "unknown"
    venue = ScriptedVenue({BTC: D(1)}, books={BTC: Book(depth=D("0.4"))})
    result = run(venue, FlattenOrder((BTC,), timeout_s=0.025))
    assert (result.state, result.markets[0].after) == (FlatState.RESIDUAL, D("0.6"))


def test_a_last_look_is_one_proof_where_two_are_asked_for() -> None:
    venue = ScriptedVenue({BTC: D(1)})
    result = run(venue, FlattenOrder((BTC,), timeout_s=0.025, proofs=2, between_proofs_s=3.0))
    assert venue.calls == ["state", "markets", "place", "state"]
    assert (result.state, venue.flat) == (FlatState.UNKNOWN, True)


@pytest.mark.parametrize(
    ("forgets", "state"),
    [
        (1, FlatState.RESIDUAL),  # the last look leaves the position out, the one after it shows it
        (2, FlatState.FLAT),  # two looks agree that others have closed it
    ],
)
def test_a_last_look_that_misses_what_we_did_not_close_is_taken_twice(forgets: int, state: FlatState) -> None:
    venue = ScriptedVenue({BTC: D(1)}, troubles={"place": [OutcomeUnknown("never acted")]})
    honest, looks = venue.state, itertools.count()

    def forgetful(markets: Sequence[str]) -> Snapshot:
        snapshot = honest(markets)
        return replace(snapshot, positions=()) if 1 <= next(looks) <= forgets else snapshot

    setattr(venue, "state", forgetful)  # noqa: B010 - from now on the venue answers so
    result = run(venue, FlattenOrder((BTC,), timeout_s=0.025))
    assert venue.calls == ["state", "markets", "place", "state", "state"]
    assert result.state is state


def test_more_orders_and_markets_than_one_batch_holds() -> None:
    names = [f"M{number}-PERP" for number in range(130)]
    venue = ScriptedVenue(
        dict.fromkeys(names, D(1)),
        [resting(number, name) for number, name in enumerate(names)],
        {name: Book() for name in names},
    )
    assert run(venue, FlattenOrder(tuple(names), timeout_s=5)).state is FlatState.FLAT
    assert venue.flat
    assert venue.calls == ["state", "cancel", "cancel", "state", "markets", "place", "state", "place", "state"]


def test_the_first_picture_alone_is_no_ground_for_a_verdict() -> None:
    venue = ScriptedVenue({BTC: D(1)})
    venue.state(())
    venue.positions[BTC] = D(0)  # closed since: the first read shows an old picture, and then the time is up
    venue.troubles["state"] = ["stale"]
    result = run(venue, FlattenOrder(None, timeout_s=0.03))
    assert venue.calls == ["state", "state", "markets", "state", "state"]  # nothing of ours closed it: two looks
    assert (result.state, result.markets[0].after) == (FlatState.FLAT, D(0))


@pytest.mark.parametrize(("speed", "word"), [(0.0, "open"), (1.0, "ended"), (1.0, "paused")])
def test_a_clock_that_stands_still_is_no_stale_clock(speed: float, word: str) -> None:
    venue = ScriptedVenue({BTC: D(1)}, [resting(1)], speed=speed, state_word=word)
    assert run(venue).state is FlatState.FLAT
    assert venue.flat


def test_a_fast_clock_gives_requests_as_long_a_life() -> None:
    venue = ScriptedVenue({BTC: D(1)}, speed=600.0)
    assert run(venue).state is FlatState.FLAT
    valid_ms = (venue.placed[0].valid_until_ms or 0) - START_MS
    assert 3_000_000 <= valid_ms <= 3_100_000  # 5 s x 600


NOISE = st.lists(
    st.sampled_from(
        [None, "stale", VenueUnreachable("x"), silence(), ("act", silence()), RateLimited("x", retry_after_s=0.2)]
    ),
    max_size=12,
)
LATE = st.lists(
    st.sampled_from([None, silence(), ("act", silence()), ("late", 1.0, silence()), VenueUnreachable("x")]), max_size=12
)


@settings(max_examples=300)
@given(
    sizes=st.tuples(st.integers(-50, 50), st.integers(-50, 50)),
    orders=st.integers(0, 3),
    depth=st.one_of(st.none(), st.integers(0, 40)),
    reads=NOISE,
    cancels=LATE,
    places=LATE,
    half=st.booleans(),
)
def test_whatever_goes_wrong_the_verdict_is_true_and_nothing_flips(
    sizes: tuple[int, int],
    orders: int,
    depth: int | None,
    reads: list[Any],
    cancels: list[Any],
    places: list[Any],
    half: bool,
) -> None:
    before = {market: D(size) / 10 for market, size in zip((BTC, ETH), sizes, strict=True)}
    venue = ScriptedVenue(
        dict(before),
        [resting(number, (BTC, ETH)[number % 2]) for number in range(orders)],
        books={market: Book(depth=None if depth is None else D(depth) / 10) for market in before},
        # "act" makes no sense for a read, and a cancel has no answer that could be stale
        troubles={"state": [t for t in reads if not isinstance(t, tuple)], "cancel_all": cancels, "place": places},
    )
    result = run(venue, FlattenOrder(None, half=half, timeout_s=60))
    venue.elapse(60)  # whatever was still under way has acted now
    left = {market: abs(size) for market, size in venue.positions.items()}
    for market, size in venue.sizes_seen:
        assert size * before[market] >= 0, "flipped"
        assert abs(size) <= abs(before[market]), "grew"
    if result.state is FlatState.FLAT:
        assert venue.flat
    if half:  # more than half is never closed; a step is 0.01 and sizes are tenths
        assert all(left[market] * 2 >= abs(before[market]) for market in before)
    if result.state is FlatState.REDUCED:
        assert all(left[market] * 2 - abs(before[market]) < D("0.02") for market in before)
    if depth != 0:
        assert result.state in (FlatState.FLAT, FlatState.REDUCED), result
    elif any(before.values()):
        assert result.state is FlatState.RESIDUAL


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("calls", range(8))
def test_an_interrupt_after_any_call_lets_no_order_leave_and_tells_what_is_left(calls: int, half: bool) -> None:
    """The story of six requests above, told to stop after so many of them: what rests is cancelled all the same."""
    venue = ScriptedVenue({BTC: D(2)}, [resting(1)])
    told_after: list[int] = []

    def interrupted() -> bool:
        if len(venue.calls) >= calls and not told_after:
            told_after.append(len(venue.placed))
        return bool(told_after)

    result = run(venue, FlattenOrder(None, half=half), interrupted=interrupted)
    assert venue.resting == []
    if told_after:
        assert len(venue.placed) == told_after[0]
    left = sum(venue.positions.values())
    if result.state.done:
        assert left == (1 if half else 0)
    else:
        assert result.state is FlatState.UNKNOWN
        assert (
            result.reason == f"interrupted, so that no further order was sent: 0 orders rest, position {BTC} {left:f}"
        )
        assert venue.now_s < 1, "nothing is waited for that nobody does"


def test_in_a_post_only_period_one_closing_order_rests_and_is_told() -> None:
    venue = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9)
    result = run(venue)
    assert result.state is FlatState.RESIDUAL
    (order,) = venue.resting
    assert (order.side, order.price, order.size, order.reduce_only) == (Side.SHORT, ASK, D(2), True)
    assert result.orders_left == 1
    assert "post-only orders alone" in (result.reason or "")
    assert "reduce-only short of 2 rests at 100.1" in (result.reason or "")
    immediate = [one for one in venue.placed if not one.post_only]
    assert 5 <= len(immediate) <= 8  # tried again every 5 s of 30
    assert len(venue.placed) - len(immediate) == 1


def test_the_resting_closing_order_follows_its_side_of_the_book() -> None:
    venue = ScriptedVenue({BTC: D(-2)}, post_only_until_s=1e9)
    venue.late.append((10.0, lambda: venue.books.update({BTC: Book(D("100.3"), D("100.5"))})))
    result = run(venue)
    assert [one.price for one in venue.placed if one.post_only] == [BID, D("100.3")]
    (order,) = venue.resting  # the one of before was cancelled
    assert (order.side, order.price) == (Side.LONG, D("100.3"))
    assert "rests at 100.3" in (result.reason or "")


def test_what_the_resting_order_closes_is_flat_and_counted() -> None:
    venue = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9)

    def taken() -> None:
        (order,) = venue.resting
        venue.resting, venue.positions = [], {BTC: D(0)}
        assert order.client_order_id is not None
        venue.asked[order.client_order_id] = replace(order, filled=order.size, status=OrderStatus.FILLED)

    venue.late.append((7.0, taken))
    result = run(venue)
    assert result.state is FlatState.FLAT
    (market,) = result.markets
    assert (market.closed_size, market.avg_price) == (D(2), ASK)


def test_the_end_of_the_period_is_found_by_trying() -> None:
    venue = ScriptedVenue({BTC: D(2)}, books={BTC: Book(depth=D("0.5"))}, post_only_until_s=8.0)
    result = run(venue)
    assert result.state is FlatState.FLAT
    assert venue.flat
    # from the first that is taken on one immediate order follows the other, and none rests again
    assert venue.now_s < 11
    assert [one.post_only for one in venue.placed].count(True) == 1


def test_who_asks_to_stop_leaves_no_resting_order_and_half_never_rests_one() -> None:
    venue = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9)
    assert run(venue, interrupted=lambda: venue.now_s > 6).state is not FlatState.FLAT
    assert venue.resting == []
    halved = ScriptedVenue({BTC: D(2)}, post_only_until_s=1e9)
    assert run(halved, FlattenOrder(None, half=True)).state is FlatState.RESIDUAL
    assert not any(one.post_only for one in halved.placed)


def test_what_was_not_looked_at_is_not_flat_and_is_named() -> None:
    venue = ScriptedVenue(unseen=("xyz",))
    result = run(venue, FlattenOrder(None, timeout_s=3))
    assert result.state is FlatState.UNKNOWN
    assert "not looked at: xyz" in (result.reason or "")
    assert run(ScriptedVenue(unseen=("xyz",)), FlattenOrder((BTC,))).state is FlatState.FLAT  # which was looked at

"""Stops that wait at the venue: in step with what a run holds, through kills and lost answers, and gone when it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.engine.cancel import wind_down
from pfmm.engine.engine import Engine
from pfmm.engine.protection import STOP_SLOT
from pfmm.engine.report import RunSpec
from pfmm.errors import OutcomeUnknown
from pfmm.model.account import Snapshot
from pfmm.model.cycle import CycleReport
from pfmm.model.order import Batch, BatchAnswer, NewOrder, Order, OrderStatus, Side
from pfmm.strategy.ladder.strategy import LadderConfig, LadderStrategy
from tests.e2e.engine_rig import FIXED, LIMITS, MARKET, Rig, RigClock, ScriptedFeed, Step, make_engine, rig

D = Decimal
LOSS = replace(LIMITS, max_loss_usd=D(20))
BOUGHT = [Step(9999, 10001), Step(9999, 10001, 9970, 5)]  # sold 0.05 through our bid
STILL = [Step(9999, 10001)] * 30


@contextmanager
def protected(folder: Path, steps: list[Step], **more: object) -> Iterator[Rig]:
    with rig(folder, ScriptedFeed(steps), limits=LOSS, **more) as r:  # type: ignore[arg-type]
        r.engine.protect_by_stops(wanted=True)
        yield r


def stops(r: Rig) -> list[Order]:
    return [order for order in r.venue.inner.open_orders() if order.trigger_price is not None]


def until_held(r: Rig) -> CycleReport:
    report = r.cycle()
    for _ in range(4):
        report = r.step()
        if report.runs[0].ledger.size:
            return report
    raise AssertionError("nothing was bought")


def test_a_stop_waits_as_soon_as_something_is_held(tmp_path: Path) -> None:
    """0.05 bought at 998, limit 20 USD: the loss is there at 598 and a little for the rebate."""
    with protected(tmp_path, [*BOUGHT, *STILL]) as r:
        report = until_held(r)
        (one,) = stops(r)
        (row,) = report.runs
        assert (one.side, one.size, one.reduce_only, one.filled) == (Side.SHORT, row.ledger.size, True, 0)
        expected = (row.ledger.cost_basis - 20 + row.ledger.fees) / row.ledger.size
        assert one.trigger_price is not None
        assert 0 <= one.trigger_price - expected < D("0.1")
        assert [o.slot for o in row.orders].count(STOP_SLOT) == 1
        assert {o.slot for o in row.orders} == {"bid", "ask", STOP_SLOT}, "it is no quote, and holds none up"
        batches = len(r.venue.batches)
        r.step()
        assert (stops(r), len(r.venue.batches)) == ([one], batches), "and nothing is sent while nothing changes"


def test_none_is_sent_without_a_limit_of_loss_or_where_it_is_not_wanted(tmp_path: Path) -> None:
    with rig(tmp_path / "a", ScriptedFeed([*BOUGHT, *STILL])) as r:
        r.engine.protect_by_stops(wanted=True)
        until_held(r)
        assert stops(r) == []
    with protected(tmp_path / "b", [*BOUGHT, *STILL]) as r:
        r.engine.protect_by_stops(wanted=False)
        until_held(r)
        assert stops(r) == []


def test_a_new_one_is_there_before_the_old_one_goes(tmp_path: Path) -> None:
    """More is bought: seen from the venue, at each moment at least one stop waits."""
    steps = [*BOUGHT, *[Step(9999, 10001, 9970, 5)] * 6, *STILL]
    with protected(tmp_path, steps) as r:
        until_held(r)
        numbers = []
        for _ in range(12):
            r.step()
            numbers.append(len(stops(r)))
        assert set(numbers) == {1, 2}
        ((row,), (one,)) = r.step().runs, stops(r)
        assert abs(one.remaining - row.ledger.size) <= D("0.2") * row.ledger.size


def test_where_no_price_brings_the_loss_none_waits_and_after_a_flip_one_on_the_other_side(tmp_path: Path) -> None:
    """Of 0.05 bought 0.04 are sold: 0.01 cannot lose 20 USD. Then 0.03 short can."""
    steps = [*BOUGHT, *[Step(9999, 10001, 10030, 5)] * 2, *STILL]
    with protected(tmp_path, steps) as r:
        until_held(r)
        assert (r.step().runs[0].ledger.size, stops(r)) == (D("0.01"), [])
        assert r.step().runs[0].ledger.size == D("-0.03")
        (one,) = stops(r)
        assert (one.side, one.size) == (Side.LONG, D("0.03"))


def test_one_that_is_triggered_while_no_process_is_there_ends_the_run_that_takes_over(tmp_path: Path) -> None:
    with protected(tmp_path, [*BOUGHT, Step(9999, 10001), *[Step(5899, 5901)] * 20]) as r:
        held = until_held(r).runs[0].ledger.size
        assert held > 0
        r.now_ms += 90_000
        r.venue.inner.advance(r.now_ms)
        assert r.venue.inner.positions()[0].size >= 0
        r.restart()
        report = r.cycle()
        (row,) = report.runs
        assert (row.tripped or "").startswith("stopped out: the stop at the venue has closed what the run held: short")
        assert STOP_SLOT in [event.data.get("slot") for event in report.events if event.name == "fill"]


def test_a_run_that_ends_leaves_no_stop(tmp_path: Path) -> None:
    with protected(tmp_path, [*BOUGHT, *STILL]) as r:
        until_held(r)
        clock = RigClock(r)
        done = wind_down(r.venue, r.journal, clock, [MARKET], r.engine.run_ids)
        assert (done.snapshot.orders, stops(r)) == ((), [])


def test_it_meets_no_order_of_another_strategy(tmp_path: Path) -> None:
    """A stop that may sell at 570 is no sell that rests at 570: bids of another run are placed beside it."""
    with protected(tmp_path, [*BOUGHT, *STILL]) as r:
        until_held(r)
        spec = RunSpec(LadderStrategy(MARKET, FIXED, LadderConfig(levels=1)), {}, LIMITS)
        other = make_engine(r.venue, r.journal, [spec], r.instruments)
        r.venue.inner.advance(r.now_ms + 3_000)
        (row,) = other.cycle().runs
        assert (row.plan.held, len(row.orders)) == ((), 2)


def test_one_that_is_not_wanted_any_more_is_cancelled_and_one_that_is_left_alone_stays(tmp_path: Path) -> None:
    with protected(tmp_path, [*BOUGHT, *STILL]) as r:
        until_held(r)
        r.restart()
        r.step()
        assert len(stops(r)) == 1, "an engine that was told nothing touches none"
        r.engine.protect_by_stops(wanted=False)
        r.step()
        assert stops(r) == []


Kill = Callable[[Rig, Batch], BatchAnswer | None]


def never_arrives(r: Rig, batch: Batch) -> BatchAnswer | None:
    raise OutcomeUnknown("the process ended before the request left")


def arrives_unheard(r: Rig, batch: Batch) -> BatchAnswer | None:
    r.venue.inner.submit(batch)
    raise OutcomeUnknown("the process ended before the answer came")


@pytest.mark.parametrize("kill", [never_arrives, arrives_unheard])
def test_a_kill_between_intent_and_answer_leaves_one_stop_in_the_end(tmp_path: Path, kill: Kill) -> None:
    """At the first stop and at the one that replaces it: never two for long, never an unknown one, none doubled."""
    steps = [*BOUGHT, *[Step(9999, 10001, 9970, 5)] * 6, *STILL]
    with protected(tmp_path, steps) as r:
        killed: list[NewOrder] = []

        def before(batch: Batch, _: Snapshot) -> BatchAnswer | None:
            placed = [one for one in batch.place if one.trigger_price is not None]
            if placed and len(killed) < 2:
                killed.extend(placed)
                return kill(r, batch)
            return None

        r.venue.before = before
        r.cycle()
        for _ in range(24):
            r.step()
            if killed and len(killed) < 3 and r.engine is not None:
                r.restart()
                r.engine.protect_by_stops(wanted=True)
        ((row,), (one,)) = r.step().runs, stops(r)
        assert len(killed) == 2
        assert abs(one.remaining - row.ledger.size) <= D("0.2") * row.ledger.size
        known = {order.client_order_id for order in r.journal.live_orders()}
        assert {order.client_order_id for order in r.venue.inner.open_orders()} == known
        mine = [o for o in r.journal.orders(run_id=r.engine.run_ids[0]) if o.slot == STOP_SLOT]
        asked = [r.venue.inner.order(o.client_order_id) for o in mine]
        assert [o.status for o in asked if o is not None].count(OrderStatus.OPEN) == 1


def test_a_journal_keeps_the_trigger(tmp_path: Path) -> None:
    with protected(tmp_path, [*BOUGHT, *STILL]) as r:
        until_held(r)
        r.step()
        (own,) = [order for order in r.journal.live_orders() if order.slot == STOP_SLOT]
        assert (own.trigger_price, own.reduce_only) == (stops(r)[0].trigger_price, True)


def test_the_venue_of_this_engine_can_have_stops(tmp_path: Path) -> None:
    with protected(tmp_path, STILL) as r:
        assert isinstance(r.engine, Engine)
        assert r.venue.capabilities.trigger_orders


def test_who_spares_stops_leaves_the_one_that_protects_and_nothing_else(tmp_path: Path) -> None:
    """As the watchdog does for a loop that is gone: the quotes go, the stop stays and is still the run's."""
    with protected(tmp_path, [*BOUGHT, *STILL]) as r:
        until_held(r)
        (one,) = stops(r)
        (run_id,) = r.engine.run_ids
        done = wind_down(r.venue, r.journal, RigClock(r), [MARKET], [run_id], spared_slot=STOP_SLOT)
        assert (done.cancelled, r.venue.inner.open_orders()) == (2, (one,))
        assert [own.order_id for own in r.journal.live_orders()] == [one.order_id]
        done = wind_down(r.venue, r.journal, RigClock(r), [MARKET], [run_id])
        assert (done.cancelled, r.venue.inner.open_orders(), r.journal.live_orders()) == (1, (), ())

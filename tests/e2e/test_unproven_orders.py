"""One order that cannot be asked for: its slot is held, its market and the others are quoted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pfmm.errors import PfmmError, VenueRefused, VenueUnreachable
from pfmm.model.account import Cursors, Snapshot
from pfmm.model.cycle import CycleReport, RunReport
from pfmm.model.expiry import REQUEST_LIFE_MS
from pfmm.model.order import Batch, BatchAnswer, Order, OrderStatus, Refusal
from pfmm.model.plan import OwnStatus
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.messages import CancelRequest
from tests.e2e.engine_rig import FIXED, START_MS, Rig, rig

BTC, ETH = "BTC-PERP", "ETH-PERP"
SYNTHETIC = {"kind": "synthetic", "seed": 1, "speed": 0, "at_ms": START_MS}
NARROW = replace(FIXED, half_spread_bps=5, drift_bps=0)


def run_of(report: CycleReport, market: str) -> RunReport:
    return next(run for run in report.runs if run.market == market)


def lose(r: Rig, report: CycleReport, market: str, slot: str) -> str:
    """Cancels our order at the venue behind our back; its client order id."""
    own = next(order for order in run_of(report, market).orders if order.slot == slot)
    r.exchange.cancel("main", CancelRequest(client_order_id=own.client_order_id))
    return own.client_order_id


def answer(r: Rig, read: str, how: Callable[..., Any]) -> None:
    """From now on the venue answers that read so."""
    setattr(r.venue, read, how)


def deaf_to(r: Rig, client_order_id: str, error: PfmmError) -> None:
    """From now on the venue fails to answer for that order."""
    ask = r.venue.inner.order

    def order(asked: str) -> Order | None:
        if asked == client_order_id:
            raise error
        return ask(asked)

    answer(r, "order", order)


@pytest.mark.parametrize("error", [VenueUnreachable("timed out"), VenueRefused("internal", status=422)])
def test_the_slot_is_held_and_everything_else_is_quoted(tmp_path: Path, error: PfmmError) -> None:
    with rig(tmp_path, SyntheticFeed(1), NARROW, markets=(BTC, ETH), first_feed=SYNTHETIC) as r:
        first = r.cycle()
        lost, also = lose(r, first, BTC, "bid"), lose(r, first, ETH, "ask")
        deaf_to(r, lost, error)
        report = r.step()
        (unknown,) = (event for event in report.events if event.name == "unknown")
        assert (unknown.market, unknown.strategy, unknown.data["client_order_id"]) == (BTC, "quote", lost)
        assert unknown.data["reason"] == error.message
        btc, eth = run_of(report, BTC), run_of(report, ETH)
        assert {o.slot: o.status for o in btc.orders} == {"bid": OwnStatus.MISSING, "ask": OwnStatus.OPEN}
        assert [(h.slot, "not yet proven" in h.reason) for h in btc.plan.held if h.slot == "bid"] == [("bid", True)]
        assert {o.slot: o.status for o in eth.orders} == {"bid": OwnStatus.OPEN, "ask": OwnStatus.OPEN}
        assert also not in {o.client_order_id for o in eth.orders}, "settled and replaced"
        for _ in range(3):  # for as long as it cannot be asked for
            r.step()
        placed = [new for batch in r.venue.batches for new in batch.place if new.market == BTC]
        assert len(placed) == 2, "nothing is placed in the held slot"
        answer(r, "order", r.venue.inner.order)
        settled = run_of(r.step(), BTC)
        assert {o.slot: o.status for o in settled.orders} == {"bid": OwnStatus.OPEN, "ask": OwnStatus.OPEN}


def test_a_venue_that_is_gone_for_everything_ends_the_cycle(tmp_path: Path) -> None:
    with rig(tmp_path, SyntheticFeed(1), NARROW, markets=(BTC, ETH), first_feed=SYNTHETIC) as r:
        lost = lose(r, r.cycle(), BTC, "bid")
        batches = len(r.venue.batches)

        def gone(*_: Any) -> Any:
            raise VenueUnreachable("timed out")

        def snapshot(markets: Any, cursors: Cursors) -> Snapshot:  # the last answer before the line went dead
            deaf_to(r, lost, VenueUnreachable("timed out"))
            answer(r, "time", gone)
            return r.venue.inner.snapshot(markets, cursors)

        answer(r, "snapshot", snapshot)
        with pytest.raises(VenueUnreachable, match="timed out"):
            r.step()
        assert len(r.venue.batches) == batches, "nothing is sent"


def test_a_wait_for_an_answer_that_does_not_come_ages_no_decision(tmp_path: Path) -> None:
    """Longer than a request is valid: what was decided on the snapshot of before would be refused, cycle by cycle."""
    with rig(tmp_path, SyntheticFeed(1), NARROW, markets=(BTC, ETH), first_feed=SYNTHETIC) as r:
        lost = lose(r, r.cycle(), BTC, "bid")
        ask = r.venue.inner.order

        def order(asked: str) -> Order | None:
            if asked != lost:
                return ask(asked)
            r.now_ms += 2 * REQUEST_LIFE_MS
            r.venue.inner.advance(r.now_ms)
            raise VenueUnreachable("timed out")

        answer(r, "order", order)
        for _ in range(3):
            report = r.step()
            assert report.time.time_ms == r.now_ms, "decided on what the venue shows after the wait"
            assert [event.data for event in report.events if event.name == "refused"] == []
            batch = r.venue.batches[-1]
            assert {change.market for change in (*batch.place, *batch.amend)} >= {ETH}, "the quotes follow the market"
        with r.journal as journal:
            taken = {item.fill.fill_id for item in journal.fills()}
            assert taken == {fill.fill_id for fill in r.venue.inner.fills()}


def forget(r: Rig, client_order_id: str) -> None:
    """From now on the venue has no record of that order: no read and no cancel finds it."""
    ask, submit = r.venue.inner.order, r.venue.inner.submit

    def refused(batch: Batch, _: Snapshot) -> BatchAnswer | None:
        if client_order_id not in {cancel.client_order_id for cancel in batch.cancel}:
            return None
        rest = tuple(cancel for cancel in batch.cancel if cancel.client_order_id != client_order_id)
        answer = submit(replace(batch, cancel=rest))
        done = iter(answer.cancel)
        unknown = Refusal("order_not_found", "no such order", 404)
        found = (unknown if c.client_order_id == client_order_id else next(done) for c in batch.cancel)
        return replace(answer, cancel=tuple(found))

    r.venue.before = refused
    answer(r, "order", lambda asked: None if asked == client_order_id else ask(asked))


def test_an_order_that_the_venue_forgets_is_cancelled_and_its_slot_quoted_again(tmp_path: Path) -> None:
    with rig(tmp_path, SyntheticFeed(1), NARROW, first_feed=SYNTHETIC, markets=(BTC,)) as r:
        r.step(20_000)
        lost = lose(r, r.step(), BTC, "bid")
        forget(r, lost)
        seen = []
        for _ in range(8):
            report = r.step()
            (bid,) = (own for own in run_of(report, BTC).orders if own.slot == "bid")
            seen.append(bid.status)
            cancels = [c.client_order_id for batch in r.venue.batches for c in batch.cancel]
            if bid.client_order_id != lost:
                break
            assert len([o for o in r.exchange.orders("main") if o.side == "long"]) == 0, "nothing in its place yet"
        assert seen[0] is OwnStatus.MISSING
        assert seen[-2:] == [OwnStatus.UNKNOWN, OwnStatus.OPEN], "a new one, after the cancel found none"
        assert cancels.count(lost) == 1
        settled = r.journal.order(lost)
        assert settled is not None
        assert settled.status is OwnStatus.EXPIRED


def test_an_order_that_filled_unseen_and_is_forgotten_keeps_its_slot(tmp_path: Path) -> None:
    """The venue said that it filled, shows no fill of it, and then has no record: another one might fill twice."""
    with rig(tmp_path, SyntheticFeed(1), NARROW, first_feed=SYNTHETIC, markets=(BTC,)) as r:
        lost = lose(r, r.cycle(), BTC, "bid")
        done = r.venue.inner.order(lost)
        assert done is not None
        filled = replace(done, status=OrderStatus.FILLED, filled=done.size)
        answer(r, "order", lambda asked: filled)
        r.step()
        forget(r, lost)
        for _ in range(12):
            (bid,) = (own for own in run_of(r.step(), BTC).orders if own.slot == "bid")
            assert (bid.client_order_id, bid.status) == (lost, OwnStatus.MISSING)


def test_what_any_market_has_acknowledged_makes_older_snapshots_stale_after_a_restart(tmp_path: Path) -> None:
    with rig(tmp_path, SyntheticFeed(1), NARROW, markets=(BTC, ETH), first_feed=SYNTHETIC) as r:
        own = run_of(r.cycle(), BTC).orders[0]
        acknowledged_ms = r.now_ms + 50_000
        r.journal.update_orders([own], time_ms=acknowledged_ms)
        r.restart()
        assert r.engine.not_before_ms == acknowledged_ms, "not the other market's, which is older"

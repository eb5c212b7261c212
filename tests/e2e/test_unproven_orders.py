"""One order that cannot be asked for: its slot is held, its market and the others are quoted on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pfmm.cycle import CycleReport, RunReport
from pfmm.errors import PfmmError, VenueRefused, VenueUnreachable
from pfmm.model.account import Cursors, Snapshot
from pfmm.model.order import Order
from pfmm.model.plan import OwnStatus
from pfmm.paper.records import CancelRequest
from pfmm.paper.synthetic import SyntheticFeed
from pfmm.sending import REQUEST_LIFE_MS
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


def deaf_to(r: Rig, client_order_id: str, error: PfmmError) -> None:
    """From now on the venue fails to answer for that order."""
    ask = r.venue.inner.order

    def order(asked: str) -> Order | None:
        if asked == client_order_id:
            raise error
        return ask(asked)

    r.venue.order = order  # type: ignore[attr-defined]


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
        r.venue.order = r.venue.inner.order  # type: ignore[attr-defined]
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
            r.venue.time = gone  # type: ignore[attr-defined]
            return r.venue.inner.snapshot(markets, cursors)

        r.venue.snapshot = snapshot  # type: ignore[method-assign]
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

        r.venue.order = order  # type: ignore[attr-defined]
        for _ in range(3):
            report = r.step()
            assert report.time.time_ms == r.now_ms, "decided on what the venue shows after the wait"
            assert [event.data for event in report.events if event.name == "refused"] == []
            batch = r.venue.batches[-1]
            assert {change.market for change in (*batch.place, *batch.amend)} >= {ETH}, "the quotes follow the market"
        with r.journal as journal:
            taken = {item.fill.fill_id for item in journal.fills()}
            assert taken == {fill.fill_id for fill in r.venue.inner.fills()}


def test_what_any_market_has_acknowledged_makes_older_snapshots_stale_after_a_restart(tmp_path: Path) -> None:
    with rig(tmp_path, SyntheticFeed(1), NARROW, markets=(BTC, ETH), first_feed=SYNTHETIC) as r:
        own = run_of(r.cycle(), BTC).orders[0]
        acknowledged_ms = r.now_ms + 50_000
        r.journal.update_orders([own], time_ms=acknowledged_ms)
        r.restart()
        assert r.engine.not_before_ms == acknowledged_ms, "not the other market's, which is older"

"""Cancelling what a run has resting, and PROVING that nothing is left. Used by stop, by exits and by restarts.

Works from the journal's order records and the venue alone, so that it serves for a runner that is long dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pfmm.errors import OutcomeUnknown, StateUnknown, VenueRefused, VenueUnreachable
from pfmm.model.account import Snapshot
from pfmm.model.order import Batch, CancelOrder, Order
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.observe import observe
from pfmm.ports import Clock, Journal, Venue
from pfmm.strategy.settle import CLOCK_SKEW_MS, settle_one

ATTEMPTS = 12
_PAUSE_MS = 250


@dataclass(frozen=True, slots=True)
class WindDown:
    """What was cancelled, seen by the venue's own word, and the snapshot that proves that nothing rests."""

    cancelled: int
    snapshot: Snapshot


def wind_down(venue: Venue, journal: Journal, clock: Clock, markets: Sequence[str], run_ids: Sequence[str]) -> WindDown:
    """Cancels every order of `run_ids` and returns once none can be live any more.

    Orders whose fate is unknown are cancelled by client order id and believed absent only after their expiry.
    Raises StateUnknown, naming what is left, when that cannot be proven within ATTEMPTS rounds.
    """
    asked: set[str] = set()
    problem = ""
    for _ in range(ATTEMPTS):
        try:
            snapshot = observe(venue, journal, markets, run_ids)
        except (VenueUnreachable, VenueRefused) as error:
            problem = error.message
            clock.wait_until(clock.now_ms() + _PAUSE_MS)
            continue
        live = [order for run_id in run_ids for order in journal.live_orders(run_id=run_id)]
        if not live:
            return WindDown(_count_cancelled(journal, asked), snapshot)
        asked.update(order.client_order_id for order in live)
        problem = _cancel(venue, journal, live, snapshot.time.time_ms)
        _let_expiries_pass(clock, live)
    left = [order for run_id in run_ids for order in journal.live_orders(run_id=run_id)]
    names = ", ".join(f"{o.market} {o.slot} ({o.client_order_id}, {o.status})" for o in left) or "none known"
    raise StateUnknown(f"{len(left)} orders could not be proven gone: {names}" + (f"; {problem}" if problem else ""))


def _cancel(venue: Venue, journal: Journal, live: Sequence[OwnOrder], now_ms: int) -> str:
    """One cancel request for everything live; what it answers is recorded. Returns the problem, if any."""
    batch = Batch(cancel=tuple(CancelOrder(o.market, client_order_id=o.client_order_id) for o in live))
    try:
        answer = venue.submit(batch)
    except (OutcomeUnknown, VenueUnreachable, VenueRefused) as error:
        return error.message
    updates = []
    for own, item in zip(live, answer.cancel, strict=True):
        if isinstance(item, Order):
            settled = settle_one(own, item, now_ms)
            if settled != own:
                updates.append(settled)
    if updates:
        journal.update_orders(updates, time_ms=now_ms)
    return ""


def _let_expiries_pass(clock: Clock, live: Sequence[OwnOrder]) -> None:
    """Waits for the expiry of requests in flight: absence proves nothing before it."""
    pending = (OwnStatus.SENDING, OwnStatus.UNKNOWN)
    ends = [o.valid_until_ms + CLOCK_SKEW_MS + 1 for o in live if o.status in pending and o.valid_until_ms is not None]
    if ends:
        clock.wait_until(max(ends))


def _count_cancelled(journal: Journal, asked: set[str]) -> int:
    orders = [journal.order(client_order_id) for client_order_id in asked]
    return sum(1 for order in orders if order is not None and order.status is OwnStatus.CANCELLED)

"""The reading half of a cycle: one snapshot of the venue, absorbed by the journal, with our orders settled.

Status, stop, dry runs and the engine read in this one way. Sequence only; decides nothing and sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pfmm.errors import BadVenueData
from pfmm.model.account import Snapshot
from pfmm.model.order import OrderStatus
from pfmm.model.plan import OwnOrder
from pfmm.ports import Journal, Venue
from pfmm.strategy.settle import settle, settle_one


def observe(
    venue: Venue, journal: Journal, markets: Sequence[str], run_ids: Sequence[str], *, not_before_ms: int = 0
) -> Snapshot:
    """Reads one consistent snapshot and brings the journal up to it.

    Absorbs fills and funding of the whole account; settles the orders of `run_ids` only, since another process may
    have a request of its own runs in flight. Raises what the venue's reads raise, and BadVenueData for a snapshot
    of before `not_before_ms` (venue time), from which nothing is taken: an old answer served again would undo in
    the journal what the venue has acknowledged since.
    """
    snapshot = venue.snapshot(markets, journal.cursors())
    if snapshot.time.time_ms < not_before_ms:
        raise BadVenueData(
            f"{venue.name} answers with a stale snapshot, of {snapshot.time.time_ms}: {not_before_ms} has been seen",
            hint="a venue whose clock was set back needs the run stopped and started afresh",
        )
    journal.absorb(fills=snapshot.fills, funding=snapshot.funding_payments, cursors=snapshot.cursors)
    _settle_runs(venue, journal, snapshot, run_ids)
    _record(journal, snapshot)
    return snapshot


def _settle_runs(venue: Venue, journal: Journal, snapshot: Snapshot, run_ids: Sequence[str]) -> None:
    now_ms = snapshot.time.time_ms
    wanted = set(run_ids)
    live = [order for order in journal.live_orders() if order.run_id in wanted]
    live += _revived(journal, snapshot, wanted, {order.client_order_id for order in live})
    settlement = settle(live, snapshot.orders, now_ms)
    updated = {order.client_order_id: order for order in settlement.updates}
    current = {order.client_order_id: updated.get(order.client_order_id, order) for order in live}
    for client_order_id in settlement.ask:
        own = current[client_order_id]
        answer = venue.order(client_order_id)
        if answer is not None and answer.status is OrderStatus.OPEN:
            continue  # the snapshot does not show it: one of the two is old, and the next snapshot tells which
        settled = settle_one(own, answer, now_ms)
        if settled != own:
            updated[client_order_id] = settled
    changed: list[OwnOrder] = list(updated.values())
    if changed:
        journal.update_orders(changed, time_ms=now_ms)


def _revived(journal: Journal, snapshot: Snapshot, run_ids: set[str], live: set[str]) -> list[OwnOrder]:
    """Orders of ours that the venue shows open although they were believed gone: its word is the stronger one, and
    an order that nobody counts would neither be limited nor cancelled."""
    ours = f"{journal.nonce}-"
    ids = [o.client_order_id for o in snapshot.orders if o.client_order_id is not None]
    known = [journal.order(one) for one in ids if one.startswith(ours) and one not in live]
    return [own for own in known if own is not None and own.run_id in run_ids and not own.status.live]


def _record(journal: Journal, snapshot: Snapshot) -> None:
    """Mids for markouts and equity for drawdown, at the resolution of the loop."""
    rows: list[tuple[str, int, Decimal]] = []
    for ticker in snapshot.tickers:
        mid = ticker.mid
        if mid is not None:
            rows.append((ticker.market, ticker.time_ms, mid))
    journal.record_mids(rows)
    journal.record_equity(snapshot.time.time_ms, snapshot.account.equity)

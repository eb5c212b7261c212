"""The reading half of a cycle: one snapshot of the venue, absorbed by the journal, with our orders settled.

Status, stop, dry runs and the engine read in this one way. Sequence only; decides nothing and sends nothing.
Layer: engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from pfmm.engine.order_status import by_client_order_id, is_lost, settle, settle_one
from pfmm.errors import BadVenueData, PfmmError, RateLimited, UnknownMarket, VenueRefused, VenueUnreachable
from pfmm.model.account import Snapshot
from pfmm.model.order import Order, OrderStatus
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.quick import replace
from pfmm.ports import Journal, Venue

Doubt = Callable[[OwnOrder, PfmmError], None]
Absent = Callable[[OwnOrder], None]
Dropped = Callable[[OwnOrder, Order], None]
Answers = tuple[list[OwnOrder], bool]
Ask = Callable[[Sequence[OwnOrder], int], Answers]
_DROPPED = (OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED)


def observe(
    venue: Venue,
    journal: Journal,
    markets: Sequence[str],
    run_ids: Sequence[str],
    *,
    not_before_ms: int = 0,
    doubt: Doubt | None = None,
    absent: Absent | None = None,
    dropped: Dropped | None = None,
) -> Snapshot:
    """Read one consistent snapshot and bring the journal up to it.

    Absorbs fills and funding of the whole account; settles the orders of `run_ids` only, since another process may
    have a request of its own runs in flight. Raises what the venue's reads raise, and BadVenueData for a snapshot
    of before `not_before_ms` (venue time), from which nothing is taken: an old answer served again would undo in
    the journal what the venue has acknowledged since; also for an order of ours that shows on another market or side
    than it was sent for, and for two fills of one id. Raises OtherExchange, and takes nothing, from a paper exchange
    that the journal is not about.

    An order that cannot be asked for by its client order id stays as unproven as it is and holds its slot, `doubt` is
    told, and everything else goes on; unless the venue does not tell the time either, or limits requests: then that
    is raised. `absent` is told of every order that did rest and that the venue knows no more: a cancel of it is what
    settles it, and `dropped` of every order that the venue has ended without a cancel of ours that it answered. The
    snapshot's funding payments are those that are new. After a question that got no answer the snapshot is read anew:
    the wait took as long as prices are good for, and what is decided on them would expire before it is sent.
    """
    snapshot = _absorbed(venue, journal, markets, not_before_ms)
    if _settle_runs(
        journal, snapshot, run_ids, lambda orders, now_ms: _asked(venue, orders, now_ms, doubt, absent, dropped)
    ):
        first, snapshot = snapshot, _absorbed(venue, journal, markets, snapshot.time.time_ms)
        _settle_runs(journal, snapshot, run_ids, _nobody_asked)
        snapshot = replace(
            snapshot,
            fills=(*first.fills, *snapshot.fills),
            funding_payments=(*first.funding_payments, *snapshot.funding_payments),
        )
    _record(journal, snapshot)
    return snapshot


def observe_listed(
    venue: Venue, journal: Journal, markets: Sequence[str], run_ids: Sequence[str], **options: Any
) -> tuple[Snapshot, tuple[str, ...]]:
    """Observe also where the venue took markets off its list: the snapshot leaves them out, and they are named."""
    try:
        return observe(venue, journal, markets, run_ids, **options), ()
    except UnknownMarket:
        listed = {instrument.market for instrument in venue.markets()}
        gone = tuple(market for market in markets if market not in listed)
        if not gone:
            raise
    return observe(venue, journal, [market for market in markets if market in listed], run_ids, **options), gone


def _absorbed(venue: Venue, journal: Journal, markets: Sequence[str], not_before_ms: int) -> Snapshot:
    """Return the venue's snapshot, after the journal has taken its fills and payments.

    See `observe` for what it raises.
    """
    snapshot = venue.snapshot(markets, journal.cursors())
    if snapshot.exchange_id is not None:
        journal.recognise(snapshot.exchange_id)
    if snapshot.time.time_ms < not_before_ms:
        raise BadVenueData(
            f"{venue.name} answers with a stale snapshot, of {snapshot.time.time_ms}: {not_before_ms} has been seen",
            hint="a venue whose clock was set back needs the run stopped and started afresh",
        )
    new = journal.absorb(fills=snapshot.fills, funding=snapshot.funding_payments, cursors=snapshot.cursors)
    if new.funding == snapshot.funding_payments:
        return snapshot
    return replace(snapshot, funding_payments=new.funding)


def _settle_runs(journal: Journal, snapshot: Snapshot, run_ids: Sequence[str], ask: Ask) -> bool:
    """Settle the live orders of the runs by the snapshot and by what `ask` says of those that it does not tell of.

    Returns True when a question got no answer.
    """
    now_ms = snapshot.time.time_ms
    wanted = set(run_ids)
    live = [order for order in journal.live_orders() if order.run_id in wanted]
    live += _revived(journal, snapshot, wanted, {order.client_order_id for order in live})
    shown = by_client_order_id(snapshot.orders)
    for own in live:
        for order in shown.get(own.client_order_id, ()):
            _refuse_namesake(own, order)
    settlement = settle(live, snapshot.orders, now_ms)
    updated = {order.client_order_id: order for order in settlement.updates}
    silent = False
    if settlement.ask:
        current = {order.client_order_id: updated.get(order.client_order_id, order) for order in live}
        answered, silent = ask([current[one] for one in settlement.ask], now_ms)
        updated |= {one.client_order_id: one for one in answered if one != current[one.client_order_id]}
    if updated:
        journal.update_orders(list(updated.values()), time_ms=now_ms)
    return silent


def _nobody_asked(orders: Sequence[OwnOrder], _: int) -> Answers:
    """Return the orders as unproven as they are."""
    return [_unproven(own) for own in orders], False


def _asked(
    venue: Venue,
    orders: Sequence[OwnOrder],
    now_ms: int,
    doubt: Doubt | None,
    absent: Absent | None,
    dropped: Dropped | None,
) -> Answers:
    """Return the orders after the venue was asked for each, and whether it was silent about one.

    Of a market where a read got no answer no other order is asked for now: each such wait may last.
    """
    settled = []
    silent: set[str] = set()
    for own in orders:
        if own.market in silent:
            settled.append(_unproven(own))
            continue
        try:
            answer = venue.order(own.client_order_id)
            _refuse_namesake(own, answer)
        except RateLimited:
            raise
        except (VenueUnreachable, VenueRefused) as error:
            if isinstance(error, VenueUnreachable):
                _raise_if_all_is_silent(venue, error)
                silent.add(own.market)
            settled.append(_unproven(own))
            if doubt is not None:
                doubt(own, error)
            continue
        if answer is None and absent is not None and is_lost(own, now_ms):
            absent(own)
        if answer is not None and answer.status in _DROPPED and dropped is not None:
            dropped(own, answer)
        if answer is None or answer.status is not OrderStatus.OPEN:
            settled.append(settle_one(own, answer, now_ms))
        # else the snapshot does not show it: one of the two is old, and the next snapshot tells which
    return settled, bool(silent)


def _refuse_namesake(own: OwnOrder, seen: Order | None) -> None:
    """Raise BadVenueData for an order that goes by our id and cannot be ours: it would fill what we do not count."""
    if seen is not None and (seen.market, seen.side) != (own.market, own.side):
        raise BadVenueData(
            f"order {own.client_order_id} was sent as {own.market} {own.side} and shows as {seen.market} {seen.side}"
        )


def _raise_if_all_is_silent(venue: Venue, error: VenueUnreachable) -> None:
    """Raise `error` when the venue does not answer the smallest of questions either."""
    try:
        venue.time()
    except PfmmError:
        raise error from None


def _unproven(own: OwnOrder) -> OwnOrder:
    return replace(own, status=OwnStatus.UNKNOWN) if own.status is OwnStatus.SENDING else own


def _revived(journal: Journal, snapshot: Snapshot, run_ids: set[str], live: set[str]) -> list[OwnOrder]:
    """Find orders of ours that the venue shows open although they were believed gone.

    Its word is the stronger one, and an order that nobody counts would neither be limited nor cancelled.
    """
    ours = f"{journal.nonce}-"
    ids = [o.client_order_id for o in snapshot.orders if o.client_order_id is not None]
    known = [journal.order(one) for one in ids if one.startswith(ours) and one not in live]
    gone = [own for own in known if own is not None and own.run_id in run_ids and not own.status.live]
    # a list of before the record was changed last is not the stronger word
    return [own for own in gone if snapshot.orders_ms is None or own.updated_ms < snapshot.orders_ms]


def _record(journal: Journal, snapshot: Snapshot) -> None:
    """Record mids for markouts and equity for drawdown, at the resolution of the loop."""
    rows: list[tuple[str, int, Decimal]] = []
    for ticker in snapshot.tickers:
        mid = ticker.mid
        if mid is not None:
            rows.append((ticker.market, ticker.time_ms, mid))
    journal.record_mids(rows)
    journal.record_equity(snapshot.time.time_ms, snapshot.account.equity, snapshot.account.deposits)

"""Cancelling what a run has resting, and PROVING that nothing is left. Used by stop, by exits and by restarts.

Works from the journal's order records and the venue alone, so that it serves for a runner that is long dead.
Layer: engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from pfmm.engine.observe import observe
from pfmm.engine.order_status import settle_absent, settle_one
from pfmm.errors import (
    AuthenticationError,
    ConfigError,
    OtherExchange,
    OutcomeUnknown,
    PfmmError,
    StateUnknown,
    UnknownMarket,
    VenueRefused,
    VenueUnreachable,
)
from pfmm.model.account import Snapshot
from pfmm.model.deadline import Deadline
from pfmm.model.expiry import acts_until_ms
from pfmm.model.order import Batch, BatchAnswer, CancelOrder, Order
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.ports import Clock, Journal, Venue

ATTEMPTS = 12
_PAUSE_MS = 250


@dataclass(frozen=True, slots=True)
class WindDown:
    """What was cancelled, seen by the venue's own word, and the snapshot that proves that nothing rests."""

    cancelled: int
    snapshot: Snapshot


def wind_down(
    venue: Venue,
    journal: Journal,
    clock: Clock,
    markets: Sequence[str],
    run_ids: Sequence[str],
    *,
    not_before_ms: int = 0,
    attempts: int = ATTEMPTS,
    deadline: Deadline | None = None,
    spared_slot: str | None = None,
) -> WindDown:
    """Cancel every order of `run_ids` and return once none can be live any more.

    Orders of `spared_slot` that are known to rest are left: where nobody trades on, a stop is what protects.
    Orders whose fate is unknown are cancelled by client order id and believed absent only after their expiry; those
    that did rest and that the venue knows no more, only by a snapshot later than that cancel.
    `not_before_ms` is the venue time of the newest that was seen: an older snapshot proves nothing, here as later.
    The clock is brought to the venue's time. Raises StateUnknown, naming what is left, when that cannot be proven
    within `attempts` rounds or before the `deadline` (to which the caller holds requests and waits as well), or the
    journal cannot record it; what could be cancelled is cancelled even then. Raises
    OtherExchange where another paper exchange answers than the one that has the orders, and AuthenticationError, with
    how many orders may still rest, where the key is not accepted: no round would change that.
    """
    asked: set[str] = set()
    problems: list[PfmmError] = []  # of the newest round
    for attempt in range(attempts):
        if attempt and deadline is not None and deadline.passed:
            break
        asked.update(order.client_order_id for order in _live(journal, run_ids, spared_slot))
        if attempt > 1:  # the venue has been asked to cancel: it may need a moment to show it
            pause(clock)
        try:
            problems.clear()
            snapshot = _seen(venue, journal, markets, run_ids, not_before_ms, problems)
            clock.synchronise(snapshot.time)
            not_before_ms = snapshot.time.time_ms
            live = _live(journal, run_ids, spared_slot)
            shown = _shown(journal, snapshot, run_ids, spared_slot)
            if not live and not shown:
                return WindDown(_count_cancelled(journal, asked), snapshot)
            asked.update(order.client_order_id for order in live)  # an orphan may have come to light
            twins = _twins(shown, live, problems)
            extra = shown if attempt else twins
            not_before_ms = max(not_before_ms, _cancel(venue, journal, live, extra, not_before_ms, problems))
            let_expiries_pass(clock, _live(journal, run_ids, spared_slot))
        except (VenueUnreachable, VenueRefused, OutcomeUnknown) as error:
            problems.append(error)
            ask_to_cancel(venue, _live(journal, run_ids, spared_slot))  # what cannot be seen can still be cancelled
        except AuthenticationError as error:
            raise _not_accepted(venue, _live(journal, run_ids, spared_slot), error) from None
        except OtherExchange:
            raise  # which cannot tell, nor cancel, what rests at the one that the orders were sent to
        except ConfigError as error:
            ask_to_cancel(venue, _live(journal, run_ids, spared_slot))
            raise _not_recorded(error) from error
    raise _not_proven(_live(journal, run_ids, spared_slot), problems)


def _note(problems: list[PfmmError], _: OwnOrder, error: PfmmError) -> None:
    problems.append(error)


def _not_recorded(error: ConfigError) -> StateUnknown:
    return StateUnknown(f"the orders were asked to be cancelled, but not proven gone: {error.message}")


def _not_proven(left: Sequence[OwnOrder], problems: Sequence[PfmmError]) -> StateUnknown:
    names = ", ".join(f"{o.market} {o.slot} ({o.client_order_id}, {o.status})" for o in left) or "none known"
    why, hint = (f"; {problems[-1].message}", problems[-1].hint) if problems else ("", None)
    return StateUnknown(f"{len(left)} orders could not be proven gone: {names}{why}", hint=hint)


def _seen(
    venue: Venue,
    journal: Journal,
    markets: Sequence[str],
    run_ids: Sequence[str],
    not_before_ms: int,
    problems: list[PfmmError],
) -> Snapshot:
    """Read the snapshot; without prices where a market was taken off the list.

    The proof needs only the account's orders.
    """
    venue.look_anew()  # what stood a moment ago proves nothing
    doubt = partial(_note, problems)
    look = partial(observe, venue, journal, run_ids=run_ids, not_before_ms=not_before_ms, doubt=doubt)
    try:
        return look(markets)
    except UnknownMarket:
        return look(())


def _not_accepted(venue: Venue, live: Sequence[OwnOrder], error: AuthenticationError) -> AuthenticationError:
    """Return what to raise where the key is refused, once a cancel was tried.

    A key that may not read may still do that.
    """
    with suppress(AuthenticationError):
        ask_to_cancel(venue, live)
    text = f"{error.message}; {len(live)} orders could not be proven gone and may still rest"
    return AuthenticationError(text, hint=error.hint)


def _live(journal: Journal, run_ids: Sequence[str], spared_slot: str | None) -> list[OwnOrder]:
    every = (order for run_id in run_ids for order in journal.live_orders(run_id=run_id))
    return [order for order in every if order.slot != spared_slot or order.status is not OwnStatus.OPEN]


def pause(clock: Clock) -> None:
    """Wait a moment of venue time; a stepped venue that does not answer is simply asked again."""
    with suppress(VenueUnreachable, VenueRefused, OutcomeUnknown):
        clock.wait_until(clock.now_ms() + _PAUSE_MS)


def _shown(journal: Journal, snapshot: Snapshot, run_ids: Sequence[str], spared_slot: str | None) -> list[Order]:
    """Find the snapshot's open orders that go by the id of an order of these runs, whatever the journal believes.

    One that is spared must be the very order that the record is about.
    """
    ours = f"{journal.nonce}-"
    found = []
    for order in snapshot.orders:
        name = order.client_order_id or ""
        own = journal.order(name) if name.startswith(ours) else None
        if own is None or own.run_id not in run_ids:
            continue
        if own.slot != spared_slot or own.status is not OwnStatus.OPEN or own.order_id != order.order_id:
            found.append(order)
    return found


def _twins(shown: Sequence[Order], live: Sequence[OwnOrder], problems: list[PfmmError]) -> list[Order]:
    """Find those of the open orders that the records are not about; they are a problem where there is no other.

    The venue may have made two orders of one request, and by client order id it would cancel but one of them.
    """
    known = {order.order_id for order in live}
    twins = [order for order in shown if order.order_id not in known]
    if twins and not problems:
        named = ", ".join(f"{order.market} order {order.order_id} ({order.client_order_id})" for order in twins)
        problems.append(StateUnknown(f"resting beside another of the same client order id: {named}"))
    return twins


def ask_to_cancel(venue: Venue, live: Sequence[OwnOrder], by_order_id: Sequence[Order] = ()) -> BatchAnswer | None:
    """Send one cancel request for everything live, and for `by_order_id` by the venue's own id.

    None when the venue gave no usable answer to the whole of it.
    """
    ours = (CancelOrder(o.market, client_order_id=o.client_order_id) for o in live)
    batch = Batch(cancel=(*ours, *(CancelOrder(o.market, order_id=o.order_id) for o in by_order_id)))
    with suppress(OutcomeUnknown, VenueUnreachable, VenueRefused):
        return venue.submit(batch) if len(batch) else BatchAnswer()
    return None


def _cancel(
    venue: Venue,
    journal: Journal,
    live: Sequence[OwnOrder],
    by_order_id: Sequence[Order],
    now_ms: int,
    problems: list[PfmmError],
) -> int:
    """Ask for everything live to be cancelled and record the answers, or the problem.

    Answers about `by_order_id` tell nothing of a record. Returns the venue time of the newest change that was
    acknowledged, 0 without any.
    """
    answer = ask_to_cancel(venue, live, by_order_id)
    if answer is None:
        problems.append(OutcomeUnknown("the cancels got no usable answer"))
        return 0
    acknowledged_ms = max((item.updated_ms for item in answer.cancel if isinstance(item, Order)), default=0)
    updates = []
    for own, item in zip(live, answer.cancel[: len(live)], strict=True):
        settled = settle_one(own, item, now_ms) if isinstance(item, Order) else settle_absent(own, item.reason, now_ms)
        if settled != own:
            updates.append(settled)
    if updates:
        journal.update_orders(updates, time_ms=now_ms)
    return acknowledged_ms


def let_expiries_pass(clock: Clock, live: Sequence[OwnOrder]) -> None:
    """Wait for the expiry of requests in flight: absence proves nothing before it."""
    pending = (OwnStatus.SENDING, OwnStatus.UNKNOWN)
    ends = [acts_until_ms(o.valid_until_ms) + 1 for o in live if o.status in pending and o.valid_until_ms is not None]
    if ends:
        clock.wait_until(max(ends))


def _count_cancelled(journal: Journal, asked: set[str]) -> int:
    orders = [journal.order(client_order_id) for client_order_id in asked]
    return sum(1 for order in orders if order is not None and order.status is OwnStatus.CANCELLED)

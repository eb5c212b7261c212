"""The way out without a journal: cancel what the process remembers, and prove it by the venue's own word.

Sends cancels and nothing else. Where it is used the journal can neither be read nor written, so that nothing that it
says may count. Knows the ports only. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pfmm.engine.cancel import ATTEMPTS, ask_to_cancel, let_expiries_pass, pause
from pfmm.errors import ConfigError, OutcomeUnknown, PfmmError, StateUnknown, VenueRefused, VenueUnreachable
from pfmm.model.account import Snapshot
from pfmm.model.deadline import Deadline
from pfmm.model.order import Order, OrderStatus
from pfmm.model.plan import OwnOrder
from pfmm.ports import Clock, Venue


@dataclass(slots=True)
class _Progress:
    """What the rounds have brought so far: ids that the venue cancelled, the newest snapshot, the newest problem."""

    cancelled: set[str]
    not_before_ms: int
    snapshot: Snapshot | None = None
    shown: tuple[Order, ...] = ()
    problem: PfmmError | None = None


def cancel_remembered(
    venue: Venue,
    clock: Clock,
    orders: Sequence[OwnOrder],
    markets: Sequence[str],
    cause: PfmmError,
    *,
    not_before_ms: int = 0,
    attempts: int = ATTEMPTS,
    deadline: Deadline | None = None,
) -> StateUnknown:
    """Cancel `orders` by client order id and look, until a snapshot shows none of them.

    It ends as well once `attempts` or the `deadline` are over.

    Returns the error to end with (exit 8): what made the journal unusable (`cause`), how many orders were cancelled,
    whether the venue shows that none rests, the position that is left on `markets`, and the command that closes it.
    It is an error even when the proof succeeds, since what was filled can no longer be recorded.
    """
    progress = _Progress(set(), not_before_ms)
    proven = False
    for attempt in range(attempts):
        if attempt and deadline is not None and deadline.passed:
            break
        if attempt:
            pause(clock)
        try:
            proven = _round(venue, clock, orders, markets, progress)
        except (VenueUnreachable, VenueRefused, OutcomeUnknown) as error:
            progress.problem = error
        except PfmmError as error:  # a key that is refused, a budget that is spent: no round would change that
            progress.problem = error
            break
        if proven:
            break
    return _told(venue, orders, markets, progress, cause, proven=proven)


def _round(venue: Venue, clock: Clock, orders: Sequence[OwnOrder], markets: Sequence[str], progress: _Progress) -> bool:
    """Ask for every cancel, wait until no request can still arrive, and look; return True when that proves the end."""
    answer = ask_to_cancel(venue, orders, progress.shown)
    if answer is not None:
        done = [one for one in answer.cancel if isinstance(one, Order)]
        progress.cancelled |= {one.order_id for one in done if one.status is OrderStatus.CANCELLED}
        progress.not_before_ms = max([progress.not_before_ms, *(one.updated_ms for one in done)])
    let_expiries_pass(clock, orders)
    snapshot = venue.state(markets)
    clock.synchronise(snapshot.time)
    if snapshot.time.time_ms < progress.not_before_ms:
        progress.problem = StateUnknown(f"{venue.name} answers with a stale snapshot")
        return False
    progress.not_before_ms = snapshot.time.time_ms
    progress.snapshot = snapshot
    ids = {order.client_order_id for order in orders}
    progress.shown = tuple(order for order in snapshot.orders if order.client_order_id in ids)
    return not progress.shown


def _told(
    venue: Venue,
    orders: Sequence[OwnOrder],
    markets: Sequence[str],
    progress: _Progress,
    cause: PfmmError,
    *,
    proven: bool,
) -> StateUnknown:
    where = f"{venue.name} account {venue.account}"
    count = len(progress.cancelled)
    if proven and progress.snapshot is not None:
        orders_text = f"{count} orders cancelled from memory, and {where} shows none of this run resting"
    else:
        may_rest = progress.shown or orders
        names = ", ".join(f"{one.market} {one.client_order_id}" for one in may_rest) or "none known"
        why = "" if progress.problem is None else f" ({progress.problem.message})"
        orders_text = f"{count} orders cancelled from memory at {where}, {len(may_rest)} may still rest: {names}{why}"
    names = " ".join(markets)
    return StateUnknown(
        f"{cause.message}; the exit policy became cancel: {orders_text}; {_positions(progress.snapshot, markets)}",
        hint=f"`pfmm flatten {names}` needs no journal: it cancels, closes and proves" + _fix(cause),
    )


def _fix(cause: PfmmError) -> str:
    return f"; {cause.hint}" if isinstance(cause, ConfigError) and cause.hint else ""


def _positions(snapshot: Snapshot | None, markets: Sequence[str]) -> str:
    """Put the positions that are left in words: "position left: BTC-PERP 0.01"."""
    if snapshot is None:
        return "the position could not be read"
    sizes = {position.market: position.size for position in snapshot.positions}
    held = [f"{market} {sizes[market]:f}" for market in markets if sizes.get(market, Decimal(0))]
    return "position left: " + ", ".join(held) if held else "no position is left on " + ", ".join(markets)

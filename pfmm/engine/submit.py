"""From an approved plan to one batch on the wire, and from its answers back into the journal.

The intents were committed before; here a request leaves at most once. What got no usable answer stays UNKNOWN and
is settled by client order id in a later cycle. Knows the ports only. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pfmm.engine.order_status import settle_absent, settle_one
from pfmm.engine.protection import STOP_SLOT
from pfmm.errors import OutcomeUnknown, PfmmError, VenueRefused, VenueUnreachable
from pfmm.model.account import VenueTime
from pfmm.model.expiry import valid_until_ms
from pfmm.model.order import AmendOrder, Batch, BatchAnswer, CancelOrder, NewOrder, Order, Refusal, TimeInForce
from pfmm.model.plan import DesiredOrder, OwnOrder, OwnStatus, Plan
from pfmm.model.quick import quick, replace
from pfmm.model.refusal import RefusalReason
from pfmm.model.run import Intents
from pfmm.ports import Journal, Venue

CLOSE_SLOT = "close"  # the reduce-only IOC order that closes a run's inventory


@quick(frozen=True, slots=True)
class SendNote:
    """One thing that happened to one order: an event name with its fields, and the slot that it concerns. `counts` is
    True for a refusal of what the slot wants, which the next cycle would only repeat."""

    name: str
    run_id: str
    slot: str
    data: Mapping[str, Any] = field(default_factory=dict)
    post_only_refused: bool = False
    counts: bool = False


def intents_of(
    plan: Plan,
    *,
    run_id: str,
    market: str,
    first_number: int,
    nonce: str,
    time: VenueTime,
    beside: Sequence[DesiredOrder],
    replaces: bool = False,
) -> Intents:
    """Return the records to commit before an approved plan, and what is placed `beside` it, is sent.

    Client order ids are `nonce-number` and never repeat; requests expire REQUEST_LIFE_MS (of venue time at speed 1)
    after the snapshot they were decided on. Where the venue `replaces` orders, each amendment is a new order of what
    shall rest, beside the record of the old one: both may fill until the venue has answered.
    """
    expiry_ms = valid_until_ms(time)
    amendments = plan.amend if replaces else ()
    wanted = (*plan.place, *beside, *(one.desired for one in amendments))
    place = tuple(
        OwnOrder(
            client_order_id=f"{nonce}-{first_number + index}",
            run_id=run_id,
            market=market,
            slot=desired.slot,
            side=desired.side,
            price=desired.price,
            size=desired.size,
            filled=Decimal(0),
            status=OwnStatus.SENDING,
            reduce_only=desired.reduce_only,
            created_ms=time.time_ms,
            updated_ms=time.time_ms,
            valid_until_ms=expiry_ms,
            trigger_price=desired.trigger_price,
        )
        for index, desired in enumerate(wanted)
    )
    cancel = tuple(order.client_order_id for order in plan.cancel)
    if replaces:
        new = place[len(place) - len(amendments) :]
        olds = {one.client_order_id: a.order for one, a in zip(new, amendments, strict=True)}
        return Intents(place, (), cancel, olds)
    amend = tuple(
        replace(a.order, amend_price=a.desired.price, amend_size=a.size, valid_until_ms=expiry_ms) for a in plan.amend
    )
    return Intents(place, amend, cancel)


@dataclass(slots=True)
class Sender:
    """Sends committed intents in one batch and records what became of each item."""

    _venue: Venue
    _journal: Journal
    acknowledged_ms: int = 0  # venue time of the newest change that the venue has acknowledged
    replaced: set[str] = field(default_factory=set)  # orders that ended as others took their place, until they settle

    def send(self, intents: Intents, now_ms: int) -> tuple[SendNote, ...]:
        """Send what was committed; nothing leaves when there is nothing to do.

        Never raises for a venue that is unreachable, refuses or stays silent: the notes say so, and the journal
        holds each order as REJECTED (it certainly never acted) or UNKNOWN (it may have). Any other error of the
        project is raised after the orders were recorded as UNKNOWN.
        """
        cancels = self._known(intents.cancel)
        batch = _batch(intents, cancels)
        if not len(batch):
            return ()
        try:
            answer = self._venue.submit(batch)
        except OutcomeUnknown as error:
            return self._unknown(intents, error.message, now_ms)
        except (VenueUnreachable, VenueRefused) as error:
            return self._never_acted(intents, error, now_ms)
        except PfmmError as error:
            self._unknown(intents, error.message, now_ms)
            raise
        return self._record(intents, cancels, answer, now_ms)

    def _known(self, client_order_ids: tuple[str, ...]) -> tuple[OwnOrder, ...]:
        found = (self._journal.order(client_order_id) for client_order_id in client_order_ids)
        return tuple(order for order in found if order is not None)

    def _unknown(self, intents: Intents, message: str, now_ms: int) -> tuple[SendNote, ...]:
        self._journal.update_orders([replace(o, status=OwnStatus.UNKNOWN) for o in intents.place], time_ms=now_ms)
        orders = (*intents.place, *intents.amend)
        return tuple(SendNote("unknown", o.run_id, o.slot, _unanswered(o, message)) for o in orders)

    def _never_acted(self, intents: Intents, error: PfmmError, now_ms: int) -> tuple[SendNote, ...]:
        rejected = [replace(o, status=OwnStatus.REJECTED) for o in intents.place]
        unchanged = [replace(o, amend_price=None, amend_size=None) for o in intents.amend]
        self._journal.update_orders([*rejected, *unchanged], time_ms=now_ms)
        run_ids = dict.fromkeys(o.run_id for o in (*rejected, *unchanged, *self._known(intents.cancel)))
        data = {"code": error.code, "reason": error.message, "acted": False}
        return tuple(SendNote("warning", run_id, "", data) for run_id in run_ids)

    def _record(
        self, intents: Intents, cancels: tuple[OwnOrder, ...], answer: BatchAnswer, now_ms: int
    ) -> tuple[SendNote, ...]:
        items = (*answer.cancel, *answer.amend, *answer.place)
        acknowledged = (item.updated_ms for item in items if isinstance(item, Order))
        self.acknowledged_ms = max((self.acknowledged_ms, *acknowledged))
        updates: list[OwnOrder] = []
        notes: list[SendNote] = []
        placed, replacing = _placed_and_replacing(intents)
        amended = zip((*intents.amend, *replacing), answer.amend, strict=True)
        outcomes = [_cancelled(own, item, now_ms) for own, item in zip(cancels, answer.cancel, strict=True)]
        for own, item in amended:
            old = intents.replaced.get(own.client_order_id)
            if old is None:
                outcomes.append(_amended(own, item, now_ms))
            else:
                updates += _old_leg(old, item)
                if isinstance(item, Order) or item.reason is RefusalReason.REPLACEMENT_REFUSED:
                    self.replaced.add(old.client_order_id)
                outcomes.append(_replaced(old, own, item, now_ms))
        outcomes += [_placed(own, item, now_ms) for own, item in zip(placed, answer.place, strict=True)]
        for after, note in outcomes:
            if after is not None:
                updates.append(after)
            notes.append(note)
        self._journal.update_orders(updates, time_ms=now_ms)
        return tuple(notes)


def _batch(intents: Intents, cancels: tuple[OwnOrder, ...]) -> Batch:
    placed, _ = _placed_and_replacing(intents)
    return Batch(
        cancel=tuple(CancelOrder(o.market, client_order_id=o.client_order_id) for o in cancels),
        amend=tuple(_amendments(intents)),
        place=tuple(map(_new_order, placed)),
    )


def _placed_and_replacing(intents: Intents) -> tuple[list[OwnOrder], list[OwnOrder]]:
    """Return the orders that are placed anew, and those that take the place of another."""
    if not intents.replaced:
        return list(intents.place), []
    placed = [one for one in intents.place if one.client_order_id not in intents.replaced]
    return placed, [one for one in intents.place if one.client_order_id in intents.replaced]


def _new_order(own: OwnOrder) -> NewOrder:
    return NewOrder(
        client_order_id=own.client_order_id,
        market=own.market,
        side=own.side,
        size=own.size,
        price=own.price,
        post_only=own.slot not in (CLOSE_SLOT, STOP_SLOT),
        reduce_only=own.reduce_only,
        time_in_force=TimeInForce.IOC if own.slot == CLOSE_SLOT else TimeInForce.GTC,
        valid_until_ms=own.valid_until_ms,
        trigger_price=own.trigger_price,
    )


def _amendments(intents: Intents) -> Iterator[AmendOrder]:
    for own in intents.amend:
        price = own.price if own.amend_price is None else own.amend_price
        size = own.size if own.amend_size is None else own.amend_size
        yield AmendOrder(own.client_order_id, own.market, price, size, own.valid_until_ms)
    for new in intents.place:
        old = intents.replaced.get(new.client_order_id)
        if old is not None:
            yield AmendOrder(
                old.client_order_id, old.market, new.price, new.size, new.valid_until_ms, replacement=_new_order(new)
            )


Outcome = tuple[OwnOrder | None, SendNote]


def _placed(own: OwnOrder, item: Order | Refusal, now_ms: int) -> Outcome:
    if isinstance(item, Order):
        return settle_one(own, item, now_ms), SendNote("placed", own.run_id, own.slot, _describe(own))
    if item.reason is RefusalReason.OUTCOME_UNKNOWN:
        return replace(own, status=OwnStatus.UNKNOWN), _unknown_note(own, item)
    return replace(own, status=OwnStatus.REJECTED), _refused(own, item, counts=True)


def _amended(own: OwnOrder, item: Order | Refusal, now_ms: int) -> Outcome:
    if isinstance(item, Order):
        data = {**_describe(own), "price": own.amend_price, "size": own.amend_size, "from_price": own.price}
        return settle_one(own, item, now_ms, acknowledged=True), SendNote("amended", own.run_id, own.slot, data)
    if item.reason is RefusalReason.OUTCOME_UNKNOWN:
        return None, _unknown_note(own, item)
    status = OwnStatus.MISSING if item.reason.gone else own.status
    after = replace(own, amend_price=None, amend_size=None, status=status)
    return after, _refused(own, item, counts=not item.reason.gone)


def _replaced(old: OwnOrder, new: OwnOrder, item: Order | Refusal, now_ms: int) -> Outcome:
    """Return the new order after the venue's answer, as one that was placed."""
    after, note = _placed(new, item, now_ms)
    if note.name != "placed":
        return after, note
    return after, replace(note, name="amended", data={**note.data, "from_price": old.price})


def _old_leg(old: OwnOrder, item: Order | Refusal) -> list[OwnOrder]:
    """Mark the order that was to be replaced as MISSING where the answer says that it rests no more.

    The next read asks for its fills by its own id. Refused otherwise, or without an answer, it may rest as before.
    """
    gone = isinstance(item, Order) or item.reason.gone
    return [replace(old, status=OwnStatus.MISSING)] if gone else []


def _cancelled(own: OwnOrder, item: Order | Refusal, now_ms: int) -> Outcome:
    if isinstance(item, Order):
        return settle_one(own, item, now_ms), SendNote("cancelled", own.run_id, own.slot, _describe(own))
    if item.reason is RefusalReason.OUTCOME_UNKNOWN:
        return None, _unknown_note(own, item)
    settled = settle_absent(own, item.reason, now_ms)
    return None if settled == own else settled, _refused(own, item)


def _unknown_note(own: OwnOrder, item: Refusal) -> SendNote:
    return SendNote("unknown", own.run_id, own.slot, _unanswered(own, item.message))


def _unanswered(own: OwnOrder, reason: str) -> dict[str, Any]:
    return {"slot": own.slot, "client_order_id": own.client_order_id, "reason": reason}


def _refused(own: OwnOrder, item: Refusal, *, counts: bool = False) -> SendNote:
    data = {**_describe(own), "code": item.code, "reason": item.message}
    crossing = item.reason is RefusalReason.POST_ONLY_WOULD_CROSS
    counts = counts and not crossing and not item.reason.passing
    return SendNote("refused", own.run_id, own.slot, data, post_only_refused=crossing, counts=counts)


def _describe(own: OwnOrder) -> dict[str, Any]:
    told = {
        "slot": own.slot,
        "side": own.side,
        "price": own.price,
        "size": own.size,
        "client_order_id": own.client_order_id,
    }
    return told if own.trigger_price is None else {**told, "trigger_price": own.trigger_price}

"""One batch of order actions through `POST /api/orders/batch`: splitting, idempotent answers, honest gaps.

Nothing here is sent twice. An item without a usable answer is said to be unknown, never guessed. Layer: venue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pfmm.errors import (
    BadVenueData,
    CannotDoThis,
    OutcomeUnknown,
    PfmmError,
    VenueRefused,
)
from pfmm.model.order import AmendOrder, Batch, BatchAnswer, CancelOrder, NewOrder, Order, Refusal
from pfmm.venue import purpleflea_account as form
from pfmm.venue.batch import NOT_SENT, OUTCOME_UNKNOWN, failed_item, lane_of
from pfmm.venue.client import HttpClient
from pfmm.venue.purpleflea_json import same_market
from pfmm.venue.wire import Record

MAX_BATCH = 100
PATH = "/api/orders/batch"

Kind = Literal["cancel", "amend", "place"]
KINDS: tuple[Kind, ...] = ("cancel", "amend", "place")


@dataclass(frozen=True, slots=True)
class _Item:
    """One action with its JSON."""

    kind: Kind
    action: CancelOrder | AmendOrder | NewOrder
    json: dict[str, object]


def send(http: HttpClient, batch: Batch) -> BatchAnswer:
    """Send the batch, at most 100 items a request, cancels first, then amends, then places.

    Every item is checked before the first request leaves (RiskRefused). When the first request fails as a whole its
    error is raised. When a later one fails, what was answered is returned, and the rest carries refusals of status 0:
    `outcome_unknown` for items that may have acted, `not_sent` for items that certainly did not.
    """
    items = _items(batch)
    answers: list[Order | Refusal] = []
    for start in range(0, len(items), MAX_BATCH):
        part = items[start : start + MAX_BATCH]
        try:
            answers += _send_part(http, part)
        except PfmmError as error:
            if start == 0:
                raise
            answers += [failed_item(error)] * len(part)
            unsent = len(items) - len(answers)
            answers += [Refusal(NOT_SENT, f"not sent after: {error.message}", 0)] * unsent
            break
    return _joined(items, answers)


def _items(batch: Batch) -> list[_Item]:
    return [
        *(_Item("cancel", one, form.cancel_item(one)) for one in batch.cancel),
        *(_Item("amend", one, form.amend_item(one)) for one in batch.amend),
        *(_Item("place", one, form.place_item(one)) for one in batch.place),
    ]


def _send_part(http: HttpClient, part: Sequence[_Item]) -> list[Order | Refusal]:
    body: dict[str, object] = {kind: [item.json for item in part if item.kind == kind] for kind in KINDS}
    try:
        answer = http.act("POST", PATH, body, lane=lane_of([item.action for item in part]))
    except VenueRefused as error:
        if error.status in (404, 405, 501):
            raise CannotDoThis(
                f"{http.place} does not serve {PATH}", venue_code=error.venue_code, status=error.status
            ) from None
        raise
    try:
        record = Record(answer, PATH)
        results = [row for kind in KINDS for row in _results(record, kind, part)]
    except BadVenueData as error:
        raise OutcomeUnknown(f"{error.message}: the batch may or may not have acted") from None
    return [_answer(item, row) for item, row in zip(part, results, strict=True)]


def _results(record: Record, kind: Kind, part: Sequence[_Item]) -> list[Record]:
    asked = sum(item.kind == kind for item in part)
    rows = record.records(kind, MAX_BATCH) if record.given(kind) or asked else []
    if len(rows) != asked:
        raise record.refusal(kind, f"must hold {asked} answers, one an item")
    return rows


def _answer(item: _Item, row: Record) -> Order | Refusal:
    """Read the order, or the refusal. An answer that cannot be read, or is about another order, leaves it unknown."""
    try:
        if row.flag("ok"):
            return _the_order(item, row)
        code, status = row.text("error"), row.whole("status", 400, 599)
        if item.kind == "place" and code == "duplicate_client_order_id":
            return _the_order(item, row)
    except BadVenueData as error:
        return Refusal(OUTCOME_UNKNOWN, error.message, 0)
    message = row.words("message") or code
    if status >= 500 and code != "busy":
        return Refusal(OUTCOME_UNKNOWN, f"{code}: {message}", 0)
    return Refusal(code, message, status)


def _the_order(item: _Item, row: Record) -> Order:
    record = row.record("order")
    found = form.order(record)
    action = item.action
    if not isinstance(action, CancelOrder) or action.client_order_id is not None:
        if found.client_order_id != action.client_order_id:
            raise record.refusal("client_order_id", f"must be {action.client_order_id}")
    elif found.order_id != action.order_id:
        raise record.refusal("order_id", f"must be {action.order_id}")
    same_market(record, action.market)
    if isinstance(action, NewOrder) and found.side is not action.side:
        raise record.refusal("side", f"must be {action.side}")
    return found


def _joined(items: Sequence[_Item], answers: Sequence[Order | Refusal]) -> BatchAnswer:
    pairs = list(zip(items, answers, strict=True))
    cancel, amend, place = (tuple(answer for item, answer in pairs if item.kind == kind) for kind in KINDS)
    return BatchAnswer(cancel, amend, place)

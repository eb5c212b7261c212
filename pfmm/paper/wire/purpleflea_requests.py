"""Reads order requests out of parsed JSON, strictly: a misspelt or mistyped field must never place another order.

It checks shapes, types and words; ticks, steps, minimums and money are the exchange's own business. Layer: paper.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from pfmm.paper.messages import AmendRequest, BatchItem, CancelRequest, ExchangeError, PlaceRequest
from pfmm.paper.order_rules import MAX_CLIENT_ID

Wish = TypeVar("Wish", CancelRequest, AmendRequest, PlaceRequest)

MAX_BATCH = 100
MAX_TIME_MS = 10**14

_ID = re.compile(rf"[!-~]{{1,{MAX_CLIENT_ID}}}")
_SIZED = ("price", "size_base", "valid_until")
_NAMED = ("order_id", "client_order_id")
_PLACE = frozenset(
    (
        "market",
        "side",
        "type",
        "size",
        "client_order_id",
        "post_only",
        "reduce_only",
        "time_in_force",
        "trigger_price",
        *_SIZED,
    )
)
_BATCH = ("cancel", "amend", "place")


def place_request(body: Any) -> PlaceRequest:
    """Read the order that a POST /api/orders body asks for. Raises ExchangeError 400 naming the field and its value."""
    fields = _object(body, _PLACE)
    kind = _word(fields, "type", ("limit", "market"))
    size_usd, size_base = _number(fields, "size"), _number(fields, "size_base")
    if (size_usd is None) == (size_base is None):
        raise _bad("size", "give exactly one of size (USD) and size_base")
    price = _number(fields, "price")
    if (price is None) != (kind == "market"):
        raise _bad("price", f"a {kind} order takes {'no price' if kind == 'market' else 'a price'}")
    asked = _word(fields, "time_in_force", ("GTC", "IOC"), "GTC")
    time_in_force = "IOC" if kind == "market" else asked  # what a market order cannot take at once never rests
    post_only = _flag(fields, "post_only")
    if post_only and time_in_force == "IOC":
        raise _bad("post_only", "an order that takes at once cannot be post-only")
    return PlaceRequest(
        market=_text(fields, "market"),
        side=_word(fields, "side", ("long", "short")),
        type=kind,
        size_usd=size_usd,
        size_base=size_base,
        price=price,
        client_order_id=_id(fields, "client_order_id"),
        post_only=post_only,
        reduce_only=_flag(fields, "reduce_only"),
        time_in_force=time_in_force,
        valid_until_ms=_time(fields, "valid_until"),
        trigger_price=_number(fields, "trigger_price"),
    )


def amend_request(body: Any, *, order_id: str | None = None, client_order_id: str | None = None) -> AmendRequest:
    """Read what a PATCH body changes, on the order that the path names or, in a batch, the body itself."""
    in_path = order_id is not None or client_order_id is not None
    fields = _object(body, _SIZED if in_path else (*_NAMED, *_SIZED))
    if not in_path:
        order_id, client_order_id = _one_id(fields)
    price, size_base = _number(fields, "price"), _number(fields, "size_base")
    if price is None and size_base is None:
        raise ExchangeError(400, "bad_request", "an amend changes price, size_base or both")
    return AmendRequest(
        order_id=order_id,
        client_order_id=client_order_id,
        price=price,
        size_base=size_base,
        valid_until_ms=_time(fields, "valid_until"),
    )


def cancel_request(body: Any) -> CancelRequest:
    """Read the order that one item of a batch's cancel list names."""
    order_id, client_order_id = _one_id(_object(body, _NAMED))
    return CancelRequest(order_id=order_id, client_order_id=client_order_id)


class Part(NamedTuple, Generic[Wish]):
    """The items of one kind in a batch: `good` can be carried out, `refused` holds the places of the others."""

    good: list[Wish]
    refused: dict[int, ExchangeError]

    def merged(self, answered: Sequence[BatchItem]) -> list[BatchItem]:
        """Return one answer an item in the order of the request: the exchange's own, and refusals in their places."""
        rest = iter(answered)
        count = len(self.good) + len(self.refused)
        return [self.refused[place] if place in self.refused else next(rest) for place in range(count)]


class BatchItems(NamedTuple):
    """A whole batch, in the order in which it is done."""

    cancels: Part[CancelRequest]
    amends: Part[AmendRequest]
    places: Part[PlaceRequest]


def batch_items(body: Any) -> BatchItems:
    """Read the items of a batch; one that cannot be read is its own 400, and the others stand.

    Raises ExchangeError 400 for a body that is no batch, or of more than 100 items.
    """
    fields = _object(body, _BATCH)
    lists = {kind: fields.get(kind, []) for kind in _BATCH}
    for kind, items in lists.items():
        if not isinstance(items, list):
            raise _bad(kind, "must be a list", items)
    count = sum(len(items) for items in lists.values())
    if count > MAX_BATCH:
        raise ExchangeError(400, "bad_request", f"a batch has at most {MAX_BATCH} items, not {count}")
    return BatchItems(
        cancels=_part(cancel_request, lists["cancel"]),
        amends=_part(amend_request, lists["amend"]),
        places=_part(place_request, lists["place"]),
    )


def whole_field(body: Any, name: str, high: int) -> int:
    """Read the one field of a body like {"timeout_s": 30}: a whole number from 0 to `high`."""
    value = _object(body, (name,)).get(name)
    if type(value) is not int or not 0 <= value <= high:
        raise _bad(name, f"must be a whole number from 0 to {high}", value)
    return value


def _part(read: Callable[[Any], Wish], items: list[Any]) -> Part[Wish]:
    part: Part[Wish] = Part([], {})
    for place, item in enumerate(items):
        try:
            part.good.append(read(item))
        except ExchangeError as refusal:
            part.refused[place] = refusal
    return part


def _bad(name: str, rule: str, *value: Any) -> ExchangeError:
    shown = f", not {str(value[0])[:80]}" if value else ""
    return ExchangeError(400, f"invalid_{name}", f"{name}: {rule}{shown}")


def _object(body: Any, known: Collection[str]) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ExchangeError(400, "bad_request", "a JSON object is expected")
    for name in body:
        if name not in known:
            message = f"unknown field {name[:80]!r}; known: {', '.join(sorted(known))}"
            raise ExchangeError(400, "bad_request", message)
    return body


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _bad(name, "must be a text", value)
    return value


def _word(fields: dict[str, Any], name: str, words: tuple[str, ...], default: str | None = None) -> str:
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if value not in words:
        raise _bad(name, f"must be {' or '.join(words)}", value)
    return str(value)


def _flag(fields: dict[str, Any], name: str) -> bool:
    value = fields.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _bad(name, "must be true or false", value)
    return value


def _number(fields: dict[str, Any], name: str) -> Decimal | None:
    """Read a positive number, or None when the field is absent or null; true is not 1."""
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is int:
        value = Decimal(value)
    if type(value) is not Decimal or value <= 0:
        raise _bad(name, "must be a number above 0", value)
    return value


def _time(fields: dict[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 < value < MAX_TIME_MS:
        raise _bad(name, "must be a time in whole ms", value)
    return value


def _id(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise _bad(name, f"must be 1 to {MAX_CLIENT_ID} printable characters without spaces", value)
    return value


def _one_id(fields: dict[str, Any]) -> tuple[str | None, str | None]:
    order_id, client_order_id = _id(fields, "order_id"), _id(fields, "client_order_id")
    if (order_id is None) == (client_order_id is None):
        raise ExchangeError(400, "bad_request", "give exactly one of order_id and client_order_id")
    return order_id, client_order_id

"""Order requests out of JSON: what is read, and what is refused with the field's name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pfmm.paper.messages import AmendRequest, CancelRequest, ExchangeError, PlaceRequest
from pfmm.paper.wire.purpleflea_requests import amend_request, batch_items, cancel_request, place_request, whole_field

LIMIT: dict[str, Any] = {"market": "BTC-PERP", "side": "long", "type": "limit", "size": 50, "price": Decimal("64000.5")}
MARKET: dict[str, Any] = {"market": "BTC-PERP", "side": "short", "type": "market", "size_base": Decimal("0.01")}


def test_the_articles_order() -> None:
    assert place_request(LIMIT) == PlaceRequest(
        market="BTC-PERP", side="long", type="limit", size_usd=Decimal(50), price=Decimal("64000.5")
    )


def test_every_field() -> None:
    extra = {
        "client_order_id": "r1-bid-7",
        "post_only": True,
        "reduce_only": True,
        "time_in_force": "GTC",
        "valid_until": 1_784_000_000_000,
    }
    assert place_request({**LIMIT, **extra}) == PlaceRequest(
        market="BTC-PERP",
        side="long",
        type="limit",
        size_usd=Decimal(50),
        price=Decimal("64000.5"),
        client_order_id="r1-bid-7",
        post_only=True,
        reduce_only=True,
        valid_until_ms=1_784_000_000_000,
    )


def test_nulls_are_absent() -> None:
    nulls = dict.fromkeys(("price", "size", "client_order_id", "post_only", "time_in_force", "valid_until"))
    assert place_request({**MARKET, **nulls}) == place_request(MARKET)


def test_a_market_order_never_rests() -> None:
    assert place_request({**MARKET, "time_in_force": "GTC"}).time_in_force == "IOC"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"market": None}, "invalid_market"),
        ({"market": ""}, "invalid_market"),
        ({"market": 7}, "invalid_market"),
        ({"side": "buy"}, "invalid_side"),
        ({"side": None}, "invalid_side"),
        ({"side": ["long"]}, "invalid_side"),
        ({"type": "stop"}, "invalid_type"),
        ({"type": None}, "invalid_type"),
        ({"size": None}, "invalid_size"),
        ({"size": 0}, "invalid_size"),
        ({"size": -50}, "invalid_size"),
        ({"size": Decimal("-0.0")}, "invalid_size"),
        ({"size": "50"}, "invalid_size"),
        ({"size": True}, "invalid_size"),
        ({"size": [50]}, "invalid_size"),
        ({"size_base": Decimal("0.01")}, "invalid_size"),
        ({"price": None}, "invalid_price"),
        ({"price": True}, "invalid_price"),
        ({"price": 0}, "invalid_price"),
        ({"type": "market"}, "invalid_price"),
        ({"client_order_id": ""}, "invalid_client_order_id"),
        ({"client_order_id": "a b"}, "invalid_client_order_id"),
        ({"client_order_id": "x" * 65}, "invalid_client_order_id"),
        ({"client_order_id": 12}, "invalid_client_order_id"),
        ({"post_only": 1}, "invalid_post_only"),
        ({"post_only": "true"}, "invalid_post_only"),
        ({"reduce_only": 0}, "invalid_reduce_only"),
        ({"time_in_force": "FOK"}, "invalid_time_in_force"),
        ({"time_in_force": "IOC", "post_only": True}, "invalid_post_only"),
        ({"valid_until": True}, "invalid_valid_until"),
        ({"valid_until": Decimal("1784000000000.5")}, "invalid_valid_until"),
        ({"valid_until": 0}, "invalid_valid_until"),
        ({"valid_until": 10**14}, "invalid_valid_until"),
        ({"postonly": True}, "bad_request"),
        ({"post-only": True}, "bad_request"),
        ({"order_id": "o1"}, "bad_request"),
    ],
)
def test_refused_orders(change: dict[str, Any], code: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        place_request({**LIMIT, **change})
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize("body", [None, [], "order", 7, [LIMIT]])
def test_only_objects_are_orders(body: Any) -> None:
    with pytest.raises(ExchangeError, match="JSON object"):
        place_request(body)


def test_amends() -> None:
    assert amend_request({"price": 64001}, order_id="o1") == AmendRequest(order_id="o1", price=Decimal(64001))
    assert amend_request({"client_order_id": "c", "size_base": Decimal("0.2"), "valid_until": 5}) == AmendRequest(
        client_order_id="c", size_base=Decimal("0.2"), valid_until_ms=5
    )


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({}, {"order_id": "o1"}, "bad_request"),
        ({"price": None}, {"order_id": "o1"}, "bad_request"),
        ({"size": 50}, {"order_id": "o1"}, "bad_request"),
        ({"price": 1, "order_id": "o2"}, {"order_id": "o1"}, "bad_request"),
        ({"price": -1}, {"client_order_id": "c"}, "invalid_price"),
        ({"size_base": 0}, {"client_order_id": "c"}, "invalid_size_base"),
        ({"price": 1}, {}, "bad_request"),
        ({"price": 1, "order_id": "o1", "client_order_id": "c"}, {}, "bad_request"),
    ],
)
def test_refused_amends(body: Any, path: dict[str, str], code: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        amend_request(body, **path)
    assert (caught.value.status, caught.value.code) == (400, code)


def test_cancels() -> None:
    assert cancel_request({"order_id": "o1"}) == CancelRequest(order_id="o1")
    assert cancel_request({"client_order_id": "c"}) == CancelRequest(client_order_id="c")
    for body in ({}, {"order_id": "o1", "client_order_id": "c"}, {"id": "o1"}, "o1"):
        with pytest.raises(ExchangeError):
            cancel_request(body)


def test_an_unreadable_item_of_a_batch_keeps_its_place() -> None:
    items = batch_items({"place": [LIMIT, {**LIMIT, "side": "buy"}, MARKET], "cancel": [{"order_id": "o1"}]})
    assert [request.type for request in items.places.good] == ["limit", "market"]
    gone = ExchangeError(402, "insufficient_balance", "")
    merged = items.places.merged([gone, gone])
    assert [item.code for item in merged if isinstance(item, ExchangeError)] == [
        "insufficient_balance",
        "invalid_side",
        "insufficient_balance",
    ]
    assert items.amends.merged([]) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"places": []}, "bad_request"),
        ({"place": {}}, "invalid_place"),
        ({"cancel": None}, "invalid_cancel"),
        ([], "bad_request"),
        ({"place": [LIMIT] * 50, "cancel": [{"order_id": "o1"}] * 51}, "bad_request"),
    ],
)
def test_refused_batches(body: Any, code: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        batch_items(body)
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize("value", [None, True, -1, 86_401, Decimal("30.5"), "30"])
def test_whole_field_refuses(value: Any) -> None:
    with pytest.raises(ExchangeError, match="timeout_s"):
        whole_field({"timeout_s": value}, "timeout_s", 86_400)


def test_whole_field() -> None:
    assert whole_field({"timeout_s": 0}, "timeout_s", 86_400) == 0
    with pytest.raises(ExchangeError, match="unknown field"):
        whole_field({"timeout": 5}, "timeout_s", 86_400)

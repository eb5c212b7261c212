"""Order actions keep the key order that is hashed, and what cannot be said exactly never becomes an action."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pfmm.errors import RiskRefused
from pfmm.model.order import CancelOrder, NewOrder, Side, TimeInForce
from pfmm.venue.hyperliquid import actions

D = Decimal
ASSETS = {"BTC-PERP": 0, "xyz:TSLA-PERP": 110_003}
BID = NewOrder("a1b2c3-26", "BTC-PERP", Side.LONG, D("0.00100"), D("65432.0"))


def test_a_post_only_bid_has_the_keys_in_their_order() -> None:
    action = actions.place([BID], ASSETS)
    assert list(action) == ["type", "orders", "grouping"]
    (order,) = action["orders"]
    assert list(order) == ["a", "b", "p", "s", "r", "t", "c"]
    assert order == {
        "a": 0, "b": True, "p": "65432", "s": "0.001", "r": False, "t": {"limit": {"tif": "Alo"}},
        "c": "0x70f0a1b2c3000000000000000000001a",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("post_only", "lasts", "tif"),
    [(True, TimeInForce.GTC, "Alo"), (False, TimeInForce.GTC, "Gtc"), (False, TimeInForce.IOC, "Ioc")],
)
def test_the_life_of_an_order_has_one_word(post_only: bool, lasts: TimeInForce, tif: str) -> None:
    order = replace(BID, post_only=post_only, time_in_force=lasts, side=Side.SHORT, market="xyz:TSLA-PERP")
    json = actions.order_json(order, ASSETS)
    assert (json["a"], json["b"], json["t"]["limit"]["tif"]) == (110_003, False, tif)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": D(0), "reduce_only": True}, "whole position"),
        ({"size": D("NaN")}, "size NaN"),
        ({"price": None, "post_only": False}, "without a price"),
        ({"price": D("Infinity")}, "price"),
        ({"time_in_force": TimeInForce.IOC}, "post-only and immediate"),
        ({"market": "DOGE-PERP"}, "DOGE-PERP"),
        ({"client_order_id": "mine"}, "'mine'"),
    ],
)
def test_what_cannot_be_said_exactly_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(RiskRefused, match=words):
        actions.place([replace(BID, **changes)], ASSETS)  # type: ignore[arg-type]


def test_cancels_go_by_the_id_that_is_known() -> None:
    asked = [CancelOrder("BTC-PERP", order_id="77"), CancelOrder("BTC-PERP", client_order_id="a1b2c3-26")]
    by_id, by_cloid = actions.cancel(asked, ASSETS)
    assert by_id == {"type": "cancel", "cancels": [{"a": 0, "o": 77}]}
    cloid = "0x70f0a1b2c3000000000000000000001a"
    assert by_cloid == {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": cloid}]}
    assert actions.cancel([asked[0]], ASSETS)[1] is None
    with pytest.raises(RiskRefused, match="no order id"):
        actions.cancel([CancelOrder("BTC-PERP", order_id="0x1")], ASSETS)


def test_a_dead_man_switch_is_set_no_nearer_than_five_seconds() -> None:
    now_ms = 1_735_689_600_000
    assert actions.dead_man(now_ms + 5_000, now_ms) == {"type": "scheduleCancel", "time": now_ms + 5_000}
    assert actions.dead_man(None, now_ms) == {"type": "scheduleCancel"}
    with pytest.raises(RiskRefused, match="5 s"):
        actions.dead_man(now_ms + 4_999, now_ms)

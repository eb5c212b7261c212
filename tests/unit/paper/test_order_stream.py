"""Orders in the second dialect, however many there were: the stream of their changes, and one by its cloid."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.market_data import MAX_ROWS
from pfmm.paper.messages import AmendRequest, CancelRequest, OrderRecord, PlaceRequest
from pfmm.paper.wire import hyperliquid_json as form
from pfmm.paper.wire.hyperliquid_names import Names
from pfmm.paper.wire.wsgi import make_app

pytest.importorskip("coincurve", reason="addresses need the extra `hyperliquid`")
pytest.importorskip("sha3", reason="addresses need the extra `hyperliquid`")

D = Decimal
START_MS = 1_750_000_000_000


class Told:
    """A client that has subscribed, and what it was told of each order."""

    def __init__(self, exchange: Exchange) -> None:
        from pfmm.paper.wire.hyperliquid_keys import address

        self._talk = make_app(exchange).talk()
        asked = {"method": "subscribe", "subscription": {"type": "orderUpdates", "user": address("desk")}}
        (answer,) = self._talk.receive(json.dumps(asked))
        assert json.loads(answer)["channel"] == "subscriptionResponse"

    def look(self) -> list[Any]:
        """The rows of the next look."""
        frames = [json.loads(one) for one in self._talk.updates()]
        assert {one["channel"] for one in frames} <= {"orderUpdates"}
        return [row for one in frames for row in one["data"]]


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    stored = {"kind": "synthetic", "seed": 7, "speed": 0, "at_ms": START_MS}
    opened = Exchange.open(tmp_path / "x.sqlite3", lambda _: SyntheticFeed(7), lambda: START_MS, first_feed=stored)
    opened.open_account("desk")
    yield opened
    opened.close()


def placed(exchange: Exchange, side: str = "long", away: str = "0.97", **more: Any) -> OrderRecord:
    """An order of 20 USD at so much of the price of now."""
    price = (exchange.ticker("BTC-PERP").mark * D(away)).quantize(D(1))
    return exchange.place("desk", PlaceRequest("BTC-PERP", side, "limit", size_usd=D(20), price=price, **more))


def test_every_change_is_told_once_whatever_came_between_two_looks(exchange: Exchange) -> None:
    """Held against all orders of the exchange, as they were before and are now."""
    dice, told, before = random.Random(3), Told(exchange), {}
    kinds, statuses = [], set()
    for _ in range(60):
        for _ in range(dice.randrange(4)):
            resting = exchange.orders("desk")
            kind = dice.choice(["place", "take", "cancel", "amend", "wait"])
            kinds.append(kind)
            if kind == "place":
                placed(exchange, dice.choice(["long", "short"]), dice.choice(["0.9999", "1", "1.0001", "0.97"]))
            elif kind == "take":
                placed(exchange, "long", "1.01", time_in_force="IOC")
            elif kind == "cancel" and resting:
                exchange.cancel("desk", CancelRequest(order_id=dice.choice(resting).order_id))
            elif kind == "amend" and resting:
                one = dice.choice(resting)
                assert one.price is not None
                exchange.amend("desk", AmendRequest(order_id=one.order_id, price=one.price + dice.choice([-3, 3])))
            else:
                exchange.advance_clock(exchange.time().time_ms + dice.randrange(20_000))
        now = {form.oid(one.order_id): form.order_update(one) for one in exchange.orders("desk", status="all")}
        rows = told.look()
        assert [row["order"]["oid"] for row in rows] == sorted(
            number for number in now if now[number] != before.get(number)
        )
        statuses |= {row["status"] for row in rows}
        assert rows == [now[row["order"]["oid"]] for row in rows]
        assert told.look() == []
        before = now
    assert statuses >= {"open", "filled", "canceled"}
    assert set(kinds) == {"place", "take", "cancel", "amend", "wait"}


def test_however_many_orders_there_were_a_look_reads_those_that_rest(exchange: Exchange) -> None:
    for _ in range(120):
        exchange.cancel("desk", CancelRequest(order_id=placed(exchange).order_id))
    kept = [placed(exchange) for _ in range(3)]
    told = Told(exchange)
    newest = form.oid(kept[-1].order_id)
    assert len(exchange.orders_since("desk", newest, [form.oid(one.order_id) for one in kept])) == 3
    exchange.cancel("desk", CancelRequest(order_id=kept[0].order_id))
    assert [(row["order"]["oid"], row["status"]) for row in told.look()] == [(form.oid(kept[0].order_id), "canceled")]
    assert len(exchange.orders_since("desk", newest, [])) == 2


def test_an_order_is_found_by_its_cloid_however_many_came_after_it(exchange: Exchange) -> None:
    """A line of a grid may rest while a quote beside it moves a thousand times."""
    cloid = "0x" + "ab" * 16
    first = placed(exchange, client_order_id=cloid)
    placed(exchange, "short", "1.03", client_order_id="0x" + "ac" * 16)
    for number in range(MAX_ROWS):
        taken = placed(exchange, "long", "0.9", client_order_id=f"0x{number:032x}", time_in_force="IOC")
    assert taken.status == "cancelled"
    assert len(exchange.orders_named("desk", cloid)) == 1
    names = Names(exchange)
    found = names.order("desk", cloid.upper().replace("X", "x"))
    assert found is not None
    assert (found.order_id, found.status) == (first.order_id, "open")
    for wrong in ("", "0x", "0x" + "ab" * 15, None, 1.5):
        assert names.order("desk", wrong) is None


def test_an_address_that_nobody_has_is_told_nothing(exchange: Exchange) -> None:
    talk = make_app(exchange).talk()
    asked = {"method": "subscribe", "subscription": {"type": "orderUpdates", "user": "0x" + "3" * 40}}
    talk.receive(json.dumps(asked))
    placed(exchange)
    assert list(talk.updates()) == []

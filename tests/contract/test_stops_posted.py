"""A stop through the second language: the adapter places, reads and cancels one, and the exchange lets it trade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from pfmm.model.account import Cursors
from pfmm.model.order import Batch, CancelOrder, NewOrder, Order, OrderStatus, Refusal, Side
from pfmm.paper.exchange import Exchange
from pfmm.paper.messages import PlaceRequest
from pfmm.paper.wire.wsgi import make_app
from pfmm.venue.client import IN_PROCESS_URL, HttpClient, Timekeeper
from pfmm.venue.http import in_process
from pfmm.venue.hyperliquid.adapter import Hyperliquid
from tests.dialects import hyperliquid, need_signing
from tests.e2e.engine_rig import MARKET, START_MS, STEP_MS, ScriptedFeed, Step

D = Decimal
HERE = [Step(9999, 10001)] * 2  # bid 999.9, ask 1000.1


class World:
    """A long position of 0.5, the adapter that sees it, and the exchange's clock."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange, self.now_ms = exchange, START_MS
        exchange.place("a", PlaceRequest(MARKET, "long", "market", size_base=D("0.5")))
        keeper = Timekeeper(sleep=lambda _: self.go(0))
        self.http = HttpClient(IN_PROCESS_URL, transport=in_process(make_app(exchange)), timekeeper=keeper)
        self.venue: Hyperliquid = hyperliquid(self.http, "a")

    def go(self, steps: int = 1) -> None:
        self.now_ms += steps * STEP_MS + 1
        self.exchange.advance_clock(self.now_ms)

    def place(self, number: int = 1, *, trigger: str = "990", size: str = "0.5") -> Order | Refusal:
        stop = NewOrder(
            f"abcdef-{number}", MARKET, Side.SHORT, D(size), D(900), post_only=False, reduce_only=True,
            trigger_price=D(trigger),
        )  # fmt: skip
        (answer,) = self.venue.submit(Batch(place=(stop,))).place
        return answer


@contextmanager
def world(folder: Path, steps: Sequence[Step]) -> Iterator[World]:
    need_signing()
    stored = {"kind": "scripted", "speed": 0, "at_ms": START_MS}
    path = folder / "x.sqlite3"
    exchange = Exchange.open(path, lambda _: ScriptedFeed(steps), lambda: START_MS, first_feed=stored)
    made = World(exchange)
    try:
        yield made
    finally:
        made.venue.close()
        exchange.close()


def test_a_stop_waits_and_is_told_as_one(tmp_path: Path) -> None:
    with world(tmp_path, HERE) as made:
        placed = made.place()
        assert isinstance(placed, Order)
        assert placed.status is OrderStatus.OPEN
        (seen,) = made.venue.open_orders(MARKET)
        assert (seen.client_order_id, seen.side, seen.trigger_price) == ("abcdef-1", Side.SHORT, D(990))
        assert (seen.reduce_only, seen.post_only, seen.size) == (True, False, D("0.5"))
        asked = made.venue.order("abcdef-1")
        assert asked is not None
        assert (asked.status, asked.trigger_price) == (OrderStatus.OPEN, D(990))
        (answer,) = made.venue.submit(Batch(cancel=(CancelOrder(MARKET, client_order_id="abcdef-1"),))).cancel
        assert isinstance(answer, Order)
        assert made.venue.open_orders() == ()


def test_the_mark_reaches_it_and_it_closes_the_position(tmp_path: Path) -> None:
    with world(tmp_path, [*HERE, Step(9949, 9951), Step(9889, 9891), Step(9889, 9891)]) as made:
        made.place()
        made.go(2)
        assert [one.trigger_price for one in made.venue.state([]).orders] == [D(990)]
        made.go(2)
        seen = made.venue.snapshot([MARKET], Cursors())
        assert (seen.orders, seen.positions) == ((), ())
        assert [(one.client_order_id, one.side, one.size) for one in seen.fills][-1] == (
            "abcdef-1", Side.SHORT, D("0.5"),
        )  # fmt: skip
        done = made.venue.order("abcdef-1")
        assert done is not None
        assert done.status is OrderStatus.FILLED


def test_a_stop_that_could_open_a_position_is_refused(tmp_path: Path) -> None:
    with world(tmp_path, HERE) as made:
        made.exchange.place("a", PlaceRequest(MARKET, "short", "market", size_base=D("0.5"), reduce_only=True))
        refused = made.place()
        assert isinstance(refused, Refusal)
        assert made.venue.open_orders() == ()

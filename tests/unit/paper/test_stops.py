"""Stops of the paper exchange: reduce-only, triggered by the mark, taking what is displayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.messages import AmendRequest, CancelRequest, ExchangeError, OrderRecord, PlaceRequest
from tests.e2e.engine_rig import MARKET, START_MS, STEP_MS, ScriptedFeed, Step

D = Decimal
HERE = [Step(9999, 10001)] * 2  # bid 999.9, ask 1000.1


class Stepped:
    """A scripted exchange and its clock; its file is closed after the test."""

    opened: ClassVar[list[Exchange]] = []

    def __init__(self, folder: Path, steps: Sequence[Step]) -> None:
        self.exchange = Exchange.open(
            folder / "x.sqlite3", lambda _: ScriptedFeed(steps), lambda: START_MS,
            first_feed={"kind": "scripted", "speed": 0, "at_ms": START_MS},
        )  # fmt: skip
        self.opened.append(self.exchange)
        self.now_ms = START_MS

    def hold(self, size: str, side: str = "long") -> None:
        self.exchange.place("a", PlaceRequest(MARKET, side, "market", size_base=D(size)))

    def stop(self, size: str, trigger: str, side: str = "short", **more: object) -> OrderRecord:
        asked = PlaceRequest(MARKET, side, "market", size_base=D(size), reduce_only=True, trigger_price=D(trigger))
        return self.exchange.place("a", asked._replace(**more))

    def go(self, steps: int = 1) -> None:
        self.now_ms += steps * STEP_MS
        self.exchange.advance_clock(self.now_ms)

    def order(self, order_id: str) -> OrderRecord:
        return self.exchange.order("a", order_id=order_id)

    def held(self) -> Decimal:
        return next((one.size_base for one in self.exchange.positions("a")), D(0))


@pytest.fixture(autouse=True)
def _files_are_closed() -> Iterator[None]:
    yield
    while Stepped.opened:
        Stepped.opened.pop().close()


def test_a_stop_waits_until_the_mark_is_at_its_trigger_and_then_takes(tmp_path: Path) -> None:
    """Long 0.5 at 1000.1; a sell stop at 990: marks of 995 leave it, 989 does not, and it sells at that bid."""
    s = Stepped(tmp_path, [*HERE, Step(9949, 9951), Step(9889, 9891)])
    s.hold("0.5")
    placed = s.stop("0.5", "990")
    assert (placed.status, placed.trigger_price, placed.filled_base, placed.reduce_only) == ("open", D(990), 0, True)
    s.go(2)
    assert s.order(placed.order_id).status == "open"
    assert [order.order_id for order in s.exchange.orders("a")] == [placed.order_id]
    s.go()
    done = s.order(placed.order_id)
    assert (done.status, done.avg_fill_price, done.reason, s.held()) == ("filled", D("988.9"), "triggered", 0)
    (_, fill) = s.exchange.fills("a").fills
    assert (fill.side, fill.liquidity, fill.size_base, fill.fee) == ("short", "taker", D("0.5"), D("0.247225"))


def test_a_buy_stop_closes_a_short_when_the_mark_rises(tmp_path: Path) -> None:
    s = Stepped(tmp_path, [*HERE, Step(10109, 10111)])
    s.hold("0.5", "short")
    placed = s.stop("0.5", "1010", "long")
    s.go(2)
    assert (s.order(placed.order_id).avg_fill_price, s.held()) == (D("1011.1"), 0)


def test_a_stop_never_turns_the_position_round(tmp_path: Path) -> None:
    """It asks for more than there is by the time that it is triggered: what is left of it is cancelled."""
    s = Stepped(tmp_path, [*HERE, Step(9889, 9891)])
    s.hold("0.5")
    placed = s.stop("0.5", "990")
    s.hold("0.3", "short")
    s.go(2)
    assert s.held() == 0
    assert (s.order(placed.order_id).status, s.order(placed.order_id).filled_base) == ("cancelled", D("0.2"))


def test_a_stop_without_a_position_is_cancelled_when_it_is_triggered(tmp_path: Path) -> None:
    s = Stepped(tmp_path, [*HERE, Step(9889, 9891), Step(9889, 9891)])
    s.hold("0.5")
    placed = s.stop("0.5", "990")
    s.hold("0.5", "short")
    s.hold("0.1")
    s.hold("0.2", "short")  # short 0.1: a sell has nothing to reduce
    s.go(3)
    done = s.order(placed.order_id)
    assert (done.status, done.reason, done.filled_base, s.held()) == ("cancelled", "reduce_only", 0, D("-0.1"))


def test_a_mark_that_is_there_already_triggers_at_once(tmp_path: Path) -> None:
    s = Stepped(tmp_path, HERE)
    s.hold("0.5")
    placed = s.stop("0.5", "1001")
    assert (placed.status, placed.avg_fill_price, s.held()) == ("filled", D("999.9"), 0)


def test_a_limit_below_which_it_does_not_sell_is_kept_and_a_triggered_stop_stays_triggered(tmp_path: Path) -> None:
    """Triggered at 980 with a limit of 985: it sells once 986 is bid again, though the mark is above its trigger."""
    s = Stepped(tmp_path, [*HERE, Step(9799, 9801), Step(9959, 9961)])
    s.hold("0.5")
    placed = s.stop("0.5", "990", type="limit", price=D(985))
    s.go(2)
    assert (s.order(placed.order_id).status, s.order(placed.order_id).reason) == ("open", "triggered")
    s.go()
    assert (s.order(placed.order_id).avg_fill_price, s.held()) == (D("995.9"), 0)


def test_the_way_does_not_matter(tmp_path: Path) -> None:
    """In one leap or in steps: the same fill at the same time."""
    steps = [*HERE, Step(9949, 9951), Step(9889, 9891), Step(9799, 9801)]
    fills = []
    for name, cuts in (("leap", [4]), ("steps", [1, 1, 1, 1])):
        (tmp_path / name).mkdir()
        s = Stepped(tmp_path / name, steps)
        s.hold("0.5")
        s.stop("0.5", "990")
        for cut in cuts:
            s.go(cut)
        fills.append(s.exchange.fills("a").fills)
    assert fills[0] == fills[1]


def test_a_stop_binds_no_margin_and_is_cancelled_and_made_smaller_as_any_order(tmp_path: Path) -> None:
    s = Stepped(tmp_path, HERE)
    s.hold("0.5")
    before = s.exchange.account("a").free_margin
    placed = s.stop("0.5", "990", client_order_id="stop-1")
    assert s.exchange.account("a").free_margin == before
    assert s.exchange.amend("a", AmendRequest(client_order_id="stop-1", size_base=D("0.3"))).size_base == D("0.3")
    s.exchange.cancel("a", CancelRequest(order_id=placed.order_id))
    assert s.exchange.orders("a") == ()


@pytest.mark.parametrize("wrong", [{"reduce_only": False}, {"type": "limit", "price": D(980), "time_in_force": "IOC"},
                                   {"type": "limit", "price": D(980), "post_only": True}])  # fmt: skip
def test_what_is_no_stop_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    s = Stepped(tmp_path, HERE)
    s.hold("0.5")
    with pytest.raises(ExchangeError) as refused:
        s.stop("0.5", "990", **wrong)
    assert refused.value.code == "invalid_trigger_price"


def test_a_stop_survives_the_process(tmp_path: Path) -> None:
    steps = [*HERE, Step(9889, 9891)]
    s = Stepped(tmp_path, steps)
    s.hold("0.5")
    placed = s.stop("0.5", "990")
    s.exchange.close()
    again = Stepped(tmp_path, steps)
    assert again.order(placed.order_id) == placed
    again.go(2)
    assert again.held() == 0

"""Several processes on one paper exchange file: nothing is lost, nothing is done twice, a kill leaves it usable."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.feed import TRADE, USD, Event, MarketSpec, Quote, TradeEvent, Watch
from pfmm.paper.messages import CancelRequest, PlaceRequest
from tests.regular_funding import RegularFunding

START = 1_700_000_000_000
SPEC = MarketSpec("BTC-PERP", "crypto", 1, 3, 1, None, 10 * USD, 50, -20_000, 50_000, 8)
PER_PROCESS = 15
PATIENCE_S = 120.0  # a busy machine lets a new process wait


class Ticking(RegularFunding):
    """A market that stands still at 99.9 / 100.1, with a sale of 0.001 at 95 every 5 ms."""

    def specs(self) -> Sequence[MarketSpec]:
        return [SPEC]

    def span(self) -> tuple[int, int] | None:
        return None

    def quote(self, market: str, time_ms: int) -> Quote:
        return Quote(time_ms, 999, 10_000, 1001, 10_000)

    def depth(self, market: str, time_ms: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        return [(999, 10_000)], [(1001, 10_000)]

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        return []

    def mark(self, market: str, time_ms: int) -> int:
        return 1000

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        first = after_ms // 5 + 1
        return (TradeEvent(index * 5, TRADE, 950, 1, -1) for index in range(first, to_ms // 5 + 1))


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def open_exchange(path: Path, clock: Callable[[], int] = wall_ms) -> Exchange:
    return Exchange.open(path, lambda _: Ticking(), clock)


def order(name: str, price: str) -> PlaceRequest:
    return PlaceRequest(
        "BTC-PERP", "long", "limit", size_base=Decimal("0.200"), price=Decimal(price), client_order_id=name
    )


def hammer(path: Path, name: str) -> None:
    exchange = open_exchange(path)
    for index in range(PER_PROCESS):
        exchange.place("a", order(f"{name}-{index}", "97"))
        exchange.place("a", order(f"{name}-{index}-gone", "50"))
        exchange.cancel("a", CancelRequest(client_order_id=f"{name}-{index}-gone"))
        exchange.state("a", ["BTC-PERP"])
    exchange.close()


def place_for_ever(path: Path) -> None:
    exchange = open_exchange(path)
    for index in range(1_000_000):
        exchange.place("a", order(f"k{index}", "50"))
        exchange.cancel("a", CancelRequest(client_order_id=f"k{index}"))


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=hammer, args=(path, name)) for name in ("left", "right")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE_S)
    assert [worker.exitcode for worker in workers] == [0, 0]
    now_ms = wall_ms()
    exchange = open_exchange(path, lambda: now_ms)  # the market stands still between the two reads
    state, orders = exchange.state("a", []), exchange.orders("a", status="all")
    exchange.close()
    assert len(orders) == 2 * 2 * PER_PROCESS
    assert [o.order_id for o in orders] == [f"o{number}" for number in range(1, len(orders) + 1)]
    kept = [o for o in orders if not (o.client_order_id or "").endswith("-gone")]
    assert {o.status for o in kept} <= {"open", "filled"}
    assert {(o.status, o.filled_base) for o in orders if o not in kept} == {("cancelled", Decimal(0))}
    assert [fill.sequence for fill in state.fills.fills] == list(range(1, len(state.fills.fills) + 1))
    bought = sum(fill.size_base for fill in state.fills.fills)
    assert bought == sum(o.filled_base for o in kept) == sum(p.size_base for p in state.positions)
    assert len({fill.time for fill in state.fills.fills}) == len(state.fills.fills)  # each print of 0.001 is used once
    account = state.account
    assert account.equity == (
        account.deposits + account.realized_pnl + account.unrealized_pnl - account.fees + account.funding
    )


def test_a_killed_process_leaves_a_consistent_file(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    exchange = open_exchange(path)
    worker = multiprocessing.get_context("spawn").Process(target=place_for_ever, args=(path,))
    worker.start()
    give_up = time.monotonic() + PATIENCE_S
    while len(exchange.orders("a", status="all")) < 20 and time.monotonic() < give_up:
        pass
    worker.kill()
    worker.join(PATIENCE_S)
    assert worker.exitcode == -signal.SIGKILL
    orders = exchange.orders("a", status="all")
    assert len(orders) >= 20
    assert {o.status for o in orders[:-1]} == {"cancelled"}
    assert exchange.place("a", order("after", "50")).status == "open"
    exchange.close()


class Interrupted(Ticking):
    """Something happens while an account is brought up to now."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile: list[Callable[[], None]] = [meanwhile]

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        if self._meanwhile:
            self._meanwhile.pop()()
        return super().events(market, after_ms, to_ms, watch)


def test_what_was_read_before_a_reset_is_not_written_after_it(tmp_path: Path) -> None:
    """Even where the account has been changed as often since as it had been before."""
    path = tmp_path / "paper.sqlite"
    other = open_exchange(path, lambda: START)
    other.place("a", order("before", "50"))

    def meanwhile() -> None:
        other.reset()
        other.place("a", order("after", "50"))

    exchange = Exchange.open(path, lambda _: Interrupted(meanwhile), lambda: START + 60_000)
    assert [o.client_order_id for o in exchange.state("a", []).orders] == ["after"]
    assert other.place("a", order("next", "50")).order_id == "o1000000002"
    exchange.close()
    other.close()

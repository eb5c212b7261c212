"""A venue that says what a test tells it to: implements the part of the port that the loop uses. And small values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pfmm.errors import PfmmError, VenueUnreachable
from pfmm.journal.journal import Journal
from pfmm.model.account import Account, Cursors, Position, Snapshot, VenueTime
from pfmm.model.market import Ticker
from pfmm.model.order import Batch, BatchAnswer, Fill, Liquidity, Order, OrderStatus, OrderType, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents, Run
from pfmm.ports import Amend, Capabilities

D = Decimal

T0 = 1_760_000_000_000
MARKET = "BTC-PERP"


def own(number: int = 1, *, status: OwnStatus = OwnStatus.SENDING, run_id: str = "n-r1", **changes: Any) -> OwnOrder:
    """An own buy of 2 at 100, sent at T0 and valid for 10 s."""
    order = OwnOrder(
        f"n-{number}", run_id, MARKET, f"bid:{number}", Side.LONG, D(100), D(2), D(0), status, False, T0, T0,
        valid_until_ms=T0 + 10_000,
    )  # fmt: skip
    return replace(order, **changes)


def order(number: int = 1, *, status: OrderStatus = OrderStatus.OPEN, **changes: Any) -> Order:
    """The venue's word on the same order."""
    found = Order(
        f"o{number}", f"n-{number}", MARKET, Side.LONG, OrderType.LIMIT, D(100), D(2), D(0), status, True, False, T0, T0
    )
    return replace(found, **changes)


def fill(number: int = 1, size: str = "2", *, at_ms: int = T0, **changes: Any) -> Fill:
    """A fill of that order."""
    found = Fill(
        f"f{number}-{at_ms}", f"o{number}", f"n-{number}", MARKET, Side.LONG, D(100), D(size), D("0.01"),
        Liquidity.MAKER, at_ms,
    )  # fmt: skip
    return replace(found, **changes)


def ticker(time_ms: int = T0) -> Ticker:
    """100 bid, 101 ask."""
    return Ticker(MARKET, time_ms, D(100), D(1), D(101), D(1), D("100.5"))


@dataclass
class ScriptedVenue:
    """Shows `orders` as open and `known` by client order id; `answers` to batches and `trouble` come from the test."""

    name: str = "paper"
    account: str = "main"
    now_ms: int = T0
    speed: float = 1.0
    orders: list[Order] = field(default_factory=list)
    known: dict[str, Order] = field(default_factory=dict)
    fills_waiting: list[Fill] = field(default_factory=list)
    position: Decimal = Decimal(0)
    answers: list[BatchAnswer | PfmmError] = field(default_factory=list)
    trouble: list[PfmmError] = field(default_factory=list)
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(Amend.IN_PLACE))
    sent: list[Batch] = field(default_factory=list)
    armed: list[int] = field(default_factory=list)
    silent: dict[str, PfmmError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    timeless: bool = False
    exchange_id: str | None = None

    def time(self) -> VenueTime:
        """The clock, unless the venue is gone."""
        if self.timeless:
            raise VenueUnreachable("gone")
        return VenueTime(self.now_ms, self.speed)

    def look_anew(self) -> None:
        """Every snapshot is what is scripted."""

    def tell_depth(self, levels: int) -> None:
        """Snapshots are what is scripted."""

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        """What is scripted now."""
        if self.trouble:
            raise self.trouble.pop(0)
        account = Account("main", D(10_000), D(10_000), D(0), D(10_000))
        position = Position(MARKET, self.position, abs(self.position) * 100, D(100), D(0))
        fills, self.fills_waiting = tuple(self.fills_waiting), []
        return Snapshot(
            VenueTime(self.now_ms, self.speed), account, (position,), tuple(self.orders), fills, (),
            (ticker(self.now_ms),), Cursors("1", "1"), self.exchange_id,
        )  # fmt: skip

    def submit(self, batch: Batch) -> BatchAnswer:
        """The next answer of the script; what it says is cancelled rests no longer."""
        self.sent.append(batch)
        answer = self.answers.pop(0)
        if isinstance(answer, PfmmError):
            raise answer
        closed = [one.order_id for one in answer.cancel if isinstance(one, Order) and one.status.final]
        self.orders = [one for one in self.orders if one.order_id not in closed]
        return answer

    def order(self, client_order_id: str) -> Order | None:
        """What is known by that id, or the failure that is scripted for it."""
        self.asked.append(client_order_id)
        if client_order_id in self.silent:
            raise self.silent[client_order_id]
        return self.known.get(client_order_id)

    def arm_dead_man(self, timeout_s: int) -> None:
        """Notes it, or fails as scripted."""
        if self.trouble:
            raise self.trouble.pop(0)
        self.armed.append(timeout_s)


@dataclass
class StepClock:
    """Waits by moving the venue."""

    venue: ScriptedVenue
    waits: list[int] = field(default_factory=list)
    synchronised: list[int] = field(default_factory=list)

    def now_ms(self) -> int:
        """The venue's time."""
        return self.venue.now_ms

    def synchronise(self, time: VenueTime) -> None:
        """Notes it."""
        self.synchronised.append(time.time_ms)

    def wait_until(self, time_ms: int) -> bool:
        """Is there at once."""
        self.waits.append(time_ms)
        self.venue.now_ms = max(self.venue.now_ms, time_ms)
        return True


def open_journal(folder: Path) -> Journal:
    """The account's journal."""
    return Journal.open(folder / "j.sqlite3", venue="paper", account="main", nonce="n")


def begin(journal: Journal) -> Run:
    """A run."""
    return journal.start_run("grid", MARKET, {}, time_ms=T0, wall_ms=T0, pid=1)


def commit(journal: Journal, *orders: OwnOrder) -> None:
    """Intents as the engine commits them; orders that shall rest are then recorded as such."""
    sending = tuple(replace(o, status=OwnStatus.SENDING) for o in orders)
    journal.commit_intents(lambda live, number: Intents(place=sending), time_ms=T0)
    journal.update_orders([o for o in orders if o.status is not OwnStatus.SENDING], time_ms=T0)

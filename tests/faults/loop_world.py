"""The real engine against the paper exchange over a real, failing line, and an accountant that watches the ledger.

The accountant looks straight into the exchange, behind the back of the client, the journal and the faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pfmm.engine.cancel import WindDown, wind_down
from pfmm.engine.engine import Engine
from pfmm.engine.report import Limits, RunSpec
from pfmm.engine.risk import worst_usd
from pfmm.errors import PfmmError
from pfmm.journal.journal import Journal
from pfmm.model.account import VenueTime
from pfmm.model.cycle import CycleReport
from pfmm.model.ledger import ACCOUNT as NET
from pfmm.model.order import Side
from pfmm.model.plan import OwnFill, OwnStatus
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.server.faults import parse_faults
from pfmm.paper.server.faulty_line import FaultyLine
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from pfmm.runner.clock import VenueClock
from pfmm.strategy.grid.plan import GridConfig
from pfmm.strategy.grid.strategy import GridStrategy
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteStrategy
from pfmm.venue.client import HttpClient, Timekeeper
from pfmm.venue.purpleflea import PurpleFlea
from tests.dialects import OWN, POSTED, fill_id, hyperliquid, own_id

START_MS = 1_760_000_000_000
STEP_MS = 3_000
MARKET = "BTC-PERP"
ACCOUNT = "main"
ZERO = Decimal(0)
# everything that a request or an answer can suffer; `hold_s` short, so that a lost answer costs no time
EVERYTHING = "timeout+reset+http+half_body+duplicate+stale+crossed+skew"


def grid_spec(limit: int = 60, **settings: Any) -> RunSpec:
    """A narrow grid, so that it trades; its limit binds."""
    config = GridConfig(levels=8, size_usd=Decimal(20), range_pct=Decimal("0.12"), **settings)
    return RunSpec(GridStrategy(MARKET, config), {"grid": "narrow"}, Limits(Decimal(limit), keep_on_bad_data=True))


def quote_spec(limit: int = 60) -> RunSpec:
    """A tight quote that moves often."""
    config = QuoteConfig(model="fixed", half_spread_bps=2, sigma_annual=0.3, tilt_max=0, drift_bps=1)
    return RunSpec(QuoteStrategy(MARKET, config), {"quote": "tight"}, Limits(Decimal(limit)))


def client_of(url: str, dialect: str = OWN, **options: Any) -> Any:
    """An adapter that asks once: every fault reaches the engine. `options` are the HTTP client's."""
    keeper = Timekeeper(sleep=lambda _: None)
    http = HttpClient(url, key=lambda: f"paper-{ACCOUNT}", read_attempts=1, timekeeper=keeper, **options)
    return hyperliquid(http, ACCOUNT) if dialect == POSTED else PurpleFlea(http, name="paper", account=ACCOUNT)


@dataclass
class World:
    """One account at one exchange behind one failing line."""

    folder: Path
    exchange: Exchange
    server: PaperServer
    dialect: str = OWN
    now_ms: int = START_MS
    failures: list[str] = field(default_factory=list)
    cycles: int = 0
    _opened: list[Any] = field(default_factory=list)

    def faults(self, spec: str | None) -> None:
        """From now on requests fail as `spec` says; None heals the line."""
        self.server.line = None if spec is None else FaultyLine(parse_faults(spec))

    def journal(self) -> Journal:
        """Another connection to the account's journal, as another process would have."""
        journal = Journal.open(self.folder / "j.sqlite3", venue="paper", account=ACCOUNT, nonce="abcdef")
        self._opened.append(journal)
        return journal

    def venue(self, **options: Any) -> Any:
        """Another client."""
        venue = client_of(self.server.url, self.dialect, **options)
        self._opened.append(venue)
        return venue

    def engine(self, spec: RunSpec, *, venue: Any = None, journal: Any = None) -> Engine:
        """A new process for one strategy: it adopts what the journal holds."""
        instruments = {spec_.market: spec_ for spec_ in self.healthy_markets()}
        engine = Engine(
            venue or self.venue(), journal or self.journal(), [spec], instruments, wall_ms=lambda: START_MS, pid=1
        )
        engine.adopt()
        return engine

    def healthy_markets(self) -> Any:
        """The instruments, past the faults."""
        line, self.server.line = self.server.line, None
        try:
            return self.venue().markets()
        finally:
            self.server.line = line

    def clock(self) -> VenueClock:
        """A clock that steps the exchange itself; nothing waits for real."""
        return VenueClock(lambda: 0.0, lambda _: True, self.advance)

    def advance(self, to_ms: int) -> VenueTime:
        """Moves the exchange's time, never back."""
        self.now_ms = max(self.now_ms, to_ms)
        state = self.exchange.advance_clock(self.now_ms)
        return VenueTime(state.time_ms, state.speed, state.state)

    def cycle(self, engine: Engine) -> CycleReport | None:
        """One cycle; an error of the project is what a loop would tell and live through."""
        self.cycles += 1
        self.tick()
        try:
            return engine.cycle()
        except PfmmError as error:
            self.failures.append(f"{error.code}: {error.message}")
            return None

    def run(self, engine: Engine, cycles: int, *, limit: int = 60) -> None:
        """Cycles with a look at the exchange's own books after each."""
        journal = self.journal()
        for _ in range(cycles):
            report = self.cycle(engine)
            audit(self, journal)
            if report is not None and any(run.plan.place or run.plan.amend for run in report.runs):
                within_limit(self, limit)
            engine.saw(self.advance(self.now_ms + STEP_MS).time_ms)

    def tick(self) -> None:
        """A clock that runs never shows the same moment twice: the second language tells of no stepped one."""
        if self.dialect == POSTED:
            self.advance(self.now_ms + 1)

    def end(self, journal: Journal, **options: Any) -> WindDown:
        """Cancels and proves everything that the journal's runs have."""
        self.tick()
        run_ids = [run.run_id for run in journal.runs()]
        return wind_down(self.venue(), journal, self.clock(), [MARKET], run_ids, **options)

    def close(self) -> None:
        """Closes what was opened."""
        for one in self._opened:
            one.close()


@contextmanager
def world(folder: Path, *, seed: int = 1, dialect: str = OWN) -> Iterator[World]:
    """A stepped synthetic exchange, served on a real socket."""
    folder.mkdir(parents=True, exist_ok=True)
    feed = {"kind": "synthetic", "seed": seed, "speed": 0, "at_ms": START_MS}
    path = folder / "x.sqlite3"
    exchange = Exchange.open(path, lambda config: SyntheticFeed(seed), lambda: START_MS, first_feed=feed)
    server = PaperServer(make_app(exchange), "127.0.0.1", 0)
    exchange.open_account(ACCOUNT)
    made = World(folder, exchange, server, dialect)
    try:
        with server.running():
            yield made
    finally:
        made.close()
        exchange.close()


def audit(world: World, journal: Journal) -> None:
    """What must hold at every moment, by the exchange's own word: each order that rests is one that the journal
    counts as live, no slot of a run has two, no two of ours would trade with each other, no id acted twice."""
    resting = world.exchange.orders(ACCOUNT)
    seen: set[tuple[str, str]] = set()
    for order in resting:
        own = journal.order(own_id(order.client_order_id))
        assert own is not None, f"an order rests that the journal never knew: {order}"
        assert own.status.live, f"an order rests that the journal believes {own.status}: {order}"
        assert (own.run_id, own.slot) not in seen, f"two orders rest in {own.slot}"
        seen.add((own.run_id, own.slot))
    bids = [o.price for o in resting if o.side == "long" and o.price is not None]
    asks = [o.price for o in resting if o.side == "short" and o.price is not None]
    if bids and asks:
        assert max(bids) < min(asks), "own orders cross"
    every = [o.client_order_id for o in world.exchange.orders(ACCOUNT, status="all")]
    assert len(every) == len(set(every)), "a client order id acted twice"


def within_limit(world: World, limit: int) -> None:
    """Right after sending: the position with every open order of a side is worth no more than the limit."""
    size = sum((p.size_base for p in world.exchange.positions(ACCOUNT) if p.market == MARKET), ZERO)
    mark = world.exchange.ticker(MARKET).mark
    resting = world.exchange.orders(ACCOUNT)
    for side in Side:
        orders = [(o.size_base - o.filled_base, o.price or mark) for o in resting if o.side == side]
        grown = sum((s for s, _ in orders), ZERO) > max(-size * side.sign, ZERO)
        worst = worst_usd(size, side, orders, mark)
        # a cent for a position that the mark has moved over the limit by itself
        along = max(size * side.sign, ZERO) * mark
        assert not orders or not grown or worst <= max(Decimal(limit), along) + Decimal("0.01") or along > limit, (
            f"{side}: {worst} USD possible, limit {limit}, position {size}, orders {orders}"
        )


def settle_accounts(world: World, journal: Journal) -> None:
    """At the end, with the line healed: both sides' books are the same."""
    assert world.exchange.orders(ACCOUNT) == (), "something rests after the proof"
    assert journal.live_orders() == ()
    theirs = world.exchange.fills(ACCOUNT, limit=100_000).fills
    ours = list(journal.fills())
    assert sorted(fill_id(world.dialect, f) for f in theirs) == sorted(item.fill.fill_id for item in ours)
    assert all(item.run_id is not None for item in ours), "a fill lost its run"
    for item in ours:
        own = journal.order(item.fill.client_order_id or "")
        assert own is not None
        assert (own.run_id, own.slot) == (item.run_id, item.slot)
    position = sum((p.size_base for p in world.exchange.positions(ACCOUNT)), ZERO)
    assert position == sum((item.fill.signed_size for item in ours), ZERO)
    account = world.exchange.account(ACCOUNT)
    assert account.equity == (
        account.deposits + account.realized_pnl + account.unrealized_pnl - account.fees + account.funding
    )
    assert {(book.market, book.owner): book for book in journal.books()} == journal.books_in_full()
    ledgers = [book.ledger for book in journal.books(MARKET) if book.owner != NET]
    assert sum((ledger.size for ledger in ledgers), ZERO) == position
    assert sum((ledger.fees for ledger in ledgers), ZERO) == account.fees
    for own in (order for run in journal.runs() for order in journal.orders(run_id=run.run_id)):
        filled = sum((i.fill.size for i in ours if i.fill.client_order_id == own.client_order_id), ZERO)
        assert own.filled == filled, f"{own.client_order_id} believes {own.filled} filled, the fills say {filled}"
        if own.status is OwnStatus.FILLED:
            assert filled == own.size


def same_fold(journal: Journal, first_memory: Any, engine: Engine) -> int:
    """The grid's state and round trips are the fold of the journal's fills, each once; returns the trips."""
    (run_id,) = engine.run_ids
    (run,) = [r for r in journal.runs() if r.run_id == run_id]
    strategy = grid_spec().strategy
    state, trips = strategy.load({k: v for k, v in first_memory.items() if not k.startswith("_")}), 0
    for item in journal.fills(run_id=run_id):
        fill = item.fill
        own = OwnFill(item.seq, item.slot or "", fill.side, fill.price, fill.size, fill.fee, fill.time_ms)
        state, done = strategy.on_fill(state, own)
        trips += len(done)
    assert run.memory is not None
    kept = {k: v for k, v in run.memory.items() if not k.startswith("_")}
    assert kept == dict(strategy.dump(state))
    assert int(run.memory["_round_trips"]) == trips
    return trips

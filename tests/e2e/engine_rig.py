"""The engine over the real paper exchange in one process, with a stepped clock and a look at every batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pfmm.engine.engine import Engine
from pfmm.engine.report import Limits, RunSpec
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors, Snapshot
from pfmm.model.cycle import CycleReport
from pfmm.model.market import Instrument
from pfmm.model.order import Batch, BatchAnswer
from pfmm.model.plan import Tolerance
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.feed import QUOTE, TRADE, USD, Event, MarketSpec, Quote, QuoteEvent, TradeEvent, Watch
from pfmm.paper.wire.wsgi import make_app
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteStrategy
from pfmm.venue.client import IN_PROCESS_URL, HttpClient
from pfmm.venue.http import in_process
from pfmm.venue.purpleflea import PurpleFlea
from tests.regular_funding import RegularFunding

START_MS = 1_760_000_000_000
STEP_MS = 3000
MARKET = "TEST-PERP"
UNIT = Decimal("0.1")  # one price unit
FIXED = QuoteConfig(model="fixed", half_spread_bps=20, sigma_annual=0.3, tilt_max=0)
LIMITS = Limits(Decimal(500), tolerance=Tolerance(Decimal(2), Decimal("0.2"), 0))


@dataclass(frozen=True)
class Step:
    """The quote from one moment on, and a print just after it; prices in units of 0.1 USD, sizes of 0.01."""

    bid: int
    ask: int
    print_price: int = 0
    print_size: int = 0


class ScriptedFeed(RegularFunding):
    """One market that does what `steps` say, one every STEP_MS; the last one holds on."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = list(steps)

    def specs(self) -> Sequence[MarketSpec]:
        return (MarketSpec(MARKET, "crypto", 1, 2, 1, None, 10 * USD, 50, -20_000, 50_000, 8),)

    def span(self) -> None:
        return None

    def _at(self, time_ms: int) -> tuple[int, Step]:
        index = min(max((time_ms - START_MS) // STEP_MS, 0), len(self.steps) - 1)
        return START_MS + index * STEP_MS, self.steps[index]

    def quote(self, market: str, time_ms: int) -> Quote:
        since_ms, step = self._at(time_ms)
        return Quote(since_ms, step.bid, 1000 if step.bid else 0, step.ask, 1000 if step.ask else 0)

    def depth(self, market: str, time_ms: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        quote = self.quote(market, time_ms)
        bids = [(quote.bid, quote.bid_size)] if quote.bid else []
        return bids, [(quote.ask, quote.ask_size)] if quote.ask else []

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        found = [e for e in self._events(after_ms, to_ms) if isinstance(e, TradeEvent)]
        return found[:limit]

    def mark(self, market: str, time_ms: int) -> int:
        quote = self.quote(market, time_ms)
        return (quote.bid + quote.ask) // 2 if quote.bid and quote.ask else quote.bid or quote.ask or 1000

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        return self._events(after_ms, to_ms)

    def _events(self, after_ms: int, to_ms: int) -> Iterator[Event]:
        for index, step in enumerate(self.steps):
            at_ms = START_MS + index * STEP_MS
            if after_ms < at_ms <= to_ms:
                yield QuoteEvent(at_ms, QUOTE, step.bid, 1000, step.ask, 1000)
            if step.print_size and after_ms < at_ms + 1 <= to_ms:
                side = 1 if step.print_price * 2 >= step.bid + step.ask else -1
                yield TradeEvent(at_ms + 1, TRADE, step.print_price, step.print_size, side)


class Watched:
    """The venue with every batch kept; `before` may replace the sending of a batch, `doctor` the snapshot."""

    def __init__(self, inner: PurpleFlea) -> None:
        self.inner = inner
        self.batches: list[Batch] = []
        self.last: Snapshot | None = None
        self.before: Callable[[Batch, Snapshot], BatchAnswer | None] = lambda batch, snapshot: None
        self.doctor: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot:
        self.last = self.doctor(self.inner.snapshot(markets, cursors))
        return self.last

    def submit(self, batch: Batch) -> BatchAnswer:
        self.batches.append(batch)
        assert self.last is not None
        return self.before(batch, self.last) or self.inner.submit(batch)


@dataclass
class Rig:
    """Everything of one account; `restart` is a new process on the same files."""

    folder: Path
    exchange: Exchange
    venue: Watched
    journal: Journal
    specs: list[RunSpec]
    engine: Engine
    instruments: dict[str, Instrument]
    now_ms: int = START_MS
    nonces: Iterator[str] = field(default_factory=lambda: (f"n{number}" for number in range(1_000)))

    def cycle(self, **options: Any) -> CycleReport:
        """One cycle now."""
        return self.engine.cycle(**options)

    def step(self, ms: int = STEP_MS) -> CycleReport:
        """Moves the venue's time and runs a cycle."""
        self.now_ms += ms
        self.venue.inner.advance(self.now_ms)
        return self.engine.cycle()

    def restart(self) -> None:
        """A new process takes over: another journal connection, an engine that knows nothing but the files."""
        self.journal.close()
        self.journal = Journal.open(self.folder / "j.sqlite3", venue="paper", account="main", nonce=next(self.nonces))
        self.engine = make_engine(self.venue, self.journal, self.specs, self.instruments)
        self.engine.adopt()


def make_engine(venue: Any, journal: Journal, specs: list[RunSpec], instruments: dict[str, Instrument]) -> Engine:
    """An engine whose wall clock stands still."""
    return Engine(venue, journal, specs, instruments, wall_ms=lambda: START_MS, pid=1)


@contextmanager
def rig(
    folder: Path,
    feed: Any,
    config: QuoteConfig = FIXED,
    limits: Limits = LIMITS,
    markets: Sequence[str] = (MARKET,),
    first_feed: dict[str, Any] | None = None,
    strategy: type[QuoteStrategy] = QuoteStrategy,
) -> Iterator[Rig]:
    """A stepped exchange over `feed` with a quote on each of `markets`."""
    stored = first_feed or {"kind": "scripted", "speed": 0, "at_ms": START_MS}
    exchange = Exchange.open(folder / "x.sqlite3", lambda config: feed, lambda: START_MS, first_feed=stored)
    http = HttpClient(IN_PROCESS_URL, key=lambda: "paper-main", transport=in_process(make_app(exchange)))
    venue = Watched(PurpleFlea(http, name="paper", account="main"))
    instruments = {each.market: each for each in venue.inner.markets()}
    journal = Journal.open(folder / "j.sqlite3", venue="paper", account="main", nonce="n")
    specs = [RunSpec(strategy(market, config), {}, limits) for market in markets]
    made = Rig(
        folder, exchange, venue, journal, specs, make_engine(venue, journal, specs, instruments), instruments,
        now_ms=venue.inner.time().time_ms,
    )  # fmt: skip
    try:
        yield made
    finally:
        made.journal.close()
        venue.inner.close()
        exchange.close()


def with_ticker(**changes: Any) -> Callable[[Snapshot], Snapshot]:
    """A doctor that changes fields of every ticker."""
    return lambda snapshot: replace(snapshot, tickers=tuple(replace(t, **changes) for t in snapshot.tickers))


def price(units: float) -> Decimal:
    """USD of a number of price units."""
    return UNIT * math.floor(units)


class RigClock:
    """The rig's time as a Clock."""

    def __init__(self, r: Rig) -> None:
        self._rig = r

    def now_ms(self) -> int:
        return self._rig.now_ms

    def synchronise(self, time: object) -> None:
        """It is the exchange's own."""

    def wait_until(self, time_ms: int) -> bool:
        self._rig.now_ms = max(self._rig.now_ms, time_ms)
        self._rig.venue.inner.advance(self._rig.now_ms)
        return True

"""Flatten over a socket where 30 % of the requests fail in every way, each verdict held against the exchange's ledger.

A run: positions long and short, orders resting near and far, a post-only refusal, thin books, and, in every second
run, a request of a runner killed before, which arrives late. Then the flatten core, through a line that fails.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pfmm.errors import PfmmError
from pfmm.flatten.contract import FlatState, FlattenOrder, FlattenResult, Tools
from pfmm.flatten.emergency import flatten
from pfmm.model.account import VenueTime
from pfmm.paper.exchange import Exchange
from pfmm.paper.messages import ExchangeError, PlaceRequest, StateRecord
from pfmm.paper.server.faults import FaultPlan
from pfmm.paper.server.serve import PaperServer
from pfmm.paper.wire.wsgi import make_app
from pfmm.venue.client import HttpClient
from pfmm.venue.purpleflea import PurpleFlea
from tests.dialects import DIALECTS, OWN, POSTED, hyperliquid, own_id
from tests.faults.thin_market import MARKETS, ThinFeed

D = Decimal
RATES = {OWN: 0.3, POSTED: 0.1}  # a look of the second language is five requests
THREADS = 12
TIMEOUT_S = 30.0  # the default
PATIENT_TIMEOUT_S = 600.0  # on a busy machine requests time out that no fault has hit
CLIENT_TIMEOUT_S = 0.25
PREFIX = "flatten-"


@dataclass(frozen=True)
class Outcome:
    """One run: what was claimed, what the ledger says, and whether any of our fills grew or flipped a position."""

    seed: int
    result: FlattenResult
    ledger: StateRecord
    flips: list[str]
    seconds: float
    late_order: bool
    half: bool
    cancel_only: bool

    @property
    def positions(self) -> dict[str, Decimal]:
        return {p.market: p.size_base for p in self.ledger.positions if p.size_base}

    @property
    def lie(self) -> str | None:
        """Why the verdict is not the ledger's, or None."""
        state, flat = self.result.state, not self.positions
        if state.done and self.ledger.orders:
            return f"{state} with {len(self.ledger.orders)} orders resting"
        if state is FlatState.FLAT and not flat:
            return f"FLAT with {self.positions}"
        if state is FlatState.RESIDUAL and flat and not self.ledger.orders:
            return "RESIDUAL of nothing"
        if state.done and {m.market: m.after for m in self.result.markets if m.after} != self.positions:
            return f"{state} says {self.result.markets}, the ledger {self.positions}"
        return None


class KilledRunner:
    """A request of a runner that is dead already: it rests 0.15 to 0.6 s later, and nothing of it after that."""

    def __init__(self, exchange: Exchange, account: str, random: Random) -> None:
        now_ms = exchange.time().time_ms
        self._silent_ms = now_ms + 1_000
        request = PlaceRequest(
            market=random.choice(MARKETS), side=random.choice(("long", "short")), type="limit",
            size_base=D("0.5"), price=D(random.choice((80, 99, 101, 120))), valid_until_ms=self._silent_ms,
        )  # fmt: skip

        def arrive() -> None:
            with suppress(ExchangeError):  # crossing and margin are the exchange's affair
                exchange.place(account, request)

        self._timer = threading.Timer(random.uniform(0.15, 0.6), arrive)
        self._timer.start()

    def press(self) -> None:
        """It is dead."""

    def silent_from_ms(self, now: VenueTime) -> int | None:
        return self._silent_ms + 1

    def join(self) -> None:
        self._timer.join()


def set_up(exchange: Exchange, account: str, random: Random) -> None:
    """Positions and resting orders, some of which the market will reach while flatten is at work."""
    for market in random.sample(MARKETS, random.randint(1, 3)):
        side = random.choice(("long", "short"))
        exchange.place(account, PlaceRequest(market, side, "market", size_base=D(random.randint(2, 60)) / 100))
    for _ in range(random.randint(0, 8)):
        market, price = random.choice(MARKETS), D(random.randint(980, 998)) / 10
        side = random.choice(("long", "short"))
        if side == "short":
            price = 200 - price
        with suppress(ExchangeError):  # a reduce-only order without a position to reduce
            exchange.place(
                account,
                PlaceRequest(
                    market, side, "limit", size_base=D(random.randint(2, 30)) / 100, price=price,
                    reduce_only=random.random() < 0.2,
                ),
            )  # fmt: skip
    with pytest.raises(ExchangeError, match="taker"):
        exchange.place(account, PlaceRequest(MARKETS[0], "long", "limit", size_base=D(1), price=D(110), post_only=True))


def fold(ledger: StateRecord) -> list[str]:
    """Every fill of a flatten order that did not bring its position nearer to zero."""
    sizes: Counter[str] = Counter()
    wrong = []
    for fill in ledger.fills.fills:
        before = D(sizes[fill.market])
        after = before + (fill.size_base if fill.side == "long" else -fill.size_base)
        sizes[fill.market] = after  # type: ignore[assignment]
        if own_id(fill.client_order_id).startswith(PREFIX) and (after * before < 0 or abs(after) >= abs(before)):
            wrong.append(f"{fill.market}: {before} → {after} by {fill.client_order_id}")
    return wrong


def run_once(exchange: Exchange, seed: int, timeout_s: float, dialect: str, **faults: Any) -> Outcome:
    """One flatten; `faults` are fields of the FaultPlan that differ from every kind at the dialect's rate."""
    random = Random(seed)
    account = f"r{seed}"
    hold_s = random.choice((0.02, 0.4))
    usual = {"rate": RATES[dialect], "latency_ms": 400, "hold_s": hold_s, "skew_ms": 60_000}
    plan = FaultPlan(seed=seed, **{**usual, **faults})
    mode = random.choice(("whole", "whole", "whole", "half", "cancel_only"))
    numbers = itertools.count(1)
    tools = Tools(time.monotonic, time.sleep, lambda: f"{PREFIX}{seed:010x}-{next(numbers)}")
    with PaperServer(make_app(exchange), "127.0.0.1", 0, faults=plan).running() as server:
        http = HttpClient(server.url, key=lambda: f"paper-{account}", timeout_s=CLIENT_TIMEOUT_S, read_attempts=1)
        adapter = hyperliquid(http, account) if dialect == POSTED else PurpleFlea(http, name="paper", account=account)
        with closing(adapter) as venue:
            for markets in ((), MARKETS):  # fills the line's memory, so that stale answers show a flat account
                with suppress(PfmmError):
                    venue.state(markets)
            set_up(exchange, account, random)
            others = KilledRunner(exchange, account, random) if seed % 2 else None
            order = FlattenOrder(
                None, half=mode == "half", cancel_only=mode == "cancel_only",
                max_slippage_bps=D(100), timeout_s=timeout_s,
            )  # fmt: skip
            started_s = time.monotonic()
            result = flatten(venue, order, tools, others)
            seconds = time.monotonic() - started_s
    if others is not None:
        others.join()
    ledger = exchange.state(account, [])
    return Outcome(
        seed, result, ledger, fold(ledger), seconds, others is not None, mode == "half", mode == "cancel_only"
    )


@contextmanager
def exchanges(folder: Path) -> Iterator[list[Exchange]]:
    """One a thread, so that they do not wait for each other's lock."""
    opened = [
        Exchange.open(folder / f"{n}.sqlite3", lambda _: ThinFeed(5), lambda: time.time_ns() // 1_000_000)
        for n in range(THREADS)
    ]
    try:
        yield opened
    finally:
        for exchange in opened:
            exchange.close()


def run_many(folder: Path, seeds: range, timeout_s: float, dialect: str = OWN) -> list[Outcome]:
    with exchanges(folder) as opened, ThreadPoolExecutor(THREADS) as pool:

        def share(n: int) -> list[Outcome]:
            return [run_once(opened[n], seed, timeout_s, dialect) for seed in seeds if seed % THREADS == n]

        return [outcome for outcomes in pool.map(share, range(THREADS)) for outcome in outcomes]


def judge(outcomes: list[Outcome], wanted: int) -> None:
    assert len(outcomes) == wanted
    lies = {outcome.seed: outcome.lie for outcome in outcomes if outcome.lie is not None}
    flips = {outcome.seed: outcome.flips for outcome in outcomes if outcome.flips}
    done = [outcome for outcome in outcomes if outcome.result.state.done]
    seconds = sorted(outcome.seconds for outcome in outcomes)
    states = Counter(outcome.result.state.value for outcome in outcomes)
    print(
        f"\n{wanted} runs under faults: {dict(states)}, {len(lies)} wrong verdicts, {len(flips)} flips, "
        f"median {seconds[len(seconds) // 2]:.2f} s, slowest {seconds[-1]:.2f} s"
    )
    assert not lies
    assert not flips
    assert len(done) >= 0.99 * wanted, [(o.seed, o.result.state, o.result.reason) for o in outcomes if o not in done]


@pytest.mark.waits
@pytest.mark.parametrize(
    ("dialect", "runs"),
    [
        (OWN, 10),
        (POSTED, 4),
        pytest.param(OWN, 40, marks=pytest.mark.slow),
        pytest.param(POSTED, 12, marks=pytest.mark.slow),
    ],
)
def test_some_runs(tmp_path: Path, dialect: str, runs: int) -> None:
    judge(run_many(tmp_path, range(runs), PATIENT_TIMEOUT_S, dialect), runs)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
def test_three_hundred_runs(tmp_path: Path, dialect: str) -> None:
    timeout_s = TIMEOUT_S if dialect == OWN else PATIENT_TIMEOUT_S
    judge(run_many(tmp_path, range(1_000, 1_300), timeout_s, dialect), 300)

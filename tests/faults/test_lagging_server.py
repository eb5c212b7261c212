"""Flatten and loops against a server that lags: no FLAT that is not, no limit passed, no order twice."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from pfmm.engine.cancel import wind_down
from pfmm.engine.engine import Engine
from pfmm.engine.report import RunSpec
from pfmm.errors import PfmmError, StateUnknown
from pfmm.flatten.contract import FlatState, FlattenOrder, FlattenResult, Tools
from pfmm.flatten.emergency import flatten
from pfmm.journal.journal import Journal
from pfmm.model.account import VenueTime
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.messages import ExchangeError, PlaceRequest
from pfmm.runner.clock import VenueClock
from tests.faults.lagging import ACCOUNT, START_MS, Lag, Lagging, lagging
from tests.faults.loop_world import MARKET, audit, grid_spec, quote_spec, settle_accounts, within_limit
from tests.faults.thin_market import MARKETS, ThinFeed

D = Decimal
LAGS = {
    "states 0.3 s behind": Lag(states=(300,), fill_on_cancel=0.5),
    "states 1.5 s behind": Lag(states=(1_500,), fill_on_cancel=0.5),
    "fills 2 s late": Lag(fills=2_000, fill_on_cancel=0.3),
    "answers that go back": Lag(states=(0, 300, 1_500), orders=(0, 300, 1_500), fills=2_000, fill_on_cancel=0.3),
}


class LateOrder:
    """A request of a runner that is dead already, which arrives while the flatten is at work."""

    def __init__(self, made: Lagging, random: Random) -> None:
        self._due_ms = made.now_ms + random.randint(150, 900)
        self._silent_ms = made.now_ms + 1_000
        self._request = PlaceRequest(
            market=random.choice(MARKETS), side=random.choice(("long", "short")), type="limit",
            size_base=D("0.5"), price=D(random.choice((80, 99, 101, 120))),
        )  # fmt: skip
        self._made = made
        made.on_step = self.step

    def step(self, now_ms: int) -> None:
        if now_ms >= self._due_ms and self._request is not None:
            request, self._request = self._request, None  # type: ignore[assignment]
            with suppress(ExchangeError):  # crossing and margin are the exchange's affair
                self._made.exchange.place(ACCOUNT, request)

    def press(self) -> None:
        """It is dead."""

    def silent_from_ms(self, now: VenueTime) -> int | None:
        return self._silent_ms + 1


def set_up(made: Lagging, random: Random) -> None:
    """Positions and orders on thin books."""
    for market in random.sample(MARKETS, random.randint(1, 3)):
        side = random.choice(("long", "short"))
        made.exchange.place(ACCOUNT, PlaceRequest(market, side, "market", size_base=D(random.randint(2, 60)) / 100))
    for _ in range(random.randint(1, 8)):
        side, away = random.choice(("long", "short")), D(random.randint(2, 20)) / 10
        price = D(100) - away if side == "long" else D(100) + away
        size = D(random.randint(2, 30)) / 100
        with suppress(ExchangeError):
            made.exchange.place(
                ACCOUNT, PlaceRequest(random.choice(MARKETS), side, "limit", size_base=size, price=price)
            )


def flattened(folder: Path, seed: int, lag: Lag) -> tuple[FlattenResult, str | None]:
    """One run: the verdict, and why it is not the ledger's, or None."""
    random = Random(seed)
    numbers = itertools.count(1)
    with lagging(folder / str(seed), ThinFeed(5), lag, seed) as made, closing(made.venue()) as venue:
        made.watch(venue.account)  # a flat account with nothing resting, as old answers may show it
        made.step(2_000)
        set_up(made, random)
        others = LateOrder(made, random) if seed % 2 else None
        tools = Tools(
            monotonic_s=lambda: made.now_ms / 1000,
            wait_s=lambda seconds: made.step(max(round(seconds * 1000), 1)),
            client_order_id=lambda: f"flatten-{seed:010x}-{next(numbers)}",
        )
        order = FlattenOrder(None, max_slippage_bps=D(100), timeout_s=120.0)
        result = flatten(venue, order, tools, others)
        ledger = made.exchange.state(ACCOUNT, [])
        held = {one.market: one.size_base for one in ledger.positions if one.size_base}
        if result.state is FlatState.FLAT and (held or ledger.orders):
            return result, f"FLAT with {held} and {len(ledger.orders)} orders at {made.now_ms - START_MS} ms"
        return result, None


def judge_flattens(folder: Path, seeds: range, lag: Lag) -> None:
    found = {seed: flattened(folder, seed, lag) for seed in seeds}
    lies = {seed: lie for seed, (_, lie) in found.items() if lie is not None}
    states = Counter(result.state.value for result, _ in found.values())
    print(f"\n{len(found)} flattens: {dict(states)}, {len(lies)} false")
    assert not lies
    assert states["flat"] >= 0.95 * len(found)


@pytest.mark.parametrize("name", LAGS)
def test_flattens_never_say_flat_falsely(tmp_path: Path, name: str) -> None:
    judge_flattens(tmp_path, range(3), LAGS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", LAGS)
def test_fifty_flattens_of_each_lag(tmp_path: Path, name: str) -> None:
    judge_flattens(tmp_path, range(1_000, 1_050), LAGS[name])


def looped(folder: Path, seed: int, lag: Lag, cycles: int) -> Counter[str]:
    """One loop over a market that trades, its truth held against the journal after each cycle; what went wrong."""
    told: Counter[str] = Counter()
    spec: RunSpec = (grid_spec, quote_spec)[seed % 2]()
    with lagging(folder / str(seed), SyntheticFeed(seed), lag, seed) as made, closing(made.venue()) as venue:
        made.watch(venue.account)
        journal = Journal.open(folder / str(seed) / "j.sqlite3", venue="paper", account=ACCOUNT, nonce="abcdef")
        instruments = {one.market: one for one in venue.markets()}
        engine = Engine(venue, journal, [spec], instruments, wall_ms=lambda: START_MS, pid=1)
        for _ in range(cycles):
            try:
                report = engine.cycle()
            except PfmmError as error:
                told[error.code] += 1
                report = None
            audit(made, journal)
            if report is not None and any(run.plan.place or run.plan.amend for run in report.runs):
                within_limit(made, 60)
                told["cycles that sent"] += 1
            made.step(3_000)
        _settled(made, venue, journal, engine)
        told["fills"] = len(made.exchange.fills(ACCOUNT).fills)
        journal.close()
    return told


def _settled(made: Lagging, venue: object, journal: Journal, engine: Engine) -> None:
    """Ended, with late fills let in: both books are the same."""
    clock = VenueClock(lambda: made.now_ms / 1000, lambda seconds: not made.step(round(seconds * 1000) + 1), None)
    for _ in range(5):
        with suppress(StateUnknown):
            wind_down(venue, journal, clock, [MARKET], engine.run_ids, not_before_ms=engine.not_before_ms)  # type: ignore[arg-type]
            break
    for _ in range(3):
        made.step(3_000)
        with suppress(PfmmError):
            engine.cycle(send=False)
    engine.leave(made.now_ms, status="stopped", reason="test")
    settle_accounts(made, journal)  # type: ignore[arg-type]


def judge_loops(folder: Path, seeds: range, lag: Lag, cycles: int) -> None:
    told: Counter[str] = Counter()
    for seed in seeds:
        told += looped(folder, seed, lag, cycles)
    print(f"\n{len(seeds)} loops of {cycles} cycles: {dict(told)}")
    assert told["cycles that sent"] > len(seeds)
    assert told["fills"]


@pytest.mark.parametrize(("seed", "name"), list(enumerate(LAGS)))
def test_loops_pass_no_limit_and_send_nothing_twice(tmp_path: Path, seed: int, name: str) -> None:
    judge_loops(tmp_path, range(seed, seed + 1), LAGS[name], 15)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAGS)
def test_fifty_loops_of_each_lag(tmp_path: Path, name: str) -> None:
    judge_loops(tmp_path, range(2_000, 2_050), LAGS[name], 25)

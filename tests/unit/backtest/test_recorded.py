"""Backtests on the recorded BTC and ETH files: lazy against event by event, and against the paper exchange itself."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.columns import Columns
from pfmm.backtest.loading import load
from pfmm.backtest.simulation import Clockwork, Outcome, simulate, span_of
from pfmm.engine.engine import Engine
from pfmm.engine.observe import observe
from pfmm.engine.report import Limits, RunSpec
from pfmm.journal.journal import Journal
from pfmm.model.fees import FeeChoice
from pfmm.model.plan import Tolerance
from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.replay import ReplayFeed
from pfmm.paper.feeds.tape_building import build_tape
from pfmm.paper.feeds.tape_cache import TapeCache
from pfmm.paper.wire.wsgi import make_app
from pfmm.strategy.grid.plan import GridConfig
from pfmm.strategy.grid.strategy import GridStrategy
from pfmm.strategy.ladder.strategy import LadderConfig, LadderStrategy
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteStrategy
from pfmm.venue.client import HttpClient
from pfmm.venue.http import in_process
from pfmm.venue.purpleflea import PurpleFlea
from tests.examples import some

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "binance-usdm-ticks"
SYMBOLS = {"ETH-PERP": "ethusdt", "BTC-PERP": "btcusdt"}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="recorded market data (../shared/data) is not here")


DAYS = ("20240718", "20240719")
RECORDED = some([("ETH-PERP", DAYS[1:]), *((market, DAYS) for market in SYMBOLS)], 1)


@pytest.fixture(scope="module", params=RECORDED)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Columns]:
    """A market's tape and its columns: by default of one day."""
    market, days = request.param
    cache = tmp_path_factory.mktemp("tapes")
    files = [DATA / f"{SYMBOLS[market]}_{day}.gz" for day in days]
    return build_tape(files, cache), load(files, market, TapeCache(cache), charge=FeeChoice("article")).columns


def run_spec(kind: str, market: str) -> RunSpec:
    quote = QuoteConfig(model="fixed", half_spread_bps=1.0)
    strategies: dict[str, Any] = {
        "grid": GridStrategy(market, GridConfig(levels=20, size_usd=Decimal(100), range_pct=Decimal("0.3"))),
        "quote": QuoteStrategy(market, QuoteConfig()),
        "ladder": LadderStrategy(market, quote, LadderConfig(levels=4, spacing_bps=1.5)),
    }
    tolerance = Tolerance() if kind == "grid" else Tolerance(Decimal(2), Decimal("0.2"), 0)
    limits = Limits(Decimal(1_500), tolerance=tolerance, keep_on_bad_data=kind == "grid")
    return RunSpec(strategies[kind], {}, limits)


def result(outcome: Outcome) -> tuple[Any, ...]:
    return outcome.fills, outcome.orders, outcome.payments, outcome.position, outcome.equity, outcome.requests


@pytest.mark.parametrize(
    ("kind", "queue"),
    [
        ("grid", "pessimistic"),
        pytest.param("grid", "optimistic", marks=pytest.mark.slow),
        pytest.param("ladder", "pessimistic", marks=pytest.mark.slow),
        ("ladder", "optimistic"),
        ("quote", "pessimistic"),
        pytest.param("quote", "optimistic", marks=pytest.mark.slow),
    ],
)
def test_lazy_and_event_by_event_agree(recorded: tuple[Path, Columns], kind: str, queue: Any) -> None:
    columns = recorded[1]
    clockwork = Clockwork(*span_of(columns, None, None), interval_ms=3_000, latency_ms=50)
    spec = run_spec(kind, columns.tape.spec.market)
    lazy = simulate(columns, spec, clockwork, queue=queue, mode="lazy")
    events = simulate(columns, spec, clockwork, queue=queue, mode="events")
    assert result(lazy) == result(events)
    assert len(lazy.fills) >= 5
    assert lazy.cycles < events.cycles == lazy.decisions


class Paper:
    """The paper exchange over a replay that its client steps, and an engine on it: what a paper run is made of."""

    def __init__(self, tape: Path, folder: Path, spec: RunSpec) -> None:
        feed = {"kind": "replay", "tape": str(tape), "speed": 0}
        self.exchange = Exchange.open(
            folder / "exchange.sqlite3", lambda config: ReplayFeed(Path(config["tape"])), lambda: 1, first_feed=feed
        )
        client = HttpClient(
            "http://127.0.0.1", key=lambda: "paper-default", transport=in_process(make_app(self.exchange))
        )
        self.venue = PurpleFlea(client, name="paper", account="default")
        self.journal = Journal.open(folder / "journal.sqlite3", venue="paper", account="default", nonce="b")
        instruments = {one.market: one for one in self.venue.markets()}
        self.engine = Engine(self.venue, self.journal, [spec], instruments, wall_ms=lambda: 1, pid=1)

    def run(self, interval_ms: int) -> None:
        time = self.venue.time()
        while time.state == "open":
            self.engine.cycle()
            time = self.venue.advance(time.time_ms + interval_ms)
        observe(
            self.venue, self.journal, self.engine.markets, self.engine.run_ids
        )  # the recording's end is no decision

    def close(self) -> None:
        self.venue.close()
        self.journal.close()
        self.exchange.close()


@pytest.fixture
def paper(recorded: tuple[Path, Columns], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Paper]:
    made = Paper(recorded[0], tmp_path, run_spec(request.param, recorded[1].tape.spec.market))
    yield made
    made.close()


@pytest.mark.parametrize("paper", ["grid", "ladder", "quote"], indirect=True)
def test_a_paper_run_in_lockstep_and_a_backtest_do_the_same(
    recorded: tuple[Path, Columns], paper: Paper, request: pytest.FixtureRequest
) -> None:
    kind = request.node.callspec.params["paper"]
    columns = recorded[1]
    paper.run(3_000)
    (run,) = paper.journal.runs()
    start_ms, end_ms = span_of(columns, None, None)
    outcome = simulate(columns, run_spec(kind, run.market), Clockwork(start_ms, end_ms, 3_000), mode="lazy")

    fills = [(f.slot, f.fill) for f in paper.journal.fills()]
    assert [(f.slot, f.fill) for f in outcome.fills] == fills
    assert len(fills) >= 5
    placed = paper.journal.orders(run_id=run.run_id)
    told = [(o.client_order_id, o.slot, o.side, o.price, o.size, o.filled, o.status, o.created_ms) for o in placed]
    ours = [
        (o.client_order_id, o.slot, o.side, o.price, o.size, o.filled, o.status, o.created_ms) for o in outcome.orders
    ]
    assert told == ours
    assert paper.venue.account_state().equity == outcome.equity

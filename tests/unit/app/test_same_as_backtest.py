"""What a backtest runs is what `start` would trade: every setting and default, limits, strategy, times of decision."""

from __future__ import annotations

from array import array
from dataclasses import asdict, is_dataclass
from typing import Any, NamedTuple

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.app.backtest_jobs import Job, overrides_tuple, run_job, settings_of
from pfmm.app.runs import Runs
from pfmm.app.session import Session
from pfmm.app.strategies import names
from pfmm.backtest import simulation
from pfmm.backtest.columns import Columns
from pfmm.backtest.loading import World
from pfmm.config.tables import table
from pfmm.engine.report import RunSpec
from pfmm.errors import PfmmError
from pfmm.model.setting import Setting
from pfmm.paper.feeds.feed import QUOTE
from pfmm.paper.feeds.replay_tape import MarketTape
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.strategy.base import kind_of

MARKET = "BTC-PERP"
# what a start measures on the venue comes from the data in a backtest: the recorded data's lockstep is about that
UNMEASURED = {"quote.calibrate": "false", "grid.range_pct": "1"}
NEEDS = {"grid.lower": "60000", "grid.upper": "70000"}  # each only with the other, and without a width
# of the process around a loop: no decision depends on them
AROUND = {"run.on_exit", "run.on_restart", "run.dead_man_s", "run.exit_timeout_s", "run.position", "run.watchdog"}


class Seen(NamedTuple):
    """What a run is made of."""

    spec: RunSpec
    interval_ms: int


class Captured(Exception):
    def __init__(self, seen: Seen) -> None:
        self.seen = seen


@pytest.fixture
def capturing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backtest ends where it would begin to simulate, with what it would simulate."""

    def simulate(columns: Columns, spec: RunSpec, clockwork: simulation.Clockwork, **_: Any) -> None:
        raise Captured(Seen(spec, clockwork.interval_ms))

    monkeypatch.setattr(simulation, "simulate", simulate)


@pytest.fixture
def opened(session: Session) -> tuple[Session, World]:
    """The paper exchange, and one moment of its market as recorded data."""
    (ticker,) = session.venue.tickers([MARKET])
    spec = SyntheticFeed(5).spec(MARKET)
    unit = 10**spec.price_decimals
    assert ticker.bid is not None
    assert ticker.ask is not None
    quote = (int(ticker.bid * unit), 1_000, int(ticker.ask * unit), 1_000)
    rows = array("q", (ticker.time_ms, QUOTE, *quote, ticker.time_ms + 60_000, QUOTE, *quote))
    empty = memoryview(array("q"))
    return session, World(Columns(MarketTape(spec, memoryview(rows), empty, empty, empty)))


def another(one: Setting) -> str:
    """A value of the setting that is not its default."""
    if one.choices:
        return next(choice for choice in one.choices if choice != one.default)
    if isinstance(one.default, bool):
        return "false" if one.default else "true"
    for text in ("2", "3", "0.5", "7", "0.1", "50"):
        if "." in text and isinstance(one.default, int):
            continue
        if (
            float(text) != one.default
            and (one.minimum is None or float(text) > one.minimum)
            and (one.maximum is None or float(text) < one.maximum)
        ):
            return text
    raise AssertionError(f"no other value of {one.name}")


@pytest.mark.usefixtures("capturing")
@pytest.mark.parametrize("kind", names())
def test_a_setting_means_the_same_in_a_start_and_in_a_backtest(kind: str, opened: tuple[Session, World]) -> None:
    session, world = opened
    sections = ("run", kind, *kind_of(kind).sections)
    tried = {one.name: another(one) for section in sections for one in table(section).values()}
    compared = 0
    for changed in ({}, *({name: value} for name, value in tried.items() if name not in AROUND)):
        values = {**UNMEASURED, **changed}
        if changed.keys() & NEEDS.keys():
            values = {"quote.calibrate": "false", **NEEDS}
        job = Job(kind, MARKET, (), overrides_tuple(values))
        settings = settings_of(job)
        started, simulated = outcome_of_start(kind, session, settings), outcome_of_backtest(job, world)
        if not isinstance(started, RunSpec):
            assert simulated == started, changed
            continue
        assert isinstance(simulated, Seen), changed
        assert made_of(simulated.spec.strategy) == made_of(started.strategy), changed
        for part in ("limits", "config", "defaults", "free", "replaced"):
            assert getattr(simulated.spec, part) == getattr(started, part), (changed, part)
        assert simulated.interval_ms == round(settings.for_market(MARKET).run.interval_s * 1_000), changed
        compared += 1
    assert compared > len(tried) / 2


def made_of(strategy: Any) -> tuple[Any, ...]:
    """A strategy's kind and all that it was built with."""
    return type(strategy), asdict(strategy) if is_dataclass(type(strategy)) else vars(strategy)


def outcome_of_backtest(job: Job, world: World) -> Any:
    """What it would simulate, or why not."""
    try:
        run_job(job, world)
    except Captured as captured:
        return captured.seen
    except PfmmError as error:
        return type(error), error.message
    raise AssertionError("it simulated nothing")


def outcome_of_start(kind: str, session: Session, settings: Any) -> Any:
    """The run of a start with these settings, or its refusal."""
    other = Session(settings)
    vars(other).update({name: vars(session)[name] for name in ("venue", "exchange") if name in vars(session)})
    try:
        return Runs(kind_of(kind)).spec(other, session.market("BTC"), None)[0]
    except PfmmError as error:
        return type(error), error.message

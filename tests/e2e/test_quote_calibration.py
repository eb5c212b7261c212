"""Fitted parameters on their way into the quotes: fetched with few requests, remembered, renewed between cycles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pfmm.app import runs as building
from pfmm.app.runs import FRESH_MS, Runs
from pfmm.app.session import Session
from pfmm.engine.engine import Engine
from pfmm.model.cycle import CycleReport
from pfmm.strategy.base import kind_of
from pfmm.venue.recent import PAGES
from tests.e2e.homes import START_MS, own_session, stepped_home

MARKETS = ("SOL-PERP", "DOGE-PERP", "APE-PERP")


class CountingVenue:
    """The session's venue with its reads of trades counted."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.reads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def trades(self, market: str, since_ms: int) -> Any:
        self.reads.append(market)
        return self._inner.trades(market, since_ms)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    stepped_home(tmp_path, seed=7)
    with own_session(tmp_path) as opened:
        vars(opened)["venue"] = CountingVenue(opened.venue)
        yield opened


def started(session: Session) -> tuple[Runs, Engine]:
    runs = Runs(kind_of("quote"))
    open_runs = [session.journal.open_run("quote", market) for market in MARKETS]
    specs = [runs.spec(session, session.market(m), run)[0] for m, run in zip(MARKETS, open_runs, strict=True)]
    engine = Engine(session.venue, session.journal, specs, session.instruments, wall_ms=lambda: START_MS, pid=1)
    engine.adopt()
    return runs, engine


def step(session: Session, engine: Engine, runs: Runs, to_ms: int) -> CycleReport:
    session.venue.advance(to_ms)
    report = engine.cycle()
    runs.tend(session, engine, report.time.time_ms)
    return report


def reads(session: Session) -> list[str]:
    found: list[str] = session.venue.reads  # type: ignore[attr-defined]
    return found


def sources(report: CycleReport) -> dict[str, str]:
    return {run.market: run.decision.explain.parameters.source for run in report.runs if run.decision is not None}


def test_a_start_fits_in_few_requests_and_a_market_without_trades_keeps_the_profile(session: Session) -> None:
    runs, engine = started(session)
    for market in MARKETS:
        assert 1 <= reads(session).count(market) <= 1 + PAGES
    report = step(session, engine, runs, START_MS + 3000)
    assert sources(report) == {"SOL-PERP": "calibrated", "DOGE-PERP": "calibrated", "APE-PERP": "profile"}
    fit = report.runs[2].decision.explain.fit if report.runs[2].decision is not None else None
    assert fit is not None
    assert "sweeps, 100 are needed" in fit.reason


def test_a_restart_takes_the_fit_from_the_run_and_asks_for_nothing(session: Session) -> None:
    runs, engine = started(session)
    first = step(session, engine, runs, START_MS + 3000)
    reads(session).clear()
    runs, engine = started(session)
    assert reads(session) == []
    second = step(session, engine, runs, START_MS + 6000)
    for before, after in zip(first.runs, second.runs, strict=True):
        assert before.decision is not None
        assert after.decision is not None
        assert before.decision.explain.parameters.kappa == after.decision.explain.parameters.kappa


def test_an_old_fit_is_renewed_between_cycles_one_market_at_a_time(session: Session) -> None:
    runs, engine = started(session)
    step(session, engine, runs, START_MS + 3000)
    later_ms = START_MS + FRESH_MS + 3000
    asked = []
    for number in range(4):
        reads(session).clear()
        step(session, engine, runs, later_ms + number * 3000)
        asked.append(set(reads(session)))
    assert sorted(map(sorted, asked[:3])) == [["APE-PERP"], ["DOGE-PERP"], ["SOL-PERP"]]
    assert asked[3] == set()


def test_a_fit_is_tried_on_few_markets_at_a_start(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "FITS_AT_START", 1)
    runs, engine = started(session)
    assert set(reads(session)) == {"SOL-PERP"}
    reads(session).clear()
    step(session, engine, runs, START_MS + 3000)
    assert set(reads(session)) == {"DOGE-PERP"}
    report = step(session, engine, runs, START_MS + 6000)
    assert sources(report)["DOGE-PERP"] == "calibrated"

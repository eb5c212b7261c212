"""A loop on a replay that it steps itself and a backtest of it: the same orders, fills, fits and profit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.app import runs as building
from pfmm.app.backtest_jobs import Job, overrides_tuple, run_job, world_of
from pfmm.backtest.results import Scenario
from pfmm.model.market import Trade
from pfmm.model.order import Fill
from pfmm.model.plan import OwnOrder
from pfmm.paper.feeds.feed import EVERYTHING, QUOTE
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.tape import TapeQuote, event_line, header_line
from tests.e2e.driver import Completed, run
from tests.e2e.homes import own_session

MARKET = "BTC-PERP"
START_MS = 1_790_000_000_000
MANY = "100000"
SETTINGS = {
    "grid": {"grid.range_pct": "0.15", "grid.levels": "8", "grid.size_usd": "65"},
    "ladder": {"ladder.spacing_bps": "1", "ladder.levels": "3"},
    "quote": {},
}
Fits = list[tuple[int, dict[str, Any]]]


def recording(path: Path, minutes: int, seed: int = 3) -> Path:
    """A stretch of the synthetic market as `pfmm record` would write it."""
    feed = SyntheticFeed(seed)
    spec = feed.spec(MARKET)
    price, size = Decimal(1).scaleb(-spec.price_decimals), Decimal(1).scaleb(-spec.size_decimals)
    lines = [header_line({})]
    for event in feed.events(MARKET, START_MS, START_MS + minutes * 60_000, EVERYTHING):
        if event[1] == QUOTE:
            bid, bid_size, ask, ask_size = event[2] * price, event[3] * size, event[4] * price, event[5] * size
            lines.append(event_line(TapeQuote(MARKET, event[0], bid, bid_size, ask, ask_size)))
        else:
            lines.append(event_line(Trade(MARKET, event[0], event[2] * price, event[3] * size, event[4])))
    path.write_text("".join(lines))
    return path


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Fits:
    """Every fit with the time at which it was made, as it is made."""
    found: Fits = []
    fit = building._fit

    def noted(venue: Any, market: str, now_ms: int) -> Any:
        made = fit(venue, market, now_ms)
        found.append((now_ms, asdict(made)))
        return made

    monkeypatch.setattr(building, "_fit", noted)
    return found


def started(kind: str, market: str, files: list[Path], home: Path) -> Completed:
    """The loop over the whole replay."""
    fed = run("paper", "feed", "replay", *files, "--fees", "article", "--speed", "0", "--json", home=home)
    assert fed.code == 0, fed.out
    for name, value in SETTINGS[kind].items():
        assert run("profile", "set", name, value, home=home).code == 0
    done = run(kind, "start", market, "--cycles", MANY, home=home)
    assert done.code == 0, done.err
    assert done.events[-1]["reason"] == "the recorded data ended"
    return done


def simulated(kind: str, market: str, files: list[Path], home: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    monkeypatch.setenv("PFMM_HOME", str(home))
    job = Job(
        kind, market, tuple(map(str, files)), overrides_tuple(SETTINGS[kind]), latency_ms=0, queues=("pessimistic",),
        fees="article",
    )  # fmt: skip
    (found,) = run_job(job, world_of(job))
    return found


def compare(
    kind: str, files: list[Path], folder: Path, fits: Fits, monkeypatch: pytest.MonkeyPatch, market: str = MARKET
) -> Scenario:
    started(kind, market, files, folder / "live")
    live_fits = list(fits)
    fits.clear()
    backtest = simulated(kind, market, files, folder / "backtest", monkeypatch)
    with own_session(folder / "live") as session:
        (only,) = session.journal.runs()
        fills = [(one.slot, unnamed(one.fill)) for one in session.journal.fills()]
        orders = session.journal.orders(run_id=only.run_id)
    assert [(one.slot, unnamed(one.fill)) for one in backtest.outcome.fills] == fills
    ended_ms = backtest.outcome.ended_ms
    # a loop looks once more where the data ends: what it places or moves then, no backtest does
    orders = [order for order in orders if order.created_ms < ended_ms]
    last = {number for number, order in enumerate(orders) if order.updated_ms >= ended_ms}
    assert len(last) < len(orders)
    assert placed(backtest.outcome.orders, last) == placed(orders, last)
    assert fits == live_fits
    report = run("report", "--json", home=folder / "live").data
    pnl = backtest.report.pnl
    parts = ("total", "spread_capture", "adverse_selection", "inventory", "fees", "funding")
    assert {part: Decimal(report["pnl"][part]) for part in parts} == {part: getattr(pnl, part) for part in parts}
    assert report["markouts_bps"] == {
        name: value if value is None else float(value) for name, value in backtest.report.markouts_bps.items()
    }
    return backtest


def unnamed(fill: Fill) -> Fill:
    """The fill but for its order's name: each run has names of its own."""
    return replace(fill, client_order_id=None)


def placed(orders: Sequence[OwnOrder], last: set[int]) -> list[tuple[Any, ...]]:
    """Every order as it was in the end; without its price, where the end moved it."""
    return [
        (one.slot, one.side, None if number in last else one.price, one.size, one.filled, one.created_ms)
        for number, one in enumerate(orders)
    ]


@pytest.mark.parametrize(
    ("kind", "minutes"),
    [*(pytest.param(kind, 12, marks=pytest.mark.slow) for kind in ("grid", "ladder")), ("quote", 6)],
)
def test_a_loop_and_a_backtest_do_the_same(
    kind: str, minutes: int, tmp_path: Path, fits: Fits, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compare(kind, [recording(tmp_path / "made.ndjson", minutes)], tmp_path, fits, monkeypatch)
    assert len(found.outcome.fills) >= 10
    assert len(fits) == (0 if kind == "grid" else minutes)


@pytest.mark.slow
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
@pytest.mark.parametrize("kind", list(SETTINGS))
def test_a_loop_and_a_backtest_do_the_same_on_recorded_ticks(
    kind: str, coin: str, tmp_path: Path, shared_data: Path, fits: Fits, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shared_data / "binance-usdm-ticks"
    files = [folder / f"{coin.lower()}usdt_{day}.gz" for day in ("20240718", "20240719")]
    found = compare(kind, files, tmp_path, fits, monkeypatch, f"{coin}-PERP")
    assert len(found.outcome.fills) >= 10

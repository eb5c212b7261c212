"""A market that the venue takes off its list while a process quotes on it and on others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.engine.engine import Engine
from pfmm.engine.report import Limits, RunSpec
from pfmm.errors import UnknownMarket
from pfmm.journal.journal import Journal
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.wire import hyperliquid_json as form
from pfmm.strategy.grid.plan import GridConfig
from pfmm.strategy.grid.strategy import GridStrategy
from tests.faults.lagging import ACCOUNT, START_MS, Lag, Lagging, lagging

GONE, LISTED = "ETH-PERP", "BTC-PERP"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Lagging]:
    with lagging(tmp_path, SyntheticFeed(3), Lag(), 3, markets=2) as made:
        yield made


def delist(monkeypatch: pytest.MonkeyPatch) -> None:
    meta = form.meta

    def without(specs: Any) -> Any:
        found = meta(specs)
        for row in found["universe"]:
            if row["name"] == GONE.removesuffix("-PERP"):
                row["isDelisted"] = True
        return found

    monkeypatch.setattr(form, "meta", without)


@contextmanager
def engine(venue: Any, folder: Path, *markets: str) -> Iterator[Engine]:
    instruments = {one.market: one for one in venue.markets()}
    config = GridConfig(levels=4, size_usd=Decimal(20), range_pct=Decimal(2))
    limits = Limits(Decimal(100), keep_on_bad_data=True)  # which a list without the market does not fall under
    specs = [RunSpec(GridStrategy(market, config), {}, limits) for market in markets]
    with Journal.open(folder / "j.sqlite3", venue="paper", account=ACCOUNT, nonce="abcdef") as journal:
        yield Engine(venue, journal, specs, instruments, wall_ms=lambda: START_MS, pid=1)


def resting(served: Lagging) -> set[str]:
    return {order.market for order in served.exchange.orders(ACCOUNT)}


def test_its_run_is_wound_down_and_the_others_go_on(
    served: Lagging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(served.venue()) as venue, engine(venue, tmp_path, LISTED, GONE) as made:
        made.cycle()
        assert resting(served) == {LISTED, GONE}
        delist(monkeypatch)
        served.step(61_000)  # marks are read once a minute
        report = made.cycle()
        assert resting(served) == {LISTED}
        problems = {run.market: run.problem for run in report.runs}
        assert problems[LISTED] is None
        assert "lists ETH-PERP no more: its orders are cancelled" in (problems[GONE] or "")
        assert report.fresh  # a dead-man switch is fed for the others
        served.step(3_000)
        assert made.cycle().runs
        assert resting(served) == {LISTED}


def test_a_process_that_has_no_other_market_ends(
    served: Lagging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(served.venue()) as venue, engine(venue, tmp_path, GONE) as made:
        made.cycle()
        delist(monkeypatch)
        served.step(61_000)
        with pytest.raises(UnknownMarket, match="lists ETH-PERP no more"):
            made.cycle()

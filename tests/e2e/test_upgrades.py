"""Runs that an earlier release left open go on: the same orders, none twice, whatever a release has added since.

The files are those of tests/golden/saved; the market is held where the earlier release saw it last.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.cli import app
from pfmm.model.setting import Setting
from pfmm.paper.feeds.feed import Quote
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.strategy.base import kind_of
from tests.e2e.homes import open_orders, own_session, restore, saved_releases
from tests.held import answer_of

MARKETS = {
    "BTC-PERP": Quote(1767571520512, 802070, 17725, 802120, 40111),
    "ETH-PERP": Quote(1767571520512, 200220, 80535, 200250, 423994),
    "SOL-PERP": Quote(1767571520512, 880900, 13639, 880980, 6299),
}
MARKS = {"BTC-PERP": 802096, "ETH-PERP": 200235, "SOL-PERP": 880940}
RATES = {"BTC-PERP": 10420, "ETH-PERP": 44892, "SOL-PERP": 6023}
RUNS = {
    "grid": ("BTC-PERP", "--levels", "6", "--range-pct", "0.2", "--on-breakout", "trail"),
    "ladder": ("ETH-PERP", "--levels", "3", "--max-inventory", "1000"),
    "quote": ("SOL-PERP",),
}
RESTING = {"grid": 6, "ladder": 6, "quote": 2}
FILLS = {"grid": 3, "ladder": 9, "quote": 25}
Call = Callable[..., Any]


@pytest.fixture(params=saved_releases(), ids=lambda release: release.name)
def home(request: pytest.FixtureRequest, pfmm_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the files of an earlier release, in the market that it saw last."""
    restore(pfmm_home, request.param)
    monkeypatch.setattr(SyntheticFeed, "quote", lambda _, market, time_ms: MARKETS[market])
    monkeypatch.setattr(SyntheticFeed, "mark", lambda _, market, time_ms: MARKS[market])
    monkeypatch.setattr(SyntheticFeed, "funding_rate", lambda _, market, settle_ms: RATES[market])
    return pfmm_home


@pytest.fixture
def pfmm(home: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs one command line in this process and gives its envelope."""

    def call(*arguments: str) -> Any:
        app.run([*arguments, "--json"])
        return answer_of(capsys.readouterr().out)

    return call


def resting(home: Path) -> list[tuple[str, str | None, Decimal, Decimal]]:
    """What rests in the exchange's own ledger."""
    return sorted((o.order_id, o.client_order_id, o.price, o.size_base) for o in open_orders(home))


def known(home: Path) -> set[str]:
    """The client order ids that the journal holds live."""
    with own_session(home) as session:
        return {order.client_order_id for order in session.journal.live_orders()}


def kept_all(pfmm: Call, home: Path, kind: str) -> None:
    """One cycle of the kind's run: it takes over every order, keeps each as it is and places none."""
    before = resting(home)
    answer = pfmm(kind, "start", *RUNS[kind], "--once")
    assert answer["ok"], answer
    (run,) = answer["data"]["runs"]
    assert answer["data"]["adopted_orders"] == run["kept"] == run["resting"] == RESTING[kind]
    assert (run["placed"], run["amended"], run["cancelled"], run["held"]) == (0, 0, 0, [])
    assert run["fills"] == FILLS[kind]
    assert resting(home) == before
    assert known(home) == {client_id for _, client_id, _, _ in before}


def add_setting(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """What a release does that adds a setting."""
    added = Setting(f"{kind}.patience_s", "number", 5.0, "how long to wait", Decimal(0), Decimal(60))
    room = type(kind_of(kind))
    monkeypatch.setattr(room, "settings", (*room.settings, added))


@pytest.mark.parametrize("kind", RUNS)
def test_an_open_run_goes_on_and_again_after_a_setting_is_added(
    pfmm: Call, home: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    kept_all(pfmm, home, kind)
    add_setting(monkeypatch, kind)
    kept_all(pfmm, home, kind)
    kept_all(pfmm, home, kind)


@pytest.mark.parametrize("kind", RUNS)
def test_a_new_setting_that_is_set_otherwise_is_named(
    pfmm: Call, home: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    add_setting(monkeypatch, kind)
    monkeypatch.setenv(f"PFMM_{kind.upper()}_PATIENCE_S", "9")
    before = resting(home)
    error = pfmm(kind, "start", *RUNS[kind], "--once")["error"]
    assert error["code"] == "settings_differ"
    where, differences = error["message"].split(" was begun with other settings: ")
    assert where == f"a {kind} on {RUNS[kind][0]}"
    assert differences.removeprefix(f"{kind}.") == "patience_s 5.0 → 9.0"
    assert resting(home) == before


@pytest.mark.parametrize("kind", RUNS)
def test_an_open_run_is_shown_and_stopped(pfmm: Call, home: Path, kind: str) -> None:
    (run,) = pfmm(kind, "status")["data"]["runs"]
    assert (run["state"], len(run["orders"]), run["fills"]) == ("between_runs", RESTING[kind], FILLS[kind])
    (stopped,) = pfmm(kind, "stop")["data"]["runs"]
    assert (stopped["state"], stopped["cancelled"], stopped["orders_left"]) == ("stopped", RESTING[kind], 0)
    assert len(resting(home)) == sum(RESTING.values()) - RESTING[kind]


def test_a_setting_that_moves_no_order_may_change_while_a_run_is_open(pfmm: Call, home: Path) -> None:
    before = resting(home)
    grid = (*RUNS["grid"][:-1], "flatten")
    assert pfmm("grid", "start", *grid, "--once")["data"]["runs"][0]["kept"] == RESTING["grid"]
    assert pfmm("grid", "start", *RUNS["grid"], "--levels", "7", "--once")["error"]["message"].endswith("levels 6 → 7")
    assert resting(home) == before

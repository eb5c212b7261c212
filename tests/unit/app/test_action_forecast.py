"""How long a venue's action budget lasts, from what the account's own runs have spent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.action_forecast import forecast, worked_out
from pfmm.errors import RiskRefused
from pfmm.journal.journal import Journal
from pfmm.model.account import ActionsLeft
from pfmm.model.market import Candle
from pfmm.model.order import Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents, RunSave
from pfmm.strategy.base import Follows

T0 = 1_760_000_000_000
HOUR_MS = 3_600_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "j.sqlite3", venue="fake", account="main", nonce="abcdef")
    yield opened
    opened.close()


def ran(journal: Journal, market: str, hours: float, actions: int) -> None:
    """A quote that placed so many orders in so many hours."""
    run = journal.start_run("quote", market, {}, time_ms=T0, wall_ms=T0, pid=1)

    def placed(_: object, number: int) -> Intents:
        orders = (
            OwnOrder(
                f"abcdef-{number + more}", run.run_id, market, f"bid:{more}", Side.LONG, Decimal(1), Decimal(1),
                Decimal(0), OwnStatus.SENDING, False, T0, T0,
            )
            for more in range(actions)
        )  # fmt: skip
        return Intents(place=tuple(orders))

    journal.commit_intents(placed, time_ms=T0)
    time_ms = T0 + round(hours * HOUR_MS)
    save = RunSave("between_runs", {}, folded_through=0, time_ms=time_ms, wall_ms=time_ms, pid=None)
    journal.save_run(run.run_id, save)


def left(usable: int, used: int = 1_000, earned: int = 0) -> ActionsLeft:
    return ActionsLeft(used, usable + 500, earned, 500)


def test_a_venue_that_counts_none_is_not_spoken_of(journal: Journal) -> None:
    assert forecast(None, journal, "quote", ["A"], 3.0, lambda: None) is None


@pytest.mark.parametrize("hours", [0.0, 0.1])
def test_without_a_run_to_learn_from_that_is_said(journal: Journal, hours: float) -> None:
    if hours:
        ran(journal, "A", hours, 5)
    told = forecast(left(9_500), journal, "quote", ["A"], 3.0, lambda: None)
    assert told == "9500 order actions left; what a quote spends here is not known until it has run 10 minutes"


def candle(low: int, high: int) -> Candle:
    return Candle(T0, Decimal(10_000), Decimal(high), Decimal(low), Decimal(10_000), Decimal(1))


def test_a_first_start_is_worked_out_of_the_market_itself() -> None:
    minutes = [candle(9_996, 10_004)] * 60  # 8 bps
    assert worked_out(minutes, Follows(2, 2.0), 3.0) == pytest.approx(120 * (8 / 1.596 / 2) ** 2)
    assert worked_out(minutes, Follows(10, 2.0), 3.0) == pytest.approx(600 * (8 / 1.596 / 2) ** 2)
    assert worked_out([candle(9_000, 11_000)], Follows(2, 2.0), 3.0) == 2 * 60 * 20  # no more than there are cycles
    assert worked_out(minutes, Follows(2, 0.0), 6.0) == 2 * 60 * 10  # every cycle
    assert worked_out([], Follows(2, 2.0), 3.0) is None
    assert worked_out([], None, 3.0) == 0  # a grid's lines stay where they are


def test_a_first_plan_that_empties_the_budget_in_a_day_is_refused_too(journal: Journal) -> None:
    with pytest.raises(RiskRefused, match=r"about 754 an hour .*candles.*spent in 12\.6 hours"):
        forecast(left(9_500), None, "quote", ["A"], 3.0, lambda: 754.0)
    told = forecast(left(9_500), journal, "quote", ["A"], 3.0, lambda: 300.0)
    assert told is not None
    assert "it has not run here yet" in told
    ran(journal, "A", 0.5, 50)  # what it has spent is the better word
    assert "about 100 an hour" in (forecast(left(9_500), journal, "quote", ["A"], 3.0, lambda: 754.0) or "")


def test_a_plan_that_lasts_a_day_is_told(journal: Journal) -> None:
    ran(journal, "A", 0.5, 50)
    told = forecast(left(2_400), journal, "quote", ["A"], 3.0, lambda: None)
    assert told == "2400 order actions left, about 100 an hour spent and 0 earned"


def test_a_plan_that_empties_the_budget_in_a_day_is_refused(journal: Journal) -> None:
    ran(journal, "A", 0.5, 50)
    with pytest.raises(RiskRefused, match=r"spent in 12\.0 hours") as failure:
        forecast(left(1_200), journal, "quote", ["A"], 3.0, lambda: None)
    assert "--interval 6" in (failure.value.hint or "")
    # half of what is spent comes back: 1,200 / 50 an hour
    assert forecast(left(1_200, used=1_000, earned=500), journal, "quote", ["A"], 3.0, lambda: None) is not None
    # another market spends as much as the one that is known
    with pytest.raises(RiskRefused, match="about 200 an hour"):
        forecast(left(2_400), journal, "quote", ["A", "B"], 3.0, lambda: None)

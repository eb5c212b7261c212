"""How long a venue's action budget lasts, from what the account's own runs have spent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.action_forecast import forecast
from pfmm.errors import RiskRefused
from pfmm.journal.journal import Journal
from pfmm.model.account import ActionsLeft
from pfmm.model.order import Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents, RunSave

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
    assert forecast(None, journal, "quote", ["A"], 3.0) is None


@pytest.mark.parametrize("hours", [0.0, 0.1])
def test_without_a_run_to_learn_from_that_is_said(journal: Journal, hours: float) -> None:
    if hours:
        ran(journal, "A", hours, 5)
    told = forecast(left(9_500), journal, "quote", ["A"], 3.0)
    assert told == "9500 order actions left; what a quote spends here is not known until it has run 10 minutes"


def test_a_plan_that_lasts_a_day_is_told(journal: Journal) -> None:
    ran(journal, "A", 0.5, 50)
    told = forecast(left(2_400), journal, "quote", ["A"], 3.0)
    assert told == "2400 order actions left, about 100 an hour spent and 0 earned"


def test_a_plan_that_empties_the_budget_in_a_day_is_refused(journal: Journal) -> None:
    ran(journal, "A", 0.5, 50)
    with pytest.raises(RiskRefused, match=r"spent in 12\.0 hours") as failure:
        forecast(left(1_200), journal, "quote", ["A"], 3.0)
    assert "--interval 6" in (failure.value.hint or "")
    # half of what is spent comes back: 1,200 / 50 an hour
    assert forecast(left(1_200, used=1_000, earned=500), journal, "quote", ["A"], 3.0) is not None
    # another market spends as much as the one that is known
    with pytest.raises(RiskRefused, match="about 200 an hour"):
        forecast(left(2_400), journal, "quote", ["A", "B"], 3.0)

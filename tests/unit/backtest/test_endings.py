"""How a backtest ends, and what it says of a run that could not work: liquidation, refusals, nothing ordered."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.app.backtest_jobs import Job, run_job, world_of
from pfmm.app.backtest_results import run_data, warnings_of
from pfmm.backtest.simulation import Clockwork, Outcome, simulate, span_of
from pfmm.engine.account_limits import AccountLimits
from pfmm.engine.report import Limits, RunSpec
from pfmm.errors import RiskRefused
from pfmm.strategy.grid.plan import GridConfig
from pfmm.strategy.grid.strategy import GridStrategy

D = Decimal
START = 1_736_000_040_000
MINUTE = 60_000


def recording(path: Path, *mids: float) -> Path:
    """A market of one deep quote every 15 s, each mid for a minute."""
    lines = ['{"format":"pfmm-tape","version":1,"units":{"time":"ms","price":"USD","size":"base"}}']
    for number, mid in enumerate(mid for mid in mids for _ in range(4)):
        lines.append(
            f'{{"kind":"quote","market":"ABC-PERP","time":{START + number * 15_000},"bid":"{mid - 0.01:.2f}",'
            f'"bid_size":"900.01","ask":"{mid + 0.01:.2f}","ask_size":"{900 + number % 2}.01"}}'
        )
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def soaring(tmp_path: Path) -> Path:
    """Doubles in ten minutes: a grid of sells worth 9,000 USD loses its account."""
    return recording(tmp_path / "soaring", *(100 + 20 * minute for minute in range(12)))


def job(path: Path, **settings: object) -> Job:
    overrides = tuple(sorted((name.replace("__", "."), str(value)) for name, value in settings.items()))
    return Job("grid", "ABC-PERP", (str(path),), overrides, queues=("pessimistic",), latency_ms=0)


@pytest.mark.usefixtures("pfmm_home")
def test_a_liquidation_is_said_with_its_time_and_ends_the_run(soaring: Path) -> None:
    one = job(
        soaring, run__interval_s=15, grid__lower=40, grid__upper=160, grid__levels=12, grid__size_usd=1500,
        run__max_inventory_usd=20000,
    )  # fmt: skip
    scenarios = run_job(one, world_of(one))
    (outcome,) = [each.outcome for each in scenarios]
    closing = outcome.fills[-1].fill
    assert closing.liquidation
    assert outcome.position == 0
    assert outcome.stopped is not None
    assert outcome.stopped.startswith("the account was liquidated at 2025-01-04T")
    assert f"at {closing.price:f} to close it" in outcome.stopped
    assert outcome.ended_ms - closing.time_ms <= 15_000  # the decision after it
    data = run_data(one, scenarios)
    assert data["scenarios"]["pessimistic"]["stopped"] == outcome.stopped
    assert f"a run stopped early: {outcome.stopped}" in warnings_of(scenarios)


def test_a_liquidated_run_ends_alike_in_both_modes(soaring: Path, tmp_path: Path, pfmm_home: Path) -> None:
    world = world_of(job(soaring))
    columns = world.columns
    grid = GridConfig(levels=12, size_usd=D(1500), lower=D(40), upper=D(160))
    spec = RunSpec(GridStrategy("ABC-PERP", grid), {}, Limits(D(20_000), keep_on_bad_data=True))
    clockwork = Clockwork(*span_of(columns, None, None), interval_ms=15_000)

    def parts(outcome: Outcome) -> tuple[Any, ...]:
        return outcome.fills, outcome.orders, outcome.equity, outcome.stopped, outcome.ended_ms, outcome.refused

    lazy, events = (simulate(columns, spec, clockwork, mode=mode) for mode in ("lazy", "events"))
    assert parts(lazy) == parts(events)
    assert lazy.stopped is not None


def test_the_limits_of_the_account_end_a_backtest_as_they_end_a_run(soaring: Path, pfmm_home: Path) -> None:
    """In both modes at the same decision."""
    columns = world_of(job(soaring)).columns
    grid = GridConfig(levels=12, size_usd=D(150), lower=D(40), upper=D(160))
    limits = Limits(D(20_000), keep_on_bad_data=True)
    account = AccountLimits(max_drawdown_pct=D(1))
    spec = RunSpec(GridStrategy("ABC-PERP", grid), {}, limits, account=account)
    clockwork = Clockwork(*span_of(columns, None, None), interval_ms=15_000)
    lazy, events = (simulate(columns, spec, clockwork, mode=mode) for mode in ("lazy", "events"))
    assert (lazy.stopped or "").startswith("drawdown: equity ")
    assert (lazy.fills, lazy.stopped, lazy.ended_ms) == (events.fills, events.stopped, events.ended_ms)


@pytest.mark.usefixtures("pfmm_home")
@pytest.mark.parametrize(("lower", "upper", "size"), [(50, 150, 3000), (90, 110, 150)])
def test_what_start_refuses_is_refused_alike(tmp_path: Path, lower: int, upper: int, size: int) -> None:
    """Every order alone is above the limit, or one whole side is."""
    one = job(recording(tmp_path / "a", 100, 101, 100), grid__lower=lower, grid__upper=upper, grid__size_usd=size)
    with pytest.raises(RiskRefused, match=r"one side of this grid is worth \d+\.\d\d USD, above max_inventory 500 USD"):
        run_job(one, world_of(one))


@pytest.mark.usefixtures("pfmm_home")
def test_a_side_that_is_stated_to_make_the_limit_runs_though_its_sells_are_worth_more(tmp_path: Path) -> None:
    """Five cells of 100 on each side, limit 500: the sells are worth 504.90, and what has no room is held."""
    path = recording(tmp_path / "a", *[98] * 9)
    one = job(path, grid__lower=93, grid__upper=103, grid__levels=10, grid__size_usd=100)
    (outcome,) = [scenario.outcome for scenario in run_job(one, world_of(one))]
    assert 8 <= len(outcome.orders) <= 10


@pytest.mark.usefixtures("pfmm_home")
def test_why_nothing_was_ordered_is_said(tmp_path: Path) -> None:
    """A quote that waits for volatility: two looks at most in a file of one interval."""
    path = recording(tmp_path / "a", 100)
    one = Job("quote", "ABC-PERP", (str(path),), (("run.interval_s", "3600"),), queues=("pessimistic",))
    scenarios = run_job(one, world_of(one))
    assert not scenarios[0].outcome.orders
    (told,) = [each for each in warnings_of(scenarios) if each.startswith("no order was placed: ")]
    assert "volatility unknown: 1 of at least 2 samples seen" in told

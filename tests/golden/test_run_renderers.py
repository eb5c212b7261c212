"""What people see of a run that is started, stopped or flattened, drawn at 60, 80, 100 and 140 columns."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from pfmm.app.closing import Verdict
from pfmm.app.flatten import Flattened, FlattenPlan, PlannedClose, Runner, RunnerStopped
from pfmm.app.stop import StoppedRun, StopResult
from pfmm.cli.render import flatten, stop
from pfmm.flatten.contract import FlatState, MarketResult
from tests.golden.screens import assert_drawn_as_kept

D = Decimal
VERDICT = Verdict(
    "paper",
    "default",
    "2025-01-01T00:00:00.000Z",
    FlatState.RESIDUAL,
    "BTC-PERP: only 0.1 of 0.3 could be closed inside the slippage cap",
    4,
    0,
    (
        MarketResult("BTC-PERP", D("0.3"), D("0.2"), D("0.1"), D("64990.5"), D("1.46"), 3, "only 0.1 of 0.3"),
        MarketResult("ETH-PERP", D(-1), None, D(0), None, None, 1, None),
    ),
)
FLATTENED = Flattened(
    VERDICT.venue, VERDICT.account, VERDICT.time, FlatState.FLAT, None, 4, None, VERDICT.markets[1:],
    runners_stopped=(RunnerStopped("BTC-PERP", "grid", 4711, "killed"),), halted=True, duration_ms=812,
)  # fmt: skip
PLAN = FlattenPlan(
    "paper", "default", "2025-01-01T00:00:00.000Z", "planned", 4,
    (PlannedClose("BTC-PERP", D("0.3"), D("0.15")),), (Runner("BTC-PERP", "grid", 4711),),
)  # fmt: skip
STOPPED = StopResult("paper", "default", (StoppedRun("BTC-PERP", "grid", 10, 0, "stopped"),), VERDICT)


@pytest.mark.parametrize(
    ("name", "render", "result"),
    [
        ("stop", partial(stop.render, "grid"), STOPPED),
        ("stop-none", partial(stop.render, "grid"), StopResult("paper", "default", ())),
        ("flatten", flatten.render, FLATTENED),
        ("flatten-plan", flatten.render_plan, PLAN),
    ],
)
def test_results_are_drawn_as_they_were_looked_at(name: str, render: Any, result: Any) -> None:
    assert_drawn_as_kept(name, lambda width: render(result, width))

"""What people see of a run that is started, stopped or flattened, drawn at 60, 80, 100 and 140 columns."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from pfmm.app.closing import Verdict
from pfmm.app.detaching import Detached
from pfmm.app.dry_run import Action, DryRunResult, PlannedRun
from pfmm.app.flatten import Flattened, FlattenPlan, PlannedClose, Runner, RunnerStopped
from pfmm.app.once import HeldOrder, LeftBy, OnceResult, OnceRow
from pfmm.app.stop import StoppedRun, StopResult
from pfmm.cli.render import flatten, start, stop
from pfmm.flatten.contract import FlatState, MarketResult
from pfmm.model.order import Side
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
STOPPED_RUNS = (StoppedRun("BTC-PERP", "grid", 10, 0, "stopped"), StoppedRun("ETH-PERP", "grid", 0, 0, "absent"))
STOPPED = StopResult("paper", "default", STOPPED_RUNS, VERDICT)

ONCE = OnceResult(
    "paper", "default", "2025-01-01T00:00:00.000Z", "quote", 0,
    (
        OnceRow(
            "BTC-PERP", "quote", None, 1, 0, 1, 0, 0, (HeldOrder("ask", "limit"),),
            {"bid:5": "too far", "bid:6": "too far"}, D("0.0005"), 2, 1,
        ),
        OnceRow("ETH-PERP", "quote", "the price is 20 s old", 0, 0, 0, 0, 0, (), {}, D(0), 0, 0),
    ),
    (), LeftBy("keep", 0),
)  # fmt: skip
DRY_RUN = DryRunResult(
    "paper", "default", "2025-01-01T00:00:00.000Z", "grid", 3,
    (
        PlannedRun(
            "BTC-PERP", D("65000.5"), None,
            (
                Action("amend", "cell:1:bid", Side.LONG, D("64000.5"), D("0.0003"), D(63_990), D("0.0004")),
                Action("place", "cell:2:bid", Side.LONG, D("63000.5"), D("0.0003")),
                Action("keep", "cell:3:bid", Side.LONG, D("62000.5"), D("0.0003")),
                Action("cancel", "cell:9:ask", Side.SHORT, D(66_000), D("0.0003")),
            ),
            (HeldOrder("cell:4:bid", "the limit of 500 USD"),), {"cell:5:bid": "waiting", "cell:6:bid": "waiting"},
        ),
        PlannedRun("ETH-PERP", None, "no price", (), (), {}),
    ),
)  # fmt: skip
DETACHED = Detached(4711, "/home/me/.local/state/pfmm/logs/grid-BTC-PERP.log", "grid", ("BTC-PERP",))


@pytest.mark.parametrize(
    ("name", "render", "result"),
    [
        ("stop", partial(stop.render, "grid"), STOPPED),
        ("stop-none", partial(stop.render, "grid"), StopResult("paper", "default", ())),
        ("once", start.render_once, ONCE),
        ("dry-run", start.render_dry_run, DRY_RUN),
        ("detached", start.render_detached, DETACHED),
        ("flatten", flatten.render, FLATTENED),
        ("flatten-plan", flatten.render_plan, PLAN),
    ],
)
def test_results_are_drawn_as_they_were_looked_at(name: str, render: Any, result: Any) -> None:
    assert_drawn_as_kept(name, lambda width: render(result, width))

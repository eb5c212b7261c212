"""A grid that has broken out closes beside another strategy of the account, and never trades with it.

The market's price unit is 0.1 USD. The grid spans 950 to 1050; the price falls to 940, out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.engine.report import RunSpec
from pfmm.model.cycle import CycleReport
from pfmm.model.order import Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Intents
from pfmm.strategy.grid.plan import GridConfig, OnBreakout
from pfmm.strategy.grid.strategy import GridStrategy
from tests.e2e.engine_rig import LIMITS, MARKET, START_MS, Rig, ScriptedFeed, Step, make_engine, rig

D = Decimal
GRID = GridConfig(levels=4, size_usd=D(50), lower=D(950), upper=D(1050), on_breakout=OnBreakout.FLATTEN)
FALL = [Step(9999, 10001), Step(9399, 9401)]  # the buy at 975 and the one at 950 fill on the way


@contextmanager
def broken_out(folder: Path, theirs: str | None) -> Iterator[tuple[Rig, OwnOrder | None]]:
    """A grid that is long when the price has left its range, and another run's buy at `theirs`."""
    with rig(folder, ScriptedFeed(FALL)) as r:
        r.engine = make_engine(r.venue, r.journal, [RunSpec(GridStrategy(MARKET, GRID), {}, LIMITS)], r.instruments)
        r.cycle()
        order = None
        if theirs is not None:
            run = r.journal.start_run("quote", MARKET, {}, time_ms=START_MS, wall_ms=START_MS, pid=2)
            order = OwnOrder(
                "n-90", run.run_id, MARKET, "bid", Side.LONG, D(theirs), D("0.05"), D(0), OwnStatus.SENDING, False,
                START_MS, START_MS,
            )  # fmt: skip
            r.journal.commit_intents(lambda live, number: Intents(place=(order,)), time_ms=START_MS)
            r.journal.update_orders([replace(order, status=OwnStatus.OPEN)], time_ms=START_MS)
        yield r, order


def until_closing(r: Rig) -> CycleReport:
    """The cycle that cancels what rests, and the one after it: only then is the inventory closed."""
    assert r.step().runs[0].plan.cancel
    return r.step()


def closes(r: Rig) -> list[Decimal]:
    return [new.price for batch in r.venue.batches for new in batch.place if new.reduce_only and new.price is not None]


@pytest.mark.parametrize(
    ("theirs", "price"),
    [
        (None, "935.3"),  # 0.5 % below the bid of 939.9: 935.2005, up to a tick
        ("930", "935.3"),  # out of reach
        ("938", "938.1"),  # short of theirs
    ],
)
def test_it_closes_short_of_the_other_strategy(tmp_path: Path, theirs: str | None, price: str) -> None:
    with broken_out(tmp_path, theirs) as (r, _):
        report = until_closing(r)
        assert closes(r) == [D(price)]
        told = [event.data["reason"] for event in report.events if event.name == "warning"]
        assert told == (
            ["closes at 938.1 instead of 935.3, before the buy of another strategy at 938"] if theirs == "938" else []
        )
        assert r.step().runs[0].ledger.size == 0


def test_it_waits_while_the_other_strategy_is_the_best_price(tmp_path: Path) -> None:
    with broken_out(tmp_path, "939.9") as (r, theirs):
        reports = [until_closing(r), r.step(), r.step()]
        for report in reports:
            assert closes(r) == []
            assert report.runs[0].ledger.size > 0
            assert [(h.slot, h.reason) for h in report.runs[0].plan.held] == [
                ("close", "would trade with another strategy of this account: its buy at 939.9 is the best price")
            ]
        assert theirs is not None
        r.journal.update_orders([replace(theirs, status=OwnStatus.CANCELLED)], time_ms=START_MS)
        r.step()
        assert closes(r) == [D("935.3")]
        assert r.step().runs[0].ledger.size == 0

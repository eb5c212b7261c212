"""Whom a fill of no run concerns, and whether the run must stop for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pfmm.engine.outside import taken_from, told_of
from pfmm.model.order import FLATTEN_IDS, Side
from pfmm.model.run import JournalFill
from tests.unit.scripted_venue import MARKET, D, fill

SOLD = JournalFill(1, None, None, fill(client_order_id=None, side=Side.SHORT))  # 2 at 100, of nobody's order
CLOSED = "closed from outside: 2 BTC-PERP at 100 sold by no order of pfmm, which took 2 from this run"
LIQUIDATED = "liquidated: the venue sold 2 {} at 100 to close the account's position"


@pytest.mark.parametrize(
    ("changes", "taken", "name", "reason"),
    [
        ({}, "-2", "closed_outside", CLOSED),
        ({}, "0", "base_changed", None),
        ({"market": "ETH-PERP"}, "0", None, None),  # another market's is another run's business
        ({"market": "ETH-PERP", "liquidation": True}, "0", "liquidated", LIQUIDATED.format("ETH-PERP")),
        ({"liquidation": True}, "-2", "liquidated", LIQUIDATED.format(MARKET)),
        ({"client_order_id": f"{FLATTEN_IDS}1"}, "-2", "fill", None),  # asked for
        ({"client_order_id": f"{FLATTEN_IDS}1"}, "0", None, None),
    ],
)
def test_what_a_run_is_told_of_a_fill_of_no_run(
    changes: dict[str, Any], taken: str, name: str | None, reason: str | None
) -> None:
    item = replace(SOLD, fill=replace(SOLD.fill, **changes))
    found = told_of(item, D(taken), market=MARKET, strategy="grid")
    if name is None:
        assert found is None
        return
    assert found is not None
    event, ends = found
    assert (event.name, event.market, event.data["size"], ends) == (name, MARKET, 2, reason)
    assert event.data.get("reason") == reason


def test_what_was_taken_from_a_run_is_the_sum_of_its_own_parts() -> None:
    parts = [replace(SOLD, run_id=run_id, fill=replace(SOLD.fill, size=D(size))) for run_id, size in
             (("r1", "0.5"), ("r2", "1"), ("r1", "0.25"))]  # fmt: skip
    assert (taken_from("r1", parts), taken_from("r3", parts)) == (D("-0.75"), 0)

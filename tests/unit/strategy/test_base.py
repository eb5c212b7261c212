"""What pfmm takes a strategy for that says nothing of itself, and how soon the orders of those that do follow."""

from __future__ import annotations

from typing import Any

import pytest

from pfmm.strategy.base import AtStart, Follows, Kind, Measured, Preview
from pfmm.strategy.ladder.room import LADDER
from pfmm.strategy.quote.room import QUOTE
from tests.toy_strategy import TOY, Toy
from tests.unit.scripted_venue import D

SOME: Any = None  # of what is not looked at


def test_a_strategy_that_says_nothing_needs_nothing_shows_nothing_and_may_start() -> None:
    toy = Toy("X-PERP", 20.0, D(50))
    assert TOY.follows(SOME) is None, "its orders stay where they are"
    assert TOY.at_start(toy, SOME, None) == AtStart(None)
    assert TOY.preview_problem(toy, "no ticker") == Preview(None, absent={"quotes": "no ticker"})
    assert Kind().columns() == ()
    with pytest.raises(NotImplementedError):
        Kind().build("X-PERP", SOME, Measured())


@pytest.mark.parametrize(
    ("kind", "settings", "follows"),
    [
        (QUOTE, {"quote.drift_bps": 5.0, "quote.tolerance_bps": 2.0}, Follows(2, 5.0)),
        (QUOTE, {"quote.drift_bps": 1.0, "quote.tolerance_bps": 2.0}, Follows(2, 2.0)),
        (LADDER, {"ladder.levels": 5, "ladder.threshold_bps": 10.0, "quote.tolerance_bps": 2.0}, Follows(10, 10.0)),
        (LADDER, {"ladder.levels": 3, "ladder.threshold_bps": 1.0, "quote.tolerance_bps": 2.0}, Follows(6, 2.0)),
    ],
)
def test_orders_follow_by_the_wider_of_what_is_left_alone(kind: Kind, settings: Any, follows: Follows) -> None:
    """Both sides of each level, moved by the drift or the tolerance."""
    assert kind.follows(settings) == follows

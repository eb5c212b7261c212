"""The weight of one machine's requests: shared by its processes, paced for loops, never in the way of a cancel."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.venue.ratelimit import Lane
from pfmm.venue.weights import LOOP_PER_MINUTE, PER_MINUTE, READ_RESERVE, WeightBudget


class Wall:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now_s


def drained(budget: WeightBudget, lane: Lane, weight: int) -> int:
    """How much a lane could take at once."""
    taken = 0
    while budget.take(lane, 0.0, weight) == 0:
        taken += weight
    return taken


def test_reads_leave_a_reserve_and_what_cancels_never_waits() -> None:
    budget = WeightBudget(None, Wall())
    assert drained(budget, Lane.READ, 20) == PER_MINUTE - READ_RESERVE
    assert budget.take(Lane.PLACE, 0.0) > 0
    for _ in range(5_000):
        assert budget.take(Lane.CANCEL, 0.0) == budget.take(Lane.FLATTEN, 0.0) == 0
    # overdrawn by a minute's worth at most, and half a second a unit of 20 later reads go on
    assert budget.take(Lane.READ, 0.0, 20) == pytest.approx((PER_MINUTE + READ_RESERVE + 20) / 20)


def test_an_emergency_reads_without_waiting() -> None:
    budget = WeightBudget(None, Wall(), urgent=True)
    assert all(budget.take(Lane.READ, 0.0, 60) == 0 for _ in range(100))
    assert budget.pace(200) == 0


def test_processes_share_one_file_and_a_full_one_stands_for_a_damaged_one(tmp_path: Path) -> None:
    path, wall = tmp_path / "venues" / "x.weight", Wall()
    first, second = WeightBudget(path, wall), WeightBudget(path, wall)
    assert drained(first, Lane.READ, 20) == 1_000
    assert second.take(Lane.READ, 0.0, 20) == pytest.approx(1.0)
    wall.now_s += 1
    assert second.take(Lane.READ, 0.0, 20) == 0
    assert first.take(Lane.READ, 0.0, 20) > 0
    for damage in (b"", b"half", b"\xff" * 32):
        path.write_bytes(damage)
        assert second.take(Lane.READ, 0.0, 20) == 0


def test_a_folder_that_cannot_be_written_leaves_each_process_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    budget = WeightBudget(tmp_path / "file" / "x.weight", Wall())
    assert drained(budget, Lane.READ, 20) == 1_000


def test_a_refused_address_reads_again_after_a_while_and_cancels_at_once() -> None:
    wall = Wall()
    budget = WeightBudget(None, wall)
    budget.close(Lane.READ, 0.0, 1.0)
    assert budget.take(Lane.READ, 0.0, 2) >= 10.0
    assert budget.take(Lane.CANCEL, 0.0) == 0
    assert budget.low(0.0)
    wall.now_s += 12
    assert budget.take(Lane.READ, 0.0, 2) == 0
    wall.now_s -= 7_200  # a clock that was set back shuts nothing for hours
    assert budget.take(Lane.CANCEL, 0.0) == 0
    wall.now_s += 3
    budget = WeightBudget(None, wall)
    assert budget.take(Lane.READ, 0.0, 2) == 0


@given(st.lists(st.tuples(st.integers(1, 120), st.integers(0, 5_000)), max_size=200))
def test_looks_of_a_loop_stay_below_their_pace_in_any_minute(looks: list[tuple[int, int]]) -> None:
    """Every look waits for the pace before it reads; actions of one unit come in between."""
    wall = Wall()
    budget = WeightBudget(None, wall)
    sent: list[tuple[float, int]] = []
    for weight, pause_ms in looks:
        wall.now_s += pause_ms / 1000
        while (wait_s := budget.pace(weight)) > 0:
            wall.now_s += wait_s
        assert budget.take(Lane.READ, 0.0, weight) == 0
        assert budget.take(Lane.CANCEL, 0.0) == 0
        sent.append((wall.now_s, weight + 1))
    for start_s, _ in sent:
        within = sum(weight for at_s, weight in sent if start_s <= at_s < start_s + 60)
        assert within <= LOOP_PER_MINUTE + len(sent)


def test_a_stretched_interval_is_said_once() -> None:
    wall = Wall()
    budget = WeightBudget(None, wall)
    assert budget.take(Lane.READ, 0.0, 180) == 0
    assert budget.pace(60) == pytest.approx(4.0)
    assert budget.text(0.0) == "weight left 1020/1200 this minute, interval stretched by 4.0 s"
    assert budget.text(0.0) == "weight left 1020/1200 this minute"

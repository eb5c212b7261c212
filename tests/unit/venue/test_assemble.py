"""A snapshot that is built of parts is never older than the time before it, and waits as long as it says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.errors import BadVenueData
from pfmm.venue.assemble import Parts, Reads, assemble

ASKED_MS = 100_000
ALL = ["time", "orders", "fills", "state"]


class Venue:
    """Serves these account states and fills, one read after the other; its clock moves by the pauses alone.

    `log` is what was read and how long the reader paused, in order.
    """

    def __init__(self, state_times: Iterable[int], fills: Iterable[str] = ("fills",)) -> None:
        self.log: list[str | float] = []
        self.now_s = 0.0
        self._states = iter(state_times)
        self._fills = iter(fills)

    def look(self, agreeing: Sequence[tuple[str, int]] | None = None) -> Parts[str, str, int]:
        """Assemble a snapshot; the pairs of fills and state that `agreeing` names tell one story, None: who knows."""
        reads: Reads[str, str, int] = Reads(
            time_ms=lambda: self._read("time", ASKED_MS),
            orders=lambda: self._read("orders", "orders"),
            fills=lambda: self._read("fills", next(self._fills)),
            state=lambda: self._read("state", next(self._states)),
            state_time_ms=lambda state: state,
            agree=None if agreeing is None else lambda fills, state: (fills, state) in agreeing,
        )
        return assemble(reads, pause=self._pause, monotonic_s=lambda: self.now_s)

    def _read(self, name: str, value: Any) -> Any:
        self.log.append(name)
        return value

    def _pause(self, seconds: float) -> None:
        self.log.append(seconds)
        self.now_s += seconds


def test_a_snapshot_reads_time_orders_fills_and_state_in_this_order() -> None:
    venue = Venue([ASKED_MS])
    assert venue.look() == Parts(ASKED_MS, "orders", "fills", ASKED_MS)
    assert venue.log == ALL


@given(st.lists(st.integers(0, ASKED_MS - 1), max_size=6), st.integers(ASKED_MS, 10**6))
def test_a_snapshot_is_never_older_than_the_time_read_before_it(behind: list[int], then: int) -> None:
    assert Venue([*behind, then]).look().state == then


@pytest.mark.parametrize(
    ("behind_ms", "pause_s"),
    [
        (1, 0.1),  # half of 1 ms is 0.0005 s, under the shortest pause
        (400, 0.2),  # half of 0.4 s
        (1_000, 0.5),  # half of 1 s is the longest pause
        (9_000, 0.5),  # half of 9 s is more than that
    ],
)
def test_a_state_behind_its_venue_is_read_again_after_half_of_what_is_missing(behind_ms: int, pause_s: float) -> None:
    venue = Venue([ASKED_MS - behind_ms, ASKED_MS])
    assert venue.look().state == ASKED_MS
    assert venue.log == [*ALL, pause_s, "state"]


def test_a_state_that_stays_behind_for_three_seconds_proves_nothing() -> None:
    venue = Venue([ASKED_MS - 60_000] * 100)
    with pytest.raises(BadVenueData, match=r"stays 60\.0 s behind its own time") as refused:
        venue.look()
    # half of 60 s is more than the longest pause: six pauses of 0.5 s are the 3 s
    assert venue.log == [*ALL, *[0.5, "state"] * 6]
    assert refused.value.hint is not None
    assert "the next read" in refused.value.hint


@pytest.mark.parametrize(
    ("agreeing", "shown", "log"),
    [
        ([("one", 100_001)], ("one", 100_001), ALL),
        ([("two", 100_002)], ("two", 100_002), [*ALL, 0.1, "fills", "state"]),
        ([("three", 100_003)], ("three", 100_003), [*ALL, *[0.1, "fills", "state"] * 2]),
        # what never agrees is read twice again, not for ever
        ([], ("three", 100_003), [*ALL, *[0.1, "fills", "state"] * 2]),
    ],
)
def test_fills_and_state_that_tell_different_stories_are_read_again_at_most_twice(
    agreeing: list[tuple[str, int]], shown: tuple[str, int], log: list[str | float]
) -> None:
    venue = Venue([100_001, 100_002, 100_003, 100_004], ["one", "two", "three", "four"])
    assert venue.look(agreeing) == Parts(ASKED_MS, "orders", *shown)
    assert venue.log == log


def test_a_state_read_again_for_the_fills_is_not_older_than_the_time_either() -> None:
    venue = Venue([100_001, ASKED_MS - 600, 100_002], ["one", "two"])
    assert venue.look([("two", 100_002)]) == Parts(ASKED_MS, "orders", "two", 100_002)
    assert venue.log == [*ALL, 0.1, "fills", "state", 0.3, "state"]


def test_a_state_read_again_that_stays_behind_proves_nothing() -> None:
    venue = Venue([100_001, *[ASKED_MS - 1_200] * 100], ["one", "two"])
    with pytest.raises(BadVenueData, match="behind its own time"):
        venue.look([])
    assert venue.now_s == pytest.approx(3.1)  # 0.1 s for the fills, then 3 s for the state

"""Funding settlements: times at their minute, intervals from the spacing of rows, and what no row accounts for."""

from __future__ import annotations

import pytest

from pfmm.paper.feeds.feed import Settlement
from pfmm.paper.feeds.settlements import HOUR_MS, Schedule, TooClose, on_the_minute, packed, regular, spaced

H = HOUR_MS


def schedule(*rows: tuple[int, int, int]) -> Schedule:
    return Schedule(memoryview(packed(Settlement(*row) for row in rows)), 8)


@pytest.mark.parametrize(
    ("stamped", "minute"), [(8 * H, 8 * H), (8 * H + 12, 8 * H), (8 * H - 1_500, 8 * H), (8 * H + 29_999, 8 * H)]
)
def test_a_settlement_stamped_late_or_early_belongs_to_its_minute(stamped: int, minute: int) -> None:
    assert on_the_minute(stamped) == minute


@pytest.mark.parametrize(
    ("hours", "intervals"),
    [
        ([8], [8]),
        ([8, 16, 24], [8, 8, 8]),
        ([1, 2, 3, 4], [1, 1, 1, 1]),
        ([4, 8, 12], [4, 4, 4]),
        ([1, 2, 3, 6, 7, 8], [1, 1, 1, 1, 1, 1]),  # two hourly rows are missing
        ([8, 16, 32, 40], [8, 8, 8, 8]),  # one row of 8 h is missing
        ([8, 16, 17, 18], [8, 8, 1, 1]),  # settled every 8 h, then every hour
        ([1, 2, 4, 12, 20], [1, 1, 2, 8, 8]),  # hourly, then every 8 h
    ],
)
def test_a_row_is_for_the_hours_since_the_row_before_it(hours: list[int], intervals: list[int]) -> None:
    """80,000 is 8 bps per 8 h, so 1 bp an hour."""
    got = spaced([(hour * H, 80_000) for hour in hours])
    assert [each.interval_hours for each in got] == intervals
    assert [each.rate for each in got] == [10_000 * interval for interval in intervals]


def test_rows_closer_than_any_venue_settles_are_refused() -> None:
    with pytest.raises(TooClose) as caught:
        spaced([(H, 1), (2 * H, 1), (2 * H + 300_000, 1)])
    assert caught.value.index == 2


def test_regular_settlements_fall_on_whole_multiples() -> None:
    assert list(regular(8 * H, 24 * H, 8 * H)) == [16 * H, 24 * H]
    assert list(regular(8 * H - 1, 8 * H, 8 * H)) == [8 * H]


def test_a_schedule_gives_what_falls_due_in_an_interval_that_is_open_on_the_left() -> None:
    known = schedule((H, 1, 1), (2 * H, 2, 1), (8 * H, 3, 8))
    assert known.between(H, 8 * H) == [(2 * H, 2, 1), (8 * H, 3, 8)]
    assert known.between(2 * H, 8 * H - 1) == []


@pytest.mark.parametrize(
    ("at", "due"),
    [
        (0, (H, 0, 1)),  # nothing has settled yet
        (H, (2 * H, 5, 1)),
        (2 * H + 1, (8 * H, 7, 1)),
        (3 * H, (8 * H, 0, 8)),  # the last rate ran out an hour after it settled
        (8 * H, (16 * H, 9, 8)),  # behind the last row: its own interval goes on
    ],
)
def test_the_next_settlement_is_told_at_the_rate_that_settled_last(at: int, due: tuple[int, int, int]) -> None:
    assert schedule((H, 5, 1), (2 * H, 7, 1), (8 * H, 9, 8)).next_after(at) == due


def test_without_any_row_a_market_settles_at_its_own_interval_and_pays_nothing() -> None:
    empty = schedule()
    assert empty.next_after(9 * H) == (16 * H, 0, 8)
    assert empty.passed(0, 24 * H) == (3, 3)


@pytest.mark.parametrize(
    ("rows", "span", "passed"),
    [
        ([(H, 1, 1), (2 * H, 1, 1), (8 * H, 1, 8)], (0, 8 * H), (3, 0)),  # the row of 8 h accounts for 3 to 7
        ([(H, 1, 1), (4 * H, 1, 1)], (0, 4 * H), (4, 2)),  # 2 and 3 have no rate
        ([(8 * H, 1, 8)], (0, 24 * H), (3, 2)),
        ([(24 * H, 1, 8)], (0, 24 * H), (3, 2)),
        ([(24 * H, 1, 8)], (0, 23 * H), (2, 2)),
        ([(H, 1, 1)], (2 * H, 4 * H), (2, 2)),  # every row lies before the run: it says so
        ([(9 * H, 1, 1)], (2 * H, 4 * H), (0, 0)),
    ],
)
def test_settlements_that_no_row_accounts_for_are_counted(
    rows: list[tuple[int, int, int]], span: tuple[int, int], passed: tuple[int, int]
) -> None:
    assert schedule(*rows).passed(*span) == passed

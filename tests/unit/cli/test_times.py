"""Moments on the command line."""

from __future__ import annotations

import pytest
import typer

from pfmm.cli.times import moment_ms, since
from pfmm.model.units import iso, since_ms, unit_of

NOW = 1_735_689_600_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2025-01-01T00:00:01Z", 1_735_689_601_000),
        ("2025-01-01T00:00:01.5", 1_735_689_601_500),  # UTC unless it says otherwise
        ("2025-01-01T02:00:01+02:00", 1_735_689_601_000),
        ("2025-01-01", 1_735_689_600_000),
        ("1735689601000", 1_735_689_601_000),
        (" 1735689601000 ", 1_735_689_601_000),
        ("1735691400", 1_735_691_400_000),  # ten digits are seconds
        ("1735689601000250", 1_735_689_601_000),  # sixteen are microseconds
        ("1_735_689_601", 1_735_689_601_000),
    ],
)
def test_a_moment(text: str, ms: int) -> None:
    assert moment_ms(text) == ms


@pytest.mark.parametrize("text", ["", "now", "0", "-5", "1e3", "1969-12-31", "2025-13-01", "٣"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment_ms(text)


@pytest.mark.parametrize(
    ("number", "unit"),
    [(1_735_689_600, "s"), (99_999_999_999, "s"), (1_735_689_600_000, "ms"), (1_735_689_600_000_000, "us"),
     (1_735_689_600_000_000_000, "ns")],
)  # fmt: skip
def test_the_unit_of_a_time_follows_from_its_size(number: int, unit: str) -> None:
    assert unit_of(number) == unit


@pytest.mark.parametrize(
    ("text", "ms"),
    [("24h", 1_735_603_200_000), ("3600", 1_735_686_000_000), ("2025-01-01", NOW), ("1735689600", NOW)],
)
def test_a_period_begins_a_span_before_now_or_at_a_moment(text: str, ms: int) -> None:
    assert since_ms(text, NOW) == ms


def test_a_capital_m_is_no_minute() -> None:
    with pytest.raises(typer.BadParameter, match="1m are minutes, and a month is written in days"):
        since("1M")


def test_a_moment_is_written_as_it_is_read() -> None:
    assert (iso(NOW), iso(NOW + 1)) == ("2025-01-01T00:00:00Z", "2025-01-01T00:00:00.001Z")

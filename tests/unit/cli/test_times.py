"""Moments on the command line."""

from __future__ import annotations

import pytest
import typer

from pfmm.cli.times import LAST_MS, moment_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2025-01-01T00:00:01Z", 1_735_689_601_000),
        ("2025-01-01T00:00:01.5", 1_735_689_601_500),  # UTC unless it says otherwise
        ("2025-01-01T02:00:01+02:00", 1_735_689_601_000),
        ("2025-01-01", 1_735_689_600_000),
        ("1735689601000", 1_735_689_601_000),
        (" 1735689601000 ", 1_735_689_601_000),
        (str(LAST_MS), LAST_MS),
    ],
)
def test_a_moment(text: str, ms: int) -> None:
    assert moment_ms(text) == ms


@pytest.mark.parametrize("text", ["", "now", "0", "-5", "1e3", "1969-12-31", "2025-13-01", str(LAST_MS + 1), "٣"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment_ms(text)

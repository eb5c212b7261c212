"""Colours are read on terminals of either background."""

from __future__ import annotations

import pytest
from rich.color import Color

from pfmm.cli.live import colours

LEAST = 3.8  # contrast; of grey in the middle it is 4.6 on both


def luminance(red: int, green: int, blue: int) -> float:
    """As WCAG 2 defines it: 0 for black, 1 for white."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red / 255, green / 255, blue / 255)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [colours.GOOD, colours.BAD, colours.NOTE])
def test_each_colour_is_readable_on_black_and_on_white(colour: str) -> None:
    shade = luminance(*Color.parse(colour).get_truecolor())
    assert (shade + 0.05) / 0.05 >= LEAST
    assert 1.05 / (shade + 0.05) >= LEAST


def test_no_other_colour_is_on_a_screen() -> None:
    """Names of a terminal's own colours are of any shade: its green is unreadable on white, its blue on black."""
    from pathlib import Path

    folder = Path(colours.__file__).parent
    named = [
        (file.name, name)
        for file in sorted(folder.glob("*.py"))
        for name in ("red", "green", "yellow", "blue", "magenta", "cyan", "white", "black")
        if f'"{name}"' in file.read_text("utf-8")
    ]
    assert named == []

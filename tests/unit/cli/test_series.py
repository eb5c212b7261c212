"""Spans as people write them, and series as one line of blocks."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from pfmm.cli.render.spans import in_words
from pfmm.cli.times import span_ms
from pfmm.report.sparkline import BLOCKS, sparkline


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90_000),
        ("30m", 1_800_000),
        ("24h", 86_400_000),
        ("7d", 604_800_000),
        (" 2W ", 1_209_600_000),
        ("45", 45_000),
    ],
)
def test_spans(text: str, expected: int) -> None:
    assert span_ms(text) == expected


@pytest.mark.parametrize(
    "text", ["", "1M", "d", "0h", "-1d", "1.0000001h", "7 d", "7dd", "nan", "٧d", "9999999d", "1y"]
)
def test_what_is_no_span_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        span_ms(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (59, "59s"), (60, "1m00s"), (3599, "59m59s"), (3600, "1h00m"), (15_120, "4h12m"), (172_800, "2d00h")],
)
def test_spans_in_words(seconds: int, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("values", "width", "line"),
    [
        ([], 10, ""),
        ([5], 10, "▅"),
        ([1, 1], 10, "▅▅"),
        ([0, 1, 2, 3], 10, "▁▃▆█"),  # 7/3 = 2.33 and 14/3 = 4.67 round to 2 and 5
        ([0, 2, 6, 8], 2, "▁█"),  # means 1 and 7
        ([3, -3], 10, "█▁"),
    ],
)
def test_sparklines(values: list[float], width: int, line: str) -> None:
    assert sparkline(values, width) == line


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.integers(1, 40))
def test_a_sparkline_keeps_width_and_order(values: list[float], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) == min(len(values), width)
    assert set(line) <= set(BLOCKS)
    if len(values) <= width:
        blocks = [BLOCKS.index(char) for char in line]
        ordered = [block for _, block in sorted(zip(values, blocks, strict=True))]
        assert ordered == sorted(ordered)  # a higher value never shows lower


@pytest.mark.parametrize(("values", "width"), [([float("nan")], 5), ([float("inf")], 5), ([1.0], 0)])
def test_sparklines_refuse_what_has_no_height(values: list[float], width: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        sparkline(values, width)

"""A series as one line of block characters. Text only: knows no colour and no terminal. Layer: report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pfmm.report.thinning import means

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 30) -> str:
    """Draw the values from lowest to highest block, at most `width` wide.

    Longer series show the mean of each stretch. 0, 1, 2, 3 at any width from 4 on give ▁▃▆█; equal values give a middle
    line. Raises ValueError unless finite.
    """
    if width <= 0:
        raise ValueError(f"width must be above zero, not {width}")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("values must be finite")
    points = means(values, width)
    if not points:
        return ""
    low, high = min(points), max(points)
    if low == high:
        return BLOCKS[len(BLOCKS) // 2] * len(points)
    top = len(BLOCKS) - 1
    return "".join(BLOCKS[min(top, math.floor((point - low) / (high - low) * top + 0.5))] for point in points)

"""A series as one line of block characters. Text only: knows no colour and no terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 30) -> str:
    """The values from lowest to highest block, at most `width` wide: longer series show the mean of each stretch.

    0, 1, 2, 3 at any width from 4 on give ▁▃▆█; equal values give a middle line. Raises ValueError unless finite.
    """
    if width <= 0:
        raise ValueError(f"width must be above zero, not {width}")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("values must be finite")
    points = _stretches(values, width)
    if not points:
        return ""
    low, high = min(points), max(points)
    if low == high:
        return BLOCKS[len(BLOCKS) // 2] * len(points)
    top = len(BLOCKS) - 1
    return "".join(BLOCKS[min(top, math.floor((point - low) / (high - low) * top + 0.5))] for point in points)


def _stretches(values: Sequence[float], width: int) -> list[float]:
    count = len(values)
    if count <= width:
        return list(values)
    edges = [index * count // width for index in range(width + 1)]
    return [math.fsum(values[a:b]) / (b - a) for a, b in pairwise(edges)]

"""Long series made short enough to draw or to send, without losing what matters in them. Pure. Layer: report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise


def extremes(series: Sequence[tuple[int, Decimal]], at_most: int) -> list[tuple[int, Decimal]]:
    """Keep at most `at_most` (>= 4) points of a series: the first, the last, and lowest and highest of each stretch.

    So the deepest fall from a peak stays visible. A series that is short enough stays as it is.
    """
    if at_most < 4:
        raise ValueError(f"at_most must be 4 or more, not {at_most}")
    if len(series) <= at_most:
        return list(series)
    stretches = (at_most - 2) // 2
    inner = range(1, len(series) - 1)
    kept = {0, len(series) - 1}
    for index in range(stretches):
        stretch = inner[index * len(inner) // stretches : (index + 1) * len(inner) // stretches]
        if stretch:
            kept |= {min(stretch, key=lambda i: series[i][1]), max(stretch, key=lambda i: series[i][1])}
    return [series[index] for index in sorted(kept)]


def means(values: Sequence[float], width: int) -> list[float]:
    """Return the values, or the mean of each of `width` stretches where there are more.

    1, 3, 5, 7 in two are 2 and 6.
    """
    if len(values) <= width:
        return list(values)
    edges = [index * len(values) // width for index in range(width + 1)]
    return [math.fsum(values[a:b]) / (b - a) for a, b in pairwise(edges)]

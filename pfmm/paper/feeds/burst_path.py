"""A price path that moves in bursts: the path of `price_path`, and inside each 33 s segment a clock that runs unevenly.

Down to a segment it is the same path. Below, a node gives one of its halves, by chance, 85 % of its variance, five
levels deep: a second holds most of a half minute's move, or hardly any of it, as on recorded ticks. A move takes three
seconds to arrive in full. Every displacement stays hard-bounded. Layer: paper.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from pfmm.paper.feeds.counter_random import BELL_BOUND, FIRST, GOLDEN, MASK, SECOND, bell
from pfmm.paper.feeds.price_path import (
    JUMP_LEVEL,
    LEAF_LEVEL,
    REMEMBERED,
    SEGMENT_LEAVES,
    SEGMENT_LEVEL,
    PricePath,
    Segment,
)

LARGE = 0.85  # of a node's variance lies in one of its halves: kurtosis of a second 3 * (2 * (0.85^2 + 0.15^2))^5 = 22
SMALL = 1 - LARGE
BEND = 2 * sqrt(LARGE * SMALL)  # the midpoint of a bridge that runs unevenly deviates by 2 * sqrt(s (1 - s)) of an even

ARRIVES = (0.55, 0.25, 0.2)  # of a second's move, in that second and the two after it; all of it as the segment ends


class Leaf(NamedTuple):
    """One second: log price as it begins and as it ends, the swing, how fast its clock runs (1 on average), and the log
    price as its segment ends."""

    left: float
    right: float
    swing: float
    pace: float
    ahead: float


class BurstPath(PricePath):
    """The path of one market. Two objects with one key agree everywhere."""

    __slots__ = ()

    def _segment_reach(self) -> float:
        reach = 0.0
        for _ in range(SEGMENT_LEVEL - LEAF_LEVEL):
            reach = BELL_BOUND * BEND * self._bend[SEGMENT_LEVEL] + sqrt(LARGE) * reach
        return reach

    def leaf(self, leaf: int) -> Leaf:
        """Return one second of the path."""
        return leaf_of(self.segment(leaf // SEGMENT_LEAVES), leaf)

    def _segment(self, index: int, left: float, right: float, swing: float) -> Segment:
        key = self._key
        points = [0.0] * (SEGMENT_LEAVES + 1)
        paces = [1.0] * SEGMENT_LEAVES
        points[0], points[SEGMENT_LEAVES] = left, right
        level, width = SEGMENT_LEVEL, SEGMENT_LEAVES
        while width > 1:
            half = width >> 1
            bend = self._bend[level] * swing * BEND
            counter = (index << SEGMENT_LEVEL - level) << 6 | level
            for start in range(0, SEGMENT_LEAVES, width):
                bits = (key + counter * GOLDEN) & MASK
                bits = ((bits ^ (bits >> 30)) * FIRST) & MASK
                bits = ((bits ^ (bits >> 27)) * SECOND) & MASK
                bits ^= bits >> 31
                share = LARGE if bits & 1 else SMALL
                low, pace = points[start], paces[start]
                points[start + half] = low + (points[start + width] - low) * share + bell(bits) * (bend * sqrt(pace))
                paces[start] = pace * (2 * share)
                paces[start + half] = pace * (2 * (1 - share))
                counter += 64
            level, width = level - 1, half
        now, one, two = ARRIVES
        points[1:SEGMENT_LEAVES] = [
            now * points[i] + one * points[i - 1] + two * points[max(i - 2, 0)] for i in range(1, SEGMENT_LEAVES)
        ]
        first = index * SEGMENT_LEAVES
        jump = self._jump(first >> JUMP_LEVEL - LEAF_LEVEL)
        if jump is not None:
            points = [point + jump.offset(first + i) for i, point in enumerate(points)]
        if len(self._segments) >= REMEMBERED:
            self._segments.clear()
        self._segments[index] = segment = Segment(first, tuple(points), swing, tuple(paces))
        return segment


def leaf_of(segment: Segment, leaf: int) -> Leaf:
    """Return one second of a segment that a BurstPath made."""
    i, points = leaf - segment.first_leaf, segment.points
    return Leaf(points[i], points[i + 1], segment.swing, segment.paces[i], points[SEGMENT_LEAVES])

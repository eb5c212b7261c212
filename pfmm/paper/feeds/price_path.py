"""A price path that is a function of time: log price by a dyadic Brownian bridge over counter-based noise.

Time is counted in leaves of 1.024 s. Blocks of 2^30 ms (12.4 days) have independent end points around the anchor, so
the price wanders around it for ever; midpoints are displaced level by level down to the leaf. Volatility is a
multiplicative cascade over the levels from 3 days to 17 minutes (bursts within bursts, mean square 1), and now and then
a 4.7 hour block holds one jump. Every displacement is hard-bounded, so whole nodes can be proven to stay away from a
price without being expanded. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import cosh, exp, sqrt
from typing import NamedTuple

from pfmm.paper.feeds.counter_random import BELL_BOUND, FIRST, GOLDEN, MASK, SECOND, bell, draw

LEAF_MS = 1_024  # the shortest stretch of a path; what happens inside is made from its ends
LEAF_LEVEL = 10  # a leaf lasts 2^10 ms
SEGMENT_LEVEL = 15  # leaves are made 32 at a time
CHECKPOINT_LEVEL = 20  # nodes of 17 minutes are remembered, to start from
CASCADE_BOTTOM, CASCADE_TOP = 20, 28
JUMP_LEVEL = 24
TOP_LEVEL = 30
SEGMENT_LEAVES = 1 << SEGMENT_LEVEL - LEAF_LEVEL
YEAR_MS = 365 * 24 * 3600 * 1000

CASCADE_SPREAD = 0.14  # sd of ln(swing) = 0.14 * sqrt(9 levels) = 0.42
SWING_UP = exp(CASCADE_SPREAD) / sqrt(cosh(2 * CASCADE_SPREAD))  # normalised: the mean of the squares is 1
SWING_DOWN = exp(-CASCADE_SPREAD) / sqrt(cosh(2 * CASCADE_SPREAD))
JUMP_CHANCE = 1 / 8  # of a block of 4.7 hours: one in a day and a half
JUMP_AT_FULL_VOLATILITY = 0.024  # largest jump in log price at an annual volatility of 1: 120 bps at 0.5
REMEMBERED = 64  # of each kind and market: segments of 35 minutes, some 3 KB each

Near = Callable[[float, float, float], bool]


class Segment(NamedTuple):
    """32 leaves: `points[i]` is the log price (0 = the anchor) as leaf `first_leaf + i` begins, `points[32]` where
    the next segment begins; `swing` multiplies the annual volatility here. `paces` say how fast each leaf's clock runs,
    1 on average; none where every leaf's runs evenly."""

    first_leaf: int
    points: tuple[float, ...]
    swing: float
    paces: tuple[float, ...] = ()


class Jump(NamedTuple):
    """One jump by `size` (log price) at the start of `leaf`, undone linearly over its block [`start`, `end`)."""

    start: int
    end: int
    leaf: int
    size: float

    def offset(self, leaf: int) -> float:
        """Return what the jump adds to the log price at `leaf`: zero at both ends of the block. A jump of 8 at leaf 4
        of 16 adds -2 just before it would be due, 8 - 2 = 6 at it, and falls to 0 at leaf 16."""
        undone = self.size * (leaf - self.start) / (self.end - self.start)
        return -undone if leaf < self.leaf else self.size - undone

    def extremes(self, first: int, last: int) -> tuple[float, float]:
        """Return the least and the most that the jump adds anywhere in leaves [first, last], both ends included."""
        values = [self.offset(first), self.offset(last)]
        if first < self.leaf <= last:
            before = -self.size * (self.leaf - self.start) / (self.end - self.start)
            values += [before, before + self.size]
        return min(values), max(values)


class PricePath:
    """The path of one market. Two objects with one key agree everywhere; what they remember only saves time."""

    __slots__ = ("_bend", "_blocks", "_ends", "_jump_bound", "_jumps", "_key", "_more", "_reach", "_segments")

    def __init__(self, key: int, annual_volatility: float) -> None:
        self._key = key
        years = [(1 << level) / YEAR_MS for level in range(TOP_LEVEL + 1)]
        # the midpoint of a bridge over T deviates by sigma * sqrt(T) / 2
        self._bend = [annual_volatility * sqrt(span) / 2 for span in years]
        # end points independent with deviation s differ by s * sqrt(2): s = sigma * sqrt(T / 2)
        self._ends = annual_volatility * sqrt(years[TOP_LEVEL] / 2)
        self._jump_bound = JUMP_AT_FULL_VOLATILITY * annual_volatility
        self._reach, self._more = self._bounds()
        self._jumps: dict[int, Jump | None] = {}
        self._blocks: dict[int, tuple[float, float, float]] = {}
        self._segments: dict[int, Segment] = {}

    def _bounds(self) -> tuple[list[float], list[float]]:
        """Work out for each level how far the path can leave the line between a node's ends at swing 1, and the factor
        by which swing can still grow below the node."""
        reach = [0.0] * (TOP_LEVEL + 1)
        more = [1.0] * (TOP_LEVEL + 1)
        reach[SEGMENT_LEVEL] = self._segment_reach()
        for level in range(SEGMENT_LEVEL + 1, TOP_LEVEL + 1):
            grows = SWING_UP if CASCADE_BOTTOM <= level - 1 <= CASCADE_TOP else 1.0
            reach[level] = BELL_BOUND * self._bend[level] + grows * reach[level - 1]
            more[level] = grows * more[level - 1]
        return reach, more

    def _segment_reach(self) -> float:
        """Work out how far the path can leave the line between a segment's ends at swing 1."""
        reach = 0.0
        for level in range(LEAF_LEVEL + 1, SEGMENT_LEVEL + 1):
            reach = BELL_BOUND * self._bend[level] + reach
        return reach

    @property
    def bound(self) -> float:
        """No log price is ever further than this from the anchor."""
        return BELL_BOUND * self._ends + self._reach[TOP_LEVEL] + self._jump_bound

    def at(self, leaf: int) -> tuple[float, float]:
        """Return (log price relative to the anchor, swing) all through `leaf`."""
        segment = self._segments.get(leaf // SEGMENT_LEAVES)
        if segment is not None:
            return segment.points[leaf - segment.first_leaf], segment.swing
        node = self._checkpoint(leaf >> CHECKPOINT_LEVEL - LEAF_LEVEL)
        left, _, swing = self._descend(node, CHECKPOINT_LEVEL, LEAF_LEVEL, leaf)
        jump = self._jump(leaf >> JUMP_LEVEL - LEAF_LEVEL)
        return left if jump is None else left + jump.offset(leaf), swing

    def segment(self, index: int) -> Segment:
        """Return the 32 leaves from 32 * index on."""
        known = self._segments.get(index)
        if known is not None:
            return known
        node = self._checkpoint(index >> CHECKPOINT_LEVEL - SEGMENT_LEVEL)
        return self._segment(index, *self._descend(node, CHECKPOINT_LEVEL, SEGMENT_LEVEL, index * SEGMENT_LEAVES))

    def near(self, first_leaf: int, last_leaf: int, near: Near) -> Iterator[Segment]:
        """Yield the segments between two leaves in time order, without those that `near(low, high, swing)` rules out.

        `near` is told bounds of the log price and of the swing of a whole node, and says whether anything in there
        could matter; it is asked again for every node, as late as possible.
        """
        stack = self._start(first_leaf, last_leaf)
        while stack:
            level, index, left, right, swing = stack.pop()
            shift = level - LEAF_LEVEL
            first, end = index << shift, index + 1 << shift
            if end <= first_leaf or first > last_leaf:
                continue
            bits = draw(self._key, index << 6 | level)
            own = swing
            if CASCADE_BOTTOM <= level <= CASCADE_TOP:
                own *= SWING_UP if bits >> 32 & 1 else SWING_DOWN
            below, above = self._jump_extremes(level, first, end)
            reach = self._reach[level] * own
            low, high = (left, right) if left < right else (right, left)
            if not near(low - reach + below, high + reach + above, own * self._more[level]):
                continue
            if level == SEGMENT_LEVEL:
                known = self._segments.get(index)
                yield known if known is not None else self._segment(index, left, right, swing)
                continue
            middle = (left + right) / 2 + bell(bits) * (self._bend[level] * own)
            stack.append((level - 1, 2 * index + 1, middle, right, own))
            stack.append((level - 1, 2 * index, left, middle, own))

    def _start(self, first_leaf: int, last_leaf: int) -> list[tuple[int, int, float, float, float]]:
        """Return the nodes to begin with, last one first: checkpoints for a short interval, else whole blocks."""
        shift = CHECKPOINT_LEVEL - LEAF_LEVEL
        first, last = first_leaf >> shift, last_leaf >> shift
        if last - first <= 1:
            return [(CHECKPOINT_LEVEL, index, *self._checkpoint(index)) for index in range(last, first - 1, -1)]
        shift = TOP_LEVEL - LEAF_LEVEL
        blocks = range(last_leaf >> shift, (first_leaf >> shift) - 1, -1)
        return [(TOP_LEVEL, index, self._end(index), self._end(index + 1), 1.0) for index in blocks]

    def _end(self, block: int) -> float:
        return bell(draw(self._key, block << 6)) * self._ends

    def _checkpoint(self, index: int) -> tuple[float, float, float]:
        """Return ends and inherited swing of a 17 minute node."""
        known = self._blocks.get(index)
        if known is not None:
            return known
        top = index >> TOP_LEVEL - CHECKPOINT_LEVEL
        leaf = index << CHECKPOINT_LEVEL - LEAF_LEVEL
        node = self._descend((self._end(top), self._end(top + 1), 1.0), TOP_LEVEL, CHECKPOINT_LEVEL, leaf)
        if len(self._blocks) >= REMEMBERED:
            self._blocks.clear()
        self._blocks[index] = node
        return node

    def _descend(
        self, node: tuple[float, float, float], top: int, bottom: int, leaf: int
    ) -> tuple[float, float, float]:
        """Find the node of level `bottom` that holds `leaf`, as (left, right, inherited swing), from its ancestor."""
        left, right, swing = node
        for level in range(top, bottom, -1):
            bits = draw(self._key, leaf >> level - LEAF_LEVEL << 6 | level)
            if CASCADE_BOTTOM <= level <= CASCADE_TOP:
                swing *= SWING_UP if bits >> 32 & 1 else SWING_DOWN
            middle = (left + right) / 2 + bell(bits) * (self._bend[level] * swing)
            if leaf >> level - 1 - LEAF_LEVEL & 1:
                left = middle
            else:
                right = middle
        return left, right, swing

    def _segment(self, index: int, left: float, right: float, swing: float) -> Segment:
        """Draw all 32 leaves of a segment at once. The noise is written out in place: this loop is where time goes."""
        key = self._key
        points = [0.0] * (SEGMENT_LEAVES + 1)
        points[0], points[SEGMENT_LEAVES] = left, right
        level, width = SEGMENT_LEVEL, SEGMENT_LEAVES
        while width > 1:
            half = width >> 1
            bend = self._bend[level] * swing
            counter = (index << SEGMENT_LEVEL - level) << 6 | level
            for start in range(0, SEGMENT_LEAVES, width):
                bits = (key + counter * GOLDEN) & MASK
                bits = ((bits ^ (bits >> 30)) * FIRST) & MASK
                bits = ((bits ^ (bits >> 27)) * SECOND) & MASK
                points[start + half] = (points[start] + points[start + width]) / 2 + bell(bits ^ (bits >> 31)) * bend
                counter += 64
            level, width = level - 1, half
        first = index * SEGMENT_LEAVES
        jump = self._jump(first >> JUMP_LEVEL - LEAF_LEVEL)
        if jump is not None:
            points = [point + jump.offset(first + i) for i, point in enumerate(points)]
        if len(self._segments) >= REMEMBERED:
            self._segments.clear()
        self._segments[index] = segment = Segment(first, tuple(points), swing)
        return segment

    def _jump_extremes(self, level: int, first: int, end: int) -> tuple[float, float]:
        if level > JUMP_LEVEL:
            return -self._jump_bound, self._jump_bound
        jump = self._jump(first >> JUMP_LEVEL - LEAF_LEVEL)
        return (0.0, 0.0) if jump is None else jump.extremes(first, end)

    def _jump(self, block: int) -> Jump | None:
        """Draw the jump of a 4.7 hour block, if it has one."""
        try:
            return self._jumps[block]  # asked once, for another thread may be clearing it
        except KeyError:
            pass
        bits = draw(self._key, block << 6 | 63)
        jump = None
        if (bits & 0xFFFF) < JUMP_CHANCE * 0x10000:
            leaves = 1 << JUMP_LEVEL - LEAF_LEVEL
            start = block * leaves
            size = self._jump_bound * (0.3 + 0.7 * (bits >> 16 & 0xFFFF) / 0xFFFF)
            jump = Jump(start, start + leaves, start + (bits >> 32 & leaves - 1), size if bits >> 63 else -size)
        if len(self._jumps) >= REMEMBERED:
            self._jumps.clear()
        self._jumps[block] = jump
        return jump

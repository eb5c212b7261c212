"""Quotes and order flow of one second of a synthetic market that moves in bursts: pure functions of counters.

The mid moves in one step, with the sweep that makes it: what rests in its way is run over, as on recorded ticks, where
most of the damage is done within a tenth of a second. Nearly all other sweeps stop at the touch; their signs cluster,
for they follow the second's own move, the rest of its half minute, or a large order that is worked for some seconds.
Knows neither time beyond its leaf nor who is watching. Layer: paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import NamedTuple

from pfmm.paper.feeds.burst_path import Leaf
from pfmm.paper.feeds.counter_random import draw, stream_key
from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.feeds.price_path import LEAF_MS
from pfmm.paper.instruments import Character, price_step

BPS = 1e-4
UNIFORM_16 = 1 / 0x10000
MAX_SWEEPS = 24
DEEP = 0.005  # of the sweeps that move nothing go far beyond the touch, and the price comes back
REACH_CUT = 4.0  # means of the reach: no sweep goes further
ACTIVE_FLOOR = 0.3  # of the sweeps come evenly, the rest as fast as the second's clock runs
LARGE_ORDER_LEAVES = 3  # 2^3 seconds: how long a large order is worked
# whom a sweep follows: the second's own move (more in a fast one), the rest of the half minute, a large order; what is
# left follows nobody
OWN_MOVE, OWN_MOVE_PER_PACE, MOST_OWN_MOVE = 0.3, 0.14, 0.8
AHEAD, LARGE_ORDER = 0.1, 0.1


@dataclass(frozen=True, slots=True)
class Liquidity:
    """How busy a market is: sweeps a second that move nothing, of both sides; the chance that a step of the mid comes
    with a sweep; USD of a sweep and of what is displayed at the best price (low and high end); half-spread and reach
    of the deep sweeps in bps."""

    sweeps_per_s: float
    traded_steps: float
    print_usd: tuple[float, float]
    display_usd: tuple[float, float]
    half_spread_bps: float
    reach_bps: float


LIQUIDITY = (
    Liquidity(0.04, 0.02, (30.0, 1_500.0), (300.0, 4_000.0), 3.0, 8.0),
    Liquidity(0.12, 0.06, (50.0, 3_000.0), (600.0, 10_000.0), 2.0, 6.0),
    Liquidity(0.4, 0.2, (60.0, 6_000.0), (1_000.0, 20_000.0), 1.0, 5.0),
    Liquidity(1.0, 0.5, (80.0, 12_000.0), (4_000.0, 100_000.0), 0.4, 4.0),
    Liquidity(2.2, 0.95, (100.0, 20_000.0), (20_000.0, 600_000.0), 0.015, 4.0),
)

Sweep = tuple[int, int, int, int]  # ms into the leaf, price, size, aggressor
Shown = tuple[int, int, int, int, int]  # ms into the leaf, bid, bid_size, ask, ask_size


class Second(NamedTuple):
    """What happens in a leaf: its quotes (the first one as it begins) and its sweeps, each in time order. `mids` are
    the mids from each quote on. A sweep comes before a quote of its own ms."""

    quotes: list[Shown]
    mids: list[float]
    sweeps: list[Sweep]


class BurstFlow:
    """Turns a leaf of the path into quotes and sweeps. Two objects of one market and seed always agree."""

    __slots__ = (
        "_anchor", "_display_log", "_display_low", "_half", "_key", "_print_log", "_print_low", "_rate", "_reach",
        "_size_unit", "_spec", "_traded",
    )  # fmt: skip

    def __init__(self, seed: int, spec: MarketSpec, character: Character) -> None:
        liquidity = LIQUIDITY[character.liquidity]
        self._spec = spec
        self._key = stream_key(seed, spec.market + "/bursts")
        self._half = liquidity.half_spread_bps * BPS
        self._anchor: float = character.anchor_usd * 10.0**spec.price_decimals
        tick = price_step(spec, int(self._anchor)) / self._anchor
        # where one tick is wide (a price of 0.0004), deep sweeps must still be able to step over it
        self._reach: float = max(liquidity.reach_bps * BPS, tick / 2)
        self._rate = liquidity.sweeps_per_s * LEAF_MS / 1000
        self._traded = int(liquidity.traded_steps * 0x10000)
        self._print_low, print_high = liquidity.print_usd
        self._print_log = log(print_high / self._print_low)
        self._display_low, display_high = liquidity.display_usd
        self._display_log = log(display_high / self._display_low)
        self._size_unit = 10.0 ** (spec.price_decimals + spec.size_decimals)  # of USD, at a price of one unit

    def margin(self, swing: float) -> float:
        """Bound how far any quote or print is from the way of the mid, as a fraction of it (before snapping)."""
        return (1.5 * self._half + REACH_CUT * self._reach) * (0.5 + 0.5 * swing)

    def typical_display(self, price: int) -> float:
        """Return the middling size displayed at the best price, in size units: the geometric mean of both ends."""
        return self._display_low * exp(self._display_log / 2) * self._size_unit / price

    def second(self, leaf: int, second: Leaf) -> Second:
        """Return everything that happens in a leaf."""
        bits = draw(self._key, leaf << 5)
        mid = self._anchor * exp(second.left)
        half = self._half * (0.5 + (bits >> 48) * UNIFORM_16) * (0.5 + 0.5 * second.swing)  # as a fraction of the mid
        found = Second([self._quote(0, bits, mid, half)], [mid], [])
        self._step(leaf, second, half, found)
        self._others(leaf, second, found)
        found.sweeps.sort()
        return found

    def _step(self, leaf: int, second: Leaf, half: float, found: Second) -> None:
        """Add the move of the mid and, if it is traded, its sweep: up to the new best price of its own side."""
        bits = draw(self._key, leaf << 5 | 1)
        at = 1 + (bits & 0x3FF) * (LEAF_MS - 1) // 0x400
        mid = self._anchor * exp(second.right)
        before, shown = found.quotes[0], self._quote(at, bits >> 32, mid, half)
        _, bid, _, ask, _ = shown
        if bid == before[1] and ask == before[3]:
            return
        found.quotes.append(shown)
        found.mids.append(mid)
        if (bits >> 10 & 0xFFFF) >= self._traded:
            return
        size = self._size(draw(self._key, leaf << 5 | 2) & 0xFFFF, mid)
        if second.right > second.left:
            found.sweeps.append((at, max(before[3], bid), size, 1))
        else:
            found.sweeps.append((at, min(before[1], ask), size, -1))

    def _others(self, leaf: int, second: Leaf, found: Second) -> None:
        """Add the sweeps that move nothing: most stop at the touch."""
        activity = ACTIVE_FLOOR + (1 - ACTIVE_FLOOR) * second.pace
        count = _count(draw(self._key, leaf << 5 | 3), self._rate * activity * (0.5 + 0.5 * second.swing))
        last = found.quotes[-1][0]  # when the move is done: who follows it comes before
        for i in range(count):
            bits = draw(self._key, leaf << 5 | 4 + i)
            sign, early = self._sign(leaf, second, bits)
            offset = 1 + (bits & 0x3FF) * ((last if early and last else LEAF_MS) - 1) // 0x400
            at = len(found.quotes) - 1
            while found.quotes[at][0] >= offset:
                at -= 1
            best = found.quotes[at][3 if sign > 0 else 1]
            if (bits >> 10 & 0x3FF) < DEEP * 0x400:
                reach = min(-log(((bits >> 20 & 0xFFF) + 1) / 0x1000), REACH_CUT) * self._reach
                step = price_step(self._spec, best)
                deep = best * (1 + sign * reach)
                best = max(best, int(deep / step) * step) if sign > 0 else min(best, -int(-deep // step) * step)
            found.sweeps.append((offset, best, self._size(bits >> 32 & 0xFFFF, found.mids[at]), sign))

    def _sign(self, leaf: int, second: Leaf, bits: int) -> tuple[int, bool]:
        """Draw the side of a sweep (+1 buys), and whether it comes because of the second's own move."""
        follows = (bits >> 49 & 0x3FFF) / 0x4000
        own = min(OWN_MOVE + OWN_MOVE_PER_PACE * second.pace, MOST_OWN_MOVE)
        if follows < own:
            return (1 if second.right > second.left else -1), True
        if follows < own + AHEAD:
            return (1 if second.ahead > second.right else -1), False
        if follows < own + AHEAD + LARGE_ORDER:
            return (1 if draw(self._key, leaf >> LARGE_ORDER_LEAVES << 5 | 31) >> 63 else -1), False
        return (1 if bits >> 63 else -1), False

    def _size(self, bits: int, mid: float) -> int:
        return int(self._print_low * exp(self._print_log * bits * UNIFORM_16) * self._size_unit / mid) + 1

    def _quote(self, offset: int, bits: int, mid: float, half: float) -> Shown:
        """Draw the best quotes around a mid. Bids are snapped down, asks up: the mid lies between bid and ask."""
        bid_at, ask_at = mid * (1 - half), mid * (1 + half)
        step = price_step(self._spec, int(bid_at))
        bid = int(bid_at / step) * step
        step = price_step(self._spec, int(ask_at))
        ask = -int(-ask_at // step) * step
        per_usd = self._size_unit / mid
        bid_size = self._display_low * exp(self._display_log * (bits & 0xFFFF) * UNIFORM_16) * per_usd
        ask_size = self._display_low * exp(self._display_log * (bits >> 16 & 0xFFFF) * UNIFORM_16) * per_usd
        return offset, bid, int(bid_size) + 1, ask, int(ask_size) + 1


def _count(bits: int, mean: float) -> int:
    """Draw a Poisson number by inversion, at most MAX_SWEEPS."""
    left = (bits >> 11) * 2.0**-53
    chance = exp(-mean)
    count = 0
    while left >= chance and count < MAX_SWEEPS:
        left -= chance
        count += 1
        chance *= mean / count
    return count

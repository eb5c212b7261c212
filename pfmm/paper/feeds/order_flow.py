"""Quotes and order flow of one leaf of a synthetic market, given the price path: pure functions of counters.

A taker sweep reaches δ bps from the mid with intensity A·exp(−κδ) on each side; part of the flow is informed: its
side is the sign of the move until its 33 s segment ends. Knows neither time beyond its leaf nor who is watching.
Layer: paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from pfmm.paper.feeds.counter_random import draw, stream_key
from pfmm.paper.feeds.feed import MarketSpec
from pfmm.paper.feeds.price_path import LEAF_MS
from pfmm.paper.instruments import Character, price_step

BPS = 1e-4
REACH_PER_VOLATILITY_BPS = 1.6  # mean reach beyond the best quote at an annual volatility of 1: 0.8 bps at 0.5
REACH_CUT = 6.0  # reaches are cut at 6 means: exp(-6) of the sweeps, 1 in 400
INFORMED_SHARE = 0.6
MAX_SWEEPS = 8
UNIFORM_16 = 1 / 0x10000


@dataclass(frozen=True, slots=True)
class Liquidity:
    """How busy a market is: order flow that takes the best quote, in sweeps a second on each side, with its print
    sizes, the sizes displayed at the best price (both USD, low and high end) and the half-spread in bps."""

    sweeps_per_s: float
    print_usd: tuple[float, float]
    display_usd: tuple[float, float]
    half_spread_bps: float


LIQUIDITY = (
    Liquidity(0.03, (30.0, 1_500.0), (300.0, 4_000.0), 3.0),
    Liquidity(0.08, (50.0, 3_000.0), (600.0, 10_000.0), 2.0),
    Liquidity(0.2, (60.0, 6_000.0), (1_000.0, 20_000.0), 1.2),
    Liquidity(0.4, (80.0, 12_000.0), (2_000.0, 50_000.0), 0.7),
    Liquidity(0.6, (100.0, 20_000.0), (4_000.0, 150_000.0), 0.4),
)


Sweep = tuple[int, int, int, int]  # ms into the leaf, price, size, aggressor


class OrderFlow:
    """Turns a mid (in price units) into a quote and sweeps. Two objects of one market and seed always agree."""

    __slots__ = (
        "_display_log", "_display_low", "_half", "_key", "_print_log", "_print_low", "_rate", "_reach", "_size_unit",
        "_spec",
    )  # fmt: skip

    def __init__(self, seed: int, spec: MarketSpec, character: Character) -> None:
        liquidity = LIQUIDITY[character.liquidity]
        self._spec = spec
        self._key = stream_key(seed, spec.market + "/flow")
        self._half = liquidity.half_spread_bps * BPS
        anchor = character.anchor_usd * 10.0**spec.price_decimals
        tick = price_step(spec, int(anchor)) / anchor
        # where one tick is wide (a price of 0.0004), sweeps must still be able to step over it
        self._reach: float = max(REACH_PER_VOLATILITY_BPS * BPS * character.annual_volatility, tick / 2)
        self._rate = 2 * liquidity.sweeps_per_s * LEAF_MS / 1000
        self._print_low, print_high = liquidity.print_usd
        self._print_log = log(print_high / self._print_low)
        self._display_low, display_high = liquidity.display_usd
        self._display_log = log(display_high / self._display_low)
        self._size_unit = 10.0 ** (spec.price_decimals + spec.size_decimals)  # of USD, at a price of one unit

    def margin(self, swing: float) -> float:
        """Bound how far any quote or print is from the mid, as a fraction of it (before snapping), at that swing."""
        return (1.5 * self._half + REACH_CUT * self._reach) * (0.5 + 0.5 * swing)

    def typical_display(self, price: int) -> float:
        """Return the middling size displayed at the best price, in size units: the geometric mean of both ends."""
        return self._display_low * exp(self._display_log / 2) * self._size_unit / price

    def quote(self, leaf: int, mid: float, swing: float) -> tuple[int, int, int, int]:
        """Draw (bid, bid_size, ask, ask_size) all through a leaf: bids snapped down, asks up, so the bid is below the
        mid and the ask above it."""
        bits = draw(self._key, leaf << 4)
        half = self._half * (0.5 + (bits & 0xFFFF) * UNIFORM_16) * (0.5 + 0.5 * swing)
        bid_at, ask_at = mid * (1 - half), mid * (1 + half)
        step = price_step(self._spec, int(bid_at))
        bid = int(bid_at / step) * step
        step = price_step(self._spec, int(ask_at))
        ask = -int(-ask_at // step) * step
        per_usd = self._size_unit / mid
        bid_size = self._display_low * exp(self._display_log * (bits >> 16 & 0xFFFF) * UNIFORM_16) * per_usd
        ask_size = self._display_low * exp(self._display_log * (bits >> 32 & 0xFFFF) * UNIFORM_16) * per_usd
        return bid, int(bid_size) + 1, ask, int(ask_size) + 1

    def sweeps(self, leaf: int, mid: float, swing: float, future: float, best: tuple[int, int]) -> list[Sweep]:
        """Draw the prints of a leaf in time order, around its `best` bid and ask. `future` is the mid when the segment
        ends: informed flow knows it."""
        activity = 0.5 + 0.5 * swing
        count = self._count(draw(self._key, leaf << 4 | 1), self._rate * activity)
        if not count:
            return []
        found = [self._sweep(draw(self._key, leaf << 4 | 2 + i), mid, activity, future, best) for i in range(count)]
        found.sort()
        return found

    def _count(self, bits: int, mean: float) -> int:
        """Draw a Poisson number by inversion, at most MAX_SWEEPS."""
        left = (bits >> 11) * 2.0**-53
        chance = exp(-mean)
        count = 0
        while left >= chance and count < MAX_SWEEPS:
            left -= chance
            count += 1
            chance *= mean / count
        return count

    def _sweep(self, bits: int, mid: float, activity: float, future: float, best: tuple[int, int]) -> Sweep:
        offset = 1 + (bits & 0xFFFF) * (LEAF_MS - 1) // 0x10000
        reach = min(-log(((bits >> 16 & 0xFFFF) + 1) * UNIFORM_16), REACH_CUT) * self._reach * activity
        usd = self._print_low * exp(self._print_log * (bits >> 32 & 0xFFFF) * UNIFORM_16)
        informed = (bits >> 48 & 0x3FFF) < INFORMED_SHARE * 0x4000
        buys = future > mid if informed else bool(bits >> 63)
        half = self._half * activity
        step = price_step(self._spec, int(mid))
        if buys:
            price = max(best[1], int(mid * (1 + half + reach) / step) * step)
        else:
            price = min(best[0], -int(-mid * (1 - half - reach) // step) * step)
        size = int(usd * self._size_unit / mid) + 1
        return offset, price, size, 1 if buys else -1

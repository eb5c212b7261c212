"""Where a market maker's profit comes from: spread captured, adverse selection, inventory, fees and funding. Pure.

It judges fills against a recorded series of mids. Where the series has no sample near enough, the answer is None:
a price is never guessed. It knows no journal and no clock.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.model.order import Fill

HORIZONS_S = (1, 5, 30, 300)
SPLIT_HORIZON_S = 30  # the one horizon that divides adverse selection from inventory
SPLIT = HORIZONS_S.index(SPLIT_HORIZON_S)
MAX_GAP_MS = 10_000
BPS = Decimal(10_000)
DISPLAY = Decimal("0.000001")
UNIT_STEP = Decimal(1)
GATE_MIN_FILLS = 50
SAME = 1e-12  # what is left of the variance of equal edges by the rounding of floats


@dataclass(frozen=True, slots=True)
class FillQuality:
    """One fill against the market: amounts in USD, None where the mids do not tell.

    `markouts` belong to HORIZONS_S; a negative one means that the market moved against the fill.
    """

    fill: Fill
    mid: Decimal | None
    capture: Decimal | None
    markouts: tuple[Decimal | None, ...]

    @property
    def edge(self) -> Decimal | None:
        """capture + markout at 30 s - fee, USD: 0.10 - 0.03 - (-0.02) = 0.09."""
        after = self.markouts[SPLIT]
        if self.capture is None or after is None:
            return None
        return EXACT.subtract(EXACT.add(self.capture, after), self.fill.fee)


@dataclass(frozen=True, slots=True)
class Attribution:
    """total = spread_capture + adverse_selection + inventory - fees + funding, exactly, all USD.

    `fees` positive = paid. `inventory` is the remainder: price moves beyond 30 s, the mark's distance from the mid,
    and whatever the mids could not place.
    """

    total: Decimal
    spread_capture: Decimal
    adverse_selection: Decimal
    inventory: Decimal
    fees: Decimal
    funding: Decimal


@dataclass(frozen=True, slots=True)
class Edge:
    """The mean edge per fill in bps of notional over `n` judged fills, with its t value (None below 2 fills or
    without any spread); `below_zero` says that it is significantly negative (one-sided, 95 %, at least 50 fills)."""

    mean_bps: float | None
    n: int
    t: float | None
    below_zero: bool


def assess(fills: Iterable[Fill], mids: Sequence[tuple[int, Decimal]]) -> Iterator[FillQuality]:
    """Judges fills of ONE market against its mids, given in time order as (ms, USD).

    The mid at a time is the last sample at or before it, not older than 10 s; for a markout both ends must
    also be younger than half the horizon, so that a loop that polls every 3 s has no 1 s markout. With
    capture = side * (mid_t - price) * size and markout = side * (mid_t+h - mid_t) * size, buying 2 at 99.9 with the
    mid at 100 captures 0.2; the mid at 99.8 half a minute later makes the 30 s markout -0.4.
    """
    times = [time_ms for time_ms, _ in mids]

    def sample_at(time_ms: int) -> tuple[float, Decimal]:
        index = bisect_right(times, time_ms) - 1
        return (time_ms - times[index], mids[index][1]) if index >= 0 else (math.inf, ZERO)

    reach = [(seconds * 1000, min(MAX_GAP_MS, seconds * 500)) for seconds in HORIZONS_S]
    for fill in fills:
        age, mid = sample_at(fill.time_ms)
        if age > MAX_GAP_MS:
            yield FillQuality(fill, None, None, (None,) * len(HORIZONS_S))
            continue
        signed = EXACT.multiply(fill.size, Decimal(fill.side.sign))
        markouts: list[Decimal | None] = []
        for horizon_ms, gap_ms in reach:
            age_then, mid_then = sample_at(fill.time_ms + horizon_ms)
            known = max(age, age_then) <= gap_ms
            markouts.append(EXACT.multiply(EXACT.subtract(mid_then, mid), signed) if known else None)
        capture = EXACT.multiply(EXACT.subtract(mid, fill.price), signed)
        yield FillQuality(fill, mid, capture, tuple(markouts))


def ratio(part: Decimal, whole: Decimal, scale: Decimal) -> Decimal | None:
    """part / whole * scale to 6 decimals; None where the whole is zero: -0.4 of 200 in bps is -20."""
    if not whole:
        return None
    value = EXACT.divide(EXACT.multiply(part, scale), whole).quantize(DISPLAY, context=EXACT)
    # without trailing zeros, and without the exponent that normalize() gives to round numbers
    return value.quantize(UNIT_STEP, context=EXACT) if value == value.to_integral_value() else value.normalize(EXACT)


def edge_of(n: int, total_bps: float, squares: float) -> Edge:
    """The mean of `n` edges in bps, given their sum and the sum of their squares, and whether it is significantly below
    zero (see Edge): -1 and -3, -4 and 10, give -2 and t = -2."""
    if not n:
        return Edge(None, 0, None, below_zero=False)
    mean = total_bps / n
    variance = max(squares - total_bps * mean, 0.0) / (n - 1) if n > 1 else 0.0
    t = mean / math.sqrt(variance / n) if variance > SAME * squares / n else None
    significant = mean < 0 if t is None else t < -t_95(n - 1)
    return Edge(mean, n, t, below_zero=n >= GATE_MIN_FILLS and significant)


def t_95(degrees: int) -> float:
    """The 95 % quantile of Student's t (Cornish-Fisher; within 1e-4 from 10 degrees on): 49 gives 1.6766."""
    z = 1.6448536269514722
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3

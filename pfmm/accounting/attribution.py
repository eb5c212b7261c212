"""Where a market maker's profit comes from: spread captured, adverse selection, inventory, fees and funding. Pure.

It judges fills against a recorded series of mids. Where the series has no sample near enough, the answer is None: a
price is never guessed. Layer: accounting.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.model.order import Fill
from pfmm.model.quick import quick

HORIZONS_S = (1, 5, 30, 300)
SPLIT_HORIZON_S = 30  # the one horizon that divides adverse selection from inventory
SPLIT = HORIZONS_S.index(SPLIT_HORIZON_S)
MAX_GAP_MS = 10_000
BPS = Decimal(10_000)
DISPLAY = Decimal("0.000001")
UNIT_STEP = Decimal(1)


@quick(frozen=True, slots=True)
class FillQuality:
    """One fill against the market: amounts in USD, None where the mids do not tell.

    `mid` is the last one strictly before the fill, `mid_age_ms` by how much. `markouts` belong to HORIZONS_S; a
    negative one means that the market moved against the fill.
    """

    fill: Fill
    mid: Decimal | None
    capture: Decimal | None
    markouts: tuple[Decimal | None, ...]
    mid_age_ms: int | None = None

    @property
    def edge(self) -> Decimal | None:
        """capture + markout at 30 s - fee, USD: 0.10 - 0.03 - (-0.02) = 0.09."""
        after = self.markouts[SPLIT]
        if self.capture is None or after is None:
            return None
        return EXACT.subtract(EXACT.add(self.capture, after), self.fill.fee)


@quick(frozen=True, slots=True)
class Attribution:
    """total = spread_capture + adverse_selection + inventory - fees + funding, exactly, all USD.

    `fees` positive = paid, less the `rebates` (>= 0) that were received among them: `gross`, the profit without those,
    is total - rebates. `inventory` is the remainder: price moves beyond 30 s, the mark's distance from the mid,
    and whatever the mids could not place. Where not `split`, as of candles, all that prices earned is in it.
    """

    total: Decimal
    spread_capture: Decimal
    adverse_selection: Decimal
    inventory: Decimal
    fees: Decimal
    funding: Decimal
    rebates: Decimal = ZERO
    split: bool = True

    def of_prices(self) -> Attribution:
        """Put what prices earned into one part, for data that cannot split it: 0.5 - 0.2 + 4 is 4.3 in one."""
        earned = EXACT.add(EXACT.add(self.spread_capture, self.adverse_selection), self.inventory)
        return Attribution(self.total, ZERO, ZERO, earned, self.fees, self.funding, self.rebates, split=False)

    @property
    def gross(self) -> Decimal:
        """The profit gross of rebates, USD: what is left of it where none is paid. 2.24 with 0.04 of them is 2.20."""
        return EXACT.subtract(self.total, self.rebates)


def assess(fills: Iterable[Fill], mids: Sequence[tuple[int, Decimal]]) -> Iterator[FillQuality]:
    """Judge fills of ONE market against its mids, given in time order as (ms, USD).

    The mid of a fill is the last sample strictly before it: one of its own millisecond may already show what filled
    it. The mid a horizon later is the last sample at or before that moment. Neither may be older than 10 s; for a
    markout both must also be younger than half the horizon, so that a loop that polls every 3 s has no 1 s markout.
    With capture = side * (mid_t - price) * size and markout = side * (mid_t+h - mid_t) * size, buying 2 at 99.9 with
    the mid at 100 captures 0.2; the mid at 99.8 half a minute later makes the 30 s markout -0.4.
    """
    times = [time_ms for time_ms, _ in mids]

    def sample(index: int, time_ms: int) -> tuple[int, Decimal]:
        return (time_ms - times[index], mids[index][1]) if index >= 0 else (MAX_GAP_MS + 1, ZERO)

    reach = [(seconds * 1000, min(MAX_GAP_MS, seconds * 500)) for seconds in HORIZONS_S]
    for fill in fills:
        age, mid = sample(bisect_left(times, fill.time_ms) - 1, fill.time_ms)
        if age > MAX_GAP_MS:
            yield FillQuality(fill, None, None, (None,) * len(HORIZONS_S))
            continue
        signed = EXACT.multiply(fill.size, Decimal(fill.side.sign))
        markouts: list[Decimal | None] = []
        for horizon_ms, gap_ms in reach:
            then_ms = fill.time_ms + horizon_ms
            age_then, mid_then = sample(bisect_right(times, then_ms) - 1, then_ms)
            known = max(age, age_then) <= gap_ms
            markouts.append(EXACT.multiply(EXACT.subtract(mid_then, mid), signed) if known else None)
        capture = EXACT.multiply(EXACT.subtract(mid, fill.price), signed)
        yield FillQuality(fill, mid, capture, tuple(markouts), age)


def ratio(part: Decimal, whole: Decimal, scale: Decimal) -> Decimal | None:
    """Return part / whole * scale to 6 decimals; None where the whole is zero: -0.4 of 200 in bps is -20."""
    if not whole:
        return None
    value = EXACT.divide(EXACT.multiply(part, scale), whole).quantize(DISPLAY, context=EXACT)
    # without trailing zeros, and without the exponent that normalize() gives to round numbers
    return value.quantize(UNIT_STEP, context=EXACT) if value == value.to_integral_value() else value.normalize(EXACT)

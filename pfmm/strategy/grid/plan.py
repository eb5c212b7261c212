"""A grid before it trades: its lines, sizes, orders, profit a round trip and worst cases. Pure arithmetic.

Every refusal is a UsageError that names the setting and its value. Layer: strategy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from enum import StrEnum
from itertools import pairwise

from pfmm.errors import UsageError
from pfmm.model.market import HOURS_PER_YEAR, Instrument
from pfmm.model.order import Side
from pfmm.strategy.grid.settings import MAX_LEVELS, MAX_RANGE_PCT, MIN_LEVELS
from pfmm.strategy.grid.worst import WorstCase, worst_case
from pfmm.strategy.ticks import base_size, snap_price, to_decimal

ROUND_TRIP_HORIZON_S = 60  # the default step is what the price typically moves in a minute
MIN_STEP_TICKS = 3

_ZERO = Decimal(0)
_BPS = Decimal(10_000)
_WIDE = Context(prec=40)
# ten digits fewer than the power above is accurate to, so that a line that is exact in theory is exact here
_NOISE_FREE = Context(prec=30)


class Spacing(StrEnum):
    """Equal steps in USD, or equal steps in per cent."""

    ARITHMETIC = "arithmetic"
    GEOMETRIC = "geometric"


class OnBreakout(StrEnum):
    """What to do when the price leaves the range: keep waiting, close and stay out, or move the range along."""

    HOLD = "hold"
    FLATTEN = "flatten"
    TRAIL = "trail"


@dataclass(frozen=True, slots=True)
class GridConfig:
    """The settings of one grid. `levels` steps have levels + 1 lines; `size_usd` is one order's value in USD.

    `size_rises` where nobody has set the size: then it is at least the market's minimum on every line.
    Without `lower` or `upper` (USD) the range is `range_pct` per cent to each side of the mid, or follows from the
    annual volatility `sigma_annual` (a fraction: 0.5 = 50 %). One bound alone is mirrored at the mid.
    """

    levels: int = 10
    size_usd: Decimal = Decimal(20)
    spacing: Spacing = Spacing.ARITHMETIC
    lower: Decimal | None = None
    upper: Decimal | None = None
    range_pct: Decimal | None = None
    on_breakout: OnBreakout = OnBreakout.HOLD
    sigma_annual: float = 0.5
    size_rises: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where lines lie, by index: line 0 at `lower`, line `levels` at `upper`, any other whole index beyond them."""

    lower: Decimal
    upper: Decimal
    levels: int
    spacing: Spacing

    def line(self, index: int, instrument: Instrument) -> Decimal:
        """Return the price of line `index` in USD, snapped to the tick and never out of the range it was asked for.

        Arithmetic: lower + (upper - lower) * i / n; 100 to 110 in 4: 100, 102.5, 105, 107.5, 110.
        Geometric: lower * (upper / lower)^(i / n); 100 to 121 in 2: 100, 110, 121.
        Raises ValueError where no valid price exists (a line below one tick).
        """
        share = _WIDE.divide(Decimal(index), Decimal(self.levels))
        if self.spacing is Spacing.ARITHMETIC:
            price = _WIDE.fma(_WIDE.subtract(self.upper, self.lower), share, self.lower)
        else:
            price = _WIDE.multiply(self.lower, _WIDE.power(_WIDE.divide(self.upper, self.lower), share))
        side = Side.SHORT if index == 0 else Side.LONG
        return snap_price(_NOISE_FREE.plus(price), side, instrument.price_rule)

    def lines_beyond(self, price: Decimal, edge: Decimal) -> int:
        """Count how many whole lines `price` lies beyond `edge`, rounded up, at least 1; both in USD.

        Steps of 2.5: a price of 113 is 2 lines beyond 110.
        """
        if self.spacing is Spacing.ARITHMETIC:
            steps = abs(price - edge) * self.levels / (self.upper - self.lower)
        else:
            steps = abs((price / edge).ln()) * self.levels / (self.upper / self.lower).ln()
        return max(1, int(steps.to_integral_value(ROUND_CEILING)))


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """One order that the grid starts with; `notional` in USD, `line` the index of its price."""

    side: Side
    price: Decimal
    size: Decimal
    notional: Decimal
    line: int


@dataclass(frozen=True, slots=True)
class GridPlan:
    """Everything that `grid plan` shows. All amounts in USD.

    `step` and `step_bps` are the smallest of the grid, `profit_per_round_trip` (after fees) and its
    `fees_per_round_trip` (negative = rebate) those of the least profitable cell, at the maker fee of both legs:
    every order is post-only, so no leg can take. `capital_required` is the larger of all buys and all sells, before
    leverage. `size_usd` is one order's value, `notes` what is to be said of it. `sizes` has the base quantity of each
    cell, `empty_line` the line that stays without an order.
    """

    market: str
    mid: Decimal
    lower: Decimal
    upper: Decimal
    levels: int
    spacing: Spacing
    step: Decimal
    step_bps: Decimal
    maker_bps: Decimal
    profit_per_round_trip: Decimal
    fees_per_round_trip: Decimal
    capital_required: Decimal
    size_usd: Decimal
    notes: tuple[str, ...]
    orders: tuple[PlannedOrder, ...]
    worst_case: WorstCase
    lines: tuple[Decimal, ...]
    sizes: tuple[Decimal, ...]
    empty_line: int
    layout: Layout

    @property
    def stated_usd(self) -> Decimal:
        """The larger side's orders at the size that was asked for, USD: what the settings say that it may hold.

        A sell is worth more than its cell's lower line: five sells of 100, lines 1 % apart, are 504.90, stated as 500.
        """
        return max(sum(order.side is side for order in self.orders) for side in Side) * self.size_usd


def plan_grid(config: GridConfig, *, instrument: Instrument, mid: Decimal, equity: Decimal | None = None) -> GridPlan:
    """Plan the grid that `config` makes on `instrument` at `mid` (USD).

    `equity` (USD) is the account's, where it is known. The line nearest the mid stays empty; buys rest on the lines
    below, sells on those above. The cell between two lines has the base quantity that `size_usd` buys at its LOWER
    line, so that a cell which sells first can buy back at no less than the venue's minimum. Raises UsageError for
    settings that make no sense on this market, and for a step that does not pay the fees of its round trip.

    Example: 100 to 110 in 4 steps at mid 105, size 20, maker 0: buys at 100 and 102.5, sells at 107.5 and 110; the
    top cell trades 20 / 107.5 = 0.186 and earns 0.186 * 2.5 = 0.465 a round trip.
    """
    _check_numbers(config, mid)
    lower, upper = _bounds(config, instrument, mid)
    layout = Layout(lower, upper, config.levels, config.spacing)
    lines = lay_lines(layout, instrument, 0)
    if not lines[0] <= mid <= lines[-1]:
        raise UsageError(
            f"the price {mid:f} lies outside of the grid's range {lines[0]:f} to {lines[-1]:f}",
            hint="choose lower and upper around the price, or leave both out",
        )
    size_usd, notes = _size_usd(config, lines, instrument)
    sizes = cell_sizes(lines, size_usd, instrument)
    check_fees(lines, instrument)
    empty = nearest_line(lines, mid)
    orders = _first_orders(lines, sizes, empty)
    profits = [_round_trip(low, high, size, instrument) for low, high, size in _cells(lines, sizes)]
    profit, fees = min(profits)
    gaps = [(high - low, low) for low, high, _ in _cells(lines, sizes)]
    return GridPlan(
        market=instrument.market,
        mid=mid,
        lower=lines[0],
        upper=lines[-1],
        levels=config.levels,
        spacing=config.spacing,
        step=min(gap for gap, _ in gaps),
        step_bps=min(gap * _BPS / low for gap, low in gaps).quantize(Decimal("0.0001")),
        maker_bps=instrument.maker_bps,
        profit_per_round_trip=profit,
        fees_per_round_trip=fees,
        capital_required=max(sum((order.notional for order in orders if order.side is side), _ZERO) for side in Side),
        size_usd=size_usd,
        notes=notes,
        orders=orders,
        worst_case=worst_case(orders, (lines[0], lines[-1]), mid=mid, instrument=instrument, equity=equity),
        lines=lines,
        sizes=sizes,
        empty_line=empty,
        layout=layout,
    )


def lay_lines(layout: Layout, instrument: Instrument, first: int) -> tuple[Decimal, ...]:
    """Lay the levels + 1 lines from index `first` on, rising.

    Raises UsageError when the tick is too coarse for them.
    """
    try:
        lines = tuple(layout.line(first + i, instrument) for i in range(layout.levels + 1))
    except ValueError as error:
        raise UsageError(f"the grid leaves the prices that {instrument.market} allows: {error}") from error
    for low, high in pairwise(lines):
        if low >= high:
            raise UsageError(
                f"levels {layout.levels} are too many for {layout.lower:f} to {layout.upper:f}: two lines fall on "
                f"{low:f}, where the tick is {instrument.price_rule.tick_at(low):f}",
                hint="take fewer levels or a wider range",
            )
    return lines


def cell_sizes(lines: Sequence[Decimal], size_usd: Decimal, instrument: Instrument) -> tuple[Decimal, ...]:
    """Return the base quantity of each cell.

    Raises UsageError when one is below the venue's minimum, with what would do.
    """
    sizes = tuple(base_size(size_usd, low, instrument.size_step) for low in lines[:-1])
    if all(size and size * low >= instrument.min_notional for size, low in zip(sizes, lines, strict=False)):
        return sizes
    enough = smallest_order(lines, instrument)
    raise UsageError(
        f"size {size_usd:f} USD is below the minimum of {instrument.market} (value {instrument.min_notional:f} USD, "
        f"size step {instrument.size_step:f})",
        hint=f"size {enough:f} or more works on every line of this grid",
    )


def smallest_order(lines: Sequence[Decimal], instrument: Instrument) -> Decimal:
    """Find the least USD that every cell can trade, rounded up to cents.

    At 10 USD and steps of 0.1 it is 12 on a line at 30.
    """
    return max(minimum_size(low, instrument) * low for low in lines[:-1]).quantize(Decimal("0.01"), ROUND_CEILING)


def _size_usd(config: GridConfig, lines: Sequence[Decimal], instrument: Instrument) -> tuple[Decimal, tuple[str, ...]]:
    """Return the size of an order in USD, and what to say of one that was raised."""
    enough = smallest_order(lines, instrument)
    if not config.size_rises or config.size_usd >= enough:
        return config.size_usd, ()
    told = f"size raised from {config.size_usd:f} to {enough:f} USD, the smallest order of {instrument.market}"
    return enough, (told,)


def minimum_size(price: Decimal, instrument: Instrument) -> Decimal:
    """Find the smallest base size that the venue accepts at `price`: 10 USD at 30 in steps of 0.1 is 0.4."""
    steps = (instrument.min_notional / price / instrument.size_step).to_integral_value(ROUND_CEILING)
    return max(steps, Decimal(1)) * instrument.size_step


def check_fees(lines: Sequence[Decimal], instrument: Instrument) -> None:
    """Raise UsageError when a round trip between two lines does not earn more than the maker fee of both legs.

    A step of 5 on 100 (gross 5) at maker 2 bps costs (100 + 105) * 0.0002 = 0.041 a unit.
    """
    for low, high in pairwise(lines):
        fee = (low + high) * instrument.maker_bps / _BPS
        if high - low <= fee:
            raise UsageError(
                f"the step from {low:f} to {high:f} earns {high - low:f} a unit, its fees are {fee:f} (maker "
                f"{instrument.maker_bps:f} bps on both legs)",
                hint="take fewer levels or a wider range",
            )


def nearest_line(lines: Sequence[Decimal], mid: Decimal) -> int:
    """Find the index of the line nearest `mid`; of two, the lower: of 100, 102 and 104 at mid 101 it is 0."""
    return min(range(len(lines)), key=lambda i: (abs(lines[i] - mid), i))


def _check_numbers(config: GridConfig, mid: Decimal) -> None:
    """Check every number of the settings, by name."""
    if not MIN_LEVELS <= config.levels <= MAX_LEVELS:
        raise UsageError(f"levels must be {MIN_LEVELS} to {MAX_LEVELS}, not {config.levels}")
    named: dict[str, Decimal | float | None] = {
        "mid": mid,
        "size": config.size_usd,
        "sigma": config.sigma_annual,
        "lower": config.lower,
        "upper": config.upper,
        "range_pct": config.range_pct,
    }
    try:
        for name, value in named.items():
            if value is not None:
                to_decimal(value, name)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if config.range_pct is not None:
        if config.range_pct > MAX_RANGE_PCT:
            raise UsageError(f"range_pct must be at most {MAX_RANGE_PCT}, not {config.range_pct:f}")
        if config.lower is not None or config.upper is not None:
            raise UsageError(f"range_pct {config.range_pct:f} and a fixed lower or upper exclude each other")


def _bounds(config: GridConfig, instrument: Instrument, mid: Decimal) -> tuple[Decimal, Decimal]:
    """Return the range in USD before snapping."""
    lower, upper = config.lower, config.upper
    if upper is None and lower is not None and lower >= mid:
        raise UsageError(f"lower {lower:f} must be below the price {mid:f}", hint="upper is mirrored at the price")
    if lower is None and upper is not None and upper <= mid:
        raise UsageError(f"upper {upper:f} must be above the price {mid:f}", hint="lower is mirrored at the price")
    if lower is None and upper is None:
        half = mid * config.range_pct / 100 if config.range_pct is not None else _default_half(config, instrument, mid)
        lower, upper = mid - half, mid + half
    elif lower is None and upper is not None:
        lower = 2 * mid - upper
    elif upper is None and lower is not None:
        upper = 2 * mid - lower
    assert lower is not None
    assert upper is not None
    if lower >= upper:
        raise UsageError(
            f"lower {lower:f} must be below upper {upper:f} (price {mid:f})", hint="give --lower and --upper in USD"
        )
    if lower <= _ZERO:
        raise UsageError(f"lower would be {lower:f}", hint="take fewer levels, or give --lower and --upper in USD")
    return lower, upper


def _default_half(config: GridConfig, instrument: Instrument, mid: Decimal) -> Decimal:
    """Return half the default range in USD: levels / 2 steps, each what the price typically moves in a minute.

    sigma * sqrt(60 s / year): 0.5 a year is 6.9 bps, 45 USD at 65,000. At least three ticks, and at least twice
    the fees of a round trip.
    """
    years = ROUND_TRIP_HORIZON_S / (HOURS_PER_YEAR * 3600)
    move = to_decimal(float(mid) * config.sigma_annual * math.sqrt(years), "sigma")
    ticks = MIN_STEP_TICKS * instrument.price_rule.tick_at(mid)
    fees = 2 * (2 * mid * max(instrument.maker_bps, _ZERO) / _BPS)
    return max(move, ticks, fees) * config.levels / 2


def _cells(lines: Sequence[Decimal], sizes: Sequence[Decimal]) -> list[tuple[Decimal, Decimal, Decimal]]:
    return [(lines[i], lines[i + 1], size) for i, size in enumerate(sizes)]


def _round_trip(low: Decimal, high: Decimal, size: Decimal, instrument: Instrument) -> tuple[Decimal, Decimal]:
    """Return (profit after fees, fees) in USD of one round trip of a cell."""
    fees = (low + high) * size * instrument.maker_bps / _BPS
    return (high - low) * size - fees, fees


def _first_orders(lines: Sequence[Decimal], sizes: Sequence[Decimal], empty: int) -> tuple[PlannedOrder, ...]:
    """List the buys and sells of the first orders, by price.

    Buys rest on the lower line of the cells below the empty line, sells on the upper line of those above.
    """
    planned = []
    for i, size in enumerate(sizes):
        side, line = (Side.LONG, i) if i < empty else (Side.SHORT, i + 1)
        planned.append(PlannedOrder(side, lines[line], size, lines[line] * size, line))
    return tuple(planned)

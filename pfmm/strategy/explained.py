"""Decisions explained, as the frozen values that previews and screens draw: one type for each layout. Pure.

A strategy that answers with such a value may name its layout. Imported only where something is shown. Layer: strategy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pfmm.model.order import Side


@dataclass(frozen=True, slots=True)
class GridLine:
    """One line: the sizes, base units, of the buy of the cell above it and of the sell of the cell below it, with
    their slots; None where nothing is wanted."""

    line: int
    price: Decimal
    buy: Decimal | None
    sell: Decimal | None
    buy_slot: str
    sell_slot: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A leg that is wanted and not placed now, and why."""

    slot: str
    reason: str


@dataclass(frozen=True, slots=True)
class GridExplained:
    """What a screen shows of a running grid.

    `realized_grid_profit` (USD) is of completed round trips after their fees, without funding and without the open
    inventory's mark-to-market; `closed_by_breakout` is what a flatten realised.
    """

    lower: Decimal
    upper: Decimal
    levels: int
    spacing: str
    mid: Decimal | None
    lines: tuple[GridLine, ...]
    cells: tuple[GridCell, ...]
    waiting: tuple[Waiting, ...]
    inventory: Decimal
    round_trips: int
    realized_grid_profit: Decimal
    round_trip_gross: Decimal
    round_trip_fees: Decimal
    closed_by_breakout: Decimal
    next_buy: Decimal | None
    next_sell: Decimal | None
    broken_out: str | None


@dataclass(frozen=True, slots=True)
class Component:
    """What one part of the formula adds to the best price of each side, bps of mid; None for an absent side."""

    name: str
    bid_bps: float | None
    ask_bps: float | None


@dataclass(frozen=True, slots=True)
class Level:
    """One order that would rest: price USD, size base units, notional USD."""

    slot: str
    side: Side
    price: Decimal
    size: Decimal
    notional: Decimal
    reduce_only: bool


@dataclass(frozen=True, slots=True)
class AtLimit:
    """The best prices that would be quoted now at another inventory, USD, and how far they shift, bps of mid."""

    inventory_usd: Decimal
    bid: Decimal | None
    ask: Decimal | None
    half_spread_bps: float | None
    reservation_bps: float


@dataclass(frozen=True, slots=True)
class SkewAtLimit:
    """How far both quotes shift at the whole limit: bps of mid, and half-spreads as quoted when flat."""

    bps: float
    half_spreads: float


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters in use and where they come from; γ per USD, κ per bp of mid, A per second, σ a fraction a year."""

    gamma: float | None
    gamma_source: str
    skew_at_limit: float
    kappa: float
    kappa_unit: str
    intensity_per_s: float
    sigma_annual: float | None
    sigma_annual_pct: float | None
    horizon_s: float
    half_spread_bps: float
    min_spread_bps: float
    size_usd: Decimal
    fair: str
    source: str
    sigma_source: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """What went into the formula, in its own units. The inventory (q) counts as far as the model counts it, which is
    for a fixed half-spread up to the limit."""

    size_base: float
    kappa_per_usd: float
    sigma_usd_per_sqrt_s: float
    spread_multiplier: float | None
    skew_usd_per_base: float | None
    max_inventory_usd: float
    inventory_base: float
    target_base: float
    mid: float
    fair: float | None


@dataclass(frozen=True, slots=True)
class FitQuality:
    """The calibration behind the parameters, successful, or refused for `reason`."""

    sweeps: int
    span_s: float
    distances: int | None
    r_squared: float | None
    kappa_per_usd: float | None
    intensity_per_s: float | None
    sigma_annual: float | None
    reason: str | None
    sigma_reason: str | None


@dataclass(frozen=True, slots=True)
class QuoteExplained:
    """The fields of `quote show`. The components of a side add up, in bps of mid, to its posted price.

    `at_limits` has the best prices at an inventory of −limit, 0 and +limit. `inputs` is None where there was nothing
    to quote on, `fit` None where no calibration was tried.
    """

    market: str
    mid: Decimal | None
    reservation_price: float | None
    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal | None
    ask_size: Decimal | None
    half_spread_bps: float | None
    spread_bps: float | None
    model: str
    parameters: Parameters
    components: tuple[Component, ...]
    absent: Mapping[str, str]
    regime: str | None
    funding_tilt: float
    inventory_ratio: float | None
    inventory_state: str | None
    levels: tuple[Level, ...]
    at_limits: tuple[AtLimit, ...]
    skew_at_limit: SkewAtLimit | None
    inputs: Inputs | None
    fit: FitQuality | None
    formula: str


@dataclass(frozen=True, slots=True)
class GridCell:
    """One cell: its quantity, what it has open (signed base units) and what that cost (USD)."""

    cell: int
    low: Decimal
    high: Decimal
    quantity: Decimal
    opened: Decimal
    cost: Decimal
    in_range: bool

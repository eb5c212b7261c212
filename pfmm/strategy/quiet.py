"""The market in which a strategy's next decision would change nothing. Pure values. Layer: strategy.

A strategy that can tell for how long offers `quiet(state, view) -> QuietBand | None`; a backtest passes over decisions
inside it. One whose state moves at every look offers `stays(state, look, standing) -> state | None`: the state after
that look where what rests would surely stay as it is, None where only the whole decision tells.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from pfmm.model.market import Instrument
from pfmm.model.plan import OwnOrder, Tolerance
from pfmm.model.quick import quick
from pfmm.strategy.ticks import float_of


class Look(NamedTuple):
    """What a usable market shows at `time_ms`: both sides with sizes, bid below ask. USD, and each number the float
    nearest to the exact one; `position` is the account's in base units."""

    time_ms: int
    bid: float
    ask: float
    mid: float
    mark: float
    position: float
    funding_rate: Decimal
    funding_interval_hours: int


class Rests(NamedTuple):
    """One proven order of ours: its `sign` is +1 for a buy; USD and base units."""

    slot: str
    sign: int
    price: float
    remaining: float
    reduce_only: bool


class Standing(NamedTuple):
    """What stays as it is between two cycles: the run's own share of the position in base units, its limit in USD, and
    what rests, with how wrong it may be before it is moved (bps of price, fraction of size)."""

    instrument: Instrument
    inventory: float
    limit_usd: float
    price_bps: float
    size_fraction: float
    orders: tuple[Rests, ...]


def standing_of(
    instrument: Instrument, inventory: Decimal, limit_usd: Decimal, tolerance: Tolerance, orders: tuple[OwnOrder, ...]
) -> Standing:
    """State what stands of a run whose orders are proven."""
    rests = tuple(
        [Rests(one.slot, one.side.sign, float(one.price), float_of(one.remaining), one.reduce_only) for one in orders]
    )
    within = float_of(tolerance.price_bps), float_of(tolerance.size_fraction)
    return Standing(instrument, float(inventory), float_of(limit_usd), *within, rests)


@quick(frozen=True, slots=True)
class QuietBand:
    """bid_above < bid < bid_below and ask_above < ask < ask_below, USD; None leaves a side open.

    Inside it, while the account stays as it is, `decide` gives the same orders and leaves the state as it is.
    """

    bid_above: Decimal | None = None
    bid_below: Decimal | None = None
    ask_above: Decimal | None = None
    ask_below: Decimal | None = None

    def within(self, other: QuietBand) -> QuietBand:
        """Require both at once: bid above 99 within bid above 98 is bid above 99."""
        return QuietBand(
            bid_above=max(_given(self.bid_above, other.bid_above), default=None),
            bid_below=min(_given(self.bid_below, other.bid_below), default=None),
            ask_above=max(_given(self.ask_above, other.ask_above), default=None),
            ask_below=min(_given(self.ask_below, other.ask_below), default=None),
        )


def _given(*bounds: Decimal | None) -> list[Decimal]:
    return [bound for bound in bounds if bound is not None]

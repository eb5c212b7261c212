"""The break-even maker fee: what each traded USD earned before fees, in bps, with its error. Pure.

It is the one figure that decides: the maker fee at which the quoting earns nothing, before inventory beyond the
horizon, funding and taker exits. Must not know journals, tapes or where a mid came from.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pfmm.accounting.ledger import EXACT, ZERO

MIN_SESSIONS = 5  # fewer sessions tell no error of their own
MINUTE_MS = 60_000
BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class EdgeFill:
    """One fill as the edge sees it.

    `order` names the order that it belongs to, `gain_usd` is capture + markout at the horizon: side * (mid a horizon
    later - price) * size, for the mid before the fill cancels in that sum. `session` names the recording or the
    stretch of trading that it lies in.
    """

    order: str
    time_ms: int
    notional_usd: Decimal
    gain_usd: Decimal
    session: str = ""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The break-even maker fee at one horizon. `bps` is None without fills, `se_bps` without two blocks.

    `error_by` says what the error was taken over: sessions where there are five or more, else minutes. Orders, blocks
    (minutes) and sessions are counted. A rebate is a negative fee, so that quoting at -1.2 bps needs a rebate of 1.2.
    """

    horizon_s: int
    bps: float | None
    se_bps: float | None
    error_by: Literal["minute", "session"]
    n_fills: int
    n_orders: int
    n_blocks: int
    n_sessions: int


@dataclass(frozen=True, slots=True)
class _Sum:
    """The gain and the notional of a cluster, USD."""

    gain: Decimal = ZERO
    notional: Decimal = ZERO

    def plus(self, gain: Decimal, notional: Decimal) -> _Sum:
        return _Sum(EXACT.add(self.gain, gain), EXACT.add(self.notional, notional))


def gain_usd(side_sign: int, price: Decimal, size: Decimal, mid_after: Decimal) -> Decimal:
    """Tells what a fill had gained at the mid a horizon later, USD: buying 2 at 99.9 with 100.1 later gains 0.4."""
    return EXACT.multiply(EXACT.subtract(mid_after, price), EXACT.multiply(size, Decimal(side_sign)))


def break_even(fills: Iterable[EdgeFill], horizon_s: int) -> BreakEven:
    """Computes BE = sum(gain) / sum(notional) in bps, weighted by money, with its clustered standard error.

    All fills of one order are one observation, and belong to the minute and the session of its first fill. The error
    is that of a ratio: with e = gain - BE * notional of each of C clusters, SE = sqrt(C / (C - 1) * sum(e^2)) / sum
    of notional. Orders of 100 USD that gain -0.01 and -0.03 in two minutes give -2 bps +- 1. Raises ValueError,
    naming the order, for a notional that is not above zero.
    """
    orders: dict[str, _Sum] = {}
    places: dict[str, tuple[int, str]] = {}
    n_fills = 0
    for fill in fills:
        if not fill.notional_usd > 0:
            raise ValueError(f"notional_usd of order {fill.order} must be above zero, not {fill.notional_usd}")
        n_fills += 1
        place = (fill.time_ms, fill.session)
        places[fill.order] = min(places.get(fill.order, place), place)
        orders[fill.order] = orders.get(fill.order, _Sum()).plus(fill.gain_usd, fill.notional_usd)
    minutes = _clusters(orders, {order: (at // MINUTE_MS, session) for order, (at, session) in places.items()})
    sessions = _clusters(orders, {order: session for order, (_, session) in places.items()})
    by_session = len(sessions) >= MIN_SESSIONS
    bps, se_bps = _ratio(list((sessions if by_session else minutes).values()))
    return BreakEven(
        horizon_s, bps, se_bps, "session" if by_session else "minute", n_fills, len(orders), len(minutes), len(sessions)
    )


def _clusters(orders: Mapping[str, _Sum], cluster_of: Mapping[str, Hashable]) -> dict[Hashable, _Sum]:
    """The sums of each cluster."""
    found: dict[Hashable, _Sum] = defaultdict(_Sum)
    for order, one in orders.items():
        found[cluster_of[order]] = found[cluster_of[order]].plus(one.gain, one.notional)
    return found


def _ratio(clusters: list[_Sum]) -> tuple[float | None, float | None]:
    """The ratio of the sums and its standard error, both in bps."""
    total = _Sum()
    for one in clusters:
        total = total.plus(one.gain, one.notional)
    if not total.notional:
        return None, None
    ratio = EXACT.divide(total.gain, total.notional)
    bps = float(EXACT.multiply(ratio, BPS))
    count = len(clusters)
    if count < 2:
        return bps, None
    squares = math.fsum(float(one.gain - ratio * one.notional) ** 2 for one in clusters)
    return bps, math.sqrt(squares * count / (count - 1)) / float(total.notional) * 10_000

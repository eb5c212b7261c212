"""The break-even maker fee: what each traded USD earned before fees, in bps, with its error. Pure.

It is the one figure that decides: the maker fee at which the quoting earns nothing, before inventory beyond the
horizon, funding and taker exits. Layer: accounting.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeVar

from pfmm.accounting.attribution import BPS, HORIZONS_S
from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.model.quick import quick

MIN_SESSIONS = 5  # fewer sessions tell no error of their own
MINUTE_MS = 60_000
PAUSE_MINUTES = 60  # a longer pause between two fills begins another session
EDGE_HORIZONS_S = (5, 30, 300)  # the first is the headline

_Key = TypeVar("_Key", bound=Hashable)


@quick(frozen=True, slots=True)
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


@quick(frozen=True, slots=True)
class BreakEven:
    """The break-even maker fee at one horizon. `bps` is None without fills, `se_bps` without two blocks.

    `error_by` says what the error was taken over: sessions where there are five or more, else minutes. Counted are the
    fills, the orders that made in the blocks (minutes) that these lie in, the blocks and the sessions. A rebate is a
    negative fee, so that quoting at -1.2 bps needs a rebate of 1.2.
    """

    horizon_s: int
    bps: float | None
    se_bps: float | None
    error_by: Literal["minute", "session"]
    n_fills: int
    n_orders: int
    n_blocks: int
    n_sessions: int


@quick(frozen=True, slots=True)
class Edge:
    """What the quoting earns of the maker fee that it pays: `break_even` at each of EDGE_HORIZONS_S, headline first.

    `paid_maker_bps` is the mean fee of the maker fills (negative: a rebate), `net_bps` = break-even - paid. After exits
    the `exits`, fills that took, are in it with their capture and fee; None where the mids do not tell what one cost.
    `mid_age_ms` is how old the mids before the fills were, on average.
    """

    break_even: tuple[BreakEven, ...]
    paid_maker_bps: float | None = None
    net_bps: float | None = None
    net_after_exits_bps: float | None = None
    exits: int = 0
    mid_age_ms: float | None = None

    @property
    def headline(self) -> BreakEven:
        """The break-even fee at 5 s."""
        return self.break_even[0]


@quick(frozen=True, slots=True)
class Sum:
    """The gain and the notional of some fills, USD."""

    gain: Decimal = ZERO
    notional: Decimal = ZERO

    def plus(self, other: Sum) -> Sum:
        """Add two sums: 0.01 on 100 and -0.03 on 100 are -0.02 on 200."""
        return Sum(EXACT.add(self.gain, other.gain), EXACT.add(self.notional, other.notional))


def _minutes() -> list[dict[int, Sum]]:
    return [{} for _ in HORIZONS_S]


def _counts() -> list[int]:
    return [0] * len(HORIZONS_S)


@dataclass(slots=True)
class Tally:
    """Hold the sums that the edge of one market's fills follows from; the tallies of two sets of fills add up.

    `minutes` are the gain and the notional (size at the mid before) of the maker fills of each minute, and `fills` how
    many they are, at each of HORIZONS_S. `order_ids` are the orders that made in a minute, `orders` how many more there
    are without a name. Maker fills traded `maker_usd` and paid `maker_fees`; `exits` took, and earned `exit_gain`
    (capture - fee), but for `exits_unknown`. `mid_age_ms` is the age of the mids before `placed` fills, summed up.
    """

    minutes: list[dict[int, Sum]] = field(default_factory=_minutes)
    fills: list[int] = field(default_factory=_counts)
    order_ids: dict[int, set[str]] = field(default_factory=dict)
    orders: dict[int, int] = field(default_factory=dict)
    maker_usd: Decimal = ZERO
    maker_fees: Decimal = ZERO
    exits: int = 0
    exits_unknown: int = 0
    exit_gain: Decimal = ZERO
    placed: int = 0
    mid_age_ms: int = 0

    def count(self, index: int, minute: int, found: Sum, fills: int) -> None:
        """Count in the maker fills of a minute whose mid at horizon `index` is known."""
        if fills:
            self.minutes[index][minute] = self.minutes[index].get(minute, Sum()).plus(found)
            self.fills[index] += fills

    def add(self, other: Tally) -> None:
        """Count in other fills of the market."""
        for index, minutes in enumerate(other.minutes):
            for minute, found in minutes.items():
                self.count(index, minute, found, 1)
            self.fills[index] += other.fills[index] - len(minutes)
        for minute, ids in other.order_ids.items():
            self.order_ids[minute] = self.order_ids.get(minute, set()) | ids
        for minute, count in other.orders.items():
            self.orders[minute] = self.orders.get(minute, 0) + count
        self.maker_usd = EXACT.add(self.maker_usd, other.maker_usd)
        self.maker_fees = EXACT.add(self.maker_fees, other.maker_fees)
        self.exit_gain = EXACT.add(self.exit_gain, other.exit_gain)
        self.exits += other.exits
        self.exits_unknown += other.exits_unknown
        self.placed += other.placed
        self.mid_age_ms += other.mid_age_ms

    def orders_of(self, index: int) -> int:
        """Count the orders that made in the minutes known at a horizon; one that made in two counts in both."""
        known = self.minutes[index]
        return sum(len(self.order_ids.get(minute, ())) + self.orders.get(minute, 0) for minute in known)


def gain_usd(side_sign: int, price: Decimal, size: Decimal, mid_after: Decimal) -> Decimal:
    """Tell what a fill had gained at the mid a horizon later, USD: buying 2 at 99.9 with 100.1 later gains 0.4."""
    return EXACT.multiply(EXACT.subtract(mid_after, price), EXACT.multiply(size, Decimal(side_sign)))


def break_even(fills: Iterable[EdgeFill], horizon_s: int) -> BreakEven:
    """Compute BE = sum(gain) / sum(notional) in bps, weighted by money, with its clustered standard error.

    All fills of one order are one observation, and belong to the minute and the session of its first fill. The error
    is that of a ratio: with e = gain - BE * notional of each of C clusters, SE = sqrt(C / (C - 1) * sum(e^2)) / sum
    of notional. Orders of 100 USD that gain -0.01 and -0.03 in two minutes give -2 bps +- 1. Raises ValueError,
    naming the order, for a notional that is not above zero.
    """
    orders: dict[str, Sum] = {}
    places: dict[str, tuple[int, str]] = {}
    n_fills = 0
    for fill in fills:
        if not fill.notional_usd > 0:
            raise ValueError(f"notional_usd of order {fill.order} must be above zero, not {fill.notional_usd}")
        n_fills += 1
        place = (fill.time_ms, fill.session)
        places[fill.order] = min(places.get(fill.order, place), place)
        orders[fill.order] = orders.get(fill.order, Sum()).plus(Sum(fill.gain_usd, fill.notional_usd))
    minutes = _clusters(orders, {order: (at // MINUTE_MS, session) for order, (at, session) in places.items()})
    sessions = _clusters(orders, {order: session for order, (_, session) in places.items()})
    return _of_clusters(horizon_s, minutes, sessions, n_fills, len(orders))


def edge_of(markets: Sequence[Tally]) -> Edge:
    """Compute the edge of all the markets' fills together.

    See `break_even` for the error, which is by minute here (fills of all markets in a minute are one block) or by
    session: a pause of more than an hour begins another.

    Gains of 0.01 on 100 USD of maker fills that paid 0.02 in fees, and a taker fill that captured -0.03 for a fee of
    0.05: break-even 1 bp, paid 2, net -1, after exits -1 - 8 = -9.
    """
    found = tuple(_break_even_at(markets, seconds) for seconds in EDGE_HORIZONS_S)
    made, fees = _total(one.maker_usd for one in markets), _total(one.maker_fees for one in markets)
    paid = float(EXACT.divide(EXACT.multiply(fees, BPS), made)) if made else None
    net = None if paid is None or found[0].bps is None else found[0].bps - paid
    after = None
    if net is not None and made and not any(one.exits_unknown for one in markets):
        exits = _total(one.exit_gain for one in markets)
        after = net + float(EXACT.divide(EXACT.multiply(exits, BPS), made))
    placed = sum(one.placed for one in markets)
    age_ms = sum(one.mid_age_ms for one in markets) / placed if placed else None
    return Edge(found, paid, net, after, sum(one.exits for one in markets), age_ms)


def _break_even_at(markets: Sequence[Tally], seconds: int) -> BreakEven:
    index = HORIZONS_S.index(seconds)
    minutes: dict[int, Sum] = {}
    for one in markets:
        for minute, found in one.minutes[index].items():
            minutes[minute] = minutes[minute].plus(found) if minute in minutes else found
    stretch = _stretches(sorted(minutes))
    fills, orders = sum(one.fills[index] for one in markets), sum(one.orders_of(index) for one in markets)
    return _of_clusters(seconds, minutes, _clusters(minutes, stretch), fills, orders)


def _stretches(minutes: Sequence[int]) -> dict[int, int]:
    """Give each of the ascending minutes the number of its session: 0, 30, 200 lie in 0, 0 and 1."""
    found, before, number = {}, None, 0
    for minute in minutes:
        number += before is not None and minute - before > PAUSE_MINUTES
        found[minute] = number
        before = minute
    return found


def _total(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def _clusters(parts: Mapping[_Key, Sum], cluster_of: Mapping[_Key, Hashable]) -> dict[Hashable, Sum]:
    """Sum the parts of each cluster."""
    found: dict[Hashable, Sum] = defaultdict(Sum)
    for key, one in parts.items():
        found[cluster_of[key]] = found[cluster_of[key]].plus(one)
    return found


def _of_clusters(
    horizon_s: int, minutes: Mapping[_Key, Sum], sessions: Mapping[Hashable, Sum], n_fills: int, n_orders: int
) -> BreakEven:
    by_session = len(sessions) >= MIN_SESSIONS
    bps, se_bps = _ratio(list((sessions if by_session else minutes).values()))
    return BreakEven(
        horizon_s, bps, se_bps, "session" if by_session else "minute", n_fills, n_orders, len(minutes), len(sessions)
    )


def _ratio(clusters: Sequence[Sum]) -> tuple[float | None, float | None]:
    """Compute the ratio of the sums and its standard error, both in bps."""
    total = Sum()
    for one in clusters:
        total = total.plus(one)
    if not total.notional:
        return None, None
    ratio = EXACT.divide(total.gain, total.notional)
    bps = float(EXACT.multiply(ratio, BPS))
    count = len(clusters)
    if count < 2:
        return bps, None
    squares = math.fsum(float(one.gain - ratio * one.notional) ** 2 for one in clusters)
    return bps, math.sqrt(squares * count / (count - 1)) / float(total.notional) * 10_000

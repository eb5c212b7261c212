"""The six performance figures of a market maker, each with its target range, its verdict and its sample size. Pure.

It computes from fills, order counts and the equity curve that it is given; it knows no journal and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from pfmm.accounting.attribution import FillQuality, ratio
from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.model.order import Fill, Side

MIN_FILLS = 30
DAY_MS = Decimal(86_400_000)
PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Target:
    """A range of a figure; a bound of None is open. Single bounds are strict (> 5, < 30), ranges include both ends."""

    low: Decimal | None = None
    high: Decimal | None = None

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low}-{self.high}"
        return f">{self.low}" if self.high is None else f"<{self.high}"

    def verdict(self, value: Decimal) -> str:
        """in, below or above: 20 is in "15-40", 30 is above "<30"."""
        strict = self.low is None or self.high is None
        if self.low is not None and (value < self.low or (strict and value == self.low)):
            return "below"
        if self.high is not None and (value > self.high or (strict and value == self.high)):
            return "above"
        return "in"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: `value` in `unit` (None where it cannot be computed), `verdict` in, below, above or n/a against
    `target`, and the sample size `n`. Below 30 fills the verdict is n/a, whatever the value."""

    name: str
    value: Decimal | None
    unit: str
    target: str
    verdict: str
    n: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a period left behind: judged fills of all markets in time order, how many orders were placed (an amended
    order counted once) and how many of them filled at all, P&L and capital in USD, the equity curve as (ms, USD),
    and the signed sizes held at its start."""

    start_ms: int
    end_ms: int
    qualities: Sequence[FillQuality]
    orders_placed: int
    orders_filled: int
    pnl: Decimal
    capital: Decimal
    equity: Sequence[tuple[int, Decimal]]
    opening_sizes: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def days(self) -> Decimal:
        """Length of the period in days: 43,200,000 ms is 0.5."""
        return EXACT.divide(Decimal(self.end_ms - self.start_ms), DAY_MS)


@dataclass(frozen=True, slots=True)
class Figures:
    """The six figures before they are judged: percentages, turnover in times a day, and the counts behind them.

    `judged` fills have an edge, `losing` of them a negative one; None where a figure cannot be computed.
    """

    orders_placed: int
    orders_filled: int
    fills: int
    judged: int
    losing: int
    realized_spread: Decimal | None
    turnover: Decimal | None
    daily_pnl: Decimal | None
    max_drawdown: Decimal | None
    equity_samples: int


def metrics(evidence: Evidence) -> tuple[Metric, ...]:
    """The six figures in their fixed order. Raises ValueError for a period that ends before it starts."""
    if evidence.end_ms < evidence.start_ms:
        raise ValueError(f"end_ms {evidence.end_ms} is before start_ms {evidence.start_ms}")
    fills = [quality.fill for quality in evidence.qualities]
    edges = [found for quality in evidence.qualities if (found := quality.edge) is not None]
    capital_days = EXACT.multiply(evidence.capital, evidence.days)
    return verdicts(
        Figures(
            orders_placed=evidence.orders_placed,
            orders_filled=evidence.orders_filled,
            fills=len(fills),
            judged=len(edges),
            losing=sum(found < 0 for found in edges),
            realized_spread=realized_spread(fills),
            turnover=_turnover(fills, evidence),
            daily_pnl=ratio(evidence.pnl, capital_days, PERCENT),
            max_drawdown=max_drawdown(evidence.equity),
            equity_samples=len(evidence.equity),
        )
    )


def verdicts(figures: Figures) -> tuple[Metric, ...]:
    """The figures against their target ranges, in their fixed order: 25 of 100 orders filled is 25 %, in 15-40."""
    few, fills, judged = figures.fills < MIN_FILLS, figures.fills, figures.judged
    fill_rate = ratio(Decimal(figures.orders_filled), Decimal(figures.orders_placed), PERCENT)
    adverse = ratio(Decimal(figures.losing), Decimal(judged), PERCENT)
    fill_range, daily_range = Target(Decimal(15), Decimal(40)), Target(Decimal("0.1"), Decimal("0.5"))
    spread_target, turnover_target = Target(low=Decimal("0.05")), Target(low=Decimal(5))
    adverse_target, drawdown_target = Target(high=Decimal(30)), Target(high=Decimal(10))
    return (
        _metric("fill_rate", fill_rate, "%", fill_range, figures.orders_placed, few=few),
        _metric("realized_spread", figures.realized_spread, "%", spread_target, fills, few=few),
        _metric("inventory_turnover", figures.turnover, "x/day", turnover_target, fills, few=few),
        _metric("adverse_selection_ratio", adverse, "%", adverse_target, judged, few=judged < MIN_FILLS),
        _metric("daily_pnl", figures.daily_pnl, "%/day", daily_range, fills, few=few),
        _metric("max_drawdown", figures.max_drawdown, "%", drawdown_target, figures.equity_samples, few=few),
    )


def _metric(name: str, value: Decimal | None, unit: str, target: Target, n: int, *, few: bool) -> Metric:
    verdict = "n/a" if few or value is None else target.verdict(value)
    return Metric(name, value, unit, str(target), verdict, n)


def realized_spread(fills: Sequence[Fill]) -> Decimal | None:
    """(average sell - average buy) / mid in percent over the quantity that was both bought and sold, first in first
    matched, a market at a time; the mid is the middle of the two averages. None where nothing matched.

    Buying 2 at 100 and selling 1 at 101: one unit matched, (101 - 100) / 100.5 = 0.995 %.
    """
    gained, turned = ZERO, ZERO
    sides: dict[str, dict[Side, list[Fill]]] = {}
    for fill in fills:
        sides.setdefault(fill.market, {side: [] for side in Side})[fill.side].append(fill)
    for bought, sold in ((both[Side.LONG], both[Side.SHORT]) for both in sides.values()):
        matched = min(_quantity(bought), _quantity(sold))
        cost, proceeds = _value_of_first(matched, bought), _value_of_first(matched, sold)
        gained = EXACT.add(gained, EXACT.subtract(proceeds, cost))
        turned = EXACT.add(turned, EXACT.divide(EXACT.add(proceeds, cost), Decimal(2)))
    return ratio(gained, turned, PERCENT)


def _quantity(fills: Sequence[Fill]) -> Decimal:
    total = ZERO
    for fill in fills:
        total = EXACT.add(total, fill.size)
    return total


def _value_of_first(quantity: Decimal, fills: Sequence[Fill]) -> Decimal:
    """USD value of the first `quantity` base units."""
    value, left = ZERO, quantity
    for fill in fills:
        taken = min(left, fill.size)
        value = EXACT.add(value, EXACT.multiply(taken, fill.price))
        left = EXACT.subtract(left, taken)
        if not left:
            break
    return value


def _turnover(fills: Sequence[Fill], evidence: Evidence) -> Decimal | None:
    volume = ZERO
    for fill in fills:
        volume = EXACT.add(volume, EXACT.multiply(fill.price, fill.size))
    mean = mean_inventory(fills, evidence.opening_sizes, evidence.start_ms, evidence.end_ms)
    return ratio(volume, EXACT.multiply(mean, evidence.days), Decimal(1))


def mean_inventory(fills: Sequence[Fill], opening_sizes: Mapping[str, Decimal], start_ms: int, end_ms: int) -> Decimal:
    """Mean of |inventory| over time in USD, each market valued at its latest fill price (before its first: at that).

    Holding 1 bought at 100 for half of the period and nothing for the rest: 50. A market that never filled has no
    price and does not count.
    """
    sizes = dict(opening_sizes)
    prices: dict[str, Decimal] = {}
    since: dict[str, int] = {}
    total = ZERO

    def hold(market: str, until_ms: int) -> Decimal:
        held = EXACT.multiply(sizes.get(market, ZERO).copy_abs(), prices[market])
        return EXACT.multiply(held, Decimal(max(until_ms - since.get(market, start_ms), 0)))

    for fill in fills:
        market = fill.market
        prices.setdefault(market, fill.price)
        total = EXACT.add(total, hold(market, fill.time_ms))
        sizes[market] = EXACT.add(sizes.get(market, ZERO), EXACT.multiply(fill.size, Decimal(fill.side.sign)))
        prices[market], since[market] = fill.price, max(fill.time_ms, start_ms)
    for market in prices:
        total = EXACT.add(total, hold(market, end_ms))
    return EXACT.divide(total, Decimal(end_ms - start_ms)) if end_ms > start_ms else ZERO


def max_drawdown(equity: Sequence[tuple[int, Decimal]]) -> Decimal | None:
    """The deepest fall from a peak, in percent of that peak: 100, 120, 90, 130 gives 25. None without a positive
    equity."""
    peak = ZERO
    fall, fall_peak = ZERO, None
    with localcontext(EXACT):
        for _, value in equity:
            peak = max(value, peak)
            # fall / peak > deepest fall / its peak, without a division at every sample
            if peak and (fall_peak is None or (peak - value) * fall_peak > fall * peak):
                fall, fall_peak = peak - value, peak
    return None if fall_peak is None else ratio(fall, fall_peak, PERCENT)

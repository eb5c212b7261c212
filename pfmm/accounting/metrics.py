"""The six performance figures of a market maker, each with its target range, its verdict and its sample size. Pure.

It judges figures that others have summed up; it knows no fills, no journal and no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from pfmm.accounting.attribution import ratio
from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.model.peak import next_peak

MIN_FILLS = 30
DAY_MS = Decimal(86_400_000)
PERCENT = Decimal(100)
WHOLE_FROM = 1_000

Amount = tuple[int, Decimal]  # time in ms, USD


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

    @property
    def shown(self) -> str:
        """The value for people, four digits and never an exponent: "0.09984 %", "32,339 x/day", "n/a"."""
        if self.value is None:
            return "n/a"
        whole = abs(self.value) >= WHOLE_FROM
        return f"{self.value:,.0f} {self.unit}" if whole else f"{self.value:.4g} {self.unit}"


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


def max_drawdown(curve: Sequence[Amount], cash_flows: Sequence[Amount] = ()) -> Decimal | None:
    """The deepest fall from a peak, in percent of that peak: 100, 120, 90, 130 gives 25. None without a positive
    equity. For `curve` and `cash_flows` see `peaks`."""
    fall, fall_peak = ZERO, None
    with localcontext(EXACT):
        for held, peak in peaks(curve, cash_flows):
            # fall / peak > deepest fall / its peak, without a division at every sample
            if peak and (fall_peak is None or (peak - held) * fall_peak > fall * peak):
                fall, fall_peak = peak - held, peak
    return None if fall_peak is None else ratio(fall, fall_peak, PERCENT)


def peaks(curve: Sequence[Amount], cash_flows: Sequence[Amount]) -> Iterator[tuple[Decimal, Decimal]]:
    """What the account held at each moment of `curve`, and its highest until then in the money that it held then, USD.

    `curve` is its equity without the deposits (> 0) and withdrawals (< 0) that `cash_flows` tells of, both in time
    order: 10,000, 9,500 and 8,500 with 10,500 deposited before the last is 19,000 held, of 21,052.63157895 (see
    `next_peak`), a drawdown of 9.75 %.
    """
    peak = before = moved = ZERO
    waiting = iter(cash_flows)
    flow = next(waiting, None)
    for time_ms, value in curve:
        if flow is None or flow[0] > time_ms:
            before = value + moved if moved else value
            peak = max(peak, before)
        else:
            due = ZERO
            while flow is not None and flow[0] <= time_ms:
                due += flow[1]
                flow = next(waiting, None)
            moved += due
            peak = next_peak(peak, before, value + moved, due)
            before = value + moved
        yield before, peak


def capital_days(curve: Sequence[Amount], cash_flows: Sequence[Amount], period: tuple[int, int]) -> Decimal:
    """The capital in USD times the days for which it was there, over the period in ms: 1,000 at its start, for 2 days,
    and 500 more for the second of them, is 2,500. Zero where no equity was read."""
    start_ms, end_ms = period
    found = (curve[0][1] if curve else ZERO) * (Decimal(end_ms - start_ms) / DAY_MS)
    for time_ms, amount in cash_flows:
        found += amount * (Decimal(end_ms - time_ms) / DAY_MS)
    return found

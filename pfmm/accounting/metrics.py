"""The six performance figures of a market maker, each with its target range, its verdict and its sample size. Pure.

It judges figures that others have summed up; it knows no fills, no journal and no clock. Layer: accounting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext

from pfmm.accounting.attribution import ratio
from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.model.peak import next_peak
from pfmm.model.quick import quick

MIN_FILLS = 30
DAY_MS = Decimal(86_400_000)
PERCENT = Decimal(100)
WHOLE_FROM = 1_000

Amount = tuple[int, Decimal]  # time in ms, USD


@quick(frozen=True, slots=True)
class Target:
    """A range of a figure; a bound of None is open. Single bounds are strict (> 5, < 30), ranges include both ends."""

    low: Decimal | None = None
    high: Decimal | None = None

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low}-{self.high}"
        return f">{self.low}" if self.high is None else f"<{self.high}"

    def verdict(self, value: Decimal) -> str:
        """Say in, below or above: 20 is in "15-40", 30 is above "<30"."""
        strict = self.low is None or self.high is None
        if self.low is not None and (value < self.low or (strict and value == self.low)):
            return "below"
        if self.high is not None and (value > self.high or (strict and value == self.high)):
            return "above"
        return "in"


@quick(frozen=True, slots=True)
class Metric:
    """One figure: `value` in `unit` (None where it cannot be computed), `verdict` in, below, above or n/a against
    `target`, and the sample size `n`. Below 30 fills the verdict is n/a, whatever the value, and under a day of data
    what is counted per day has no value; `reason` says why there is no verdict."""

    name: str
    value: Decimal | None
    unit: str
    target: str
    verdict: str
    n: int
    reason: str | None = None

    @property
    def shown(self) -> str:
        """The value for people, four digits and never an exponent: "0.09984 %", "32,339 x/day", "n/a"."""
        if self.value is None:
            return "n/a"
        whole = abs(self.value) >= WHOLE_FROM
        return f"{self.value:,.0f} {self.unit}" if whole else f"{self.value:.4g} {self.unit}"


@quick(frozen=True, slots=True)
class Figures:
    """The six figures before they are judged: percentages, turnover in times a day, and the counts behind them, of
    `span_ms` of data.

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
    span_ms: int


def verdicts(figures: Figures) -> tuple[Metric, ...]:
    """Judge the figures by their target ranges, in their fixed order: 25 of 100 orders filled is 25 %, in 15-40."""
    fills, judged = figures.fills, figures.judged
    of_fills = _too_few(fills, "fills")
    a_day = _under_a_day(figures.span_ms)
    fill_rate = ratio(Decimal(figures.orders_filled), Decimal(figures.orders_placed), PERCENT)
    adverse = ratio(Decimal(figures.losing), Decimal(judged), PERCENT)
    fill_range, daily_range = Target(Decimal(15), Decimal(40)), Target(Decimal("0.1"), Decimal("0.5"))
    spread_target, turnover_target = Target(low=Decimal("0.05")), Target(low=Decimal(5))
    adverse_target, drawdown_target = Target(high=Decimal(30)), Target(high=Decimal(10))
    turnover, daily = (None if a_day else value for value in (figures.turnover, figures.daily_pnl))
    return (
        _metric("fill_rate", fill_rate, "%", fill_range, figures.orders_placed, of_fills),
        _metric("realized_spread", figures.realized_spread, "%", spread_target, fills, of_fills),
        _metric("inventory_turnover", turnover, "x/day", turnover_target, fills, a_day or of_fills),
        _metric("adverse_selection_ratio", adverse, "%", adverse_target, judged, _too_few(judged, "judged fills")),
        _metric("daily_pnl", daily, "%/day", daily_range, fills, a_day or of_fills),
        _metric("max_drawdown", figures.max_drawdown, "%", drawdown_target, figures.equity_samples, of_fills),
    )


def _too_few(count: int, noun: str) -> str | None:
    """Say why so many are no sample: "12 of 30 fills needed"; None where they are."""
    return f"{count} of {MIN_FILLS} {noun} needed" if count < MIN_FILLS else None


def _under_a_day(span_ms: int) -> str | None:
    """Say why nothing is said per day: "under a day of data (1.5 h)"; None from a day on.

    Below an hour it is in minutes.
    """
    if span_ms >= DAY_MS:
        return None
    hours = span_ms / 3_600_000
    return f"under a day of data ({f'{hours:.1f} h' if hours >= 1 else f'{hours * 60:.1f} min'})"


def _metric(name: str, value: Decimal | None, unit: str, target: Target, n: int, reason: str | None) -> Metric:
    """Judge the figure; without a value, or with a reason against, it has no verdict."""
    if value is None and reason is None:
        reason = "nothing to measure it by"
    verdict = "n/a" if value is None or reason is not None else target.verdict(value)
    return Metric(name, value, unit, str(target), verdict, n, reason)


def max_drawdown(curve: Sequence[Amount], cash_flows: Sequence[Amount] = ()) -> Decimal | None:
    """Find the deepest fall from a peak, in percent of that peak: 100, 120, 90, 130 gives 25.

    None without a positive equity. For `curve` and `cash_flows` see `peaks`.
    """
    fall = fall_peak = ZERO
    with localcontext(EXACT):
        for held, peak in peaks(curve, cash_flows):
            # fall / peak > deepest fall / its peak, without a division at every sample
            if peak and (not fall_peak or (peak - held) * fall_peak > fall * peak):
                fall, fall_peak = peak - held, peak
    return ratio(fall, fall_peak, PERCENT)


def peaks(curve: Sequence[Amount], cash_flows: Sequence[Amount]) -> Iterator[tuple[Decimal, Decimal]]:
    """Yield what the account held at each moment of `curve`, and its highest until then, USD.

    The highest is in the money that it held then. `curve` is its equity without the deposits (> 0) and withdrawals
    (< 0) that `cash_flows` tells of, both in time order: 10,000, 9,500 and 8,500 with 10,500 deposited before the last
    is 19,000 held, of 21,052.63157895 (see `next_peak`), a drawdown of 9.75 %.
    """
    peak = before = moved = ZERO
    waiting = iter(cash_flows)
    flow = next(waiting, None)
    for time_ms, value in curve:
        if flow is None or flow[0] > time_ms:
            before = value + moved
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
    """Work out the capital in USD times the days for which it was there, over the period in ms.

    1,000 at its start, for 2 days, and 500 more for the second of them, is 2,500. Zero where no equity was read.
    """
    start_ms, end_ms = period
    found = (curve[0][1] if curve else ZERO) * (Decimal(end_ms - start_ms) / DAY_MS)
    for time_ms, amount in cash_flows:
        found += amount * (Decimal(end_ms - time_ms) / DAY_MS)
    return found

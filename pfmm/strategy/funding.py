"""The funding rule: what a rate is worth in comparable units, which way to lean, and how far. Pure.

Must not know venues or when it is: the time is an argument. Layer: strategy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from pfmm.errors import BadVenueData, UsageError
from pfmm.model.market import HOURS_PER_YEAR, FundingRate, Ticker
from pfmm.model.quick import quick

BPS = Decimal(10000)
FULL_TILT_BPS = 10.0  # beyond the minimum, in bps per 8 h: from there on the whole tilt is used
MIN_RATE_BPS = Decimal(3)

LEAN_LONG = "lean_long"
LEAN_SHORT = "lean_short"
NEUTRAL = "neutral"


@quick(frozen=True, slots=True)
class FundingReading:
    """One market's funding as `pfmm funding` shows it; rates are None where the venue serves none.

    `annualized_pct` is the size of the rate a year, unsigned. `seconds_to_funding` is never negative.
    """

    market: str
    rate: Decimal | None
    interval_hours: int
    rate_bps: Decimal | None
    rate_8h_bps: Decimal | None
    annualized_pct: Decimal | None
    next_funding_ms: int | None
    seconds_to_funding: int | None
    action: str
    source: str


@quick(frozen=True, slots=True)
class FundingHistory:
    """Statistics of past rates in bps per 8 h; `deviation` needs two of them, `share_positive` is a fraction."""

    count: int
    mean_8h_bps: float | None
    deviation_8h_bps: float | None
    share_positive: float | None


def rate_bps(rate: Decimal) -> Decimal:
    """Convert a rate per interval to bps: 0.0003 is 3."""
    return _finite(rate) * BPS


def rate_8h_bps(rate: Decimal, interval_hours: int) -> Decimal:
    """Convert a rate to what it would be if paid every 8 hours, in bps: 0.0000125 hourly is 0.125·8 = 1."""
    return _finite(rate) * BPS * 8 / _hours(interval_hours)


def annualized_pct(rate: Decimal, interval_hours: int) -> Decimal:
    """Work out |rate per interval| · intervals a year · 100: 0.0003 every 8 h is 0.0003·1,095·100 = 32.85 %."""
    return abs(_finite(rate)) * HOURS_PER_YEAR / _hours(interval_hours) * 100


def action(bps_8h: Decimal, min_bps: Decimal = MIN_RATE_BPS) -> str:
    """Apply the article's rule to a rate in bps per 8 h.

    Below `min_bps` it is neutral, where longs pay (positive) lean_short, else lean_long.
    """
    if abs(bps_8h) < min_bps:
        return NEUTRAL
    return LEAN_SHORT if bps_8h > 0 else LEAN_LONG


def tilt_ratio(bps_8h: float, *, min_bps: float, tilt_max: float) -> float:
    """Work out the target inventory as a signed fraction of the limit.

    −sign(rate)·tilt_max·min(1, (|rate| − min)/(10 bps)), zero below `min_bps`. +8 bps, min 3, tilt_max 0.25:
    −0.25·0.5 = −0.125, i.e. short an eighth of the limit. Raises UsageError for a tilt_max outside 0 to 1.
    """
    if not 0 <= tilt_max <= 1:
        raise UsageError(f"funding.tilt_max must be between 0 and 1, not {tilt_max}")
    if not (math.isfinite(min_bps) and min_bps >= 0):
        raise UsageError(f"funding.min_bps must be a finite number, zero or more, not {min_bps}")
    excess = abs(bps_8h) - min_bps
    if excess <= 0:
        return 0.0
    return -math.copysign(tilt_max * min(1.0, excess / FULL_TILT_BPS), bps_8h)


def ticker_tilt_ratio(ticker: Ticker, *, min_bps: float, tilt_max: float) -> float:
    """Work out the tilt that a ticker's own rate asks for. An absent or estimated rate never tilts."""
    if ticker.funding_rate is None or ticker.funding_estimated:
        return tilt_ratio(0.0, min_bps=min_bps, tilt_max=tilt_max)
    return rate_tilt_ratio(ticker.funding_rate, ticker.funding_interval_hours, min_bps=min_bps, tilt_max=tilt_max)


def rate_tilt_ratio(rate: Decimal, interval_hours: int, *, min_bps: float, tilt_max: float) -> float:
    """Work out the tilt that a venue's own rate per interval asks for: see `tilt_ratio`."""
    return _finite_tilt_ratio(_finite(rate), interval_hours, min_bps, tilt_max)


@lru_cache(maxsize=256)  # the same rate is looked at until it is settled
def _finite_tilt_ratio(rate: Decimal, interval_hours: int, min_bps: float, tilt_max: float) -> float:
    return tilt_ratio(float(rate_8h_bps(rate, interval_hours)), min_bps=min_bps, tilt_max=tilt_max)


def read_funding(ticker: Ticker, *, now_ms: int, min_bps: Decimal = MIN_RATE_BPS) -> FundingReading:
    """Read everything that one funding check shows.

    An estimated rate is shown, but its action is always neutral.
    """
    rate, hours = ticker.funding_rate, ticker.funding_interval_hours
    left = None if ticker.next_funding_ms is None else max(0, (ticker.next_funding_ms - now_ms) // 1000)
    bps_8h = None if rate is None else rate_8h_bps(rate, hours)
    acts = bps_8h is not None and not ticker.funding_estimated
    return FundingReading(
        market=ticker.market,
        rate=rate,
        interval_hours=hours,
        rate_bps=None if rate is None else rate_bps(rate),
        rate_8h_bps=bps_8h,
        annualized_pct=None if rate is None else annualized_pct(rate, hours),
        next_funding_ms=ticker.next_funding_ms,
        seconds_to_funding=left,
        action=action(bps_8h, min_bps) if acts and bps_8h is not None else NEUTRAL,
        source="estimated" if ticker.funding_estimated else "venue",
    )


def history(rates: Sequence[FundingRate]) -> FundingHistory:
    """Return mean, sample deviation and share of positive rates, in bps per 8 h: 1, 2 and −3 give 0, 2.6458 and 2/3."""
    values = [float(rate_8h_bps(each.rate, each.interval_hours)) for each in rates]
    count = len(values)
    if not count:
        return FundingHistory(0, None, None, None)
    mean = math.fsum(values) / count
    deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (count - 1)) if count > 1 else None
    return FundingHistory(count, mean, deviation, sum(v > 0 for v in values) / count)


def _finite(rate: Decimal) -> Decimal:
    if not rate.is_finite():
        raise BadVenueData(f"funding_rate must be finite, not {rate}")
    return rate


def _hours(interval_hours: int) -> int:
    if interval_hours <= 0:
        raise BadVenueData(f"funding_interval_h must be more than zero, not {interval_hours}")
    return interval_hours

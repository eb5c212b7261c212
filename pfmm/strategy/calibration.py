"""Fits A, κ and σ to recorded or served trades and mids, and says how well; or says why it does not. Pure.

Must not know files or venues: it is given trades and a mid series in venue time. Layer: strategy.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from operator import mul
from typing import Any

from pfmm.model.market import Trade
from pfmm.model.prints import PrintColumns, columns_of
from pfmm.model.quick import quick
from pfmm.strategy.quote.spread import BPS, SECONDS_PER_YEAR
from pfmm.strategy.saved import Saved

MIN_SWEEPS = 100
MIN_DISTANCES = 5
MIN_REACHING = 5  # a distance is populated when this many sweeps reached it: fewer is a tail of single events
# Measured on recorded perpetuals: 0.57 (BTC) and 0.53 (ETH), where most sweeps stop at the touch and bend the curve.
# Below one half the exponential explains less of ln λ than it leaves unexplained.
MIN_R_SQUARED = 0.5
GRID_MS = 1000
MIN_GRID_STEPS = 30
DISTANCE_DIGITS = 9  # merges distances that differ only by float noise

Mids = Sequence[tuple[int, float]]
SomePrints = Sequence[Trade] | PrintColumns


@quick(frozen=True, slots=True)
class IntensityFit:
    """ln λ(δ) = ln A − κδ. `intensity_per_s` is A, sweeps a second of BOTH aggressors; `kappa_usd` per USD."""

    intensity_per_s: float
    kappa_usd: float
    r_squared: float
    distances: int

    @property
    def side_intensity_per_s(self) -> float:
        """A as one resting order meets it: only one of both aggressors can fill it. 2 gives 1."""
        return self.intensity_per_s / 2


@quick(frozen=True, slots=True)
class Calibration:
    """A fit with its quality, or `reason` why there is none; σ stands on its own.

    `mid` is the mean mid that turns κ per USD into κ per bp; `span_s` the time in which sweeps were counted: from
    the first trade, or the first mid if that came later, to the last trade; `at_ms` the venue time of the fit, 0 where
    nobody has said.
    """

    sweeps: int
    span_s: float
    mid: float | None
    fit: IntensityFit | None
    sigma_annual: float | None
    reason: str | None = None
    sigma_reason: str | None = None
    at_ms: int = 0

    @property
    def kappa_per_bp(self) -> float | None:
        """κ per bp of mid: 1 per USD at 65,000, where a bp is 6.5 USD, is 6.5."""
        return None if self.fit is None or self.mid is None else self.fit.kappa_usd * self.mid / BPS


def calibrate(trades: SomePrints, mids: Mids) -> Calibration:
    """Estimate A, κ and σ from trades and (time_ms, mid USD) samples, each in time order, of one market.

    Needs 100 sweeps and 5 populated distances; a weighted R² below 0.5 is refused. κ is above zero: a farther distance
    is reached by fewer. Never raises for thin or strange data: the result's `reason` says what is wrong.
    """
    sigma, sigma_reason = _sigma(mids)
    prints = columns_of(trades)
    distances = sweep_distances(prints, mids)
    span_s = 0.0
    if prints.times and mids:
        # sweeps before the first mid are not counted; their time would make A too small
        span_s = max(prints.times[-1] - max(prints.times[0], mids[0][0]), 0) / 1000
    mid = math.fsum([each for _, each in mids]) / len(mids) if mids else None
    fit, reason = _fit_or_reason(distances, span_s)
    return Calibration(len(distances), span_s, mid, fit, sigma, reason, sigma_reason)


def dump(calibration: Calibration) -> dict[str, Any]:
    """Write the calibration as JSON-ready values; `load` is its inverse."""
    # every cycle saves it: written out, since `asdict` copies each value with care that numbers and words do not need
    fit = calibration.fit
    return {
        "sweeps": calibration.sweeps,
        "span_s": calibration.span_s,
        "mid": calibration.mid,
        "fit": None
        if fit is None
        else {
            "intensity_per_s": fit.intensity_per_s,
            "kappa_usd": fit.kappa_usd,
            "r_squared": fit.r_squared,
            "distances": fit.distances,
        },
        "sigma_annual": calibration.sigma_annual,
        "reason": calibration.reason,
        "sigma_reason": calibration.sigma_reason,
        "at_ms": calibration.at_ms,
    }


def load(raw: object) -> Calibration:
    """Read the calibration that `dump` wrote. Raises ConfigError naming the field that is missing or wrong."""
    saved = Saved(raw, "calibration")
    return Calibration(
        sweeps=saved.whole("sweeps", low=0),
        span_s=saved.needed("span_s", zero=True),
        mid=saved.number("mid", zero=True),
        fit=_fit(saved.mapping("fit")) if saved.has("fit") else None,
        sigma_annual=saved.number("sigma_annual", zero=True),
        reason=saved.text("reason"),
        sigma_reason=saved.text("sigma_reason"),
        at_ms=saved.whole("at_ms", 0, low=0),
    )


def _fit(raw: object) -> IntensityFit:
    saved = Saved(raw, "calibration")
    return IntensityFit(
        intensity_per_s=saved.needed("intensity_per_s", zero=True),
        kappa_usd=saved.needed("kappa_usd", zero=True),
        r_squared=saved.needed("r_squared", zero=True),
        distances=saved.whole("distances", low=0),
    )


def sweep_distances(trades: SomePrints, mids: Mids) -> list[float]:
    """Find how far each sweep reached from the mid just before it, in USD, always positive.

    A sweep is all prints of one aggressor at one timestamp. Mid 100.05, buys at 100.1 and 100.3 in one ms: one
    sweep, 0.25. Sweeps before the first mid, or on the wrong side of it (a late mid), say nothing and are left out.
    """
    times, prices, aggressors = columns_of(trades)
    reach: dict[tuple[int, int], float] = {}
    for sweep, reached in zip(zip(times, aggressors, strict=True), map(mul, prices, aggressors), strict=True):
        if reached > reach.get(sweep, -math.inf):
            reach[sweep] = reached
    seen = [time_ms for time_ms, _ in mids]
    distances: list[float] = []
    rounded: dict[float, float] = {}  # prices lie on ticks: few distances differ, and rounding is slow
    for (time_ms, aggressor), reached in reach.items():
        before = bisect_left(seen, time_ms) - 1
        if before < 0:
            continue
        exact = reached - aggressor * mids[before][1]
        distance = rounded.get(exact)
        if distance is None:
            distance = rounded[exact] = round(exact, DISTANCE_DIGITS)
        if distance > 0:
            distances.append(distance)
    return distances


def fit_intensity(distances: Sequence[float], span_s: float) -> IntensityFit:
    """Fit ln λ(δ) on δ by weighted least squares, where λ(δ) = sweeps reaching at least δ / `span_s`.

    Each populated distance (5 sweeps or more reach it) weighs as many as reach it, since the variance of ln of a
    count N is about 1/N. Three sweeps at 1 and two at 2 in 10 s would give λ(1) = 0.5 and λ(2) = 0.2. Raises
    ValueError with fewer than two populated distances or without a time span.
    """
    rows = _cumulative(distances)
    if len(rows) < 2 or span_s <= 0:
        raise ValueError("a line needs two distances and a time span")
    total = math.fsum(reaching for _, reaching in rows)
    points = [(distance, math.log(reaching / span_s), reaching) for distance, reaching in rows]
    mean_x = math.fsum(w * x for x, _, w in points) / total
    mean_y = math.fsum(w * y for _, y, w in points) / total
    s_xx = math.fsum(w * (x - mean_x) ** 2 for x, _, w in points)
    s_xy = math.fsum(w * (x - mean_x) * (y - mean_y) for x, y, w in points)
    s_yy = math.fsum(w * (y - mean_y) ** 2 for _, y, w in points)
    slope = s_xy / s_xx
    r_squared = s_xy**2 / (s_xx * s_yy) if s_yy > 0 else 0.0
    return IntensityFit(math.exp(mean_y - slope * mean_x), -slope, r_squared, len(rows))


def grid_volatility(mids: Mids) -> float | None:
    """Estimate the annualised σ (a fraction) from mid changes on a 1 s grid, None with fewer than 30 steps.

    σ = √(Σ ln² / seconds·365·86,400): one bp every second is 0.0001·5,615.69 = 0.56157.
    """
    if not mids or mids[-1][0] - mids[0][0] < MIN_GRID_STEPS * GRID_MS:
        return None
    times = [time_ms for time_ms, _ in mids]
    square_sum, steps, previous = 0.0, 0, mids[0][1]
    for time_ms in range(times[0] + GRID_MS, times[-1] + 1, GRID_MS):
        current = mids[bisect_right(times, time_ms) - 1][1]
        if current != previous:  # a mid that stood still adds nothing
            square_sum += math.log(current / previous) ** 2
            previous = current
        steps += 1
    return math.sqrt(square_sum / (steps * GRID_MS / 1000) * SECONDS_PER_YEAR)


def implied_mids(trades: SomePrints) -> list[tuple[int, float]]:
    """Build a mid series for a venue that serves trades but no past quotes.

    Half-way between the first prices of the newest buying and the newest selling sweep: buys at 100.1, sells at
    100.0 give 100.05. Empty until both sides have traded.
    """
    newest: dict[int, float] = {}
    mids: list[tuple[int, float]] = []
    sweep_ms, sweeper = -1, 0
    for time_ms, price, aggressor in zip(*columns_of(trades), strict=True):
        if time_ms == sweep_ms and aggressor == sweeper:
            continue
        sweep_ms, sweeper = time_ms, aggressor
        newest[aggressor] = price
        if len(newest) == 2:
            mids.append((time_ms, (newest[1] + newest[-1]) / 2))
    return mids


def _cumulative(distances: Sequence[float]) -> list[tuple[float, int]]:
    """List (distance, sweeps that reached it) for each populated distance, nearest first."""
    counts = Counter(distances)
    reaching = len(distances)
    rows = []
    for distance in sorted(counts):
        if reaching < MIN_REACHING:
            break
        rows.append((distance, reaching))
        reaching -= counts[distance]
    return rows


def _fit_or_reason(distances: Sequence[float], span_s: float) -> tuple[IntensityFit | None, str | None]:
    if len(distances) < MIN_SWEEPS:
        return None, f"{len(distances)} sweeps, {MIN_SWEEPS} are needed"
    if span_s <= 0:
        return None, "the trades cover no time"
    populated = len(_cumulative(distances))
    if populated < MIN_DISTANCES:
        return None, f"{populated} populated distances, {MIN_DISTANCES} are needed (coarse tick?)"
    fit = fit_intensity(distances, span_s)
    if fit.r_squared < MIN_R_SQUARED:
        return None, f"poor fit: R² {fit.r_squared:.2f}, {MIN_R_SQUARED} is needed"
    return fit, None


def _sigma(mids: Mids) -> tuple[float | None, str | None]:
    values = [mid for _, mid in mids]
    if not all(map(math.isfinite, values)) or min(values, default=1.0) <= 0:
        return None, "a mid is not a positive number"
    sigma = grid_volatility(mids)
    if sigma is None:
        return None, f"mids cover less than {MIN_GRID_STEPS * GRID_MS // 1000} s"
    if sigma == 0:
        return None, "the mid did not move"
    return sigma, None

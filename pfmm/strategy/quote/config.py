"""The settings of a quote, checked once, and where each model parameter comes from. Pure.

Must not know where settings are stored; the values arrive in the profile's units: annual volatility as a fraction,
κ per bp of mid, sizes in USD. Layer: strategy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache

from pfmm.errors import UsageError
from pfmm.model.quick import quick
from pfmm.strategy.calibration import Calibration
from pfmm.strategy.inventory import ON_LIMIT
from pfmm.strategy.volatility import DEFAULT_ANNUAL, REGIMES, WINDOW, VolatilityState, next_regime

MODELS = ("glft", "as", "fixed")
FAIR_PRICES = ("mid", "microprice")
FORMULAS = {
    "glft": "half = (1/(ξ·Δ))·ln(1 + ξ·Δ/κ) + (Δ/2)·σ·c2, skew = σ·c2, c2 = √(γ/(2·A·Δ·κ)·(1 + ξ·Δ/κ)^(κ/(ξ·Δ) + 1)); "
    "ξ = γ where gamma is set, else ξ = 0: half = 1/κ + (Δ/2)·σ·c2, c2 = √(γ·e/(2·A·Δ·κ))",
    "as": "half = ½·γ·Δ·σ²·τ + (1/(ξ·Δ))·ln(1 + ξ·Δ/κ), skew = γ·σ²·τ; ξ = γ where gamma is set, else ξ = 0 (1/κ)",
    "fixed": "half = mid·half_spread_bps/10,000·spread_multiplier, skew = ½·half·mid/max_inventory_usd",
}
DERIVED = "γ so that skew·limit = skew_at_limit·(1/κ, or the floor of the half-spread where that is more)"
QUOTED_AT = "bid, ask = fair − skew·(q − q*) ∓ half"  # with any of them


@dataclass(frozen=True, slots=True)
class QuoteConfig:
    """What the user sets for one market's quotes.

    skew_at_limit half-spreads that the quotes shift at the whole inventory limit, from which gamma follows; gamma 1/USD
    wins over it where it is set; kappa_per_bp 1/bp, intensity_per_s fills a second at the fair price on one side,
    horizon_s seconds, sigma_annual a fraction that overrides the estimator, min_spread_bps and spreads in bps of mid,
    min_samples the mids that the estimator must have seen before its default may be used. `source` says where kappa and
    the intensity come from: calibrated, profile or flag; `calibration` is the attempt behind it, successful or not.
    """

    model: str = "glft"
    skew_at_limit: float = 1.0
    gamma: float | None = None
    kappa_per_bp: float = 0.5
    intensity_per_s: float = 1.0
    sigma_annual: float | None = None
    horizon_s: float = 300.0
    half_spread_bps: float = 8.0
    min_spread_bps: float = 1.0
    size_usd: Decimal = Decimal(50)
    fair: str = "mid"
    on_limit: str = "reduce"
    drift_bps: float = 5.0
    funding_min_bps: float = 3.0
    tilt_max: float = 0.25
    volatility_window: int = WINDOW
    default_sigma_annual: float = DEFAULT_ANNUAL
    min_samples: int = 2
    source: str = "profile"
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        _choice("model", self.model, MODELS)
        _choice("fair", self.fair, FAIR_PRICES)
        _choice("on_limit", self.on_limit, ON_LIMIT)
        if self.gamma is not None:
            require_between("gamma", self.gamma, above=0)
        for name in ("kappa_per_bp", "intensity_per_s", "horizon_s", "half_spread_bps"):
            require_between(name, getattr(self, name), above=0)
        for name in ("skew_at_limit", "min_spread_bps", "drift_bps", "funding_min_bps", "default_sigma_annual"):
            require_between(name, getattr(self, name), least=0)
        require_between("tilt_max", self.tilt_max, least=0, most=1)
        if self.sigma_annual is not None:
            require_between("sigma_annual", self.sigma_annual, least=0)
        if not (self.size_usd.is_finite() and self.size_usd > 0):
            raise UsageError(f"size_usd must be a finite number, more than zero, not {self.size_usd}")
        if self.volatility_window < 3:
            raise UsageError(f"volatility.window must be at least 3, not {self.volatility_window}")
        if self.min_samples < 1:
            raise UsageError(f"min_samples must be at least 1, not {self.min_samples}")


@quick(frozen=True, slots=True)
class Sigma:
    """The volatility in use (annual fraction), where it comes from, its regime, or the problem with it."""

    annual: float | None
    source: str
    regime: str | None
    problem: str | None = None


def with_calibration(config: QuoteConfig, calibration: Calibration) -> QuoteConfig:
    """Put fitted κ and A into the settings where the fit was good, else leave them as they were.

    `source` says which, and the calibration how good the fit is or why there is none.
    """
    kappa, fit = calibration.kappa_per_bp, calibration.fit
    # a set half-spread has no use for κ and A, and a flag is not overruled; σ is of use to both
    if fit is None or kappa is None or config.model == "fixed" or config.source == "flag":
        return replace(config, calibration=calibration)
    return replace(
        config,
        kappa_per_bp=kappa,
        intensity_per_s=fit.side_intensity_per_s,
        calibration=calibration,
        source="calibrated",
    )


def choose_sigma(config: QuoteConfig, state: VolatilityState) -> Sigma:
    """Choose the override, else the full estimator, else the calibration, else the default.

    It is never a guess from one sample. Where the mid stood nearly still through the whole window, the calibration's
    longer look counts; without one it is one tick a window.

    The regime follows the estimator's hysteresis where it is the estimator's σ, and the plain edges elsewhere.
    """
    seen = len(state.samples)
    calibrated = config.calibration.sigma_annual if config.calibration is not None else None
    if config.sigma_annual is not None:
        return _checked(config.sigma_annual, "override", None)
    if state.annual is not None and (calibrated is None or not state.still):
        return _checked(state.annual, _estimated_from(seen, still=state.still), state.regime)
    if calibrated is not None:
        return _checked(calibrated, "calibrated", None)
    source = f"default ({seen} of {config.volatility_window} samples)"
    if seen < config.min_samples:
        problem = f"volatility unknown: {seen} of at least {config.min_samples} samples seen"
        return Sigma(None, source, None, problem)
    return _checked(config.default_sigma_annual, source, None)


def require_between(
    name: str, value: float, *, above: float | None = None, least: float | None = None, most: float | None = None
) -> None:
    """Raise UsageError naming `name` and the value unless it is finite and within the bounds given."""
    bad = not math.isfinite(value)
    bad = bad or (above is not None and value <= above) or (least is not None and value < least)
    if bad or (most is not None and value > most):
        bounds = [f"more than {above}" if above is not None else "", f"at least {least}" if least is not None else ""]
        bounds.append(f"at most {most}" if most is not None else "")
        raise UsageError(f"{name} must be a finite number, {', '.join(filter(None, bounds))}, not {value}")


@cache  # of few numbers of samples, and mostly of the whole window
def _estimated_from(samples: int, *, still: bool) -> str:
    return f"floor of one tick in {samples} samples" if still else f"estimated ({samples} samples)"


def _checked(annual: float, source: str, regime: str | None) -> Sigma:
    if not (math.isfinite(annual) and annual > 0):
        return Sigma(annual, source, regime or REGIMES[0], f"zero volatility: sigma is {annual:g} ({source})")
    return Sigma(annual, source, regime or next_regime(None, annual))


def _choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(choices)}, not {value!r}")

"""Half-spread and inventory skew of the three quoting models, with units. Pure arithmetic on floats.

Symbols: size Δ in base units, gamma γ in 1/USD, kappa κ per USD of distance, sigma σ in USD per √second, intensity A in
1/second, horizon τ in seconds. Layer: strategy.
"""

from __future__ import annotations

import math

from pfmm.errors import UnitsError, UsageError
from pfmm.model.quick import quick
from pfmm.strategy.quote.finite import FiniteQuotes, finite_quotes

SECONDS_PER_YEAR = 365 * 24 * 3600
BPS = 1e4
_LOG_2 = math.log(2)
_ROOT_OF_YEAR = math.sqrt(SECONDS_PER_YEAR)
FAILS_FROM = 0.5  # skew of one lot, in 1/κ, from which on the asymptotic quotes of GLFT are off
PLAUSIBLE_HALF_SPREAD = 0.05  # of mid: ten times what any listed perpetual is quoted at, and far below a unit mistake


@quick(frozen=True, slots=True)
class ModelSpread:
    """What a model says at one price level.

    `half_base` is the half-spread in USD without price risk, `half_volatility` what volatility adds to it, and
    `skew` the shift of both quotes in USD for each base unit of inventory away from its target. Where the inventory
    limit is a few lots, `exact` has the quotes that replace the last two; `lot` base units and `kappa` per USD are the
    units of `exact`.
    """

    half_base: float
    half_volatility: float
    skew: float
    exact: FiniteQuotes | None = None
    lot: float = 0.0
    kappa: float = 0.0

    @property
    def half(self) -> float:
        """The half-spread in USD when flat: 0.6454 + 0.2 = 0.8454."""
        return self.half_base + self.widening(0.0)

    def shift(self, inventory: float) -> float:
        """Tell how far both quotes stand below the fair price, USD, at so many base units away from the target.

        A skew of 100 USD a base unit and 0.02 of them are 2.
        """
        if self.exact is None:
            return self.skew * inventory
        return self.exact.shift(inventory / self.lot) / self.kappa

    def widening(self, inventory: float) -> float:
        """Return what volatility adds to the half-spread, USD, at so many base units away from the target."""
        if self.exact is None:
            return self.half_volatility
        return self.exact.widening(inventory / self.lot) / self.kappa


def require_number(name: str, value: float, *, zero: bool = False) -> float:
    """Return `value` when it is finite and positive (or zero where allowed). Raises UsageError naming it otherwise."""
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        wanted = "zero or more" if zero else "more than zero"
        raise UsageError(f"{name} must be a finite number, {wanted}, not {value}")
    return value


def sigma_usd(sigma_annual: float, mid: float) -> float:
    """Convert an annualised fraction to volatility in USD per √second: mid·σ/√(365·86400).

    50 % at 65,000: 65,000·0.5/5,615.69 = 5.7874.
    """
    return mid * sigma_annual / _ROOT_OF_YEAR


def kappa_usd(kappa_per_bp: float, mid: float) -> float:
    """Convert κ per bp of mid to κ per USD of distance: one bp is mid/10,000 USD.

    0.5 per bp at 65,000, where a bp is 6.5 USD: 0.5/6.5 = 0.076923.
    """
    return kappa_per_bp * BPS / mid


def base_units(size_usd: float, mid: float) -> float:
    """Convert an order's size to base units: 50 USD at 65,000 is 0.00076923."""
    return size_usd / mid


def _intensity_half(risk: float, kappa: float) -> float:
    """Return (1/risk)·ln(1 + risk/κ), USD, where risk = γΔ; its limit 1/κ where risk/κ vanishes."""
    ratio = risk / kappa
    if ratio < 1e-12:
        return 1 / kappa
    if math.isinf(ratio):  # κ so small that the quotient overflows: ln(1 + x) is ln x there
        return (math.log(risk) - math.log(kappa)) / risk
    return math.log1p(ratio) / risk


def gamma_for_skew(
    *, skew_bps: float, limit_usd: float, size_usd: float, kappa_per_bp: float, intensity: float, sigma_annual: float
) -> float:
    """Find the γ (1/USD) with which GLFT quotes, ξ = 0, shift by `skew_bps` at an inventory of the whole limit.

    skew(L) = L·σ·√(γe/(2·10⁴·A·S·κ)), so γ = 2·10⁴·A·S·κ·(skew/(L·σ))²/e, σ in bps per √second. At 2 bps, limit 500,
    orders of 50 USD, κ 0.5 per bp, A 1 and 50 % a year, or 0.89036 bps per √s: 500,000·(2/445.18)²/2.71828 = 3.71.
    """
    sigma_bps = sigma_annual * BPS / math.sqrt(SECONDS_PER_YEAR)
    ratio = skew_bps / (limit_usd * sigma_bps)
    return 2 * BPS * intensity * size_usd * kappa_per_bp * ratio * ratio / math.e


def gamma_for_reservation(*, skew_bps: float, limit_usd: float, sigma_annual: float, horizon_s: float) -> float:
    """Find the γ (1/USD) with which the Avellaneda–Stoikov reservation price shifts by `skew_bps` at the whole limit.

    skew(L) = γ·σ²·τ·L/10⁴, σ in bps per √second: at 2 bps, 500 USD, 50 % a year and 300 s 20,000/(500·0.79274·300),
    i.e. 0.168.
    """
    sigma_bps = sigma_annual * BPS / math.sqrt(SECONDS_PER_YEAR)
    return skew_bps * BPS / (limit_usd * sigma_bps * sigma_bps * horizon_s)


def with_exact_quotes(model: ModelSpread, *, size: float, kappa: float, limit: float) -> ModelSpread:
    """Add the exact quotes inside the limit where the model's own fail: from σ·c2·Δ·κ > ½ on.

    `size` of a lot and `limit` in base units. A skew of 5 bps a lot at κ 0.5 per bp is 2.5: the exact quotes move by
    5.1 bps for the first lot and by 2.2 for the second.
    """
    step = model.skew * size * kappa
    if step <= FAILS_FROM:
        return model
    exact = finite_quotes(step, math.floor(limit / size))
    return ModelSpread(model.half_base, model.half_volatility, model.skew, exact, size, kappa)


def avellaneda_stoikov(
    *, size: float, gamma: float, kappa: float, sigma: float, horizon_s: float, xi: float | None = None
) -> ModelSpread:
    """Compute Avellaneda–Stoikov (2008) for orders of `size` base units; the horizon rolls.

    ξ, the aversion to the risk of a fill in the second term of the spread, is γ unless another is given.

    total spread = γΔσ²τ + (2/(γΔ))·ln(1 + γΔ/κ); skew = γσ²τ per base unit, so r = s − q·γσ²τ.
    Source: Avellaneda and Stoikov, "High-frequency trading in a limit order book", eq. 29 and 30, with γ → γΔ.
    γ 0.1, Δ 1, κ 1.5, σ 2, τ 1: 0.1·4·1 = 0.4 and (2/0.1)·ln(1.066667) = 1.2908; half-spread 0.8454, skew 0.4.
    Raises UsageError for a parameter that is not finite and positive (σ, γ and ξ may be 0).
    """
    _require(size=size, kappa=kappa, horizon_s=horizon_s)
    require_number("gamma", gamma, zero=True)
    variance = require_number("sigma", sigma, zero=True) * sigma * horizon_s
    fill_risk = (gamma if xi is None else xi) * size
    return _finite(ModelSpread(_intensity_half(fill_risk, kappa), gamma * size * variance / 2, gamma * variance))


def glft(
    *, size: float, gamma: float, kappa: float, sigma: float, intensity: float, xi: float | None = None
) -> ModelSpread:
    """Compute Guéant–Lehalle–Fernandez-Tapia with an infinite horizon; ξ = γ unless another ξ is given.

    c1 = (1/(ξΔ))·ln(1 + ξΔ/κ); c2 = √(γ/(2AΔκ)·(1 + ξΔ/κ)^(κ/(ξΔ) + 1)); half-spread = c1 + (Δ/2)·σ·c2;
    skew = σ·c2 per base unit. ξ is the aversion to the risk of a fill: with ξ = 0, c1 = 1/κ and the power is e.
    Source: Guéant, "The Financial Mathematics of Market Liquidity", ch. 10.
    γ 0.1, Δ 1, κ 1.5, σ 2, A 140: c1 = 10·ln(1.066667) = 0.645385;
    c2 = √(0.1/420·1.066667^16) = √(0.00023810·2.80846) = 0.025859; half-spread 0.645385 + 0.025859 = 0.671244,
    skew 0.051718. Raises UsageError for a parameter that is not finite and positive (σ, γ and ξ may be 0).
    """
    if not (0 < size < math.inf and 0 < kappa < math.inf and 0 < intensity < math.inf):
        _require(size=size, kappa=kappa, intensity=intensity)
    if not (0 <= gamma < math.inf and 0 <= sigma < math.inf):
        for name, value in (("gamma", gamma), ("sigma", sigma)):
            require_number(name, value, zero=True)
    risk = (gamma if xi is None else xi) * size
    ratio = risk / kappa
    if gamma == 0:
        return _finite(ModelSpread(_intensity_half(risk, kappa), 0.0, 0.0))
    # in logarithms, so that no product of extreme parameters overflows on the way to an ordinary result
    if ratio < 1e-12:
        log_power = 1.0
    elif math.isinf(ratio):
        log_power = math.log(risk) - math.log(kappa)
    else:
        log_power = (1 / ratio + 1) * math.log1p(ratio)
    log_scale = math.log(gamma) - _LOG_2 - math.log(intensity) - math.log(size) - math.log(kappa)
    exponent = (log_scale + log_power) / 2
    skew = sigma * math.exp(exponent) if exponent < 700 else math.inf
    return _finite(ModelSpread(_intensity_half(risk, kappa), size / 2 * skew, skew))


def fixed(*, mid: float, half_spread_bps: float, multiplier: float, limit_usd: float) -> ModelSpread:
    """Widen a set half-spread by the volatility regime, with the article's inventory rule as its skew.

    half = mid·bps/10,000·multiplier; at the whole limit both quotes shift by half of it, so per base unit
    skew = 0.5·half·mid/limit. Mid 65,000, 8 bps, ×1.5, limit 500: 52 + 26 = 78 USD; skew 0.5·78·65,000/500 = 5,070
    USD a coin, i.e. 39 USD at the limit of 0.0076923 coins. Raises UsageError for a number that is not positive.
    """
    _require(mid=mid, half_spread_bps=half_spread_bps, multiplier=multiplier, max_inventory_usd=limit_usd)
    base = mid * half_spread_bps / BPS
    half = base * multiplier
    return _finite(ModelSpread(base, half - base, half / 2 * (mid / limit_usd)))


def require_plausible(half_spread: float, mid: float) -> None:
    """Refuse a half-spread above 5 % of mid: no market is quoted there, so the inputs have other units.

    Both in USD. The article's literal reading (κ = 1.5 without a unit, the result multiplied by mid) has a
    half-spread of 0.656·65,000 = 42,627 USD, bid 22,373 and ask 107,627. Raises UnitsError.
    """
    if half_spread <= mid * PLAUSIBLE_HALF_SPREAD:
        return
    raise UnitsError(
        f"the model's half-spread is {half_spread:,.6g} USD, {half_spread / mid:.1%} of the mid {mid:,.6g}: "
        "its inputs are not in the units of the formula",
        hint="kappa is per bp of mid (a dimensionless kappa such as 1.5 times mid is not a price), gamma is per USD of "
        "wealth, sigma is annualised, the horizon is in seconds and the order size is in USD, not in whole coins",
    )


def _require(**numbers: float) -> None:
    for name, value in numbers.items():
        if not 0 < value < math.inf:
            require_number(name, value)


def _finite(spread: ModelSpread) -> ModelSpread:
    """Return the spread. Raises UnitsError where its inputs were too extreme for a float."""
    half = spread.half
    if not math.isfinite(half + spread.skew) or half <= 0:
        raise UnitsError(
            f"the model's half-spread comes out as {spread.half} USD and its skew as {spread.skew} USD per base unit",
            hint="gamma, kappa, sigma, the intensity or the size is out of any sensible range",
        )
    return spread

"""From a quote's settings, in the profile's units, to the risk aversion, spread and skew of its model. Pure.

The way from "half-spreads of skew at the limit" to γ is here; the formulas themselves are in `spread`. Layer: strategy.
"""

from __future__ import annotations

from pfmm.model.market import Instrument
from pfmm.strategy.quote import spread
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.spread import ModelSpread
from pfmm.strategy.ticks import float_of
from pfmm.strategy.volatility import SPREAD_MULTIPLIER


def least_half_bps(config: QuoteConfig, instrument: Instrument) -> float:
    """Return the floor of the half-spread in bps.

    It is half of min_spread_bps, or of the maker fees of a round trip where those are more: min_spread_bps 1 and a
    maker fee of 1.5 give 1.5.
    """
    return max(config.min_spread_bps, 2 * float_of(instrument.maker_bps)) / 2


def gamma_in_use(config: QuoteConfig, sigma_annual: float, limit_usd: float, least_bps: float) -> float | None:
    """Return the γ (1/USD) that the model quotes with; None for the fixed model, which has none.

    It is the set γ, else the one with which the quotes shift by `skew_at_limit` half-spreads at the whole limit. The
    half-spread is 1/κ, or `least_bps` (bps) where that is more: 1/κ = 2 bps and a floor of 0.5 count 2.
    """
    if config.model == "fixed" or config.gamma is not None:
        return None if config.model == "fixed" else config.gamma
    skew_bps = config.skew_at_limit * max(1 / config.kappa_per_bp, least_bps)
    if config.model == "as":
        return spread.gamma_for_reservation(
            skew_bps=skew_bps, limit_usd=limit_usd, sigma_annual=sigma_annual, horizon_s=config.horizon_s
        )
    return spread.gamma_for_skew(
        skew_bps=skew_bps,
        limit_usd=limit_usd,
        size_usd=float(config.size_usd),
        kappa_per_bp=config.kappa_per_bp,
        intensity=config.intensity_per_s,
        sigma_annual=sigma_annual,
    )


def model_spread(
    config: QuoteConfig, sigma_annual: float, regime: str, mid: float, limit_usd: float, least_bps: float
) -> ModelSpread:
    """Compute the model's spread and skew in USD at `mid`, from settings in the profile's units.

    `least_bps` is the floor of the half-spread. A-S and GLFT take the configured order size: the regime's size factor
    changes what is posted, not the model.
    """
    if config.model == "fixed":
        return spread.fixed(
            mid=mid,
            half_spread_bps=config.half_spread_bps,
            multiplier=SPREAD_MULTIPLIER[regime],
            limit_usd=limit_usd,
        )
    size = spread.base_units(float_of(config.size_usd), mid)
    kappa = spread.kappa_usd(config.kappa_per_bp, mid)
    sigma = spread.sigma_usd(sigma_annual, mid)
    gamma = gamma_in_use(config, sigma_annual, limit_usd, least_bps)
    assert gamma is not None
    xi = 0.0 if config.gamma is None else config.gamma
    if config.model == "as":
        return spread.avellaneda_stoikov(
            size=size, gamma=gamma, kappa=kappa, sigma=sigma, horizon_s=config.horizon_s, xi=xi
        )
    model = spread.glft(size=size, gamma=gamma, kappa=kappa, sigma=sigma, intensity=config.intensity_per_s, xi=xi)
    return spread.with_exact_quotes(model, size=size, kappa=kappa, limit=limit_usd / mid)

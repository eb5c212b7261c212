"""Explain a quote: what it is made of, what it was computed from, and how well that was fitted. Pure.

Imported only where something shows a quote: most quotes are never shown. Layer: strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pfmm.strategy.explained import (
    AtLimit,
    Component,
    FitQuality,
    Inputs,
    Level,
    Parameters,
    QuoteExplained,
    SkewAtLimit,
)
from pfmm.strategy.quote import spread
from pfmm.strategy.quote.config import DERIVED, FORMULAS, QUOTED_AT, QuoteConfig, Sigma
from pfmm.strategy.quote.model import gamma_in_use, least_half_bps
from pfmm.strategy.quote.quoting import COMPONENTS, Quote, QuotedLevel, QuoteInputs, compute_quote, no_quote
from pfmm.strategy.volatility import SPREAD_MULTIPLIER


def explain_quote(
    market: str, config: QuoteConfig, sigma: Sigma, quote: Quote, inputs: QuoteInputs | None
) -> QuoteExplained:
    """Explain a quote; `inputs` is what was quoted on, None where there was nothing to quote on."""
    at_limits = _at_limits(config, quote, inputs)
    bid = quote.bids[0] if quote.bids else None
    ask = quote.asks[0] if quote.asks else None
    wide = None
    if bid is not None and ask is not None and quote.mid is not None:
        wide = float((ask.price - bid.price) / quote.mid) * spread.BPS
    return QuoteExplained(
        market=market,
        mid=quote.mid,
        reservation_price=quote.reservation_price,
        bid=None if bid is None else bid.price,
        ask=None if ask is None else ask.price,
        bid_size=None if bid is None else bid.size,
        ask_size=None if ask is None else ask.size,
        half_spread_bps=quote.half_spread_bps,
        spread_bps=wide,
        model=config.model,
        parameters=_parameters(config, sigma, inputs),
        components=_components(bid, ask),
        absent=dict(quote.absent),
        regime=sigma.regime,
        funding_tilt=0.0 if inputs is None else inputs.target_ratio,
        inventory_ratio=quote.inventory_ratio,
        inventory_state=quote.state,
        levels=tuple(_level(level) for level in (*quote.bids, *quote.asks)),
        at_limits=at_limits,
        skew_at_limit=_skew_at_limit(at_limits),
        inputs=None if inputs is None else _inputs(config, sigma, quote, inputs),
        fit=_fit(config),
        formula="; ".join(_formula(config, quote)),
    )


def explain_problem(market: str, config: QuoteConfig, problem: str) -> QuoteExplained:
    """Explain a market whose data must not be acted on: both sides absent for `problem`."""
    return explain_quote(market, config, Sigma(None, "not measured", None), no_quote(problem), None)


def _formula(config: QuoteConfig, quote: Quote) -> list[str]:
    parts = [FORMULAS[config.model], QUOTED_AT]
    if config.model != "fixed" and config.gamma is None:
        parts.insert(1, DERIVED)
    if quote.model_spread is not None and quote.model_spread.exact is not None:
        parts.insert(1, "exact inside the limit: the skew of one lot is more than half of 1/κ")
    return parts


def _at_limits(config: QuoteConfig, quote: Quote, inputs: QuoteInputs | None) -> tuple[AtLimit, ...]:
    """Compute the quote at −limit, 0 and +limit of inventory, the market and everything else as it is now."""
    if inputs is None or quote.mid is None or quote.fair is None:
        return ()
    found = []
    for share in (-1, 0, 1):
        held = share * inputs.max_inventory_usd / quote.mid
        there = compute_quote(config, replace(inputs, inventory=held, net_position=held))
        found.append(
            AtLimit(
                inventory_usd=share * inputs.max_inventory_usd,
                bid=there.bids[0].price if there.bids else None,
                ask=there.asks[0].price if there.asks else None,
                half_spread_bps=there.half_spread_bps,
                reservation_bps=spread.BPS * ((there.reservation_price or 0.0) / float(quote.mid) - 1),
            )
        )
    return tuple(found)


def _skew_at_limit(at_limits: Sequence[AtLimit]) -> SkewAtLimit | None:
    if not at_limits:
        return None
    short, flat, _ = at_limits
    assert flat.half_spread_bps is not None  # a quote that has a fair price has a half-spread
    bps = short.reservation_bps - flat.reservation_bps
    return SkewAtLimit(bps, bps / flat.half_spread_bps)


def _parameters(config: QuoteConfig, sigma: Sigma, inputs: QuoteInputs | None) -> Parameters:
    gamma, source = config.gamma, "set" if config.gamma is not None else "skew_at_limit"
    if config.model == "fixed":
        gamma, source = 0.0, "none"  # a set half-spread knows no risk aversion
    elif inputs is not None and sigma.annual is not None and sigma.problem is None:
        limit, least_bps = float(inputs.max_inventory_usd), least_half_bps(config, inputs.instrument)
        gamma = gamma_in_use(config, sigma.annual, limit, least_bps)
    return Parameters(
        gamma=gamma,
        gamma_source=source,
        skew_at_limit=config.skew_at_limit,
        kappa=config.kappa_per_bp,
        kappa_unit="per bp of mid",
        intensity_per_s=config.intensity_per_s,
        sigma_annual=sigma.annual,
        sigma_annual_pct=None if sigma.annual is None else sigma.annual * 100,
        horizon_s=config.horizon_s,
        half_spread_bps=config.half_spread_bps,
        min_spread_bps=config.min_spread_bps,
        size_usd=config.size_usd,
        fair=config.fair,
        source=config.source,
        sigma_source=sigma.source,
    )


def _components(bid: QuotedLevel | None, ask: QuotedLevel | None) -> tuple[Component, ...]:
    """Return what the best level of each side is made of; "level" is zero for it."""
    return tuple(
        Component(
            name,
            None if bid is None else bid.components[index],
            None if ask is None else ask.components[index],
        )
        for index, name in enumerate(COMPONENTS)
    )


def _level(level: QuotedLevel) -> Level:
    return Level(level.slot, level.side, level.price, level.size, level.price * level.size, level.reduce_only)


def _inputs(config: QuoteConfig, sigma: Sigma, quote: Quote, inputs: QuoteInputs) -> Inputs | None:
    if quote.mid is None or sigma.annual is None:
        return None
    mid, limit = float(quote.mid), float(inputs.max_inventory_usd)
    held, most, fixed = float(inputs.inventory), limit / mid, config.model == "fixed"
    return Inputs(
        size_base=spread.base_units(float(config.size_usd), mid),
        kappa_per_usd=spread.kappa_usd(config.kappa_per_bp, mid),
        sigma_usd_per_sqrt_s=spread.sigma_usd(sigma.annual, mid),
        spread_multiplier=SPREAD_MULTIPLIER[sigma.regime] if fixed and sigma.regime is not None else None,
        skew_usd_per_base=None if quote.model_spread is None else quote.model_spread.skew,
        max_inventory_usd=limit,
        inventory_base=max(-most, min(most, held)) if fixed else held,
        target_base=inputs.target_ratio * most,
        mid=mid,
        fair=quote.fair,
    )


def _fit(config: QuoteConfig) -> FitQuality | None:
    calibration = config.calibration
    if calibration is None:
        return None
    fit = calibration.fit
    return FitQuality(
        sweeps=calibration.sweeps,
        span_s=calibration.span_s,
        distances=None if fit is None else fit.distances,
        r_squared=None if fit is None else fit.r_squared,
        kappa_per_usd=None if fit is None else fit.kappa_usd,
        intensity_per_s=None if fit is None else fit.intensity_per_s,
        sigma_annual=calibration.sigma_annual,
        reason=calibration.reason,
        sigma_reason=calibration.sigma_reason,
    )

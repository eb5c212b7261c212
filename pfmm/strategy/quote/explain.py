"""A quote as the screen and the JSON of `quote show` tell it. Pure; knows no terminal and no envelope."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pfmm.model.plan import MarketView
from pfmm.strategy.quote import spread
from pfmm.strategy.quote.config import FORMULAS, QUOTED_AT, QuoteConfig, Sigma
from pfmm.strategy.quote.quoting import COMPONENTS, Quote, QuotedLevel, no_quote
from pfmm.strategy.volatility import SPREAD_MULTIPLIER


def explain_quote(
    market: str, config: QuoteConfig, sigma: Sigma, tilt: float, quote: Quote, view: MarketView | None
) -> dict[str, Any]:
    """The fields of `quote show` (amounts as strings, models as floats), with `levels`, `inputs`, `fit`, `formula`.

    The components of a side add up, in bps of mid, to its posted price; those of an absent side are null. `view` is
    what was quoted on, None where there was nothing to quote on.
    """
    bid = quote.bids[0] if quote.bids else None
    ask = quote.asks[0] if quote.asks else None
    wide = None
    if bid is not None and ask is not None and quote.mid is not None:
        wide = float((ask.price - bid.price) / quote.mid) * spread.BPS
    return {
        "market": market,
        "mid": _text(quote.mid),
        "reservation_price": quote.reservation_price,
        "bid": None if bid is None else _text(bid.price),
        "ask": None if ask is None else _text(ask.price),
        "bid_size": None if bid is None else _text(bid.size),
        "ask_size": None if ask is None else _text(ask.size),
        "half_spread_bps": quote.half_spread_bps,
        "spread_bps": wide,
        "model": config.model,
        "parameters": _parameters(config, sigma),
        "components": _components(bid, ask),
        "absent": dict(quote.absent),
        "regime": sigma.regime,
        "funding_tilt": tilt,
        "inventory_ratio": quote.inventory_ratio,
        "inventory_state": quote.state,
        "levels": [_level(level) for level in (*quote.bids, *quote.asks)],
        "inputs": {} if view is None else _inputs(config, sigma, tilt, quote, view),
        "fit": _fit(config),
        "formula": f"{FORMULAS[config.model]}; {QUOTED_AT}",
    }


def explain_problem(market: str, config: QuoteConfig, problem: str) -> dict[str, Any]:
    """The same fields for a market whose data must not be acted on: both sides absent for `problem`."""
    nothing = Sigma(None, "not measured", None)
    return {**explain_quote(market, config, nothing, 0.0, no_quote(problem), None), "notes": []}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _parameters(config: QuoteConfig, sigma: Sigma) -> dict[str, Any]:
    return {
        "gamma": config.gamma,
        "kappa": config.kappa_per_bp,
        "kappa_unit": "per bp of mid",
        "intensity_per_s": config.intensity_per_s,
        "sigma_annual": sigma.annual,
        "horizon_s": config.horizon_s,
        "half_spread_bps": config.half_spread_bps,
        "min_spread_bps": config.min_spread_bps,
        "size_usd": _text(config.size_usd),
        "fair": config.fair,
        "source": config.source,
        "sigma_source": sigma.source,
    }


def _components(bid: QuotedLevel | None, ask: QuotedLevel | None) -> list[dict[str, Any]]:
    """What the best level of each side is made of; "level" is zero for it."""
    return [
        {
            "name": name,
            "bid_bps": None if bid is None else bid.components[index],
            "ask_bps": None if ask is None else ask.components[index],
        }
        for index, name in enumerate(COMPONENTS)
    ]


def _level(level: QuotedLevel) -> dict[str, Any]:
    return {
        "slot": level.slot,
        "side": level.side.value,
        "price": _text(level.price),
        "size": _text(level.size),
        "notional": _text(level.price * level.size),
        "reduce_only": level.reduce_only,
    }


def _inputs(config: QuoteConfig, sigma: Sigma, tilt: float, quote: Quote, view: MarketView) -> Mapping[str, Any]:
    """What went into the formula, in its own units; the inventory (q) as far as the model counts it, which is for a
    fixed half-spread up to the limit."""
    if quote.mid is None or sigma.annual is None:
        return {}
    mid, limit = float(quote.mid), float(view.max_inventory_usd)
    held, most, fixed = float(view.inventory), limit / mid, config.model == "fixed"
    return {
        "size_base": spread.base_units(float(config.size_usd), mid),
        "kappa_per_usd": spread.kappa_usd(config.kappa_per_bp, mid),
        "sigma_usd_per_sqrt_s": spread.sigma_usd(sigma.annual, mid),
        "spread_multiplier": SPREAD_MULTIPLIER[sigma.regime] if fixed and sigma.regime is not None else None,
        "skew_usd_per_base": None if quote.model_spread is None else quote.model_spread.skew,
        "max_inventory_usd": limit,
        "inventory_base": max(-most, min(most, held)) if fixed else held,
        "target_base": tilt * most,
        "mid": mid,
        "fair": quote.fair,
    }


def _fit(config: QuoteConfig) -> Mapping[str, Any] | None:
    """The calibration behind the parameters, successful or refused; None when none was tried."""
    calibration = config.calibration
    if calibration is None:
        return None
    fit = calibration.fit
    return {
        "sweeps": calibration.sweeps,
        "span_s": calibration.span_s,
        "distances": None if fit is None else fit.distances,
        "r_squared": None if fit is None else fit.r_squared,
        "kappa_per_usd": None if fit is None else fit.kappa_usd,
        "intensity_per_s": None if fit is None else fit.intensity_per_s,
        "sigma_annual": calibration.sigma_annual,
        "reason": calibration.reason,
        "sigma_reason": calibration.sigma_reason,
    }

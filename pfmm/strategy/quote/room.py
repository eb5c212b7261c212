"""The two-sided quote as pfmm knows it: settings, how it is built, what its screen shows. Pure. Layer: strategy."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.strategy.base import Column, Follows, Kind, Measured, Needs, Preview
from pfmm.strategy.quote.settings import SETTINGS

if TYPE_CHECKING:
    from pfmm.model.plan import Tolerance
    from pfmm.model.setting import Setting, Values
    from pfmm.strategy.quote.config import QuoteConfig
    from pfmm.strategy.quote.strategy import QuoteStrategy

_FITTED = ("quote.kappa_per_bp", "quote.intensity_per_s")


class Quote(Kind):
    """A bid and an ask on each of many markets; its orders are pulled when data cannot be trusted."""

    name = "quote"
    noun = "market maker"
    settings: tuple[Setting, ...] = SETTINGS
    sections: tuple[str, ...] = ("funding", "volatility")
    unused = frozenset({"volatility.default_annual_pct"})  # quotes have quote.sigma_annual_pct for that
    # how soon an order follows, not where it rests
    free = frozenset({"quote.tolerance_bps", "quote.size_tolerance", "quote.min_order_age_s", "quote.calibrate"})
    replaced: Mapping[str, str] = {"quote.gamma": "quote.skew_at_limit"}  # its default was 0.05 once
    preview = "show"
    preview_help = "Compute one quote and show what it is made of, to the last basis point. Sends nothing."
    start_help = "Run the market maker: a bid and an ask on each market, kept where they belong, in one process."
    layout = "components"
    many_markets = True

    def build(self, market: str, values: Values, measured: Measured) -> QuoteStrategy:
        """Build the quote with the fitted numbers where they may be used, else with the profile's."""
        from pfmm.strategy.quote.strategy import QuoteStrategy

        return QuoteStrategy(market, quote_config(values, measured))

    def needs(self, values: Values) -> Needs:
        """Ask for a fit where fitted numbers may be used.

        They are κ and A (not for a fixed half-spread) and σ, and are never used over a flag.
        """
        all_told = _flagged(values) and values.told("quote.sigma_annual_pct")
        return Needs(fit=bool(values["quote.calibrate"]) and not all_told)

    def columns(self) -> tuple[Column, ...]:
        """Show the fair price, the regime of volatility, and the tilt by funding."""
        return (
            Column("fair", "USD", lambda said: None if said.inputs is None else said.inputs.fair),
            Column("regime", "", lambda said: said.regime),
            Column("tilt", "share", lambda said: said.funding_tilt or None),
        )

    def preview_problem(self, strategy: Any, problem: str) -> Preview:
        """Return the quote's own fields, both sides absent for the problem."""
        from pfmm.strategy.quote.explain import explain_problem

        return Preview(explain_problem(strategy.market, strategy.config, problem))

    def follows(self, values: Values) -> Follows:
        """Return how its orders follow the price.

        They are a bid and an ask, moved by the drift that is left alone or the tolerance, whichever is wider.
        """
        return Follows(2, max(values["quote.drift_bps"], values["quote.tolerance_bps"]))

    def tolerance(self, values: Values) -> Tolerance:
        """Return the settings' own tolerance of price (bps), size (fraction) and age (ms)."""
        from pfmm.model.plan import Tolerance

        return Tolerance(
            price_bps=Decimal(repr(values["quote.tolerance_bps"])),
            size_fraction=Decimal(repr(values["quote.size_tolerance"])),
            min_age_ms=round(values["quote.min_order_age_s"] * 1000),
        )


def quote_config(
    values: Values, measured: Measured, *, size: str = "quote.size_usd", drift: str = "quote.drift_bps"
) -> QuoteConfig:
    """Return the settings of one market's quotes as the pure model takes them.

    `size` and `drift` name the settings that hold the first level's size and the drift that moves it.
    """
    from pfmm.strategy.quote.config import QuoteConfig, with_calibration

    sigma = values["quote.sigma_annual_pct"] / 100
    config = QuoteConfig(
        model=values["quote.model"],
        skew_at_limit=values["quote.skew_at_limit"],
        gamma=values["quote.gamma"],
        kappa_per_bp=values["quote.kappa_per_bp"],
        intensity_per_s=values["quote.intensity_per_s"],
        sigma_annual=sigma if values.told("quote.sigma_annual_pct") else None,
        horizon_s=values["quote.horizon_s"],
        half_spread_bps=values["quote.half_spread_bps"],
        min_spread_bps=values["quote.min_spread_bps"],
        size_usd=values[size],
        fair=values["quote.fair"],
        on_limit=values["quote.on_limit"],
        drift_bps=values[drift],
        funding_min_bps=values["funding.min_bps"],
        tilt_max=values["funding.tilt_max"],
        volatility_window=values["volatility.window"],
        default_sigma_annual=sigma,
        # one look is enough to show a quote; what is posted needs the estimator to have seen more
        min_samples=1 if measured.one_look else 2,
        source="flag" if _flagged(values) else "profile",
    )
    return config if measured.calibration is None else with_calibration(config, measured.calibration)


def _flagged(values: Values) -> bool:
    """Tell whether a flag set what the model would else take from a fit."""
    names = ("quote.half_spread_bps",) if values["quote.model"] == "fixed" else _FITTED
    return any(values.told(name) for name in names)


QUOTE = Quote()

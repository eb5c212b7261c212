"""The two-sided quote's settings: gamma in 1/USD, kappa per bp of mid, sigma in percent a year. Layer: strategy."""

from __future__ import annotations

from decimal import Decimal

from pfmm.model.setting import MOST_USD, Setting, above_zero, between, choice

MODEL = (
    choice("quote.model", "glft", ("glft", "as", "fixed"), "spread model", "--model"),
    between(
        "quote.skew_at_limit", "number", 1.0, ("0", "100"), "half-spreads", "shift of the quotes at the whole limit",
        "--skew-at-limit",
    ),
    above_zero(
        "quote.gamma", "number", None, "1000000", "1/USD", "risk aversion (set: wins over skew_at_limit)", "--gamma"
    ),
    above_zero("quote.kappa_per_bp", "number", 0.5, "1000000", "per bp of mid", "decay of fill intensity", "--kappa"),
    above_zero(
        "quote.sigma_annual_pct", "number", 50.0, "100000", "% a year", "volatility where none is measured", "--sigma"
    ),
    above_zero("quote.horizon_s", "number", 300.0, "31536000", "s", "rolling horizon", "--horizon"),
    above_zero(
        "quote.half_spread_bps", "number", 8.0, "5000", "bps", "half-spread of the fixed model", "--half-spread-bps"
    ),
)  # fmt: skip
SIZE = above_zero("quote.size_usd", "decimal", Decimal(50), MOST_USD, "USD", "size of each side", "--size")
SETTINGS = (
    *MODEL,
    SIZE,
    above_zero("quote.intensity_per_s", "number", 1.0, "1000000", "per second", "fill intensity at the mid"),
    between("quote.min_spread_bps", "number", 1.0, ("0", "5000"), "bps", "least full spread"),
    choice("quote.fair", "mid", ("mid", "microprice"), "fair price"),
    between("quote.tolerance_bps", "number", 2.0, ("0", "5000"), "bps", "price change that leaves an order alone"),
    between("quote.size_tolerance", "number", 0.2, ("0", "1"), "", "size change that leaves an order alone, fraction"),
    between("quote.drift_bps", "number", 5.0, ("0", "5000"), "bps", "drift of the mid that moves the quotes"),
    between("quote.min_order_age_s", "number", 0.0, ("0", "86400"), "s", "age before a safe order may move"),
    choice("quote.on_limit", "reduce", ("reduce", "pause"), "what to quote at 90 % of the limit"),
    Setting("quote.calibrate", "flag", default=True, help="fit kappa and intensity to the trades seen"),
)

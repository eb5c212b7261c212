"""The grid's settings: prices in USD per base unit, size in USD a line. Layer: strategy."""

from __future__ import annotations

from decimal import Decimal

from pfmm.model.setting import MOST_USD, above_zero, between, choice

# the bounds of a grid, wherever its numbers come from
MIN_LEVELS = 2
MAX_LEVELS = 500
MAX_RANGE_PCT = 90

DEFAULT_SIZE_USD = Decimal(20)
SETTINGS = (
    above_zero("grid.lower", "decimal", None, MOST_USD, "USD", "lowest line (unset = from volatility)", "--lower"),
    above_zero("grid.upper", "decimal", None, MOST_USD, "USD", "highest line (unset = from volatility)", "--upper"),
    above_zero(
        "grid.range_pct", "decimal", None, str(MAX_RANGE_PCT), "% of mid", "half-width of the range", "--range-pct"
    ),
    between(
        "grid.levels", "integer", 10, (str(MIN_LEVELS), str(MAX_LEVELS)), "", "number of steps between lower and upper",
        "--levels",
    ),
    above_zero("grid.size_usd", "decimal", DEFAULT_SIZE_USD, MOST_USD, "USD", "size of each order", "--size"),
    choice(
        "grid.spacing", "arithmetic", ("arithmetic", "geometric"), "equal steps in price or in percent", "--spacing"
    ),
    choice(
        "grid.on_breakout", "hold", ("hold", "flatten", "trail"), "what to do beyond the range", "--on-breakout"
    ),
)  # fmt: skip

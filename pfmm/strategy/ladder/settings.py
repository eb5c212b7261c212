"""The ladder's settings: offsets in bps of mid, size of the first level in USD. Layer: strategy."""

from __future__ import annotations

from decimal import Decimal

from pfmm.model.setting import MOST_USD, above_zero, between

# the bounds of a ladder, wherever its numbers come from
MAX_LEVELS = 50
MAX_SPACING_BPS = 1000
MAX_GROWTH = 10

SETTINGS = (
    between("ladder.levels", "integer", 5, ("1", str(MAX_LEVELS)), "", "orders on each side", "--levels"),
    above_zero(
        "ladder.spacing_bps", "number", 10.0, str(MAX_SPACING_BPS), "bps", "distance between levels", "--spacing-bps"
    ),
    above_zero("ladder.size_usd", "decimal", Decimal(50), MOST_USD, "USD", "size of the first level", "--size"),
    between(
        "ladder.growth", "number", 0.5, ("0", str(MAX_GROWTH)), "", "growth of size per level, fraction", "--growth"
    ),
    between(
        "ladder.threshold_bps", "number", 5.0, ("0", "5000"), "bps", "drift of the mid that moves the ladder",
        "--threshold-bps",
    ),
)  # fmt: skip

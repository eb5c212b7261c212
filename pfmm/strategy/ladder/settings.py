"""The ladder's settings: offsets in bps of mid, size of the first level in USD. Layer: strategy."""

from __future__ import annotations

from decimal import Decimal

from pfmm.model.setting import MOST_USD, above_zero, between

SETTINGS = (
    between("ladder.levels", "integer", 5, ("1", "50"), "", "orders on each side", "--levels"),
    above_zero("ladder.spacing_bps", "number", 10.0, "1000", "bps", "distance between levels", "--spacing-bps"),
    above_zero("ladder.size_usd", "decimal", Decimal(50), MOST_USD, "USD", "size of the first level", "--size"),
    between("ladder.growth", "number", 0.5, ("0", "10"), "", "growth of size per level, fraction", "--growth"),
    between(
        "ladder.threshold_bps", "number", 5.0, ("0", "5000"), "bps", "drift of the mid that moves the ladder",
        "--threshold-bps",
    ),
)  # fmt: skip

"""Inventory control: how full the limit is, which sides may be quoted, and the article's skew rule. Pure.

Must not know orders or books; what may be SENT is the risk check's business. Layer: strategy.
"""

from __future__ import annotations

import math

from pfmm.errors import UsageError

LIMIT_SHARE = 0.9  # of the limit: from here on only the reducing side is quoted
SKEWED_SHARE = 0.1  # below, the article's rule moves the quotes by less than 5 % of the half-spread

OK = "ok"
SKEWED = "skewed"
REDUCING = "reducing"
PAUSED = "paused"

ON_LIMIT = ("reduce", "pause")


def raw_ratio(position: float, price: float, limit_usd: float) -> float:
    """Return position notional / limit, not clamped: 0.004 coins at 65,000 against 500 USD is 0.52.

    `position` in base units, signed. Raises UsageError for a limit or price that is not positive, or a position
    that is not finite.
    """
    if not 0 < limit_usd < math.inf:
        raise UsageError(f"max_inventory must be a finite number, more than zero, not {limit_usd}")
    if not 0 < price < math.inf:
        raise UsageError(f"price must be a finite number, more than zero, not {price}")
    if not math.isfinite(position):
        raise UsageError(f"position must be finite, not {position}")
    return position * price / limit_usd


def inventory_ratio(position: float, price: float, limit_usd: float) -> float:
    """Return `raw_ratio` clamped to −1..1: +1 is fully long."""
    return max(-1.0, min(1.0, raw_ratio(position, price, limit_usd)))


def inventory_state(ratio: float, on_limit: str = "reduce") -> str:
    """Name the state of an inventory: ok, skewed, reducing or paused.

    0.05 is ok, 0.5 skewed, 0.9 reducing (or paused with `on_limit` pause).
    """
    if on_limit not in ON_LIMIT:
        raise UsageError(f"on_limit must be reduce or pause, not {on_limit!r}")
    if abs(ratio) >= LIMIT_SHARE:
        return REDUCING if on_limit == "reduce" else PAUSED
    return SKEWED if abs(ratio) >= SKEWED_SHARE else OK

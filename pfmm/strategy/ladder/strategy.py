"""The ladder: the same quote with more levels, each further out and larger than the one before. Pure.

Layer: strategy.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pfmm.errors import UsageError
from pfmm.strategy.ladder.settings import MAX_GROWTH, MAX_LEVELS, MAX_SPACING_BPS
from pfmm.strategy.quote.config import QuoteConfig, require_between
from pfmm.strategy.quote.strategy import QuoteStrategy


@dataclass(frozen=True, slots=True)
class LadderConfig:
    """Levels a side, their spacing in bps of mid, and by how much of the first size each grows.

    The first level's model, size and everything else is an ordinary QuoteConfig; its `drift_bps` is the ladder's
    threshold.
    """

    levels: int = 5
    spacing_bps: float = 10.0
    growth: Decimal = Decimal("0.5")

    def __post_init__(self) -> None:
        if not 1 <= self.levels <= MAX_LEVELS:
            raise UsageError(f"ladder.levels must be between 1 and {MAX_LEVELS}, not {self.levels}")
        require_between("ladder.spacing_bps", self.spacing_bps, above=0, most=MAX_SPACING_BPS)
        require_between("ladder.growth", float(self.growth), least=0, most=MAX_GROWTH)


def ladder_levels(config: LadderConfig) -> tuple[tuple[float, Decimal], ...]:
    """List (extra offset in bps, size factor) of each level.

    offset = half_spread + i·spacing, size = base·(1 + growth·i).

    Three levels, 10 bps, growth 0.5: (0, 1), (10, 1.5), (20, 2); with an 8 bps half-spread and 50 USD that is 8, 18
    and 28 bps from the fair price with 50, 75 and 100 USD.
    """
    return tuple((i * config.spacing_bps, 1 + config.growth * i) for i in range(config.levels))


class LadderStrategy(QuoteStrategy):
    """The quoting strategy with a ladder's levels; slots "bid:0" … "ask:4"."""

    __slots__ = ()

    def __init__(self, market: str, quote: QuoteConfig, ladder: LadderConfig) -> None:
        super().__init__(market, quote, ladder_levels(ladder), numbered=True, kind="ladder")

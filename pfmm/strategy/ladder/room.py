"""The ladder as pfmm knows it: the quote's room with levels, size and drift of its own. Pure. Layer: strategy."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.strategy.base import Follows, Measured
from pfmm.strategy.ladder.settings import SETTINGS
from pfmm.strategy.quote.room import Quote, quote_config

if TYPE_CHECKING:
    from pfmm.model.setting import Values
    from pfmm.strategy.ladder.strategy import LadderStrategy


class Ladder(Quote):
    """Several levels a side, each further out and larger than the one before."""

    name = "ladder"
    noun = "ladder"
    settings = SETTINGS
    sections = ("quote", "funding", "volatility")
    flags_of = ("quote",)
    unused = frozenset(
        {"volatility.default_annual_pct", "quote.size_usd", "quote.drift_bps"}
    )  # it has its own size and drift
    preview_help = "Compute the ladder that would rest now, level by level. Sends nothing."
    start_help = "Run a ladder on MARKET: levels of growing size on both sides, moved when the price has drifted."
    layout = "levels"
    many_markets = False

    def follows(self, values: Values) -> Follows:
        """Tell that every level of both sides follows the price, moved by the threshold."""
        return Follows(2 * values["ladder.levels"], max(values["ladder.threshold_bps"], values["quote.tolerance_bps"]))

    def build(self, market: str, values: Values, measured: Measured) -> LadderStrategy:
        """Build the ladder; its first level is an ordinary quote."""
        from pfmm.strategy.ladder.strategy import LadderConfig, LadderStrategy

        levels = LadderConfig(
            levels=values["ladder.levels"],
            spacing_bps=values["ladder.spacing_bps"],
            growth=Decimal(repr(values["ladder.growth"])),
        )
        quote = quote_config(values, measured, size="ladder.size_usd", drift="ladder.threshold_bps")
        return LadderStrategy(market, quote, levels)


LADDER = Ladder()

"""The market in which a strategy's next decision would be the same as its last one. Pure values.

A strategy that can tell offers `quiet(state, view) -> QuietBand | None`; a backtest passes over decisions inside it.
Layer: strategy.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class QuietBand:
    """bid_above < bid < bid_below and ask_above < ask < ask_below, USD; None leaves a side open.

    Inside it, while the account stays as it is, `decide` gives the same orders and leaves the state as it is.
    """

    bid_above: Decimal | None = None
    bid_below: Decimal | None = None
    ask_above: Decimal | None = None
    ask_below: Decimal | None = None

    def within(self, other: QuietBand) -> QuietBand:
        """Require both at once: bid above 99 within bid above 98 is bid above 99."""
        return QuietBand(
            bid_above=max(_given(self.bid_above, other.bid_above), default=None),
            bid_below=min(_given(self.bid_below, other.bid_below), default=None),
            ask_above=max(_given(self.ask_above, other.ask_above), default=None),
            ask_below=min(_given(self.ask_below, other.ask_below), default=None),
        )


def _given(*bounds: Decimal | None) -> list[Decimal]:
    return [bound for bound in bounds if bound is not None]

"""Many public prints as columns: thousands go into a fit, and a value for each would be most of its time. Pure values.

Layer: model.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, overload

from pfmm.model.market import Trade


class PrintColumns(NamedTuple):
    """Prints in their order: venue times in ms, prices in USD, and aggressors, +1 for a taker that bought."""

    times: Sequence[int]
    prices: Sequence[float]
    aggressors: Sequence[int]


class Prints(Sequence[Trade]):
    """Prints of one market in whole units, each a Trade once it is looked at.

    A price of 6_500_001 with 2 decimals is 65,000.01 USD.
    """

    __slots__ = ("_aggressors", "_decimals", "_market", "_prices", "_sizes", "_times")

    def __init__(
        self,
        market: str,
        decimals: tuple[int, int],
        times: Sequence[int],
        prices: Sequence[int],
        sizes: Sequence[int],
        aggressors: Sequence[int],
    ) -> None:
        """`decimals` are those of a price and of a size."""
        self._market, self._decimals = market, decimals
        self._times, self._prices, self._sizes, self._aggressors = times, prices, sizes, aggressors

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, at: int) -> Trade: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Trade, ...]: ...
    def __getitem__(self, at: int | slice) -> Trade | tuple[Trade, ...]:
        if isinstance(at, slice):
            return tuple(self[one] for one in range(*at.indices(len(self))))
        prices, sizes = self._decimals
        price, size = Decimal(self._prices[at]).scaleb(-prices), Decimal(self._sizes[at]).scaleb(-sizes)
        return Trade(self._market, self._times[at], price, size, self._aggressors[at])

    @property
    def columns(self) -> PrintColumns:
        """The prints as a fit takes them: a quotient of two exact floats is the float nearest to the price."""
        scale = 10 ** self._decimals[0]
        return PrintColumns(self._times, [units / scale for units in self._prices], self._aggressors)


def columns_of(trades: Sequence[Trade] | PrintColumns) -> PrintColumns:
    """Turn prints into columns, whatever they came as."""
    if isinstance(trades, PrintColumns):
        return trades
    if isinstance(trades, Prints):
        return trades.columns
    return PrintColumns(
        [one.time_ms for one in trades], [float(one.price) for one in trades], [one.aggressor for one in trades]
    )


def joined(pages: Sequence[PrintColumns]) -> PrintColumns:
    """Join pages of prints that follow each other."""
    if len(pages) == 1:
        return pages[0]
    times, prices, aggressors = zip(*pages, strict=True) if pages else ((), (), ())
    return PrintColumns(*([one for page in column for one in page] for column in (times, prices, aggressors)))

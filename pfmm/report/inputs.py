"""What a report is made from, as plain sequences: a journal, a backtest or a test can give them. Values only.

Layer: report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from decimal import Decimal
from typing import NamedTuple

from pfmm.model.order import Fill, Liquidity
from pfmm.model.quick import quick
from pfmm.model.run import EquityReading

NOBODY = ""  # owner of fills that no run of ours placed
MAKER = Liquidity.MAKER.value


@quick(frozen=True, slots=True)
class Slice:
    """What a report is about: the period in ms, and the part of the account (None: all of it)."""

    start_ms: int
    end_ms: int
    market: str | None
    strategy: str | None


class FillRow(NamedTuple):
    """One fill as the fold reads it. `owner` is the run id; `side` is "long" or "short", `liquidity` "maker" or
    "taker"; amounts may still be text, since a report of a million fills turns each into a Decimal once, where it is
    used. A plain tuple serves too."""

    time_ms: int
    market: str
    owner: str
    side: str
    price: str | Decimal
    size: str | Decimal
    fee: str | Decimal
    order_id: str = ""
    liquidity: str = MAKER


def row_of(fill: Fill, owner: str = NOBODY) -> FillRow:
    """Build the row of a fill that belongs to the run `owner`."""
    amounts = (fill.price, fill.size, fill.fee)
    return FillRow(fill.time_ms, fill.market, owner, fill.side, *amounts, fill.order_id, fill.liquidity)


@quick(frozen=True, slots=True)
class MidSeries:
    """The recorded mids of one market in time order: `times` in ms beside `values` in USD, one each, text or not."""

    times: list[int] = field(default_factory=list)
    values: Sequence[str | Decimal] = field(default_factory=list)

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, Decimal]]) -> MidSeries:
        """Build the series of (ms, USD) pairs."""
        rows = list(pairs)
        return cls([time_ms for time_ms, _ in rows], [mid for _, mid in rows])


@quick(frozen=True, slots=True)
class OrderCounts:
    """How many orders were placed, an amended order counted once, and how many of them filled at all."""

    placed: int = 0
    filled: int = 0


def of_trading(readings: Iterable[EquityReading]) -> tuple[list[tuple[int, Decimal]], list[tuple[int, Decimal]]]:
    """Return the equity curve of trading alone, and what is taken out of it, (ms, USD).

    Taken out are the deposits (> 0) and withdrawals (< 0), each at the reading that first shows it. Read 100, then 150
    after 40 were deposited: 100, 110.

    What the venue does not tell is taken for no change.
    """
    curve, cash_flows = [], []
    known: Decimal | None = None
    moved = Decimal(0)
    for time_ms, equity, deposits in readings:
        if deposits is not None and deposits != known:
            if known is not None:
                cash_flows.append((time_ms, deposits - known))
                moved += deposits - known
            known = deposits
        curve.append((time_ms, equity - moved if moved else equity))
    return curve, cash_flows


class OutOfOrder(ValueError):
    """The fills are not in time order: sort them and fold again."""

"""Whether a venue's positions and its fills tell the same story, from the first look of a process on.

A limit on a position that does not follow the fills binds nothing. Sums only; reads no venue and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pfmm.engine.report import MarketSnapshot
from pfmm.errors import BadVenueData
from pfmm.model.order import Fill
from pfmm.ports import Journal

_ZERO = Decimal(0)


class PositionCheck:
    """The account's positions against the fills since the first look; what was held before it needs no fills."""

    def __init__(self) -> None:
        self._filled: dict[str, Decimal] = {}
        self._before: dict[str, Decimal] = {}
        self._apart_since_ms: dict[str, int] = {}

    def count(self, fill: Fill) -> None:
        """Takes in one fill of the account, whoever traded."""
        self._filled[fill.market] = self._filled.get(fill.market, _ZERO) + fill.signed_size

    def check(
        self, market: str, position: Decimal, later: Mapping[str, Decimal], now_ms: int, patience_ms: int
    ) -> None:
        """Raises BadVenueData when position and fills have been apart for longer than `patience_ms`: one of them may
        be told a little later. `position` is that of a snapshot of `now_ms`, signed base units; `later` is what fills
        that were counted and that are newer than it have changed.

        First seen at 2 after 5 filled, then at 2 after 6: the position moved by 0, the fills by 1.
        """
        filled = self._filled.get(market, _ZERO) - later.get(market, _ZERO)
        before = self._before.setdefault(market, position - filled)
        if position == before + filled:
            self._apart_since_ms.pop(market, None)
            return
        since_ms = self._apart_since_ms.setdefault(market, now_ms)
        if now_ms - since_ms > patience_ms:
            raise BadVenueData(
                f"the venue's position of {position:f} {market} does not follow its fills, which make it "
                f"{before + filled:f}, for {(now_ms - since_ms) / 1000:g} s",
                hint="look at the venue which of them is true; a new start takes the position as it is then",
            )


def later_fills(journal: Journal, seen: MarketSnapshot, seen_through: int) -> dict[str, Decimal]:
    """By market, what fills of above the number `seen_through` and newer than the snapshot changed, base units: another
    process has absorbed them and its orders no longer count as live, while the snapshot's position is still without
    them."""
    in_snapshot = {fill.fill_id for fill in seen.snapshot.fills}
    later: dict[str, Decimal] = {}
    for item in journal.fills(after_seq=seen_through):
        fill = item.fill
        if fill.time_ms >= seen.now_ms and fill.fill_id not in in_snapshot:
            later[fill.market] = later.get(fill.market, _ZERO) + fill.signed_size
    return later

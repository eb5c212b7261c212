"""Whether a venue's positions and its fills tell the same story, and what of a position no run of pfmm holds.

A limit on a position that does not follow the fills binds nothing. Sums only; reads no venue and decides nothing.
Layer: engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from pfmm.engine.report import MarketSnapshot
from pfmm.model.order import Fill
from pfmm.model.quick import quick
from pfmm.model.text import plain
from pfmm.ports import Journal

APART_READS = 3  # so many reads running in which position and fills disagree are no delay
APART_MS = 5_000  # and so long: fast loops read more often than a venue tells

_ZERO = Decimal(0)


@quick(frozen=True, slots=True)
class Apart:
    """Say that position and fills disagree: since which venue time, for how many reads in a row, and in words."""

    since_ms: int
    reads: int
    words: str

    def lasting(self, now_ms: int) -> bool:
        """Tell whether the disagreement has lasted too long to be a delay."""
        return self.reads >= APART_READS and now_ms - self.since_ms >= APART_MS


@dataclass(slots=True)
class PositionCheck:
    """Hold the account's positions against its fills. What was held before the first known fill needs no explanation;
    every later change needs a fill, over restarts too."""

    _booked: Callable[[str], Decimal]  # what the account's book of a market says before the first fill
    _filled: dict[str, Decimal] = field(default_factory=dict)
    _unbooked: dict[str, Decimal] = field(default_factory=dict)
    _apart: dict[str, Apart] = field(default_factory=dict)

    def count(self, fill: Fill) -> None:
        """Take in one fill of the account, whoever traded."""
        self._filled[fill.market] = self._filled.get(fill.market, _ZERO) + fill.signed_size

    def expect(self, market: str, unbooked: Decimal, apart: Apart | None) -> None:
        """Go on from what an earlier process found."""
        self._unbooked[market] = unbooked
        if apart is not None:
            self._apart[market] = apart

    def unbooked(self, market: str) -> Decimal:
        """Return what was held before the fills that the journal knows, signed base units."""
        return self._unbooked.get(market, _ZERO)

    def check(self, market: str, position: Decimal, later: Mapping[str, Decimal], now_ms: int) -> Apart | None:
        """Say what is wrong with `position`, signed base units, as a snapshot of `now_ms` shows it; None where it
        follows the fills. `later` is what newer fills, counted already, have changed.

        First seen at 2 after 5 filled, then at 2 after 6: the position moved by 0, the fills by 1.
        """
        filled = self._booked(market) + self._filled.get(market, _ZERO) - later.get(market, _ZERO)
        expected = self._unbooked.setdefault(market, position - filled) + filled
        before = self._apart.pop(market, None)
        if position == expected:
            return None
        words = f"the venue's position of {plain(position)} {market} does not follow its fills, which make it "
        since_ms = now_ms if before is None else before.since_ms
        reads = 1 if before is None else before.reads + 1
        found = self._apart[market] = Apart(since_ms, reads, words + plain(expected))
        return found


def later_fills(journal: Journal, seen: MarketSnapshot, seen_through: int) -> dict[str, Decimal]:
    """Sum up by market, in base units, what newer fills changed: those above the number `seen_through` that the
    snapshot does not show. Another process has absorbed them, and their orders no longer count as live, while the
    snapshot's position is still without them."""
    newer = [item.fill for item in journal.fills(after_seq=seen_through) if item.fill.time_ms >= seen.now_ms]
    later: dict[str, Decimal] = {}
    if not newer:
        return later
    in_snapshot = {fill.fill_id for fill in seen.snapshot.fills}
    for fill in newer:
        if fill.fill_id not in in_snapshot:
            later[fill.market] = later.get(fill.market, _ZERO) + fill.signed_size
    return later

"""What a look at the account remembers of the one before, so that most looks cost little. Layer: venue. Pure.

While every position and the raw balance are as before (a fill with a fee changes one of them) and nothing was sent, the
orders and fills of the last whole look stand, for at most 15 s of the venue's time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pfmm.model.account import Cursors, Position
from pfmm.model.order import Fill, Order
from pfmm.venue.wire import Record

STANDS_MS: Final = 15_000
PAYMENTS_EVERY_MS: Final = 600_000

Signature = tuple[tuple[str, str, str], ...]


def signature(states: Mapping[str, Record]) -> Signature:
    """What changes with any fill that costs or earns something: every position, and the balance without them."""
    found: list[tuple[str, str, str]] = []
    for dex, state in states.items():
        found.append((dex, "", str(state.record("marginSummary").decimal_text("totalRawUsd"))))
        rows = (entry.record("position") for entry in state.records("assetPositions"))
        found += sorted((dex, row.text("coin"), str(row.decimal_text("szi"))) for row in rows)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Look:
    """A whole look: the venue time before it, what it showed, and the cursors that it handed out."""

    asked_ms: int
    dexes: tuple[str, ...]
    orders: tuple[Order, ...]
    signature: Signature
    cursors: Cursors


class Memory:
    """The newest whole look, and the fills that have been told of."""

    def __init__(self) -> None:
        self._look: Look | None = None
        self._sent = True
        self._told: dict[str, int] = {}  # time in ms of fills of the last two minutes, by id
        self._positions: Mapping[str, Decimal] | None = None
        self.paid_ms: int | None = None  # when payments were read last

    def sent(self) -> None:
        """Something was sent, or a proof is wanted: what rests is to be read again."""
        self._sent = True

    def standing(self, cursors: Cursors, dexes: Sequence[str], now_ms: int) -> Look | None:
        """The whole look that may still stand at venue time `now_ms`, or None."""
        look = self._look
        if self._sent or look is None or look.cursors != cursors or look.dexes != tuple(dexes):
            return None
        return look if now_ms - look.asked_ms < STANDS_MS else None

    def keep(self, look: Look, fills: Sequence[Fill], positions: Sequence[Position]) -> None:
        """Remember a whole look."""
        self._look, self._sent = look, False
        self._positions = {one.market: one.size for one in positions}
        self._told |= {one.fill_id: one.time_ms for one in fills}
        oldest_ms = look.asked_ms - 120_000
        self._told = {one: at_ms for one, at_ms in self._told.items() if at_ms >= oldest_ms}

    def agree(self, fills: Sequence[Fill], positions: Sequence[Position]) -> bool:
        """True where the new fills lead from the positions of the last whole look to these. 2 and then 3 with a new
        buy of 1 agree; without it a fill is still to come."""
        if self._positions is None:
            return True
        expected = dict(self._positions)
        for one in fills:
            if one.fill_id not in self._told:
                expected[one.market] = expected.get(one.market, Decimal(0)) + one.signed_size
        now = {one.market: one.size for one in positions}
        return all(expected.get(name, 0) == now.get(name, 0) for name in expected.keys() | now.keys())

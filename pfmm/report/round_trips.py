"""Round trips out of fills: what was bought and what it was sold for, first in first matched. Pure. Layer: report."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from pfmm.accounting.ledger import EXACT, ZERO
from pfmm.model.order import Fill

BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Matched:
    """One quantity that was opened and closed: base units and USD, before fees; `side` is that of its opening."""

    market: str
    side: str
    opened_ms: int
    closed_ms: int
    size: Decimal
    entry_price: Decimal
    exit_price: Decimal

    @property
    def gross(self) -> Decimal:
        """What it earned, USD: 2 bought at 100 and sold at 101 is 2; sold first and bought back it is -2."""
        moved = EXACT.multiply(EXACT.subtract(self.exit_price, self.entry_price), self.size)
        return moved if self.side == "long" else -moved

    @property
    def gross_bps(self) -> float:
        """The same in bps of what was paid for it: 2 of 200 USD are 100."""
        return float(self.gross / (self.entry_price * self.size) * BPS)


def round_trips(fills: Iterable[Fill]) -> list[Matched]:
    """Match the fills of each market, given in time order, first in first out; what is still held is none.

    Buying 2 at 100, selling 1 at 101 and 1 at 99 makes two of them, of +1 and -1 USD.
    """
    open_: dict[str, deque[tuple[Fill, Decimal]]] = {}
    found: list[Matched] = []
    for fill in fills:
        held, left = open_.setdefault(fill.market, deque()), fill.size
        while left and held and held[0][0].side is not fill.side:
            first, size = held.popleft()
            taken = min(size, left)
            found.append(
                Matched(fill.market, first.side.value, first.time_ms, fill.time_ms, taken, first.price, fill.price)
            )
            left = EXACT.subtract(left, taken)
            if size > taken:
                held.appendleft((first, EXACT.subtract(size, taken)))
        if left > ZERO:
            held.append((fill, left))
    return found

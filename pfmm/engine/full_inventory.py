"""How near liquidation an account comes with every run of a start at its limit. Pure. Layer: engine.

A position is liquidated where the margin that backs it falls to its maintenance margin. An isolated one is backed by
what it was opened with, any other by the account's whole equity, which the account's other positions claim too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pfmm.model.order import Side

MOVE = Decimal("0.1")  # how far a price is taken to run against a full inventory

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Full:
    """One market held to its limit: `usd` at `mark`, and its maintenance margin as a part of that value. `leverage` is
    that of an isolated position, None where the whole account backs it; `collateral` is what can back it at most."""

    market: str
    mark: Decimal
    usd: Decimal
    maintenance: Decimal
    leverage: int | None = None
    collateral: Decimal | None = None

    def backing(self, equity: Decimal) -> Decimal:
        """Return what backs it of so much equity: 500 USD isolated at 5x are backed by 100."""
        there = equity if self.collateral is None else min(self.collateral, equity)
        return there if self.leverage is None else min(self.usd / self.leverage, there)


def claim(one: Full) -> Decimal:
    """Return the maintenance margin that it claims of the whole account's equity, USD; an isolated one claims none."""
    return one.usd * one.maintenance if one.leverage is None else _ZERO


def left_after_move(full: Sequence[Full], equity: Decimal, beside: Decimal, most_usd: Decimal | None = None) -> Decimal:
    """Return what is left to liquidation, USD, after every price has run MOVE against its full inventory: the least of
    what is backed apart.

    `beside` is the maintenance margin of the account's other positions, and `most_usd` what all markets together may
    hold. Short is the worse side, since its value has grown. 500 short, equity 100, maintenance 0.0125: the move costs
    50, the maintenance of 550 is 6.875, and 43.125 are left.
    """
    together = [one for one in full if one.leverage is None]
    found = [one.backing(equity) - _cost(one) for one in full if one.leverage is not None]
    held = sum((one.usd for one in together), _ZERO)
    if held:
        part = Decimal(1) if most_usd is None else min(most_usd / held, Decimal(1))
        backing = min(one.backing(equity) for one in together)
        found.append(backing - beside - part * sum(map(_cost, together), _ZERO))
    return min(found, default=equity)


def _cost(one: Full) -> Decimal:
    return one.usd * MOVE + one.usd * (1 + MOVE) * one.maintenance


def liquidated_at(one: Full, side: Side, equity: Decimal, beside: Decimal) -> Decimal | None:
    """Return the price at which it is liquidated, full on `side` from the mark on, while all else stays; None where no
    price above zero does that. `beside` is what other positions claim of the account.

    Long 500 at a mark of 100, equity 100, 0.0125: 100 + 500·(p/100 - 1) = 0.0125·500·p/100 at 81.01.
    """
    backing = one.backing(equity) - (beside if one.leverage is None else _ZERO)
    price = one.mark * (one.usd - side.sign * backing) / (one.usd * (1 - side.sign * one.maintenance))
    return price if price > 0 else None

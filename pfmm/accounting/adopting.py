"""What a run takes over as it begins: positions change their owner at one price, without a trade. Pure.

The giver realises up to that price and the taker counts from it on, so that nothing is earned twice and the books of
all owners add up to the account's as before. Layer: accounting.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from pfmm.model.ledger import UNATTRIBUTED, Adoption, Move, OwnerBook
from pfmm.model.order import Fill, Liquidity, Side


def moves_of(
    adoption: Adoption, books: Iterable[OwnerBook], opened: Decimal, *, market: str, taker: str, time_ms: int
) -> tuple[Move, ...]:
    """List the moves by which `taker` gets what is adopted.

    `books` are those with a position, without the ACCOUNT's, and `opened` is what earlier adoptions brought in that no
    fill tells of, signed base units.

    An ended run left 2 and nobody's is 1: 2 change hands, with `foreign` 3.
    """
    given: list[tuple[str | None, Decimal]] = [
        (book.owner, book.ledger.size) for book in books if book.left_since_ms is not None
    ]
    if adoption.foreign:
        given += [(book.owner, book.ledger.size) for book in books if book.owner == UNATTRIBUTED]
        given += [(None, adoption.unbooked - opened)]
    price = adoption.price
    return tuple(Move(market, giver, taker, size, price, time_ms) for giver, size in given if size)


def taken(move: Move) -> Fill:
    """Write the move as a fill for the taker's ledger: bought or sold at its price, for no fee."""
    side = Side.LONG if move.size > 0 else Side.SHORT
    return Fill("", "", None, move.market, side, move.price, abs(move.size), Decimal(0), Liquidity.MAKER, move.time_ms)


def changed_since(moves: Iterable[Move], time_ms: int) -> dict[str, Decimal]:
    """Sum up what moves after a time changed of each owner's position, signed base units."""
    changes: dict[str, Decimal] = {}
    for move in moves:
        if move.time_ms > time_ms:
            changes[move.taker] = changes.get(move.taker, Decimal(0)) + move.size
            if move.giver is not None:
                changes[move.giver] = changes.get(move.giver, Decimal(0)) - move.size
    return changes

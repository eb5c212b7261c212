"""Whose position a fill of no run closes: flatten's, a user's own, the venue's. Pure.

What a run holds can be taken from it by hands that are not its own. Then its book must take the fill, or it counts for
ever what the account no longer has. Layer: accounting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from pfmm.accounting.ledger import EXACT, ZERO, rounded
from pfmm.model.ledger import UNATTRIBUTED, OwnerBook
from pfmm.model.order import Fill
from pfmm.model.quick import replace

Share = tuple[str, Decimal]  # an owner, and how much of a fill closes what it holds; below zero the other way round


def parts_of(fill: Fill, books: Iterable[OwnerBook], *, of_running: bool) -> tuple[tuple[str, Fill], ...]:
    """Cut a fill of no run into what it closes of each run's position, and the rest for UNATTRIBUTED.

    `books` are those with a position, without the ACCOUNT's. What ended runs left comes first, oldest first, where the
    fill is no older than the run's last cycle. Ended runs hold 3 and 1; a sale of 5: 3, 1, and 1 for UNATTRIBUTED.

    With `of_running` a fill that reduces what all of them hold together also closes what UNATTRIBUTED holds, and then
    what running runs hold, oldest first; a liquidation takes from the runs first. Where it leaves nothing of it,
    nobody holds anything any more: those that lay the other way round are closed at its price too, and pay no fee.
    Running runs hold 5 and -2, and a liquidation sells 3: the one sells 5 and the other buys 2.
    """
    found = tuple(books)
    ended = [b for b in found if b.left_since_ms is not None and fill.time_ms >= b.left_since_ms]
    ended.sort(key=lambda book: book.number)
    running = [b for b in found if b.left_since_ms is None and b.owner != UNATTRIBUTED]
    running.sort(key=lambda book: (len(book.owner), book.owner))
    held = sum((book.ledger.size for book in found), ZERO) * -fill.side.sign
    if not of_running or not running or held <= 0:
        return _cut_in(fill, _one_by_one(fill, ended))
    if fill.size >= held:
        against = sum((abs(b.ledger.size) for b in found if b.ledger.size * fill.side.sign > 0), ZERO)
        shares = [(b.owner, -b.ledger.size * fill.side.sign) for b in (*ended, *running)]
        return _cut_in(fill, shares, against=against)
    own = [b for b in found if b.owner == UNATTRIBUTED and not fill.liquidation]
    return _cut_in(fill, _one_by_one(fill, (*ended, *own, *running)))


def _one_by_one(fill: Fill, books: Iterable[OwnerBook]) -> list[Share]:
    """Work out what the fill closes of each run, one after the other, as long as something of it is left."""
    shares: list[Share] = []
    rest = fill.size
    for book in books:
        closed = min(max(-book.ledger.size * fill.side.sign, ZERO), rest)
        rest -= closed
        if closed and book.owner != UNATTRIBUTED:
            shares.append((book.owner, closed))
    return shares


def _cut_in(fill: Fill, shares: Sequence[Share], *, against: Decimal = ZERO) -> tuple[tuple[str, Fill], ...]:
    """Cut the fill into its owners' parts; the rest comes last, which is UNATTRIBUTED, and none where nothing is left.

    `against` is what is closed beside it of positions that lie the other way round: so much more is closed of the
    others.
    """
    parts: list[tuple[str, Fill]] = []
    left: Fill | None = replace(fill, size=EXACT.add(fill.size, against))
    for owner, size in shares:
        if size < 0:
            parts.append((owner, replace(fill, side=fill.side.opposite, size=-size, fee=ZERO)))
        else:
            assert left is not None  # all that is closed comes to no more than the fill with `against`
            part, left = cut(left, size)
            parts.append((owner, part))
    rest = less(fill, [part for _, part in parts])
    return (*parts, *([] if rest is None else [(UNATTRIBUTED, rest)]))


def cut(fill: Fill, size: Decimal) -> tuple[Fill, Fill | None]:
    """Cut a fill into its first `size`, with that part of the fee, and the rest; None where nothing is left."""
    if size >= fill.size:
        return fill, None
    fee = rounded("fee", EXACT.divide(EXACT.multiply(fill.fee, size), fill.size))
    rest = replace(fill, size=EXACT.subtract(fill.size, size), fee=EXACT.subtract(fill.fee, fee))
    return replace(fill, size=size, fee=fee), rest


def less(fill: Fill, parts: Iterable[Fill]) -> Fill | None:
    """Take some parts out of a fill, and return what is left, on whichever side; None where nothing is.

    A sale of 3 without a part that sold 5 is a purchase of 2.
    """
    size, fee = fill.size, fill.fee
    for part in parts:
        sign = 1 if part.side is fill.side else -1
        size, fee = EXACT.subtract(size, sign * part.size), EXACT.subtract(fee, part.fee)
    if not size:
        return None
    return replace(fill, side=fill.side if size > 0 else fill.side.opposite, size=abs(size), fee=fee)

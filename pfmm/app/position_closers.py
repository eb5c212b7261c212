"""What ended runs left open, and what a flatten, or somebody by hand, closed of it, from the journal's books.

It judges nothing and prints nothing. Layer: app.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pfmm.accounting.ledger import ZERO
from pfmm.journal.journal import Journal
from pfmm.journal.minutes import rest_of
from pfmm.model.ledger import UNATTRIBUTED
from pfmm.model.order import Fill
from pfmm.model.run import JournalFill

Closings = Mapping[int, Sequence[tuple[str, Fill]]]


def closing_fills(journal: Journal, market: str | None) -> dict[int, tuple[tuple[str, Fill], ...]]:
    """Read the fills of no run that closed what runs held, by running number, each as parts with their owners; of one
    market, or of all (None).

    Run 1 ended long 3, run 2 long 1; a sale of 5 that no run placed is 3 of run 1, 1 of run 2 and 1 of nobody.
    """
    claimed: dict[int, list[JournalFill]] = {}
    for part in journal.claims(market):
        claimed.setdefault(part.seq, []).append(part)
    return {seq: _with_rest(journal.fill(seq), parts) for seq, parts in claimed.items()}


def _with_rest(whole: JournalFill, claimed: Sequence[JournalFill]) -> tuple[tuple[str, Fill], ...]:
    rest = rest_of(whole, claimed)
    parts = [(part.run_id or UNATTRIBUTED, part.fill) for part in claimed]
    return (*parts, *([] if rest is None else [(UNATTRIBUTED, rest.fill)]))


def left_by_ended(journal: Journal, market: str, position: Decimal) -> Decimal:
    """Work out how much of the account's `position` on `market` ended runs left open, signed base units: every limit
    counts it, and nothing works it off. 2 of a position of 5 where ended runs add up to 2; 0 where they are short."""
    left = journal.left_by_ended(market)
    return min(left, position, key=abs) if left * position > 0 else ZERO

"""The full fold of a journal into books: what doctor and the tests hold the kept books against. Pure.

Everything else reads the books that the journal keeps; this costs time that grows with the account's life.
Layer: accounting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pfmm.accounting.books import BookLog, MemoryBooks, advance
from pfmm.model.ledger import OwnerBook
from pfmm.model.run import JournalFill

SLICE = 2_000

Books = Mapping[tuple[str, str], OwnerBook]


def full_fold(
    log: BookLog, newest_first: Callable[[int], Iterator[JournalFill]]
) -> Mapping[tuple[str, str], OwnerBook]:
    """Fold every book, by (market, owner), from the journal's first fill on.

    `newest_first` answers its fills from the one of a number back.
    """
    books = MemoryBooks(newest_first)
    while advance(log, books, SLICE):
        pass
    return {(book.market, book.owner): book for book in books.all()}

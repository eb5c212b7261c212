"""Books: what every run holds and earned, kept where it changes. The fold of a journal in ITS order. Pure.

A journal numbers what it learns: fills, and beside them funding payments and ends of runs. Books fold in the order of
those numbers and never by time, because fills arrive late: so what is folded once is never folded again, and a book
costs the same after a million fills. Knows no SQLite; a `BookStore` keeps the books and a `BookLog` tells the order.
Layer: accounting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from pfmm.accounting.adopting import changed_since, taken
from pfmm.accounting.closing import cut, parts_of
from pfmm.accounting.ledger import EXACT, ZERO, apply, apply_funding, funding_share
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import ACCOUNT, UNATTRIBUTED, LedgerState, Move, OwnerBook
from pfmm.model.order import Fill
from pfmm.model.quick import quick, replace
from pfmm.model.run import JournalFill

# a payment is split by the shares at its settlement; how much older than it the fills are to which the look back goes
LOOK_BACK_MS = 600_000
ALL_OLD = (1 << 62, 0)


@quick(frozen=True, slots=True)
class EndedRun:
    """A run that ended: fills of no run from `since_ms` on, its last cycle, close what it left."""

    market: str
    run_id: str
    number: int
    since_ms: int


@quick(frozen=True, slots=True)
class Entry:
    """What a journal learned after its fill numbered `after_fill`: a payment, by its number there, a run's end, or what
    a run adopted."""

    number: int
    after_fill: int
    payment: tuple[int, FundingPayment] | None = None
    ended: EndedRun | None = None
    moves: Sequence[Move] = ()


@dataclass(slots=True)
class Progress:
    """Up to where books are folded: the fill and the entry of these numbers. Before the first entry (-1 at the begin)
    come the ends of runs and the payments that were recorded before journals had entries: `old_payment` is the (time in
    ms, number) of the last of these, ALL_OLD after it."""

    fills: int = 0
    entries: int = -1
    old_payment: tuple[int, int] = (-1, -1)


class BookStore(Protocol):
    """Where books are kept, with what is needed to cut fills of no run. `progress` is written by the fold."""

    progress: Progress

    def book(self, market: str, owner: str) -> OwnerBook:
        """Return the owner's book; an empty one before its first fill."""
        ...

    def keep(self, book: OwnerBook) -> None: ...

    def open_books(self, market: str) -> Sequence[OwnerBook]:
        """Return the books with a position, without the ACCOUNT's."""
        ...

    def unclaimed(self, market: str, since_ms: int) -> Sequence[JournalFill]:
        """Read the fills of no run, or their rest, that closed nothing of a run; in time order, since a time."""
        ...

    def keep_unclaimed(self, item: JournalFill) -> None: ...

    def drop_unclaimed(self, item: JournalFill) -> None: ...

    def claim(self, item: JournalFill) -> None:
        """Keep that the part `item` of a fill of no run closed what the run `item.run_id` held."""
        ...

    def claims(self, seq: int) -> Sequence[JournalFill]:
        """Return the parts of the fill `seq` that were claimed."""
        ...

    def newest_first(self) -> Iterator[JournalFill]:
        """Yield the fills that are folded, from the newest back."""
        ...

    def keep_move(self, move: Move) -> None:
        """Take note that a move is folded."""
        ...

    def moves(self, market: str) -> Sequence[Move]:
        """Return the moves on a market that are folded."""
        ...

    def keep_funding(self, payment_number: int, owner: str, amount: Decimal) -> None:
        """Keep one owner's part of a payment."""
        ...


class BookLog(Protocol):
    """A journal's order of things. Fills up to `old_fills` were recorded before it had entries; those up to
    `old_closings` before fills of no run closed what running runs hold."""

    old_fills: int
    old_closings: int

    def old_ended(self) -> Sequence[EndedRun]:
        """Return the runs that had ended before the first entry."""
        ...

    def fills(self, after: int, through: int | None, limit: int) -> Sequence[JournalFill]: ...

    def entry(self, after: int) -> Entry | None: ...

    def old_payments(self, after: tuple[int, int], limit: int) -> Sequence[tuple[int, FundingPayment]]:
        """Read the payments from before the first entry, in time order, beginning after the given one (time in ms,
        number)."""
        ...


def advance(log: BookLog, store: BookStore, limit: int) -> int:
    """Fold up to about `limit` more fills and entries; return how many, 0 once the books are up to the journal."""
    progress = store.progress
    if progress.entries < 0:
        for ended in log.old_ended():
            end_run(store, ended)
        progress.entries = 0
    done = _advance_old(log, store, limit) if progress.fills < log.old_fills else 0
    if not done and progress.old_payment < ALL_OLD:
        done = _settle_old(log, store, limit)
    while done < limit and progress.fills >= log.old_fills and progress.old_payment == ALL_OLD:
        entry = log.entry(progress.entries)
        fills = log.fills(progress.fills, None if entry is None else entry.after_fill, limit - done)
        for item in fills:
            fold_fill(store, item, of_running=item.seq > log.old_closings)
        done += len(fills)
        if fills:
            continue
        if entry is None:
            break
        _fold_entry(store, entry)
        done += 1
    return done


def _advance_old(log: BookLog, store: BookStore, limit: int) -> int:
    """Fold fills and payments of before the first entry.

    A payment goes before the first fill of a later time.
    """
    waiting = list(log.old_payments(store.progress.old_payment, limit))
    last_page = len(waiting) < limit
    done = 0
    for item in log.fills(store.progress.fills, log.old_fills, limit):
        while waiting and waiting[0][1].time_ms < item.fill.time_ms:
            _settle_one_old(store, *waiting.pop(0))
        if not waiting and not last_page:
            return done + 1
        fold_fill(store, item, of_running=item.seq > log.old_closings)
        done += 1
    return done


def _settle_old(log: BookLog, store: BookStore, limit: int) -> int:
    payments = log.old_payments(store.progress.old_payment, limit)
    for number, payment in payments:
        _settle_one_old(store, number, payment)
    if not payments:
        store.progress.old_payment = ALL_OLD
    return len(payments)


def _settle_one_old(store: BookStore, number: int, payment: FundingPayment) -> None:
    settle(store, number, payment)
    store.progress.old_payment = (payment.time_ms, number)


def _fold_entry(store: BookStore, entry: Entry) -> None:
    if entry.payment is not None:
        settle(store, *entry.payment)
    if entry.ended is not None:
        end_run(store, entry.ended)
    for move in entry.moves:
        fold_move(store, move)
    store.progress.entries = entry.number


def fold_fill(store: BookStore, item: JournalFill, *, of_running: bool = True) -> None:
    """Fold one fill into the account's book of its market and into its owner's.

    A fill of no run (flatten's, a user's own, a liquidation) that reduces what runs hold closes it there: see
    `parts_of`, also for `of_running`. Long 3 left by run 1 and a foreign sale of 5: run 1 is flat, and 2 short are
    UNATTRIBUTED.
    """
    fill = item.fill
    store.progress.fills = item.seq
    account = store.book(fill.market, ACCOUNT)
    after = _add(store, ACCOUNT, fill, 1).ledger
    if item.run_id is not None:
        book = _add(store, item.run_id, fill, 1, like=(account.ledger, after))
        if book.left_since_ms is not None:  # told late: something may have closed it already
            _reclaim(store, book)
        return
    for owner, part in parts_of(fill, store.open_books(fill.market), of_running=of_running):
        _add(store, owner, part, int(owner == UNATTRIBUTED))
        if owner == UNATTRIBUTED:
            store.keep_unclaimed(replace(item, fill=part))
        else:
            store.claim(replace(item, run_id=owner, fill=part))


def fold_move(store: BookStore, move: Move) -> None:
    """Take a position from its giver's book, or from nowhere into the account's, and give it to the taker's.

    Run 1 left 2 bought at 100; at a mark of 103 it realises 6, and the taker holds 2 for 206.
    """
    got = taken(move)
    if move.giver is None:
        _add(store, ACCOUNT, got, 0)
    else:
        _add(store, move.giver, replace(got, side=got.side.opposite), 0)
    _add(store, move.taker, got, 0)
    store.keep_move(move)


def sum_beside_runs(books: Sequence[OwnerBook]) -> Decimal:
    """Sum up what these open books hold that no running run holds, signed base units: 2 by hand, 1 left by an ended run
    and 4 of a running one are 3."""
    beside = (b.ledger.size for b in books if b.owner == UNATTRIBUTED or b.left_since_ms is not None)
    return sum(beside, ZERO)


def end_run(store: BookStore, ended: EndedRun) -> None:
    """Mark a run's book as left, and give it the fills of no run that closed it before its end was recorded."""
    book = replace(store.book(ended.market, ended.run_id), number=ended.number, left_since_ms=ended.since_ms)
    store.keep(book)
    _reclaim(store, book)


def _reclaim(store: BookStore, book: OwnerBook) -> None:
    """Give an ended run what earlier fills of no run closed of it: the journal learned them first.

    They leave the UNATTRIBUTED book at their own price and fee, so that the sum of both stays as it is.
    """
    if not book.ledger.size or book.left_since_ms is None:
        return
    for item in store.unclaimed(book.market, book.left_since_ms):
        size = book.ledger.size
        if not size:
            return
        if size * item.fill.side.sign >= 0:
            continue
        part, rest = cut(item.fill, abs(size))
        book = _add(store, book.owner, part, 0)
        back = replace(part, side=part.side.opposite, fee=-part.fee)
        _add(store, UNATTRIBUTED, back, 0 if rest is not None else -1)
        store.claim(replace(item, run_id=book.owner, fill=part))
        if rest is None:
            store.drop_unclaimed(item)
        else:
            store.keep_unclaimed(replace(item, fill=rest))


def _add(
    store: BookStore, owner: str, fill: Fill, fills: int, *, like: tuple[LedgerState, LedgerState] | None = None
) -> OwnerBook:
    """Put the fill into the owner's book and return the book.

    `like` is another ledger before and after that same fill: where the owner's is the same, as that of the only run of
    an account, nothing is computed twice.
    """
    before = store.book(fill.market, owner)
    ledger = like[1] if like is not None and like[0] == before.ledger else apply(before.ledger, fill)
    book = OwnerBook(before.market, before.owner, ledger, before.fills + fills, before.number, before.left_since_ms)
    store.keep(book)
    return book


def settle(store: BookStore, number: int, payment: FundingPayment) -> None:
    """Split a payment between the owners by what each held at its settlement, exactly: see `funding_share`."""
    shares = shares_at(store, payment.market, payment.time_ms)
    account = store.book(payment.market, ACCOUNT)
    store.keep(replace(account, ledger=apply_funding(account.ledger, payment)))
    for owner, amount in funding_share(payment, shares or {UNATTRIBUTED: payment.size}).items():
        book = store.book(payment.market, owner)
        store.keep(replace(book, ledger=replace(book.ledger, funding=EXACT.add(book.ledger.funding, amount))))
        store.keep_funding(number, owner, amount)


def shares_at(store: BookStore, market: str, time_ms: int) -> Mapping[str, Decimal]:
    """Return what each owner held on a market at a time, signed base units: what it holds now, less its later fills.
    Holding 3 now, of which 1 was bought after, makes 2. A fill that is told more than LOOK_BACK_MS late counts as held.
    """
    sizes = {book.owner: book.ledger.size for book in store.open_books(market)}
    for item in store.newest_first():
        if item.fill.time_ms < time_ms - LOOK_BACK_MS:
            break
        if item.fill.market == market and item.fill.time_ms > time_ms:
            for owner, signed in _owners(store, item):
                sizes[owner] = EXACT.subtract(sizes.get(owner, ZERO), signed)
    for owner, signed in changed_since(store.moves(market), time_ms).items():
        sizes[owner] = EXACT.subtract(sizes.get(owner, ZERO), signed)
    return {owner: sizes[owner] for owner in sorted(sizes, key=lambda name: (len(name), name)) if sizes[owner]}


def _owners(store: BookStore, item: JournalFill) -> Iterator[tuple[str, Decimal]]:
    """Yield whose a fill is, and how much of it, signed base units."""
    if item.run_id is not None:
        yield item.run_id, item.fill.signed_size
        return
    rest = item.fill.signed_size
    for part in store.claims(item.seq):
        yield part.run_id or UNATTRIBUTED, part.fill.signed_size
        rest = EXACT.subtract(rest, part.fill.signed_size)
    yield UNATTRIBUTED, rest


class MemoryBooks:
    """A BookStore in memory: for a backtest, and for the full fold that checks a journal's books."""

    def __init__(self, newest_first: Callable[[int], Iterator[JournalFill]]) -> None:
        """Begin with no book; `newest_first` answers the journal's fills from the one of a number back."""
        self.progress = Progress()
        self._newest_first = newest_first
        self._books: dict[str, dict[str, OwnerBook]] = {}
        self._unclaimed: dict[int, JournalFill] = {}
        self._claims: dict[int, list[JournalFill]] = {}
        self._moves: dict[str, list[Move]] = {}

    def all(self) -> Iterator[OwnerBook]:
        """Return every book."""
        return (book for books in self._books.values() for book in books.values())

    def book(self, market: str, owner: str) -> OwnerBook:
        return self._books.get(market, {}).get(owner) or OwnerBook(market, owner)

    def keep(self, book: OwnerBook) -> None:
        self._books.setdefault(book.market, {})[book.owner] = book

    def open_books(self, market: str) -> Sequence[OwnerBook]:
        return [b for b in self._books.get(market, {}).values() if b.ledger.size and b.owner != ACCOUNT]

    def unclaimed(self, market: str, since_ms: int) -> Sequence[JournalFill]:
        found = [i for i in self._unclaimed.values() if i.fill.market == market and i.fill.time_ms >= since_ms]
        return sorted(found, key=lambda item: (item.fill.time_ms, item.seq))

    def keep_unclaimed(self, item: JournalFill) -> None:
        self._unclaimed[item.seq] = item

    def drop_unclaimed(self, item: JournalFill) -> None:
        del self._unclaimed[item.seq]

    def claim(self, item: JournalFill) -> None:
        self._claims.setdefault(item.seq, []).append(item)

    def claims(self, seq: int) -> Sequence[JournalFill]:
        return self._claims.get(seq, ())

    def keep_move(self, move: Move) -> None:
        self._moves.setdefault(move.market, []).append(move)

    def moves(self, market: str) -> Sequence[Move]:
        return self._moves.get(market, ())

    def newest_first(self) -> Iterator[JournalFill]:
        return self._newest_first(self.progress.fills)

    def keep_funding(self, payment_number: int, owner: str, amount: Decimal) -> None:
        """Keep nothing: the books have the sums."""

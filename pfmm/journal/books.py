"""Books in the journal's file: where `accounting.books` keeps what it folds, and the order it folds in.

Works on an open connection and leaves transactions to the journal. What the fold changes is held here until `flush`
writes it; a reader that may not write folds what is missing here and forgets it. Layer: journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from pfmm.accounting.books import EndedRun, Entry, Progress
from pfmm.journal import schema
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import ACCOUNT, LedgerState, Move, OwnerBook
from pfmm.model.run import JournalFill
from pfmm.store.database import Connection

BOOK_COLUMNS = "market, owner, size, cost_basis, realized, fees, funding, fills, number, left_since_ms"
PAGE_ROWS = 100
OLD_CLOSINGS = "old_closings"  # fills up to this number were folded before fills of no run closed what runs hold
NEVER = 1 << 62

_FILL = "seq, " + schema.FILL_COLUMNS
_ENTRY = "SELECT number, after_fill, payment, run_id, since_ms FROM entries WHERE number > ? ORDER BY number LIMIT 1"
_OLD_PAYMENTS = (
    f"SELECT seq, {schema.FUNDING_COLUMNS} FROM funding "  # noqa: S608 - our constants, here and below
    "WHERE seq <= ? AND (time_ms, seq) > (?, ?) ORDER BY time_ms, seq LIMIT ?"
)
_PARTS = (
    "SELECT f.time_ms, p.owner, p.amount FROM funding_parts p JOIN funding f ON f.seq = p.payment WHERE f.market = ?"
)
_KEEP_PROGRESS = "UPDATE folded SET fills = ?, entries = ?, old_payment_ms = ?, old_payment = ?"
_KEEP_BOOK = f"INSERT OR REPLACE INTO books ({BOOK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - likewise
# the size of a part that lies on the other side than its fill is stored below zero
_SIGNED = "CASE WHEN side = (SELECT f.side FROM fills f WHERE f.seq = part.seq) THEN size ELSE '-' || size END"
_KEEP_CLAIM = (
    "WITH part(seq, run_id, side, size, fee) AS (VALUES (?, ?, ?, ?, ?)) "  # noqa: S608 - likewise
    f"INSERT INTO claims (seq, run_id, size, fee, late) SELECT seq, run_id, {_SIGNED}, fee, "
    "seq <= (SELECT through FROM minute_progress) FROM part"
)
_KEEP_UNCLAIMED = (
    "WITH part(market, time_ms, seq, side, size, fee) AS (VALUES (?, ?, ?, ?, ?, ?)) "  # noqa: S608 - likewise
    "INSERT OR REPLACE INTO unclaimed (market, time_ms, seq, size, fee) "
    f"SELECT market, time_ms, seq, {_SIGNED}, fee FROM part"
)


class SqlLog:
    """The journal's order of things: see `accounting.books.BookLog`."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.old_fills, self._old_payments = db.execute("SELECT old_fills, old_payments FROM folded").fetchone()
        stored = db.execute("SELECT value FROM meta WHERE key = ?", (OLD_CLOSINGS,)).fetchone()
        self.old_closings = NEVER if stored is None else int(stored[0])

    def old_ended(self) -> Sequence[EndedRun]:
        """Return the runs that had ended before the first entry."""
        rows = self._db.execute("SELECT market, run_id, number, since_ms FROM old_ends ORDER BY number")
        return [EndedRun(*row) for row in rows]

    def fills(self, after: int, through: int | None, limit: int) -> Sequence[JournalFill]:
        """Return the fills with a number above `after`, up to `through` or the newest, at most `limit`."""
        last = (1 << 62) if through is None else through
        query = f"SELECT {_FILL} FROM fills WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"  # noqa: S608 - likewise
        return [schema.fill_from(row) for row in self._db.execute(query, (after, last, limit))]

    def newest_first(self, through: int) -> Iterator[JournalFill]:
        """Yield the fills from the one numbered `through` back."""
        query = f"SELECT {_FILL} FROM fills WHERE seq <= ? ORDER BY seq DESC LIMIT {PAGE_ROWS}"  # noqa: S608 - likewise
        while page := self._db.execute(query, (through,)).fetchall():
            yield from map(schema.fill_from, page)
            through = page[-1][0] - 1

    def entry(self, after: int) -> Entry | None:
        """Return the next payment, end of a run or adoption after the entry numbered `after`; None where there is
        none."""
        row = self._db.execute(_ENTRY, (after,)).fetchone()
        if row is None:
            return None
        number, after_fill, payment, run_id, since_ms = row
        if payment is None and run_id is None:
            return Entry(number, after_fill, moves=stored_moves(self._db, {"entry = ?": number}))
        if payment is None:
            kept = self._db.execute("SELECT market, number FROM runs WHERE run_id = ?", (run_id,)).fetchone()
            return Entry(number, after_fill, ended=EndedRun(kept[0], run_id, kept[1], since_ms))
        query = f"SELECT {schema.FUNDING_COLUMNS} FROM funding WHERE seq = ?"  # noqa: S608 - likewise
        paid = schema.funding_from(self._db.execute(query, (payment,)).fetchone())
        return Entry(number, after_fill, payment=(payment, paid))

    def old_payments(self, after: tuple[int, int], limit: int) -> Sequence[tuple[int, FundingPayment]]:
        """Return payments of before the first entry, in time order."""
        rows = self._db.execute(_OLD_PAYMENTS, (self._old_payments, *after, limit))
        return [(row[0], schema.funding_from(row[1:])) for row in rows]


class SqlBooks:
    """The kept books, and what a fold changes of them until it is flushed: see `accounting.books.BookStore`."""

    def __init__(self, db: Connection, newest_first: Callable[[int], Iterator[JournalFill]]) -> None:
        self._db = db
        self._newest_first = newest_first
        query = "SELECT fills, entries, old_payment_ms, old_payment FROM folded"
        fills, entries, *old = db.execute(query).fetchone()
        self.progress = Progress(fills, entries, (old[0], old[1]))
        self._books: dict[tuple[str, str], OwnerBook] = {}
        self._changed: set[tuple[str, str]] = set()
        self._any_unclaimed = db.execute("SELECT EXISTS (SELECT 1 FROM unclaimed)").fetchone()[0]
        self._unclaimed: dict[int, JournalFill | None] = {}  # None: dropped
        self._dropped: list[JournalFill] = []
        self._claims: dict[int, list[JournalFill]] = {}
        self._parts: list[tuple[int, str, Decimal]] = []

    def book(self, market: str, owner: str) -> OwnerBook:
        key = (market, owner)
        if key not in self._books:
            query = f"SELECT {BOOK_COLUMNS} FROM books WHERE market = ? AND owner = ?"  # noqa: S608 - likewise
            row = self._db.execute(query, key).fetchone()
            self._books[key] = OwnerBook(market, owner) if row is None else book_from(row)
        return self._books[key]

    def keep(self, book: OwnerBook) -> None:
        key = (book.market, book.owner)
        self._books[key] = book
        self._changed.add(key)

    def books(self, market: str | None = None, owner: str | None = None) -> list[OwnerBook]:
        """Return every book of a market, of an owner, or of both; None is any."""
        asked = {"market": market, "owner": owner}
        terms = {f"{column} = ?": value for column, value in asked.items() if value is not None}
        query = f"SELECT {BOOK_COLUMNS} FROM books WHERE {' AND '.join(terms) or '1'} ORDER BY market, owner"  # noqa: S608 - likewise
        return self._with_changed(map(book_from, self._db.execute(query, tuple(terms.values()))), market, owner)

    def open_books(self, market: str) -> Sequence[OwnerBook]:
        query = f"SELECT {BOOK_COLUMNS} FROM books WHERE market = ? AND size <> '0'"  # noqa: S608 - likewise
        found = self._with_changed(map(book_from, self._db.execute(query, (market,))), market, None)
        return [book for book in found if book.ledger.size and book.owner != ACCOUNT]

    def _with_changed(self, kept: Iterator[OwnerBook], market: str | None, owner: str | None) -> list[OwnerBook]:
        found = {(book.market, book.owner): book for book in kept}
        for key in self._changed:
            if market in (None, key[0]) and owner in (None, key[1]):
                found[key] = self._books[key]
        return list(found.values())

    def unclaimed(self, market: str, since_ms: int) -> Sequence[JournalFill]:
        if not self._any_unclaimed and not self._unclaimed:
            return ()
        query = (
            f"SELECT {', '.join('f.' + name.strip() for name in _FILL.split(','))}, u.size, u.fee "  # noqa: S608 - likewise
            "FROM unclaimed u JOIN fills f ON f.seq = u.seq WHERE u.market = ? AND u.time_ms >= ?"
        )
        found: dict[int, JournalFill | None] = {}
        for *row, size, fee in self._db.execute(query, (market, since_ms)):
            item = schema.fill_from(tuple(row))
            found[item.seq] = _part(item, size, fee)
        found |= self._unclaimed
        wanted = (i for i in found.values() if i is not None and i.fill.market == market and i.fill.time_ms >= since_ms)
        return sorted(wanted, key=lambda item: (item.fill.time_ms, item.seq))

    def keep_unclaimed(self, item: JournalFill) -> None:
        self._unclaimed[item.seq] = item

    def drop_unclaimed(self, item: JournalFill) -> None:
        self._unclaimed[item.seq] = None
        self._dropped.append(item)

    def claim(self, item: JournalFill) -> None:
        self._claims.setdefault(item.seq, []).append(item)

    def claims(self, seq: int) -> Sequence[JournalFill]:
        return [*stored_claims(self._db, seq, seq), *self._claims.get(seq, ())]

    def newest_first(self) -> Iterator[JournalFill]:
        return self._newest_first(self.progress.fills)

    def keep_move(self, move: Move) -> None:
        """Do nothing: readers see only moves that are folded."""

    def moves(self, market: str) -> Sequence[Move]:
        return stored_moves(self._db, {"market = ?": market, "entry <= ?": self.progress.entries})

    def keep_funding(self, payment_number: int, owner: str, amount: Decimal) -> None:
        self._parts.append((payment_number, owner, amount))

    def funding_parts(self, market: str) -> list[tuple[int, str, Decimal]]:
        """Return each owner's parts of the payments on a market, as (time in ms, owner, USD received)."""
        found = [(time_ms, owner, Decimal(text)) for time_ms, owner, text in self._db.execute(_PARTS, (market,))]
        payments = "SELECT time_ms FROM funding WHERE seq = ? AND market = ?"
        for number, owner, amount in self._parts:
            row = self._db.execute(payments, (number, market)).fetchone()
            found += [] if row is None else [(row[0], owner, amount)]
        return found

    def claimed_since(self, after_seq: int) -> list[JournalFill]:
        """Return the parts, by number, of fills above `after_seq` that closed what runs held."""
        found = [*stored_claims(self._db, after_seq + 1, 1 << 62)]
        found += [item for items in self._claims.values() for item in items if item.seq > after_seq]
        return sorted(found, key=lambda item: item.seq)

    def flush(self) -> None:
        """Write what the fold changed, in the caller's transaction."""
        db, text = self._db, schema.decimal_text
        books = [book_values(self._books[key]) for key in sorted(self._changed)]
        db.executemany(_KEEP_BOOK, books)
        gone = [(item.fill.market, item.fill.time_ms, item.seq) for item in self._dropped]
        db.executemany("DELETE FROM unclaimed WHERE market = ? AND time_ms = ? AND seq = ?", gone)
        rest = [
            (
                i.fill.market,
                i.fill.time_ms,
                i.seq,
                i.fill.side.value,
                text("size", i.fill.size),
                text("fee", i.fill.fee),
            )
            for i in self._unclaimed.values()
            if i is not None
        ]
        db.executemany(_KEEP_UNCLAIMED, rest)
        claims = [
            (i.seq, i.run_id, i.fill.side.value, text("size", i.fill.size), text("fee", i.fill.fee))
            for items in self._claims.values()
            for i in items
        ]
        db.executemany(_KEEP_CLAIM, claims)
        parts = [(number, owner, text("amount", amount)) for number, owner, amount in self._parts]
        db.executemany("INSERT INTO funding_parts (payment, owner, amount) VALUES (?, ?, ?)", parts)
        done = self.progress
        db.execute(_KEEP_PROGRESS, (done.fills, done.entries, *done.old_payment))


def stored_claims(db: Connection, first: int, last: int, *, late: int | None = None) -> Iterator[JournalFill]:
    """Read the stored parts of the fills numbered `first` to `last` that closed what runs held: those that came after
    the minute row of the fill (`late` 1), before it (0), or all."""
    query = (
        f"SELECT {', '.join('f.' + name.strip() for name in _FILL.split(','))}, c.run_id, c.size, c.fee "  # noqa: S608 - likewise
        "FROM claims c JOIN fills f ON f.seq = c.seq WHERE c.seq BETWEEN ? AND ? "
        "AND coalesce(?, c.late) = c.late ORDER BY c.seq, c.number"
    )
    for *row, run_id, size, fee in db.execute(query, (first, last, late)):
        item = schema.fill_from(tuple(row))
        yield replace(_part(item, size, fee), run_id=run_id)


def stored_moves(db: Connection, where: Mapping[str, object]) -> tuple[Move, ...]:
    """Return the moves that `where` names, in the order of recording."""
    query = f"SELECT {schema.MOVE_COLUMNS} FROM adoptions WHERE {' AND '.join(where) or '1'} ORDER BY rowid"  # noqa: S608 - likewise
    return tuple(map(schema.move_from, db.execute(query, tuple(where.values()))))


def _part(item: JournalFill, size: str, fee: str) -> JournalFill:
    """Return the part of a fill that is stored with this size and fee."""
    amount = Decimal(size)
    side = item.fill.side if amount > 0 else item.fill.side.opposite
    return replace(item, fill=replace(item.fill, side=side, size=abs(amount), fee=Decimal(fee)))


def book_from(row: schema.Row) -> OwnerBook:
    """Read an OwnerBook from BOOK_COLUMNS."""
    market, owner, size, basis, realized, fees, funding, fills, number, left_since_ms = row
    ledger = LedgerState(Decimal(size), Decimal(basis), Decimal(realized), Decimal(fees), Decimal(funding))
    return OwnerBook(market, owner, ledger, fills, number, left_since_ms)


def book_values(book: OwnerBook) -> schema.Row:
    """Return the BOOK_COLUMNS of a book."""
    ledger, text = book.ledger, schema.decimal_text
    return (
        book.market,
        book.owner,
        text("size", ledger.size),
        text("cost basis", ledger.cost_basis),
        text("realised profit", ledger.realized),
        text("fees", ledger.fees),
        text("funding", ledger.funding),
        book.fills,
        book.number,
        book.left_since_ms,
    )

"""The half of the journal that keeps books: whoever opens or absorbs first folds what is missing, in slices.

An older pfmm beside this one records fills and folds nothing; the next call here takes them in. Nothing waits for a
fold of history: a slice is one short transaction, and what is folded once is never folded again. Layer: journal.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal

from pfmm.accounting.adopting import moves_of
from pfmm.accounting.books import ALL_OLD, advance, sum_beside_runs
from pfmm.accounting.minutes import MinuteRow, MinuteTable
from pfmm.accounting.portfolio import full_fold
from pfmm.journal import schema
from pfmm.journal.books import SqlBooks, SqlLog, stored_moves
from pfmm.journal.events import NOT_KEPT, EventLog, Told
from pfmm.journal.minutes import MinuteLog
from pfmm.journal.opening import translated
from pfmm.journal.queries import JournalReads
from pfmm.model.event import Event
from pfmm.model.ledger import ACCOUNT, Adoption, Move, OwnerBook
from pfmm.model.run import JournalFill
from pfmm.store.database import Connection

MINUTE_SLICE = 1_000
SLICE = 250  # fills a transaction: a few ms, so that no other process waits long

_BEHIND = (
    "SELECT fills < (SELECT coalesce(max(seq), 0) FROM fills) OR old_payment_ms < ? "
    "OR entries < (SELECT coalesce(max(number), 0) FROM entries) FROM folded"
)
# what an older pfmm recorded has no mid yet
_SET_MIDS = (
    "UPDATE fills SET mid_before = (SELECT mid FROM mids m WHERE m.market = fills.market AND m.time_ms < fills.time_ms "
    "ORDER BY m.time_ms DESC LIMIT 1), mid_age_ms = time_ms - (SELECT m.time_ms FROM mids m "
    "WHERE m.market = fills.market AND m.time_ms < fills.time_ms ORDER BY m.time_ms DESC LIMIT 1) "
)
_GIVE_MIDS = f"{_SET_MIDS} WHERE seq > ? AND seq <= ? AND mid_before IS NULL"
_RENEW_MID = f"{_SET_MIDS} WHERE seq = ?"


class BookKeeper(JournalReads):
    """Books and events of the journal. See `accounting.books` for what a book says."""

    _db: Connection
    _may_write: bool

    @abstractmethod
    def _own_transaction(self) -> AbstractContextManager[None]: ...

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Connection]: ...

    def catch_up(self) -> None:
        """Fold what the books do not have yet, in transactions of SLICE fills, each durable by itself: one that is
        killed in between is gone on with from the last."""
        if self._db.in_transaction or not self._may_write:
            return
        with translated(self.path):
            behind = self._db.execute(_BEHIND, ALL_OLD[:1]).fetchone()[0]
        while behind:
            with self._own_transaction():
                behind = self._fold(SLICE)

    def _fold_all(self) -> None:
        """Fold what is new, within the transaction that recorded it."""
        while self._fold(SLICE):
            pass

    def _fold(self, limit: int) -> int:
        """Fold at most about `limit` fills and keep the books, the fills' mids and events; return how many."""
        log = SqlLog(self._db)
        store = SqlBooks(self._db, log.newest_first)
        before = max(store.progress.fills, log.old_fills)
        done = advance(log, store, limit)
        store.flush()
        if store.progress.fills > before:
            self._db.execute(_GIVE_MIDS, (before, store.progress.fills))
            EventLog(self._db).add_fills(log.fills(before, store.progress.fills, limit))
        return done

    def _current(self) -> SqlBooks:
        """Return the books up to the journal's newest fill; what may not be written is folded here and forgotten."""
        self.catch_up()
        with translated(self.path):
            log = SqlLog(self._db)
            store = SqlBooks(self._db, log.newest_first)
            while advance(log, store, SLICE):
                pass
        return store

    def book(self, market: str, owner: str) -> OwnerBook:
        """Return what the owner (a run id, UNATTRIBUTED or ACCOUNT) holds and earned on a market."""
        return self._current().book(market, owner)

    def books(self, market: str | None = None, owner: str | None = None) -> tuple[OwnerBook, ...]:
        """Return the books of a market, of an owner, or both, sorted by market and owner."""
        return tuple(sorted(self._current().books(market, owner), key=lambda book: (book.market, book.owner)))

    def markets_traded(self) -> tuple[str, ...]:
        """Return the markets that have fills, by name: of runs, or traded by hand."""
        return tuple(book.market for book in self.books(owner=ACCOUNT) if book.fills)

    def markets_booked(self) -> tuple[str, ...]:
        """Return the markets that have fills or funding payments, by name."""
        return tuple(book.market for book in self.books(owner=ACCOUNT))

    def left_by_ended(self, market: str) -> Decimal:
        """Return what ended runs left open on a market, signed base units."""
        left = (book for book in self._current().open_books(market) if book.left_since_ms is not None)
        return sum((book.ledger.size for book in left), Decimal(0))

    def beside_runs(self, market: str) -> Decimal:
        """Return what of the market's position no run that has not ended holds, as far as fills tell, signed base
        units."""
        return sum_beside_runs(self._current().open_books(market)) - self.opened(market)

    def filled(self, markets: Iterable[str]) -> tuple[int, dict[str, Decimal]]:
        """Return the number of the newest fill, and the position of each market as the fills up to it make it, signed
        base units: without what a run adopted of before them. Both come from one look: no fill that another process
        records meanwhile is in the one and not in the other."""
        self.catch_up()
        with self._transaction():
            sizes = {one: self.book(one, ACCOUNT).ledger.size - self.opened(one) for one in markets}
            return self.newest_fill(), sizes

    def opened(self, market: str) -> Decimal:
        """Return what runs adopted that no fill tells of, signed base units."""
        return sum((move.size for move in self.adoptions(market) if move.giver is None), Decimal(0))

    def adoptions(self, market: str) -> tuple[Move, ...]:
        """Return what runs adopted on a market, in the order of recording."""
        with translated(self.path):
            return stored_moves(self._db, {"market = ?": market})

    def adoptions_by_market(self, market: str | None) -> dict[str, list[Move]]:
        """Return what runs adopted on a market, or on each, by market; in the order of recording."""
        found: dict[str, list[Move]] = {}
        with translated(self.path):
            for move in stored_moves(self._db, {} if market is None else {"market = ?": market}):
                found.setdefault(move.market, []).append(move)
        return found

    def _adopt(self, adoption: Adoption, market: str, taker: str, time_ms: int) -> None:
        """Give a run that begins what it adopts, within the transaction that begins it."""
        self._fold_all()
        books = SqlBooks(self._db, SqlLog(self._db).newest_first).open_books(market)
        moves = moves_of(adoption, books, self.opened(market), market=market, taker=taker, time_ms=time_ms)
        if not moves:
            return
        entered = self._db.execute("INSERT INTO entries (after_fill) VALUES (?)", (self.newest_fill(),))
        rows = [(entered.lastrowid, *schema.move_values(move)) for move in moves]
        self._db.executemany(schema.insert("adoptions", f"entry, {schema.MOVE_COLUMNS}"), rows)
        self._fold_all()

    def claims(self, market: str | None = None) -> tuple[JournalFill, ...]:
        """Return the parts of fills of no run that closed what runs held, each with that run's id; by number."""
        found = self._current().claimed_since(0)
        return tuple(item for item in found if market in (None, item.fill.market))

    def claims_of(self, seq: int) -> tuple[JournalFill, ...]:
        """Return what the fill of a number, of no run, closed of each run's position."""
        return tuple(self._current().claims(seq))

    def books_in_full(self) -> Mapping[tuple[str, str], OwnerBook]:
        """Return the full fold, by (market, owner): what `books` must say. It takes as long as the journal is large."""
        with translated(self.path):
            log = SqlLog(self._db)
            return full_fold(log, log.newest_first)

    def unjudged(self, limit: int, *, since_ms: int, closed: bool) -> Sequence[JournalFill]:
        """Return at most `limit` of the fills from a time on that no minute row has taken in, oldest first; only those
        whose minutes are closed, or all."""
        with translated(self.path):
            return MinuteLog(self._db).unjudged(limit, since_ms=since_ms, closed=closed)

    def record_fill_mids(self, fills: Sequence[JournalFill], rows: Sequence[tuple[str, int, Decimal]]) -> None:
        """Record (market, time in ms, mid in USD), and to each of the fills the last mid before it as it is by now."""
        if fills and rows:
            with self._transaction() as db:
                values = [(market, time_ms, schema.decimal_text("mid", mid)) for market, time_ms, mid in rows]
                db.executemany(schema.insert("mids", "market, time_ms, mid"), values)
                db.executemany(_RENEW_MID, [(item.seq,) for item in fills])

    def close_minutes(self, slices: int | None = None) -> None:
        """Write the minute rows whose last mids are known, in at most so many short transactions, or all. The rows of
        MINUTE_SLICE fills are worked out before each, without a lock."""
        if not self._may_write or self._db.in_transaction:
            return
        while slices is None or slices > 0:
            with translated(self.path):
                log = MinuteLog(self._db)
                prepared = log.prepare(MINUTE_SLICE)
            if prepared is None:
                return
            with self._own_transaction():
                log.keep(prepared)
            slices = None if slices is None else slices - 1

    def recent_minutes(self, market: str, owner: str, since_ms: int) -> list[MinuteRow]:
        """Return the minute rows of an owner on a market from a time on, those of its last fills as they are by now."""
        with translated(self.path):
            return MinuteLog(self._db).recent(market, owner, since_ms, MINUTE_SLICE)

    def minute_tables(self, market: str, names: Sequence[str]) -> dict[str, MinuteTable]:
        """Return the columns `names` of the rows of every owner on a market; those of fills whose rows are not closed
        as they are by now."""
        self.catch_up()
        with translated(self.path):
            log = MinuteLog(self._db)
            owners = log.owners(market)
            more: dict[str, list[MinuteRow]] = {}
            for row in (*log.late_rows(), *log.open_rows(MINUTE_SLICE)):
                if row.market == market:
                    more.setdefault(row.owner, []).append(row)
            return {o: log.table(market, o, names, more.get(o, ())) for o in dict.fromkeys((*owners, *more))}

    def funding_parts(self, market: str) -> list[tuple[int, str, Decimal]]:
        """Return each owner's parts of the payments on a market, as (time in ms, owner, USD received)."""
        return self._current().funding_parts(market)

    def events(self, after: int = 0, *, run_id: str | None = None, limit: int = 1_000) -> Sequence[Told]:
        """Return the events with a number above `after`, oldest first: see `journal.events`."""
        with translated(self.path):
            return EventLog(self._db).read(after, run_id=run_id, limit=limit)

    def record_events(self, events: Sequence[Event], run_ids: Mapping[tuple[str, str], str]) -> None:
        """Keep what happened, but for cycles, fills (kept as they are absorbed) and repeats of one warning. `run_ids`
        tells the run of a (market, strategy)."""
        if any(event.name not in NOT_KEPT for event in events):
            with self._transaction() as db:
                EventLog(db).add(events, run_ids)

    def events_pruned_through(self) -> int:
        """Return the number of the last event that is no longer kept; 0 while all are."""
        with translated(self.path):
            return EventLog(self._db).pruned_through()

    def newest_event(self) -> int:
        """Return the number of the newest event, kept or pruned; 0 before the first."""
        with translated(self.path):
            return EventLog(self._db).newest()

"""The journal: one SQLite file per (venue, account), shared by every process that trades it.

It holds runs, own orders with their intents, fills, funding, mids and equity, and knows nothing of venues, strategies
or the clock. One Journal serves one thread; open another for another thread or process. Layer: journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Self

from pfmm.errors import BadVenueData, ConfigError, NoJournal, OtherExchange
from pfmm.journal import schema
from pfmm.journal.books import OLD_CLOSINGS
from pfmm.journal.file import prepare_file
from pfmm.journal.opening import connect, connect_readonly, translated
from pfmm.journal.queries import LIMIT_PEAK, LIMITS_SINCE
from pfmm.journal.run_records import RunRecords, must_know
from pfmm.journal.sharing import share_journals
from pfmm.journal.watch import FileWatch
from pfmm.model.account import Cursors, FundingPayment
from pfmm.model.order import Fill
from pfmm.model.peak import next_peak
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import Absorbed, EquityReading, Intents, JournalFill, Run
from pfmm.store.use_lock import UseLock

__all__ = ["Absorbed", "Intents", "Journal", "JournalFill", "Run"]


class Journal(RunRecords):
    """The recorded truth about one account. Every method is one transaction, durable when it returns.

    Raises ConfigError, naming the file and the fix, when the file cannot be used; ValueError for amounts that are
    not finite and for ids that the journal does not know (both are mistakes of the caller).
    """

    def __init__(
        self, database: sqlite3.Connection, path: Path, *, may_write: bool = True, use: UseLock | None = None
    ) -> None:
        self._db = database
        self._may_write = may_write
        self._use = use
        self._watch: FileWatch | None = None
        self.path = path
        identity = {key: self._meta(key) for key in ("venue", "account", "nonce")}
        self.venue, self.account, self.nonce = (value or "" for value in identity.values())
        self.exchange_id = self._meta("exchange_id")

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        venue: str,
        account: str,
        nonce: str,
        patience_s: float | None = None,
        resets_of: Path | None = None,
    ) -> Self:
        """Open the journal of `account` on `venue`, creating it (with `nonce`, for ever) where there is none.

        `patience_s` is how long any later call waits for another process's lock. `resets_of` is the state folder of the
        paper exchange whose resets wait until the journal is closed: they would move it away.
        """
        if not nonce:
            raise ValueError("nonce must not be empty")
        use = None if resets_of is None else share_journals(resets_of)
        try:
            prepare_file(path)
            identity = {"venue": venue, "account": account, "nonce": nonce, "next_order": "1"}
            with translated(path):
                database = connect(path, identity, patience_s)
                try:
                    journal = cls(database, path, use=use)
                    journal._check_owner(venue, account)
                    journal._mark_closings()
                    journal.catch_up()
                except BaseException:
                    database.close()
                    raise
        except BaseException:
            if use is not None:
                use.release()
            raise
        return journal

    @classmethod
    def open_readonly(cls, path: Path, *, patience_s: float | None = None) -> Self:
        """Open an existing journal for reading only; this works in a folder that cannot be written, too."""
        if not path.is_file():
            raise NoJournal(f"there is no journal at {path}", hint="nothing has run yet on this venue and account")
        with translated(path):
            database = connect_readonly(path, patience_s)
            try:
                return cls(database, path, may_write=False)
            except BaseException:
                database.close()
                raise

    def close(self) -> None:
        """Close the file; the journal cannot be used afterwards."""
        self._db.close()
        if self._use is not None:
            self._use.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def verify(self) -> None:
        """Raise JournalUnusable when the file is not the one any more that it was at the first call, or no journal:
        SQLite would go on from its cache."""
        self._watch = self._watch or FileWatch(self.path)
        self._watch.verify()

    def damage(self) -> tuple[str, ...]:
        """Return what a full check of the file finds wrong, as SQLite words it; empty for a healthy journal."""
        with translated(self.path):
            rows = self._db.execute("PRAGMA integrity_check").fetchall()
        return tuple(row[0] for row in rows if row[0] != "ok")

    def _check_owner(self, venue: str, account: str) -> None:
        if (self.venue, self.account) != (venue, account):
            raise ConfigError(
                f"the journal {self.path} belongs to account {self.account!r} on {self.venue}, "
                f"not to {account!r} on {venue}",
                hint="move the file away, or name the profile that it belongs to",
            )

    def _mark_closings(self) -> None:
        """Note after which fill those of no run close what running runs hold; earlier ones are booked as they were.
        This is done once, at the first opening by a pfmm that knows of such closings."""
        if self._meta(OLD_CLOSINGS) is None:
            with self._transaction():
                if self._meta(OLD_CLOSINGS) is None:
                    self._set_meta({OLD_CLOSINGS: str(self.newest_fill())})

    def recognise(self, exchange_id: str) -> None:
        """Remember the paper exchange at the first contact: from then on the journal belongs to that one.

        Raises OtherExchange when another one answers later: its fills would count as this one's.
        """
        if exchange_id == self.exchange_id:
            return
        with self._transaction():
            remembered = self._meta("exchange_id") or exchange_id
            self._set_meta({"exchange_id": remembered})
        self.exchange_id = remembered
        self.refuse_other(exchange_id)

    def refuse_other(self, exchange_id: str) -> None:
        """Raise OtherExchange unless the journal is about that paper exchange, or about none yet."""
        if self.exchange_id not in (None, exchange_id):
            raise OtherExchange(
                f"the journal {self.path} is that of paper exchange {self.exchange_id}, and exchange {exchange_id} "
                "answers: another one, or the same one after a reset",
                hint="set PFMM_HOME or PFMM_ACCOUNT to another for this exchange, or PFMM_BASE_URL to the exchange of "
                "the journal; `pfmm paper reset` starts the embedded exchange afresh and keeps the journal aside",
            )

    def absorb(self, *, fills: Sequence[Fill], funding: Sequence[FundingPayment], cursors: Cursors) -> Absorbed:
        """Record what a read of the venue brought and move the cursors, in one transaction; return what was new.

        A fill belongs to the own order that it names, by client order id, else by the venue's order id; its size is
        added to that order's `filled`, and it is folded into the books. A cursor of None stays where it was. Raises
        BadVenueData, and takes nothing, when another fill has the id of one that is recorded: to pass over it would
        lose it.
        """
        self.catch_up()
        with self._transaction() as db:
            new_fills = self._insert_fills(fills)
            statement = schema.insert("funding", schema.FUNDING_COLUMNS)
            payments = [one for one in funding if db.execute(statement, schema.funding_values(one)).rowcount]
            self._set_meta({"fills_cursor": cursors.fills, "funding_cursor": cursors.funding})
            if new_fills or payments:
                self._fold_all()
        return Absorbed(tuple(new_fills), tuple(payments))

    def _insert_fills(self, fills: Sequence[Fill]) -> list[JournalFill]:
        seq = self.newest_fill() if fills else 0
        found: list[JournalFill] = []
        filled: dict[str, Decimal] = {}
        owners: dict[tuple[str | None, str], schema.Row] = {}
        statement = schema.insert("fills", f"seq, {schema.FILL_COLUMNS}")
        for fill in fills:
            key = (fill.client_order_id, fill.order_id)
            if key not in owners:
                owners[key] = self._owner(fill)
            owner, run_id, slot = owners[key]
            mid, age_ms = self.mid_before(fill.market, fill.time_ms)
            item = JournalFill(seq + 1, run_id, slot, fill, mid, age_ms)
            if not self._db.execute(statement, (item.seq, *schema.fill_values(item))).rowcount:
                self._refuse_namesake(fill)
                continue
            seq += 1
            found.append(item)
            if owner is not None:
                filled[owner] = filled.get(owner, Decimal(0)) + fill.size
        self._add_filled(filled)
        return found

    def _refuse_namesake(self, fill: Fill) -> None:
        where = {"fill_id = ?": fill.fill_id}
        ((market, side, price, size),) = self._select("market, side, price, size", "fills", where, "seq")
        if (market, side, Decimal(price), Decimal(size)) != (fill.market, fill.side.value, fill.price, fill.size):
            raise BadVenueData(
                f"fill {fill.fill_id} is told as {fill.market} {fill.side} {fill.size:f} at {fill.price:f}, and is "
                f"recorded as {market} {side} {size} at {price} in the journal {self.path}",
                hint="what was filled cannot be told any more: `pfmm flatten --all`, which needs no journal, then move "
                "that file away, and the next start begins another; until then nothing on the account goes on",
            )

    def _owner(self, fill: Fill) -> schema.Row:
        """Return (client order id, run id, slot) of the own order that filled."""
        if fill.client_order_id is not None:
            where: dict[str, object] = {"client_order_id = ?": fill.client_order_id}
        else:
            where = {"order_id = ?": fill.order_id}
        rows = self._select("client_order_id, run_id, slot", "orders", where, "number")
        return rows[0] if rows else (None, None, None)

    def _add_filled(self, filled: Mapping[str, Decimal]) -> None:
        for client_order_id, size in filled.items():
            before = Decimal(self._known(client_order_id, "filled_absorbed")[0])
            self._db.execute(
                "UPDATE orders SET filled_absorbed = ? WHERE client_order_id = ?",
                (schema.decimal_text("filled", before + size), client_order_id),
            )

    def commit_intents(self, decide: Callable[[tuple[OwnOrder, ...], int], Intents], *, time_ms: int) -> Intents:
        """Let `decide` judge under the account's write lock, and record what it wants before anything is sent.

        `decide(live orders of the whole account, next order number)` answers the Intents; no other process can
        commit in between, so exposure checks made in it hold. An exception in it leaves the journal as it was.
        """
        with self._transaction():
            number = int(self._meta("next_order") or 1)
            intents = decide(self.live_orders(), number)
            for offset, order in enumerate(intents.place):
                self._place(order, number + offset)
            for order in intents.amend:
                self._ask_amend(order, time_ms)
            for client_order_id in intents.cancel:
                self._ask_cancel(client_order_id, time_ms)
            if intents.place:
                self._set_meta({"next_order": str(number + len(intents.place))})
        return intents

    def _place(self, order: OwnOrder, number: int) -> None:
        if order.status is not OwnStatus.SENDING:
            raise ValueError(f"an order to place has status sending, not {order.status.value}")
        values = (number, 1, *schema.order_values(order))
        placed = self._db.execute(schema.insert("orders", f"number, live, {schema.ORDER_COLUMNS}"), values)
        if not placed.rowcount:
            raise ValueError(f"client order id {order.client_order_id!r} is already used")
        self._count(order.run_id, "placed")

    def _ask_amend(self, order: OwnOrder, time_ms: int) -> None:
        asked = self._db.execute(schema.ASK_AMEND, schema.amend_values(order, time_ms))
        must_know(asked, "live order", order.client_order_id)
        self._count(order.run_id, "amended")

    def _ask_cancel(self, client_order_id: str, time_ms: int) -> None:
        run_id, asked_ms = self._known(client_order_id, "run_id, cancel_asked_ms")
        if asked_ms is None:
            statement = "UPDATE orders SET cancel_asked_ms = ? WHERE client_order_id = ?"
            self._db.execute(statement, (time_ms, client_order_id))
            self._count(run_id, "cancelled")

    def _known(self, client_order_id: str, columns: str) -> schema.Row:
        rows = self._select(columns, "orders", {"client_order_id = ?": client_order_id}, "number")
        if not rows:
            raise ValueError(f"the journal knows no order {client_order_id!r}")
        return rows[0]

    def update_orders(self, updates: Sequence[OwnOrder], *, time_ms: int) -> None:
        """Write status, order id, price, size, filled and amend fields of known orders, all or none.

        `filled` never goes back: the larger of the reported and the absorbed amount holds.
        """
        if updates:
            with self._transaction():
                for order in updates:
                    self._update(order, time_ms)

    def _update(self, order: OwnOrder, time_ms: int) -> None:
        reported, status_before = self._known(order.client_order_id, "filled_reported, status")
        filled = max(order.filled, Decimal(reported))
        self._db.execute(schema.UPDATE_ORDER, schema.update_values(order, filled, time_ms))
        if order.status is OwnStatus.REJECTED and status_before != OwnStatus.REJECTED.value:
            self._count(order.run_id, "refused")

    def record_mids(self, rows: Sequence[tuple[str, int, Decimal]]) -> None:
        """Record (market, time in ms, mid in USD); the first mid of a market and time stays."""
        values = [(market, time_ms, schema.decimal_text("mid", mid)) for market, time_ms, mid in rows]
        if values:
            with self._transaction() as db:
                db.executemany(schema.insert("mids", "market, time_ms, mid"), values)

    def record_equity(self, time_ms: int, equity: Decimal, deposits: Decimal | None) -> None:
        """Record the account's equity, and its deposits so far less its withdrawals (None: the venue does not tell), in
        USD. A second reading of the same time replaces the first."""
        values = (time_ms, schema.decimal_text("equity", equity), schema.optional_text("deposits", deposits))
        with self._transaction() as db:
            known = schema.optional_decimal(self._meta("deposits"))
            cash_flow = Decimal(0) if deposits is None or known is None else deposits - known
            newest, peak = self.equity_at(), self.peak_equity() or equity
            if newest is None or newest.time_ms <= time_ms:
                peak = next_peak(peak, newest.equity if newest is not None else equity, equity, cash_flow)
                self._set_meta({"deposits": values[2]})
            elif not cash_flow:  # told late by another process: of before a deposit it says nothing of the money now
                peak = max(peak, equity)
            texts = {"peak_equity": schema.decimal_text("peak", peak)}
            self._set_meta({**texts, LIMIT_PEAK: self._limit_peak(newest, time_ms, equity, cash_flow)})
            db.execute(schema.SET_EQUITY, values)

    def _limit_peak(self, newest: EquityReading | None, time_ms: int, equity: Decimal, cash_flow: Decimal) -> str:
        """Return the peak that the limits count from, as text, after a reading: see `record_equity` for one told
        late."""
        peak = self.limit_peak()
        if peak is None:
            peak = equity
        elif newest is None or newest.time_ms <= time_ms:
            peak = next_peak(peak, newest.equity if newest is not None else equity, equity, cash_flow)
        elif not cash_flow and time_ms >= int(self._meta(LIMITS_SINCE) or 0):
            peak = max(peak, equity)
        return schema.decimal_text("peak", peak)

    def lift_limits(self) -> None:
        """Let the losses of before count no more for the limits of the account, which begin anew with the next reading:
        a person has seen them."""
        with self._transaction() as db:
            newest = self.equity_at()
            db.execute("DELETE FROM meta WHERE key = ?", (LIMIT_PEAK,))
            self._set_meta({LIMITS_SINCE: None if newest is None else str(newest.time_ms + 1)})

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make everything recorded in this block one transaction: all of it or none, and one write to the disk."""
        with self._transaction():
            yield

    @contextmanager
    def one_reading(self) -> Iterator[None]:
        """Answer every question in this block as of its begin, whatever other processes record meanwhile. The file's
        log grows until it ends."""
        with translated(self.path):
            self._db.execute("BEGIN")
            try:
                self._meta("nonce")  # SQLite fixes the moment by the first question
                yield
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._db.in_transaction:
            yield self._db  # inside `together`: its end commits
        else:
            with self._own_transaction():
                yield self._db

    @contextmanager
    def _own_transaction(self) -> Iterator[None]:
        with translated(self.path):
            try:  # from before it begins: a second Ctrl-C may raise as soon as a wait for the lock is over
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _set_meta(self, values: Mapping[str, str | None]) -> None:
        rows = [(key, value) for key, value in values.items() if value is not None]
        self._db.executemany(schema.SET_META, rows)

    def _select(self, columns: str, table: str, where: Mapping[str, object], order: str) -> list[schema.Row]:
        asked = {term: value for term, value in where.items() if value is not None}
        condition = " AND ".join(asked) or "1"
        with translated(self.path):
            query = f"SELECT {columns} FROM {table} WHERE {condition} ORDER BY {order}"  # noqa: S608 - our constants
            return self._db.execute(query, tuple(asked.values())).fetchall()

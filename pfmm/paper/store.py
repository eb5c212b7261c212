"""The paper exchange's file: clock, feed configuration, accounts, orders, fills and funding payments in SQLite (WAL).

Any number of processes may use one file. Reads take no write lock; an account is saved against the revision that it was
loaded at, so that two processes that advanced it at the same time cannot both write. Amounts are whole numbers (INTEGER
where they are bounded, TEXT where they are not) and are never summed in SQL. Layer: paper.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pfmm.errors import ConfigError
from pfmm.paper import schema
from pfmm.paper.account import Account, FillEntry, FundingEntry, OrderState, Specs
from pfmm.paper.clock import VenueClock
from pfmm.paper.live_rows import LiveRows
from pfmm.paper.messages import Busy
from pfmm.paper.present import Noted
from pfmm.store.database import Connection, FileKind, connect, transaction, translated
from pfmm.store.files import make_private_file

NONCES_KEPT = 100
EPOCH_NUMBERS = 1_000_000_000  # running numbers of epoch n start above n of these, so that a reset reuses none
LOCK_WAIT_MS = 1_000
LOCK_TRIES = 3
RESET_HINT = "`pfmm paper reset` sets the file aside and starts a new exchange"


class ExchangeRow(NamedTuple):
    """The exchange itself: reset counter, feed configuration with its revision, the clock, the random name that its
    file was given when it was made (the store's to give: it is read, never saved), and the present as it was last
    noted (None in a file of before that was kept)."""

    epoch: int
    feed: Mapping[str, Any]
    feed_revision: int
    clock: VenueClock
    identity: str = ""
    noted: Noted | None = None


class Conflict(Exception):
    """Another process saved the account since it was loaded: load it again."""


def _locked(path: Path) -> Busy:
    return Busy(f"{path.name} stayed locked by other processes")


KIND = FileKind("paper exchange", schema.MIGRATIONS, RESET_HINT, _locked)


class Store:
    """One connection to one file. Used by one thread at a time (the exchange holds a lock)."""

    def __init__(self, path: Path, connection: Connection) -> None:
        self.path = path
        self._connection = connection
        self.live = LiveRows(connection)

    @classmethod
    def open(cls, path: Path, first: Callable[[], ExchangeRow]) -> Store:
        """Open the file, or create it with what `first` returns. Raises ConfigError for a corrupt, foreign, newer or
        unwritable file, Busy when it stays locked."""
        try:
            make_private_file(path)
        except OSError as error:
            raise ConfigError(f"cannot write the paper exchange's file {path}: {error}") from error

        def fill(connection: Connection) -> None:
            connection.execute(schema.FIRST_ROW)
            cls(path, connection).save_exchange(first())

        with translated(path, KIND):
            connection = connect(
                path,
                KIND,
                timeout_s=LOCK_WAIT_MS / 1000,
                synchronous="NORMAL",
                fill=fill,
                tries=LOCK_TRIES,
                any_thread=True,
            )
        return cls(path, connection)

    def close(self) -> None:
        """Close the connection; the file stays."""
        self._connection.close()

    def damage(self) -> tuple[str, ...]:
        """Return what a full check of the file finds wrong, as SQLite words it; empty for a healthy file."""
        with translated(self.path, KIND):
            rows = self._connection.execute("PRAGMA integrity_check").fetchall()
        return tuple(row[0] for row in rows if row[0] != "ok")

    # -- transactions

    @contextmanager
    def read(self) -> Iterator[None]:
        """Open one consistent view without a write lock."""
        with translated(self.path, KIND), transaction(self._connection, begin="DEFERRED"):
            yield

    @contextmanager
    def write(self) -> Iterator[None]:
        """Open one write transaction: committed at the end, rolled back by any exception. Busy when it cannot start."""
        with translated(self.path, KIND), transaction(self._connection, tries=LOCK_TRIES):
            yield

    # -- the exchange itself

    def exchange(self) -> ExchangeRow:
        """Read clock and feed configuration."""
        with translated(self.path, KIND):
            row = self._connection.execute(
                "SELECT epoch, feed, feed_revision, wall_ms, venue_ms, speed, touched_ms, idle_pause, identity, "
                "boot, up_ms, present_ms, ahead_ms, sure FROM exchange LEFT JOIN present ON present.id = exchange.id"
            ).fetchone()
        if row is None:
            raise ConfigError(f"{self.path} is damaged: it has no exchange row", hint=RESET_HINT)
        epoch, feed, revision, wall_ms, venue_ms, speed, touched_ms, idle_pause, identity, *noted = row
        clock = VenueClock(wall_ms, venue_ms, speed, touched_ms, bool(idle_pause))
        known = None if noted[0] is None else Noted(*noted)
        return ExchangeRow(epoch, self._parse(feed), revision, clock, identity, known)

    def save_exchange(self, row: ExchangeRow) -> None:
        """Write clock and feed configuration; the caller holds a write transaction."""
        self._connection.execute(
            "UPDATE exchange SET epoch = ?, feed = ?, feed_revision = ?, wall_ms = ?, venue_ms = ?, speed = ?, "
            "touched_ms = ?, idle_pause = ?",
            (row.epoch, json.dumps(dict(row.feed)), row.feed_revision, *row.clock),
        )
        if row.noted is not None:
            self.save_noted(row.noted)

    def save_noted(self, noted: Noted) -> None:
        """Write what the present is; the caller holds a write transaction."""
        self._connection.execute("INSERT OR REPLACE INTO present VALUES (1, ?, ?, ?, ?, ?)", noted)

    def forget_everything(self) -> None:
        """Drop every account with its orders, fills and payments; the caller holds a write transaction."""
        for table in ("accounts", "orders", "fills", "payments"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed names

    def use_nonce(self, signer: str, nonce: int) -> bool:
        """Note the number of a signed request; return False for one that was used, or that is below the newest 100 of
        its signer. The caller holds a write transaction."""
        newest = [
            number
            for (number,) in self._connection.execute(
                "SELECT nonce FROM nonces WHERE signer = ? ORDER BY nonce DESC LIMIT ?", (signer, NONCES_KEPT)
            )
        ]
        if nonce in newest or (len(newest) == NONCES_KEPT and nonce < newest[-1]):
            return False
        self._connection.execute("INSERT INTO nonces (signer, nonce) VALUES (?, ?)", (signer, nonce))
        if len(newest) == NONCES_KEPT:
            self._connection.execute("DELETE FROM nonces WHERE signer = ? AND nonce = ?", (signer, newest[-1]))
        return True

    def exposed_accounts(self) -> list[str]:
        """Name the accounts with an open order or a position, sorted."""
        with_orders = {name for (name,) in self._connection.execute("SELECT account FROM orders WHERE status = 'open'")}
        rows = self._connection.execute("SELECT name, holdings FROM accounts").fetchall()
        positions = {name for name, text in rows if any(p[0] for p in self._parse(text)["positions"].values())}
        return sorted(with_orders | positions)

    def exposed_markets(self) -> set[str]:
        """Name the markets in which any account has an open order or a position."""
        found = {
            name for (name,) in self._connection.execute("SELECT DISTINCT market FROM orders WHERE status = 'open'")
        }
        for (text,) in self._connection.execute("SELECT holdings FROM accounts").fetchall():
            found |= {market for market, held in self._parse(text)["positions"].items() if held[0]}
        return found

    def oldest_account_ms(self) -> int | None:
        """Return the earliest time that an account has reached; None without any."""
        oldest: int | None = self._connection.execute("SELECT min(time_ms) FROM accounts").fetchone()[0]
        return oldest

    def account_names(self) -> list[str]:
        """Return the name of every account, in alphabetical order."""
        return [name for (name,) in self._connection.execute("SELECT name FROM accounts ORDER BY name")]

    # -- accounts

    def load(self, name: str, specs: Specs) -> tuple[Account, int] | None:
        """Load the account with its open orders and the revision to save it against; None when there is none yet."""
        row = self._connection.execute(
            "SELECT revision, time_ms, deposits, next_order, next_fill, next_payment, dead_man_ms, holdings "
            "FROM accounts WHERE name = ?",
            (name,),
        ).fetchone()
        if row is None:
            return None
        revision, time_ms, deposits, next_order, next_fill, next_payment, dead_man_ms, holdings = row
        account = Account(
            name=name,
            specs=specs,
            time_ms=time_ms,
            deposits=int(deposits),
            next_order=next_order,
            next_fill=next_fill,
            next_payment=next_payment,
            dead_man_ms=dead_man_ms,
        )
        account.restore(self._parse(holdings))
        for order in self.orders(name, only_open=True):
            account.orders[order.number] = order
        return account, revision

    def save(self, account: Account, revision: int | None) -> int:
        """Write what changed; the caller holds a write transaction. `revision` None creates the account.

        Returns the new revision. Raises Conflict when the stored revision is another one. Revisions, as all running
        numbers, go on above those of before a reset: what was loaded before one is saved no more.
        """
        execute = self._connection.execute
        saved = (self.exchange().epoch * EPOCH_NUMBERS if revision is None else revision) + 1
        values = (
            account.time_ms,
            str(account.deposits),
            account.next_order,
            account.next_fill,
            account.next_payment,
            account.dead_man_ms,
            json.dumps(account.dump(), separators=(",", ":")),
            account.name,
        )
        if revision is None:
            changed = execute(
                "INSERT OR IGNORE INTO accounts (time_ms, deposits, next_order, next_fill, next_payment, dead_man_ms, "
                "holdings, name, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, saved),
            ).rowcount
        else:
            changed = execute(
                "UPDATE accounts SET time_ms = ?, deposits = ?, next_order = ?, next_fill = ?, next_payment = ?, "
                "dead_man_ms = ?, holdings = ?, revision = revision + 1 WHERE name = ? AND revision = ?",
                (*values, revision),
            ).rowcount
        if changed != 1:
            raise Conflict
        self._save_events(account)
        return saved

    def _save_events(self, account: Account) -> None:
        many, name = self._connection.executemany, account.name
        many(
            schema.insert_into("orders", schema.ORDER_COLUMNS, replace=True),
            [(name, *_order_row(order)) for order in account.touched.values()],
        )
        many(
            schema.insert_into("fills", schema.FILL_COLUMNS),
            [(name, *fill[:7], str(fill.fee), *fill[8:]) for fill in account.fills],
        )
        many(
            schema.insert_into("payments", schema.PAYMENT_COLUMNS),
            [(name, *paid[:6], str(paid.amount), *paid[7:]) for paid in account.payments],
        )
        account.touched, account.fills, account.payments = {}, [], []

    # -- history

    def order(self, name: str, number: int | None, client_order_id: str | None) -> OrderState | None:
        """Find one order, open or not, by its running number or its client order id."""
        column, key = ("number", number) if number is not None else ("client_order_id", client_order_id)
        row = self._connection.execute(
            f"SELECT {schema.ORDER_COLUMNS} FROM orders WHERE account = ? AND {column} = ?",  # noqa: S608 - fixed names
            (name, key),
        ).fetchone()
        return None if row is None else _order_state(row)

    def orders(
        self, name: str, *, only_open: bool, limit: int = -1, market: str | None = None, after: int = 0
    ) -> list[OrderState]:
        """Return open orders, or the newest `limit` of all (of one market, numbered above `after`), oldest first."""
        condition = "AND status = 'open'" if only_open else ""
        rows = self._connection.execute(
            f"SELECT {schema.ORDER_COLUMNS} FROM orders WHERE account = ? AND number > ? {condition} "  # noqa: S608 - fixed
            "AND (? IS NULL OR market = ?) ORDER BY number DESC LIMIT ?",
            (name, after, market, market, limit),
        ).fetchall()
        return [_order_state(row) for row in reversed(rows)]

    def orders_named(self, name: str, beginning: str) -> list[OrderState]:
        """Return the orders whose client order id begins so, oldest first, however many came after them."""
        rows = self._connection.execute(
            f"SELECT {schema.ORDER_COLUMNS} FROM orders "  # noqa: S608 - fixed names
            "WHERE account = ? AND client_order_id >= ? AND client_order_id < ? ORDER BY number",
            (name, beginning, beginning + chr(0x10FFFF)),
        )
        return [_order_state(row) for row in rows]

    def fills(self, name: str, since: int, limit: int, market: str | None = None) -> list[FillEntry]:
        """Return up to `limit` fills numbered above `since`, oldest first."""
        rows = self._connection.execute(
            f"SELECT {schema.FILL_COLUMNS} FROM fills "  # noqa: S608 - fixed names
            "WHERE account = ? AND number > ? AND (? IS NULL OR market = ?) ORDER BY number LIMIT ?",
            (name, since, market, market, limit),
        )
        fills = map(FillEntry._make, rows)
        return [f._replace(fee=int(f.fee), maker=bool(f.maker), liquidation=bool(f.liquidation)) for f in fills]

    def payments(self, name: str, since: int, limit: int) -> list[FundingEntry]:
        """Return up to `limit` funding payments numbered above `since`, oldest first."""
        rows = self._connection.execute(
            f"SELECT {schema.PAYMENT_COLUMNS} FROM payments "  # noqa: S608 - fixed names
            "WHERE account = ? AND number > ? ORDER BY number LIMIT ?",
            (name, since, limit),
        )
        return [paid._replace(amount=int(paid.amount)) for paid in map(FundingEntry._make, rows)]

    def _parse(self, text: str) -> dict[str, Any]:
        try:
            parsed: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{self.path} is damaged: {error}", hint=RESET_HINT) from error
        return parsed


def set_aside(path: Path, wall_ms: int) -> None:
    """Rename a damaged file with its log, so that a new exchange can start. The log goes first: left behind, it would
    be merged into the new one."""
    aside = f"{path.name}.damaged-{wall_ms}"
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(aside + suffix))


def _order_row(order: OrderState) -> tuple[object, ...]:
    return (
        order.number,
        order.client_order_id,
        order.market,
        order.side,
        order.type,
        order.price,
        order.size,
        order.post_only,
        order.reduce_only,
        order.time_in_force,
        order.created_ms,
        order.updated_ms,
        order.price_decimals,
        order.size_decimals,
        order.filled,
        str(order.cost),
        order.status,
        order.reason,
        order.trigger,
    )


def _order_state(row: Any) -> OrderState:
    order = OrderState(*row)
    order.post_only, order.reduce_only, order.cost = bool(order.post_only), bool(order.reduce_only), int(order.cost)
    return order

"""The journal's tables and the translation between rows and values. Text and tuples only: it opens no database.

Money is stored as plain decimal text, times as integer ms. A schema change is a new entry of MIGRATIONS, never an
edit of an old one. Layer: journal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pfmm.journal.schema_adoptions import ADOPTIONS, NO_ADOPTIONS_YET
from pfmm.journal.schema_books import BOOKS_AND_EVENTS, NO_BOOKS_YET
from pfmm.journal.schema_minutes import MINUTE_ROWS, NO_ROWS_YET
from pfmm.model.account import FundingPayment
from pfmm.model.ledger import Move
from pfmm.model.order import Fill, Liquidity, Side
from pfmm.model.plan import OwnOrder, OwnStatus
from pfmm.model.run import EquityReading, JournalFill, Run

MAX_EXPONENT = 100

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE runs (
            number INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, market TEXT NOT NULL,
            config TEXT NOT NULL, status TEXT NOT NULL, started_ms INTEGER NOT NULL,
            wall_started_ms INTEGER NOT NULL, last_cycle_ms INTEGER, wall_last_cycle_ms INTEGER, pid INTEGER,
            memory TEXT, folded_through INTEGER NOT NULL DEFAULT 0, stop_reason TEXT, ended_ms INTEGER,
            last_mid TEXT, placed INTEGER NOT NULL DEFAULT 0, amended INTEGER NOT NULL DEFAULT 0,
            cancelled INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0)""",
        # filled_reported is what the venue said of the order, filled_absorbed the sum of the fills we recorded:
        # either may run ahead of the other, and only their maximum never counts an execution twice
        """CREATE TABLE orders (
            number INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
            market TEXT NOT NULL, slot TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL, size TEXT NOT NULL,
            filled_reported TEXT NOT NULL, filled_absorbed TEXT NOT NULL DEFAULT '0', status TEXT NOT NULL,
            live INTEGER NOT NULL, reduce_only INTEGER NOT NULL, created_ms INTEGER NOT NULL,
            updated_ms INTEGER NOT NULL, valid_until_ms INTEGER, order_id TEXT, amend_price TEXT, amend_size TEXT,
            cancel_asked_ms INTEGER)""",
        "CREATE INDEX orders_live ON orders (number) WHERE live = 1",
        "CREATE INDEX orders_run ON orders (run_id, number)",
        "CREATE INDEX orders_venue_id ON orders (order_id) WHERE order_id IS NOT NULL",
        """CREATE TABLE fills (
            seq INTEGER PRIMARY KEY, fill_id TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL, client_order_id TEXT,
            market TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL, size TEXT NOT NULL, fee TEXT NOT NULL,
            liquidity TEXT NOT NULL, time_ms INTEGER NOT NULL, liquidation INTEGER NOT NULL, run_id TEXT,
            slot TEXT)""",
        "CREATE INDEX fills_run ON fills (run_id, seq)",
        """CREATE TABLE funding (
            seq INTEGER PRIMARY KEY, payment_id TEXT NOT NULL UNIQUE, market TEXT NOT NULL,
            time_ms INTEGER NOT NULL, rate TEXT NOT NULL, price TEXT NOT NULL, size TEXT NOT NULL,
            amount TEXT NOT NULL)""",
        """CREATE TABLE mids (market TEXT NOT NULL, time_ms INTEGER NOT NULL, mid TEXT NOT NULL,
            PRIMARY KEY (market, time_ms)) WITHOUT ROWID""",
        "CREATE TABLE equity (time_ms INTEGER PRIMARY KEY, equity TEXT NOT NULL)",
    ),
    # NULL: the venue did not tell, or the reading is of before this column
    ("ALTER TABLE equity ADD COLUMN deposits TEXT",),
    BOOKS_AND_EVENTS,
    MINUTE_ROWS,
    ADOPTIONS,
    # the mark at which a stop begins to trade; NULL: no stop
    ("ALTER TABLE orders ADD COLUMN trigger_price TEXT",),
)
# what lets one that may not migrate a file of schema n read it as one of schema n + 1; none: it must be migrated
READ_AS_NEXT: Mapping[int, tuple[str, ...]] = {
    1: ("CREATE TEMP VIEW equity AS SELECT time_ms, equity, NULL AS deposits FROM main.equity",),
    2: NO_BOOKS_YET,
    3: NO_ROWS_YET,
    4: NO_ADOPTIONS_YET,
    5: ("CREATE TEMP VIEW orders AS SELECT *, NULL AS trigger_price FROM main.orders",),
}

RUN_COLUMNS = (
    "run_id, number, kind, market, config, status, started_ms, wall_started_ms, last_cycle_ms, wall_last_cycle_ms, "
    "pid, memory, folded_through, stop_reason, ended_ms, last_mid"
)
ORDER_COLUMNS = (
    "client_order_id, run_id, market, slot, side, price, size, filled_reported, filled_absorbed, status, "
    "reduce_only, created_ms, updated_ms, valid_until_ms, order_id, amend_price, amend_size, trigger_price"
)
FILL_COLUMNS = (
    "fill_id, order_id, client_order_id, market, side, price, size, fee, liquidity, time_ms, liquidation, run_id, "
    "slot, mid_before, mid_age_ms"
)
FILL_ROW = "time_ms, market, coalesce(run_id, ''), side, price, size, fee, order_id, liquidity"
EQUITY_COLUMNS = "time_ms, equity, deposits"
MOVE_COLUMNS = "market, giver, taker, size, price, time_ms"
FUNDING_COLUMNS = "payment_id, market, time_ms, rate, price, size, amount"

# an unchanged value dirties no page, so that a cycle without news costs no flush to the disk
SET_META = (
    "INSERT INTO meta (key, value) VALUES (?, ?) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value IS NOT excluded.value"
)
SET_EQUITY = "INSERT OR REPLACE INTO equity (time_ms, equity, deposits) VALUES (?, ?, ?)"
ASK_AMEND = (
    "UPDATE orders SET amend_price = ?, amend_size = ?, valid_until_ms = ?, updated_ms = ? "
    "WHERE client_order_id = ? AND live = 1"
)
UPDATE_ORDER = (
    "UPDATE orders SET price = ?, size = ?, filled_reported = ?, status = ?, live = ?, updated_ms = ?, "
    "valid_until_ms = ?, order_id = coalesce(?, order_id), amend_price = ?, amend_size = ? WHERE client_order_id = ?"
)

Row = tuple[Any, ...]


def insert(table: str, columns: str) -> str:
    """Build an insert that passes by without effect where the id is already known; any other mistake still raises."""
    marks = ", ".join("?" * len(columns.split(",")))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - our constants


def decimal_text(name: str, value: Decimal) -> str:
    """Return the plain decimal text of `value`: 1E+3 is "1000", any zero "0". Raises ValueError naming the field."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_EXPONENT or value.adjusted() > MAX_EXPONENT:
        raise ValueError(f"{name} must be a finite amount of a sane magnitude, not {value}")
    return format(value, "f") if value else "0"


def optional_text(name: str, value: Decimal | None) -> str | None:
    """Return what `decimal_text` does; None stays None."""
    return None if value is None else decimal_text(name, value)


def optional_decimal(text: str | None) -> Decimal | None:
    """Invert `optional_text`."""
    return None if text is None else Decimal(text)


def json_text(name: str, value: Mapping[str, Any]) -> str:
    """Return canonical JSON; a Decimal is stored as its plain text and comes back as a string.

    Raises ValueError naming the field for NaN, infinities and values that JSON does not know.
    """

    def plain(item: object) -> str:
        if isinstance(item, Decimal):
            return decimal_text(name, item)
        raise ValueError(f"{name} holds {item!r}, which JSON does not know")

    try:
        return json.dumps(dict(value), sort_keys=True, separators=(",", ":"), allow_nan=False, default=plain)
    except ValueError as error:
        raise ValueError(f"{name} cannot be stored: {error}") from error


def run_from(row: Row) -> Run:
    """Read a Run from RUN_COLUMNS."""
    return Run(
        run_id=row[0],
        number=row[1],
        kind=row[2],
        market=row[3],
        config=json.loads(row[4]),
        status=row[5],
        started_ms=row[6],
        wall_started_ms=row[7],
        last_cycle_ms=row[8],
        wall_last_cycle_ms=row[9],
        pid=row[10],
        memory=None if row[11] is None else json.loads(row[11]),
        folded_through=row[12],
        stop_reason=row[13],
        ended_ms=row[14],
        last_mid=optional_decimal(row[15]),
    )


def order_values(order: OwnOrder) -> Row:
    """Return the ORDER_COLUMNS of an order about to be placed."""
    return (
        order.client_order_id,
        order.run_id,
        order.market,
        order.slot,
        order.side.value,
        decimal_text("price", order.price),
        decimal_text("size", order.size),
        decimal_text("filled", order.filled),
        "0",
        order.status.value,
        int(order.reduce_only),
        order.created_ms,
        order.updated_ms,
        order.valid_until_ms,
        order.order_id,
        optional_text("amend_price", order.amend_price),
        optional_text("amend_size", order.amend_size),
        optional_text("trigger_price", order.trigger_price),
    )


def amend_values(order: OwnOrder, time_ms: int) -> Row:
    """Return what ASK_AMEND writes: the amend that is about to be asked for."""
    return (
        optional_text("amend_price", order.amend_price),
        optional_text("amend_size", order.amend_size),
        order.valid_until_ms,
        time_ms,
        order.client_order_id,
    )


def update_values(order: OwnOrder, filled: Decimal, time_ms: int) -> Row:
    """Return what UPDATE_ORDER writes; `filled` is the most that the venue ever reported."""
    return (
        decimal_text("price", order.price),
        decimal_text("size", order.size),
        decimal_text("filled", filled),
        order.status.value,
        int(order.status.live),
        time_ms,
        order.valid_until_ms,
        order.order_id,
        optional_text("amend_price", order.amend_price),
        optional_text("amend_size", order.amend_size),
        order.client_order_id,
    )


def order_from(row: Row) -> OwnOrder:
    """Read an OwnOrder from ORDER_COLUMNS; filled is the larger of what the venue reported and what was absorbed."""
    return OwnOrder(
        client_order_id=row[0],
        run_id=row[1],
        market=row[2],
        slot=row[3],
        side=Side(row[4]),
        price=Decimal(row[5]),
        size=Decimal(row[6]),
        filled=max(Decimal(row[7]), Decimal(row[8])),
        status=OwnStatus(row[9]),
        reduce_only=bool(row[10]),
        created_ms=row[11],
        updated_ms=row[12],
        valid_until_ms=row[13],
        order_id=row[14],
        amend_price=optional_decimal(row[15]),
        amend_size=optional_decimal(row[16]),
        trigger_price=optional_decimal(row[17]),
    )


def fill_values(item: JournalFill) -> Row:
    """Return the FILL_COLUMNS of a fill."""
    fill = item.fill
    return (
        fill.fill_id,
        fill.order_id,
        fill.client_order_id,
        fill.market,
        fill.side.value,
        decimal_text("fill price", fill.price),
        decimal_text("fill size", fill.size),
        decimal_text("fill fee", fill.fee),
        fill.liquidity.value,
        fill.time_ms,
        int(fill.liquidation),
        item.run_id,
        item.slot,
        optional_text("mid before", item.mid_before),
        item.mid_age_ms,
    )


def fill_from(row: Row) -> JournalFill:
    """Read a JournalFill from seq and FILL_COLUMNS."""
    fill = Fill(
        fill_id=row[1],
        order_id=row[2],
        client_order_id=row[3],
        market=row[4],
        side=Side(row[5]),
        price=Decimal(row[6]),
        size=Decimal(row[7]),
        fee=Decimal(row[8]),
        liquidity=Liquidity(row[9]),
        time_ms=row[10],
        liquidation=bool(row[11]),
    )
    return JournalFill(row[0], row[12], row[13], fill, optional_decimal(row[14]), row[15])


def funding_values(payment: FundingPayment) -> Row:
    """Return the FUNDING_COLUMNS of a payment."""
    return (
        payment.payment_id,
        payment.market,
        payment.time_ms,
        decimal_text("funding rate", payment.rate),
        decimal_text("funding price", payment.price),
        decimal_text("funding size", payment.size),
        decimal_text("funding amount", payment.amount),
    )


def funding_from(row: Row) -> FundingPayment:
    """Read a FundingPayment from FUNDING_COLUMNS."""
    return FundingPayment(
        payment_id=row[0],
        market=row[1],
        time_ms=row[2],
        rate=Decimal(row[3]),
        price=Decimal(row[4]),
        size=Decimal(row[5]),
        amount=Decimal(row[6]),
    )


def move_values(move: Move) -> Row:
    """Return the MOVE_COLUMNS of a move."""
    size, price = decimal_text("adopted size", move.size), decimal_text("adopted price", move.price)
    return (move.market, move.giver, move.taker, size, price, move.time_ms)


def move_from(row: Row) -> Move:
    """Read a Move from MOVE_COLUMNS."""
    return Move(row[0], row[1], row[2], Decimal(row[3]), Decimal(row[4]), row[5])


def equity_from(row: Row) -> EquityReading:
    """Read an EquityReading from EQUITY_COLUMNS."""
    return EquityReading(row[0], Decimal(row[1]), optional_decimal(row[2]))

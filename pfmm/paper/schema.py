"""Tables and columns of the paper exchange's file, as SQL text.

Amounts are whole numbers: INTEGER where they are bounded, TEXT where they are not. Layer: paper.
"""

from __future__ import annotations

_TABLES = """
CREATE TABLE exchange (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    feed TEXT NOT NULL,
    feed_revision INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    venue_ms INTEGER NOT NULL,
    speed REAL NOT NULL,
    touched_ms INTEGER NOT NULL,
    idle_pause INTEGER NOT NULL
);
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    deposits TEXT NOT NULL,
    next_order INTEGER NOT NULL,
    next_fill INTEGER NOT NULL,
    next_payment INTEGER NOT NULL,
    dead_man_ms INTEGER,
    holdings TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE orders (
    account TEXT NOT NULL,
    number INTEGER NOT NULL,
    client_order_id TEXT,
    market TEXT NOT NULL,
    side INTEGER NOT NULL,
    type TEXT NOT NULL,
    price INTEGER NOT NULL,
    size INTEGER NOT NULL,
    post_only INTEGER NOT NULL,
    reduce_only INTEGER NOT NULL,
    time_in_force TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    price_decimals INTEGER NOT NULL,
    size_decimals INTEGER NOT NULL,
    filled INTEGER NOT NULL,
    cost TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (account, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX orders_by_client_id ON orders (account, client_order_id) WHERE client_order_id IS NOT NULL;
CREATE INDEX orders_open ON orders (account, number) WHERE status = 'open';
CREATE TABLE fills (
    account TEXT NOT NULL,
    number INTEGER NOT NULL,
    order_number INTEGER NOT NULL,
    client_order_id TEXT,
    market TEXT NOT NULL,
    side INTEGER NOT NULL,
    price INTEGER NOT NULL,
    size INTEGER NOT NULL,
    fee TEXT NOT NULL,
    maker INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    liquidation INTEGER NOT NULL,
    price_decimals INTEGER NOT NULL,
    size_decimals INTEGER NOT NULL,
    PRIMARY KEY (account, number)
) WITHOUT ROWID;
CREATE TABLE payments (
    account TEXT NOT NULL,
    number INTEGER NOT NULL,
    market TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    rate INTEGER NOT NULL,
    price INTEGER NOT NULL,
    size INTEGER NOT NULL,
    amount TEXT NOT NULL,
    price_decimals INTEGER NOT NULL,
    size_decimals INTEGER NOT NULL,
    PRIMARY KEY (account, number)
) WITHOUT ROWID;
"""

# entry n brings a file of schema n to n + 1; a change is a new entry, never an edit of an old one
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    tuple(statement.strip() for statement in _TABLES.split(";") if statement.strip()),
    # the random name of the exchange, by which a journal tells it from another one
    (
        "ALTER TABLE exchange ADD COLUMN identity TEXT NOT NULL DEFAULT ''",
        "UPDATE exchange SET identity = lower(hex(randomblob(8)))",
    ),
    # the numbers that signed requests used: each acts once
    ("CREATE TABLE nonces (signer TEXT NOT NULL, nonce INTEGER NOT NULL, PRIMARY KEY (signer, nonce)) WITHOUT ROWID",),
    # what was seen of a live market: quotes and prints in their places, and of each market its newest book and mark
    (
        "CREATE TABLE live_events (market TEXT NOT NULL, time_ms INTEGER NOT NULL, seq INTEGER NOT NULL, "
        "kind INTEGER NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL, c INTEGER NOT NULL, d INTEGER NOT NULL, "
        "made_ms INTEGER NOT NULL, missed INTEGER NOT NULL, PRIMARY KEY (market, time_ms, seq)) WITHOUT ROWID",
        "CREATE TABLE live_prints (market TEXT NOT NULL, id TEXT NOT NULL, made_ms INTEGER NOT NULL, "
        "PRIMARY KEY (market, id)) WITHOUT ROWID",
        "CREATE INDEX live_prints_by_time ON live_prints (market, made_ms)",
        "CREATE TABLE live_funding (market TEXT NOT NULL, time_ms INTEGER NOT NULL, rate INTEGER NOT NULL, "
        "interval_h INTEGER NOT NULL, PRIMARY KEY (market, time_ms)) WITHOUT ROWID",
        "CREATE TABLE live_markets (market TEXT PRIMARY KEY, looked_ms INTEGER NOT NULL, "
        "looked_wall_ms INTEGER NOT NULL, mark INTEGER NOT NULL, rate INTEGER NOT NULL, book TEXT) WITHOUT ROWID",
        "CREATE TABLE live_gaps (market TEXT NOT NULL, from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, "
        "PRIMARY KEY (market, from_ms)) WITHOUT ROWID",
    ),
    # the present when it was last noted, by the steady clock of which boot; see `pfmm.paper.present`
    (
        "CREATE TABLE IF NOT EXISTS present (id INTEGER PRIMARY KEY CHECK (id = 1), boot TEXT NOT NULL, "
        "up_ms INTEGER NOT NULL, present_ms INTEGER NOT NULL, ahead_ms INTEGER NOT NULL, sure INTEGER NOT NULL)",
    ),
    # the mark at which a stop begins to trade, in price units; 0 for an order that is none
    ("ALTER TABLE orders ADD COLUMN trigger_price INTEGER NOT NULL DEFAULT 0",),
)
FIRST_ROW = (
    "INSERT INTO exchange (id, epoch, feed, feed_revision, wall_ms, venue_ms, speed, touched_ms, idle_pause) "
    "VALUES (1, 0, '{}', 0, 0, 0, 0, 0, 0)"
)

ORDER_COLUMNS = (
    "number, client_order_id, market, side, type, price, size, post_only, reduce_only, time_in_force, "
    "created_ms, updated_ms, price_decimals, size_decimals, filled, cost, status, reason, trigger_price"
)
FILL_COLUMNS = (
    "number, order_number, client_order_id, market, side, price, size, fee, maker, time_ms, liquidation, "
    "price_decimals, size_decimals"
)
PAYMENT_COLUMNS = "number, market, time_ms, rate, price, size, amount, price_decimals, size_decimals"


def insert_into(table: str, columns: str, *, replace: bool = False) -> str:
    """Make the statement that writes one row of an account: INSERT INTO fills (account, …) VALUES (?, …)."""
    marks = ", ".join("?" for _ in range(columns.count(",") + 2))
    verb = "INSERT OR REPLACE" if replace else "INSERT"
    return f"{verb} INTO {table} (account, {columns}) VALUES ({marks})"

"""The tables of books, minute rows and events: the third schema of a journal. Text only.

A migration folds nothing: books begin empty with what was recorded before them to catch up, in slices. The triggers
work in processes of an older pfmm too that hold the file open: what those record is numbered like everything else.
Layer: journal.
"""

from __future__ import annotations

# the columns that minute rows had in this schema; those of today are in `schema_minutes`
_MINUTE_FIELDS = {
    "market": "TEXT", "owner": "TEXT", "minute": "INTEGER", "first_seq": "INTEGER", "last_seq": "INTEGER",
    "fills": "INTEGER", "orders": "INTEGER", "bought": "TEXT", "bought_usd": "TEXT", "sold": "TEXT",
    "sold_usd": "TEXT", "fees": "TEXT", "rebates": "TEXT", "capture": "TEXT", "losing": "INTEGER",
    "edge_bps": "REAL", "edge_squares": "REAL", "held_usd_ms": "TEXT", "net": "TEXT", "last_price": "TEXT",
    "last_ms": "INTEGER",
}  # fmt: skip
_HORIZON_FIELDS = {
    "moved": "TEXT", "value": "TEXT", "captured": "TEXT", "fees": "TEXT", "fills": "INTEGER", "orders": "INTEGER",
    "xx": "REAL", "xn": "REAL", "nn": "REAL",
}  # fmt: skip
_MINUTE_KINDS = {
    **_MINUTE_FIELDS,
    **{f"m{h}_{name}": kind for h in (1, 5, 30, 300) for name, kind in _HORIZON_FIELDS.items()},
}
_MINUTE_COLUMNS = ", ".join(f"{name} {kind} NOT NULL" for name, kind in _MINUTE_KINDS.items())
_OLD_ENDS = (
    "SELECT run_id, number, market, coalesce(last_cycle_ms, started_ms) AS since_ms FROM {runs} "
    "WHERE ended_ms IS NOT NULL"
)

BOOKS_AND_EVENTS: tuple[str, ...] = (
    # the mid that was last before the fill, strictly, and how old it was; NULL: none, or recorded before this column
    "ALTER TABLE fills ADD COLUMN mid_before TEXT",
    "ALTER TABLE fills ADD COLUMN mid_age_ms INTEGER",
    """CREATE TABLE books (
        market TEXT NOT NULL, owner TEXT NOT NULL, size TEXT NOT NULL, cost_basis TEXT NOT NULL,
        realized TEXT NOT NULL, fees TEXT NOT NULL, funding TEXT NOT NULL, fills INTEGER NOT NULL,
        number INTEGER NOT NULL, left_since_ms INTEGER, PRIMARY KEY (market, owner)) WITHOUT ROWID""",
    "CREATE INDEX books_open ON books (market) WHERE size <> '0'",
    # what closed positions of ended runs (late: after the minute row of the fill was written), and the fills of no run
    # that closed none so far
    """CREATE TABLE claims (number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, run_id TEXT NOT NULL,
        size TEXT NOT NULL, fee TEXT NOT NULL, late INTEGER NOT NULL)""",
    "CREATE INDEX claims_of ON claims (seq)",
    """CREATE TABLE unclaimed (market TEXT NOT NULL, time_ms INTEGER NOT NULL, seq INTEGER NOT NULL,
        size TEXT NOT NULL, fee TEXT NOT NULL, PRIMARY KEY (market, time_ms, seq)) WITHOUT ROWID""",
    """CREATE TABLE funding_parts (payment INTEGER NOT NULL, owner TEXT NOT NULL, amount TEXT NOT NULL,
        PRIMARY KEY (payment, owner)) WITHOUT ROWID""",
    # what the books must take in after the fill of a number: a payment, or the end of a run
    """CREATE TABLE entries (number INTEGER PRIMARY KEY, after_fill INTEGER NOT NULL, payment INTEGER, run_id TEXT,
        since_ms INTEGER)""",
    """CREATE TRIGGER payment_is_entered AFTER INSERT ON funding BEGIN
        INSERT INTO entries (after_fill, payment) VALUES ((SELECT coalesce(max(seq), 0) FROM fills), NEW.seq); END""",
    """CREATE TRIGGER end_is_entered AFTER UPDATE OF ended_ms ON runs
        WHEN OLD.ended_ms IS NULL AND NEW.ended_ms IS NOT NULL BEGIN
        INSERT INTO entries (after_fill, run_id, since_ms) VALUES ((SELECT coalesce(max(seq), 0) FROM fills),
            NEW.run_id, coalesce(NEW.last_cycle_ms, NEW.started_ms)); END""",
    # one row: how far everything is folded, and what was recorded before there were books
    """CREATE TABLE folded (
        id INTEGER PRIMARY KEY CHECK (id = 1), fills INTEGER NOT NULL, entries INTEGER NOT NULL,
        old_payment_ms INTEGER NOT NULL, old_payment INTEGER NOT NULL, minutes INTEGER NOT NULL,
        old_fills INTEGER NOT NULL, old_payments INTEGER NOT NULL)""",
    """INSERT INTO folded SELECT 1, 0, -1, -1, -1, 0, (SELECT coalesce(max(seq), 0) FROM fills),
        (SELECT coalesce(max(seq), 0) FROM funding)""",
    """CREATE TABLE old_ends (run_id TEXT PRIMARY KEY, number INTEGER NOT NULL, market TEXT NOT NULL,
        since_ms INTEGER NOT NULL) WITHOUT ROWID""",
    f"INSERT INTO old_ends {_OLD_ENDS.format(runs='runs')}",
    f"CREATE TABLE minutes ({_MINUTE_COLUMNS}, PRIMARY KEY (market, owner, minute)) WITHOUT ROWID",
    """CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, run_id TEXT,
        market TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL)""",
)

# a file of the second schema, read by one that may not migrate it: books that begin empty
NO_BOOKS_YET: tuple[str, ...] = (
    "CREATE TEMP VIEW fills AS SELECT *, NULL AS mid_before, NULL AS mid_age_ms FROM main.fills",
    """CREATE TEMP VIEW books AS SELECT '' AS market, '' AS owner, '0' AS size, '0' AS cost_basis, '0' AS realized,
        '0' AS fees, '0' AS funding, 0 AS fills, 0 AS number, NULL AS left_since_ms WHERE 0""",
    "CREATE TEMP VIEW claims AS SELECT 0 AS number, 0 AS seq, '' AS run_id, '0' AS size, '0' AS fee, 0 AS late WHERE 0",
    "CREATE TEMP VIEW unclaimed AS SELECT '' AS market, 0 AS time_ms, 0 AS seq, '0' AS size, '0' AS fee WHERE 0",
    "CREATE TEMP VIEW funding_parts AS SELECT 0 AS payment, '' AS owner, '0' AS amount WHERE 0",
    """CREATE TEMP VIEW entries AS SELECT 0 AS number, 0 AS after_fill, 0 AS payment, '' AS run_id,
        0 AS since_ms WHERE 0""",
    """CREATE TEMP VIEW folded AS SELECT 1 AS id, 0 AS fills, -1 AS entries, -1 AS old_payment_ms, -1 AS old_payment,
        0 AS minutes, (SELECT coalesce(max(seq), 0) FROM main.fills) AS old_fills,
        (SELECT coalesce(max(seq), 0) FROM main.funding) AS old_payments""",
    f"CREATE TEMP VIEW old_ends AS {_OLD_ENDS.format(runs='main.runs')}",
    f"CREATE TEMP VIEW minutes AS SELECT {', '.join(f'0 AS {name}' for name in _MINUTE_KINDS)} WHERE 0",
    "CREATE TEMP VIEW events AS SELECT 0 AS seq, 0 AS time_ms, '' AS run_id, '' AS market, '' AS name, '' AS data "
    "WHERE 0",
)

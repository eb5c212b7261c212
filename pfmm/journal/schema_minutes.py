"""The table of minute rows: the fourth schema of a journal. Text only.

The rows of the third schema took a fill's mid AT its time, and could not tell the break-even fee. They are written
anew from the fills and the mids, which a journal keeps for ever: in slices, by whoever reads or trades first. The old
table stays, empty, for a process of before that holds the file open and goes on writing it. Layer: journal.
"""

from __future__ import annotations

# the fields of accounting.minutes.MinuteRow and of each of its horizons, with the type of their column
MINUTE_FIELDS = {
    "market": "TEXT", "owner": "TEXT", "minute": "INTEGER", "first_seq": "INTEGER", "last_seq": "INTEGER",
    "fills": "INTEGER", "orders": "INTEGER", "bought": "TEXT", "bought_usd": "TEXT", "sold": "TEXT",
    "sold_usd": "TEXT", "fees": "TEXT", "rebates": "TEXT", "capture": "TEXT", "losing": "INTEGER",
    "maker_orders": "INTEGER", "maker_usd": "TEXT", "maker_fees": "TEXT", "exits": "INTEGER",
    "exits_unknown": "INTEGER", "exit_gain": "TEXT", "placed": "INTEGER", "mid_age_ms": "INTEGER",
    "held_usd_ms": "TEXT", "net": "TEXT", "last_price": "TEXT", "last_ms": "INTEGER",
}  # fmt: skip
HORIZON_FIELDS = {
    "moved": "TEXT", "value": "TEXT", "fills": "INTEGER", "gain": "TEXT", "maker_value": "TEXT",
    "maker_fills": "INTEGER",
}  # fmt: skip
HORIZONS_S = (1, 5, 30, 300)


def horizon_columns() -> dict[str, str]:
    """Name the columns of the horizons: m5_moved is what the mid moved in favour of the fills within 5 s of them."""
    return {f"m{h}_{name}": kind for h in HORIZONS_S for name, kind in HORIZON_FIELDS.items()}


_COLUMNS = {**MINUTE_FIELDS, **horizon_columns()}
_COLUMN_TEXT = ", ".join(f"{name} {kind} NOT NULL" for name, kind in _COLUMNS.items())

MINUTE_ROWS: tuple[str, ...] = (
    f"CREATE TABLE minute_rows ({_COLUMN_TEXT}, PRIMARY KEY (market, owner, minute)) WITHOUT ROWID",
    # one row: up to which fill the minute rows are written
    "CREATE TABLE minute_progress (id INTEGER PRIMARY KEY CHECK (id = 1), through INTEGER NOT NULL)",
    "INSERT INTO minute_progress VALUES (1, 0)",
    "DELETE FROM minutes",
    "UPDATE claims SET late = 0 WHERE late <> 0",
)

# a file of the third schema, read by one that may not migrate it: no row is written yet. (Of the second schema there is
# a view of claims already.)
NO_ROWS_YET: tuple[str, ...] = (
    f"CREATE TEMP VIEW minute_rows AS SELECT {', '.join(f'0 AS {name}' for name in _COLUMNS)} WHERE 0",
    "CREATE TEMP VIEW minute_progress AS SELECT 1 AS id, 0 AS through",
    "CREATE TEMP VIEW IF NOT EXISTS claims AS SELECT number, seq, run_id, size, fee, 0 AS late FROM main.claims",
)

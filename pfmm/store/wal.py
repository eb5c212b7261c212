"""Write-ahead logging: what lets several processes share one SQLite file. Layer: store."""

from __future__ import annotations

import sqlite3
import time

PAUSE_S = 0.02


def use_wal(database: sqlite3.Connection, patience_s: float) -> bool:
    """Switch the file to write-ahead logging, which it keeps; False where its file system cannot do that.

    SQLite refuses all but one of the processes that switch a new file at the same moment, without the wait that it
    grants any other statement, so the switch is asked for again until `patience_s` are over: OperationalError then.
    For a reader of the file SQLite itself waits, which may take the connection's own timeout more.
    """
    deadline_s = time.monotonic() + patience_s
    while True:
        try:
            mode: str = database.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline_s:
                raise
            time.sleep(PAUSE_S)
        else:
            return mode == "wal"

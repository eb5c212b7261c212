"""Journals as older versions of pfmm made them, written with those versions' own statements."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pfmm.journal import schema
from pfmm.store.database import APPLICATION_ID

INSERT_FILL = (
    "INSERT INTO fills (seq, fill_id, order_id, client_order_id, market, side, price, size, fee, liquidity, time_ms, "
    "liquidation, run_id, slot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
INSERT_FUNDING = (
    "INSERT INTO funding (payment_id, market, time_ms, rate, price, size, amount) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING"
)
END_RUN = (
    "UPDATE runs SET status = CASE WHEN ended_ms IS NULL THEN ? ELSE status END, pid = NULL, "
    "stop_reason = coalesce(stop_reason, ?), ended_ms = coalesce(ended_ms, ?) WHERE run_id = ?"
)


def old_journal(path: Path, version: int, *, venue: str = "paper", account: str = "main", nonce: str = "n") -> None:
    """An empty journal of an older schema: 1 before deposits were recorded, 2 before there were books."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("BEGIN")
    for migration in schema.MIGRATIONS[:version]:
        for statement in migration:
            database.execute(statement)
    identity = {"venue": venue, "account": account, "nonce": nonce, "next_order": "1"}
    database.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", identity.items())
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {version}")
    database.execute("COMMIT")
    database.close()

"""How much SQLite does for a question, so that a test sees what grows with an account's life without a clock."""

from __future__ import annotations

import sqlite3

import pytest


class Steps:
    """Counts what SQLite does on every connection that is opened, in hundreds of its steps."""

    def __init__(self) -> None:
        self.taken = 0

    def count(self) -> int:
        self.taken += 1
        return 0


def count_steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Counts from now on until `monkeypatch` undoes it."""
    counted, connect = Steps(), sqlite3.connect

    def counting(*args: object, **named: object) -> sqlite3.Connection:
        database: sqlite3.Connection = connect(*args, **named)  # type: ignore[call-overload]
        database.set_progress_handler(counted.count, 100)
        return database

    monkeypatch.setattr(sqlite3, "connect", counting)
    return counted

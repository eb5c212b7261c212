"""Sharing one SQLite file: a switch that another process stands in the way of is asked for again, but not for ever."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pfmm.store.wal import use_wal


@pytest.fixture
def other(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "shared", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield database


@pytest.fixture
def mine(tmp_path: Path, other: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "shared", isolation_level=None, timeout=0)) as database:
        yield database


def test_a_refused_switch_is_asked_for_again(mine: sqlite3.Connection, other: sqlite3.Connection) -> None:
    asked: list[str] = []

    def let_go_at_the_third(statement: str) -> None:
        asked.append(statement)
        if len(asked) == 3:
            other.execute("ROLLBACK")

    mine.set_trace_callback(let_go_at_the_third)
    assert use_wal(mine, 600)
    assert len(asked) == 3
    assert use_wal(other, 0)  # it stays so


def test_a_switch_that_stays_refused_is_given_up_in_time(mine: sqlite3.Connection) -> None:
    """Each try may wait for as long as the connection does: it is the time that is bounded, not the tries."""
    asked: list[str] = []
    mine.set_trace_callback(asked.append)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        use_wal(mine, 0)
    assert len(asked) == 1


def test_a_database_in_memory_cannot_be_shared() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        assert not use_wal(database, 0)

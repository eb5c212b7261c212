"""Files that grow: every old schema is brought up to date whole or not at all, and a bad file is named with words."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from pfmm.errors import ConfigError
from pfmm.store.database import (
    APPLICATION_ID,
    Connection,
    FileKind,
    connect,
    connect_readonly,
    stored_version,
    transaction,
    translated,
)


class Occupied(Exception):
    pass


FIRST = ("CREATE TABLE note (text TEXT NOT NULL)",)
SECOND = ("ALTER TABLE note ADD COLUMN author TEXT NOT NULL DEFAULT 'nobody'",)
THIRD = ("CREATE TABLE place (name TEXT)", "INSERT INTO place VALUES ('here')")


def kind(*migrations: tuple[str, ...]) -> FileKind:
    return FileKind("notebook", migrations, "move it away", lambda path: Occupied(path.name))


def write_a_note(database: Connection) -> None:
    database.execute("INSERT INTO note (text) VALUES ('first')")


def opened(path: Path, of: FileKind, timeout_s: float = 0.01) -> Connection:
    with translated(path, of):
        return connect(path, of, timeout_s=timeout_s, synchronous="FULL", fill=write_a_note)


@pytest.mark.parametrize("made_by", [(FIRST,), (FIRST, SECOND), (FIRST, SECOND, THIRD)])
def test_a_file_of_every_schema_is_brought_to_the_newest(tmp_path: Path, made_by: tuple[tuple[str, ...], ...]) -> None:
    path, newest = tmp_path / "notes", kind(FIRST, SECOND, THIRD)
    opened(path, kind(*made_by)).close()
    with closing(opened(path, newest)) as database:
        assert database.execute("SELECT * FROM note").fetchall() == [("first", "nobody")]
        assert database.execute("SELECT * FROM place").fetchall() == [("here",)]
        assert stored_version(database, path, newest) == 3
        assert database.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("made_by", [(), (FIRST,)])
def test_a_step_that_fails_takes_all_steps_back(tmp_path: Path, made_by: tuple[tuple[str, ...], ...]) -> None:
    path = tmp_path / "notes"
    if made_by:
        opened(path, kind(*made_by)).close()
    with pytest.raises(ConfigError, match=r"notebook .*notes cannot be used: table note already exists") as caught:
        opened(path, kind(FIRST, SECOND, FIRST))
    assert caught.value.hint == "move it away"
    with closing(connect_readonly(path, 0)) as database:
        assert stored_version(database, path, kind(FIRST)) == len(made_by)
        tables = database.execute("SELECT name FROM sqlite_master").fetchall()
        assert tables == [("note",)] * len(made_by)


def test_a_file_that_is_up_to_date_is_opened_beside_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    with closing(opened(path, kind(FIRST))) as writer, transaction(writer):
        opened(path, kind(FIRST)).close()
        with pytest.raises(Occupied, match="notes"):  # but it cannot be changed meanwhile
            opened(path, kind(FIRST, SECOND))


def test_two_that_make_one_file_make_it_once(tmp_path: Path) -> None:
    path, gate = tmp_path / "notes", threading.Barrier(4)

    def make() -> None:
        gate.wait()
        opened(path, kind(FIRST, SECOND, THIRD), timeout_s=30).close()

    makers = [threading.Thread(target=make) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    with closing(opened(path, kind(FIRST, SECOND, THIRD))) as database:
        assert database.execute("SELECT count(*) FROM note").fetchone() == (1,)
        assert database.execute("SELECT count(*) FROM place").fetchone() == (1,)


def test_a_newer_and_a_foreign_file_are_refused_with_the_fix(tmp_path: Path) -> None:
    newer, foreign = tmp_path / "newer", tmp_path / "foreign"
    opened(newer, kind(FIRST, SECOND)).close()
    with pytest.raises(ConfigError, match="has schema 2, this pfmm knows only 1") as caught:
        opened(newer, kind(FIRST))
    assert "upgrade" in (caught.value.hint or "")
    with closing(sqlite3.connect(foreign)) as database:
        database.execute("CREATE TABLE photos (name TEXT)")
    with pytest.raises(ConfigError, match="is a database, but no notebook of pfmm"):
        opened(foreign, kind(FIRST))


@pytest.mark.parametrize(
    ("content", "words"), [(b"no database\n" * 100, "is corrupt"), (None, "cannot be used: unable to open")]
)
def test_a_bad_file_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "notes"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"the notebook {path} {words}"):
        opened(path, kind(FIRST))


def test_mistakes_of_our_own_statements_are_no_fault_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    with closing(opened(path, kind(FIRST))) as database:
        with pytest.raises(sqlite3.IntegrityError), translated(path, kind(FIRST)), transaction(database):
            database.execute("INSERT INTO note VALUES (NULL)")
        assert not database.in_transaction


def test_a_transaction_that_an_exception_leaves_changes_nothing(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "notes", kind(FIRST))) as database:

        def interrupted() -> None:
            with transaction(database):
                write_a_note(database)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        with transaction(database):
            write_a_note(database)
        assert database.execute("SELECT count(*) FROM note").fetchone() == (2,)


def test_the_begin_is_tried_as_often_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    with closing(opened(path, kind(FIRST))) as one, closing(opened(path, kind(FIRST))) as other:
        asked: list[str] = []

        def let_go_at_the_third(statement: str) -> None:
            asked.append(statement)
            if len(asked) == 3:
                other.execute("ROLLBACK")

        one.set_trace_callback(let_go_at_the_third)
        other.execute("BEGIN IMMEDIATE")
        with transaction(one, tries=3):
            assert asked == ["BEGIN IMMEDIATE"] * 3
        one.set_trace_callback(None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"), transaction(one, tries=2):
            pytest.fail("it has begun")
        other.execute("ROLLBACK")

"""Opening a journal's file: the connection, the version, the migrations, and SQLite's complaints in words.

Knows the file and the schema's number; must not know what the records mean.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pfmm.errors import ConfigError, NoJournal
from pfmm.journal import schema
from pfmm.journal.file import BUSY_TIMEOUT_S, may_be_immutable, unusable
from pfmm.store.wal import use_wal


def connect(path: Path, identity: Mapping[str, str], patience_s: float | None) -> sqlite3.Connection:
    """A connection to the journal at `path`, brought to the newest schema; a new one begins with `identity`.

    `patience_s` is how long any later call waits for another process's lock. Raises ConfigError for a file that is
    no journal, is of a newer pfmm, or cannot be shared between processes.
    """
    timeout_s = patience_s or BUSY_TIMEOUT_S
    database = sqlite3.connect(path, timeout=timeout_s, isolation_level=None)
    try:
        stored_version(database, path)
        _share(database, path, timeout_s)
        database.execute("PRAGMA synchronous = FULL")
        _migrate(database, path, identity)
    except BaseException:
        database.close()
        raise
    return database


def connect_readonly(path: Path, patience_s: float | None) -> sqlite3.Connection:
    """A connection that cannot write, in a folder that cannot be written, too. Raises ConfigError for a file that
    `connect` would refuse, or that cannot be read before it is brought up to date, NoJournal for one that another
    process is just making or died in making."""
    database = _readable(path, patience_s)
    try:
        version = stored_version(database, path)
        if version == 0:
            raise NoJournal(f"the journal {path} is empty", hint="nothing has run yet on this venue and account")
        for step in range(version, len(schema.MIGRATIONS)):
            if step not in schema.READ_AS_NEXT:
                raise ConfigError(
                    f"the journal {path} has schema {version}, older than this pfmm's {len(schema.MIGRATIONS)}",
                    hint="start a run on this account once: that brings the file up to date",
                )
            database.execute(schema.READ_AS_NEXT[step])
    except BaseException:
        database.close()
        raise
    return database


def _readable(path: Path, patience_s: float | None) -> sqlite3.Connection:
    uri = path.resolve().as_uri() + "?mode=ro"
    database = sqlite3.connect(uri, uri=True, timeout=patience_s or BUSY_TIMEOUT_S, isolation_level=None)
    try:
        database.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        database.close()
        if not may_be_immutable(path):
            raise
        database = sqlite3.connect(uri + "&immutable=1", uri=True, isolation_level=None)
    return database


def stored_version(database: sqlite3.Connection, path: Path) -> int:
    """`_check_version` in a transaction of its own: another process may be making the journal between two reads."""
    database.execute("BEGIN")
    try:
        return _check_version(database, path)
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")


def _check_version(database: sqlite3.Connection, path: Path) -> int:
    """The schema version of the file, 0 for an empty one; ConfigError unless it is a journal that we understand."""
    application = database.execute("PRAGMA application_id").fetchone()[0]
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application == version == tables == 0:
        return 0
    if application != schema.APPLICATION_ID:
        raise ConfigError(f"{path} is a database, but no journal of pfmm", hint="move the file away")
    if version > len(schema.MIGRATIONS):
        raise ConfigError(
            f"the journal {path} has schema {version}, this pfmm knows only {len(schema.MIGRATIONS)}",
            hint="it was written by a newer pfmm: upgrade this one",
        )
    return version


def _share(database: sqlite3.Connection, path: Path, patience_s: float) -> None:
    if not use_wal(database, patience_s):
        raise ConfigError(
            f"the journal {path} cannot be shared between processes", hint="keep it on a local disk: set PFMM_HOME"
        )


def _migrate(database: sqlite3.Connection, path: Path, identity: Mapping[str, str]) -> None:
    """Brings the file to the newest schema; each step and its version number are one transaction."""
    while True:
        database.execute("BEGIN IMMEDIATE")
        try:
            version = _check_version(database, path)
            if version < len(schema.MIGRATIONS):
                for statement in schema.MIGRATIONS[version]:
                    database.execute(statement)
                if version == 0:
                    database.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", identity.items())
                database.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
                database.execute(f"PRAGMA user_version = {version + 1}")
                database.execute("COMMIT")
        finally:
            if database.in_transaction:
                database.execute("ROLLBACK")
        if version >= len(schema.MIGRATIONS) - 1:
            return


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns what SQLite says about the FILE into ConfigError; mistakes in our own statements pass as they are."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        raise unusable(path, str(error)) from error

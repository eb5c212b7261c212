"""SQLite files of pfmm: opened, recognised, brought up to date, and SQLite's complaints in words. Layer: store.

The only home of `PRAGMA application_id`, of schema versions and of the sorting of SQLite's errors. Must not know what
the records of a file mean: its room passes the name, the migrations and what to do about a bad file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pfmm.errors import ConfigError
from pfmm.store.wal import use_wal

APPLICATION_ID = 0x70666D6D  # "pfmm", in the header: tells our files from other SQLite files
CACHE_KIB = 512  # of each connection; a cycle touches the newest pages, and twenty loops may share a machine
Connection = sqlite3.Connection
Cursor = sqlite3.Cursor

_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_OF_THE_DISK = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


class FileKind(NamedTuple):
    """One kind of file: what messages call it, and how it grows.

    `migrations[n]` are the statements that bring a file of schema n to n + 1; a change of the schema is a new entry,
    never an edit of an old one. `remedy` is the hint where the file itself is bad, `locked` makes the error of a file
    that other processes kept locked, `unusable` is the error of one that cannot be read or written.
    """

    noun: str
    migrations: Sequence[Sequence[str]]
    remedy: str
    locked: Callable[[Path], Exception]
    unusable: type[ConfigError] = ConfigError


def connect(
    path: Path,
    kind: FileKind,
    *,
    timeout_s: float,
    synchronous: str,
    fill: Callable[[Connection], None],
    tries: int = 1,
    any_thread: bool = False,
) -> Connection:
    """Open the file for reading and writing, brought to the newest schema and shared by write-ahead log.

    `fill` writes the first records of a new file, in the transaction that makes its tables. A statement waits
    `timeout_s` for another process's lock, the making of the file `tries` times as long. Raises ConfigError for a file
    of something else, of a newer pfmm, or on a file system where processes cannot share it, and sqlite3.DatabaseError
    otherwise (see `translated`).
    """
    database = sqlite3.connect(path, timeout=timeout_s, isolation_level=None, check_same_thread=not any_thread)
    try:
        version = stored_version(database, path, kind)
        if not use_wal(database, tries * timeout_s):
            raise ConfigError(
                f"the {kind.noun} {path} cannot be shared between processes",
                hint="keep it on a local disk: set PFMM_HOME",
            )
        database.execute(f"PRAGMA synchronous = {synchronous}")
        database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if version < len(kind.migrations):
            _migrate(database, path, kind, fill, tries)
    except BaseException:
        database.close()
        raise
    return database


def connect_readonly(path: Path, timeout_s: float) -> Connection:
    """Open the file without the right to write, in a folder that cannot be written, too; nothing is checked yet."""
    uri = path.resolve().as_uri() + "?mode=ro"
    database = sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None)
    try:
        database.execute("SELECT count(*) FROM sqlite_master")
    except BaseException as error:
        database.close()
        if not isinstance(error, sqlite3.OperationalError) or not _may_be_immutable(path):
            raise
        database = sqlite3.connect(uri + "&immutable=1", uri=True, isolation_level=None)
    return database


def _may_be_immutable(path: Path) -> bool:
    """Tell whether the file can be read as it is.

    It can where nobody like us can write beside it and no unmerged log lies there.
    """
    log = path.with_name(path.name + "-wal")
    return not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)


def stored_version(database: Connection, path: Path, kind: FileKind) -> int:
    """Read the schema number of the file, 0 for an empty one. Raises ConfigError for one that is not ours or newer.

    It is read in a transaction of its own: another process may be making the file between two reads.
    """
    with transaction(database, begin="DEFERRED"):
        return _checked_version(database, path, kind)


def _checked_version(database: Connection, path: Path, kind: FileKind) -> int:
    application = database.execute("PRAGMA application_id").fetchone()[0]
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application == version == tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise ConfigError(f"{path} is a database, but no {kind.noun} of pfmm", hint=kind.remedy)
    if version > len(kind.migrations):
        raise ConfigError(
            f"the {kind.noun} {path} has schema {version}, this pfmm knows only {len(kind.migrations)}",
            hint="it was written by a newer pfmm: upgrade this one",
        )
    return version


def _migrate(database: Connection, path: Path, kind: FileKind, fill: Callable[[Connection], None], tries: int) -> None:
    """Bring the file to the newest schema in one transaction: all steps and the version number, or none of them."""
    with transaction(database, tries=tries):
        version = _checked_version(database, path, kind)  # another process may have been first
        for step in range(version, len(kind.migrations)):
            for statement in kind.migrations[step]:
                database.execute(statement)
            if step == 0:
                fill(database)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {len(kind.migrations)}")


@contextmanager
def transaction(database: Connection, *, begin: str = "IMMEDIATE", tries: int = 1) -> Iterator[None]:
    """Run the block as one transaction: committed at its end, rolled back by any exception.

    Its begin waits `tries` times for the connection's timeout: Python obeys a signal only between two waits.
    """
    try:  # from before it begins: a second Ctrl-C may raise as soon as a wait for the lock is over
        _begin(database, begin, tries)
        yield
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")


def _begin(database: Connection, begin: str, tries: int) -> None:
    for attempt in range(1, tries + 1):
        try:
            database.execute(f"BEGIN {begin}")
        except sqlite3.OperationalError as error:
            if _code(error) not in _LOCKED or attempt == tries:
                raise
        else:
            return


@contextmanager
def translated(path: Path, kind: FileKind) -> Iterator[None]:
    """Turn what SQLite says about the FILE into an error with a hint; mistakes in our statements pass as they are."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        raise _in_words(error, path, kind) from error


def _in_words(error: sqlite3.DatabaseError, path: Path, kind: FileKind) -> Exception:
    code = _code(error)
    if code in _LOCKED:
        return kind.locked(path)
    if code in _NOT_WRITABLE:
        return read_only(path, kind.noun, kind.unusable)
    if code in _CORRUPT:
        return kind.unusable(f"the {kind.noun} {path} is corrupt: {error}", hint=kind.remedy)
    hint = "check the disk and the folder, or set PFMM_HOME" if code in _OF_THE_DISK else kind.remedy
    return kind.unusable(f"the {kind.noun} {path} cannot be used: {error}", hint=hint)


def read_only(path: Path, noun: str, kind: type[ConfigError] = ConfigError) -> ConfigError:
    """Make the error of a file that cannot be written."""
    return kind(f"the {noun} {path} is read-only", hint="make the file and its folder writable, or set PFMM_HOME")


def _code(error: sqlite3.Error) -> int | None:
    """Read SQLite's primary result code; None for an error of Python's module alone."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF

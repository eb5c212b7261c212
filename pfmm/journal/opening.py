"""Opening a journal's file: what it is called, how it grows, and reading one that may not be brought up to date.

Layer: journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from pfmm.errors import ConfigError, JournalLocked, JournalUnusable, NoJournal
from pfmm.journal import schema
from pfmm.journal.file import NOUN
from pfmm.store import database as store
from pfmm.store.database import Connection, FileKind

BUSY_TIMEOUT_S = 10.0


def connect(path: Path, identity: Mapping[str, str], patience_s: float | None) -> Connection:
    """Open the journal at `path`, brought to the newest schema; a new one begins with `identity`.

    `patience_s` is how long any later call waits for another process's lock. Raises ConfigError for a file that is
    no journal, is of a newer pfmm, or cannot be shared between processes.
    """

    def fill(database: Connection) -> None:
        database.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", identity.items())

    timeout_s = patience_s or BUSY_TIMEOUT_S
    return store.connect(path, _kind(), timeout_s=timeout_s, synchronous="FULL", fill=fill)


def connect_readonly(path: Path, patience_s: float | None) -> Connection:
    """Open a journal without the right to write, in a folder that cannot be written, too. Raises ConfigError for a
    file that `connect` would refuse, or that cannot be read before it is brought up to date, NoJournal for one that
    another process is just making or died in making."""
    database = store.connect_readonly(path, patience_s or BUSY_TIMEOUT_S)
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
            for statement in schema.READ_AS_NEXT[step]:
                database.execute(statement)
    except BaseException:
        database.close()
        raise
    return database


def stored_version(database: Connection, path: Path) -> int:
    """Read the schema version of the file, 0 for an empty one. Raises ConfigError unless it is a journal of ours."""
    return store.stored_version(database, path, _kind())


def translated(path: Path) -> AbstractContextManager[None]:
    """Turn what SQLite says about the FILE into ConfigError; mistakes in our own statements pass as they are."""
    return store.translated(path, _kind())


def _kind() -> FileKind:
    remedy = "move the file away; the venue still knows orders, fills and positions"
    return FileKind(NOUN, schema.MIGRATIONS, remedy, _locked, JournalUnusable)


def _locked(path: Path) -> JournalLocked:
    return JournalLocked(
        f"the journal {path} stayed locked by another process",
        hint="`pfmm doctor` names the processes of this account",
    )

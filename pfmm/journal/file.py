"""The journal as a file: made private and writable, and what is wrong with it in words. Opens no database."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from pfmm.errors import ConfigError, JournalLocked

BUSY_TIMEOUT_S = 10.0


def prepare_file(path: Path) -> None:
    """Makes sure of an own, private (0600), writable file, empty if it is new. Raises ConfigError otherwise."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            # an existing file is never opened here: closing it would drop the locks that this process holds on it
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            raise read_only(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise ConfigError(
            f"the journal {path} cannot be made: {error.strerror}",
            hint=f"make {path.parent} a folder that you can write, or set PFMM_HOME",
        ) from error


def may_be_immutable(path: Path) -> bool:
    """True when nobody like us can write beside the file and no unmerged log lies there: it can be read as it is."""
    log = path.with_name(path.name + "-wal")
    return not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)


def read_only(path: Path) -> ConfigError:
    """The error of a journal that cannot be written."""
    return ConfigError(
        f"the journal {path} is read-only", hint="make the file and its folder writable, or set PFMM_HOME"
    )


def unusable(path: Path, words: str) -> ConfigError:
    """The error for what the database said about the file."""
    if "locked" in words or "busy" in words:
        return JournalLocked(
            f"the journal {path} stayed locked by another process",
            hint="`pfmm doctor` names the processes of this account",
        )
    if "readonly" in words:
        return read_only(path)
    if "malformed" in words or "not a database" in words:
        return ConfigError(
            f"the journal {path} is corrupt: {words}",
            hint="move the file away; the venue still knows orders, fills and positions",
        )
    return ConfigError(f"the journal {path} cannot be used: {words}", hint="check the disk and the folder")

"""The journal as a file: made private and writable. Opens no database. Layer: journal."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pfmm.errors import ConfigError
from pfmm.store.database import read_only
from pfmm.store.files import make_private_file

NOUN = "journal"


def prepare_file(path: Path) -> None:
    """Make sure of an own, private (0600), writable file, empty if it is new. Raises ConfigError otherwise."""
    try:
        make_private_file(path)
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            raise read_only(path, NOUN)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise ConfigError(
            f"the journal {path} cannot be made: {error.strerror}",
            hint=f"make {path.parent} a folder that you can write, or set PFMM_HOME",
        ) from error

"""Files and folders: made private, and replaced whole or not at all. Layer: store.

Raises OSError as the system does: what a file is called, and what to do, is known to the one who writes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def make_private_folder(folder: Path) -> None:
    """Make the folder, and those above it, where they are missing; only the owner may enter (0700)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Make an empty file that only the owner may read (0600), with its folder; an existing file stays untouched.

    An existing file is not even opened: closing it would drop the POSIX locks that this process holds on it.
    """
    make_private_folder(path.parent)
    if not path.exists():
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file (0600) beside `path` that takes its place at the end of the block: old or new, never half.

    A link is followed. What is written is on the disk before the name is moved, and the move is on the disk before
    the block is left. An exception leaves the old file as it was, and nothing beside it.
    """
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{os.urandom(8).hex()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def replace_file(path: Path, content: bytes) -> None:
    """Replace the content of `path`, whole or not at all (see `replacing`)."""
    with replacing(path) as stream:
        stream.write(content)


def nameless_file(folder: Path) -> BinaryIO:
    """Make a file in `folder` that has no name, and is gone with the process that holds it."""
    make_private_folder(folder)
    path = folder / f".{os.urandom(8).hex()}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    path.unlink()
    return os.fdopen(descriptor, "w+b")

"""The file that `pfmm record` writes: whole lines only, whenever the process may die.

Each append is one write call of whole lines; for a name that ends in .gz, of one gzip member that holds them. So a
recording that was killed is readable up to its last append. One process at a time has the file: of two, neither's lines
would be readable. Layer: tape.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

from pfmm.errors import AlreadyRunning, DataFileError, UsageError
from pfmm.store.flock import try_lock

_BLOCK_BYTES = 65_536


class TapeFile:
    """Use as a context manager; `bytes` counts what was written."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.bytes = 0
        self._descriptor = descriptor
        self._packed = path.suffix == ".gz"

    @classmethod
    def create(cls, path: Path, *, force: bool) -> Self:
        """Make the file.

        Raises UsageError for one that exists (unless `force` empties it), AlreadyRunning for one that is being recorded
        to, DataFileError when it cannot be made.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | (0 if force else os.O_EXCL)
        try:
            descriptor = os.open(path, flags, 0o644)
        except FileExistsError:
            raise exists(path) from None
        except OSError as error:
            raise DataFileError(f"{path}: cannot be written: {error.strerror}") from error
        try:
            _take(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor)

    @classmethod
    def go_on(cls, path: Path) -> Self:
        """Open a recording to append to it; a last line that was cut is taken away.

        Raises AlreadyRunning for one that is being recorded to, DataFileError when it cannot be written.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise DataFileError(f"{path}: cannot be written: {error.strerror}") from error
        try:
            _keep_off(path, descriptor)
            if path.suffix != ".gz":
                _cut_to_whole_lines(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        opened = cls(path, descriptor)
        opened.bytes = os.fstat(descriptor).st_size
        return opened

    def append(self, lines: str) -> None:
        """Write whole lines. A disk that is full leaves the file as it was before, and raises DataFileError."""
        if not lines:
            return
        content = lines.encode()
        if self._packed:
            import gzip

            content = gzip.compress(content, mtime=0)
        try:
            written = os.write(self._descriptor, content)
            if written < len(content):
                os.ftruncate(self._descriptor, self.bytes)
                raise DataFileError(f"{self.path}: there is no room for more; it is whole up to here")
        except OSError as error:
            raise DataFileError(f"{self.path}: cannot be written: {error.strerror}") from error
        self.bytes += written

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take(path: Path, descriptor: int) -> None:
    """Empty a file that nobody else records to, and keep others off it for as long as it is open."""
    if not _keep_off(path, descriptor):
        return
    try:
        os.ftruncate(descriptor, 0)
    except OSError as error:
        raise DataFileError(f"{path}: cannot be written: {error.strerror}") from error


def _keep_off(path: Path, descriptor: int) -> bool:
    """Keep others off the file for as long as it is open; return False for a pipe or a device, which is nobody's."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return False
    with suppress(OSError):  # a file system without locks
        if not try_lock(descriptor):
            raise AlreadyRunning(
                f"{path} is being recorded to by another process", hint="choose another --out, or end that one first"
            )
    return True


def _cut_to_whole_lines(descriptor: int) -> None:
    end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - _BLOCK_BYTES)
        at = os.pread(descriptor, end - start, start).rfind(b"\n")
        if at >= 0:
            os.ftruncate(descriptor, start + at + 1)
            return
        end = start


def exists(path: Path) -> UsageError:
    """Make the error for a file that would be overwritten."""
    return UsageError(f"{path} exists already", hint="choose another --out, or add --force to overwrite it")

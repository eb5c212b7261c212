"""Which files are meant, and their bytes: folders, patterns, archives with members, six kinds of compression.

Layer: tape. Text comes in blocks of whole lines, so that a file of any size needs little memory; a byte order mark at
its head is passed over.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from pfmm.errors import ConfigError, DataFileError
from pfmm.tape.events import Place

BLOCK_BYTES = 4 << 20
BEFORE_BYTES = 8 << 10
BOM = b"\xef\xbb\xbf"
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")
ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"\x04\x22\x4d\x18": "lz4",
}
ARCHIVES = {b"7z\xbc\xaf\x27\x1c": "a 7z archive", b"Rar!": "a rar archive"}
TAR_MAGIC, TAR_AT = b"ustar", 257
PASSED_OVER = (".checksum", ".sha256", ".md5", ".md", ".pdf", ".html")  # what stands beside downloads
PROSE = ("readme", "license", "licence", "notice", "changelog")  # likewise, whatever their endings
Watcher = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Source:
    """One stream of bytes: a file, or one member of a zip archive."""

    path: Path
    member: str | None = None

    @property
    def place(self) -> Place:
        """The source as a whole, for a message about it."""
        return self.at(0)

    def at(self, line: int) -> Place:
        """Return the place of a line of the source, for a message about it."""
        return Place(self.path if self.member is None else self.path / self.member, line)


def expand(given: Sequence[Path]) -> list[Source]:
    """List the sources that `given` names: files as they stand, folders and patterns in the order of names, zip
    archives member by member. Raises DataFileError for what is not there, is no regular file or names nothing."""
    if not given:
        raise DataFileError("no data file was given")
    found: list[Source] = []
    for path in given:
        for file in _files(path):
            found += _members(file)
    seen: set[Source] = set()
    for one in found:
        if one in seen:
            raise one.place.error("is given twice")
        seen.add(one)
    return found


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file() and not _is_passed_over(file, path))
        if not inside:
            raise Place(path, 0).error("the folder holds no files")
        return inside
    if not path.exists() and any(sign in str(path) for sign in "*?["):
        base = Path(path.anchor) if path.is_absolute() else Path()
        pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
        matched = sorted(file for file in base.glob(pattern) if file.is_file())
        if not matched:
            raise Place(path, 0).error("the pattern names no file")
        return matched
    return [path]


def _is_passed_over(file: Path, folder: Path) -> bool:
    return _is_beside(PurePosixPath(file.relative_to(folder).as_posix()))


def _is_beside(name: PurePosixPath) -> bool:
    """Tell whether a file stands beside the data and is none: hidden, a checksum, what one kind of machine adds."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.parts)
    return hidden or name.suffix.lower() in PASSED_OVER or name.stem.lower() in PROSE


def _members(path: Path) -> list[Source]:
    head = first_bytes(path, 4)
    if head == EMPTY_ZIP:
        raise Place(path, 0).error("the zip archive is empty")
    if head != ZIP_MAGIC:
        return [Source(path)]
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
    except zipfile.BadZipFile as error:
        raise Place(path, 0).error(f"the zip archive is cut or damaged: {error}") from error
    if "[Content_Types].xml" in names:
        raise Place(path, 0).error("is a spreadsheet or another office file", hint="save the table as CSV")
    if names and all(name.endswith(".npy") for name in names):
        return [Source(path)]  # NumPy's own archive is one source
    members = [Source(path, name) for name in sorted(names) if not _is_beside(PurePosixPath(name))]
    if not members:
        raise Place(path, 0).error("the zip archive holds no files")
    return members


def archive_of(head: bytes) -> str | None:
    """Name the kind of archive that unpacked bytes begin, of those that are not looked into; None for none."""
    if head[TAR_AT:].startswith(TAR_MAGIC):
        return "a tar archive"
    if head.startswith(ZIP_MAGIC):
        return "a zip archive within another"
    again = next((kind for magic, kind in PACKED.items() if head.startswith(magic)), None)
    if again is not None:
        return f"a {again} stream within another"
    return next((kind for magic, kind in ARCHIVES.items() if head.startswith(magic)), None)


def must_be_a_file(path: Path) -> None:
    """Raise DataFileError for a pipe or a device, before it is opened: that would wait, or never end. A path that is
    not there, or a folder, says so itself when it is opened."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise Place(path, 0).error("is no regular file", hint="data is read more than once: write it to a file first")


def first_bytes(path: Path, count: int) -> bytes:
    """Read the first bytes of a file as it lies there; raises DataFileError where it cannot be read."""
    must_be_a_file(path)
    try:
        with path.open("rb") as stream:
            return stream.read(count)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        raise Place(path, 0).error(problem, hint="name a file, a folder or a pattern: `pfmm help data`") from error


@contextmanager
def unpacked(source: Source, watch: Watcher | None = None) -> Iterator[IO[bytes]]:
    """Open the source's bytes, unpacked; `watch` is told how many bytes of the file have been read.

    Raises DataFileError for a file that cannot be read; what is wrong inside is told by `reading_errors`.
    """
    must_be_a_file(source.path)
    try:
        with source.path.open("rb") as raw:
            counted = raw if watch is None else _Counted(raw, watch)
            if source.member is None:
                with _plain(cast(IO[bytes], counted), source) as stream:
                    yield stream
                return
            with (
                zipfile.ZipFile(cast(IO[bytes], counted)) as archive,
                archive.open(source.member) as inner,
                _plain(inner, source) as stream,
            ):
                yield stream
    except zipfile.BadZipFile as error:
        raise source.place.error(f"the zip archive is cut or damaged: {error}") from error
    except RuntimeError as error:  # what zipfile raises for a member with a password
        if "password" not in str(error):
            raise
        raise source.place.error("is encrypted", hint="unpack it with its password first") from error


class _Counted:
    """A file that tells how far it has been read."""

    def __init__(self, raw: Any, watch: Watcher) -> None:
        self._raw, self._watch = raw, watch

    def read(self, size: int = -1) -> bytes:
        content: bytes = self._raw.read(size)
        self._watch(self._raw.tell())
        return content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


def _plain(stream: IO[bytes], source: Source) -> IO[bytes]:
    head = stream.read(6)
    stream.seek(0)
    kind = next((kind for magic, kind in PACKED.items() if head.startswith(magic)), None)
    if kind == "gzip":
        return cast(IO[bytes], gzip.GzipFile(fileobj=stream))
    if kind == "bz2":
        return cast(IO[bytes], bz2.BZ2File(stream))
    if kind == "xz":
        return cast(IO[bytes], lzma.LZMAFile(stream))
    if kind is not None:
        return _by_arrow(stream, kind, source)
    return cast(IO[bytes], _Kept(stream))


class _Kept:
    """A stream that its owner closes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.read = stream.read

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def _by_arrow(stream: IO[bytes], kind: str, source: Source) -> IO[bytes]:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ConfigError(
            f"{source.path}: reading {kind} needs pyarrow", hint="pip install 'pfmm[data]', or unpack the file first"
        ) from error
    return cast(IO[bytes], pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), {"zst": "zstd"}.get(kind, kind)))


@contextmanager
def reading_errors(source: Source, line: Callable[[], int]) -> Iterator[None]:
    """Turn what goes wrong while bytes are read into a DataFileError with the source and the line."""
    try:
        yield
    except DataFileError:
        raise
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        packing = _packing(source)
        raise source.at(line()).error(f"the {packing} stream is cut or damaged: {error}") from error
    except OSError as error:
        packing = _packing(source)
        if error.errno is None and packing != "plain":  # bz2 and pyarrow raise a bare OSError for damaged content
            raise source.at(line()).error(f"the {packing} stream is cut or damaged: {error}") from error
        raise source.place.error(f"cannot be read: {error.strerror or error}") from error


def _packing(source: Source) -> str:
    if source.member is not None:
        return "zip"
    head = first_bytes(source.path, 6)
    return next((kind for magic, kind in PACKED.items() if head.startswith(magic)), "plain")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of text as bytes, and the number of the first of them.

    `ended` is False where the very last line of the source has no line end; `before` is then what stands ahead of it.
    """

    first_line: int
    content: bytes
    ended: bool = True
    before: bytes = b""

    @property
    def last_line(self) -> int:
        """The number of the last line."""
        return self.first_line + self.content.count(b"\n")

    def lines(self, source: Source) -> Iterator[tuple[Place, bytes]]:
        """Yield the lines without their ends, with their places; a carriage return belongs to the end."""
        for number, line in enumerate(self.content.split(b"\n"), self.first_line):
            yield source.at(number), line.removesuffix(b"\r")


def decoded(line: bytes, place: Place) -> str:
    """Return the text of a line; raise DataFileError for bytes that are no UTF-8."""
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise place.error(f"not UTF-8 text: {error.reason}") from error


def blocks(source: Source, watch: Watcher | None = None, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield the source's text in blocks of whole lines of about `size` bytes; no line end at the end of a block."""
    number, before = 1, b""
    with reading_errors(source, lambda: number), unpacked(source, watch) as stream:
        rest = _head(stream, source)
        while True:
            chunk = stream.read(size)
            if not chunk:
                break
            cut = chunk.rfind(b"\n")
            if cut < 0:
                rest += chunk
                continue
            content = rest + chunk[:cut]
            yield Block(number, content)
            before = content[-BEFORE_BYTES:]
            number += content.count(b"\n") + 1
            rest = chunk[cut + 1 :]
        if rest:
            ended = rest.endswith(b"\n")
            yield Block(number, rest[:-1] if ended else rest, ended, before)


def _head(stream: IO[bytes], source: Source) -> bytes:
    """Read the first bytes without a byte order mark."""
    head = stream.read(3)
    if head.startswith(WIDE_BOMS):
        raise source.place.error("is UTF-16 text", hint="save it as UTF-8")
    return b"" if head == BOM else head

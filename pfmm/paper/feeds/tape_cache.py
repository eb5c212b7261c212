"""Tapes that were built from data files, kept in the cache folder and found again by the files' names and dates.

A tape's key is every file's path, size, time of change in ns and inode, the reader's version and the read options: to
find it costs no reading. The files' content hashes stand in its header, for a check that costs it. Tapes are written
whole or not at all, mapped when opened, and dropped by their last use once all of them are more than 5 GB.
Layer: paper.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pfmm.errors import DataFileError
from pfmm.model.quick import quick
from pfmm.paper.feeds.replay_tape import VERSION, MarketTape, markets_of, open_numbers, steps_of
from pfmm.tape.options import ReadOptions
from pfmm.tape.sources import Source, Watcher, expand
from pfmm.tape.venues import venue_of

READER_VERSION = 3  # another one reads some file as another market
MOST_BYTES = 5 * 10**9
LEFTOVER_S = 86_400.0  # a half-written file that nobody has touched for a day is nobody's
Stats = list[dict[str, Any]]
Make = Callable[[Path, Mapping[str, Any]], None]


@quick(frozen=True, slots=True)
class Loaded:
    """An open tape: its markets, the facts of its header, its numbers, and whether it was there already."""

    tapes: dict[str, MarketTape]
    header: dict[str, Any]
    numbers: memoryview
    cached: bool


class TapeCache:
    """The tapes in `folder`; with `keep` off nothing is looked for and nothing is left there."""

    def __init__(self, folder: Path, *, keep: bool = True, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._keep, self._most_bytes = folder, keep, most_bytes

    def find(self, files: Sequence[Path], options: ReadOptions) -> Loaded | None:
        """Find the tape of these files, if it is there and whole; it counts as used now."""
        if not self._keep:
            return None
        path = self._path(expand(files), options)
        try:
            loaded = _opened(path, cached=True)
        except DataFileError:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        with suppress(OSError):
            os.utime(path)
        return loaded

    def load(
        self, files: Sequence[Path], options: ReadOptions, watch: Watcher | None = None, make: Make | None = None
    ) -> Loaded:
        """Load the tape of these files, and build it where it is not there; `watch` is told how many bytes were read.
        What is no stream of events is written by `make`, from a path and the facts about the files for its header.

        Raises DataFileError for bad data, or a file that changes while it is read, ConfigError for a folder that cannot
        be written.
        """
        found = self.find(files, options)
        if found is not None:
            return found
        sources = expand(files)
        before = stats_of(sources)
        path = self._path(sources, options)
        if not self._keep:
            path = path.with_name(f".{os.urandom(8).hex()}.tape")
        try:
            facts = {"files": hashed(before) if self._keep else []}
            if make is None:
                build(path, files, options, facts, watch)
            else:
                make(path, facts)
            if stats_of(sources) != before:
                raise DataFileError(f"{sources[0].path}: changed while it was read", hint="try again")
            loaded = _opened(path, cached=False)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        if not self._keep:
            path.unlink()
        else:
            self._make_room(path)
        return loaded

    def check(self, files: Sequence[Path], options: ReadOptions) -> str:
        """Compare the files' content with what the tape was built from: same, changed (the tape is dropped), or not
        cached."""
        found = self.find(files, options)
        if found is None:
            return "not cached"
        told = {one["path"]: one["sha256"] for one in found.header["files"]}
        if all(content_of(Path(path)) == content for path, content in told.items()):
            return "same"
        self._path(expand(files), options).unlink(missing_ok=True)
        return "changed"

    def _path(self, sources: Sequence[Source], options: ReadOptions) -> Path:
        key = [READER_VERSION, VERSION, sys.byteorder, repr(options), stats_of(sources)]
        return self._folder / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]}.tape"

    def _make_room(self, newest: Path) -> None:
        """Drop the tapes that were used longest ago, until the rest is small enough; and what writers left behind."""
        kept = []
        for path in self._folder.iterdir():
            with suppress(OSError):
                found = path.stat()
                if path.name.startswith(".") and time.time() - found.st_mtime > LEFTOVER_S:
                    path.unlink()
                elif path.suffix == ".tape":
                    kept.append((path == newest, found.st_mtime_ns, found.st_size, path))
        total = sum(size for _, _, size, _ in kept)
        for is_newest, _, size, path in sorted(kept):
            if total <= self._most_bytes or is_newest:
                return
            with suppress(OSError):
                path.unlink()
            total -= size


def _opened(path: Path, *, cached: bool) -> Loaded:
    header, numbers = open_numbers(path)
    return Loaded(markets_of(path, header, numbers), header, numbers, cached)


def build(
    path: Path, files: Sequence[Path], options: ReadOptions, given: Mapping[str, Any], watch: Watcher | None
) -> None:
    """Write the tape of `files` to `path`; what was found beside the markets stands in its header, and the facts that
    were `given` about the files."""
    from pfmm.paper.feeds.tape_writer import write_gathered
    from pfmm.tape.gather import Gathering

    with Gathering(options, path.parent) as gathering:
        gathering.read(files, watch)
        rows = [one for stream in gathering.streams for one in stream.rows]
        facts = {
            **given,
            "formats": list(dict.fromkeys(stream.name for stream in gathering.streams)),
            "venue": venue_of(files, options),
            "time_units": list(dict.fromkeys(one.time_unit for one in rows)),
            "notes": list(dict.fromkeys(note for one in rows for note in one.notes)),
            "duplicate_trades": sum(one.duplicates for one in rows),
            "skipped_lines": sum(one.skipped for one in rows),
            "bad_rows": gathering.faults.count,
            "bad_examples": gathering.faults.examples,
        }
        write_gathered(path, gathering, steps_of(options), facts)


def hashed(stats: Stats) -> Stats:
    """Return what tells the files apart, with the hashes of their content. Raises DataFileError as `content_of`."""
    return [{**one, "sha256": content_of(Path(one["path"]))} for one in stats]


def stats_of(sources: Sequence[Source]) -> Stats:
    """Return what tells each file apart, without reading it. Raises DataFileError where it is not there."""
    found = []
    for path in dict.fromkeys(source.path for source in sources):
        try:
            one = path.stat()
        except OSError as error:
            raise DataFileError(f"{path}: cannot be read: {error.strerror}") from error
        found.append(
            {"path": str(path.absolute()), "size": one.st_size, "mtime_ns": one.st_mtime_ns, "inode": one.st_ino}
        )
    return found


def content_of(path: Path) -> str:
    """Return the SHA-256 of a file's content. Raises DataFileError where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read: {error.strerror}") from error

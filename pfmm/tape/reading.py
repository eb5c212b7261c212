"""Reads tape files of any known format as one stream of checked events, in time order for each market.

Streams of one exchange interleave: in the recorded captures an event is up to 28 ms older than the newest before it
(each stream alone never goes back). So events are sorted within a window of 250 ms, about nine times that, and
anything older is refused as out of order. At equal times prints come before quotes, for the quote that carries a
print's time is its result.
"""

from __future__ import annotations

import gzip
import io
import json
import stat
import zlib
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from pathlib import Path
from typing import BinaryIO

from pfmm.errors import DataFileError
from pfmm.model.market import FundingRate, Trade
from pfmm.tape.binance import BinanceReader
from pfmm.tape.events import Entry, Place, TapeEvent, TapeQuote, json_object
from pfmm.tape.native import FORMAT, Units, parse_event, parse_header

TOLERANCE_MS = 250
KNOWN = "`pfmm help data` shows what is known by which first line, a table or candles to a backtest alone"


def read(files: Sequence[Path]) -> Iterator[Entry]:
    """The events of `files`, which must be given in time order; see TapeReader.entries."""
    return TapeReader().entries(files)


class TapeReader:
    """One pass over some files. After it, `units`, `duplicates` and `skipped` say what else was found."""

    __slots__ = ("_binance", "units")

    def __init__(self) -> None:
        self._binance = BinanceReader()
        self.units: dict[str, Units] = {}

    @property
    def duplicates(self) -> int:
        """Prints left out because their trade id had been seen."""
        return self._binance.duplicates

    @property
    def skipped(self) -> int:
        """Lines of streams that carry nothing the project uses."""
        return self._binance.skipped

    def entries(self, files: Sequence[Path]) -> Iterator[Entry]:
        """Checked events, each market in time order (markets are not merged; funding comes as it stands).

        Raises DataFileError, naming file and line, for anything unreadable, cut, malformed or out of order.
        """
        if not files:
            raise DataFileError("no data file was given")
        sorters: dict[str, _Sorter] = {}
        for path in files:
            began: set[str] = set()
            found = False
            for entry in self._file(path):
                found = True
                event = entry.event
                if isinstance(event, FundingRate):
                    yield entry
                    continue
                sorter = sorters.setdefault(event.market, _Sorter())
                yield from sorter.add(entry, first_of_file=event.market not in began)
                began.add(event.market)
            if not found:
                raise Place(path, 0).error("holds no events")
        for sorter in sorters.values():
            yield from sorter.rest()

    def _file(self, path: Path) -> Iterator[Entry]:
        lines = _lines(path)
        first = next(lines, None)
        if first is None:
            raise Place(path, 0).error("is empty", hint=KNOWN)
        place, line = first
        header = _header(line)
        if header is not None:
            self.units.update(parse_header(header, place))
            for place, line in lines:
                yield Entry(place, parse_event(json_object(line, place), place))
            return
        if not line.partition(" ")[0].isdigit() or not line.partition(" ")[2].startswith("{"):
            raise place.error(f"the format is unknown: {line[:40]!r}", hint=KNOWN)
        self._binance.begin_file()
        for event in self._binance.parse(line, place):
            yield Entry(place, event)
        for place, line in lines:
            for event in self._binance.parse(line, place):
                yield Entry(place, event)


class _Sorter:
    """Puts the events of one market in order within TOLERANCE_MS."""

    __slots__ = ("_heap", "_newest", "_number")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, Entry]] = []
        self._newest = 0
        self._number = 0

    def add(self, entry: Entry, *, first_of_file: bool) -> Iterator[Entry]:
        time_ms = entry.event.time_ms
        late = self._newest - time_ms
        if late > TOLERANCE_MS:
            market = entry.event.market
            if first_of_file:
                raise entry.place.error(
                    f"{market} starts {late} ms before the file given ahead of it ends", hint="give files in time order"
                )
            raise entry.place.error(f"{market} is out of order: {late} ms older than the newest event before it")
        self._newest = max(self._newest, time_ms)
        self._number += 1
        heappush(self._heap, (time_ms, _rank(entry.event), self._number, entry))
        while self._heap[0][0] < self._newest - TOLERANCE_MS:
            yield heappop(self._heap)[3]

    def rest(self) -> Iterator[Entry]:
        while self._heap:
            yield heappop(self._heap)[3]


def _rank(event: TapeEvent) -> int:
    if isinstance(event, Trade):
        return 0
    return 1 if isinstance(event, TapeQuote) else 2


def _header(line: str) -> dict[str, object] | None:
    """The header of a pfmm tape, or None when the line is something else."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and record.get("format") == FORMAT else None


def must_be_a_file(path: Path) -> None:
    """Raises DataFileError for a pipe or a device, before it is opened: that would wait, or never end. A path that is
    not there, or a folder, says so itself when it is opened."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise Place(path, 0).error("is no regular file", hint="data is read more than once: write it to a file first")


def _lines(path: Path) -> Iterator[tuple[Place, str]]:
    """Numbered lines, unpacked where gzipped; a cut or unreadable file is a DataFileError."""
    number = 0
    try:
        with path.open("rb") as raw, _unpacked(raw) as stream:
            for number, line in enumerate(stream, 1):
                if not line.endswith(b"\n"):
                    raise Place(path, number).error("ends in the middle of a line", hint="remove the last line")
                yield Place(path, number), line[:-1].decode()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Place(path, number + 1).error(f"the gzip stream is cut or damaged: {error}") from error
    except UnicodeDecodeError as error:
        raise Place(path, number).error(f"not UTF-8 text: {error.reason}") from error
    except OSError as error:
        raise Place(path, 0).error(f"cannot be read: {error.strerror}") from error


def _unpacked(raw: BinaryIO) -> io.BufferedReader | gzip.GzipFile:
    magic = raw.read(2)
    raw.seek(0)
    if magic == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=raw)
    return io.BufferedReader(raw)  # type: ignore[arg-type]  # closes `raw` too, which does no harm

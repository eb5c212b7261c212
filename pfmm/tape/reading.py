"""Reads data files of any known format as one stream of checked events, in time order for each market.

Streams of one exchange interleave: in the recorded captures an event is up to 28 ms older than the newest before it
(each stream alone never goes back). So events are sorted within a window of 250 ms, about nine times that, and
anything older is refused as out of order. At equal times prints come before quotes, for the quote that carries a
print's time is its result. Files of one format follow each other in time; files of several formats (quotes in one,
prints in another) are merged. Layer: tape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush, merge
from pathlib import Path

from pfmm.errors import DataFileError
from pfmm.model.market import FundingRate, Trade
from pfmm.tape.carriers import found_of
from pfmm.tape.events import TOLERANCE_MS, Entry, Place, TapeEvent, TapeQuote, late_words
from pfmm.tape.native import Units
from pfmm.tape.options import ReadOptions
from pfmm.tape.recognise import Found
from pfmm.tape.rows import Budget, Faults, SourceRows
from pfmm.tape.sources import Source, expand

FEW_ROWS, MANY_ROWS = 4, 50
OVERLAP = "files of one kind must not overlap: is one of them given twice?"


def read(files: Sequence[Path]) -> Iterator[Entry]:
    """Yield the events of `files`; see TapeReader.entries."""
    return TapeReader().entries(files)


@dataclass(slots=True)
class Stream:
    """The sources of one format, in time order, and the rows of each."""

    name: str
    holds: str
    rows: list[SourceRows] = field(default_factory=list)


class TapeReader:
    """One pass over some files. After it, `units`, `duplicates`, `skipped` and `faults` say what else was found."""

    def __init__(self, options: ReadOptions | None = None) -> None:
        self.options = options or ReadOptions()
        self.units: dict[str, Units] = {}
        self.faults = Faults(Budget(self.options.skip_bad))
        self._streams: list[Stream] = []

    @property
    def duplicates(self) -> int:
        """Prints left out because their trade id had been seen."""
        return sum(rows.duplicates for stream in self._streams for rows in stream.rows)

    @property
    def skipped(self) -> int:
        """Lines of streams that carry nothing the project uses."""
        return sum(rows.skipped for stream in self._streams for rows in stream.rows)

    @property
    def time_units(self) -> tuple[str, ...]:
        """The units of the times that were read, each once."""
        return tuple(dict.fromkeys(rows.time_unit for stream in self._streams for rows in stream.rows))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the formats that were read."""
        notes = (note for stream in self._streams for rows in stream.rows for note in rows.notes)
        return tuple(dict.fromkeys(notes))

    def entries(self, files: Sequence[Path]) -> Iterator[Entry]:
        """Yield checked events, each market in time order (markets are not merged; funding comes as it stands).

        Raises DataFileError, naming file and line, for anything unreadable, cut, malformed or out of order.
        """
        self._streams = streams_of(expand(files), self.options, self.faults)
        with_quotes = {stream.name for stream in self._streams if stream.holds in ("quotes", "ticks")}
        owners = Owners()
        sorted_streams = []
        for stream in self._streams:
            quotes_told = bool(with_quotes) and stream.holds == "book"
            sorted_streams.append(self._sorted(stream, owners, without_quotes=quotes_told))
        if len(sorted_streams) == 1:
            yield from sorted_streams[0]
            return
        late: list[Entry] = []
        keyed = (_timed(stream, late) for stream in sorted_streams)
        yield from merge(*keyed, key=_order)
        yield from late

    def _sorted(self, stream: Stream, owners: Owners, *, without_quotes: bool) -> Iterator[Entry]:
        sorters: dict[str, _Sorter] = {}
        ahead: Source | None = None
        for rows in stream.rows:
            began: set[str] = set()
            strays = Strays()
            found = False
            for entry in rows.entries():
                found = True
                event = entry.event
                if isinstance(event, FundingRate):
                    yield entry
                    continue
                if without_quotes and isinstance(event, TapeQuote):
                    continue
                strays.add(event.market, entry.place)
                owners.claim(entry, stream.name)
                sorter = sorters.setdefault(event.market, _Sorter())
                yield from sorter.add(entry, None if event.market in began else ahead)
                began.add(event.market)
            strays.check(self.faults)
            self.units.update(rows.units)
            rows.empty = not found
            ahead = rows.source if found else ahead
        check_not_empty(stream)
        for sorter in sorters.values():
            yield from sorter.rest()


def check_not_empty(stream: Stream) -> None:
    """Raise DataFileError where no source of a stream holds anything; of several some may, as days without prints."""
    if all(rows.empty and not rows.skipped for rows in stream.rows):
        raise stream.rows[0].source.place.error("holds no events")


class Strays:
    """Counts the rows of each market in one source, to find names that are another market's, damaged."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._places: dict[str, Place] = {}

    def add(self, market: str, place: Place, count: int = 1) -> None:
        """Count rows of a market; the place of the first is kept."""
        self._counts[market] = self._counts.get(market, 0) + count
        self._places.setdefault(market, place)

    def check(self, faults: Faults) -> None:
        """Tell `faults` of each market with next to no rows beside another with many.

        Taken for a market of its own, a damaged name would silently take a row from the market that it is of.
        """
        most = max(self._counts.values(), default=0)
        for market, count in self._counts.items():
            if count <= FEW_ROWS and most >= MANY_ROWS:
                told = f"{market} has {count} of the rows here and another market {most}: is its name damaged?"
                faults.pass_over(self._places[market].error(told))


class Owners:
    """Which stream tells a market's quotes, prints and books: two that tell the same would count it twice."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, type], str] = {}

    def claim(self, entry: Entry, name: str) -> None:
        """Note which format tells this kind of event for the market. Raises DataFileError where another one has."""
        kind = type(entry.event)
        owner = self._names.setdefault((entry.event.market, kind), name)
        if owner != name:
            raise twice_error(entry.place, entry.event.market, 1 - rank(entry.event), owner, name)


def twice_error(place: Place, market: str, kind: int, owner: str, name: str) -> DataFileError:
    """Make the error for a second format that tells the same of a market: 1 prints, 0 quotes, else books."""
    word = {1: "prints", 0: "quotes"}.get(kind, "books")
    return place.error(
        f"the {word} of {market} come from {owner} files already, and from {name} files too", hint="give one of them"
    )


def streams_of(sources: Sequence[Source], options: ReadOptions, faults: Faults) -> list[Stream]:
    """Group the sources by their formats, those of one format in the order of their first times."""
    found: dict[str, list[tuple[Source, Found]]] = {}
    for source in sources:
        kind = found_of(source, options.format)
        if kind.format_holds == "candles":
            raise source.place.error(f"holds {kind.format.says}, which are run alone")
        if kind.format_holds == "funding" and not {"interval_h", "settles"} & dict(kind.roles).keys():
            raise source.place.error("holds settled funding rates", hint="give the file as --funding")
        found.setdefault(kind.format.name, []).append((source, kind))
    streams = []
    for name, given in found.items():
        members = _by_time(given, options) if len(given) > 1 else given
        stream = Stream(name, members[0][1].format_holds)
        before = None
        for source, kind in members:
            before = SourceRows(source, kind, options.market, faults, before)
            stream.rows.append(before)
        streams.append(stream)
    return streams


def _by_time(members: Sequence[tuple[Source, Found]], options: ReadOptions) -> list[tuple[Source, Found]]:
    """Sort the sources by their first times; one that tells none by itself stays behind the one before it."""
    keyed: list[tuple[int, int, tuple[Source, Found]]] = []
    for number, (source, found) in enumerate(members):
        rows = SourceRows(source, found, options.market, Faults(Budget(options.skip_bad)), None)
        first = next(rows.entries(), None)
        time_ms = first.event.time_ms if first is not None else keyed[-1][0] if keyed else 0
        keyed.append((time_ms, number, (source, found)))
    return [member for _, _, member in sorted(keyed, key=lambda one: one[:2])]


def _timed(stream: Iterator[Entry], late: list[Entry]) -> Iterator[Entry]:
    """Yield the stream without its funding, which has no place among the others; put that into `late`."""
    for entry in stream:
        if isinstance(entry.event, FundingRate):
            late.append(entry)
        else:
            yield entry


def _order(entry: Entry) -> tuple[int, int, int]:
    return entry.event.time_ms, entry.sub_ns, rank(entry.event)


class _Sorter:
    """Puts the events of one market in order within TOLERANCE_MS."""

    __slots__ = ("_heap", "_newest", "_number")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, int, Entry]] = []
        self._newest = 0
        self._number = 0

    def add(self, entry: Entry, ahead: Source | None) -> Iterator[Entry]:
        time_ms = entry.event.time_ms
        late = self._newest - time_ms
        if late > TOLERANCE_MS:
            raise late_error(entry.place, entry.event.market, late, ahead)
        self._newest = max(self._newest, time_ms)
        self._number += 1
        heappush(self._heap, (time_ms, entry.sub_ns, rank(entry.event), self._number, entry))
        while self._heap[0][0] < self._newest - TOLERANCE_MS:
            yield heappop(self._heap)[4]

    def rest(self) -> Iterator[Entry]:
        while self._heap:
            yield heappop(self._heap)[4]


def late_error(place: Place, market: str, late_ms: int, ahead: Source | None) -> DataFileError:
    """Make the error for an event that is older than the newest one before it by more than TOLERANCE_MS.

    `ahead` is the file that ends with that one, where it is another file.
    """
    if ahead is not None:
        return place.error(f"{market} starts {late_ms} ms before {ahead.place.path} ends", hint=OVERLAP)
    return place.error(late_words(market, late_ms))


def rank(event: TapeEvent) -> int:
    """Return the place of an event among those of its time: 0 for prints, 1 for quotes, 2 for books."""
    if isinstance(event, Trade):
        return 0
    return 1 if isinstance(event, TapeQuote) else 2

"""All files of a run as the ordered events of each market, in little memory: the fast way of TapeReader. Layer: tape.

What was read is put in order block by block and spooled to a file; files that are merged meet there. Raises the same
errors as TapeReader.entries, and hands out the same events. Needs NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from pfmm.errors import ConfigError
from pfmm.model.market import FundingRate
from pfmm.store.files import nameless_file
from pfmm.tape.batches import DEPTH_WIDTH, EVENT_WIDTH, QUOTE, TRADE, Batch, Ordered, in_order
from pfmm.tape.events import TOLERANCE_MS, Place
from pfmm.tape.native import Units
from pfmm.tape.options import ReadOptions
from pfmm.tape.reading import Strays, Stream, check_not_empty, late_error, streams_of, twice_error
from pfmm.tape.rows import Budget, Faults
from pfmm.tape.source_batches import source_batches
from pfmm.tape.sources import Source, Watcher, expand

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

WIDTH = EVENT_WIDTH + 1
CHUNK_ROWS = 131_072
MEMORY_BYTES = 160 << 20  # of events that are kept in memory: 3 million


class Memory:
    """How many bytes of events may still be kept in memory, over all markets."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, count: int) -> bool:
        """Tell whether `count` more may be kept; once one may not, none may."""
        self._left = self._left - count if count <= self._left else 0
        return self._left > 0


class Spool:
    """The ordered events of one market from one stream: in memory while that lasts, else on disk."""

    def __init__(self, memory: Memory, make_file: Callable[[], IO[bytes]]) -> None:
        self.rows = 0
        self._memory, self._make_file = memory, make_file
        self._parts: list[Ints] = []
        self._file: IO[bytes] | None = None

    def write(self, rows: Ints) -> None:
        """Append rows of 7 numbers."""
        self.rows += len(rows)
        self._parts.append(rows)
        if self._file is not None or not self._memory.take(rows.nbytes):
            self._file = self._file or self._make_file()
            for part in self._parts:
                self._file.write(part.tobytes())
            self._parts.clear()

    def chunks(self) -> Iterator[Ints]:
        """Yield all rows, in chunks."""
        if self._file is None:
            yield from self._parts
            return
        rows = self._mapped(self._file)
        for start in range(0, len(rows), CHUNK_ROWS):
            yield rows[start : start + CHUNK_ROWS]

    def read(self) -> Ints:
        """Return all rows at once."""
        import numpy as np

        if self._file is not None:
            return self._mapped(self._file)
        return np.concatenate(self._parts) if self._parts else np.empty((0, WIDTH), dtype=np.int64)

    def _mapped(self, file: IO[bytes]) -> Ints:
        import numpy as np

        file.flush()
        found: Ints = np.asarray(np.memmap(file, dtype=np.int64, mode="r", shape=(self.rows, WIDTH)))
        return found

    def close(self) -> None:
        """Let go of what is kept."""
        self._parts.clear()
        if self._file is not None:
            self._file.close()


@dataclass(slots=True)
class GatheredMarket:
    """One market: its spools (one a stream), books and settlements, and what was seen of it."""

    name: str
    spools: dict[str, Spool] = field(default_factory=dict)
    depth: list[Ints] = field(default_factory=list)
    funding: list[FundingRate] = field(default_factory=list)
    price_gcd: int = 0
    size_gcd: int = 0
    quotes: int = 0
    trades: int = 0
    depths: int = 0
    crossed: int = 0
    last_ms: int = 0

    def chunks(self) -> Iterator[Ints]:
        """Yield the events in order, in chunks of rows of 7 numbers."""
        spools = [spool for spool in self.spools.values() if spool.rows]
        if len(spools) == 1:
            yield from spools[0].chunks()
        elif spools:
            yield from _merged([spool.read() for spool in spools])

    def depth_rows(self) -> Ints:
        """Return the books in time order, of 81 numbers each."""
        import numpy as np

        if not self.depth:
            return np.empty((0, DEPTH_WIDTH), dtype=np.int64)
        rows = np.concatenate(self.depth)
        return rows[np.argsort(rows[:, 0], kind="stable")]


def _merged(spools: Sequence[Ints]) -> Iterator[Ints]:
    import numpy as np

    at = [0] * len(spools)
    while any(start < len(spool) for start, spool in zip(at, spools, strict=True)):
        # as far as the stream whose next chunk ends first: what is older has all been seen
        ends = [
            int(spool[min(start + CHUNK_ROWS, len(spool)) - 1, 0])
            for start, spool in zip(at, spools, strict=True)
            if start < len(spool)
        ]
        stop_ms = min(ends)
        parts = []
        for number, spool in enumerate(spools):
            end = at[number] + int(spool[at[number] :, 0].searchsorted(stop_ms, side="right"))
            parts.append(spool[at[number] : end])
            at[number] = end
        yield in_order(np.concatenate(parts))


class Gathering:
    """Use as a context manager. Reads files once; afterwards `markets`, `units` and `faults` say what was found.

    Events are spooled in `folder`.
    """

    def __init__(self, options: ReadOptions, folder: Path) -> None:
        self.options = options
        self.markets: dict[str, GatheredMarket] = {}
        self.units: dict[str, Units] = {}
        self.faults = Faults(Budget(options.skip_bad))
        self.streams: list[Stream] = []
        self._folder = folder
        self._memory = Memory(MEMORY_BYTES)
        self._owners: dict[tuple[str, int], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for market in self.markets.values():
            for spool in market.spools.values():
                spool.close()

    def read(self, files: Sequence[Path], watch: Watcher | None = None) -> None:
        """Read the files; `watch` is told how many of their bytes have been read.

        Raises DataFileError for anything unreadable, cut, malformed or out of order, with file and line.
        """
        self.streams = streams_of(expand(files), self.options, self.faults)
        told = any(stream.holds in ("quotes", "ticks") for stream in self.streams)
        for stream in self.streams:
            self._stream(stream, without_quotes=told and stream.holds == "book", watch=watch)

    def _stream(self, stream: Stream, *, without_quotes: bool, watch: Watcher | None) -> None:
        orders: dict[str, Ordered] = {}
        done = 0
        ahead: Source | None = None
        for rows in stream.rows:
            if watch is not None:
                rows.watch = _further(watch, done)
                done += rows.source.path.stat().st_size
            began: set[str] = set()
            began_at = Strays()
            found = False
            for raw in source_batches(rows):
                found = True
                batch = _without_quotes(raw) if without_quotes else raw
                market = self.markets.setdefault(batch.market, GatheredMarket(batch.market))
                market.funding += batch.funding
                order = orders.setdefault(batch.market, Ordered(TOLERANCE_MS))
                late = order.late(batch)
                if late is not None:
                    first = batch.market not in began and late.first
                    raise late_error(rows.source.at(late.line), batch.market, late.ms, ahead if first else None)
                if len(batch.events) or len(batch.depth):
                    began.add(batch.market)
                if len(batch.lines) or len(batch.depth):
                    line = int(batch.lines[0] if len(batch.lines) else batch.depth_lines[0])
                    began_at.add(batch.market, rows.source.at(line), len(batch.lines) + len(batch.depth))
                self._note(market, batch, stream, rows.source.at(0))
                self._spool(market, stream.name, order.add(batch))
            began_at.check(self.faults)
            self.units.update(rows.units)
            rows.empty = not found
            ahead = rows.source if found else ahead
        check_not_empty(stream)
        for name, order in orders.items():
            self._spool(self.markets[name], stream.name, order.rest())

    def _note(self, market: GatheredMarket, batch: Batch, stream: Stream, place: Place) -> None:
        kinds = batch.events[:, 1]
        trades = int((kinds == TRADE).sum())
        counts = {TRADE: trades, QUOTE: len(kinds) - trades, 2: len(batch.depth)}
        for kind, count in counts.items():
            if count and self._owners.setdefault((market.name, kind), stream.name) != stream.name:
                raise twice_error(place, market.name, kind, self._owners[market.name, kind], stream.name)
        market.trades += counts[TRADE]
        market.quotes += counts[QUOTE]
        market.depths += counts[2]
        if len(batch.depth):
            market.depth.append(batch.depth)
            market.last_ms = max(market.last_ms, int(batch.depth[:, 0].max()))
            self._divide(market, batch.depth[:, 1::2], batch.depth[:, 2::2])

    def _spool(self, market: GatheredMarket, stream: str, rows: Ints) -> None:
        if not len(rows):
            return
        market.last_ms = max(market.last_ms, int(rows[-1, 0]))
        quotes = rows[:, 1] == QUOTE
        crossed = quotes & (rows[:, 2] > 0) & (rows[:, 4] > 0) & (rows[:, 2] >= rows[:, 4])
        if crossed.any():
            market.crossed += int(crossed.sum())
            rows, quotes = rows[~crossed], quotes[~crossed]
        self._divide(market, rows[:, 2], rows[:, 3])
        self._divide(market, rows[quotes, 4], rows[quotes, 5])
        if stream not in market.spools:
            market.spools[stream] = Spool(self._memory, self._file)
        market.spools[stream].write(rows)

    @staticmethod
    def _divide(market: GatheredMarket, prices: Ints, sizes: Ints) -> None:
        market.price_gcd = common_divisor(market.price_gcd, prices)
        market.size_gcd = common_divisor(market.size_gcd, sizes)

    def _file(self) -> IO[bytes]:
        try:
            return nameless_file(self._folder)
        except OSError as error:
            raise ConfigError(f"{self._folder}: cannot be written: {error.strerror}") from error


def _further(watch: Watcher, done: int) -> Watcher:
    return lambda count: watch(done + count)


def _without_quotes(batch: Batch) -> Batch:
    kept = batch.events[:, 1] != QUOTE
    return batch._replace(events=batch.events[kept], sub_ns=batch.sub_ns[kept], lines=batch.lines[kept])


def common_divisor(divisor: int, numbers: Ints) -> int:
    """Return the largest number that divides `divisor` and all of `numbers`: 0 and [30, 20] give 10.

    Division by the divisor found so far costs less than a greatest common divisor of each number, and nearly always
    leaves nothing.
    """
    import numpy as np

    flat = np.ravel(numbers)
    if not len(flat):
        return divisor
    found = divisor or int(np.gcd.reduce(flat[:100]))
    left = flat if not found else flat[flat % found != 0]
    return int(np.gcd.reduce(np.append(left, found))) if len(left) else found

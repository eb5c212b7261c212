"""Partial books of a Binance capture, each whole in its message, as columns. Layer: tape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pfmm.tape.arrow import Doubt
from pfmm.tape.batches import DEPTH_LEVELS, QUOTE, depth_rows, event_rows
from pfmm.tape.books import DEPTH_EVERY_MS, LevelBook
from pfmm.tape.formats.binance_block import BlockMarket
from pfmm.tape.formats.binance_stream import BinanceReader
from pfmm.tape.shapes import Columns, Path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

NAMES = (("bids", "b"), ("asks", "a"))
ASK = 1 + 2 * DEPTH_LEVELS  # where the best ask of a book stands


@dataclass(frozen=True, slots=True)
class WholeBooks:
    """Books of many messages: their times, prices and sizes level by level, and the texts of the best."""

    times: Ints
    depth: Ints  # as a Batch has it
    best: list[tuple[Ints, list[str]]]  # which text the bid, its size, the ask and its size are, and the texts

    def take(self, market: BlockMarket, rows: Any, lines: Ints, reader: BinanceReader) -> None:
        """Give the market what these rows show: the best prices where they changed, and a book a second."""
        book = reader.partial.setdefault(market.name, LevelBook())
        times, depth = self.times[rows], self.depth[rows]
        noted = []
        for at, time_ms in enumerate(times.tolist()):
            if time_ms >= book.next_ms:
                book.next_ms = time_ms + DEPTH_EVERY_MS
                noted.append(at)
        market.parts.add_depth(lines[noted], depth[noted])
        if market.name not in reader.ticked:
            self._show(market, book, rows, lines)

    def _show(self, market: BlockMarket, book: LevelBook, rows: Any, lines: Ints) -> None:
        import numpy as np

        stop = len(lines) if market.first_ticker is None else int(lines.searchsorted(market.first_ticker))
        if not stop:
            return
        codes = [column[rows][:stop] for column, _ in self.best]
        changed = np.ones(stop, dtype=bool)
        changed[1:] = np.any([column[1:] != column[:-1] for column in codes], axis=0)
        for at in (0, -1):
            bid, bid_size, ask, ask_size = (texts[one[at]] for one, (_, texts) in zip(codes, self.best, strict=True))
            new = book.shows_new((bid, bid_size), (ask, ask_size))
            changed[0] = new if at == 0 else changed[0]
        found = event_rows(QUOTE, self.times[rows][:stop], *self.depth[rows][:stop][:, [1, 2, ASK, ASK + 1]].T)
        market.parts.add(lines[:stop][changed], found[changed])


def whole_books(columns: Columns, prefix: Path, times: Ints) -> WholeBooks:
    """Read the books of messages of one shape; raise Doubt where a side is empty, or its levels are out of order."""
    import numpy as np

    sides, best = [], []
    for side, names in enumerate(NAMES):
        levels = _levels(columns.shape.record, prefix, names)
        best += [columns.names((*levels[0], at)) for at in (0, 1)]
        numbers = columns.decimals(*((*level, at) for at in (0, 1) for level in levels))
        prices, sizes = np.array(numbers[: len(levels)]), np.array(numbers[len(levels) :])
        steps = np.diff(prices, axis=0) * (1 if side else -1)
        if not (prices > 0).all() or not (sizes > 0).all() or (steps <= 0).any():
            raise Doubt
        sides.append((list(prices), list(sizes)))
    return WholeBooks(times, depth_rows(times, sides), best)


def _levels(record: Any, prefix: Path, names: tuple[str, str]) -> list[Path]:
    data = record["data"] if prefix else record
    name = names[0] if names[0] in data else names[1]
    if not data[name]:
        raise Doubt
    return [(*prefix, name, number) for number in range(len(data[name]))]

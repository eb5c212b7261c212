"""Partial books of a Binance capture, each whole in its message, as columns. Layer: tape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pfmm.tape.arrow import Doubt
from pfmm.tape.batches import DEPTH_LEVELS, QUOTE, depth_rows, event_rows
from pfmm.tape.books import DEPTH_EVERY_MS, LevelBook
from pfmm.tape.formats.binance_block import BlockMarket
from pfmm.tape.formats.binance_stream import BinanceReader
from pfmm.tape.number_books import best_numbers, best_texts
from pfmm.tape.shapes import Columns, Path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

NAMES = (("bids", "b"), ("asks", "a"))
ASK = 1 + 2 * DEPTH_LEVELS  # where the best ask of a book stands


def whole_books(columns: Columns, prefix: Path, times: Ints) -> Ints:
    """Read the books of messages of one shape, as a Batch has them.

    Raises Doubt where a side is empty, or its levels are out of order.
    """
    import numpy as np

    sides = []
    for side, names in enumerate(NAMES):
        levels = _levels(columns.shape.record, prefix, names)
        numbers = columns.decimals(*((*level, at) for at in (0, 1) for level in levels))
        prices, sizes = np.array(numbers[: len(levels)]), np.array(numbers[len(levels) :])
        steps = np.diff(prices, axis=0) * (1 if side else -1)
        if not (prices > 0).all() or not (sizes > 0).all() or (steps <= 0).any():
            raise Doubt
        sides.append((list(prices), list(sizes)))
    return depth_rows(times, sides)


def take_books(market: BlockMarket, lines: Ints, depth: Ints, reader: BinanceReader) -> None:
    """Give a market what books in the order of lines show: best prices where they changed, and a book a second."""
    book = reader.partial.setdefault(market.name, LevelBook())
    noted = []
    for at, time_ms in enumerate(depth[:, 0].tolist()):
        if time_ms >= book.next_ms:
            book.next_ms = time_ms + DEPTH_EVERY_MS
            noted.append(at)
    market.parts.add_depth(lines[noted], depth[noted])
    if market.name in reader.ticked:
        return
    stop = len(lines) if market.first_ticker is None else int(lines.searchsorted(market.first_ticker))
    if stop:
        _show(market, book, lines[:stop], depth[:stop])


def _show(market: BlockMarket, book: LevelBook, lines: Ints, depth: Ints) -> None:
    import numpy as np

    quotes = depth[:, [0, 1, 2, ASK, ASK + 1]]
    changed = np.ones(len(lines), dtype=bool)
    changed[1:] = (quotes[1:, 1:] != quotes[:-1, 1:]).any(axis=1)
    changed[0] = book.best is None or best_numbers(book.best) != tuple(quotes[0, 1:].tolist())
    bid, bid_size, ask, ask_size = quotes[-1, 1:].tolist()
    book.best = best_texts((bid, bid_size, ask, ask_size))
    market.parts.add(lines[changed], event_rows(QUOTE, *quotes[changed].T))


def _levels(record: Any, prefix: Path, names: tuple[str, str]) -> list[Path]:
    data = record["data"] if prefix else record
    name = names[0] if names[0] in data else names[1]
    if not data[name]:
        raise Doubt
    return [(*prefix, name, number) for number in range(len(data[name]))]

"""What one block of a Binance capture tells of one market, until it is a batch of columns. Layer: tape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pfmm.tape.arrow import Doubt, decimals_of_texts
from pfmm.tape.batches import QUOTE, TRADE, Batch, Parts, event_rows, levels_row
from pfmm.tape.books import DEPTH_EVERY_MS
from pfmm.tape.formats.binance_stream import BinanceReader, DepthBook
from pfmm.tape.line_blocks import plain_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


class BlockMarket:
    """One market of a block."""

    def __init__(self, name: str, book: DepthBook) -> None:
        self.name, self.book = name, book
        self.quotes: list[tuple[Any, ...]] = []  # T, b, B, a, A of lines that were read one by one
        self.quote_lines: list[int] = []
        self.trades: dict[str, list[tuple[Any, ...]]] = {}  # T, p, q, m, id, by their stream
        self.trade_lines: dict[str, list[int]] = {}
        self.depth: list[list[int]] = []
        self.depth_lines: list[int] = []
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.parts = Parts()
        self._prints: dict[str, list[tuple[Ints, Ints, Ints]]] = {}  # lines, events and ids, by their stream

        self.first_ticker: int | None = None  # the line of the first bookTicker

    def saw_ticker(self, line: int) -> None:
        """Note a line with a bookTicker."""
        self.first_ticker = line if self.first_ticker is None else min(line, self.first_ticker)

    def add_trade(self, kind: str, trade: tuple[Any, ...], line: int) -> None:
        """Take T, p, q, m and id of one print."""
        self.trades.setdefault(kind, []).append(trade)
        self.trade_lines.setdefault(kind, []).append(line)

    def add_quotes(self, lines: Ints, times: Ints, numbers: list[Ints]) -> None:
        """Take quotes: bids, their sizes, asks and theirs in 1e-8."""
        rows = event_rows(QUOTE, plain_ms(times), *numbers)
        if not (rows[:, 2] > 0).all() or not (rows[:, 4] > 0).all():
            raise Doubt
        self.saw_ticker(int(lines[0]))
        self.parts.add(lines, rows)

    def add_trades(self, kind: str, lines: Ints, times: Ints, numbers: list[Ints], maker: Ints, ids: Ints) -> None:
        """Take prints: prices and sizes in 1e-8, whether the buyer was the maker, and ids."""
        import numpy as np

        rows = event_rows(TRADE, plain_ms(times), *numbers, np.where(maker, -1, 1))
        if not rows[:, 2:4].all():
            raise Doubt
        self._prints.setdefault(kind, []).append((lines, rows, ids))

    def flush(self) -> None:
        """Bring the changes that wait into the book; raises Doubt for what is no level."""
        for waiting, side in ((self.bids, self.book.bids), (self.asks, self.book.asks)):
            if not waiting:
                continue
            prices, sizes = decimals_of_texts(list(waiting)), decimals_of_texts(list(waiting.values()))
            if not prices.all() or len(set(prices.tolist())) < len(waiting):
                raise Doubt
            for (price, size), amount in zip(waiting.items(), sizes.tolist(), strict=True):
                if amount:
                    side[float(price)] = (price, size)
                else:
                    side.pop(float(price), None)
            waiting.clear()

    def sample(self, time_ms: int, line: int) -> None:
        """Note twenty levels a side."""
        self.flush()
        self.book.next_ms = time_ms + DEPTH_EVERY_MS
        top = self.book.top(self.name, time_ms)
        self.depth_lines.append(line)
        self.depth.append([time_ms, *levels_row(top.bids), *levels_row(top.asks)])

    def batch(self, reader: BinanceReader) -> Batch:
        """Put everything together in the order of lines; `reader` notes what later blocks must know."""
        import numpy as np

        for lines, rows in self._kept_prints(reader):
            self.parts.add(lines, rows)
        if self.depth:
            self.parts.add_depth(np.array(self.depth_lines, dtype=np.int64), np.array(self.depth, dtype=np.int64))
        return self.parts.batch(self.name)

    def take_lists(self) -> None:
        """Turn what was read line by line into columns."""
        import numpy as np

        if self.quotes:
            times, *texts = zip(*self.quotes, strict=True)
            numbers = [decimals_of_texts(list(column)) for column in texts]
            self.add_quotes(np.array(self.quote_lines, dtype=np.int64), _whole(times), numbers)
        for kind, trades in self.trades.items():
            times, price, size, maker, ids = zip(*trades, strict=True)
            if set(map(type, maker)) != {bool}:
                raise Doubt
            numbers = [decimals_of_texts(list(price)), decimals_of_texts(list(size))]
            lines = np.array(self.trade_lines[kind], dtype=np.int64)
            self.add_trades(kind, lines, _whole(times), numbers, np.array(maker), _whole(ids))

    def _kept_prints(self, reader: BinanceReader) -> list[tuple[Ints, Ints]]:
        """Return the prints of the stream that the market's prints are taken from; those of another are passed over."""
        import numpy as np

        name = self.name
        if not self._prints:
            return []
        if name not in reader.prints and len(self._prints) > 1:
            raise Doubt  # whichever came first
        kept = reader.prints.setdefault(name, next(iter(self._prints)))
        found = self._prints.pop(kept, [])
        reader.skipped += sum(len(lines) for parts in self._prints.values() for lines, _, _ in parts)
        if not found:
            return []
        lines, ids = (np.concatenate([part[at] for part in found]) for at in (0, 2))
        in_order = ids[np.argsort(lines, kind="stable")]
        if in_order[0] <= reader.last_trade.get(name, -1) or (np.diff(in_order) <= 0).any():
            raise Doubt
        reader.last_trade[name] = int(in_order[-1])
        return [(lines, rows) for lines, rows, _ in found]


def _whole(numbers: tuple[Any, ...]) -> Ints:
    import numpy as np

    found = np.array(numbers)
    if found.dtype != np.int64 or set(map(type, numbers)) != {int}:
        raise Doubt
    return found

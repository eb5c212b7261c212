"""What `pfmm record` wrote, whole blocks at a time: lines of one shape as columns. Layer: tape.

Reads what RecordingReader reads. The header, gaps and settlements go through that reader itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pfmm.errors import DataFileError
from pfmm.tape.arrow import Doubt
from pfmm.tape.batches import QUOTE, TRADE, Batch, Parts, depth_rows, event_rows, in_order_of_lines
from pfmm.tape.fixed import Unfit
from pfmm.tape.formats.own import RecordingReader
from pfmm.tape.line_blocks import Prints, add_prints, aggressors, by_name, markets_of, plain_ms, remaining
from pfmm.tape.native import AGGRESSORS
from pfmm.tape.shapes import DIGITS, Columns, Path, Shapes
from pfmm.tape.sources import Block, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FEW = 32  # lines of one shape: below that a table takes longer than a parser
VARIES = DIGITS + b"abcdef-"  # of ids too


class RecordingFast:
    """The fast way through the lines of one reader."""

    def __init__(self, reader: RecordingReader) -> None:
        self._reader = reader
        self._shapes = Shapes(VARIES, FEW, _is_plain)

    def read(self, block: Block, source: Source, *, stamped: bool) -> list[Batch]:
        """Read the events of a block; where it is not plain, remember nothing of it and raise Doubt."""
        reader = self._reader
        saved = reader.remembered()
        try:
            groups, rest = self._shapes.groups(block.content, stamped=stamped)
            if not reader.begun and (not rest or rest[0][0]):
                raise Doubt  # the first line is no header
            parts = remaining(reader, rest, block, source, stamped=stamped)
            prints: list[Prints] = []
            for group in groups:
                self._read(group.columns, group.at + block.first_line, parts, prints)
            add_prints(prints, parts, reader.seen)
            return in_order_of_lines([one.batch(market) for market, one in parts.items()])
        except (Doubt, KeyError, TypeError, ValueError, Unfit, DataFileError) as error:
            reader.go_back(saved)
            raise Doubt from error

    def _read(self, columns: Columns, lines: Ints, parts: dict[str, Parts], prints: list[Prints]) -> None:
        import numpy as np

        record = columns.shape.record
        kinds = columns.names(("kind",))[1]
        if kinds != [record["kind"]]:
            raise Doubt
        times = plain_ms(columns.wholes(("time",)))
        codes, names = columns.names(("market",))
        markets = markets_of(names, str)
        if record["kind"] == "trade":
            found = _prints(columns, times, lines, codes, markets)
            if "missed" in record and columns.truths(("missed",)).any():
                self._reader.skipped += len(lines)
                if not columns.truths(("missed",)).all():
                    raise Doubt
            else:
                prints.append(found)
            return
        none = np.zeros(len(times), dtype=np.int64)
        if record["kind"] == "quote":
            sides = [_best(columns, name) for name in ("bid", "ask")]
            rows = event_rows(QUOTE, times, *(none if one is None else one for side in sides for one in side))
        else:
            rows = depth_rows(times, [_levels(columns, record, name) for name in ("bids", "asks")])
        for market, mine in by_name(codes, markets):
            part = parts.setdefault(market, Parts())
            add = part.add if record["kind"] == "quote" else part.add_depth
            add(lines[mine], rows[mine])


def _is_plain(record: Any) -> bool:
    return isinstance(record, dict) and record.get("kind") in ("quote", "trade", "depth")


def _prints(columns: Columns, times: Ints, lines: Ints, codes: Ints, markets: list[str]) -> Prints:
    price, size = columns.decimals(("price",), ("size",))
    if not price.all() or not size.all():
        raise Doubt
    ids = columns.joined(("id",)).to_pylist() if "id" in columns.shape.record else None
    if ids is not None and not ("".join(ids).isprintable() and all(ids)):
        raise Doubt
    sides = aggressors(*columns.names(("aggressor",)), AGGRESSORS)
    return Prints(lines, event_rows(TRADE, times, price, size, sides), codes, markets, ids)


def _best(columns: Columns, name: str) -> tuple[Ints | None, Ints | None]:
    """Return prices and sizes of one side of quotes; None for a side that is absent."""
    if columns.shape.record[name] is None:
        return None, None
    price, size = columns.decimals((name,), (f"{name}_size",))
    if not price.all():
        raise Doubt
    return price, size


def _levels(columns: Columns, record: Any, name: str) -> tuple[list[Ints], list[Ints]]:
    if any(len(pair) != 2 for pair in record[name]):
        raise Doubt
    places: list[Path] = [(name, number) for number in range(len(record[name]))]
    prices, sizes = (columns.decimals(*((*one, at) for one in places)) for at in (0, 1))
    if not all(column.all() for column in prices):
        raise Doubt
    return prices, sizes

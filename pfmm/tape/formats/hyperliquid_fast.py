"""Hyperliquid's archives and captures, whole blocks at a time: lines of one shape as columns. Layer: tape.

Reads what HyperliquidReader reads. The few lines of unusual shapes go through that reader itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pfmm.errors import DataFileError
from pfmm.tape.arrow import Doubt, iso_ns
from pfmm.tape.batches import QUOTE, TRADE, Batch, Parts, depth_rows, event_rows, in_order_of_lines
from pfmm.tape.fixed import Unfit
from pfmm.tape.formats.hyperliquid import SIDES, HyperliquidReader, perp
from pfmm.tape.line_blocks import Prints, add_prints, aggressors, by_name, markets_of, plain_ms, remaining, row_by_row
from pfmm.tape.shapes import HEX, Columns, Group, Path, Shapes
from pfmm.tape.sources import Block, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FEW = 32  # lines of one shape: below that a table takes longer than a parser
Where = tuple[str, Path]


class HyperliquidFast:
    """The fast way through the lines of one reader."""

    def __init__(self, reader: HyperliquidReader) -> None:
        self._reader = reader
        self._shapes = Shapes(HEX, FEW, lambda record: _content(record) is not None)

    def read(self, block: Block, source: Source, *, stamped: bool) -> list[Batch]:
        """Read the events of a block; where it is not plain, remember nothing of it and raise Doubt."""
        saved = self._reader.remembered()
        try:
            groups, rest = self._shapes.groups(block.content, stamped=stamped)
            parts = remaining(self._reader, rest, block, source, stamped=stamped)
            prints: list[Prints] = []
            for group in groups:
                _read(group, group.at + block.first_line, parts, prints)
            add_prints(prints, parts, self._reader.seen)
            return in_order_of_lines([one.batch(market) for market, one in parts.items()])
        except (Doubt, KeyError, TypeError, ValueError, Unfit, DataFileError) as error:
            self._reader.go_back(saved)
            raise Doubt from error


def _content(record: Any) -> Where | None:
    """Return what a record tells ("levels", "bbo", "trades", "px") and where; None for what is read by itself."""
    at: Path = ()
    if isinstance(record, dict) and "raw" in record:
        record, at = record["raw"], ("raw",)
    if not isinstance(record, dict) or ("events" in record and "block_number" in record):
        return None
    if "levels" in record:
        return "levels", at
    if "channel" not in record:
        return ("px", at) if "px" in record else None
    kind = {"l2Book": "levels", "bbo": "bbo", "trades": "trades"}.get(record["channel"])
    wanted = list if kind == "trades" else dict
    return None if kind is None or not record.get("data") or not isinstance(record["data"], wanted) else (
        kind, (*at, "data"))  # fmt: skip


def _read(group: Group, lines: Ints, parts: dict[str, Parts], prints: list[Prints]) -> None:
    found = _content(group.shape.record)
    assert found is not None
    kind, at = found
    columns = group.columns
    if at and at[-1] == "data" and len(columns.names((*at[:-1], "channel"))[1]) > 1:
        raise Doubt
    if kind == "trades":
        prints.append(_prints(columns, [(*at, number) for number in range(len(_at(group.shape.record, at)))], lines))
    elif kind == "px":
        prints.append(_prints(columns, [at], lines))
    else:
        _tops(columns, kind, at, lines, parts)


def _tops(columns: Columns, kind: str, at: Path, lines: Ints, parts: dict[str, Parts]) -> None:
    """Read books, or best prices alone, and the quotes that they show."""
    import numpy as np

    record = _at(columns.shape.record, at)
    times = _times(columns, [(*at, "time")])
    if len(record[kind]) != 2:
        raise Doubt
    none = np.zeros(len(lines), dtype=np.int64)
    sides: list[tuple[list[Ints], list[Ints]]] = []
    best: list[Ints] = []
    for side, told in enumerate(record[kind]):
        place = (*at, kind, side)
        levels = [(*place, number) for number in range(len(told))] if kind == "levels" else [place] if told else []
        prices = columns.decimals(*((*level, "px") for level in levels))
        sizes = columns.decimals(*((*level, "sz") for level in levels))
        if not all(column.all() for column in prices):
            raise Doubt
        sides.append((prices, sizes))
        best += [prices[0], sizes[0]] if levels else [none, none]
    quotes = event_rows(QUOTE, times, *best)
    depth = depth_rows(times, sides) if kind == "levels" else None
    codes, coins = columns.names((*at, "coin"))
    for market, rows in by_name(codes, markets_of(coins, perp)):
        part = parts.setdefault(market, Parts())
        part.add(lines[rows], quotes[rows])
        if depth is not None:
            part.add_depth(lines[rows], depth[rows])


def _prints(columns: Columns, at: list[Path], lines: Ints) -> Prints:
    import numpy as np

    count = len(at)
    price, size = (row_by_row(columns.decimals(*((*one, name) for one in at))) for name in ("px", "sz"))
    if not price.all() or not size.all():
        raise Doubt
    times = _times(columns, [(*one, "time") for one in at])
    codes, coins = columns.names(*((*one, "coin") for one in at))
    sides = aggressors(*columns.names(*((*one, "side") for one in at)), SIDES)
    markets, sides = row_by_row(np.split(codes, count)), row_by_row(np.split(sides, count))
    with_ids = {"tid" in _at(columns.shape.record, one) for one in at}
    if len(with_ids) > 1:
        raise Doubt
    ids = row_by_row([columns.wholes((*one, "tid")) for one in at]).tolist() if True in with_ids else None
    return Prints(
        np.repeat(lines, count),
        event_rows(TRADE, times, price, size, sides),
        markets,
        markets_of(coins, perp),
        None if ids is None else [str(one) for one in ids],
    )


def _times(columns: Columns, at: list[Path]) -> Ints:
    """Return times that are told in ms, or in ISO-8601."""
    kinds = {columns.shape.values[one].kind if one in columns.shape.values else "text" for one in at}
    if kinds == {"number"}:
        return plain_ms(row_by_row([columns.wholes(one) for one in at]))
    return plain_ms(row_by_row([iso_ns(columns.joined(one)) // 1_000_000 for one in at]))


def _at(record: Any, path: Path) -> Any:
    for name in path:
        record = record[name]
    return record

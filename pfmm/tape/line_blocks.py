"""What the fast ways through JSON lines have in common: the lines that are read one by one, and prints told once.

Layer: tape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pfmm.model.units import LAST_MS
from pfmm.tape.arrow import Doubt
from pfmm.tape.batches import Collector, Parts
from pfmm.tape.events import Entry, json_value
from pfmm.tape.layout import LineReader
from pfmm.tape.seen import SeenIds
from pfmm.tape.sources import Block, Source, decoded
from pfmm.tape.trimmed import LONG

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


class Prints(NamedTuple):
    """Prints of lines of one shape: which market each is of, and its id where it has one."""

    lines: Ints
    events: Ints
    codes: Ints
    markets: list[str]
    ids: list[str] | None


def remaining(
    reader: LineReader, rest: Sequence[tuple[int, bytes]], block: Block, source: Source, *, stamped: bool
) -> dict[str, Parts]:
    """Read lines one by one, and return their events by market.

    Raises Doubt for a number of which digits are cut, DataFileError for what makes no sense.
    """
    collector = Collector()
    for at, raw in rest:
        place = source.at(block.first_line + at)
        line = decoded(raw, place)
        if stamped:
            local, _, line = line.partition(" ")
            if not local.isdigit():
                raise Doubt
        if LONG.search(raw) or not line.strip():
            raise Doubt
        for event in reader.read(json_value(line, place), place):
            collector.add(Entry(place, event, 0))
    parts: dict[str, Parts] = {}
    for batch in collector.batches():
        parts.setdefault(batch.market, Parts()).add_batch(batch)
    return parts


def add_prints(found: Sequence[Prints], parts: dict[str, Parts], seen: SeenIds) -> None:
    """Give the markets their prints; raise Doubt where one may be told twice."""
    ids: dict[str, list[tuple[int, int, str]]] = {}
    number = 0
    for prints in found:
        for market, rows in by_name(prints.codes, prints.markets):
            parts.setdefault(market, Parts()).add(prints.lines[rows], prints.events[rows])
        if prints.ids is not None:
            for line, code, one in zip(prints.lines.tolist(), prints.codes.tolist(), prints.ids, strict=True):
                ids.setdefault(prints.markets[code], []).append((line, number, one))
                number += 1
    for market, told in ids.items():
        if not seen.all_new(market, [one for _, _, one in sorted(told)]):
            raise Doubt


def bodies(lines: list[bytes]) -> list[bytes]:
    """Return lines without the recorder's clock, which is as long in each; raise Doubt where it is not."""
    at = lines[0].find(b" ") + 1
    stamps = b"".join([line[:at] for line in lines])
    # each ends in the only blank that it has, where there are as many blanks as lines, every `at` bytes
    alike = bool(at) and stamps[at - 1 :: at] == b" " * len(lines) and stamps.count(b" ") == len(lines)
    if not alike or not stamps.replace(b" ", b"").isdigit():
        raise Doubt
    return [line[at:] for line in lines]


def by_name(codes: Ints, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield each name with the rows that have it."""
    for code, name in enumerate(names):
        yield name, slice(None) if len(names) == 1 else codes == code


def markets_of(names: Sequence[str], market: Callable[[str], str]) -> list[str]:
    """Return the markets of names as they came; raise Doubt for what is no name."""
    if not all(name and name.isprintable() for name in names):
        raise Doubt
    return [market(name) for name in names]


def row_by_row(columns: Sequence[Ints]) -> Ints:
    """Return the numbers of columns line by line: of [[1, 2], [3, 4]] 1, 3, 2, 4."""
    import numpy as np

    return np.stack(columns, axis=1).ravel()


def aggressors(codes: Ints, words: Sequence[str], sides: dict[str, int]) -> Ints:
    """Return 1 or -1 for each side's word; raise Doubt for a word that is none."""
    import numpy as np

    if not sides.keys() >= set(words):
        raise Doubt
    return np.array([sides[word] for word in words], dtype=np.int64)[codes]


def plain_ms(times: Ints) -> Ints:
    """Return times in ms; raise Doubt for one that is none."""
    if (times <= 0).any() or (times > LAST_MS).any():
        raise Doubt
    return times

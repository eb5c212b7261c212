"""hftbacktest's archives of NumPy records: level changes and trades, times in ns, prices and sizes as floats.

Layer: tape. Only what the exchange saw is read, at the exchange's time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pfmm.errors import ConfigError
from pfmm.tape.events import Place
from pfmm.tape.layout import Table
from pfmm.tape.sources import Source

DEPTH, TRADE, CLEAR, SNAPSHOT, BEST = 1, 2, 3, 4, 5
EXCHANGE, BUY = 1 << 31, 1 << 29
CHUNK = 65_536


TABLE = Table(
    name="hftbacktest",
    says="hftbacktest records",
    holds="book",
    columns={role: (role,) for role in ("time", "kind", "side", "price", "size", "sequence")},
)
FORMATS = (TABLE,)
KINDS = {DEPTH: "D", TRADE: "T", SNAPSHOT: "S", BEST: "B"}


@dataclass(slots=True)
class Message:
    """The number of the last message that was read, and its time and kind."""

    number: int = 0
    last: tuple[int, int] = (0, 0)


def npz_rows(source: Source) -> Iterator[tuple[Place, Sequence[str]]]:
    """Yield the records as text cells in the order of the table's columns.

    Floats stand as the shortest decimal that names them.

    Raises DataFileError for an archive without such records, ConfigError without NumPy.
    """
    yield from rows_of(source, records_of(source), 0, Message())


def rows_of(source: Source, records: Any, first: int, at: Message) -> Iterator[tuple[Place, Sequence[str]]]:
    """Yield the records from the one at index `first` on; see npz_rows. `at` is the message before it."""
    for start in range(first, len(records), CHUNK):
        chunk = records[start : start + CHUNK]
        columns = (chunk["ev"].tolist(), chunk["exch_ts"].tolist(), chunk["px"].tolist(), chunk["qty"].tolist())
        for number, (flags, time_ns, price, size) in enumerate(zip(*columns, strict=True), start + 1):
            kind = KINDS.get(flags & 0xFF)
            if not flags & EXCHANGE or kind is None:
                continue
            if (time_ns, flags & 0xFF) != at.last:
                at.number, at.last = at.number + 1, (time_ns, flags & 0xFF)
            side = "b" if flags & BUY else "a"
            yield source.at(number), (str(time_ns), kind, side, _plain(price), _plain(size), str(at.number))


def _plain(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else str(number)


def records_of(source: Source) -> Any:
    """Return an archive's records; raises as `npz_rows` does."""
    import zipfile

    try:
        import numpy as np
    except ImportError as error:
        raise ConfigError("reading npz needs NumPy", hint="pip install 'pfmm[data]'") from error
    try:
        with zipfile.ZipFile(source.path) as archive:
            names = archive.namelist()
            with archive.open("data.npy" if "data.npy" in names else names[0]) as stream:
                records = np.lib.format.read_array(stream, allow_pickle=False)
                if stream.read(1):  # at the end zipfile compares the checksum: a broken length would never get there
                    raise ValueError("its records do not fill it")
    except Exception as error:  # a broken byte may make zipfile, zlib, tokenize or NumPy raise anything
        raise source.place.error(f"cannot be read as npz: {error or type(error).__name__}") from error
    wanted = {"ev", "exch_ts", "px", "qty"}
    if not wanted <= set(records.dtype.names or ()):
        raise source.place.error(f"the npz archive has no records with {', '.join(sorted(wanted))}")
    return records

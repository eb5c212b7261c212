"""Tables of trades and best quotes, CSV (gzip or not) or Parquet, as tape events. Knows no market's units.

Columns: `time_ms,kind,price,size,side,bid,bid_size,ask,ask_size`. A `trade` row has price, size and side (buy or
sell: the aggressor's); a `quote` row has bids and asks; an empty cell is an absent side. Rows are in time order.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, cast

from pfmm.errors import ConfigError
from pfmm.model.market import Trade
from pfmm.tape import must_be_a_file
from pfmm.tape.events import Entry, Place, TapeQuote, not_negative, positive, written_ms

COLUMNS = ("time_ms", "kind", "price", "size", "side", "bid", "bid_size", "ask", "ask_size")
HEADER = ",".join(COLUMNS)
PARQUET_MAGIC = b"PAR1"
GZIP_MAGIC = b"\x1f\x8b"
SIDES = {"buy": 1, "sell": -1}


def is_parquet(path: Path) -> bool:
    """True for a Parquet file."""
    return _first_bytes(path, 4) == PARQUET_MAGIC


def is_table(path: Path) -> bool:
    """True for a CSV file whose first line is the header of trades and quotes."""
    return header_of(path) == HEADER


def header_of(path: Path) -> str:
    """The first line of a text file, "" where there is none."""
    try:
        with _opened(path) as stream:
            return stream.readline(200).decode("ascii", errors="replace").strip()
    except (OSError, EOFError):
        return ""


def lines_of(path: Path, header: str) -> Iterator[tuple[Place, list[str]]]:
    """The cells of every line after the header, with their places; DataFileError for a line of another width, a cut
    file and a file without the header."""
    width = header.count(",") + 1
    number = 0
    try:
        with _opened(path) as stream:
            for number, raw in enumerate(stream, 1):
                place = Place(path, number)
                line = raw.decode().rstrip("\r\n")
                if number == 1:
                    if line != header:
                        raise place.error(f"the header must be {header!r}, not {line[:80]!r}")
                    continue
                cells = line.split(",")
                if len(cells) != width:
                    raise place.error(f"must have {width} cells, not {len(cells)}: {line[:60]!r}")
                yield place, cells
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Place(path, number + 1).error(f"the gzip stream is cut or damaged: {error}") from error
    except UnicodeDecodeError as error:
        raise Place(path, number).error(f"not UTF-8 text: {error.reason}") from error
    except OSError as error:
        raise Place(path, 0).error(f"cannot be read: {error.strerror}") from error


def read_table(files: Sequence[Path], market: str) -> Iterator[Entry]:
    """Every row of `files` as an event of `market`; DataFileError, with the line, for one that makes no sense."""
    last_ms = 0
    for path in files:
        rows = _parquet_rows(path) if is_parquet(path) else lines_of(path, HEADER)
        found = False
        for place, cells in rows:
            event = _event(cells, market, place)
            if event.time_ms < last_ms:
                raise place.error(f"out of order: {event.time_ms} is before {last_ms}")
            last_ms, found = event.time_ms, True
            yield Entry(place, event)
        if not found:
            raise Place(path, 0).error("holds no rows, so there are no quotes to run in")


def _event(cells: Sequence[str], market: str, place: Place) -> TapeQuote | Trade:
    time_text, kind, price, size, side, bid, bid_size, ask, ask_size = cells
    time_ms = written_ms(time_text, "time_ms", place)
    if kind == "trade":
        if side not in SIDES:
            raise place.error(f"side must be buy or sell, not {side!r}")
        return Trade(market, time_ms, positive(price, "price", place), positive(size, "size", place), SIDES[side])
    if kind != "quote":
        raise place.error(f"kind must be trade or quote, not {kind!r}")
    best = _side(bid, bid_size, "bid", place)
    return TapeQuote(market, time_ms, *best, *_side(ask, ask_size, "ask", place))


def _side(price: str, size: str, name: str, place: Place) -> tuple[Decimal | None, Decimal]:
    if not price:
        return None, Decimal(0)
    return positive(price, name, place), not_negative(size, f"{name}_size", place)


def _parquet_rows(path: Path) -> Iterator[tuple[Place, list[str]]]:
    """Rows of a Parquet file as text; numbers that are floats are taken as the shortest decimal that names them."""
    try:
        from pyarrow import ArrowException, float32
        from pyarrow import parquet as pq
    except ImportError as error:
        raise ConfigError("reading Parquet needs pyarrow", hint="pip install 'pfmm[parquet]'") from error
    try:
        opened = pq.ParquetFile(path)
        missing = [name for name in COLUMNS if name not in opened.schema_arrow.names]
        if missing:
            raise Place(path, 0).error(f"the column {missing[0]!r} is missing")
        number = 0
        for batch in opened.iter_batches(columns=list(COLUMNS)):
            columns = (batch.column(name) for name in COLUMNS)
            # widened to a Python float, 64000.1 in 32 bits would become 64000.1015625
            texts = (one.cast("string") if one.type == float32() else one for one in columns)
            for row in zip(*(one.to_pylist() for one in texts), strict=True):
                number += 1
                yield Place(path, number), ["" if cell is None else str(cell) for cell in row]
    except (ArrowException, OSError) as error:
        raise Place(path, 0).error(f"cannot be read as Parquet: {error}") from error


def _first_bytes(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(count)
    except OSError as error:
        raise Place(path, 0).error(f"cannot be read: {error.strerror}") from error


def _opened(path: Path) -> IO[bytes]:
    must_be_a_file(path)
    if _first_bytes(path, 2) == GZIP_MAGIC:
        return cast(IO[bytes], gzip.open(path, "rb"))
    return path.open("rb")

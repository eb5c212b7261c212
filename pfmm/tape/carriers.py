"""What carries a table besides text: Parquet, Feather and NumPy's archives, told by their first bytes. Layer: tape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pfmm.errors import ConfigError
from pfmm.tape.events import Place
from pfmm.tape.formats import tables
from pfmm.tape.layout import Table
from pfmm.tape.recognise import KNOWN, Carrier, Found, named, nearest, recognise, table_of
from pfmm.tape.sources import Source, first_bytes, reading_errors, unpacked

TAPE_MAGIC = b"PFMMTAPE"
MAGICS: dict[bytes, Carrier] = {b"PAR1": "parquet", b"ARROW1": "feather", b"FEA1": "feather", TAPE_MAGIC: "tape"}
BATCH_ROWS = 65_536
LIQUIDATIONS = "liquidation"  # in the name of a file of forced orders, which vendors lay out as trades


def carrier_of(source: Source) -> Carrier:
    """Tell what carries the source's data. Raises DataFileError where it cannot be read."""
    head = first_bytes(source.path, 8)
    if source.member is None and head.startswith(b"PK\x03\x04"):
        return "npz"
    if source.member is not None or head[:2] == b"\x1f\x8b":
        with reading_errors(source, lambda: 1), unpacked(source) as stream:
            head = stream.read(8)
    return next((kind for magic, kind in MAGICS.items() if head.startswith(magic)), "text")


def found_of(source: Source, forced: str | None = None) -> Found:
    """Tell what a source is, whatever carries it. Raises DataFileError for what is none of the known formats, and for
    liquidations, unless `forced` names what they are to be read as."""
    found = _found(source, forced)
    if forced is None and found.format_holds == "trades" and LIQUIDATIONS in source.place.path.name.lower():
        raise source.place.error(
            "holds liquidations by its name: they are among the trades already, and would count twice",
            hint=f"leave it out, or rename it, or --format {found.format.name}",
        )
    return found


def _found(source: Source, forced: str | None) -> Found:
    carrier = carrier_of(source)
    if carrier == "text":
        return recognise(source, forced)
    if carrier == "tape":
        raise source.place.error("is a binary tape, and read alone")
    if carrier == "npz":
        from pfmm.tape.formats.hftbacktest import TABLE

        return Found(TABLE, carrier, roles=tuple((role, at) for at, role in enumerate(TABLE.columns)))
    names = [name.lower() for name in _opened(source, carrier).schema_arrow_names]
    wanted = None if forced is None else named(forced)
    if wanted is not None and not isinstance(wanted, Table):
        raise source.place.error(f"{wanted.name} is text, and this is {carrier}")
    table = table_of(names, tables() if wanted is None else [wanted])
    if table is None:
        raise source.place.error(f"the format is unknown: {','.join(names)[:60]!r}{nearest(names, wanted)}", hint=KNOWN)
    return Found(table[0], carrier, roles=table[1], width=len(names))


class _Opened:
    """A Parquet or Feather file: the names of its columns, and its rows in batches of Arrow."""

    def __init__(self, source: Source, carrier: Carrier) -> None:
        try:
            import pyarrow as pa
        except ImportError as error:
            raise ConfigError(
                f"{source.path}: reading {carrier.capitalize()} needs pyarrow", hint="pip install 'pfmm[data]'"
            ) from error
        self.errors = (pa.ArrowException, OSError, UnicodeDecodeError)  # names of columns may be no text
        self._source = source
        try:
            if carrier == "parquet":
                from pyarrow import parquet

                self._file: Any = parquet.ParquetFile(self._where())
                self.schema_arrow_names = list(self._file.schema_arrow.names)
            else:
                from pyarrow import feather

                self._file = feather.read_table(self._where())
                self.schema_arrow_names = list(self._file.column_names)
        except self.errors as error:
            raise source.place.error(f"cannot be read as {carrier.capitalize()}: {error}") from error
        self._carrier = carrier

    def _where(self) -> Any:
        import pyarrow as pa

        if self._source.member is None and first_bytes(self._source.path, 2) != b"\x1f\x8b":
            return self._source.path
        with reading_errors(self._source, lambda: 1), unpacked(self._source) as stream:
            return pa.BufferReader(stream.read())

    def batches(self, columns: Sequence[int]) -> Iterator[Any]:
        """Yield batches of rows with the columns at these places, in their order."""
        names = [self.schema_arrow_names[at] for at in columns]
        try:
            if self._carrier == "parquet":
                for batch in self._file.iter_batches(columns=names, batch_size=BATCH_ROWS):
                    yield batch.select(names)
            else:
                yield from self._file.select(names).to_batches(max_chunksize=BATCH_ROWS)
        except self.errors as error:
            raise self._source.place.error(f"cannot be read as {self._carrier.capitalize()}: {error}") from error


def _opened(source: Source, carrier: Carrier) -> _Opened:
    return _Opened(source, carrier)


def batches(source: Source, found: Found) -> Iterator[Any]:
    """Return the source's rows as Arrow batches whose columns stand in the order of `found.roles`."""
    return _opened(source, found.carrier).batches([at for _, at in found.roles])


def columnar_rows(source: Source, found: Found) -> Iterator[tuple[Place, Sequence[str]]]:
    """Yield the rows of Parquet, Feather or a NumPy archive as text cells, which stand where `found.roles` says.

    Numbers that are floats are taken as the shortest decimal that names them.
    """
    if found.carrier == "npz":
        from pfmm.tape.formats.hftbacktest import npz_rows

        yield from npz_rows(source)
        return
    number = 1
    for batch in batches(source, found):
        yield from cells_of_rows(source, found, batch, number)
        number += batch.num_rows


def cells_of_rows(source: Source, found: Found, batch: Any, first: int) -> Iterator[tuple[Place, Sequence[str]]]:
    """Yield the rows of one batch as text cells; the first of them has the number `first`."""
    width = max(at for _, at in found.roles) + 1
    columns = [cells_of_column(one) for one in batch.columns]
    for number, row in enumerate(zip(*columns, strict=True), first):
        cells = [""] * width
        for (_, at), cell in zip(found.roles, row, strict=True):
            cells[at] = cell
        yield source.at(number), cells


def cells_of_column(column: Any) -> list[str]:
    """Return an Arrow column as text: nothing is empty, a time is ns since 1970, a float its shortest decimal."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        # ns of this century have 19 digits, which Clock tells from the other units
        column = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
    elif column.type == pa.float32():
        # widened to a Python float, 64000.1 in 32 bits would become 64000.1015625
        column = column.cast(pa.string())
    return ["" if cell is None else _text(cell) for cell in column.to_pylist()]


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)

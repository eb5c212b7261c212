"""Lines of JSON of the same shape as the columns of a table, without a Python object a row. Layer: tape.

Messages of one kind differ in their numbers and names only. Two lines have the same shape where they are equal without
the letters that may vary. One line of a shape is parsed; the punctuation of them all is then turned into one delimiter,
and pyarrow reads them as CSV. Nothing can hide in cells that are not looked at: the letters that may vary are counted,
and all of them must stand in values, or in keys that are as in the first line. Anything else raises Doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pfmm.tape.arrow import Doubt, decimals_of_column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

DIGITS = b"0123456789."
HEX = DIGITS + b"abcdefAB"  # of hashes, and the two sides of Hyperliquid
ALNUM = DIGITS + b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
PUNCTUATION = b'":,{}[] '
DELIMITER = b"\x1f"  # in no JSON
TO_DELIMITERS = bytes.maketrans(PUNCTUATION, DELIMITER * len(PUNCTUATION))
STYLES = ((",", ":"), (", ", ": "))
MOST_SHAPES = 1_000
LOCAL = ("local",)
Path = tuple[str | int, ...]
Kind = Literal["key", "text", "number", "word"]
WORDS = {"true": 1, "false": 0, "null": -1}


class Cell(NamedTuple):
    """What stands between two delimiters: a part of a value at `path`, or of a key."""

    number: int
    kind: Kind
    path: Path
    text: bytes


@dataclass(frozen=True, eq=False)
class Shape:
    """The cells of lines that are alike, those that are empty left out, and the record that one of them holds."""

    record: Any
    width: int
    cells: tuple[Cell, ...]

    @cached_property
    def values(self) -> dict[Path, Cell]:
        """The cell of each value that has one alone."""
        counts = Counter(cell.path for cell in self.cells)
        return {cell.path: cell for cell in self.cells if cell.kind != "key" and counts[cell.path] == 1}


class Group(NamedTuple):
    """Lines of one shape: where they stand in their block, from 0, and their columns."""

    shape: Shape
    at: Ints
    columns: Columns


class Shapes:
    """Groups the lines of blocks by their shapes.

    `varies` are the letters that may differ between lines of one shape; shapes of `few` lines, and of records that
    `knows` does not, are left alone.
    """

    def __init__(self, varies: bytes, few: int, knows: Callable[[Any], bool]) -> None:
        self._varies, self._few, self._knows = varies, few, knows
        self._known: dict[bytes, Shape | None] = {}

    def groups(self, content: bytes, *, stamped: bool) -> tuple[list[Group], list[tuple[int, bytes]]]:
        """Return the groups of a block's lines, and the lines of shapes that few have, with where they stand.

        Raises Doubt where lines of a shape are not what they seem.
        """
        import numpy as np

        if b"\r" in content:
            content = content.replace(b"\r\n", b"\n").removesuffix(b"\r")
        lines = content.split(b"\n")
        if not content.isascii() or b"\r" in content or b"\\" in content:
            return [], list(enumerate(lines))
        skeletons = content.translate(None, self._varies).split(b"\n")
        counts = Counter(skeletons)
        numbers = dict.fromkeys(counts, -1)
        shapes: list[tuple[Shape, int]] = []
        for skeleton, count in counts.items():
            shape = (
                None if count < self._few else self._shape(skeleton, lines[skeletons.index(skeleton)], stamped=stamped)
            )
            if shape is not None:
                numbers[skeleton] = len(shapes)
                shapes.append((shape, len(skeleton)))
        codes = np.fromiter(map(numbers.__getitem__, skeletons), dtype=np.int64, count=len(lines))
        found = []
        for number, (shape, size) in enumerate(shapes):
            mask = codes == number
            part = lines if mask.all() else list(compress(lines, mask.tolist()))
            found.append(Group(shape, np.flatnonzero(mask), _columns(shape, part, size, self._varies)))
        return found, [(at, lines[at]) for at in np.flatnonzero(codes < 0).tolist()]

    def _shape(self, skeleton: bytes, line: bytes, *, stamped: bool) -> Shape | None:
        if skeleton not in self._known:
            if len(self._known) >= MOST_SHAPES:
                self._known.clear()
            shape = shape_of(line, stamped=stamped)
            self._known[skeleton] = shape if shape is not None and self._knows(shape.record) else None
        return self._known[skeleton]


def shape_of(line: bytes, *, stamped: bool) -> Shape | None:
    """Return the shape of a line, None for one that is no plain JSON, or written in an unusual way."""
    import orjson

    stamp, blank, body = line.partition(b" ") if stamped else (b"", b"", line)
    head: list[tuple[Kind, Path, str]] = []
    if stamped:
        if not (blank and stamp.isdigit()):
            return None
        head = [("number", LOCAL, stamp.decode()), ("key", (), " ")]
    try:
        record = orjson.loads(body)
        for comma, colon in STYLES:
            pieces = [*head, *_pieces(record, (), comma, colon)]
            if "".join(text for _, _, text in pieces).encode() == line:
                plain = all(text.isdigit() for kind, _, text in pieces if kind == "number")
                return Shape(record, *_cells(pieces)) if plain else None
    except (ValueError, RecursionError):
        pass
    return None


def _pieces(value: Any, path: Path, comma: str, colon: str) -> Iterator[tuple[Kind, Path, str]]:
    """Yield what a value is written as, piece by piece."""
    if isinstance(value, dict):
        for number, (name, one) in enumerate(value.items()):
            yield "key", (), f'{comma if number else "{"}"{name}"{colon}'
            yield from _pieces(one, (*path, name), comma, colon)
        yield "key", (), "}" if value else "{}"
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield "key", (), comma if number else "["
            yield from _pieces(one, (*path, number), comma, colon)
        yield "key", (), "]" if value else "[]"
    elif isinstance(value, str):
        yield "key", (), '"'
        yield "text", path, value
        yield "key", (), '"'
    elif value is None or isinstance(value, bool):
        yield "word", path, {True: "true", False: "false", None: "null"}[value]
    else:
        yield "number", path, str(value)


def _cells(pieces: Sequence[tuple[Kind, Path, str]]) -> tuple[int, tuple[Cell, ...]]:
    """Return the number of cells, and those that hold a value or letters."""
    found: list[Cell] = []
    at = 0
    for kind, path, text in pieces:
        parts = text.encode().translate(TO_DELIMITERS).split(DELIMITER)
        cells = [Cell(number, kind, path, part) for number, part in enumerate(parts, at)]
        found += [cell for cell in cells if cell.kind != "key" or cell.text]
        at += len(parts) - 1
    return at + 1, tuple(found)


def _columns(shape: Shape, lines: list[bytes], skeleton_bytes: int, varies: bytes) -> Columns:
    """Read the cells of lines of one shape; raise Doubt where something stands where nothing may."""
    content = b"\n".join(lines)
    count = len(lines)
    looked_at = [cell for cell in shape.cells if cell.kind != "key" or _without(cell.text, varies) != cell.text]
    table = _table(content.translate(TO_DELIMITERS), shape.width, looked_at)
    if table.num_rows != count:
        raise Doubt
    columns = Columns(shape, {cell: _Text(table.column(str(cell.number))) for cell in looked_at})
    # letters that may vary: how many there are, less those in the cells that are looked at
    hidden = len(content) - (count - 1) - count * skeleton_bytes
    for cell, column in columns.cells.items():
        hidden -= column.bytes - count * len(_without(cell.text, varies))
        columns.check(cell)
    if hidden:
        raise Doubt
    return columns


def _without(text: bytes, varies: bytes) -> bytes:
    return text.translate(None, varies)


def _table(content: bytes, width: int, cells: Sequence[Cell]) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    names = [str(cell.number) for cell in cells]
    try:
        return csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(
                column_names=[str(number) for number in range(width)], use_threads=False, block_size=len(content) + 64
            ),
            parse_options=csv.ParseOptions(delimiter=DELIMITER.decode(), quote_char=False, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=names, check_utf8=False,
                null_values=[], strings_can_be_null=False,
            ),
        )  # fmt: skip
    except (pa.ArrowException, ValueError) as error:
        raise Doubt from error


class _Text:
    """A column of text, as the bytes of all its cells and where each begins."""

    __slots__ = ("array", "bytes", "data", "starts")

    def __init__(self, column: Any) -> None:
        import numpy as np

        if column.num_chunks != 1:
            raise Doubt
        self.array = column.chunk(0)
        _, starts, data = self.array.buffers()
        self.starts = np.frombuffer(starts, dtype=np.int32)[: len(self.array) + 1]
        self.bytes = int(self.starts[-1])
        self.data = b"" if data is None else data

    def is_always(self, text: bytes) -> bool:
        """Tell whether every cell is this text."""
        import numpy as np

        count = len(self.array)
        if self.bytes != count * len(text) or (np.diff(self.starts) != len(text)).any():
            return False
        return bytes(self.data)[: self.bytes] == text * count

    def wholes(self) -> Ints:
        """Return the cells as whole numbers as JSON writes them: without a sign or zeros ahead."""
        import numpy as np
        import pyarrow as pa

        lengths = np.diff(self.starts)
        if not lengths.all():
            raise Doubt
        firsts = np.frombuffer(self.data, dtype=np.uint8)[self.starts[:-1]]
        if ((firsts < ord("0")) | (firsts > ord("9")) | (firsts == ord("0")) & (lengths > 1)).any():
            raise Doubt
        try:
            return np.ascontiguousarray(self.array.cast(pa.int64()).to_numpy(), dtype=np.int64)
        except (pa.ArrowException, ValueError) as error:
            raise Doubt from error


class Columns:
    """The values of lines of one shape, by their paths. Asked for what is of another kind, it raises Doubt."""

    def __init__(self, shape: Shape, cells: dict[Cell, _Text]) -> None:
        self.shape, self.cells = shape, cells
        self._wholes: dict[int, Ints] = {}

    def check(self, cell: Cell) -> None:
        """Raise Doubt where a cell that is not text is not the same key, a whole number, or a word of JSON."""
        column = self.cells[cell]
        if cell.kind == "number":
            self._wholes[cell.number] = column.wholes()
        elif (
            cell.kind == "word" and not column.is_always(cell.text) and not _named(column).keys() <= WORDS.keys()
        ) or (cell.kind == "key" and not column.is_always(cell.text)):
            raise Doubt

    def wholes(self, path: Path) -> Ints:
        """Return whole numbers."""
        return self._wholes[self._cell(path, "number").number]

    def truths(self, path: Path) -> Ints:
        """Return 1 for true, 0 for false."""
        import numpy as np

        codes, names = _coded(self.cells[self._cell(path, "word")].array)
        if "null" in names:
            raise Doubt
        return np.array([WORDS[name] for name in names], dtype=np.int64)[codes]

    def names(self, *paths: Path) -> tuple[Ints, list[str]]:
        """Return which of the names each text is, path by path, and the names."""
        import numpy as np
        import pyarrow as pa

        cells = [self._cell(path, "text") for path in paths]
        text = cells[0].text
        if all(cell.text == text and self.cells[cell].is_always(text) for cell in cells):
            return np.zeros(sum(len(self.cells[cell].array) for cell in cells), dtype=np.int64), [text.decode()]
        return _coded(pa.concat_arrays([self.cells[cell].array for cell in cells]))

    def joined(self, path: Path) -> Any:
        """Return texts that may have punctuation in them, as an Arrow array."""
        import pyarrow.compute as pc

        cells = [cell for cell in self.shape.cells if cell.path == path and cell.kind == "text"]
        if not cells:
            raise Doubt
        value = self.shape.record
        for name in path:
            value = value[name]
        signs = [letter for letter in value if letter.encode() in PUNCTUATION]
        found = self.cells[cells[0]].array
        for cell, sign in zip(cells[1:], signs, strict=True):
            found = pc.binary_join_element_wise(found, self.cells[cell].array, sign)
        return found

    def texts(self, path: Path) -> Any:
        """Return texts, as an Arrow array."""
        return self.cells[self._cell(path, "text")].array

    def decimals(self, *paths: Path) -> list[Ints]:
        """Return numbers that are written as text in whole 1e-8, an array a path."""
        import numpy as np
        import pyarrow as pa

        arrays = [self.texts(path) for path in paths]
        if not arrays:
            return []
        found = decimals_of_column(pa.concat_arrays(arrays) if len(arrays) > 1 else arrays[0])
        return np.split(found, len(arrays))

    def _cell(self, path: Path, kind: Kind) -> Cell:
        cell = self.shape.values.get(path)
        if cell is None or cell.kind != kind:
            raise Doubt
        return cell


def _coded(array: Any) -> tuple[Ints, list[str]]:
    import numpy as np

    found = array.dictionary_encode()
    return np.ascontiguousarray(found.indices.to_numpy(), dtype=np.int64), found.dictionary.to_pylist()


def _named(column: _Text) -> dict[str, None]:
    return dict.fromkeys(column.array.dictionary_encode().dictionary.to_pylist())

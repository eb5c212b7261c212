"""Blocks of a table as integer columns at one go, through pyarrow. Layer: tape. Needs the extra `data`.

Takes what is beyond doubt and nothing else: a block in which anything is unusual raises Doubt, and is read row by row
instead, which says what is wrong and where, or reads it after all. Both ways make the same columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pfmm.model.spelling import market_name
from pfmm.model.units import UNIT_NS
from pfmm.tape import exponents
from pfmm.tape.batches import DEPTH_WIDTH, QUOTE, TRADE, Batch
from pfmm.tape.fixed import SCALE
from pfmm.tape.layout import Table
from pfmm.tape.recognise import Found
from pfmm.tape.sources import Block
from pfmm.tape.tables import FIRST_MS, LAST_PLAUSIBLE_MS, RowReader
from pfmm.tape.trimmed import Trimmed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Truths = NDArray[np.bool_]

TAIL = 1_000  # ids that are kept of a block, to know them again in the next
LARGEST_EXACT = 1e15  # 15 digits name a double for sure
NOISE = 3.4e-16  # of a double that was computed, as a fraction: a step, and the rounding of this very product
NUMBERS = ("price", "size", "bid", "bid_size", "ask", "ask_size", "open", "high", "low", "close", "volume", "rate")
WORDS = ("kind", "side", "symbol")
KINDS = {"trade": TRADE, "quote": QUOTE}
MOST_WORDS = 1_000
ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?$"


class Doubt(Exception):
    """Something in a block is not plain; it is read row by row."""


def csv_columns(block: Block, found: Found, roles: Sequence[str], *, whole_times: bool, whole_ids: bool) -> Any:
    """Read the columns of these roles in a block of text, as an Arrow table named by role.

    Raises Doubt where the block is not plain.
    """
    import pyarrow as pa
    from pyarrow import csv

    content = block.content
    if block.first_line <= found.header_line:
        content = content.split(b"\n", found.header_line - block.first_line + 1)[-1]
    content = content.rstrip(b"\r\n")
    if not content or not block.ended or b"\n\n" in content or b"\n\r\n" in content or b"#" in content:
        raise Doubt
    if exponents.in_rows(content):
        raise Doubt
    if b'"' in content and found.delimiter.encode() + b'"' not in b"," + content:
        raise Doubt
    at = dict(found.roles)
    names = [f"c{number}" for number in range(found.width)]
    types = {names[at[role]]: _type(role, whole_times=whole_times, whole_ids=whole_ids) for role in roles}
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(content) + 64),
            parse_options=csv.ParseOptions(delimiter=found.delimiter),
            convert_options=csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=[""], strings_can_be_null=True
            ),
        )
    except (pa.ArrowException, ValueError) as error:
        raise Doubt from error
    if table.num_rows != content.count(b"\n") + 1:
        raise Doubt
    return table.rename_columns(list(roles))


def _type(role: str, *, whole_times: bool, whole_ids: bool) -> Any:
    import pyarrow as pa

    if role == "time":
        return pa.int64() if whole_times else pa.string()
    if role == "id":
        return pa.int64() if whole_ids else pa.string()
    if role == "sequence":
        return pa.string()
    if role in NUMBERS:
        return pa.decimal128(15 + SCALE, SCALE)
    return pa.dictionary(pa.int32(), pa.string())


def event_batches(table: Any, reader: RowReader, first_line: int, unit: str) -> list[Batch]:
    """Make the events of a table's rows, a batch a market; raise Doubt where they are not plain.

    `table` has a column for each role.
    """
    import numpy as np

    layout, count = reader.table, table.num_rows
    ns = times_ns(table.column("time"), unit)
    times, sub_ns = ns // 1_000_000, ns % 1_000_000
    if not ((times >= FIRST_MS) & (times < LAST_PLAUSIBLE_MS)).all():
        raise Doubt
    lines = np.arange(first_line, first_line + count)
    rows = np.zeros((count, 6), dtype=np.int64)
    rows[:, 0] = times
    if layout.holds == "trades":
        trades = np.ones(count, dtype=bool)
    elif layout.holds == "quotes":
        trades = np.zeros(count, dtype=bool)
    else:
        trades = meanings(table.column("kind"), KINDS.get) == TRADE
    if trades.any():
        _fill_trades(rows, table, layout, trades)  # writes, where quotes are added to
    if not trades.all():
        _fill_quotes(rows, table, ~trades)
    depth = np.empty((0, DEPTH_WIDTH), dtype=np.int64)
    if "symbol" not in table.column_names:
        found = [Batch(reader.market, rows, sub_ns, lines, depth, lines[:0])]
    else:
        codes, names = coded(table.column("symbol"), count)
        markets = [market_of_symbol(name) for name in names]
        if len(set(markets)) < len(markets):
            raise Doubt
        masks = [codes == code for code in range(len(names))] if len(names) > 1 else [slice(None)]
        parts = zip(markets, masks, strict=True)
        found = [Batch(market, rows[mask], sub_ns[mask], lines[mask], depth, lines[:0]) for market, mask in parts]
    if layout.holds == "trades" and "id" in table.column_names:
        if len(found) > 1:
            raise Doubt
        _ids_once(table.column("id"), reader, found[0].market)
    look_for_trimmed(table, reader.trimmed)
    return found


def market_of_symbol(symbol: str) -> str:
    """Name the market of a symbol as RowReader does; raise Doubt for what is no name."""
    plain = symbol.strip()
    if not plain or not plain.isprintable():
        raise Doubt
    return plain if plain.endswith("-PERP") else market_name(plain)


def times_ns(column: Any, unit: str) -> Ints:
    """Return times as ns since 1970."""
    import pyarrow as pa

    if column.null_count:
        raise Doubt
    if not len(column):
        raise Doubt
    if pa.types.is_timestamp(column.type):
        return _flat(column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64()))
    if pa.types.is_integer(column.type):
        times = _flat(column.cast(pa.int64()))
        scale = UNIT_NS[unit]
        if not ((times > 0) & (times < LAST_PLAUSIBLE_MS * 1_000_000 // scale)).all():
            raise Doubt
        return times * scale
    if pa.types.is_string(column.type) and unit == "iso":
        zoned = str(column[0])[-1:] == "Z" or str(column[0])[-6:-5] in ("+", "-")
        try:
            return _flat(column.cast(pa.timestamp("ns", "UTC" if zoned else None)).cast(pa.int64()))
        except (pa.ArrowException, ValueError) as error:
            raise Doubt from error
    if pa.types.is_string(column.type) and unit in UNIT_NS:
        places = len(str(UNIT_NS[unit])) - 1
        try:
            found = column.cast(pa.decimal128(19, places))
        except (pa.ArrowException, ValueError) as error:
            raise Doubt from error
        return _decimals(found)[0]
    raise Doubt


def _fill_trades(rows: Ints, table: Any, layout: Table, trades: Truths) -> None:
    price, size = numbers(table.column("price")), numbers(table.column("size"))
    sides = meanings(table.column("side"), lambda word: layout.sides.get(word.lower()), where=trades)
    if not ((price[0] > 0) & (size[0] > 0) | ~trades).all():  # 0 where there is none
        raise Doubt
    for at, column in ((1, TRADE), (2, price[0]), (3, size[0]), (4, sides)):
        rows[:, at] = column * trades


def _fill_quotes(rows: Ints, table: Any, quotes: Truths) -> None:
    whole = bool(quotes.all())
    for at, role in ((2, "bid"), (4, "ask")):
        price, size = numbers(table.column(role)), numbers(table.column(f"{role}_size"))
        told = price[1] if whole else quotes & price[1]
        # numbers are not negative here: a price that is told is above zero, and has a size beside it
        if not ((price[0] > 0) & size[1] | ~told).all():
            raise Doubt
        rows[:, at] += price[0] * told
        rows[:, at + 1] += size[0] * told


def _ids_once(column: Any, reader: RowReader, market: str) -> None:
    """Raise Doubt where a print may be told twice; remember the last ids for the row by row way."""
    import pyarrow as pa

    if column.null_count:
        raise Doubt
    if pa.types.is_integer(column.type):
        ids = _flat(column.cast(pa.int64()))
        if len(ids) > 1 and (ids[1:] <= ids[:-1]).any():
            raise Doubt
        tail = [str(one) for one in ids[-TAIL:].tolist()]
        if reader.last_id is not None and (not reader.last_id.isdigit() or int(ids[0]) <= int(reader.last_id)):
            raise Doubt
    else:
        found = column.cast(pa.string()).to_pylist()
        if len(set(found)) < len(found) or any(reader.seen.known(market, one) for one in found):
            raise Doubt
        tail = found[-TAIL:]
    for one in tail:
        reader.seen.again(market, one)
    reader.last_id = tail[-1]


def numbers(column: Any) -> tuple[Ints, Truths]:
    """Return (numbers in 1e-8, where there is one); raise Doubt for what is not exact in 1e-8."""
    import numpy as np
    import pyarrow as pa

    kind = column.type
    if pa.types.is_floating(kind) and kind != pa.float32():
        values = column.to_numpy() if not column.null_count else column.to_numpy(zero_copy_only=False)
        there = ~np.isnan(values)
        product = np.where(there, values, 0.0) if not there.all() else values.copy()
        product *= 10**SCALE
        scaled = np.rint(product)
        # a float that was computed may lie a step beside the decimal that was meant: 0.10200000000000001
        product -= scaled
        if len(scaled) and (scaled.max() >= LARGEST_EXACT or scaled.min() < 0):
            raise Doubt
        if (np.abs(product, out=product) > scaled * NOISE).any():
            raise Doubt
        return scaled.astype(np.int64), there
    try:
        if pa.types.is_dictionary(kind):
            column = column.cast(pa.string())
        if kind == pa.float32():
            column = column.cast(pa.string())
        if pa.types.is_string(column.type) and exponents.in_texts(column):
            raise Doubt
        return _decimals(column.cast(pa.decimal128(15 + SCALE, SCALE)))
    except (pa.ArrowException, ValueError) as error:
        raise Doubt from error


def look_for_trimmed(table: Any, trimmed: Trimmed) -> None:
    """Count the floats of a table that are not the nearest to the decimals that they are read as."""
    import numpy as np
    import pyarrow as pa

    for name in table.column_names:
        column = table.column(name)
        if name in NUMBERS and pa.types.is_floating(column.type) and column.type != pa.float32():
            values = column.to_numpy(zero_copy_only=False) if column.null_count else column.to_numpy()
            scaled = np.rint(values * 10**SCALE)
            noisy = scaled[(scaled / 10**SCALE != values) & ~np.isnan(values)]
            if len(noisy):
                trimmed.add(len(noisy), _places(noisy.astype(np.int64)))


def _decimals(column: Any) -> tuple[Ints, Truths]:
    """Return decimals of 128 bits as their low 64; raise Doubt where these do not hold them or they are negative."""
    import numpy as np
    import pyarrow as pa

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], type=column.type)
    words = np.frombuffer(array.buffers()[1], dtype=np.int64)[2 * array.offset : 2 * (array.offset + len(array))]
    low, high = words[::2], words[1::2]
    there = np.array(array.is_valid()) if array.null_count else np.ones(len(array), dtype=bool)
    if (high[there] != 0).any() or (low[there] < 0).any():
        raise Doubt
    return np.where(there, low, 0) if array.null_count else low, there


def decimals_of_texts(texts: list[Any]) -> Ints:
    """Turn texts of numbers into whole 1e-8, all of them there and none below zero; raise Doubt for others."""
    import pyarrow as pa

    try:
        return decimals_of_column(pa.array(texts, pa.string()))
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise Doubt from error


def decimals_of_column(texts: Any) -> Ints:
    """Turn an Arrow array of texts of numbers into whole 1e-8; see decimals_of_texts."""
    import pyarrow as pa

    if exponents.in_texts(texts):
        raise Doubt
    try:
        column = texts.cast(pa.decimal128(15 + SCALE, SCALE))
    except (pa.ArrowException, ValueError) as error:
        raise Doubt from error
    if column.null_count:
        raise Doubt
    return _decimals(column)[0]


def iso_ns(texts: Any) -> Ints:
    """Turn an Arrow array of times of UTC in ISO-8601 into ns since 1970; raise Doubt for others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.utf8_rtrim(texts, "Z")
    if not pc.all(pc.match_substring_regex(plain, ISO)).as_py():
        raise Doubt
    try:
        return _flat(plain.cast(pa.timestamp("ns")).cast(pa.int64()))
    except (pa.ArrowException, ValueError) as error:
        raise Doubt from error


def _flat(column: Any) -> Ints:
    import numpy as np

    return np.ascontiguousarray(column.to_numpy(), dtype=np.int64)


def coded(column: Any, count: int) -> tuple[Ints, list[str]]:
    import numpy as np
    import pyarrow as pa

    if column.null_count:
        raise Doubt
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    names = [str(name) for name in array.dictionary.to_pylist()]
    if len(names) > MOST_WORDS or len(array) != count:
        raise Doubt
    return np.ascontiguousarray(array.indices.to_numpy(), dtype=np.int64), names


def meanings(column: Any, meaning: Callable[[str], int | None], where: Truths | None = None) -> Ints:
    """Return what each word means; raise Doubt for a word without a meaning, among those `where` it matters."""
    import numpy as np
    import pyarrow as pa

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.string())
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = array.indices.fill_null(len(array.dictionary)).to_numpy(zero_copy_only=False)
    found: list[int | None] = [meaning(str(word).lower()) for word in array.dictionary.to_pylist()] + [None]
    known = np.array([one is not None for one in found])
    told = known[codes]
    if not (told if where is None else told[where]).all():
        raise Doubt
    told_meanings: Ints = np.take(np.array([one or 0 for one in found], dtype=np.int64), codes)
    return told_meanings


WANTED: Mapping[str, tuple[str, ...]] = {
    "trades": ("time", "price", "size", "side", "id", "symbol"),
    "quotes": ("time", "bid", "bid_size", "ask", "ask_size", "symbol"),
    "book": ("time", "snapshot", "kind", "sequence", "side", "price", "size", "symbol"),
    "ticks": ("time", "kind", "price", "size", "side", "bid", "bid_size", "ask", "ask_size", "symbol"),
}


def roles_of(found: Found, table: Table) -> list[str] | None:
    """Return the roles that events are made of, as far as the source has them.

    None for tables that are read row by row.
    """
    if table.holds not in WANTED:
        return None
    at = dict(found.roles)
    return [role for role in WANTED[table.holds] if role in at]


BAR_ROLES = ("time", "open", "high", "low", "close", "volume")


def bar_roles(found: Found) -> list[str]:
    """Return the roles that bars are made of, as far as the source has them."""
    at = dict(found.roles)
    return [role for role in (*BAR_ROLES, "symbol") if role in at]


def bar_columns(table: Any, unit: str, market: str | None) -> tuple[list[int], list[int], list[int], tuple[int, int]]:
    """Return times in ms, prices and volumes in 1e-8, and with how many decimals prices and volumes were written.

    The prices are open, high, low and close of each bar. Raises Doubt, also for a bar of another market.
    """
    import numpy as np

    times = times_ns(table.column("time"), unit) // 1_000_000
    if not ((times >= FIRST_MS) & (times < LAST_PLAUSIBLE_MS)).all():
        raise Doubt
    if market is not None and "symbol" in table.column_names:
        _, names = coded(table.column("symbol"), table.num_rows)
        if {market_of_symbol(name) for name in names} != {market}:
            raise Doubt
    found = [numbers(table.column(role)) for role in BAR_ROLES[1:]]
    if not all(there.all() for _, there in found):
        raise Doubt
    opened, high, low, closed, volume = (one for one, _ in found)
    fits = (low > 0) & (high >= opened) & (high >= closed) & (low <= opened) & (low <= closed)
    if not fits.all():
        raise Doubt
    prices = np.column_stack((opened, high, low, closed)).ravel()
    return times.tolist(), prices.tolist(), volume.tolist(), (_places(prices), _places(volume))


def _places(numbers: Ints) -> int:
    """Return how many decimals numbers in 1e-8 have: 150,000,000 and 200,000,000 have one."""
    import numpy as np

    found = int(np.gcd.reduce(numbers)) if len(numbers) else 0
    places = SCALE
    while places and found % 10 ** (SCALE + 1 - places) == 0:
        places -= 1
    return places

"""A file that was damaged or rewritten is read as the same market, or refused with file and line: never as another.

The market is made, written in every format, and then mutated as the world does it: cut, rows shuffled, rows repeated,
columns moved, times in another unit, bytes broken outside digits. Both ways of reading (row by row, and whole blocks)
must agree with each other and with what was written.
"""

from __future__ import annotations

import itertools
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy", reason="the columns need NumPy")

from pfmm.backtest.candles import read_candles
from pfmm.backtest.rates import read_funding
from pfmm.errors import DataFileError, UnknownMarket
from pfmm.tape import ReadOptions
from pfmm.tape.batches import batches_of
from pfmm.tape.gather import GatheredMarket, Gathering
from pfmm.tape.reading import TapeReader
from tests.unit.tape.made_files import CANDLE_FILES, FUNDING_FILES, PRINT_FILES, QUOTE_FILES, TICK_FILES
from tests.whole_blocks import whole_blocks

OPTIONS = ReadOptions(market="BTC-PERP")
EVENT_FILES = {**QUOTE_FILES, **PRINT_FILES, **TICK_FILES}
ALL_FILES = {**EVENT_FILES, **CANDLE_FILES, **FUNDING_FILES}
TABLES = ["candles", "binance-klines", "okx-candles"]
TABLES += [name for name, text in FUNDING_FILES.items() if text[0] not in "[{"]
TABLES += [name for name, text in EVENT_FILES.items() if text[0] not in "[{1"]
SIGN = re.compile(r"(?<=,)-(?=[0-9])")
WITHOUT_IDS = {"table", "recording", "prints", "fastmm"}  # nothing tells a print that is repeated
Result = tuple[object, ...] | str


def by_rows(path: Path) -> Result:
    return _result(lambda: [_plain(batch) for batch in batches_of(TapeReader(OPTIONS).entries([path]))])


def by_blocks(path: Path) -> Result:
    """Whole blocks, however small."""

    def read() -> list[object]:
        with whole_blocks(), Gathering(OPTIONS, path.parent) as gathering:
            gathering.read([path])
            return [_gathered(market) for market in gathering.markets.values()]

    return _result(read)


def _gathered(market: GatheredMarket) -> object:
    rows = [row[:6] for chunk in market.chunks() for row in chunk.tolist()]
    return market.name, _kept(rows), _once(market.depth_rows().tolist())


def _plain(batch: object) -> object:
    rows = batch.events[_uncrossed(batch.events)]  # type: ignore[attr-defined]
    return batch.market, _kept(rows.tolist()), _once(batch.depth.tolist())  # type: ignore[attr-defined]


def _kept(rows: list[list[int]]) -> list[list[int]]:
    """The rows without quotes that repeat the one before them, as a tape keeps them."""
    found, last = [], None
    for row in rows:
        if row[1] == 1 or row[2:] != last:
            found.append(row)
            last = last if row[1] == 1 else row[2:]
    return found


def _once(rows: list[list[int]]) -> list[list[int]]:
    return [row for row, before in zip(rows, [[], *rows], strict=False) if row != before]


def _uncrossed(rows: object) -> object:
    return (rows[:, 1] == 1) | (rows[:, 2] == 0) | (rows[:, 4] == 0) | (rows[:, 2] < rows[:, 4])  # type: ignore[index]


def bars_by_blocks(path: Path) -> Result:
    """Whole blocks, however small."""
    with whole_blocks():
        return bars(path)


def bars(path: Path) -> Result:
    def read() -> list[object]:
        found = read_candles([path], "BTC-PERP", OPTIONS)
        return [found.times.tolist(), found.prices.tolist(), found.volumes.tolist(), found.price_decimals]

    return _result(read)


def rates(path: Path) -> Result:
    def read() -> list[object]:
        found = read_funding(path, "BTC-PERP")
        return [[list(one) for one in found]]

    return _result(read)


def _result(read: Callable[[], list[object]]) -> Result:
    try:
        return tuple(read())
    except (DataFileError, UnknownMarket) as error:
        return error.message


def refused_properly(result: Result, path: Path) -> bool:
    return isinstance(result, str) and str(path) in result


# -- mutations: (text, data) -> text


def cut(text: str, data: st.DataObject) -> str:
    return text[: data.draw(st.integers(1, len(text) - 1))]


def swapped(text: str, data: st.DataObject) -> str:
    rows = text.splitlines(keepends=True)
    if len(rows) < 4:
        return text
    first = data.draw(st.integers(1, len(rows) - 2))
    second = data.draw(st.integers(first + 1, len(rows) - 1))
    rows[first], rows[second] = rows[second], rows[first]
    return "".join(rows)


def repeated(text: str, data: st.DataObject) -> str:
    rows = text.splitlines(keepends=True)
    at = data.draw(st.integers(1 if len(rows) > 1 else 0, len(rows) - 1))
    return "".join([*rows[: at + 1], rows[at], *rows[at + 1 :]])


def moved(text: str, data: st.DataObject) -> str:
    """Columns in another order, header and all."""
    rows = [row.split(",") for row in text.splitlines()]
    order = data.draw(st.permutations(range(len(rows[0]))))
    return "".join(",".join(row[at] for at in order) + "\n" for row in rows)


def in_another_unit(text: str, data: st.DataObject) -> str:
    zeros = data.draw(st.sampled_from(["000", "000000"]))
    return re.sub(r"\b(17356[0-9]{8})\b", rf"\g<1>{zeros}", text)


def broken(text: str, data: st.DataObject) -> str:
    whole = {found.start() for found in SIGN.finditer(text[:4000])}  # a number's sign belongs to it as its digits do
    at = data.draw(st.sampled_from([n for n, sign in enumerate(text[:4000]) if not sign.isdigit() and n not in whole]))
    return text[:at] + data.draw(st.sampled_from([*"xeE,;\"'{}[]:.- \t\n\r\0", "é"])) + text[at + 1 :]


def check(name: str, mutate: Callable[[str, st.DataObject], str], data: st.DataObject) -> None:
    text = ALL_FILES[name]
    mutated = mutate(text, data)
    with tempfile.TemporaryDirectory() as folder:
        path, right_path = Path(folder) / "file", Path(folder) / "right"
        path.write_bytes(mutated.encode())
        right_path.write_bytes(text.encode())
        ways = ways_of(name)
        results = [way(path) for way in ways]
        right = ways[0](right_path)
    for one, other in itertools.pairwise(results):
        assert (one == other) or (refused_properly(one, path) and refused_properly(other, path))
    for result in results:
        if refused_properly(result, path):
            continue
        assert not isinstance(result, str), result
        if mutate is cut:
            assert_begins(result, right, name, _ends_within_a_message(text, mutated))
        else:
            assert result == right


def ways_of(name: str) -> list[Callable[[Path], Result]]:
    if name in FUNDING_FILES:
        return [rates]
    return [bars, bars_by_blocks] if name in CANDLE_FILES else [by_rows, by_blocks]


def _ends_within_a_message(text: str, cut_off: str) -> bool:
    """Tell whether the next row has the time of the last one that is whole: more of its message was to come."""
    rows, kept = text.splitlines(), cut_off.count("\n") + (not cut_off.endswith("\n"))
    return 0 < kept < len(rows) and rows[kept - 1].split(",")[2:4] == rows[kept].split(",")[2:4]


def assert_begins(result: tuple[object, ...], right: Result, name: str, within: bool) -> None:
    """A file that was cut between two rows is the beginning of the market, row by row."""
    if name in FUNDING_FILES:  # the first of them may be for longer, where the second is gone
        assert all(row in right[0] for row in result[0][1:])  # type: ignore[index,operator]
        return
    if name in CANDLE_FILES:
        more = 10 ** (right[3] - result[3])  # type: ignore[operator]  # decimals that only later rows have
        for found, whole, scale in zip(result[:3], right[:3], (1, more, 1), strict=True):
            assert [number * scale for number in found] == whole[: len(found)]  # type: ignore[index,arg-type,attr-defined]
        return
    for found, whole in zip(result, right if result else (), strict=True):  # of half a ticker alone nothing is left
        assert found[0] == whole[0]  # type: ignore[index]
        # where the rows of the last message of a book are cut, nothing shows that there were more
        cut_ms = found[1][-1][0] if name == "vendor-book" and within and found[1] else None  # type: ignore[index]
        assert all(row in whole[1] for row in found[1] if row[0] != cut_ms)  # type: ignore[index]


MUTATIONS = [cut, swapped, repeated, moved, in_another_unit, broken]
CASES = [
    (name, mutate)
    for name in ALL_FILES
    for mutate in MUTATIONS
    if not (mutate is moved and name not in TABLES)
    and not (mutate is repeated and name in WITHOUT_IDS)
    and not (mutate is in_another_unit and name not in TABLES)
]
SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None, "derandomize": True}


@pytest.mark.parametrize(("name", "mutate"), CASES)
@given(data=st.data())
@settings(max_examples=2, **SETTINGS)  # type: ignore[arg-type]
def test_a_mutated_file_is_the_same_market_or_refused(
    name: str, mutate: Callable[[str, st.DataObject], str], data: st.DataObject
) -> None:
    check(name, mutate, data)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ALL_FILES])
@given(data=st.data())
@settings(max_examples=300, **SETTINGS)  # type: ignore[arg-type]
def test_three_hundred_mutations_of_each_format(name: str, data: st.DataObject) -> None:
    kinds = [mutate for one, mutate in CASES if one == name]
    check(name, data.draw(st.sampled_from(kinds)), data)

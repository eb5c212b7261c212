"""Lines read by their shape hold what a JSON parser reads in them, whatever was done to one of them, or are doubted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyarrow", reason="columns need the extra `data`")
pytest.importorskip("orjson", reason="columns need the extra `data`")

from pfmm.tape.arrow import Doubt
from pfmm.tape.shapes import ALNUM, DIGITS, HEX, Cell, Group, Shapes
from tests.examples import examples

STYLES = {"tight": (",", ":"), "wide": (", ", ": ")}
LETTERS = [*'0189.-+eExabfAB"\\:,{}[] \t\r|\0\x1f', "é", ""]
TEXTS = st.text("019.abfAB-xyz ", max_size=6)


def quote(number: int, price: int, size: int, word: bool) -> object:
    data = {"e": "trade", "s": "1000ABCUSDT", "l2": [[f"{price}.5", str(size)], ["0.1", f"{size}.25"]], "u": number}
    return {"stream": "x@trade", "data": {**data, "m": word, "at": "2025-01-01T00:00", "hash": f"0x{number:x}"}}


ROWS = st.lists(st.builds(quote, *[st.integers(0, 10**15)] * 3, st.booleans()), min_size=3, max_size=8)


def written(rows: list[object], style: str) -> list[bytes]:
    return [json.dumps(row, separators=STYLES[style]).encode() for row in rows]


def groups_of(
    lines: list[bytes], varies: bytes, *, stamped: bool = False
) -> tuple[list[Group], list[tuple[int, bytes]]]:
    return Shapes(varies, 2, lambda _: True).groups(b"\n".join(lines), stamped=stamped)


def values_of(group: Group) -> list[dict[tuple[str | int, ...], object]]:
    """The values of each line that have a cell of their own."""
    found: list[dict[tuple[str | int, ...], object]] = [{} for _ in group.at]
    for path, cell in group.shape.values.items():
        for row, value in zip(found, values(group, cell), strict=True):
            row[path] = value
    return found


def values(group: Group, cell: Cell) -> list[object]:
    columns = group.columns
    if cell.kind == "number":
        return columns.wholes(cell.path).tolist()
    if cell.kind == "word":
        return [bool(one) for one in columns.truths(cell.path).tolist()]
    codes, names = columns.names(cell.path)
    assert columns.texts(cell.path).to_pylist() == [names[code] for code in codes]
    return [names[code] for code in codes]


def at(record: Any, path: tuple[str | int, ...]) -> object:
    for name in path:
        record = record[name]
    return record


def agree(groups: list[Group], lines: list[bytes]) -> None:
    for group in groups:
        for number, row in zip(group.at.tolist(), values_of(group), strict=True):
            record = json.loads(lines[number])  # raises where no parser would read it
            assert row == {path: at(record, path) for path in row}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("varies", [DIGITS, HEX, ALNUM])
@given(rows=ROWS)
@examples(20, 100)
def test_the_columns_are_what_a_parser_reads(style: str, varies: bytes, rows: list[object]) -> None:
    lines = written(rows, style)
    groups, rest = groups_of(lines, varies)
    agree(groups, lines)
    assert sorted([*(at for one in groups for at in one.at.tolist()), *(at for at, _ in rest)]) == [*range(len(rows))]
    if varies == ALNUM:  # shapes of one alone are read by a parser
        assert not rest


@pytest.mark.parametrize("varies", [DIGITS, HEX, ALNUM])
@given(rows=ROWS, data=st.data())
@examples(30, 500)
def test_a_letter_put_anywhere_is_read_as_a_parser_reads_it(
    varies: bytes, rows: list[object], data: st.DataObject
) -> None:
    lines = written(rows, "tight")
    which = data.draw(st.integers(0, len(lines) - 1))
    line = lines[which]
    start = data.draw(st.integers(0, len(line)))
    stop = data.draw(st.integers(start, min(start + 2, len(line))))
    lines[which] = line[:start] + data.draw(st.sampled_from(LETTERS)).encode() + line[stop:]
    try:
        groups, _ = groups_of(lines, varies)
    except Doubt:
        return
    agree(groups, lines)


@given(data=st.data(), rows=ROWS)
@examples(30, 500)
def test_letters_that_moved_within_a_line_are_seen(data: st.DataObject, rows: list[object]) -> None:
    """A digit may stand on either side of a quotation mark, and no count of them tells."""
    lines = written(rows, "tight")
    which = data.draw(st.integers(0, len(lines) - 1))
    line = lines[which]
    digits = [number for number, letter in enumerate(line) if chr(letter).isdigit()]
    taken = data.draw(st.sampled_from(digits))
    left = line[:taken] + line[taken + 1 :]
    put = data.draw(st.integers(0, len(left)))
    lines[which] = left[:put] + line[taken : taken + 1] + left[put:]
    for varies in (DIGITS, HEX, ALNUM):
        try:
            groups, _ = groups_of(lines, varies)
        except Doubt:
            continue
        agree(groups, lines)


def test_the_recorders_clock_before_a_line_is_a_number_of_it() -> None:
    lines = [f'{time} {{"a":"{time % 7}"}}'.encode() for time in (17, 18, 19)]
    groups, rest = groups_of(lines, DIGITS, stamped=True)
    assert [one.columns.wholes(("local",)).tolist() for one in groups] == [[17, 18, 19]]
    assert rest == []


@pytest.mark.parametrize("line", ['{"a":01}', '{"a":0x1}', '{"a":1.5}', '{"a":-1}', '{"a":}', '{"1a":1}', '1{"a":1}'])
def test_what_is_no_whole_number_is_no_column(line: str) -> None:
    lines = [b'{"a":1}', b'{"a":2}', line.encode(), line.encode()]
    try:
        groups, _ = groups_of(lines, DIGITS)
    except Doubt:
        return
    assert all(2 not in one.at and 3 not in one.at for one in groups)

"""Parquet, Feather and NumPy archives under the mutations of test_format_mutations: the same market, or a refusal.

Rows of a table are swapped and repeated, columns moved, times told in another unit, the file cut; and a byte is broken
where the carrier can tell: anywhere in a NumPy archive (a zip, which has checksums), in the last bytes of the others.
"""

from __future__ import annotations

import io
import itertools
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy", reason="the columns need NumPy")
pytest.importorskip("pyarrow", reason="Parquet and Feather need the extra `data`")

import numpy as np

from tests.property.test_format_mutations import (
    ALL_FILES,
    FUNDING_FILES,
    SETTINGS,
    TABLES,
    WITHOUT_IDS,
    in_another_unit,
    moved,
    refused_properly,
    repeated,
    swapped,
    ways_of,
)
from tests.unit.tape.made_files import PRINTS, QUOTES

Mutation = Callable[[str, st.DataObject], str]
HEADED = [name for name in TABLES if name not in FUNDING_FILES and not ALL_FILES[name][0].isdigit()]
DEPTH, TRADE, BOTH, BUY, SELL = 1, 2, 3 << 30, 1 << 29, 1 << 28
RECORD = [("ev", "<u8"), ("exch_ts", "<i8"), ("local_ts", "<i8"), ("px", "<f8"), ("qty", "<f8")]


def arrow_file(carrier: str, text: str) -> bytes:
    from pyarrow import csv, feather, parquet

    table, target = csv.read_csv(io.BytesIO(text.encode())), io.BytesIO()
    if carrier == "parquet":
        parquet.write_table(table, target)
    else:
        feather.write_feather(table, target)
    return target.getvalue()


def archive(records: Any) -> bytes:
    target = io.BytesIO()
    np.savez(target, data=records)
    return target.getvalue()


def records() -> Any:
    """The made quotes as level changes, and the made prints; each at a time of its own."""
    rows, last = [], ("", "")
    for at, bid, bid_size, ask, ask_size in QUOTES:
        sides = ((BUY, bid, bid_size, last[0]), (SELL, ask, ask_size, last[1]))
        for side, price, size, old in sides:
            if old not in ("", price):
                rows.append((DEPTH | BOTH | side, at, old, "0"))
            rows.append((DEPTH | BOTH | side, at, price, size))
        last = bid, ask
    rows += [(TRADE | BOTH | (BUY if side > 0 else SELL), at, price, size) for at, _, price, size, side in PRINTS]
    rows.sort(key=lambda row: row[1])
    made = [(ev, at * 1_000_000, at * 1_000_000, float(Decimal(p)), float(Decimal(q))) for ev, at, p, q in rows]
    return np.array(made, dtype=RECORD)


def cut_bytes(content: bytes, data: st.DataObject) -> bytes:
    return content[: data.draw(st.integers(9, len(content) - 1))]


def broken_byte(content: bytes, data: st.DataObject, first: int, last: int) -> bytes:
    at = data.draw(st.integers(first, last))
    return content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]


def outcome(ways: list[Any], content: bytes, right: bytes) -> None:
    """Every way reads the file as the right one, or refuses it by its name."""
    with tempfile.TemporaryDirectory() as folder:
        path, right_path = Path(folder) / "file", Path(folder) / "right"
        path.write_bytes(content)
        right_path.write_bytes(right)
        results, wanted = [way(path) for way in ways], ways[0](right_path)
    assert not isinstance(wanted, str), wanted
    for one, other in itertools.pairwise(results):
        assert (one == other) or (refused_properly(one, path) and refused_properly(other, path))
    for result in results:
        assert refused_properly(result, path) or result == wanted, result


def check_table(carrier: str, name: str, mutate: Mutation | str, data: st.DataObject) -> None:
    whole = arrow_file(carrier, ALL_FILES[name])
    if mutate == "cut":
        content = cut_bytes(whole, data)
    elif mutate == "broken":
        content = broken_byte(whole, data, len(whole) - 4, len(whole) - 1)
    else:
        assert callable(mutate)
        content = arrow_file(carrier, mutate(ALL_FILES[name], data))
    outcome(ways_of(name), content, whole)


def mutations_of(name: str) -> list[Mutation | str]:
    return [swapped, *([] if name in WITHOUT_IDS else [repeated]), moved, in_another_unit, "cut", "broken"]


TABLE_CASES = [(carrier, name) for carrier in ("parquet", "feather") for name in HEADED]


@pytest.mark.parametrize(("carrier", "name"), TABLE_CASES)
@given(data=st.data())
@settings(max_examples=3, **SETTINGS)  # type: ignore[arg-type]
def test_a_mutated_table_is_the_same_market_or_refused(carrier: str, name: str, data: st.DataObject) -> None:
    check_table(carrier, name, data.draw(st.sampled_from(mutations_of(name))), data)


@pytest.mark.slow
@pytest.mark.parametrize(("carrier", "name"), TABLE_CASES)
@given(data=st.data())
@settings(max_examples=300, **SETTINGS)  # type: ignore[arg-type]
def test_three_hundred_mutations_of_each_table(carrier: str, name: str, data: st.DataObject) -> None:
    check_table(carrier, name, data.draw(st.sampled_from(mutations_of(name))), data)


def check_archive(kind: str, data: st.DataObject) -> None:
    rows = records()
    whole = archive(rows)
    if kind == "cut":
        content = cut_bytes(whole, data)
    elif kind == "broken":
        content = broken_byte(whole, data, 4, len(whole) - 1)
    elif kind == "moved":
        order = data.draw(st.permutations(list(rows.dtype.names)))
        content = archive(rows[order].astype([(name, rows.dtype[name]) for name in order]))
    elif kind == "unit":
        for column in ("exch_ts", "local_ts"):
            rows[column] //= data.draw(st.sampled_from([1_000, 1_000_000]))
        content = archive(rows)
    elif kind == "repeated":
        at = data.draw(st.sampled_from(np.flatnonzero(rows["ev"] & 0xFF == DEPTH).tolist()))
        content = archive(np.insert(rows, at, rows[at]))
    else:
        one, other = (data.draw(st.integers(0, len(rows) - 1)) for _ in range(2))
        rows[[one, other]] = rows[[other, one]]
        content = archive(rows)
    outcome(ways_of("table"), content, whole)


ARCHIVE_MUTATIONS = ["cut", "broken", "moved", "unit", "repeated", "swapped"]


@pytest.mark.parametrize("kind", ARCHIVE_MUTATIONS)
@given(data=st.data())
@settings(max_examples=3, **SETTINGS)  # type: ignore[arg-type]
def test_a_mutated_archive_is_the_same_market_or_refused(kind: str, data: st.DataObject) -> None:
    check_archive(kind, data)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=300, **SETTINGS)  # type: ignore[arg-type]
def test_three_hundred_mutations_of_an_archive(data: st.DataObject) -> None:
    check_archive(data.draw(st.sampled_from(ARCHIVE_MUTATIONS)), data)

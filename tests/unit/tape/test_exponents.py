"""Numbers whose exponent has no sign."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyarrow", reason="the fast way needs the extra `data`")

import pyarrow as pa

from pfmm.errors import DataFileError
from pfmm.tape.events import Place, finite
from pfmm.tape.exponents import UNSIGNED, in_rows, in_texts

PLACE = Place(Path("file"), 3)


@pytest.mark.parametrize("damaged", ["64000e5", "0e022", "1e5", "64000E5", "1.5e5", "5.E3", ".5e1"])
def test_a_number_that_lost_its_point_is_refused(damaged: str) -> None:
    with pytest.raises(DataFileError, match=r"file, line 3: price must be a number, not .*an exponent has a sign"):
        finite(damaged, "price", PLACE)
    assert in_rows(f"1,2\n{damaged},sell\n".encode())
    assert in_texts(pa.array(["1.5", damaged]))


@pytest.mark.parametrize("written", ["1e-05", "5.96e-05", "1E+5", "1.0E10", "2.5E-5", "0.000000e+00", "1e+03"])
def test_as_programs_write_it_it_is_read(written: str) -> None:
    assert finite(written, "price", PLACE) == Decimal(written)
    assert not in_rows(f"{written},{written}\n".replace("1.0E10", "1.0E-1").encode())


@pytest.mark.parametrize(
    "row", ["side,price", "0x12e45,1.5", "00e5a-1e5-11", "true,false", "1e5-22,3", "abc1e5,2", "12e5f", "e5", "5e", ""]
)
def test_letters_of_words_and_ids_are_none(row: str) -> None:
    assert not in_rows(f"1.5,{row}\n2,3".encode())


@given(rows=st.lists(st.text(alphabet="0123456789.eE,;ax-\n", max_size=30), max_size=8))
def test_rows_are_judged_as_their_cells_are(rows: list[str]) -> None:
    text = "\n".join(rows)
    cells = re.split(r"[,;\n]", text)
    alone = any(re.fullmatch(r"[0-9.]+[eE][0-9]+", cell) for cell in cells)
    assert in_rows(text.encode()) == alone
    if any(UNSIGNED.fullmatch(cell) for cell in cells if not cell.startswith("e")):
        assert in_rows(text.encode())

"""A tape written in chunks from columns is, byte for byte, the one that is built event by event."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the columns need NumPy")

from pfmm.paper.feeds.replay_tape import build_markets, open_tape, write_tape
from pfmm.paper.feeds.tape_building import build_tape
from pfmm.paper.feeds.tape_writer import write_gathered
from pfmm.tape import ReadOptions, TapeReader, gather
from pfmm.tape.gather import Gathering
from tests.unit.tape.made_files import PRINT_FILES, QUOTE_FILES, START_MS, TICK_FILES, csv

OPTIONS = ReadOptions(market="BTC-PERP")
PARTS = ("events", "blocks", "depth", "funding")


def tapes(path: Path) -> dict[str, tuple[object, ...]]:
    return {
        name: (tape.spec, *(bytes(getattr(tape, part)) for part in PARTS)) for name, tape in open_tape(path).items()
    }


def both_ways(folder: Path, *files: Path) -> tuple[dict[str, tuple[object, ...]], dict[str, tuple[object, ...]]]:
    with Gathering(OPTIONS, folder) as gathering:
        gathering.read(files)
        write_gathered(folder / "columns.tape", gathering, (None, None), {})
    reader = TapeReader(OPTIONS)
    write_tape(folder / "rows.tape", build_markets(reader.entries(files), reader.units))
    return tapes(folder / "columns.tape"), tapes(folder / "rows.tape")


@pytest.mark.parametrize("name", TICK_FILES)
@pytest.mark.parametrize("rows", [7, 131_072])
def test_columns_make_the_tape_that_rows_make(
    tmp_path: Path, name: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "CHUNK_ROWS", rows)
    path = tmp_path / "file"
    path.write_text(TICK_FILES[name])
    columns, events = both_ways(tmp_path, path)
    assert columns == events


@pytest.mark.parametrize("rows", [7, 131_072])
def test_merged_files_make_the_tape_that_rows_make(tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "CHUNK_ROWS", rows)
    for name, text in (("q", QUOTE_FILES["vendor-quotes"]), ("p", PRINT_FILES["vendor-trades"])):
        (tmp_path / name).write_text(text)
    columns, events = both_ways(tmp_path, tmp_path / "q", tmp_path / "p")
    assert columns == events


def test_what_quotes_repeat_cross_or_lack_is_left_out_alike(tmp_path: Path) -> None:
    quotes = [",,,", "100,1,101,1", "100,1,101,1", "102,1,101,1", ",,101,1", ",,,", "100,1,101,1", "100,1,101,1"]
    rows = [f"{START_MS + n * 1000},quote,,,,{quote}" for n, quote in enumerate(quotes)]
    rows.insert(5, f"{START_MS + 4_500},trade,101,1,buy,,,,")
    path = tmp_path / "file"
    path.write_text(csv("time_ms,kind,price,size,side,bid,bid_size,ask,ask_size", rows))
    columns, events = both_ways(tmp_path, path)
    assert columns == events
    (tape,) = open_tape(tmp_path / "columns.tape").values()
    assert [tape.events[at] - START_MS for at in range(0, len(tape.events), 6)] == [
        1_000,
        4_000,
        4_500,
        5_000,
        6_000,
        7_000,
    ]


@pytest.mark.parametrize("name", ["table", "recording", "binance-stream"])
def test_made_files_make_the_tapes_that_they_made_before(tmp_path: Path, name: str) -> None:
    """The hashes are those of version 0.1's reader, which built every tape event by event."""
    path = tmp_path / "file"
    path.write_text(TICK_FILES[name])
    (tape,) = open_tape(build_tape([path], tmp_path / "tapes", OPTIONS)).values()
    found = [hashlib.sha256(bytes(getattr(tape, part))).hexdigest()[:16] for part in PARTS[:3]]
    assert found == ["b7bc1867ca2592bf", "967fbc8a78bffab1", "e3b0c44298fc1c14"]

"""Candle files: the same bars by columns and row by row, and kept in the cache until their files change."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the backtest needs the extra `backtest`")

from pfmm.backtest.candles import Candles, read_candles
from pfmm.backtest.describing import describe
from pfmm.backtest.loading import load
from pfmm.errors import DataFileError, UnknownMarket
from pfmm.paper.feeds.tape_cache import TapeCache
from pfmm.tape import ReadOptions
from pfmm.tape import source_batches as fast
from tests.unit.tape.made_files import CANDLE_FILES

BTC = ReadOptions(market="BTC-PERP")
TEXTS = {name: text for name, text in CANDLE_FILES.items() if text[0] not in "[{"}


@pytest.fixture
def whole_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole blocks, however small."""
    pytest.importorskip("pyarrow", reason="columns need the extra `data`")
    monkeypatch.setattr(fast, "FEW_BYTES", 0)


def by_rows(path: Path) -> Candles:
    """The bars of a file whose every block is read row by row: no block of text is plain with a # in it."""
    other = path.with_name("rows")
    head, _, rest = path.read_text().partition("\n")
    other.write_text(f"{head}\n# a comment\n{rest}")
    return read_candles([other], "BTC-PERP", BTC)


@pytest.mark.usefixtures("whole_blocks")
@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("volume", ["12.", "0.000", "70000000000."])
def test_columns_and_rows_are_the_same_bars(tmp_path: Path, name: str, volume: str) -> None:
    path = tmp_path / "file"
    path.write_text(TEXTS[name].replace(",12.", f",{volume}"))
    assert read_candles([path], "BTC-PERP", BTC) == by_rows(path)


@pytest.mark.usefixtures("whole_blocks")
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (",64030.5,", ",63000.5,", "line 7: open 64000.0, high 63000.5"),
        (",64030.5,", ",,", "line 7: high must be a number, not ''"),
        (",64030.5,", ",-64030.5,", "line 7: high must not be negative"),
        ("BTC-USDT-SWAP,64000.0,64030.5", "ETH-USDT-SWAP,64000.0,64030.5", "line 7: is of ETH-PERP, the rows before"),
    ],
)
def test_a_bar_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "file"
    text = TEXTS["okx-candles"].replace(old, new)
    assert text != TEXTS["okx-candles"]
    path.write_text(text)
    with pytest.raises(DataFileError, match=told):
        read_candles([path], "BTC-PERP", BTC)


def test_parquet_bars_are_those_of_the_text(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet needs the extra `data`")
    from pyarrow import csv, parquet

    text = tmp_path / "file.csv"
    text.write_text(CANDLE_FILES["candles"])
    parquet.write_table(csv.read_csv(text), tmp_path / "file.parquet")
    assert read_candles([tmp_path / "file.parquet"]) == read_candles([text])


def test_bars_are_kept_until_their_file_changes(tmp_path: Path) -> None:
    path, folder = tmp_path / "file.csv", tmp_path / "cache"
    path.write_text(CANDLE_FILES["candles"])
    cache = TapeCache(folder)
    first = load([path], "BTC-PERP", cache).columns
    assert len(list(folder.iterdir())) == 1
    assert cache.find([path], BTC) is not None
    again = load([path], "BTC-PERP", cache).columns
    assert (again.rows == first.rows).all()
    assert again.tape.spec == first.tape.spec
    assert describe(path, BTC, cache, check=True).content == "same"
    stat = path.stat()
    path.write_text(CANDLE_FILES["candles"].replace(",64000.0,", ",64000.1,"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as a tool may that keeps the date
    assert describe(path, BTC, cache, check=True).content == "changed"
    assert (load([path], "BTC-PERP", cache).columns.rows != first.rows).any()


def test_bars_of_another_market_are_not_taken_from_the_cache(tmp_path: Path) -> None:
    path, cache = tmp_path / "file.csv", TapeCache(tmp_path / "cache")
    path.write_text(CANDLE_FILES["okx-candles"])
    describe(path, ReadOptions(), cache)
    with pytest.raises(UnknownMarket, match="the data holds no ETH-PERP"):
        load([path], "ETH-PERP", cache)
    with pytest.raises(UnknownMarket, match="the data holds no ETH-PERP"):
        describe(path, replace(BTC, market="ETH-PERP"), cache)


def test_times_of_the_bars_ends_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ends.csv"
    rows = (f"{1_735_689_659_999 + n * 60_000},1,1,1,1,5\n" for n in range(3))
    path.write_text("t,open,high,low,close,volume\n" + "".join(rows))
    with pytest.raises(DataFileError, match="those of the bars' ends"):
        read_candles([path])

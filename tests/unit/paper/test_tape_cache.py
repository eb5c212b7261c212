"""Tapes kept in the cache folder: found without reading, built anew for what changed, dropped by their last use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="tapes are built with NumPy")

from pfmm.errors import DataFileError
from pfmm.paper.feeds import tape_cache
from pfmm.paper.feeds.tape_cache import TapeCache, stats_of
from pfmm.tape import ReadOptions
from pfmm.tape.sources import Source
from tests.unit.tape.made_files import TICK_FILES

OPTIONS = ReadOptions(market="BTC-PERP")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.csv"
    path.write_text(TICK_FILES["table"])
    return path


@pytest.fixture
def cache(tmp_path: Path) -> TapeCache:
    return TapeCache(tmp_path / "tapes")


def kept(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "tapes").iterdir()}


def test_a_tape_is_built_once_and_found_without_reading(tmp_path: Path, cache: TapeCache, file: Path) -> None:
    first = cache.load([file], OPTIONS)
    assert not first.cached
    found = cache.load([file], OPTIONS)
    assert found.cached
    assert bytes(found.tapes["BTC-PERP"].events) == bytes(first.tapes["BTC-PERP"].events)
    assert len(kept(tmp_path)) == 1
    assert found.header["time_units"] == ["ms"]


def test_what_changed_is_read_anew(tmp_path: Path, cache: TapeCache, file: Path) -> None:
    before, written_ns = cache.load([file], OPTIONS), file.stat().st_mtime_ns
    file.write_text(TICK_FILES["table"].replace(",64000.1,", ",64000.2,"))
    os.utime(file, ns=(written_ns, written_ns + 1_000_000))  # a clock of files stands still for some ms
    after = cache.load([file], OPTIONS)
    assert not after.cached
    assert bytes(after.tapes["BTC-PERP"].events) != bytes(before.tapes["BTC-PERP"].events)
    assert not cache.load([file], ReadOptions(market="BTC-PERP", price_step="0.5")).cached
    assert not cache.load([file], ReadOptions(market="ETH-PERP")).cached


def test_the_key_holds_path_size_time_and_inode(file: Path) -> None:
    (stats,) = stats_of([Source(file)])
    found = file.stat()
    assert stats == {
        "path": str(file), "size": found.st_size, "mtime_ns": found.st_mtime_ns, "inode": found.st_ino,
    }  # fmt: skip


def test_content_that_changed_under_the_same_stats_is_found_by_a_check(cache: TapeCache, file: Path) -> None:
    assert cache.check([file], OPTIONS) == "not cached"
    cache.load([file], OPTIONS)
    assert cache.check([file], OPTIONS) == "same"
    times = file.stat()
    with file.open("r+") as stream:  # the same size and inode
        stream.write(TICK_FILES["table"].replace("64000.1", "64000.2"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert cache.load([file], OPTIONS).cached
    assert cache.check([file], OPTIONS) == "changed"
    assert not cache.load([file], OPTIONS).cached


def test_a_damaged_tape_is_built_anew(tmp_path: Path, cache: TapeCache, file: Path) -> None:
    cache.load([file], OPTIONS)
    (path,) = (tmp_path / "tapes").iterdir()
    path.write_bytes(path.read_bytes()[:-8])
    assert not cache.load([file], OPTIONS).cached
    assert cache.load([file], OPTIONS).cached


def test_nothing_is_left_without_the_cache_or_of_bad_data(tmp_path: Path, file: Path) -> None:
    loaded = TapeCache(tmp_path / "tapes", keep=False).load([file], OPTIONS)
    assert len(loaded.tapes["BTC-PERP"].events) > 0
    assert kept(tmp_path) == set()
    file.write_text(TICK_FILES["table"].replace("quote", "quota", 1))
    with pytest.raises(DataFileError, match="line 2: kind must be trade or quote"):
        TapeCache(tmp_path / "tapes").load([file], OPTIONS)
    assert kept(tmp_path) == set()


def test_the_tape_used_longest_ago_goes_first(tmp_path: Path, file: Path) -> None:
    sizes = []
    for number, market in enumerate(("A-PERP", "B-PERP", "C-PERP")):
        TapeCache(tmp_path / "tapes").load([file], ReadOptions(market=market))
        for path in (tmp_path / "tapes").iterdir():
            if path.stat().st_mtime > 10_000_000:  # the new one
                sizes.append(path.stat().st_size)
                os.utime(path, (number, number))
    cache = TapeCache(tmp_path / "tapes", most_bytes=3 * max(sizes))
    assert cache.find([file], ReadOptions(market="A-PERP")) is not None  # used now: B is the oldest
    cache.load([file], ReadOptions(market="D-PERP"))
    found = {name: cache.find([file], ReadOptions(market=f"{name}-PERP")) is not None for name in "ABCD"}
    assert found == {"A": True, "B": False, "C": True, "D": True}


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, cache: TapeCache, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = tape_cache.build

    def changing(*args: object) -> None:
        build(*args)  # type: ignore[arg-type]
        file.write_text(TICK_FILES["table"] + "\n")

    monkeypatch.setattr(tape_cache, "build", changing)
    with pytest.raises(DataFileError, match="changed while it was read"):
        cache.load([file], OPTIONS)
    assert kept(tmp_path) == set()

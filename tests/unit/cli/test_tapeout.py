"""The file of a recording: never over another, never with half a line."""

from __future__ import annotations

import gzip
import resource
from pathlib import Path

import pytest

from pfmm.errors import AlreadyRunning, DataFileError, UsageError
from pfmm.tape.output import TapeFile


def test_whole_lines_plain_and_packed(tmp_path: Path) -> None:
    for name in ("a.tape", "a.tape.gz"):
        path = tmp_path / name
        with TapeFile.create(path, force=False) as file:
            file.append("one\n")
            file.append("")
            file.append("two\nthree\n")
            assert file.bytes == path.stat().st_size
            raw = path.read_bytes()  # before it is closed: what a kill would leave
        assert (gzip.decompress(raw) if name.endswith(".gz") else raw) == b"one\ntwo\nthree\n"


def test_another_file_is_never_opened_without_force(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    path.write_text("precious\n")
    with pytest.raises(UsageError, match="exists already"):
        TapeFile.create(path, force=False)
    assert path.read_text() == "precious\n"
    with TapeFile.create(path, force=True) as file:
        file.append("new\n")
    assert path.read_text() == "new\n"


def test_a_file_that_is_being_recorded_to_is_left_to_its_recorder(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    with TapeFile.create(path, force=False) as file:
        file.append("one\n")
        with pytest.raises(AlreadyRunning, match="is being recorded to by another process"):
            TapeFile.create(path, force=True)
        file.append("two\n")
    assert path.read_text() == "one\ntwo\n"
    with TapeFile.create(path, force=True) as file:
        file.append("new\n")
    assert path.read_text() == "new\n"


def test_a_device_is_written_by_any_number(tmp_path: Path) -> None:
    null = Path("/dev/null")
    with TapeFile.create(null, force=True) as one, TapeFile.create(null, force=True) as other:
        one.append("one\n")
        other.append("other\n")
        assert (one.bytes, other.bytes) == (4, 6)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent" / "a.tape"):
        with pytest.raises(DataFileError, match="cannot be written"):
            TapeFile.create(path, force=True)


def test_no_room_for_a_poll_leaves_the_polls_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    room = 1 << 20
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with TapeFile.create(path, force=False) as file:
        file.append("first poll\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))  # the next write is cut short
        try:
            with pytest.raises(DataFileError, match="no room"):
                file.append("x" * (2 * room) + "\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "first poll\n"

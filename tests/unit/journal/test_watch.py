"""A journal whose file is overwritten or moved beside the process that has it open is found out before a cycle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pfmm.errors import JournalUnusable
from pfmm.journal.journal import Journal
from pfmm.journal.watch import FileWatch


def overwrite(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.write(b"x" * path.stat().st_size)


def move(path: Path) -> None:
    path.rename(path.with_name("aside"))
    path.write_bytes(path.with_name("aside").read_bytes())


@pytest.mark.parametrize(
    ("change", "told"),
    [(overwrite, "was overwritten"), (move, "is another file"), (Path.unlink, "cannot be read: No such file")],
)
def test_a_file_that_is_no_journal_any_more_is_said(
    tmp_path: Path, change: Callable[[Path], object], told: str
) -> None:
    path = tmp_path / "j.sqlite3"
    with Journal.open(path, venue="paper", account="a", nonce="ab12") as journal:
        journal.verify()
        change(path)
        with pytest.raises(JournalUnusable, match=told):
            journal.verify()


def test_a_file_that_is_gone_before_it_could_be_watched_is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalUnusable, match=r"j\.sqlite3 cannot be read: No such file"):
        FileWatch(tmp_path / "j.sqlite3")

"""Minute rows in the journal's file: fills told late, and two processes that write the rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pfmm.journal import minutes
from pfmm.journal.journal import Journal
from pfmm.journal.minutes import MinuteLog
from pfmm.model.account import Cursors
from pfmm.model.ledger import UNATTRIBUTED
from tests.unit.scripted_venue import MARKET, fill, open_journal

MINUTE_MS = 60_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path) as opened:
        yield opened


def told(journal: Journal, number: int, minute: int, size: str = "2") -> None:
    """A fill of nobody's order within a minute, told an hour after the begin: its row can be written."""
    made = fill(number, size, at_ms=minute * MINUTE_MS + number, client_order_id=None)
    journal.absorb(fills=[made], funding=[], cursors=Cursors())
    journal.record_equity(60 * MINUTE_MS, made.price, None)


def rows(journal: Journal) -> list[tuple[int, int, str]]:
    """The minute, the number of fills and what was bought in each row."""
    query = "SELECT minute, fills, bought FROM minute_rows WHERE market = ? AND owner = ? ORDER BY minute"
    return journal._db.execute(query, (MARKET, UNATTRIBUTED)).fetchall()


def test_a_late_fill_adds_to_a_row_that_is_not_among_the_newest(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minutes, "LATE_ROWS", 1)
    for number, minute in enumerate((0, 1, 2), start=1):
        told(journal, number, minute)
    journal.close_minutes()
    assert rows(journal) == [(0, 1, "2"), (1, 1, "2"), (2, 1, "2")]
    told(journal, 9, 0, "0.5")
    told(journal, 10, 3)
    journal.close_minutes()
    assert rows(journal) == [(0, 2, "2.5"), (1, 1, "2"), (2, 1, "2"), (3, 1, "2")]


def test_what_was_prepared_before_another_process_wrote_is_not_kept(journal: Journal) -> None:
    """It would set the rows, and how far they count, back to what the first two fills make."""
    for number in (1, 2):
        told(journal, number, 0)
    log = MinuteLog(journal._db)
    before = log.prepare(10)
    assert before is not None
    told(journal, 3, 0)
    journal.close_minutes()
    log.keep(before)
    assert rows(journal) == [(0, 3, "6")]
    assert MinuteLog(journal._db).through == 3

"""The mids around fills are read from a venue that tells past ones; one that does not answer makes fills wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.engine.fill_mids import moments, read_mids
from pfmm.errors import PfmmError, VenueRefused, VenueUnreachable
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors
from pfmm.ports import Amend, Capabilities
from tests.unit.scripted_venue import MARKET, T0, fill

MINUTE = 60_000
CLOSED_MS = T0 // MINUTE * MINUTE + 6 * MINUTE  # the first moment at which the minute of T0 is closed


@dataclass
class TellingVenue:
    """Tells that the mid was 100 in its own time, or the trouble that a test gives it."""

    trouble: PfmmError | None = None
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(Amend.NONE, past_mids=True))
    asked: list[Sequence[int]] = field(default_factory=list)

    def past_mids(self, market: str, times: Sequence[int]) -> tuple[tuple[int, Decimal], ...]:
        self.asked.append(times)
        if self.trouble is not None:
            raise self.trouble
        return tuple((time_ms, Decimal(100)) for time_ms in times)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """One fill at T0, and the loop's own look of 2 s before it."""
    with Journal.open(tmp_path / "j.sqlite3", venue="paper", account="main", nonce="n") as opened:
        opened.record_mids([(MARKET, T0 - 2_000, Decimal(90))])
        opened.absorb(fills=[fill()], funding=[], cursors=Cursors())
        yield opened


def seen(journal: Journal, time_ms: int) -> int:
    """The account was read at a time; answers it."""
    journal.record_equity(time_ms, Decimal(1), None)
    return time_ms


def before(journal: Journal) -> tuple[Decimal | None, int | None]:
    (item,) = journal.fills()
    return item.mid_before, item.mid_age_ms


def test_a_fill_is_asked_about_once_its_minute_is_closed(journal: Journal) -> None:
    venue = TellingVenue()
    assert before(journal) == (90, 2_000)
    assert read_mids(venue, journal, seen(journal, CLOSED_MS - 1), closed=True)
    assert venue.asked == []
    assert read_mids(venue, journal, seen(journal, CLOSED_MS), closed=True)
    assert venue.asked == [[T0 - 1, T0 + 1_000, T0 + 5_000, T0 + 30_000, T0 + 300_000]]
    assert before(journal) == (100, 1)
    assert [time_ms for time_ms, _ in journal.mids(MARKET)] == [T0 - 2_000, *venue.asked[0]]
    journal.close_minutes()
    assert read_mids(venue, journal, CLOSED_MS, closed=True)
    assert len(venue.asked) == 1


def test_a_report_asks_about_what_has_happened_by_now(journal: Journal) -> None:
    venue = TellingVenue()
    assert read_mids(venue, journal, seen(journal, T0 + 6_000), closed=False)
    assert venue.asked == [[T0 - 1, T0 + 1_000, T0 + 5_000]]


def test_a_venue_out_of_reach_makes_fills_wait_and_one_that_refuses_does_not(journal: Journal) -> None:
    now_ms = seen(journal, CLOSED_MS)
    assert not read_mids(TellingVenue(VenueUnreachable("gone")), journal, now_ms, closed=True)
    assert read_mids(TellingVenue(VenueRefused("no")), journal, now_ms, closed=True)
    assert before(journal) == (90, 2_000)


def test_nothing_is_asked_about_old_fills_and_of_a_venue_that_tells_none(journal: Journal) -> None:
    venue = TellingVenue()
    assert read_mids(venue, journal, seen(journal, T0 + 3_600_001), closed=True)
    assert read_mids(TellingVenue(capabilities=Capabilities(Amend.NONE)), journal, CLOSED_MS, closed=True)
    assert venue.asked == []


def test_moments_are_asked_for_once() -> None:
    assert moments([0, 4_000, 4_000]) == [-1, 1_000, 3_999, 4_000 + 1_000, 9_000, 30_000, 34_000, 300_000, 304_000]

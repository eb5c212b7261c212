"""The journal's events: numbered for good, pruned, with what nobody needs twice left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.journal import events as events_module
from pfmm.journal.journal import Journal
from pfmm.model.account import Cursors
from pfmm.model.event import Event
from pfmm.model.order import Fill, Liquidity, Side

MARKET = "BTC-PERP"
DAY_MS = 86_400_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "j.sqlite3", venue="paper", account="main", nonce="n") as opened:
        yield opened


def event(name: str, time_ms: int = 1, **data: Any) -> Event:
    return Event(name, time_ms, MARKET, "grid", data)


def record(journal: Journal, *events: Event, run_ids: Mapping[tuple[str, str], str] | None = None) -> list[int]:
    """The numbers of the events that were kept."""
    before = journal.newest_event()
    journal.record_events(events, run_ids or {})
    return [told.seq for told in journal.events(before)]


def names(journal: Journal, after: int = 0, **filters: Any) -> list[str]:
    return [told.event.name for told in journal.events(after, **filters)]


def test_an_event_comes_back_with_its_number_and_run(journal: Journal) -> None:
    placed = event("placed", 5, slot="bid:0", price=Decimal("100.5"), side=Side.LONG)
    assert record(journal, placed, run_ids={(MARKET, "grid"): "n-r1"}) == [1]
    (told,) = journal.events()
    data = {"slot": "bid:0", "price": "100.5", "side": "long"}
    assert (told.seq, told.run_id, told.event) == (1, "n-r1", Event("placed", 5, MARKET, "grid", data))


def test_a_reader_goes_on_from_its_cursor_and_may_ask_for_one_run(journal: Journal) -> None:
    for run in ("n-r1", "n-r2"):
        record(journal, event("placed"), event("paused"), run_ids={(MARKET, "grid"): run})
    assert names(journal, after=3) == ["paused"]
    assert [told.seq for told in journal.events(run_id="n-r2")] == [3, 4]
    assert [told.seq for told in journal.events(limit=2)] == [1, 2]


def test_cycles_are_not_kept_and_one_warning_once(journal: Journal) -> None:
    outage = [event("warning", n, code="venue_unreachable", in_a_row=n) for n in range(1, 4)]
    assert record(journal, event("cycle"), *outage, event("warning", 9, code="other")) == [1, 2]
    assert record(journal, outage[0]) == [], "the next cycle says the same"
    assert record(journal, event("paused"), event("paused")) == [3, 4], "only warnings are taken for repeats"


def test_a_warning_is_told_again_when_much_has_happened_since(journal: Journal) -> None:
    warning = event("warning", code="venue_unreachable")
    record(journal, warning, *[event("placed")] * events_module.REPEATS_WITHIN)
    assert record(journal, warning) == [events_module.REPEATS_WITHIN + 2]


def test_a_fill_is_told_once_as_it_is_absorbed_whoever_traded(journal: Journal) -> None:
    fill = Fill("f1", "o1", None, MARKET, Side.SHORT, Decimal(100), Decimal(2), Decimal("-0.02"), Liquidity.MAKER, 7)
    for _ in range(2):
        journal.absorb(fills=[fill], funding=[], cursors=Cursors())
    assert record(journal, event("fill", 7)) == [], "the loop's own word of it is not kept beside"
    (told,) = journal.events()
    assert (told.run_id, told.event.time_ms, told.event.data["fill_id"]) == (None, 7, "f1")


def test_the_oldest_are_pruned_and_no_number_is_given_twice(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "KEPT_ROWS", 10)
    for n in range(25):
        record(journal, event("placed", n))
    assert [told.seq for told in journal.events()] == list(range(16, 26))
    assert (journal.events_pruned_through(), journal.newest_event()) == (15, 25)


def test_what_is_older_than_ninety_days_is_pruned(journal: Journal) -> None:
    record(journal, event("placed", 0), event("placed", DAY_MS))
    assert journal.events_pruned_through() == 0
    record(journal, event("placed", 90 * DAY_MS + 1))
    assert [told.seq for told in journal.events()] == [2, 3]
    assert journal.events_pruned_through() == 1


def test_pruning_keeps_pace_with_a_batch(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "KEPT_ROWS", 10)
    monkeypatch.setattr(events_module, "PRUNED_AT_ONCE", 1)
    for _ in range(5):
        record(journal, *[event("placed")] * 30)
    assert [told.seq for told in journal.events()] == list(range(141, 151))

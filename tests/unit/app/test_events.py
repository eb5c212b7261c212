"""Events from a cursor on: each once, in order, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from pfmm.app.events import GAP, EventsRequest, ToldEvent, events, newest_cursor, run_meant
from pfmm.app.session import Session
from pfmm.cli.render.events import event_text
from pfmm.errors import NoJournal, UsageError
from pfmm.journal import events as kept
from pfmm.model.event import Event
from pfmm.model.run import Run


@pytest.fixture
def runs(session: Session) -> tuple[Run, Run]:
    journal = session.journal
    grid, quote = (
        journal.start_run(kind, "BTC-PERP", {}, time_ms=1_000, wall_ms=1, pid=1) for kind in ("grid", "quote")
    )
    return grid, quote


def keep(session: Session, run: Run, *names: str) -> None:
    told = [Event(name, 1_000 + at, run.market, run.kind, {"reason": f"{name} {at}"}) for at, name in enumerate(names)]
    session.journal.record_events(told, {(run.market, run.kind): run.run_id})


def read(session: Session, run: str | None = None, since: int | None = None) -> list[ToldEvent]:
    found: list[ToldEvent] = []
    assert events(EventsRequest(run, since), session=session, tell=found.append) == 0
    return found


def test_a_reader_goes_on_behind_its_cursor(session: Session, runs: tuple[Run, Run]) -> None:
    keep(session, runs[0], "paused", "resumed")
    first = read(session, since=0)
    assert [(one.event, one.cursor, one.run) for one in first] == [
        ("paused", 1, runs[0].run_id),
        ("resumed", 2, runs[0].run_id),
    ]
    assert newest_cursor(session) == 2
    assert read(session, since=2) == []
    keep(session, runs[1], "halted")
    assert [one.event for one in read(session, since=2)] == ["halted"]


def test_only_the_run_that_is_named(session: Session, runs: tuple[Run, Run]) -> None:
    keep(session, runs[0], "paused")
    keep(session, runs[1], "halted")
    for name in (runs[1].run_id, "quote", "BTC", "quote-BTC"):  # BTC: the newest there
        assert [one.event for one in read(session, run=name)] == ["halted"], name
    assert [one.event for one in read(session, run="grid")] == ["paused"]
    with pytest.raises(UsageError, match="there is no run 'ladder'") as caught:
        read(session, run="ladder")
    assert runs[1].run_id in str(caught.value.hint)


def test_what_was_pruned_is_said(session: Session, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT_ROWS", 3)
    keep(session, runs[0], *["paused", "resumed"] * 4)
    found = read(session, since=2)
    assert (found[0].event, found[0].cursor, found[0].data) == (GAP, 5, {"dropped": 3})  # 3, 4 and 5
    assert [one.cursor for one in found[1:]] == [6, 7, 8]
    assert [one.cursor for one in read(session)] == [6, 7, 8], "who names no cursor has missed nothing"
    assert event_text(found[0]).endswith("3 events are no longer kept")


def test_a_cursor_of_another_journal_is_refused(session: Session, runs: tuple[Run, Run]) -> None:
    keep(session, runs[0], "paused")
    with pytest.raises(UsageError, match="--since 2 is past the newest event, 1"):
        read(session, since=2)


def test_before_anything_has_run(session: Session) -> None:
    with pytest.raises(NoJournal):
        read(session)
    assert newest_cursor(session) == 0


def test_without_runs_a_name_says_so() -> None:
    with pytest.raises(UsageError) as caught:
        run_meant("grid", [])
    assert caught.value.hint == "nothing has run on this account yet"


def test_an_event_in_words(tmp_path: Path) -> None:
    data = {"side": "long", "size": "0.0003", "price": "65657", "fee": "-0.0039", "fill_id": "7", "slot": "cell:1:bid"}
    told = ToldEvent("fill", 1_735_689_600_000, 12, "r1", "BTC-PERP", "grid", data)
    assert event_text(told) == "#12  00:00:00  BTC-PERP grid  bought 0.0003 at 65657 (fee -0.0039)"

"""Paper time beside this machine's clock as a use case: what is said, and the two words that set it right."""

from __future__ import annotations

from pathlib import Path

import pytest

import pfmm.app.embedded as app_embedded
from pfmm.app import clock_steps, paper, venue_checks
from pfmm.app.paper_clock import clock
from pfmm.app.session import Session
from pfmm.cli.render.paper import render_clock
from pfmm.config.resolve import load_settings
from pfmm.errors import ConfigError, UsageError
from pfmm.paper.exchange import Exchange

NOON = 1_790_000_000_000
DAY = 86_400_000


class Clocks:
    def __init__(self) -> None:
        self.wall_ms, self.up_ms = NOON, 5_000

    def wall(self) -> int:
        return self.wall_ms

    def uptime(self) -> tuple[str, int]:
        return "boot", self.up_ms


def opened(folder: Path, clocks: Clocks) -> Session:
    """A session whose exchange reads these clocks."""
    session = Session(load_settings({"PFMM_HOME": str(folder)}))
    folder.joinpath("state", "paper").mkdir(parents=True)
    path = folder / "state" / "paper" / "exchange.sqlite3"
    vars(session)["exchange"] = Exchange.open(path, app_embedded.feed_of, clocks.wall, uptime=clocks.uptime)
    return session


def test_a_step_is_said_and_two_words_set_it_right(tmp_path: Path) -> None:
    clocks = Clocks()
    session = opened(tmp_path, clocks)
    try:
        session.exchange.open_account("default")
        assert clock(None, session=session).warnings == ()
        assert "--keep" not in render_clock(clock(None, session=session), None)
        clocks.wall_ms += DAY
        shown = clock(None, session=session)
        assert (shown.apart_s, shown.stepped, shown.changed) == (86_400, True, None)
        assert "leapt forward by 24 h" in shown.warnings[0]
        assert "nothing filled" in paper.status(session=session).warnings[0]
        assert "--catch-up" in render_clock(shown, None)
        done = clock("catch_up", session=session)
        assert (done.time, done.stepped, done.warnings) == ("2026-09-22T14:13:20.000Z", False, ())
        assert "caught up" in render_clock(done, None)
        clocks.wall_ms -= 10 * DAY
        shown = clock(None, session=session)
        assert "went back by 10 days" in shown.warnings[0]
        assert "--catch-up" not in render_clock(shown, None)
        with pytest.raises(UsageError, match="nothing to catch up with"):
            clock("catch_up", session=session)
        kept = clock("keep", session=session)
        assert (kept.time, kept.stepped) == (done.time, False)
        assert "goes on from where it is" in render_clock(kept, None)
    finally:
        session.close()


def test_doctor_says_what_it_saw(tmp_path: Path) -> None:
    clocks = Clocks()
    session = opened(tmp_path, clocks)
    session.exchange.open_account("default")
    clocks.wall_ms -= DAY
    words, time = clock_steps.words_of(session.exchange), session.exchange.time()
    session.close()
    check = venue_checks._paper_market("synthetic", time, words)
    assert (check.verdict, check.fix) == ("warn", clock_steps.FIX)
    assert "went back by 24 h" in check.detail


def test_no_market_begins_in_1979(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_embedded, "wall_ms", lambda: 300_000_000_000)
    with pytest.raises(ConfigError, match="this machine's clock says 1979"):
        app_embedded.open_exchange(tmp_path)
    assert list(tmp_path.iterdir()) == []

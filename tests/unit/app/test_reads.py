"""Use cases that only read, called as functions: requests in, results out, no command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pfmm.app.contract import ABSENT
from pfmm.app.doctor import doctor
from pfmm.app.help import page, topics
from pfmm.app.markets import MarketsRequest, markets
from pfmm.app.resume import resume
from pfmm.app.session import Session
from pfmm.errors import AlreadyRunning, ConfigError, UsageError
from pfmm.runner.locks import KILL_SWITCH


def test_markets_of_a_category_with_a_text_in_their_name(session: Session) -> None:
    every = markets(MarketsRequest(), session=session)
    assert every.venue == "paper"
    found = markets(MarketsRequest(category="CRYPTO", search="btc"), session=session).markets
    assert [row.market for row in found] == ["BTC-PERP"]
    assert found[0].volume_24h_usd is ABSENT
    with pytest.raises(UsageError, match="no category 'nothing'") as caught:
        markets(MarketsRequest(category="nothing"), session=session)
    assert "crypto" in (caught.value.hint or "")


def test_markets_with_their_volume(session: Session) -> None:
    (row,) = markets(MarketsRequest(search="BTC-PERP", volume=True), session=session).markets
    assert row.volume_24h_usd is not ABSENT


def test_resume_says_who_halted_the_account_and_lifts_it(session: Session) -> None:
    assert resume(session=session).halted_by is None
    session.locks.halt(halted_by=KILL_SWITCH, reason="lost 5 USD", since="2025-01-01T00:00:00.000Z")
    lifted = resume(session=session)
    assert (lifted.halted_by, lifted.reason, lifted.runs_ended) == (KILL_SWITCH, "lost 5 USD", ())
    assert session.locks.halted() is None


def test_resume_leaves_the_latch_while_a_runner_is_alive(session: Session) -> None:
    session.locks.halt(halted_by=KILL_SWITCH, reason="lost 5 USD", since="2025-01-01T00:00:00.000Z")
    lock = session.locks.run_lock("BTC-PERP", "grid")
    lock.acquire(pid=1, started_wall_ms=1, interval_s=3.0)
    try:
        with pytest.raises(AlreadyRunning, match="still runs grid on BTC-PERP"):
            resume(session=session)
    finally:
        lock.release()
    assert session.locks.halted() is not None


def test_doctor_answers_every_finding_also_when_one_fails(pfmm_home: Path) -> None:
    whole = {one.name: one.verdict for one in doctor(None).checks}
    assert set(whole.values()) == {"ok"}
    pfmm_home.mkdir(parents=True, exist_ok=True)
    (pfmm_home / "config.toml").write_text("[profiles.live\n")
    with pytest.raises(ConfigError, match="line 1") as caught:
        doctor(None)
    told = {one.name: one.verdict for one in caught.value.result.checks}  # type: ignore[attr-defined]
    assert (told["configuration"], told["venue"], told["state folder"]) == ("fail", "warn", "ok")


def test_help_has_a_page_a_topic_and_names_the_nearest() -> None:
    assert {"config", "json", "exit-codes"} <= {one.name for one in topics().topics}
    assert "`grid.levels`" in page("config").text
    with pytest.raises(UsageError, match="no topic 'jsn'") as caught:
        page("jsn")
    assert caught.value.hint == "did you mean json?"

"""Use cases that only read, called as functions: requests in, results out, no command line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app import paper, profiles
from pfmm.app.asserting import read_assertion
from pfmm.app.contract import Question
from pfmm.app.doctor import doctor
from pfmm.app.funding import FIELDS, FundingRequest, broken, funding
from pfmm.app.help import is_topic, page, topics
from pfmm.app.markets import MarketsRequest, markets
from pfmm.app.resume import resume
from pfmm.app.session import Session
from pfmm.errors import AlreadyRunning, ConfigError, UsageError
from pfmm.model.encoding import ABSENT
from pfmm.model.fees import FeeChoice
from pfmm.runner.locks import KILL_SWITCH
from tests.e2e.homes import START_MS


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
    assert is_topic("json")
    assert not is_topic("grid")
    assert {"config", "json", "exit-codes"} <= {one.name for one in topics().topics}
    assert "`grid.levels`" in page("config").text
    with pytest.raises(UsageError, match="no topic 'jsn'") as caught:
        page("jsn")
    assert caught.value.hint == "did you mean `pfmm help json`?"


def test_funding_of_named_markets_is_checked_in_the_order_named(session: Session) -> None:
    found = funding(FundingRequest(("eth", "BTC-PERP")), session=session)
    assert [row.market for row in found.markets] == ["ETH-PERP", "BTC-PERP"]
    assert found.time_ms >= START_MS
    assert found.markets[0].history is ABSENT


def test_a_scan_of_funding_is_sorted_floored_and_limited(session: Session) -> None:
    every = funding(FundingRequest(scan=True), session=session).markets
    years = [row.annualized_pct for row in every if row.annualized_pct is not None]
    assert years == sorted(years, reverse=True)
    floor = sorted(abs(row.rate_8h_bps) for row in every if row.rate_8h_bps is not None)[-3]
    kept = funding(FundingRequest(scan=True, floor_bps=float(floor), sort="market"), session=session).markets
    assert [row.market for row in kept] == sorted(row.market for row in kept)
    assert all(abs(row.rate_8h_bps or 0) >= floor for row in kept)
    assert len(funding(FundingRequest(scan=True, limit=2), session=session).markets) == 2


def test_funding_needs_markets_or_a_scan_and_not_both(session: Session) -> None:
    for request in (FundingRequest(), FundingRequest(("BTC",), scan=True)):
        with pytest.raises(UsageError):
            funding(request, session=session)
    with pytest.raises(UsageError, match="as many requests"):
        funding(FundingRequest(scan=True, history_ms=1), session=session)


def test_a_false_assertion_carries_the_offending_rows(session: Session) -> None:
    found = funding(FundingRequest(("BTC", "ETH")), session=session)
    check = read_assertion("market == 'ETH-PERP'", FIELDS)
    failure = broken(check, found)
    assert failure is not None
    assert [row.market for row in failure.result.markets] == ["BTC-PERP"]  # type: ignore[attr-defined]
    assert broken(read_assertion("interval_hours > 0", FIELDS), found) is None
    assert broken(None, found) is None


def test_paper_status_deposit_and_feed(session: Session) -> None:
    before = paper.status(session=session)
    assert (before.url, before.feed["kind"], before.positions) == (None, "synthetic", ())
    done = paper.deposit(Decimal(250), session=session)
    assert done.equity == before.equity + 250
    assert paper.feed(session=session).dropped_accounts is ABSENT
    with pytest.raises(UsageError, match="--at must lie between 2000 and 2100, not 1"):
        paper.synthetic_feed(seed=1, speed=1.0, at=paper.At(1, "1"), afresh=False, charge=FeeChoice(), session=session)


def test_a_paper_reset_asks_first_and_says_what_it_dropped(session: Session) -> None:
    asked: list[Question] = []
    paper.deposit(Decimal(5), session=session)

    def declined(question: Question) -> bool:
        asked.append(question)
        return False

    assert paper.reset(session=session, confirm=declined) is None
    assert asked[0].action.startswith("Drop every paper account under")
    done = paper.reset(session=session, confirm=lambda _: True)
    assert done is not None
    assert done.dropped_accounts == ("default",)
    assert paper.status(session=session).equity == Decimal(10_000)


def test_profiles_are_made_changed_shown_and_deleted(pfmm_home: Path) -> None:
    profiles.create_profile("live", venue="purpleflea", account="desk", base=None)
    profiles.set_setting("live", "grid.levels", "20", None)
    profiles.set_setting("live", "grid.levels", "30", "btc")
    shown = profiles.show_profile("live", "BTC-PERP")
    assert (shown.settings["grid.levels"], shown.sources["grid.levels"]) == (30, "market")
    assert profiles.show_profile("live", None).settings["grid.levels"] == 20
    assert [(row.name, row.active) for row in profiles.list_profiles(None).profiles] == [
        ("paper", True), ("live", False),
    ]  # fmt: skip
    profiles.use_profile("live")
    with pytest.raises(UsageError, match="is the active one"):
        profiles.delete_profile("live", confirm=lambda _: True)
    profiles.use_profile("paper")
    assert profiles.delete_profile("live", confirm=lambda _: False) is None
    assert profiles.delete_profile("live", confirm=lambda _: True) is not None
    with pytest.raises(ConfigError, match=r"no setting 'grid\.levls'"):
        profiles.set_setting(None, "grid.levls", "3", None)
    assert profiles.paths().config == str(pfmm_home / "config.toml")

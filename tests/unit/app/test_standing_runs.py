"""Status, stop and the like as functions, over the embedded exchange: what stands, and how it is ended."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal

import pytest

from pfmm.app.contract import Question
from pfmm.app.flatten import LOG, FlattenRequest, PlannedClose, flatten, plan
from pfmm.app.once import once
from pfmm.app.session import Session
from pfmm.app.starting import Start, StartRequest
from pfmm.app.status import RunRow, StatusRequest, status
from pfmm.app.stop import StoppedRun, StopRequest, StopResult, stop
from pfmm.app.wall_clock import wall_ms
from pfmm.config.resolve import load_settings
from pfmm.errors import AlreadyRunning, NotFlat, StateUnknown, UnknownMarket, UsageError, VenueUnreachable
from pfmm.flatten.contract import FlatState
from pfmm.model.encoding import ABSENT
from pfmm.paper.messages import PlaceRequest

BTC = "BTC-PERP"


def one_cycle(session: Session, kind: str = "grid", market: str = BTC) -> None:
    """One cycle of a strategy, as cron runs it: its orders rest and its run is open."""
    assert once(StartRequest(kind, (market,)), session=session, confirm=unasked, tell=str) is not None


def test_status_of_an_account_where_nothing_ran_has_no_rows(session: Session) -> None:
    found = status(StatusRequest("grid"), session=session)
    assert (found.venue, found.account, found.runs) == ("paper", "default", ())
    assert status(StatusRequest("grid", "btc"), session=session).runs == (RunRow(BTC, "grid"),)
    with pytest.raises(UnknownMarket):
        status(StatusRequest("grid", "nothing"), session=session)


def test_status_is_the_run_with_its_orders_of_this_strategy_alone(session: Session) -> None:
    one_cycle(session)
    (row,) = status(StatusRequest("grid"), session=session).runs
    assert (row.market, row.state, len(row.orders), row.pid) == (BTC, "between_runs", 10, None)
    assert (row.inventory, row.unrealized_pnl) == (Decimal(0), Decimal(0))
    assert status(StatusRequest("quote"), session=session).runs == ()


def test_a_run_is_running_while_its_lock_is_held(session: Session) -> None:
    with Start(StartRequest("grid", (BTC,)), session, str).holding() as engine:
        engine.cycle()
        (row,) = status(StatusRequest("grid"), session=session).runs
        assert (row.state, row.pid) == ("running", os.getpid())
    (row,) = status(StatusRequest("grid"), session=session).runs
    assert (row.state, row.pid) == ("stale", None), "the process went away without a word"


def test_why_nothing_may_add_risk_is_told_of_an_open_run_and_below_its_line(session: Session) -> None:
    from pfmm.cli.render.status import render

    with Start(StartRequest("grid", (BTC,)), session, str).holding() as engine:
        now_ms = engine.cycle().time.time_ms
        assert status(StatusRequest("grid"), session=session).runs[0].no_new_risk is None
        engine.missed(now_ms - 42_000)
        engine.cycle()
        found = status(StatusRequest("grid"), session=session)
        (row,) = found.runs
        assert row.no_new_risk is not None
        assert row.no_new_risk.startswith("no new risk: the venue was out for 42")
        assert render("grid", found, None).splitlines()[-1] == f"{BTC}: {row.no_new_risk}"
    stop(StopRequest("grid"), session=session, confirm=unasked)
    assert status(StatusRequest("grid"), session=session).runs[0].no_new_risk is None


@pytest.fixture
def unreachable(session: Session) -> Iterator[Session]:
    """The same account, one run on BTC, where nobody answers at the venue's address."""
    one_cycle(session)
    env = {"PFMM_HOME": str(session.state_dir.parent), "PFMM_VENUE": "paper", "PFMM_BASE_URL": "http://127.0.0.1:9"}
    opened = Session(load_settings({**env, "PFMM_RUN_EXIT_TIMEOUT_S": "1"}), hurried=True)
    yield opened
    opened.close()


def test_status_without_the_venue_is_the_journals_own_view(unreachable: Session) -> None:
    found = status(StatusRequest("grid", "btc"), session=unreachable)
    assert [(row.market, len(row.orders), row.unrealized_pnl) for row in found.runs] == [(BTC, 10, None)]
    (warning,) = found.warnings
    assert warning.endswith("this is the journal's own view, without what happened since")
    with pytest.raises(VenueUnreachable):
        status(StatusRequest("grid", "eth"), session=unreachable)


def unasked(question: Question) -> bool:
    raise AssertionError(f"paper money is not asked about: {question.action}")


def hold(session: Session, side: str = "long", usd: str = "300", market: str = BTC) -> Decimal:
    """Trades as somebody else with the same key would; the position then, base units."""
    session.exchange.place("default", PlaceRequest(market, side, "market", size_usd=Decimal(usd)))
    return held(session)[market]


def held(session: Session) -> dict[str, Decimal]:
    state = session.exchange.state("default", [])
    return {one.market: one.size_base for one in state.positions if one.size_base}


def resting(session: Session) -> int:
    return len(session.exchange.state("default", []).orders)


def test_stop_cancels_what_a_dead_runner_left_and_ends_its_run(session: Session) -> None:
    one_cycle(session)
    one_cycle(session, market="ETH-PERP")
    done = stop(StopRequest("grid", "btc"), session=session, confirm=unasked)
    assert done == StopResult("paper", "default", (StoppedRun(BTC, "grid", 10, 0, "stopped", Decimal(0), Decimal(0)),))
    assert resting(session) == 10, "those on ETH"
    again = stop(StopRequest("grid", "btc"), session=session, confirm=unasked)
    assert again is not None
    assert again.runs == (StoppedRun(BTC, "grid", 0, 0, "absent"),)
    every = stop(StopRequest("grid"), session=session, confirm=unasked)
    assert every is not None
    assert [(run.market, run.cancelled) for run in every.runs] == [("ETH-PERP", 10)]
    assert (resting(session), stop(StopRequest("grid"), session=session, confirm=unasked)) == (
        0,
        StopResult("paper", "default", ()),
    )


def test_stop_with_flatten_closes_the_position_and_leaves_no_halt(session: Session) -> None:
    one_cycle(session)
    size = hold(session)
    done = stop(StopRequest("grid", "btc", flatten=True), session=session, confirm=unasked)
    assert done is not None
    assert done.flatten is not None
    assert (done.flatten.state, done.flatten.orders_left) == (FlatState.FLAT, 0)
    assert [(m.market, m.before, m.after) for m in done.flatten.markets] == [(BTC, size, 0)]
    assert (held(session), session.locks.halted()) == ({}, None)


def test_stop_with_flatten_claims_nothing_where_nothing_was_there_to_stop(session: Session) -> None:
    hold(session)
    done = stop(StopRequest("grid", flatten=True), session=session, confirm=unasked)
    assert done is not None
    assert (done.runs, done.flatten) == ((), None)
    assert "nothing was closed" in done.warnings[0]
    assert list(held(session)) == [BTC]
    assert stop(StopRequest("grid"), session=session, confirm=unasked).flatten is ABSENT  # type: ignore[union-attr]


def test_stop_with_flatten_sends_nothing_while_another_strategy_runs_there(session: Session) -> None:
    one_cycle(session)
    hold(session)
    other = session.locks.run_lock(BTC, "quote")
    other.acquire(pid=os.getppid(), started_wall_ms=wall_ms())
    with other, pytest.raises(AlreadyRunning, match="nothing was closed: quote on BTC-PERP") as caught:
        stop(StopRequest("grid", "btc", flatten=True), session=session, confirm=unasked)
    assert isinstance(caught.value.result, StopResult)
    assert caught.value.result.flatten is None
    assert caught.value.result.runs == (StoppedRun(BTC, "grid", 10, 0, "stopped", Decimal(0), Decimal(0)),)
    assert list(held(session)) == [BTC]


def test_stop_without_the_venue_says_which_orders_may_rest(unreachable: Session) -> None:
    with pytest.raises(StateUnknown) as caught:
        stop(StopRequest("grid", "btc"), session=unreachable, confirm=unasked)
    assert isinstance(caught.value.result, StopResult)
    assert caught.value.result.runs == (StoppedRun(BTC, "grid", 0, 10, "unknown", Decimal(0), Decimal(0)),)


def test_flatten_halts_cancels_closes_and_keeps_its_verdict(session: Session) -> None:
    one_cycle(session)
    size = hold(session)
    done = flatten(FlattenRequest(), session=session, confirm=unasked)
    assert done is not None
    assert (done.state, done.cancelled, done.orders_left, done.halted) == (FlatState.FLAT, 10, 0, True)
    assert [(m.market, m.before, m.after) for m in done.markets] == [(BTC, size, 0)]
    assert (resting(session), held(session)) == (0, {})
    (row,) = status(StatusRequest("grid"), session=session).runs
    assert (row.state, row.stop_reason) == ("halted", "flatten")
    (line,) = (session.settings.paths.log_dir / LOG).read_text().splitlines()
    kept = json.loads(line)
    assert (kept["exit_code"], kept["state"], kept["cancelled"]) == (0, "flat", 10)


def test_flatten_of_one_market_by_half_leaves_the_other_half(session: Session) -> None:
    size = hold(session, usd="400")
    hold(session, market="ETH-PERP")
    request = FlattenRequest(("btc",), half=True)
    shown = plan(request, session=session)
    assert (shown.state, shown.would_cancel) == ("planned", 0)
    ((close),) = shown.markets
    assert (close.market, close.before, size / 2 - close.would_close in (0, Decimal("0.000005"))) == (BTC, size, True)
    assert session.locks.halted() is None
    done = flatten(request, session=session, confirm=unasked)
    assert done is not None
    assert (done.state, held(session).keys()) == (FlatState.REDUCED, {BTC, "ETH-PERP"})
    assert plan(FlattenRequest(("btc",), cancel_only=True), session=session).markets == (
        PlannedClose(BTC, held(session)[BTC], Decimal(0)),
    )


def test_what_cannot_be_halved_is_not_flat_with_the_answer(session: Session) -> None:
    lot = Decimal("0.00001")
    rest = hold(session) - lot
    session.exchange.place("default", PlaceRequest(BTC, "short", "market", size_base=rest, reduce_only=True))
    with pytest.raises(NotFlat, match="cannot be halved") as caught:
        flatten(FlattenRequest(half=True), session=session, confirm=unasked)
    assert caught.value.result.state is FlatState.RESIDUAL  # type: ignore[attr-defined]


def test_flatten_refuses_what_makes_no_sense_before_it_halts_anything(session: Session) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        FlattenRequest(half=True, cancel_only=True)
    with pytest.raises(UnknownMarket):
        flatten(FlattenRequest(("nothing",)), session=session, confirm=unasked)
    assert session.locks.halted() is None


def live(session: Session) -> Session:
    """A live account of the same home, of which the venue does not answer."""
    env = {"PFMM_HOME": str(session.state_dir.parent), "PFMM_VENUE": "purpleflea"}
    return Session(load_settings({**env, "PFMM_BASE_URL": "http://127.0.0.1:9"}), hurried=True)


def test_a_live_account_asks_and_a_no_sends_nothing(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PFMM_API_KEY", "k")
    opened = live(session)
    asked: list[Question] = []

    def no(question: Question) -> bool:
        asked.append(question)
        return False

    assert flatten(FlattenRequest(), session=opened, confirm=no) is None
    assert stop(StopRequest("grid", flatten=True), session=opened, confirm=no) is None
    assert [(q.action, q.real_money) for q in asked] == [
        ("Flatten the whole account", True),
        ("Stop the grid on every market and close the positions there", True),
    ]
    (told,) = asked[0].amounts()
    assert told.startswith("its state cannot be read now")
    assert opened.locks.halted() is None
    opened.close()

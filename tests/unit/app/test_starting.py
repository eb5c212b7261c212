"""The four ways to start as functions, over the embedded exchange: dry run, one cycle, loop, background process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.app.detaching import detach
from pfmm.app.dry_run import dry_run
from pfmm.app.loop import READER_GONE, start
from pfmm.app.once import LeftBy, OnceResult, once
from pfmm.app.session import Session
from pfmm.app.starting import StartRequest
from pfmm.app.status import StatusRequest, status
from pfmm.app.wall_clock import wall_ms
from pfmm.app.watched import Shown
from pfmm.config.resolve import load_settings
from pfmm.errors import (
    AlreadyRunning,
    ChangesPending,
    Halted,
    OutputLost,
    RiskRefused,
    SettingsDiffer,
    StartFailed,
    UnknownMarket,
    UsageError,
)
from pfmm.model.account import Cursors
from pfmm.model.cycle import CycleEvent
from pfmm.model.encoding import ABSENT
from pfmm.model.event import Event
from pfmm.model.fees import Fees
from pfmm.model.order import Fill, Liquidity
from pfmm.runner.locks import FLATTEN
from tests.unit.app.test_standing_runs import BTC, held, hold, resting, unasked

GRID = StartRequest("grid", ("btc",))


def silent(text: str) -> None:
    raise AssertionError(f"nothing to note, and told: {text}")


def one(session: Session, request: StartRequest = GRID) -> OnceResult:
    done = once(request, session=session, confirm=unasked, tell=silent)
    assert done is not None
    return done


@pytest.fixture
def levels(session: Session) -> Iterator[Session]:
    """The same account with a grid of six lines by the settings."""
    opened = Session(load_settings({"PFMM_HOME": str(session.state_dir.parent)}, overrides={"grid.levels": 6}))
    yield opened
    opened.close()


def test_one_cycle_rests_its_orders_and_the_next_keeps_them(session: Session) -> None:
    first, second = one(session), one(session)
    (row,) = first.runs
    assert (row.market, row.placed, row.resting, row.kept, first.adopted_orders) == (BTC, 10, 10, 0, 0)
    assert [event["event"] for event in first.events] == ["placed"] * 10
    assert (first.on_exit, first.warnings, first.venue) == (LeftBy("keep", 0), (), "paper")
    (row,) = second.runs
    assert (row.placed, row.amended, row.cancelled, row.kept, second.adopted_orders) == (0, 0, 0, 10, 10)
    assert resting(session) == 10
    assert session.locks.holders() == ()


@pytest.mark.parametrize(("policy", "closes"), [("cancel", False), ("flatten", True)])
def test_one_cycle_carries_out_its_exit_policy(session: Session, policy: str, closes: bool) -> None:
    hold(session)
    done = one(session, replace(GRID, on_exit=policy))
    assert (done.on_exit, done.runs[0].resting, resting(session)) == (LeftBy(policy, 10), 0, 0)
    assert (held(session) == {}) is closes
    (row,) = status(StatusRequest("grid"), session=session).runs
    assert row.state == "stopped"


def test_a_start_that_would_change_a_run_is_refused_or_begins_afresh(session: Session, levels: Session) -> None:
    one(session)
    with pytest.raises(UsageError, match="levels 10 → 6"):
        one(levels)
    with pytest.raises(AlreadyRunning, match="was not ended and left 10 orders"):
        one(levels, replace(GRID, on_restart="abort"))
    assert resting(session) == 10
    assert one(levels, replace(GRID, on_restart="cancel")).runs[0].placed == 6
    assert resting(session) == 6


def test_what_stands_in_the_way_is_said_before_anything_is_sent(session: Session) -> None:
    for overrides, error in (
        ({"grid.size_usd": Decimal(200)}, RiskRefused),
        ({"grid.size_usd": Decimal(1)}, UsageError),
    ):
        opened = Session(load_settings({"PFMM_HOME": str(session.state_dir.parent)}, overrides=overrides))
        with pytest.raises(error):
            one(opened)
        opened.close()
    with pytest.raises(UnknownMarket):
        one(session, replace(GRID, markets=("nothing",)))
    with session.locks.run_lock(BTC, "grid") as lock:
        lock.acquire(pid=os.getpid(), started_wall_ms=wall_ms())
        with pytest.raises(AlreadyRunning):
            one(session)
    session.locks.halt(halted_by=FLATTEN, reason="flatten", since="2025-01-01T00:00:00.000Z")
    for begin in (lambda: one(session), lambda: dry_run(GRID, session=session, tell=silent)):
        with pytest.raises(Halted):
            begin()
    assert resting(session) == 0


def test_a_dry_run_shows_the_difference_and_sends_nothing(session: Session, levels: Session) -> None:
    found = dry_run(GRID, session=session, tell=silent)
    (run,) = found.runs
    assert (found.changes, len(run.actions), {action.action for action in run.actions}) == (10, 10, {"place"})
    assert run.actions[0].from_price is ABSENT
    with pytest.raises(ChangesPending) as caught:
        dry_run(GRID, session=session, tell=silent, pending_fails=True)
    assert caught.value.result == replace(found, time=caught.value.result.time)  # type: ignore[attr-defined]
    assert (resting(session), status(StatusRequest("grid"), session=session).runs) == (0, ())
    one(session)
    assert dry_run(GRID, session=session, tell=silent, pending_fails=True).changes == 0
    with session.locks.run_lock(BTC, "grid") as lock:  # beside a runner, and with other settings than it has
        lock.acquire(pid=os.getpid(), started_wall_ms=wall_ms())
        assert dry_run(GRID, session=session, tell=silent).changes == 0


def test_a_dry_run_over_a_run_of_other_settings_names_them_and_shows_what_would_change(
    session: Session, levels: Session
) -> None:
    one(session)
    begun = resting(session)
    found = dry_run(GRID, session=levels, tell=silent)
    (run,) = found.runs
    assert [text.split()[0] for text in run.settings_differ] == ["levels"]
    kinds = [action.action for action in run.actions]
    assert kinds.count("cancel") == begun
    assert kinds.count("place") == len(kinds) - begun > 0, "as if that run had been ended first: nothing is held"
    assert not run.held
    assert resting(session) == begun, "nothing was sent"
    with pytest.raises(SettingsDiffer) as caught:
        one(levels)
    assert caught.value.code == "settings_differ"
    afresh = replace(GRID, on_restart="cancel")
    placed = one(levels, afresh).runs[0].placed
    assert placed == kinds.count("place"), "what was shown is what happens"


def test_a_dry_run_does_not_cancel_what_is_filled(session: Session, levels: Session) -> None:
    one(session)
    begun = resting(session)
    order = session.journal.live_orders()[0]
    fill = Fill(
        "f1", "o1", order.client_order_id, BTC, order.side, order.price, order.size, Decimal(0), Liquidity.MAKER, 1
    )
    session.journal.absorb(fills=[fill], funding=[], cursors=Cursors())
    (run,) = dry_run(GRID, session=levels, tell=silent).runs
    assert [action.action for action in run.actions].count("cancel") == begun - 1


@dataclass
class Recorder:
    """A screen that writes down what it is told; `fails` is what it raises at the first event."""

    fails: BaseException | None = None
    keyboard_fd: int | None = None
    depth_levels: int = 0
    shown: list[Shown] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    words: list[tuple[BaseException | None, list[BaseException], bool]] = field(default_factory=list)
    dropped: int = 0

    def screen(self, shown: Shown) -> Recorder:
        self.shown.append(shown)
        return self

    def write(self, event: Event) -> None:
        if self.fails is not None:
            raise self.fails
        self.events.append(event)

    def close(self) -> None:
        """Nothing is open."""

    def drop_output(self) -> None:
        self.dropped += 1

    def last_words(self, failure: BaseException | None, lost: list[BaseException], *, drained: bool) -> None:
        self.words.append((failure, lost, drained))

    @property
    def cycles(self) -> list[CycleEvent]:
        return [event for event in self.events if isinstance(event, CycleEvent)]


def loop(session: Session, request: StartRequest, recorder: Recorder) -> int:
    """Runs a loop to its end; the exit code of the process that it ends."""
    with pytest.raises(SystemExit) as ended:
        start(request, session=session, confirm=unasked, tell=silent, display=recorder)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_loop_cycles_tells_and_carries_out_its_exit_policy(session: Session) -> None:
    seen = Recorder()
    assert loop(session, replace(GRID, cycles=3), seen) == 0
    fees = {BTC: Fees(Decimal(-2), Decimal(5), "paper")}
    told = {"fees": fees, "limits": {BTC: Decimal(500)}}  # which money it is, a live table asks for itself
    assert seen.shown == [Shown("grid", (BTC,), "paper", "default", "cancel", **told)]
    beside = [event.data for event in seen.cycles]
    assert {data["fees"] for data in beside} == {"fees maker -2, taker 5 bps (paper)"}
    assert beside[0]["edge"] == "break-even maker fee: n/a: no maker fill has a mid before and 5 s after it"
    assert [len(event.report.runs[0].orders) for event in seen.cycles if event.report] == [10, 10, 10]
    assert (seen.events[-1].name, seen.events[-1].data["orders_left"], resting(session)) == ("stopped", 0, 0)
    assert (seen.words, session.locks.holders()) == ([(None, [], True)], ())


def test_a_loop_that_keeps_its_orders_is_taken_over_by_the_next(session: Session) -> None:
    loop(session, replace(GRID, cycles=1, on_exit="keep"), Recorder())
    assert resting(session) == 10
    seen = Recorder()
    loop(session, replace(GRID, cycles=1, on_exit="flatten"), seen)
    assert [cycle.data["adopted_orders"] for cycle in seen.cycles] == [10]
    assert (seen.shown[0].on_exit, resting(session)) == ("flatten", 0)


def test_a_loop_that_loses_more_than_it_may_halts_the_account(session: Session) -> None:
    overrides = {"run.max_loss_usd": Decimal("0.0001")}
    opened = Session(load_settings({"PFMM_HOME": str(session.state_dir.parent)}, overrides=overrides))
    seen = Recorder()
    assert loop(opened, replace(GRID, cycles=4000), seen) == Halted.exit_code
    ((failure, _, _),) = seen.words
    assert isinstance(failure, Halted)
    record = opened.locks.halted()
    assert record is not None
    assert (record.halted_by, resting(session)) == ("kill_switch", 0)
    opened.close()


def test_a_screen_that_fails_costs_the_run_nothing(session: Session) -> None:
    broken = ZeroDivisionError("a bug of the screen")
    seen = Recorder(fails=broken)
    assert loop(session, replace(GRID, cycles=3), seen) == 0
    (run,) = session.journal.runs(kind="grid", market=BTC)
    assert (run.stop_reason, resting(session), seen.words) == ("3 cycles done", 0, [(None, [broken], True)])


def test_a_reader_that_goes_away_ends_the_loop_by_its_exit_policy(session: Session) -> None:
    seen = Recorder(fails=BrokenPipeError())
    assert loop(session, GRID, seen) == 0, "without --cycles: nothing else ends it"
    (run,) = session.journal.runs(kind="grid", market=BTC)
    assert (run.stop_reason, resting(session), seen.dropped) == (READER_GONE, 0, 1)


def test_output_that_is_lost_is_a_failure_of_a_loop_that_did_its_work(session: Session) -> None:
    seen = Recorder(fails=OutputLost("the output cannot be written"))
    assert (loop(session, replace(GRID, cycles=1), seen), resting(session)) == (OutputLost.exit_code, 0)


def child(text: str) -> list[str]:
    """A background process that says `text` to the one that waits for it, and ends."""
    return [sys.executable, "-c", f"import os; os.write(int(os.environ['PFMM_READY_FD']), {text.encode()!r})"]


def test_a_background_start_answers_once_the_first_cycle_is_done(session: Session) -> None:
    done = detach(GRID, child("ready\n"), session=session, confirm=unasked, tell=silent)
    assert done is not None
    assert (done.strategy, done.markets, Path(done.log).name) == ("grid", (BTC,), "grid-BTC-PERP.log")
    assert Path(done.log).stat().st_mode & 0o777 == 0o600


def test_a_background_start_passes_on_the_failure_of_its_child(session: Session) -> None:
    told = json.dumps({"code": "usage", "message": "no way", "hint": "this", "exit_code": 2})
    with pytest.raises(StartFailed, match="no way") as caught:
        detach(GRID, child(told + "\n"), session=session, confirm=unasked, tell=silent)
    assert (caught.value.code, caught.value.exit_code) == ("usage", 2)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("this; the log is ")
    with pytest.raises(StartFailed, match="ended with exit code 5") as caught:
        detach(GRID, [sys.executable, "-c", "exit(5)"], session=session, confirm=unasked, tell=silent)
    assert caught.value.exit_code == 5


def test_no_background_process_is_begun_beside_a_runner(session: Session) -> None:
    with session.locks.run_lock(BTC, "grid") as lock:
        lock.acquire(pid=os.getpid(), started_wall_ms=wall_ms())
        with pytest.raises(AlreadyRunning):
            detach(GRID, child("ready\n"), session=session, confirm=unasked, tell=silent)
    assert not session.settings.paths.log_dir.exists()

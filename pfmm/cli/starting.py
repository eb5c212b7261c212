"""The body that every `start` shares: refuse, preview, adopt, then one cycle, a loop, or a detached process.

Knows the session and the engine; each strategy's command gives it the specs to run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from pfmm.cli.context import Session, wait_s, wall_ms
from pfmm.cli.output import Failed, Globals, Result, emit, iso, say
from pfmm.cli.prompt import confirm, refuse_unasked
from pfmm.errors import (
    AlreadyRunning,
    ChangesPending,
    Halted,
    OutcomeUnknown,
    PfmmError,
    StaleData,
    StateUnknown,
    UsageError,
)
from pfmm.model.market import Instrument
from pfmm.runner.loop import KILL_SWITCH, Ending

if TYPE_CHECKING:
    from pfmm.engine.cancel import WindDown
    from pfmm.engine.engine import Engine
    from pfmm.engine.report import CycleReport, RunSpec
    from pfmm.runner.signals import Signals


@dataclass(frozen=True, slots=True)
class StartOptions:
    """The options that every `start` has; None means that the profile's value holds."""

    cycles: int | None = None
    once: bool = False
    detach: bool = False
    dry_run: bool = False
    exit_code: bool = False
    on_exit: str | None = None
    on_restart: str | None = None
    yes: bool = False


SpecBuilder = Callable[[Session, Instrument], "RunSpec"]
Tend = Callable[[Session, "Engine", "CycleReport"], None]


def start(
    options: Globals,
    session: Session,
    kind: str,
    spellings: Sequence[str],
    build: SpecBuilder,
    how: StartOptions,
    tend: Tend | None = None,
) -> None:
    """Starts `kind` on the markets, in the way that `how` asks for; `tend` is called while the loop waits. Raises
    what stands in the way, before anything is sent."""
    _refuse_contradictions(how)
    if session.live and not how.dry_run:
        refuse_unasked(yes=how.yes)
    session.locks.refuse_if_halted()
    instruments = list({market.market: market for market in map(session.market, spellings)}.values())
    carried_on = how.dry_run and any(session.locks.run_lock(i.market, kind).holder() for i in instruments)
    open_runs = _open_runs(session, kind, instruments)
    engine = _engine(session, [build(session, instrument) for instrument in instruments], settles=not carried_on)
    if how.dry_run:
        _dry_run(options, session, kind, engine, how)
        return
    _confirm(session, kind, [i.market for i in instruments], how)
    if how.detach:
        from pfmm.cli.detaching import detach

        emit(options, detach(session, kind, [i.market for i in instruments]))
        return
    with ExitStack() as stack:
        for instrument in sorted(instruments, key=lambda i: i.market):
            lock = session.locks.run_lock(instrument.market, kind)
            interval_s = session.settings.general.run.interval_s
            lock.acquire(pid=os.getpid(), started_wall_ms=wall_ms(), interval_s=interval_s)
            stack.callback(lock.release)
        # again, now that flatten can see this process: it sets the latch before it looks for runners
        session.locks.refuse_if_halted()
        if _open_runs(session, kind, instruments) != open_runs:  # ended or begun by another since: not the same start
            engine = _engine(session, [build(session, instrument) for instrument in instruments], settles=True)
        if how.once:
            _once(options, session, kind, engine, how)
        else:
            _loop(options, session, kind, engine, how, tend)


def _refuse_contradictions(how: StartOptions) -> None:
    """A flag that would be passed over in silence is a mistake of whoever gave it."""
    short = "--dry-run" if how.dry_run else "--once" if how.once else None
    long = "--cycles" if how.cycles is not None else "--detach" if how.detach else None
    if short is not None and long is not None:
        raise UsageError(f"{short} and {long} exclude each other", hint=f"leave one of {short} and {long} out")
    if how.exit_code and not how.dry_run:
        raise UsageError("--exit-code needs --dry-run", hint="add --dry-run, or leave --exit-code out")


def _engine(session: Session, specs: Sequence[RunSpec], *, settles: bool) -> Engine:
    from pfmm.engine.engine import Engine

    return Engine(
        session.venue,
        session.journal,
        specs,
        session.instruments,
        wall_ms=wall_ms,
        pid=os.getpid(),
        settles=settles,
    )


def _open_runs(session: Session, kind: str, instruments: Sequence[Instrument]) -> list[str | None]:
    """The run of each market that a start would carry on; what it needs to begin depends on that."""
    runs = [session.journal.open_run(kind, instrument.market) for instrument in instruments]
    return [None if run is None else run.run_id for run in runs]


def _confirm(session: Session, kind: str, markets: Sequence[str], how: StartOptions) -> None:
    if session.live:
        session.venue.probe(markets[0])
        where = f"{session.venue_name} account {session.account}"
        confirm(f"Start {kind} on {', '.join(markets)} with REAL money at {where}?", yes=how.yes)


def _dry_run(options: Globals, session: Session, kind: str, engine: Engine, how: StartOptions) -> None:
    """One cycle that sends nothing, shown as the difference between what rests and what should."""
    engine.adopt()
    report = engine.cycle(send=False)
    from pfmm.cli.render.plans import plan_data, plan_text

    data = plan_data(session, kind, report)
    result = Result(data, lambda: plan_text(data))
    if how.exit_code and data["changes"]:
        raise Failed(ChangesPending(f"{data['changes']} order actions are pending"), result)
    emit(options, result)


def _adopt(session: Session, kind: str, engine: Engine, policy: str) -> int:
    """Applies --on-restart to what an earlier process left; returns how many of its orders are taken over."""
    left = [run for market in engine.markets if (run := session.journal.open_run(kind, market)) is not None]
    if not left:
        return 0
    orders = sum(len(session.journal.live_orders(run_id=run.run_id)) for run in left)
    if policy == "abort":
        raise AlreadyRunning(
            f"an earlier {kind} on {', '.join(run.market for run in left)} was not ended and left {orders} orders",
            hint=f"`pfmm {kind} stop` ends it; --on-restart adopt takes its orders over",
        )
    if policy == "cancel":
        end_runs(session, [run.run_id for run in left], [run.market for run in left], reason="restarted afresh")
        return 0
    engine.adopt()
    return orders


def end_runs(session: Session, run_ids: Sequence[str], markets: Sequence[str], *, reason: str) -> WindDown:
    """Cancels and proves the orders of runs that nobody carries on, and ends them in the journal."""
    from pfmm.engine.cancel import wind_down

    done = wind_down(session.venue, session.journal, session.clock(wait_s), markets, run_ids)
    for run_id in run_ids:
        session.journal.end_run(run_id, status="stopped", reason=reason, time_ms=done.snapshot.time.time_ms)
    return done


def _once(options: Globals, session: Session, kind: str, engine: Engine, how: StartOptions) -> None:
    """One cycle for cron: orders stay by default, so that the next minute finds them."""
    from pfmm.cli.once import never_acted, once_data, once_text, refusals

    adopted = _adopt(session, kind, engine, how.on_restart or _policy(session, "on_restart"))
    report = engine.cycle()
    tripped = next((run.tripped for run in report.runs if run.tripped is not None), None)
    if tripped is not None:
        _trip(session, tripped, report.time.time_ms)
    leaving = "cancel" if tripped is not None else how.on_exit or "keep"
    ending = Ending(KILL_SWITCH if tripped is not None else "one cycle done", halt=tripped)
    cancelled = _leave(session, engine, report, leaving, ending)
    data = once_data(session, kind, report, adopted)
    data["on_exit"] = {"policy": leaving, "cancelled": cancelled}
    if leaving != "keep":  # proven gone, or `_leave` had raised
        for row in data["runs"]:
            row["resting"] = 0
    left = _unattended(session, engine.run_ids) if tripped is not None else ()
    result = Result(data, lambda: once_text(data), (*refusals(report.events), *left))
    if tripped is not None:
        raise Failed(Halted(f"kill switch: {tripped}; its orders are cancelled, the account is halted"), result)
    problem = next((run.problem for run in report.runs if run.problem is not None), None)
    if problem is not None:
        raise Failed(StaleData(f"no new orders were placed: {problem}"), result)
    unknown = sum(event.name == "unknown" for event in report.events)
    if unknown:
        text = f"{unknown} orders or order actions got no usable answer: they may or may not have acted"
        raise Failed(OutcomeUnknown(text, hint="the next run settles them by client order id"), result)
    failure = never_acted(report.events)
    if failure is not None:
        raise Failed(failure, result)
    emit(options, result)


def _loop(options: Globals, session: Session, kind: str, engine: Engine, how: StartOptions, tend: Tend | None) -> None:
    from pfmm.cli.live.screens import screen_for
    from pfmm.runner.dead_man import DeadMan
    from pfmm.runner.loop import Hooks, Loop, LoopOptions
    from pfmm.runner.signals import Signals

    run = session.settings.general.run
    on_exit = how.on_exit or run.on_exit
    with Signals() as signals:
        adopted = _adopt(session, kind, engine, how.on_restart or _policy(session, "on_restart"))
        clock = session.clock(signals.wait_s)
        # fed at most once a cycle: it must outlive three of them, and must not fire at orders that are to be kept
        timeout_s = max(run.dead_man_s, ceil(3 * run.interval_s)) if run.dead_man_s and on_exit != "keep" else 0
        dead_man = DeadMan(session.venue, session.locks, timeout_s, pid=os.getpid(), wall_ms=wall_ms())
        screen = screen_for(options, session, kind, dead_man, on_exit)
        if adopted:
            say(options, f"took over {adopted} resting orders of the earlier run")
        hooks = Hooks(
            emit=screen.event,
            show=screen.show,
            halted=lambda: record.reason if (record := session.locks.halted()) else None,
            trip=lambda reason: _trip(session, reason, clock.now_ms()),
            ready=_tell_parent,
            tend=lambda report: None if tend is None else tend(session, engine, report),
        )
        loop = Loop(engine, clock, signals, dead_man, LoopOptions(run.interval_s, how.cycles, on_exit), hooks)
        with screen:
            ending = _run_to_the_end(session, kind, engine, loop, screen, dead_man, signals, on_exit)
    if ending.halt is not None:
        raise Halted(f"stopped: {ending.halt}")
    if ending.exit_code:
        sys.exit(ending.exit_code)


def _run_to_the_end(
    session: Session, kind: str, engine: Engine, loop: Any, screen: Any, dead_man: Any, signals: Signals, on_exit: str
) -> Ending:
    """The loop and, whatever ended it, the exit policy. An error is raised again after the policy has run."""
    failure: BaseException | None = None
    try:
        ending: Ending = loop.run()
    except BrokenPipeError:
        screen.go_silent()
        ending = Ending("the reader of the output went away")
    except PfmmError as error:
        failure, ending = error, Ending(error.message, error.exit_code)
    except BaseException as error:  # noqa: BLE001 - raised again below, after the exit policy has run
        failure, ending = error, Ending(f"bug: {type(error).__name__}", 1)
    policy = "cancel" if ending.halt is not None else on_exit
    try:
        screen.leaving(ending, policy)
        cancelled = _leave(session, engine, loop.last, policy, ending, waiting=signals.wait_regardless_s)
        # only now: while it is not proven that nothing rests, the venue's own switch is the last protection
        problem = dead_man.leave()
        left = _unattended(session, engine.run_ids) if ending.reason == KILL_SWITCH else ()
        warning = "; ".join([*([] if problem is None else [problem]), *left]) or None
        screen.stopped(ending, cancelled, _left(session, engine), warning)
    except BrokenPipeError:
        screen.go_silent()
    except KeyboardInterrupt:
        signals.ignore_interrupts()
        raise _given_up(session, kind, engine) from failure
    except PfmmError as error:
        if failure is None:
            raise
        error.add_note(f"while leaving after: {ending.reason}")
        raise error from failure
    if failure is not None:
        raise failure
    return ending


def _given_up(session: Session, kind: str, engine: Engine) -> StateUnknown:
    """The error of one more Ctrl-C: the way out was cut short by the one who waits for it."""
    rest = _left(session, engine)
    return StateUnknown(
        f"another Ctrl-C ended the way out before its proof: {rest} orders of this run may still rest, "
        "and what is held stays held",
        hint=f"`pfmm {kind} stop` cancels and proves; `pfmm flatten` also closes",
    )


def _leave(
    session: Session,
    engine: Engine,
    report: CycleReport | None,
    policy: str,
    ending: Ending,
    waiting: Callable[[float], bool] = wait_s,
) -> int:
    """Carries out --on-exit: keep leaves the run open with its orders, cancel proves them gone and ends it, flatten
    also closes the run's markets. Returns how many orders were cancelled."""
    time_ms = report.time.time_ms if report is not None else 0
    if policy == "keep" or not engine.run_ids:
        engine.leave(time_ms, status="between_runs", reason=None)
        return 0
    from pfmm.engine.cancel import wind_down

    clock = session.clock(waiting)
    seen_ms = engine.not_before_ms
    done = wind_down(session.venue, session.journal, clock, engine.markets, engine.run_ids, not_before_ms=seen_ms)
    status = "halted" if ending.halt is not None else "stopped"
    engine.leave(done.snapshot.time.time_ms, status=status, reason=ending.reason)
    if policy == "flatten":
        from pfmm.cli.flattening import flatten_markets

        flatten_markets(session, engine.markets)
    return done.cancelled


def _left(session: Session, engine: Engine) -> int:
    """How many orders of these runs still rest, which --on-exit keep wants."""
    return sum(len(session.journal.live_orders(run_id=run_id)) for run_id in engine.run_ids)


def _policy(session: Session, name: str) -> str:
    return str(getattr(session.settings.general.run, name))


def _trip(session: Session, reason: str, time_ms: int) -> None:
    from pfmm.runner.locks import KILL_SWITCH as HALTED_BY

    session.locks.halt(halted_by=HALTED_BY, reason=reason, since=iso(time_ms))


def _unattended(session: Session, mine: Sequence[str]) -> tuple[str, ...]:
    """A warning where a kill switch leaves orders of other runs that have no process, as cron's: nothing cancels them
    by itself any more, since the HALT refuses their next start."""
    attended = {(holder.market, holder.strategy) for holder in session.locks.holders()}
    left = [
        (run.kind, len(session.journal.live_orders(run_id=run.run_id)))
        for run in session.journal.runs(ended=False)
        if run.run_id not in mine and (run.market, run.kind) not in attended
    ]
    kinds = sorted({kind for kind, orders in left if orders})
    if not kinds:
        return ()
    ways = " and ".join(f"`pfmm {kind} stop`" for kind in kinds)
    return (
        f"{sum(orders for _, orders in left)} orders of runs without a process still rest; cancel them with {ways}",
    )


def _tell_parent() -> None:
    """Tells a waiting `start --detach` that the first cycle is done."""
    fd = os.environ.pop("PFMM_READY_FD", None)
    if fd is not None:
        os.write(int(fd), b"ready\n")
        os.close(int(fd))

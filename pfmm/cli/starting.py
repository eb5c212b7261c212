"""The body that every `start` shares: refuse, preview, adopt, then one cycle, a loop, or a detached process.

Knows the session and the engine; each strategy's command gives it the specs to run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from pfmm.app.ending import end_runs
from pfmm.app.session import Session, wall_ms
from pfmm.cli.output import Failed, Globals, Result, emit, iso
from pfmm.cli.prompt import confirm, refuse_unasked
from pfmm.errors import (
    AlreadyRunning,
    ChangesPending,
    Halted,
    OutcomeUnknown,
    StaleData,
    UsageError,
)
from pfmm.model.market import Instrument
from pfmm.runner.loop import KILL_SWITCH, Ending

if TYPE_CHECKING:
    from pfmm.engine.engine import Engine
    from pfmm.engine.report import CycleReport, RunSpec
    from pfmm.errors import PfmmError
    from pfmm.model.event import Event
    from pfmm.runner.inbox import Inbox
    from pfmm.runner.leaving import Surroundings
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
    session.refuse_reading_only()
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
    if how.detach:  # the child takes the locks itself; what is known now is said before anything is asked or begun
        for instrument in instruments:
            session.locks.run_lock(instrument.market, kind).refuse_if_held()
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
        session.probe(markets[0])
        where = f"{session.venue_name} account {session.account}"
        confirm(f"Start {kind} on {', '.join(markets)} with REAL money at {where}?", yes=how.yes)
        session.renew()


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
        run_ids, markets = [run.run_id for run in left], [run.market for run in left]
        with session.leaving() as deadline:
            end_runs(session, run_ids, markets, reason="restarted afresh", deadline=deadline)
        return 0
    engine.adopt()
    return orders


def _once(options: Globals, session: Session, kind: str, engine: Engine, how: StartOptions) -> None:
    """One cycle for cron: orders stay by default, so that the next minute finds them.

    A signal lets no further order action leave; what is on its way gets a moment for its answer, and the answer says
    what was done. The exit code is the signal's then.
    """
    from pfmm.errors import CutShort, Interrupted
    from pfmm.runner.signals import Signals

    with Signals(one_shot=True) as signals:
        adopted = _adopt(session, kind, engine, how.on_restart or _policy(session, "on_restart"))
        try:
            with session.heeding(signals):
                report = engine.cycle()
            session.journal.record_events(report.events, engine.run_names)
        except Interrupted as error:
            raise CutShort(
                f"{signals.name} came before this cycle had sent anything; what rested before still rests",
                exit_code=signals.exit_code,
                hint=f"`pfmm {kind} stop` cancels it",
            ) from error
        result, failure = _once_left(session, kind, engine, how, report, adopted, signals)
    if signals.received is not None:
        undone = "the cycle was whole" if failure is None else failure.message
        raise Failed(CutShort(f"{signals.name} came during the cycle: {undone}", exit_code=signals.exit_code), result)
    if failure is not None:
        raise Failed(failure, result)
    emit(options, result)


def _once_left(
    session: Session,
    kind: str,
    engine: Engine,
    how: StartOptions,
    report: CycleReport,
    adopted: int,
    signals: Signals,
) -> tuple[Result, PfmmError | None]:
    """Carries out the exit policy after the one cycle: the answer, and the failure where it did not do its work."""
    from pfmm.cli.once import never_acted, nothing_done, once_data, once_text, refusals
    from pfmm.runner.leaving import carry_out

    tripped = next((run.tripped for run in report.runs if run.tripped is not None), None)
    if tripped is not None:
        _trip(session, tripped, report.time.time_ms)
    leaving = "cancel" if tripped is not None else how.on_exit or "keep"
    ending = Ending(KILL_SWITCH if tripped is not None else "one cycle done", halt=tripped)
    around = _surroundings(session, engine, signals.wait_regardless_s, nullcontext, signals.ignore_interrupts)
    cancelled = carry_out(engine, leaving, ending, report.time.time_ms, around)
    data = once_data(session, kind, report, adopted)
    data["on_exit"] = {"policy": leaving, "cancelled": cancelled}
    if leaving != "keep":  # proven gone, or `carry_out` had raised
        for row in data["runs"]:
            row["resting"] = 0
    left = _unattended(session, engine.run_ids) if tripped is not None else ()
    result = Result(data, lambda: once_text(data), (*refusals(report.events), *left))
    if tripped is not None:
        return result, Halted(f"kill switch: {tripped}; its orders are cancelled, the account is halted")
    problem = next((run.problem for run in report.runs if run.problem is not None), None)
    if problem is not None:
        return result, StaleData(f"no new orders were placed: {problem}")
    unknown = sum(event.name == "unknown" for event in report.events)
    if unknown:
        text = f"{unknown} orders or order actions got no usable answer: they may or may not have acted"
        return result, OutcomeUnknown(text, hint="the next run settles them by client order id")
    return result, never_acted(report.events) or nothing_done(report)


def _loop(options: Globals, session: Session, kind: str, engine: Engine, how: StartOptions, tend: Tend | None) -> None:
    """The loop, shown by a screen on a terminal and as NDJSON anywhere else; ends with the exit code of its ending."""
    from pfmm.cli.live.running import Shown, show_run

    on_exit = how.on_exit or session.settings.general.run.on_exit
    shown = Shown(kind, tuple(engine.markets), session.venue_name, session.account, on_exit)
    show_run(
        options, shown, lambda put, inbox, signals: run_loop(session, kind, engine, how, tend, put, inbox, signals)
    )


def run_loop(
    session: Session,
    kind: str,
    engine: Engine,
    how: StartOptions,
    tend: Tend | None,
    put: Callable[[Event], None],
    inbox: Inbox,
    signals: Signals,
) -> Ending:
    """Takes over what an earlier process left, runs the loop, and carries out the exit policy whatever ends it.

    Raises Halted where a HALT or a kill switch ended it, and what `run_to_the_end` raises.
    """
    from pfmm.cli.detaching import tell_ready
    from pfmm.journal.watch import FileWatch
    from pfmm.runner.dead_man import DeadMan
    from pfmm.runner.leaving import run_to_the_end
    from pfmm.runner.loop import Hooks, Loop, LoopOptions
    from pfmm.runner.telling import Teller

    run = session.settings.general.run
    on_exit = how.on_exit or run.on_exit
    adopted = _adopt(session, kind, engine, how.on_restart or _policy(session, "on_restart"))
    clock = session.clock(inbox.wait_s)
    # fed at most once a cycle: it must outlive three of them, and must not fire at orders that are to be kept
    timeout_s = max(run.dead_man_s, ceil(3 * run.interval_s)) if run.dead_man_s and on_exit != "keep" else 0
    dead_man = DeadMan(session.venue, session.locks, timeout_s, pid=os.getpid(), wall_ms=wall_ms())
    teller = Teller(session.journal, engine, put)
    hooks = Hooks(
        teller=teller,
        beside=lambda: {
            "adopted_orders": adopted,
            "dead_man": dead_man.state,
            "budget": session.budget_text(),
        },
        halted=lambda: record.reason if (record := session.locks.halted()) else None,
        trip=lambda reason: _trip(session, reason, clock.now_ms()),
        ready=tell_ready,
        tend=lambda report: None if tend is None else tend(session, engine, report),
        verify=FileWatch(session.journal.path).verify,
    )
    loop = Loop(engine, clock, inbox, dead_man, LoopOptions(run.interval_s, how.cycles), hooks)
    around = _surroundings(
        session,
        engine,
        signals.wait_regardless_s,
        lambda: session.bounded(wakeup=signals),
        signals.ignore_interrupts,
    )
    ending = run_to_the_end(kind, engine, loop, dead_man, on_exit, teller, around)
    if ending.halt is not None:
        raise Halted(f"stopped: {ending.halt}")
    return ending


def _surroundings(
    session: Session,
    engine: Engine,
    waiting: Callable[[float], bool],
    running: Callable[[], AbstractContextManager[object]],
    last_interrupt: Callable[[], None],
) -> Surroundings:
    from pfmm.runner.leaving import Surroundings

    def close(markets: Sequence[str]) -> None:
        from pfmm.app.closing import flatten_markets

        flatten_markets(session, markets)

    return Surroundings(
        venue=session.venue,
        journal=session.journal,
        clock=session.clock(waiting),
        running=running,
        leaving=session.leaving,
        close=close,
        unattended=lambda: _unattended(session, engine.run_ids),
        last_interrupt=last_interrupt,
    )


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

"""Build the loop of a start, run it to its end, and say beside each cycle what a screen shows. Layer: app."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from pfmm.app import watchdog
from pfmm.app.detaching import tell_ready
from pfmm.app.protection import OFF, UNPROTECTED, refuse_unprotected, shown
from pfmm.app.wall_clock import wall_ms
from pfmm.errors import Halted
from pfmm.model.fees import fees_text

if TYPE_CHECKING:
    from pfmm.app.starting import Start
    from pfmm.journal.journal import Journal
    from pfmm.model.cycle import CycleReport
    from pfmm.model.event import Event
    from pfmm.model.fees import Fees
    from pfmm.runner.inbox import Inbox
    from pfmm.runner.loop import Ending
    from pfmm.runner.signals import Signals

EDGE_WINDOW_MS = 86_400_000


def run_loop(begun: Start, on_exit: str, put: Callable[[Event], None], inbox: Inbox, signals: Signals) -> Ending:
    """Take over what an earlier process left, run the loop, and carry out the exit policy whatever ends it.

    Raises Halted where a HALT or a kill switch ended it, and what `run_to_the_end` raises.
    """
    from pfmm.runner.dead_man import DeadMan
    from pfmm.runner.leaving import run_to_the_end
    from pfmm.runner.loop import Hooks, Loop, LoopOptions
    from pfmm.runner.telling import Teller

    session, engine = begun.session, begun.engine
    run = session.settings.general.run
    adopted = begun.adopt()
    clock = session.clock(inbox.wait_s)
    # fed at most once a cycle: it must outlive three of them, and must not fire at orders that are to be kept
    timeout_s = max(run.dead_man_s, ceil(3 * run.interval_s)) if run.dead_man_s and on_exit != "keep" else 0
    dead_man = DeadMan(session.venue, session.locks, timeout_s, pid=os.getpid(), wall_ms=wall_ms)
    refuse_unprotected(begun, dead_man)
    if dead_man.state == UNPROTECTED and watchdog.wanted(session, on_exit) is None:
        watchdog.begin(begun)
    teller = Teller(session.journal, engine, put)
    edge = LiveEdge(session.journal, begun.fees)
    engine.watch_clock(clock.lag_ms)

    def before_cycle() -> None:
        begun.heartbeat.beat()
        if dead_man.state != OFF:  # it is only asked for after a cycle
            engine.protect_by_stops(wanted=dead_man.state == UNPROTECTED)

    def after_cycle(report: CycleReport) -> None:
        begun.runs.tend(session, engine, report.time.time_ms)
        slow = 0 < report.time.speed < 1  # then an interval takes longer by the clock of this machine
        begun.heartbeat.beat(3 * run.interval_s * (1 / report.time.speed - 1) if slow else 0.0)

    hooks = Hooks(
        teller=teller,
        beside=lambda: {
            "adopted_orders": adopted,
            "dead_man": shown(session, dead_man.state, tuple(begun.markets)),
            "budget": session.venue.budget_text(),
            **edge.lines([(market, run_id) for (market, _), run_id in engine.run_names.items()], clock.now_ms()),
        },
        halted=session.locks.halted,
        trip=lambda reason: begun.trip(reason, clock.now_ms()),
        ready=tell_ready,
        tend=after_cycle,
        verify=session.journal.verify,
        before=before_cycle,
    )
    loop = Loop(engine, clock, inbox, dead_man, LoopOptions(run.interval_s, begun.request.cycles), hooks)
    around = begun.surroundings(
        signals.wait_regardless_s,
        partial(session.bounded, wakeup=signals),
        signals.ignore_interrupts,
    )
    ending = run_to_the_end(begun.kind, engine, loop, dead_man, on_exit, teller, around)
    if ending.halt is not None:
        raise Halted(f"stopped: {ending.halt}")
    return ending


class LiveEdge:
    """The break-even fee of a running loop and the fees that it is charged: the first lines of its screen.

    Worked out at most once a minute from the minute rows of the last day, so that it costs the same after a year.
    """

    def __init__(self, journal: Journal, fees: Mapping[str, Fees]) -> None:
        """Begin without lines; `fees` is what each market charges."""
        self._journal, self._fees = journal, fees
        self._minute = -1
        self._lines: dict[str, str | None] = {}

    def lines(self, runs: Iterable[tuple[str, str]], now_ms: int) -> dict[str, str | None]:
        """Return what the screen says at a time, in ms: `edge` (the break-even fee of the (market, run id) pairs over
        the last 24 h), `net` (what is left of it after the fee that was paid; None without one) and `fees`."""
        if now_ms // 60_000 != self._minute:
            self._minute = now_ms // 60_000
            self._lines = {**self._worked_out(runs, now_ms), "fees": fees_text(self._fees)}
        return self._lines

    def _worked_out(self, runs: Iterable[tuple[str, str]], now_ms: int) -> dict[str, str | None]:
        from pfmm.accounting.edge import edge_of
        from pfmm.accounting.minutes import tally_of_rows
        from pfmm.report.wording import break_even_line, net_line

        since_ms = now_ms - EDGE_WINDOW_MS
        # one run's rows at a time: those of a day of many markets are megabytes
        edge = edge_of([tally_of_rows(self._journal.recent_minutes(*run, since_ms)) for run in runs])
        return {"edge": break_even_line(edge), "net": net_line(edge)}

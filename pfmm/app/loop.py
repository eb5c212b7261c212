"""Start a loop: cycle after cycle until something ends it, shown by its listeners. Layer: app."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from pfmm.app.detaching import tell_ready
from pfmm.app.live_edge import LiveEdge
from pfmm.app.session import wall_ms
from pfmm.app.starting import started
from pfmm.app.watched import Shown, run_watched
from pfmm.errors import Halted

if TYPE_CHECKING:
    from pfmm.app.contract import Confirm
    from pfmm.app.session import Session
    from pfmm.app.starting import Start, StartRequest, Tell
    from pfmm.app.watched import Display
    from pfmm.model.event import Event
    from pfmm.runner.inbox import Inbox
    from pfmm.runner.loop import Ending
    from pfmm.runner.signals import Signals


def start(request: StartRequest, *, session: Session, confirm: Confirm, tell: Tell, display: Display) -> None:
    """Run a strategy on its markets; returns only where the question about real money was declined.

    `display` shows it. The process ends, with the exit code of the loop's end, once the exit policy was carried out.
    Raises what stands in the way, before anything is sent.
    """
    with started(request, session=session, confirm=confirm, tell=tell) as begun:
        if begun is None:
            return
        on_exit = request.on_exit or session.settings.general.run.on_exit
        shown = Shown(
            begun.kind, tuple(begun.markets), session.venue_name, session.account, on_exit,
            real_money=session.real_money, fees=begun.fees, limits=begun.limits_usd,
        )  # fmt: skip
        run_watched(partial(run_loop, begun, on_exit), shown, display)


def run_loop(begun: Start, on_exit: str, put: Callable[[Event], None], inbox: Inbox, signals: Signals) -> Ending:
    """Takes over what an earlier process left, runs the loop, and carries out the exit policy whatever ends it.

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
    teller = Teller(session.journal, engine, put)
    edge = LiveEdge(session.journal, begun.fees)
    hooks = Hooks(
        teller=teller,
        beside=lambda: {
            "adopted_orders": adopted,
            "dead_man": dead_man.state,
            "budget": session.venue.budget_text(),
            **edge.lines([(market, run_id) for (market, _), run_id in engine.run_names.items()], clock.now_ms()),
        },
        halted=session.locks.halted,
        trip=lambda reason: begun.trip(reason, clock.now_ms()),
        ready=tell_ready,
        tend=lambda report: begun.runs.tend(session, engine, report.time.time_ms),
        verify=session.journal.verify,
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

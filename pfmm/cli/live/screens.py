"""Where a running loop shows itself: a live table on a terminal, NDJSON events anywhere else.

Rendering only: it is told reports and events, and never touches the venue or the journal.
"""

from __future__ import annotations

import sys
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from pfmm.cli.output import EventStream, Globals, drop_stdout, warn
from pfmm.model.event import Event

if TYPE_CHECKING:
    from pfmm.cli.context import Session
    from pfmm.engine.report import CycleReport
    from pfmm.runner.dead_man import DeadMan
    from pfmm.runner.loop import Ending

RECENT = 6


class Screen(Protocol):
    """What a loop needs of a screen. `go_silent` after a broken pipe: the exit policy still has to run."""

    def event(self, event: Event) -> None: ...

    def show(self, report: CycleReport) -> None: ...

    def leaving(self, ending: Ending, policy: str) -> None: ...

    def stopped(self, ending: Ending, cancelled: int, left: int, problem: str | None) -> None: ...

    def go_silent(self) -> None: ...

    def __enter__(self) -> Screen: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def screen_for(options: Globals, session: Session, kind: str, dead_man: DeadMan, on_exit: str) -> Screen:
    """The live table when stdout is a terminal and no --json was asked for, else the event stream."""
    if not options.json and sys.stdout is not None and sys.stdout.isatty():
        return LiveScreen(session, kind, dead_man, on_exit)
    return EventScreen(session, kind)


class EventScreen:
    """One JSON event a line."""

    def __init__(self, session: Session, kind: str) -> None:
        self._stream = EventStream()
        self._session = session
        self._kind = kind
        self._started = False
        self._silent = False
        self._last_ms = 0
        self._early: list[Event] = []

    def event(self, event: Event) -> None:
        if self._started:
            self._tell(event)
        else:  # `started` comes first, and is true only once the first cycle is whole
            self._early.append(event)

    def _tell(self, event: Event) -> None:
        self._write(event.name, event.time_ms, market=event.market, strategy=event.strategy, **event.data)

    def show(self, report: CycleReport) -> None:
        self._last_ms = report.time.time_ms
        for run in report.runs:
            if not self._started:
                where = {"venue": self._session.venue_name, "account": self._session.account}
                self._write("started", self._last_ms, market=run.market, strategy=run.strategy, **where)
        self._tell_early()
        for run in report.runs:
            self._write("cycle", self._last_ms, **cycle_row(run, report))

    def _tell_early(self) -> None:
        self._started = True
        for event in self._early:
            self._tell(event)
        self._early.clear()

    def leaving(self, ending: Ending, policy: str) -> None:
        """Nothing: whoever reads events waits for `stopped`."""

    def stopped(self, ending: Ending, cancelled: int, left: int, problem: str | None) -> None:
        self._tell_early()
        if problem is not None:
            self._write("warning", self._last_ms, market="", strategy=self._kind, reason=problem)
        if ending.halt is not None:
            self._write("halted", self._last_ms, market="", strategy=self._kind, reason=ending.halt)
        row = {"reason": ending.reason, "cancelled": cancelled, "orders_left": left}
        self._write("stopped", self._last_ms, market="", strategy=self._kind, **row)

    def go_silent(self) -> None:
        self._silent = True
        drop_stdout()

    def _write(self, name: str, time_ms: int, **values: Any) -> None:
        if not self._silent:
            self._stream.write(name, time_ms, **values)

    def __enter__(self) -> EventScreen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def absences(run: Any) -> dict[str, str]:
    """Why a side or a slot is not quoted; for bad data the strategy was not asked and the problem says it all."""
    return dict(run.decision.absent) if run.decision is not None else {}


def cycle_row(run: Any, report: CycleReport) -> dict[str, Any]:
    """The fields of a `cycle` event of one market."""
    ticker = run.ticker
    return {
        "market": run.market,
        "strategy": run.strategy,
        "mid": ticker.mid if ticker is not None else None,
        "orders": len(run.orders),
        "inventory": run.ledger.size,
        "realized_pnl": run.ledger.realized,
        "unrealized_pnl": run.unrealized,
        "fees": run.ledger.fees,
        "funding": run.ledger.funding,
        "fills": run.fills,
        "round_trips": run.round_trips,
        "equity": report.account.equity,
        "problem": run.problem,
        "absent": absences(run),
        "held": [{"slot": held.slot, "reason": held.reason} for held in run.plan.held],
    }


class LiveScreen:
    """A live display, refreshed once a cycle and never by a thread of its own."""

    def __init__(self, session: Session, kind: str, dead_man: DeadMan, on_exit: str) -> None:
        from pfmm.cli.live.terminal import Terminal

        self._terminal = Terminal()
        self._session = session
        self._kind = kind
        self._dead_man = dead_man
        self._on_exit = on_exit
        self._recent: deque[Event] = deque(maxlen=RECENT)
        self._warning: str | None = None
        self._silent = False
        self._cycles = 0

    def event(self, event: Event) -> None:
        if event.name in ("fill", "round_trip"):
            self._recent.appendleft(event)
        elif event.name in ("refused", "unknown", "warning", "paused", "halted"):
            self._warning = f"{event.name}: {event.data.get('slot', '')} {event.data.get('reason', '')}".strip()
        elif event.name in ("resumed", "placed"):
            self._warning = None

    def show(self, report: CycleReport) -> None:
        from pfmm.cli.live.tables import frame

        self._cycles += 1
        health = {
            "venue": self._session.venue_name,
            "account": self._session.account,
            "dead_man": self._dead_man.state,
            "cycles": self._cycles,
            "budget": self._session.budget_text(),
            "warning": self._warning,
            "on_exit": self._on_exit,
        }
        width, height = min(self._terminal.console.width, 100), self._terminal.height
        self._terminal.show(frame(self._kind, report, tuple(self._recent), health, width, height))

    def leaving(self, ending: Ending, policy: str) -> None:
        self._terminal.stop()
        if policy != "keep":
            now = "cancelling" if policy == "cancel" else "cancelling and closing"
            self._terminal.console.print(
                f"Stopping ({ending.reason}): {now}, until it is proven. Ctrl-C again gives the proof up."
            )

    def stopped(self, ending: Ending, cancelled: int, left: int, problem: str | None) -> None:
        self._terminal.stop()
        if problem is not None:
            warn(problem)
        rests = f"{left} of this run still rest" if left else "none of this run rests"
        self._terminal.console.print(f"Stopped: {ending.reason}. {cancelled} orders cancelled; {rests}.")

    def go_silent(self) -> None:
        self._silent = True
        drop_stdout()

    def __enter__(self) -> LiveScreen:
        self._terminal.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._silent:
            self._terminal.stop()

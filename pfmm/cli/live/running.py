"""What the command line brings to a running loop: a stream of events or a screen, a terminal's keys, the last words.

Rendering only: both are listeners, each on a thread of its own, which may block or fail without the loop noticing.
Layer: cli.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pfmm.app.watched import NOTICE
from pfmm.cli.live.screens import ENDINGS, LiveScreen
from pfmm.cli.output import EventStream, Failure, Globals, drop_stdout, emit_failure, trace, warn
from pfmm.errors import PfmmError
from pfmm.model.cycle import CycleEvent
from pfmm.model.event import Event

DEPTH_LEVELS = 12  # a side of a market's book, as a terminal shows it

if TYPE_CHECKING:
    from pfmm.app.event_lines import Cycle
    from pfmm.app.watched import Shown
    from pfmm.model.cycle import CycleReport, RunReport


def cycle_row(run: RunReport, report: CycleReport) -> Cycle:
    """Take one run's line of a `cycle` event out of a cycle's report.

    Amounts in USD; `fees` are positive where paid, `fees_effect` is their sign in the profit. `absent` says why a side
    or slot is not quoted; of bad data `problem` says it all.
    """
    ledger = run.ledger
    return {
        "mid": None if run.ticker is None else run.ticker.mid,
        "orders": len(run.orders),
        "inventory": ledger.size,
        "position": run.position,
        "base": run.base,
        "realized_pnl": ledger.realized,
        "unrealized_pnl": run.unrealized,
        "fees": ledger.fees,
        "fees_effect": 0 - ledger.fees,
        "funding": ledger.funding,
        "fills": run.fills,
        "round_trips": run.round_trips,
        "equity": report.account.equity,
        "problem": run.problem or run.no_new_risk,
        "absent": {} if run.decision is None else dict(run.decision.absent),
        "held": [{"slot": held.slot, "reason": held.reason} for held in run.plan.held],
    }


class EventScreen:
    """A listener that prints one JSON event a line. `started` comes first, and is true only once the first cycle is
    whole: what happens before that is told after it."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._stream = EventStream()
        self._started = False
        self._early: list[Event] = []

    def write(self, event: Event) -> None:
        """Print one event. Raises BrokenPipeError and OutputLost."""
        if isinstance(event, CycleEvent):
            self._cycle(event)
        elif event.name in ENDINGS or self._started:
            self._tell_early()
            self._tell(event)
        else:
            self._early.append(event)

    def _cycle(self, event: CycleEvent) -> None:
        report = event.report
        if report is None:
            return
        if not self._started:
            adopted = event.data.get("adopted_orders", 0)
            where = {"venue": self._shown.venue, "account": self._shown.account, "adopted_orders": adopted}
            for run in report.runs:
                fees = self._shown.fees.get(run.market)
                known = {} if fees is None else {"fees": fees.data()}
                more = {**where, **known, "position": run.position, "base": run.base}
                self._stream.write("started", event.time_ms, market=run.market, strategy=run.strategy, **more)
        self._tell_early()
        for run in report.runs:
            row = cycle_row(run, report)
            self._stream.write("cycle", event.time_ms, market=run.market, strategy=run.strategy, **row)

    def _tell(self, event: Event) -> None:
        if event.name != NOTICE:
            self._stream.write(event.name, event.time_ms, market=event.market, strategy=event.strategy, **event.data)

    def _tell_early(self) -> None:
        self._started = True
        for event in self._early:
            self._tell(event)
        self._early.clear()

    def close(self) -> None:
        """Tell what was never told, of a loop that ended before its first cycle."""
        self._tell_early()


class TerminalDisplay:
    """A live table and keys on a terminal, NDJSON events anywhere else; see `Display`."""

    def __init__(self, options: Globals, money: Callable[[], str]) -> None:
        """Find out whether stdout is a terminal; `money` answers what a live table says of the money that it is
        about."""
        self._options, self._money = options, money
        self._on_terminal = not options.json and _is_terminal(sys.stdout)
        self.depth_levels = DEPTH_LEVELS if self._on_terminal else 0
        self.keyboard_fd = sys.stdin.fileno() if self._on_terminal and _is_terminal(sys.stdin) else None

    def screen(self, shown: Shown) -> EventScreen | LiveScreen:
        """Build the live table on a terminal, the stream anywhere else."""
        if not self._on_terminal:
            return EventScreen(shown)
        return LiveScreen(replace(shown, money=self._money()), keys=self.keyboard_fd is not None)

    def drop_output(self) -> None:
        """Point stdout at nothing."""
        drop_stdout()

    def last_words(self, failure: BaseException | None, lost: list[BaseException], *, drained: bool) -> None:
        """Say what is left to say after the screen; on stderr alone where it is not drained."""
        for error in lost:
            if not isinstance(error, BrokenPipeError):
                warn(f"the display failed and the run went on without it: {type(error).__name__}: {error}")
                if self._options.verbose:
                    trace(error)
        if isinstance(failure, PfmmError):
            as_json = self._options.json and drained
            emit_failure(self._options.command, Failure.of(failure), as_json=as_json)
        elif failure is not None:
            trace(failure)


def _is_terminal(stream: object) -> bool:
    """Tell whether a stream is open and a terminal; it can be None, and can have been closed."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        return False

"""The loop around the cycle: when to run it and when to stop. No maths, no adapters, no rendering. Layer: runner.

It tells what happens by putting events, which never waits, and takes commands from its inbox. Every way out of it
(command, HALT, kill switch, end of data, error) goes through the exit policy of `leaving`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pfmm.engine.engine import Engine
from pfmm.errors import (
    BadVenueData,
    Halted,
    OutcomeUnknown,
    PfmmError,
    RateLimited,
    StaleData,
    VenueRefused,
    VenueUnreachable,
)
from pfmm.model.cycle import NOTHING_TAKEN, CycleEvent, CycleReport
from pfmm.model.event import Event
from pfmm.runner.clock import VenueClock
from pfmm.runner.dead_man import DeadMan
from pfmm.runner.inbox import Action, Command, Inbox
from pfmm.runner.locks import HaltRecord
from pfmm.runner.telling import Teller

PASSING = (VenueUnreachable, RateLimited, BadVenueData)
OUTAGE_CYCLES = 200
# answers that make no sense for this long, in venue time, and this often, do not pass by themselves
NONSENSE_MS = 60_000
NONSENSE_CYCLES = 3
KILL_SWITCH = "kill switch"  # the reason of an ending that this loop's own loss limit brought


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """`interval_s` in venue seconds; `cycles` None runs until told to stop."""

    interval_s: float
    cycles: int | None


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the loop ended: a word for people, the exit code it deserves, the halt reason if one was set, the exit policy
    where the ending itself asks for one, and whether this loop itself set the halt."""

    reason: str
    exit_code: int = 0
    halt: str | None = None
    policy: str | None = None
    tripped: bool = False


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the loop tells and asks: the `teller` of events, which waits for no reader, `beside` what a screen shows
    beside the report, `halted` the latch or None, `trip` sets the latch for a kill switch, `ready` after the
    first whole cycle, `tend` what can wait until a cycle is over, `verify` raises where the journal is none any more,
    `before` is done before each cycle.
    """

    teller: Teller
    beside: Callable[[], Mapping[str, object]]
    halted: Callable[[], HaltRecord | None]
    trip: Callable[[str], None]
    ready: Callable[[], None]
    tend: Callable[[CycleReport], None]
    verify: Callable[[], None]
    before: Callable[[], None] = lambda: None


def tripped_ending(report: CycleReport) -> Ending | None:
    """Return the ending of a cycle after which a run must stop and halt the account; else None.

    It does for its losses, or for what the venue or another hand did.
    """
    for run in report.runs:
        if run.tripped is not None:
            return Ending(run.ended_by or KILL_SWITCH, Halted.exit_code, halt=run.tripped, tripped=True)
    return None


@dataclass(slots=True)
class Loop:
    """Runs cycles at start + n x interval of venue time until something ends it."""

    _engine: Engine
    _clock: VenueClock
    _inbox: Inbox
    _dead_man: DeadMan
    _options: LoopOptions
    _hooks: Hooks
    _failures: int = 0
    _nonsense_since_ms: int | None = None
    _done: int = 0
    _start_ms: int | None = None
    last: CycleReport | None = None

    def run(self) -> Ending:
        """Cycle until there is a reason to stop; return it.

        Raises what the engine raises, but for failures that pass by themselves, which are told as warnings and tried
        again at the next interval.
        """
        try:
            while True:
                ending = self._told_to_stop() or self._one_cycle()
                if ending is not None:
                    return ending
                self._wait()
        except KeyboardInterrupt:  # another Ctrl-C, within a cycle that hung and never came to look
            ending = self._told_to_stop()
            if ending is None:
                raise
            return ending

    def _told_to_stop(self) -> Ending | None:
        # the latch first: flatten sets it and then signals, and a halted run cancels whatever its exit policy says
        latch = self._hooks.halted()
        if latch is not None:
            return Ending("halted", Halted.exit_code, halt=latch.reason)
        for command in self._inbox.take():
            ending = self._obey(command)
            if ending is not None:
                return ending
        return None

    def _obey(self, command: Command) -> Ending | None:
        """Do what is asked; return an Ending where that is to end the loop."""
        data = {"command": command.action.value, "by": command.by}
        self._hooks.teller.tell(Event("command", self._clock.now_ms(), "", "", data))
        match command.action:
            case Action.PAUSE:
                self._engine.pause(f"paused by {command.by}")
            case Action.GO_ON:
                self._engine.pause(None)
            case Action.FLATTEN:
                return Ending(f"flatten by {command.by}", command.exit_code, policy="flatten")
            case Action.QUIT:
                return Ending(command.by, command.exit_code)
        return None

    def _one_cycle(self) -> Ending | None:
        self._hooks.before()
        self._hooks.verify()
        try:
            report = self._engine.cycle()
        except PASSING as error:
            return self._outage(error)
        self._failures, self._nonsense_since_ms = 0, None
        first = self.last is None
        self.last = report
        self._clock.synchronise(report.time)
        if self._start_ms is None:
            self._start_ms = report.time.time_ms
        self._done += 1
        ending = self._after(report)  # the latch of a kill switch is set before anything is told
        self._hooks.teller.tell(*report.events)
        self._feed_dead_man(report)
        self._hooks.teller.show(CycleEvent("cycle", report.time.time_ms, "", "", self._hooks.beside(), report=report))
        if first:
            self._hooks.ready()
        if ending is None:
            self._hooks.tend(report)
        return ending

    def _feed_dead_man(self, report: CycleReport) -> None:
        """Feed the dead-man switch, only while data is fresh.

        A switch that was not fed may fire, which is what it is for: no reason to stop, let alone to lose what the cycle
        has to tell.
        """
        if not report.fresh:
            return
        try:
            self._dead_man.feed(report.time.time_ms, report.time.speed)
        except (VenueUnreachable, VenueRefused, OutcomeUnknown) as error:
            data = {"code": error.code, "reason": f"the dead-man switch was not fed: {error.message}"}
            self._hooks.teller.tell(Event("warning", report.time.time_ms, "", "", data))

    def _after(self, report: CycleReport) -> Ending | None:
        ending = tripped_ending(report)
        if ending is not None and ending.halt is not None:
            self._hooks.trip(ending.halt)
            return ending
        refused = [run.refused for run in report.runs if run.refused is not None]
        if refused and len(refused) == len(report.runs):
            return Ending(f"{NOTHING_TAKEN}: {refused[0]}", VenueRefused.exit_code)
        if report.time.state == "ended":
            return Ending("the recorded data ended")
        if self._options.cycles is not None and self._done >= self._options.cycles:
            return Ending(f"{self._done} cycles done")
        return None

    def _outage(self, error: PfmmError) -> Ending | None:
        """Bear a venue that does not answer: say so once a cycle, and give up after OUTAGE_CYCLES in a row.

        One that answers and makes no sense is given up after NONSENSE_MS: nothing is quoted on it, but what rests may
        fill.
        """
        self._failures += 1
        data = {"code": error.code, "reason": error.message, "in_a_row": self._failures}
        self._hooks.teller.tell(Event("warning", self._clock.now_ms(), "", "", data))
        if self.last is None or self._failures >= OUTAGE_CYCLES:
            raise error
        now_ms = self._clock.now_ms()
        if not isinstance(error, RateLimited):  # that is our own doing
            self._engine.missed(now_ms)
        if isinstance(error, BadVenueData):
            since_ms = self._nonsense_since_ms = self._nonsense_since_ms or now_ms
            if now_ms - since_ms >= NONSENSE_MS and self._failures >= NONSENSE_CYCLES:
                raise StaleData(
                    f"the venue's answers have made no sense for {(now_ms - since_ms) / 1000:g} s: {error.message}",
                    hint=error.hint,
                )
        return None

    def _wait(self) -> None:
        """Wait until the next multiple of the interval that lies ahead; intervals that were missed are not made up."""
        now_ms = self._clock.now_ms()
        interval_ms = max(round(self._options.interval_s * 1000), 1)
        start_ms = now_ms if self._start_ms is None else self._start_ms
        passed = (now_ms - start_ms) // interval_ms
        # a stepped venue is moved by a request; where that fails the next cycle asks for the time it has
        with suppress(VenueUnreachable, VenueRefused, OutcomeUnknown):
            self._clock.wait_until(start_ms + (passed + 1) * interval_ms)
            if self._clock.speed == 0:  # told by the venue itself, not guessed from the local clock
                self._engine.saw(self._clock.now_ms())

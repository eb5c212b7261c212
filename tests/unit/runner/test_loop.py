"""When the loop runs, what it lives through, and why it ends: the real loop and clock around scripted cycles."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from pfmm.errors import (
    BadVenueData,
    OutcomeUnknown,
    PfmmError,
    RateLimited,
    StaleData,
    UsageError,
    VenueUnreachable,
)
from pfmm.model.account import Account, VenueTime
from pfmm.model.cycle import CycleEvent, CycleReport
from pfmm.model.event import Event
from pfmm.runner.clock import VenueClock
from pfmm.runner.inbox import Action, Command
from pfmm.runner.locks import HaltRecord
from pfmm.runner.loop import OUTAGE_CYCLES, Ending, Hooks, Loop, LoopOptions
from pfmm.runner.signals import EXITS
from tests.unit.scripted_venue import T0

ACCOUNT = Account("main", Decimal(1), Decimal(1), Decimal(0), Decimal(1))


def report(time_ms: int, *, state: str = "open", fresh: bool = True) -> CycleReport:
    return CycleReport(VenueTime(time_ms, 0.0, state), ACCOUNT, (), (Event("fill", time_ms, "", ""),), fresh)


@dataclass
class Story:
    """An engine, a signal box and a dead-man switch in one: what happens is a list, what is told another."""

    script: list[CycleReport | PfmmError] = field(default_factory=list)
    received: signal.Signals | None = None
    asked: list[Command] = field(default_factory=list)
    pauses: list[str | None] = field(default_factory=list)
    trips: list[str] = field(default_factory=list)
    latch: str | None = None
    feeding: PfmmError | None = None
    advancing: PfmmError | None = None
    now_ms: int = T0
    cycles_at: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    fed: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    missed_at: list[int] = field(default_factory=list)
    tended: int = 0
    shown: int = 0
    at_show: Callable[[], None] = lambda: None

    def cycle(self) -> CycleReport:
        self.cycles_at.append(self.now_ms)
        step = self.script.pop(0) if self.script else report(self.now_ms)
        if isinstance(step, PfmmError):
            raise step
        return step

    def saw(self, time_ms: int) -> None:
        self.seen.append(time_ms)

    def missed(self, now_ms: int) -> None:
        self.missed_at.append(now_ms)

    def feed(self, now_ms: int, speed: float) -> None:
        if self.feeding is not None:
            raise self.feeding
        self.fed.append(now_ms)

    def advance(self, to_ms: int) -> VenueTime:
        if self.advancing is not None:
            raise self.advancing
        self.now_ms = to_ms
        return VenueTime(to_ms, 0.0)

    def tell(self, *events: Event) -> None:
        self.events += events

    def show(self, event: Event) -> None:
        assert isinstance(event, CycleEvent)
        self.shown += 1
        self.at_show()

    def take(self) -> tuple[Command, ...]:
        """The inbox: what is asked for, and the signal."""
        asked, self.asked = self.asked, []
        if self.received is not None:
            asked.insert(0, Command(Action.QUIT, f"signal {self.received.name}", EXITS[self.received]))
        return tuple(asked)

    def pause(self, reason: str | None) -> None:
        self.pauses.append(reason)

    def halted(self) -> HaltRecord | None:
        """The latch of the account."""
        return None if self.latch is None else HaltRecord("main", "flatten", self.latch, "now")

    def tend(self, _: CycleReport) -> None:
        self.tended += 1

    def run(self, *, cycles: int | None = None, interval_s: float = 3.0) -> Ending:
        """Runs the loop over it."""
        hooks = Hooks(self, dict, self.halted, self.trips.append, lambda: None, self.tend, lambda: None)  # type: ignore[arg-type]
        clock = VenueClock(lambda: 0.0, lambda _: True, self.advance)
        clock.synchronise(VenueTime(T0, 0.0))
        loop: Any = Loop(self, clock, self, self, LoopOptions(interval_s, cycles), hooks)  # type: ignore[arg-type]
        ending: Ending = loop.run()
        return ending


def test_cycles_fall_on_multiples_of_the_interval() -> None:
    story = Story()
    assert story.run(cycles=3) == Ending("3 cycles done")
    assert story.cycles_at == [T0, T0 + 3000, T0 + 6000]
    assert (story.shown, story.tended, story.seen) == (3, 2, [T0 + 3000, T0 + 6000])


def test_a_cycle_that_took_too_long_is_not_made_up_for() -> None:
    story = Story(script=[report(T0), report(T0 + 10_000)])  # the second answer came 7 s late
    story.run(cycles=3)
    assert story.cycles_at == [T0, T0 + 3000, T0 + 12_000]


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_its_code(sign: signal.Signals, code: int) -> None:
    story = Story()
    story.at_show = lambda: setattr(story, "received", sign)
    assert story.run() == Ending(f"signal {sign.name}", code)
    assert len(story.cycles_at) == 1


def test_the_latch_outranks_a_signal() -> None:
    story = Story(latch="why", received=signal.SIGTERM)
    assert story.run() == Ending("halted", 75, halt="why")
    assert story.cycles_at == []


def test_the_end_of_the_data_is_a_clean_end() -> None:
    assert Story(script=[report(T0), report(T0 + 3000, state="ended")]).run() == Ending("the recorded data ended")


@pytest.mark.parametrize("error", [VenueUnreachable("x"), RateLimited("x", retry_after_s=1), BadVenueData("x")])
def test_what_passes_is_told_and_tried_again(error: PfmmError) -> None:
    story = Story(script=[report(T0), error, error])
    assert story.run(cycles=2).exit_code == 0
    warnings = [e.data["in_a_row"] for e in story.events if e.name == "warning"]
    assert (warnings, len(story.cycles_at)) == ([1, 2], 4)
    assert story.fed == [T0, T0 + 9000], "the switch is not fed while nothing is seen"
    limited = isinstance(error, RateLimited)  # our own doing, and no outage
    assert story.missed_at == ([] if limited else [T0 + 3000, T0 + 6000])


def test_an_outage_without_end_is_given_up() -> None:
    story = Story(script=[report(T0), *[VenueUnreachable("x")] * OUTAGE_CYCLES])
    with pytest.raises(VenueUnreachable):
        story.run()
    assert len(story.cycles_at) == OUTAGE_CYCLES + 1


@pytest.mark.parametrize(("interval_s", "bad"), [(3.0, 21), (30.0, 3), (60.0, 3)])  # a minute, and three answers
def test_answers_that_make_no_sense_end_it_for_safety_after_a_minute(interval_s: float, bad: int) -> None:
    story = Story(script=[report(T0), *[BadVenueData("position.size_base", hint="look")] * OUTAGE_CYCLES])
    with pytest.raises(StaleData, match=r"have made no sense for \d+ s: position\.size_base") as raised:
        story.run(interval_s=interval_s)
    assert (raised.value.exit_code, raised.value.hint) == (75, "look")
    assert len(story.cycles_at) == bad + 1


def test_one_good_answer_in_between_begins_the_minute_anew() -> None:
    nonsense = [BadVenueData("x")] * 20
    story = Story(script=[report(T0), *nonsense, report(T0), *nonsense])
    assert story.run(cycles=3).exit_code == 0


@pytest.mark.parametrize("script", [[VenueUnreachable("x")], [report(T0), UsageError("x")]])
def test_a_start_that_fails_and_what_does_not_pass_end_it(script: list[Any]) -> None:
    with pytest.raises(PfmmError):
        Story(script=script).run()


def test_data_that_is_not_fresh_does_not_feed_the_switch() -> None:
    story = Story(script=[report(T0, fresh=False)])
    story.run(cycles=2)
    assert story.fed == [T0 + 3000]


@pytest.mark.parametrize("error", [OutcomeUnknown("x"), VenueUnreachable("x"), RateLimited("x", retry_after_s=1)])
def test_a_switch_that_cannot_be_fed_costs_no_report(error: PfmmError) -> None:
    """The fills of the cycle are told and the loop goes on: the switch may fire, which is what it is for."""
    story = Story(feeding=error)
    assert story.run(cycles=2).exit_code == 0
    assert [e.name for e in story.events] == ["fill", "warning", "fill", "warning"]
    assert story.shown == 2


def test_a_stepped_venue_that_does_not_step_is_asked_again() -> None:
    story = Story(advancing=OutcomeUnknown("x"))
    assert story.run(cycles=2).exit_code == 0
    assert story.cycles_at == [T0, T0]


def test_another_ctrl_c_in_a_cycle_that_hangs_does_not_hide_a_halt_nor_what_came_first() -> None:
    """A halted run cancels whatever its exit policy says."""
    for first, latch, ending in (
        (signal.SIGTERM, None, Ending("signal SIGTERM", 143)),
        (signal.SIGINT, "flatten", Ending("halted", 75, halt="flatten")),
    ):
        story = Story()
        story.at_show = partial(press, story, first, latch)
        assert story.run() == ending


def press(story: Story, first: signal.Signals, latch: str | None) -> None:
    story.received, story.latch = first, latch
    raise KeyboardInterrupt

"""Every way a loop can end, times every exit policy, times every strategy: what the exchange's own ledger shows then.

One process and a scripted market; the engine, the journal, the loop, the inbox, the listeners and the way out are the
real ones. Real terminals, pipes and signals between processes are in `test_exits_on_terminal`.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pfmm.engine.report import Limits, RunSpec
from pfmm.errors import NotFlat, OutputLost, PfmmError, VenueUnreachable
from pfmm.flatten.contract import FlatState, FlattenOrder, Tools
from pfmm.flatten.emergency import flatten
from pfmm.model.cycle import CycleEvent
from pfmm.model.deadline import Deadline
from pfmm.model.event import Event
from pfmm.runner import signals as signals_module
from pfmm.runner.clock import VenueClock
from pfmm.runner.inbox import Action, Command, Inbox
from pfmm.runner.leaving import Surroundings, run_to_the_end
from pfmm.runner.listeners import Listeners
from pfmm.runner.locks import HaltRecord
from pfmm.runner.loop import Ending, Hooks, Loop, LoopOptions
from pfmm.runner.signals import Signals
from pfmm.runner.telling import Teller
from pfmm.strategy.grid.plan import GridConfig
from pfmm.strategy.grid.strategy import GridStrategy
from pfmm.strategy.ladder.strategy import LadderConfig, LadderStrategy
from pfmm.strategy.quote.strategy import QuoteStrategy
from tests.e2e.engine_rig import FIXED, LIMITS, MARKET, START_MS, STEP_MS, Rig, ScriptedFeed, Step, make_engine, rig
from tests.examples import one_in_three

PATIENCE_S = 30.0
POLICIES = ("cancel", "keep", "flatten")
# the market is at 1,000; one seller comes through the bids after the first cycle, so that there is a position
FEED = [Step(9999, 10001), Step(9999, 10001, 9900, 400), *[Step(9999, 10001)] * 3]
STRATEGIES: dict[str, Callable[[], RunSpec]] = {
    "grid": lambda: RunSpec(
        GridStrategy(MARKET, GridConfig(levels=6, size_usd=Decimal(20), range_pct=Decimal("0.6"))), {}, LIMITS
    ),
    "quote": lambda: RunSpec(QuoteStrategy(MARKET, FIXED), {}, LIMITS),
    "ladder": lambda: RunSpec(
        LadderStrategy(MARKET, FIXED, LadderConfig(levels=2, spacing_bps=10.0, growth=Decimal(0))), {}, LIMITS
    ),
}


class Screen:
    """Shows nothing; can be told to hang or to raise at its n-th event."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.error: BaseException | None = None
        self.at = 0
        self.free = threading.Event()
        self.free.set()

    def write(self, event: Event) -> None:
        self.free.wait(PATIENCE_S)
        self.events.append(event)
        if self.error is not None and len(self.events) >= self.at:
            raise self.error

    def close(self) -> None:
        """Nothing to close."""


class Line:
    """The venue behind a line that can be cut, or that does something when an order action comes."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.cut = False
        self.at_submit: Callable[[], None] = lambda: None
        self.placed = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*args: Any, **options: Any) -> Any:
            if self.cut:
                raise VenueUnreachable("the venue did not answer")
            return found(*args, **options)

        return call

    def submit(self, batch: Any) -> Any:
        self.at_submit()
        if self.cut:
            raise VenueUnreachable("the venue did not answer")
        self.placed += len(batch.place)
        return self._inner.submit(batch)


@dataclass
class World:
    """One run on its way to an end."""

    made: Rig
    spec: RunSpec
    policy: str
    screen: Screen = field(default_factory=Screen)
    latch: str | None = None
    cycles: int = 0
    cause: Callable[[World], None] = lambda _: None
    inbox: Any = None
    before: tuple[Any, ...] = ()
    placed_before: int = 0
    drained: bool = True

    def __post_init__(self) -> None:
        self.line = Line(self.made.venue)
        self.engine = make_engine(self.line, self.made.journal, [self.spec], self.made.instruments)

    def leave(self) -> None:
        """The dead-man switch has nothing to say."""

    def feed(self, now_ms: int, speed: float) -> None:
        """Nor to do."""

    def tend(self, _: Any) -> None:
        """After each cycle; the third brings the cause."""
        self.cycles += 1
        assert self.cycles < 40, "nothing ended the loop"
        if self.cycles == 3:
            self.before = self.resting
            self.placed_before = self.line.placed
            assert self.before, "nothing rests that an exit could leave behind"
            assert self.position, "nothing is held that an exit could leave behind"
            self.cause(self)

    @property
    def resting(self) -> tuple[str, ...]:
        """By the exchange's ledger."""
        return tuple(sorted(order.order_id for order in self.made.exchange.orders("main")))

    @property
    def position(self) -> Decimal:
        return sum((p.size_base for p in self.made.exchange.positions("main")), Decimal(0))

    def close(self, markets: Sequence[str]) -> None:
        """--on-exit flatten."""
        numbers = iter(range(1000))
        tools = Tools(time.monotonic, lambda _: None, lambda: f"f-{next(numbers)}")
        done = flatten(self.line, FlattenOrder(tuple(markets)), tools)  # type: ignore[arg-type]
        if done.state is not FlatState.FLAT:
            raise NotFlat(done.reason or "")

    def advance(self, to_ms: int) -> Any:
        return self.made.venue.inner.advance(to_ms)

    def run(self, *, cycles: int | None = None) -> tuple[int, BaseException | None]:
        """Runs to the end; the exit code, and what was raised."""
        with Signals() as box:
            self.inbox = inbox = Inbox(box)

            def lost(error: BaseException) -> None:
                if isinstance(error, BrokenPipeError):
                    inbox.post(Command(Action.QUIT, "the reader went away"))

            listeners = Listeners([self.screen], lost)
            clock = VenueClock(lambda: 0.0, inbox.wait_s, self.advance)
            clock.synchronise(self.made.venue.inner.time())
            teller = Teller(self.made.journal, self.engine, listeners.put)
            hooks = Hooks(teller, dict, self.halted, self._trip, lambda: None, self.tend, self.made.journal.verify)
            loop: Any = Loop(self.engine, clock, inbox, self, LoopOptions(STEP_MS / 1000, cycles), hooks)  # type: ignore[arg-type]
            waiting = VenueClock(lambda: 0.0, lambda _: True, self.advance)
            around = Surroundings(
                venue=self.line,  # type: ignore[arg-type]
                journal=self.made.journal,
                clock=lambda: waiting,
                running=nullcontext,
                leaving=lambda: nullcontext(Deadline.never(time.monotonic)),
                close=self.close,
                unattended=lambda: (),
                last_interrupt=box.ignore_interrupts,
            )
            code, raised = 0, None
            try:
                ending: Ending = run_to_the_end(
                    self.spec.strategy.kind, self.engine, loop, self, self.policy, teller, around
                )
                code = ending.exit_code
            except PfmmError as error:
                code, raised = error.exit_code, error
            except RuntimeError as error:
                code, raised = 1, error
            self.drained = listeners.close(0.05 if not self.screen.free.is_set() else PATIENCE_S)
            self.screen.free.set()
        return code, raised

    def halted(self) -> HaltRecord | None:
        """The latch of the account."""
        return None if self.latch is None else HaltRecord("main", "flatten", self.latch, "now")

    def _trip(self, reason: str) -> None:
        self.latch = reason
        assert not [e for e in self.screen.events if isinstance(e, CycleEvent) and e.time_ms > START_MS + 2 * STEP_MS]


def press(number: signal.Signals) -> Callable[[World], None]:
    return lambda _: signal.raise_signal(number)


def post(action: Action) -> Callable[[World], None]:
    return lambda world: world.inbox.post(Command(action, "key"))


def hang_then_term(world: World) -> None:
    world.screen.free.clear()
    signal.raise_signal(signal.SIGTERM)


def raise_then(number: signal.Signals | None, error: BaseException) -> Callable[[World], None]:
    def cause(world: World) -> None:
        world.screen.error = error
        if number is not None:
            signal.raise_signal(number)

    return cause


def outage_then_term(world: World) -> None:
    """The venue answers nothing for one cycle, and again when the loop is told to end."""
    world.line.cut = True
    waits = iter(range(2))

    def again() -> None:
        world.line.cut = next(waits, None) is not None
        if not world.line.cut:
            signal.raise_signal(signal.SIGTERM)

    world.engine.cycle = _first(again, world.engine.cycle)  # type: ignore[method-assign]


def _first(before: Callable[[], None], call: Callable[..., Any]) -> Callable[..., Any]:
    def both(*args: Any, **options: Any) -> Any:
        before()
        return call(*args, **options)

    return both


def bug(world: World) -> None:
    def broken(**_: Any) -> Any:
        raise RuntimeError("a bug")

    world.engine.cycle = broken  # type: ignore[method-assign]


def latch(world: World) -> None:
    world.latch = "flatten"


# cause → what brings it about, the exit code, and the policy that holds instead of the run's own
CAUSES: dict[str, tuple[Callable[[World], None], int, str | None]] = {
    "hup": (press(signal.SIGHUP), 129, None),
    "term": (press(signal.SIGTERM), 143, None),
    "int": (press(signal.SIGINT), 130, None),
    "terminal closed": (raise_then(signal.SIGHUP, OSError(5, "Input/output error")), 129, None),
    "writer hangs, term": (hang_then_term, 143, None),
    "outputs full, term": (raise_then(signal.SIGTERM, OutputLost("no space")), 143, None),
    "screen raises, term": (raise_then(signal.SIGTERM, ZeroDivisionError("a bug of the screen")), 143, None),
    "reader gone": (raise_then(None, BrokenPipeError()), 0, None),
    "outage, term": (outage_then_term, 143, None),
    "bug": (bug, 1, None),
    "key q": (post(Action.QUIT), 0, None),
    "key f": (post(Action.FLATTEN), 0, "flatten"),
    "halt": (latch, 75, "cancel"),
}


@contextmanager
def world(
    folder: Path, strategy: str, policy: str, limits: Limits | None = None, feed: Sequence[Step] = FEED
) -> Iterator[World]:
    with rig(folder, ScriptedFeed(feed)) as made:
        made.journal._db.execute("PRAGMA synchronous = OFF")  # no power fails here
        spec = STRATEGIES[strategy]()
        yield World(made, spec if limits is None else RunSpec(spec.strategy, {}, limits), policy)


def carried_out(run: World, policy: str) -> None:
    """By the exchange's ledger."""
    if policy == "keep":
        assert run.resting == run.before
        assert run.position
    elif policy == "cancel":
        assert run.resting == ()
        assert run.position
    else:
        assert (run.resting, run.position) == ((), Decimal(0))


@pytest.mark.parametrize(("cause", "policy", "strategy"), one_in_three(CAUSES, POLICIES, STRATEGIES))
def test_the_exit_policy_is_carried_out_whatever_ends_the_loop(
    tmp_path: Path, cause: str, policy: str, strategy: str
) -> None:
    act, code, instead = CAUSES[cause]
    with world(tmp_path, strategy, policy) as run:
        run.cause = act
        ended, raised = run.run()
        assert ended == code
        assert (raised is not None) == (cause == "bug")
        carried_out(run, instead or policy)
        assert run.drained == (cause != "writer hangs, term")


@pytest.mark.parametrize(("at", "policy", "strategy"), one_in_three([1, 5], POLICIES, STRATEGIES))
def test_a_screen_that_fails_early_costs_nothing(tmp_path: Path, at: int, policy: str, strategy: str) -> None:
    with world(tmp_path, strategy, policy) as run:
        run.screen.error, run.screen.at = ZeroDivisionError("a bug of the screen"), at
        run.cause = press(signal.SIGTERM)
        assert run.run() == (143, None)
        assert len(run.screen.events) == at
        carried_out(run, policy)


@pytest.mark.parametrize(("policy", "strategy"), one_in_three(POLICIES, STRATEGIES))
def test_an_unusable_journal_makes_every_policy_cancel_from_memory(tmp_path: Path, policy: str, strategy: str) -> None:
    def overwrite(run: World) -> None:
        for file in tmp_path.glob("j.sqlite3*"):
            with file.open("r+b") as stream:
                stream.write(random.Random(file.name).randbytes(file.stat().st_size))

    with world(tmp_path, strategy, policy) as run:
        run.cause = overwrite
        code, raised = run.run()
        assert isinstance(raised, PfmmError)
        assert (code, raised.code) == (8, "state_unknown")
        carried_out(run, "cancel")
        assert run.line.placed == run.placed_before, "an order was sent that nothing records"
        assert f"shows none of this run resting; position left: {MARKET} {run.position:f}" in raised.message
        assert f"`pfmm flatten {MARKET}`" in (raised.hint or "")


@pytest.mark.parametrize(("policy", "strategy"), one_in_three(POLICIES, STRATEGIES))
def test_with_a_venue_that_hangs_to_the_end_what_may_rest_is_named(tmp_path: Path, policy: str, strategy: str) -> None:
    def cut(run: World) -> None:
        run.line.cut = True
        signal.raise_signal(signal.SIGTERM)

    with world(tmp_path, strategy, policy) as run:
        run.cause = cut
        code, raised = run.run()
        assert run.resting == run.before
        if policy == "keep":
            assert (code, raised) == (143, None)
        else:
            assert isinstance(raised, PfmmError)
            assert code == 8
            ids = [order.client_order_id for order in run.made.exchange.orders("main")]
            assert all(one is not None and one in raised.message for one in ids)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("policy", ["cancel", "flatten"])
def test_a_second_ctrl_c_gives_the_proof_up_and_says_what_may_rest(
    tmp_path: Path, policy: str, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals_module, "SECOND_THOUGHT_S", 0.0)
    before = signal.getsignal(signal.SIGINT)

    def twice(run: World) -> None:
        signal.raise_signal(signal.SIGINT)
        run.line.at_submit = lambda: signal.raise_signal(signal.SIGINT)

    try:
        with world(tmp_path, strategy, policy) as run:
            run.cause = twice
            code, raised = run.run()
            assert isinstance(raised, PfmmError)
            assert code == 8
            assert f"{len(run.before)} orders of this run may still rest" in raised.message
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_latch_of_a_kill_switch_is_set_before_the_cycle_is_told(tmp_path: Path) -> None:
    """What was bought near 998 stands at 997 in the third cycle, which nobody is shown before the latch is set."""
    limits = Limits(Decimal(500), max_loss_usd=Decimal("0.000001"))
    falling = [*FEED[:2], *[Step(9971, 9973)] * 3]
    with world(tmp_path, "quote", "keep", limits, falling) as run:
        code, _ = run.run()
        assert code == 75
        assert run.latch is not None
        assert (run.resting, run.cycles) == ((), 2)


def test_a_pause_cancels_and_going_on_places_again(tmp_path: Path) -> None:
    with world(tmp_path, "grid", "cancel") as run:
        counts: list[int] = []

        def story(_: Any) -> None:
            run.cycles += 1
            counts.append(len(run.resting))
            asked = {2: Action.PAUSE, 4: Action.GO_ON, 6: Action.QUIT}.get(run.cycles)
            if asked is not None:
                run.inbox.post(Command(asked, "key p"))

        run.tend = story  # type: ignore[method-assign]
        assert run.run() == (0, None)
        assert counts[2:4] == [0, 0]
        assert min(counts[0], counts[1], counts[4], counts[5]) > 0
        told = [
            (e.name, e.data.get("reason") or e.data.get("after") or e.data.get("command")) for e in run.screen.events
        ]
        wanted = (
            ("command", "pause"),
            ("paused", "paused by key p"),
            ("command", "go_on"),
            ("resumed", "paused by key p"),
        )
        assert [one for one in told if one in wanted] == list(wanted)
        (run_id,) = run.engine.run_ids
        kept = [one.event.name for one in run.made.journal.events(run_id=run_id)]
        assert [name for name in kept if name in ("command", "paused", "resumed", "stopping", "stopped")] == [
            "command", "paused", "command", "resumed", "command", "stopping", "stopped",
        ]  # fmt: skip
        assert "cycle" not in kept
        cursors = [event.cursor or 0 for event in run.screen.events]
        assert cursors == sorted(cursors)
        assert cursors[-1] > cursors[0]
        assert run.resting == ()

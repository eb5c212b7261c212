"""The emergency: halt the account, cancel, close, and prove it from the venue. Layer: app.

The order matters: the latch first (no cron start gets in), then every runner is signalled, and while they die the
cancelling has begun already. The journal is only asked, and written, where it answers.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.app.closing import Verdict, failure_of, flattening, new_tools, order_of, verdict_of
from pfmm.app.contract import Question
from pfmm.app.halting import StoppingRunners, end_halted_runs, strange_exchange
from pfmm.app.wall_clock import wall_ms
from pfmm.errors import (
    AuthenticationError,
    ConfigError,
    PfmmError,
    UnknownMarket,
    UsageError,
    VenueRefused,
    VenueUnreachable,
)
from pfmm.flatten.contract import FlatState, FlattenResult
from pfmm.flatten.emergency import flatten as flatten_account
from pfmm.model.encoding import jsonable
from pfmm.model.text import counted, iso, plain
from pfmm.runner.dead_man import LOCK_STRATEGY
from pfmm.runner.locks import FLATTEN
from pfmm.runner.signals import Signals
from pfmm.runner.signals import hangup_ignored as hangup_ignored  # noqa: PLC0414 - for the process that calls this

if TYPE_CHECKING:
    from pfmm.app.contract import Confirm
    from pfmm.app.session import Session
    from pfmm.model.account import Position
    from pfmm.model.deadline import Deadline

RETRY_S = 0.2
BOOKKEEPING_ATTEMPTS = 2
LOG = "flatten.log"


@dataclass(frozen=True, slots=True)
class FlattenRequest:
    """What to flatten; no markets means the whole account. Raises UsageError for what excludes each other."""

    markets: tuple[str, ...] = ()
    half: bool = False
    cancel_only: bool = False

    def __post_init__(self) -> None:
        if self.half and self.cancel_only:
            raise UsageError(
                "--half and --cancel-only exclude each other",
                hint="--cancel-only closes nothing: leave one of the two out",
            )

    @property
    def words(self) -> str:
        """What is asked for, for the latch and for the question."""
        where = ", ".join(self.markets) if self.markets else "the whole account"
        how = "cancel the orders of " if self.cancel_only else "halve " if self.half else "flatten "
        return how + where


@dataclass(frozen=True, slots=True)
class PlannedClose:
    """One position (base units, signed), and how much of it would be closed."""

    market: str
    before: Decimal
    would_close: Decimal

    def words(self) -> str:
        """Say what would be done: "would close 0.15 of the long 0.3 on BTC-PERP"."""
        side = "long" if self.before > 0 else "short"
        return f"would close {plain(abs(self.would_close))} of the {side} {plain(abs(self.before))} on {self.market}"


@dataclass(frozen=True, slots=True)
class FlattenPlan:
    """What a flatten would stop, cancel and close now."""

    venue: str
    account: str
    time: str
    state: str
    would_cancel: int
    markets: tuple[PlannedClose, ...]
    runners: tuple[Runner, ...]

    def words(self) -> tuple[str, ...]:
        """Tell the plan, a line each: what a question is about, and what a dry run shows."""
        return (
            f"{self.venue} account {self.account} at {self.time}, nothing sent:",
            *(f"would stop the {one.strategy} on {one.market} (pid {one.pid})" for one in self.runners),
            f"would cancel {counted(self.would_cancel, 'order')}",
            *(m.words() for m in self.markets),
        )


@dataclass(frozen=True, slots=True)
class Runner:
    """A process that trades for the account."""

    market: str
    strategy: str
    pid: int


@dataclass(frozen=True, slots=True)
class RunnerStopped(Runner):
    """A runner that was told to stop, and how it ended: terminated, or killed because it did not listen."""

    how: str


@dataclass(frozen=True, slots=True)
class Flattened(Verdict):
    """The verdict, the runners that were stopped for it, and whether the account is halted now."""

    runners_stopped: tuple[RunnerStopped, ...]
    halted: bool
    duration_ms: int
    warnings: tuple[str, ...] = ()


def flatten(request: FlattenRequest, *, session: Session, confirm: Confirm) -> Flattened | None:
    """Halt the account's runners, cancel all orders, close the positions, and prove it; None where that was declined.

    A live account asks first. Raises, with the whole answer as their result, what the verdict deserves: NotFlat (9),
    StateUnknown (8), AuthenticationError (4). Raises UnknownMarket before anything. The verdict is added to the log of
    the emergencies before it is returned or raised. Ignoring SIGHUP is left to the process.
    """
    if session.live and not confirm(_question(request, session)):
        return None
    with Signals(one_shot=True) as signals, flattening(session) as deadline:
        found, failure = _carry_out(session, request, deadline, signals)
    found = _kept(session, found, failure)
    if failure is not None:
        raise failure.with_result(found)
    return found


def _question(request: FlattenRequest, session: Session) -> Question:
    def amounts() -> tuple[str, ...]:
        try:
            return _plan(request, session).words()
        except PfmmError as error:
            return (f"its state cannot be read now: {error.message}",)

    return session.question(request.words.capitalize(), amounts)


def plan(request: FlattenRequest, *, session: Session) -> FlattenPlan:
    """Tell what would be cancelled and closed now. Sends nothing, stops nobody and sets no latch.

    Raises UnknownMarket and what the venue's reads raise.
    """
    with flattening(session):
        return _plan(request, session)


def _plan(request: FlattenRequest, session: Session) -> FlattenPlan:
    markets = tuple(dict.fromkeys(session.known_market(name) for name in request.markets))
    snapshot = session.venue.state(markets)
    if snapshot.unseen:  # in an emergency the first look is a quick one
        snapshot = session.venue.state(markets)
    positions = [p for p in snapshot.positions if p.size and (not markets or p.market in markets)]
    return FlattenPlan(
        venue=session.venue_name,
        account=session.account,
        time=iso(snapshot.time.time_ms),
        state="planned",
        would_cancel=sum(1 for order in snapshot.orders if not markets or order.market in markets),
        markets=tuple(PlannedClose(p.market, p.size, _would_close(session, request, p)) for p in positions),
        # whoever feeds the dead-man switch is one of them
        runners=tuple(
            Runner(h.market, h.strategy, h.pid) for h in session.locks.holders() if h.strategy != LOCK_STRATEGY
        ),
    )


def _would_close(session: Session, request: FlattenRequest, position: Position) -> Decimal:
    """Work out what would be closed of one position, in base units: half of it in whole lots, which of a single lot is
    nothing."""
    if request.cancel_only:
        return Decimal(0)
    if not request.half:
        return abs(position.size)
    from pfmm.strategy.ticks import snap_size

    instrument = session.instruments.get(position.market)
    return Decimal(0) if instrument is None else snap_size(abs(position.size) / 2, instrument.size_step)


def _carry_out(
    session: Session, request: FlattenRequest, deadline: Deadline, signals: Signals
) -> tuple[Flattened, PfmmError | None]:
    """Carry out the emergency: return the whole answer, and the failure where the end could not be proven by the
    deadline.

    The first SIGINT or SIGTERM lets no further order leave: what rests is cancelled, looked at once, and told.
    """
    started_s = time.monotonic()
    try:
        first_try = _markets(session, request)
    except AuthenticationError:  # it will be said when it comes again, after the runners have been told to stop
        first_try = None
    warnings = _halt(session, request)
    runners = StoppingRunners(session, monotonic_s=time.monotonic)
    refused: AuthenticationError | None = None
    try:
        result = _flatten(
            session, request, first_try, runners, proofs=2 if warnings else 1, deadline=deadline, signals=signals
        )
    except AuthenticationError as error:
        refused, result = error, FlattenResult(FlatState.UNKNOWN, None, 0, None, (), error.message)
    if not warnings:  # set the latch again: a `resume` during the flatten may have lifted it
        warnings = _halt(session, request)
    strange = strange_exchange(session, result.exchange_id)
    if strange is not None:  # whose snapshots prove nothing about the orders of the journal's runs
        warnings.append(strange)
    elif result.state.done:
        warnings += _end_runs(session, deadline)
    verdict = verdict_of(session, result)
    found = Flattened(
        **{one.name: getattr(verdict, one.name) for one in fields(verdict)},
        runners_stopped=tuple(RunnerStopped(r.market, r.strategy, r.pid, r.how) for r in runners.stopped),
        halted=session.locks.halted() is not None,
        duration_ms=round((time.monotonic() - started_s) * 1000),
        warnings=tuple(warnings),
    )
    return found, refused or failure_of(session, result.state, result.reason, half=request.half)


def _kept(session: Session, found: Flattened, failure: PfmmError | None) -> Flattened:
    """Add the verdict to the log of the emergencies, one JSON object a line: stdout may be a terminal that is gone.
    Where that fails a warning says so."""
    line = {"exit_code": 0 if failure is None else failure.exit_code, **jsonable(found)}
    del line["warnings"]
    folder = session.settings.paths.log_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, (json.dumps(line) + "\n").encode())
        finally:
            os.close(fd)
    except OSError as error:
        lost = f"the verdict could not be added to {folder / LOG}: {error.strerror}"
        return replace(found, warnings=(*found.warnings, lost))
    return found


def _markets(session: Session, request: FlattenRequest) -> tuple[str, ...] | None:
    """Return the venue's names of the markets; None when it does not answer now. Raises UnknownMarket and
    AuthenticationError, before anything."""
    try:
        return tuple(dict.fromkeys(session.known_market(name) for name in request.markets))
    except UnknownMarket:
        raise
    except (VenueUnreachable, VenueRefused):
        return None


def _halt(session: Session, request: FlattenRequest) -> list[str]:
    """Set the latch; where it cannot be written the warning says what that means."""
    try:
        session.locks.halt(halted_by=FLATTEN, reason=request.words, since=iso(wall_ms()))
    except ConfigError as error:
        return [f"no HALT could be set, so a scheduled start may trade again: {error.message}"]
    return []


def _flatten(
    session: Session,
    request: FlattenRequest,
    markets: tuple[str, ...] | None,
    runners: StoppingRunners,
    *,
    proofs: int,
    deadline: Deadline,
    signals: Signals,
) -> FlattenResult:
    """Flatten, after the markets' names are known: a venue that was silent is asked on, while the runners stop."""
    runners.press()
    while markets is None and not deadline.passed and not signals.stopping():
        signals.wait_on_s(RETRY_S)
        runners.press()
        markets = _markets(session, request)
    if markets is None:
        reason = f"{session.venue_name} did not answer " + ("before the interrupt" if signals.stopping() else "in time")
        return FlattenResult(FlatState.UNKNOWN, None, 0, None, (), reason)
    order = order_of(
        session,
        markets or None,
        half=request.half,
        cancel_only=request.cancel_only,
        proofs=proofs,
        timeout_s=deadline.left_s(),
    )
    return flatten_account(session.venue, order, new_tools(session, signals), runners)


def _end_runs(session: Session, deadline: Deadline) -> list[str]:
    """End the runs after the fact, and only if that works soon: flatness does not hang on the journal, nor the answer
    on this."""
    try:
        end_halted_runs(session, attempts=BOOKKEEPING_ATTEMPTS, deadline=deadline)
    except PfmmError as error:
        return [f"the stopped runs could not be ended, `pfmm resume` will try again: {error.message}"]
    return []

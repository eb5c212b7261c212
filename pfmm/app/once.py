"""Run one cycle, for cron: orders stay by default, so that the next minute finds them. Layer: app.

A signal lets no further order action leave; what is on its way gets a moment for its answer, and the answer says what
was done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.app.protection import refuse_unattended
from pfmm.app.starting import started
from pfmm.engine.strategy_run import NO_ROOM
from pfmm.errors import (
    CutShort,
    Halted,
    Interrupted,
    OutcomeUnknown,
    PfmmError,
    RiskRefused,
    StaleData,
    VenueRefused,
    VenueUnreachable,
)
from pfmm.model.refusal import RefusalReason
from pfmm.model.text import iso
from pfmm.runner.signals import Signals

if TYPE_CHECKING:
    from pfmm.app.contract import Confirm
    from pfmm.app.session import Session
    from pfmm.app.starting import Start, StartRequest, Tell
    from pfmm.model.cycle import CycleReport, RunReport
    from pfmm.model.event import Event
    from pfmm.model.run import RunLeft


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """An order that is wanted and does not rest, because our own limits hold it."""

    slot: str
    reason: str


@dataclass(frozen=True, slots=True)
class OnceRow:
    """One market after the cycle. `placed`, `amended` and `cancelled` count what the venue has acknowledged, not what
    was wanted; `resting` is what rests once the exit policy is carried out. Inventory in base units, signed, and P&L in
    USD are of the run's own book; `close` is the command that closes what is held, None where nothing is."""

    market: str
    strategy: str
    problem: str | None
    resting: int
    kept: int
    placed: int
    amended: int
    cancelled: int
    held: tuple[HeldOrder, ...]
    absent: Mapping[str, str]
    inventory: Decimal
    fills: int
    round_trips: int
    pnl: Decimal | None = None
    close: str | None = None


@dataclass(frozen=True, slots=True)
class LeftBy:
    """The exit policy that was carried out, and how many orders it cancelled."""

    policy: str
    cancelled: int


@dataclass(frozen=True, slots=True)
class OnceResult:
    """What one cycle did and what rests now, market by market; the events as a loop would stream them."""

    venue: str
    account: str
    time: str
    strategy: str
    adopted_orders: int
    runs: tuple[OnceRow, ...]
    events: tuple[Mapping[str, Any], ...]
    on_exit: LeftBy
    warnings: tuple[str, ...] = ()


def once(request: StartRequest, *, session: Session, confirm: Confirm, tell: Tell) -> OnceResult | None:
    """Run one cycle and carry out the exit policy; None where real money was asked about and declined.

    Raises what stands in the way before anything is sent. With the answer as their result: Halted for a kill switch,
    StaleData, OutcomeUnknown, VenueRefused and RiskRefused where not one wanted order rests, and CutShort after a
    signal, with the signal's exit code.
    """
    refuse = refuse_unattended if _policy(request) == "keep" else lambda _: None
    with started(request, session=session, confirm=confirm, tell=tell, before_asking=refuse) as begun:
        return None if begun is None else _once(begun)


def _once(begun: Start) -> OnceResult:
    session, engine = begun.session, begun.engine
    with Signals(one_shot=True) as signals:
        adopted = begun.adopt()
        engine.protect_by_stops(wanted=True)  # nobody feeds a dead-man between two of cron's cycles
        try:
            with session.heeding(signals):
                report = engine.cycle()
            session.journal.record_events(report.events, engine.run_names)
        except Interrupted as error:
            raise CutShort(
                f"{signals.name} came before this cycle had sent anything; what rested before still rests",
                exit_code=signals.exit_code,
                hint=f"`pfmm {begun.kind} stop` cancels it",
            ) from error
        result, failure = _left(begun, report, adopted, signals)
    if signals.received is not None:
        undone = "the cycle was whole" if failure is None else failure.message
        failure = CutShort(f"{signals.name} came during the cycle: {undone}", exit_code=signals.exit_code)
    if failure is not None:
        raise failure.with_result(result)
    return result


def _policy(request: StartRequest) -> str:
    return request.on_exit or "keep"


def _left(begun: Start, report: CycleReport, adopted: int, signals: Signals) -> tuple[OnceResult, PfmmError | None]:
    """Carry out the exit policy after the one cycle: the answer, and the failure where it did not do its work."""
    from pfmm.runner.leaving import carry_out
    from pfmm.runner.loop import Ending, tripped_ending

    ending = tripped_ending(report) or Ending("one cycle done")
    tripped = ending.halt
    if tripped is not None:
        begun.trip(tripped, report.time.time_ms)
    leaving = "cancel" if tripped is not None else _policy(begun.request)
    around = begun.surroundings(signals.wait_regardless_s, nullcontext, signals.ignore_interrupts)
    cancelled = carry_out(begun.engine, leaving, ending, report.time.time_ms, around)
    came = begun.engine.settle_up()  # what was filled on the way out
    begun.session.journal.record_events(came, begun.engine.run_names)
    events, left = (*report.events, *came), {run.market: run for run in begun.engine.left}
    proven = leaving != "keep"  # gone, or `carry_out` had raised
    result = OnceResult(
        venue=begun.session.venue_name,
        account=begun.session.account,
        time=iso(report.time.time_ms),
        strategy=begun.kind,
        adopted_orders=adopted,
        runs=tuple(
            _row(run, left.get(run.market), events, resting=0 if proven else len(run.orders)) for run in report.runs
        ),
        events=tuple(_event(event) for event in events),
        on_exit=LeftBy(leaving, cancelled),
        warnings=(*refusals(report.events), *(begun.unattended() if tripped is not None else ())),
    )
    return result, _failure(report, tripped)


def _failure(report: CycleReport, tripped: str | None) -> PfmmError | None:
    """Return what kept the cycle from doing what it was asked for, if anything did."""
    if tripped is not None:
        return Halted(f"{tripped}; its orders are cancelled, the account is halted")
    refused = next((f"{run.market}: {run.refused}" for run in report.runs if run.refused is not None), None)
    if refused is not None:
        return VenueRefused(refused, hint=f"`pfmm {report.runs[0].strategy} stop` and a new start try again")
    problem = next((run.problem for run in report.runs if run.problem is not None), None)
    if problem is not None and problem.startswith(NO_ROOM):
        return RiskRefused(f"no new orders were placed: {problem}", hint="raise --max-inventory, or `pfmm flatten`")
    if problem is not None:
        return StaleData(f"no new orders were placed: {problem}")
    unknown = sum(event.name == "unknown" for event in report.events)
    if unknown:
        text = f"{unknown} orders or order actions got no usable answer: they may or may not have acted"
        return OutcomeUnknown(text, hint="the next run settles them by client order id")
    return never_acted(report.events) or nothing_done(report)


def never_acted(events: Sequence[Event]) -> PfmmError | None:
    """Return the failure of a request that as a whole did not act; a single order that is refused is none."""
    told = next((event.data for event in events if event.data.get("acted") is False), None)
    if told is None:
        return None
    kind = VenueUnreachable if told["code"] == VenueUnreachable.code else VenueRefused
    failure = kind(f"nothing was placed, amended or cancelled: {told['reason']}", hint="the next run tries again")
    failure.code = told["code"]
    return failure


def nothing_done(report: CycleReport) -> PfmmError | None:
    """Return the failure of the first market where every order that was wanted was refused: VenueRefused (6) where the
    venue did, RiskRefused (7) where our own limits held every one and none rests. An order that rests as wanted is
    success."""
    for run in report.runs:
        own = [event for event in report.events if (event.market, event.strategy) == (run.market, run.strategy)]
        sent = len(run.plan.place) + len(run.plan.amend) + (run.close is not None)
        acted = any(event.name in ("placed", "amended") for event in own)
        reasons = [event.data["reason"] for event in own if event.name == "refused"]
        if sent and reasons and not acted and not run.plan.keep:
            return VenueRefused(
                f"{run.market}: the venue refused every order that the {run.strategy} wanted: {reasons[-1]}",
                hint="the next run tries again; a smaller size needs less margin",
            )
        if run.plan.held and not sent and not run.orders:
            return RiskRefused(
                f"{run.market}: every order that the {run.strategy} wanted is held: {run.plan.held[0].reason}",
                hint="take a smaller size, or raise --max-inventory",
            )
    return None


def refusals(events: Sequence[Event]) -> tuple[str, ...]:
    """Return a warning for each reason for which a market's orders were refused. A post-only order that would have
    crossed is none: the next cycle prices it anew."""
    found: dict[tuple[str, str], list[str]] = {}
    for event in events:
        if event.name == "refused" and event.data["code"] != RefusalReason.POST_ONLY_WOULD_CROSS:
            found.setdefault((event.market or "", event.data["code"]), []).append(event.data["reason"])
    return tuple(
        f"{market}: {len(reasons)} of its order actions refused: {reasons[0]}" for (market, _), reasons in found.items()
    )


def _row(run: RunReport, left: RunLeft | None, events: Sequence[Event], *, resting: int) -> OnceRow:
    done = [event.name for event in events if (event.market, event.strategy) == (run.market, run.strategy)]
    return OnceRow(
        market=run.market,
        strategy=run.strategy,
        problem=run.problem,
        resting=resting,
        kept=len(run.plan.keep),
        placed=done.count("placed"),
        amended=done.count("amended"),
        cancelled=done.count("cancelled"),
        held=tuple(HeldOrder(held.slot, held.reason) for held in run.plan.held),
        absent=dict(run.decision.absent) if run.decision is not None else {},
        inventory=run.ledger.size if left is None else left.inventory,
        fills=run.fills if left is None else left.fills,
        round_trips=run.round_trips,
        pnl=None if left is None else left.pnl,
        close=None if left is None else left.close,
    )


def _event(event: Event) -> Mapping[str, Any]:
    return {
        "event": event.name,
        "time": iso(event.time_ms),
        "market": event.market,
        "strategy": event.strategy,
        **event.data,
    }

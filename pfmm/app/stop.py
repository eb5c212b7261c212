"""Stop runs: ask the runner, cancel what rests, prove it; with `flatten` close the position too. Layer: app.

A signal ends it once the request in flight is answered: the answer says what is not done, with the signal's exit code.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.app.contract import Question
from pfmm.app.ending import end_runs
from pfmm.app.session import Session
from pfmm.app.status import named_market
from pfmm.app.wall_clock import wall_ms
from pfmm.errors import AuthenticationError, ConfigError, CutShort, PfmmError, StateUnknown
from pfmm.model.encoding import ABSENT
from pfmm.model.plan import OwnStatus

if TYPE_CHECKING:
    from pfmm.app.closing import Verdict
    from pfmm.app.contract import Confirm
    from pfmm.app.unknown_orders import UnknownOrder
    from pfmm.model.deadline import Deadline
    from pfmm.model.plan import OwnOrder
    from pfmm.model.run import Run
    from pfmm.runner.locks import Holder
    from pfmm.runner.signals import Signals

RUNNERS_SHARE = 2 / 3  # of the time of a stop, for the runner to cancel and prove; then it is killed


@dataclass(frozen=True, slots=True)
class StopRequest:
    """Which strategy; `market` None: on every market with a run. `flatten` also closes the whole position there, and
    `unknown_orders` also cancels orders with pfmm's ids that this journal does not know."""

    strategy: str
    market: str | None = None
    flatten: bool = False
    unknown_orders: bool = False


@dataclass(frozen=True, slots=True)
class StoppedRun:
    """What became of one run: how many of its orders were cancelled, and how many may rest. `state` is stopped,
    unknown (its orders may rest) or absent (there was none). `inventory` in base units and `pnl` in USD, at the last
    mid that was recorded, are of the run's own book, and None without a run; `close` is the command that closes what it
    leaves, None where that is nothing."""

    market: str
    strategy: str
    cancelled: int
    orders_left: int
    state: str
    inventory: Decimal | None = None
    pnl: Decimal | None = None
    close: str | None = None


@dataclass(frozen=True, slots=True)
class StopResult:
    """What was stopped. `flatten` is ABSENT where no position was to be closed, None where nothing was closed.
    `unknown_orders` rest with pfmm's ids and are in no run of this journal; `unknown_cancelled` of them were cancelled,
    as was asked."""

    venue: str
    account: str
    runs: tuple[StoppedRun, ...]
    flatten: Verdict | None = ABSENT
    unknown_orders: tuple[UnknownOrder, ...] = ()
    unknown_cancelled: int = 0
    warnings: tuple[str, ...] = ()


def stop(request: StopRequest, *, session: Session, confirm: Confirm) -> StopResult | None:
    """Stop the runs of one strategy and prove that none of their orders rests; None where that was declined.

    Closing a live position asks first, as every live flatten does; stopping never does. Raises, with what is known as
    their result, StateUnknown where orders are not proven gone in time, CutShort after a signal, and what
    `flatten_for_stop` answers as failure; AlreadyRunning when somebody has started a run again meanwhile.
    """
    from pfmm.runner.signals import Signals

    if request.flatten and session.live and not confirm(_question(request, session)):
        return None
    with Signals(one_shot=True) as signals:
        with session.leaving() as deadline:
            trouble = _journal_trouble(session)
            stop_all = _stop_all if trouble is None else _stop_without_journal
            rows, unproven = stop_all(session, request.strategy, request.market, deadline, signals)
            result = StopResult(session.venue_name, session.account, tuple(rows))
            failure: PfmmError | None = _unproven(unproven) if unproven else None
            if not signals.stopping():
                result, failure = _look_for_unknown(request, session, result, failure, deadline)
            if trouble is not None:
                failure = failure or _nothing_rests(trouble)
        if request.flatten and failure is None and not signals.stopping():
            result, failure = _flatten_stopped(session, request.strategy, result, signals)
    if signals.received is not None:
        undone = request.flatten and result.flatten is ABSENT
        failure = _cut_short(request.strategy, signals, failure, unflattened=undone)
    if failure is not None:
        raise failure.with_result(result)
    return result


def _look_for_unknown(
    request: StopRequest, session: Session, result: StopResult, failure: PfmmError | None, deadline: Deadline
) -> tuple[StopResult, PfmmError | None]:
    """Look whether the venue has orders there that this journal does not know: its own absence or loss is no proof that
    nothing rests. Cancels them where that was asked for."""
    from pfmm.app.unknown_orders import cancel_unknown, resting_unknown, rows_of, words_of

    spelling = request.market
    market = None if spelling is None else session.remembered_market(spelling) or named_market(session, spelling)
    try:
        if request.unknown_orders:
            result = replace(result, unknown_cancelled=cancel_unknown(session, market, deadline))
        found = resting_unknown(session, market)
    except AuthenticationError:
        raise
    except PfmmError as error:
        text = f"the venue does not tell what rests there: {error.message}"
        return result, failure or StateUnknown(text, hint=error.hint)
    if not found:
        return result, failure
    result = replace(result, unknown_orders=rows_of(found))
    return result, failure or StateUnknown(words_of(found, request.strategy))


def _question(request: StopRequest, session: Session) -> Question:
    markets = request.market or "every market"
    action = f"Stop the {request.strategy} on {markets} and close the positions there"
    return session.question(action)


def _cut_short(kind: str, signals: Signals, failure: PfmmError | None, *, unflattened: bool) -> CutShort:
    """Build the failure of a stop that a signal ended: what is not done."""
    undone = [] if failure is None else [failure.message]
    undone += ["no position was closed"] if unflattened else []
    text = "; ".join(undone) or "everything that was asked for was done by then"
    return CutShort(f"{signals.name} came: {text}", exit_code=signals.exit_code, hint=f"run `pfmm {kind} stop` again")


def _stop_all(
    session: Session, kind: str, spelling: str | None, deadline: Deadline, signals: Signals
) -> tuple[list[StoppedRun], list[StateUnknown]]:
    """End the runners and their runs; return a row for each, and what was not proven in time. One run that cannot be
    proven keeps no other from being ended."""
    # what runs or ran here is known without the venue, whose silence must not use up the time to stop it
    remembered = None if spelling is None else session.remembered_market(spelling)
    market = remembered or named_market(session, spelling)
    earlier = session.journal.runs(kind=kind, market=market)
    resting = {run.run_id: session.journal.live_orders(run_id=run.run_id) for run in earlier if run.ended_ms is None}
    running, unproven = _stop_runners(session, kind, market, deadline, signals)
    rows = []
    # read again: a runner that was in its first cycle has begun its run, and may have left its orders, only now
    over = {run.run_id for run in earlier if run.ended_ms is not None}
    runs = [run for run in session.journal.runs(kind=kind, market=market) if run.run_id not in over]
    for run in runs:
        try:
            if signals.stopping():
                raise StateUnknown(f"the {kind} on {run.market} was not ended: its orders may rest")
            rows.append(_stop_run(session, run, resting.get(run.run_id), deadline, signals))
        except StateUnknown as error:
            rows.append(_row_of(session, run, resting.get(run.run_id), "unknown"))
            unproven.append(error)
    stopped = {row.market for row in rows}
    state = "unknown" if signals.stopping() else "stopped"
    rows += [_nothing_of(holder.market, kind, state) for holder in running if holder.market not in stopped]
    if market is not None and not rows:
        rows = [_nothing_of(market, kind, "absent")]
    return rows, unproven


def _stop_runners(
    session: Session, kind: str, market: str | None, deadline: Deadline, signals: Signals
) -> tuple[list[Holder], list[StateUnknown]]:
    """End the runners; return who they were, and what was not proven in time."""
    running = [h for h in session.locks.holders() if h.strategy == kind and market in (None, h.market)]
    for holder in running:  # all at once, so that they wind down side by side
        if not holder.stopping:
            session.locks.send_signal(holder, signal.SIGTERM)
    unproven = []
    for holder in running:
        grace_s = deadline.left_s() * RUNNERS_SHARE
        try:
            session.locks.stop_runner(holder.market, kind, grace_s=grace_s, give_up=signals.stopping)
        except StateUnknown as error:
            if not signals.stopping():
                raise
            unproven.append(error)
    return running, unproven


def _journal_trouble(session: Session) -> ConfigError | None:
    """Return why the journal cannot be used: damaged, on a full disk, in a folder that cannot be written."""
    try:
        session.journal.runs()
    except ConfigError as error:
        return error
    return None


def _stop_without_journal(
    session: Session, kind: str, spelling: str | None, deadline: Deadline, signals: Signals
) -> tuple[list[StoppedRun], list[StateUnknown]]:
    """End the runners alone: which runs there were, and which orders are theirs, only the journal knows."""
    remembered = None if spelling is None else session.remembered_market(spelling)
    market = remembered or named_market(session, spelling)
    running, unproven = _stop_runners(session, kind, market, deadline, signals)
    markets = {holder.market for holder in running} | ({market} if market is not None else set())
    return [_nothing_of(one, kind, "unknown") for one in sorted(markets)], unproven


def _nothing_rests(trouble: ConfigError) -> ConfigError:
    """Build the failure of a stop that could do all but write it down."""
    return ConfigError(
        f"{trouble.message}; the runners were stopped and the venue shows no order with pfmm's ids there, "
        "but the runs could not be ended in the journal",
        hint=trouble.hint,
    )


def _unproven(errors: Sequence[StateUnknown]) -> StateUnknown:
    """Build one failure that names every order that may rest."""
    return StateUnknown("; ".join(error.message for error in errors), hint=errors[0].hint)


def _flatten_stopped(
    session: Session, kind: str, stopped: StopResult, signals: Signals
) -> tuple[StopResult, PfmmError | None]:
    """Close the positions on the markets of the runs that were stopped, and add the verdict to the answer."""
    from pfmm.app.closing import flatten_for_stop

    if not stopped.runs:  # a verdict would have to be about some market, and none is known
        warning = f"no {kind} was there to stop, so nothing was closed; name a market to close its position"
        return replace(stopped, flatten=None, warnings=(warning,)), None
    verdict, failure = flatten_for_stop(session, [row.market for row in stopped.runs], signals)
    return replace(stopped, flatten=verdict, runs=_left_by_now(session, stopped.runs)), failure


def _left_by_now(session: Session, rows: Sequence[StoppedRun]) -> tuple[StoppedRun, ...]:
    """Return the rows after the positions were closed, as far as the venue tells it now."""
    from pfmm.engine.observe import observe

    with session.leaving(), suppress(PfmmError):
        observe(session.venue, session.journal, (), ())
    newest = {(run.market, run.kind): run for run in session.journal.runs()}
    runs = [newest.get((row.market, row.strategy)) for row in rows]
    return tuple(row if run is None else _with_left(session, run, row) for row, run in zip(rows, runs, strict=True))


def _nothing_of(market: str, kind: str, state: str) -> StoppedRun:
    return StoppedRun(market, kind, 0, 0, state)


def _stop_run(
    session: Session, run: Run, resting: Sequence[OwnOrder] | None, deadline: Deadline, signals: Signals
) -> StoppedRun:
    """End what the runner, if there was one, did not end itself.

    Raises AlreadyRunning when somebody, such as cron, has started the run again meanwhile, and StateUnknown when the
    orders are not proven gone before the deadline.
    """
    lock = session.locks.run_lock(run.market, run.kind)
    lock.acquire(pid=os.getpid(), started_wall_ms=wall_ms(), stopping=True)
    with lock:  # or the next start could place orders for the run between its last proof and its end
        current = next(r for r in session.journal.runs(kind=run.kind, market=run.market) if r.run_id == run.run_id)
        if current.ended_ms is None:
            until, waiting = deadline.unless(signals.stopping), signals.wait_on_s
            end_runs(session, [run.run_id], [run.market], reason="stop", deadline=until, waiting=waiting)
    return _row_of(session, run, resting, "stopped")


def _row_of(session: Session, run: Run, resting: Sequence[OwnOrder] | None, state: str) -> StoppedRun:
    """Tell what became of a run's orders: of those that rested when stop was asked for, or of every one where the run
    began only afterwards (None)."""
    asked = session.journal.orders(run_id=run.run_id) if resting is None else resting
    orders = [session.journal.order(order.client_order_id) for order in asked]
    row = StoppedRun(
        market=run.market,
        strategy=run.kind,
        cancelled=sum(1 for order in orders if order is not None and order.status is OwnStatus.CANCELLED),
        orders_left=len(session.journal.live_orders(run_id=run.run_id)),
        state=state,
    )
    return _with_left(session, run, row)


def _with_left(session: Session, run: Run, row: StoppedRun) -> StoppedRun:
    """Return the row with what the run's book says that it leaves."""
    from pfmm.accounting.ledger import net_profit

    ledger = session.journal.book(run.market, run.run_id).ledger
    mids = session.journal.mids(run.market, run.last_cycle_ms or run.started_ms)
    price = mids[-1][1] if mids else run.last_mid
    pnl = None if ledger.size and price is None else net_profit(ledger, price or Decimal(1))
    return replace(row, inventory=ledger.size, pnl=pnl, close=f"pfmm flatten {run.market}" if ledger.size else None)

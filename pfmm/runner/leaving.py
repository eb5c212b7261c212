"""The way out of a loop: the exit policy, carried out whatever ended it. Layer: runner.

The policy runs before anything waits for a screen, and does not hang on the journal: where that has become unusable,
every policy becomes cancel, from memory, and the end is an error that names what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from pfmm.engine.cancel import wind_down
from pfmm.engine.engine import Engine
from pfmm.engine.observe import observe
from pfmm.engine.remembered import cancel_remembered
from pfmm.errors import (
    EXIT_BUG,
    ConfigError,
    JournalUnusable,
    OtherExchange,
    PfmmError,
    SecretError,
    StateUnknown,
)
from pfmm.model.deadline import Deadline
from pfmm.model.event import Event
from pfmm.model.run import RunLeft
from pfmm.ports import Clock, Journal, Venue
from pfmm.runner.loop import Ending, Loop
from pfmm.runner.telling import Teller


class Switch(Protocol):
    """The dead-man switch, as the way out needs it."""

    def leave(self) -> str | None:
        """Disarm it; return the problem where that failed."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the loop and its way out need of their process. Within `running` a signal ends a request; within `leaving`
    all requests and waits together end with the deadline that it gives. `clock` makes one that waits whatever signals
    have come;
    `close` closes the positions on markets and raises where that fails; `unattended` warns of orders that a HALT leaves
    without a process; `last_interrupt` makes any further Ctrl-C mean nothing."""

    venue: Venue
    journal: Journal
    clock: Callable[[], Clock]
    running: Callable[[], AbstractContextManager[object]]
    leaving: Callable[[], AbstractContextManager[Deadline]]
    close: Callable[[Sequence[str]], None]
    unattended: Callable[[], Sequence[str]]
    last_interrupt: Callable[[], None]


def run_to_the_end(
    kind: str,
    engine: Engine,
    loop: Loop,
    switch: Switch,
    on_exit: str,
    teller: Teller,
    around: Surroundings,
) -> Ending:
    """Run the loop and, whatever ends it, the exit policy; return why it ended.

    An error that ended the loop is raised again after the policy has run. Raises StateUnknown where the policy could
    not be proven, among others for one more Ctrl-C and for an unusable journal.
    """
    failure: BaseException | None = None
    ending = Ending("bug", EXIT_BUG)
    try:
        with around.running():
            ending = loop.run()
    except PfmmError as error:
        failure, ending = error, Ending(error.message, error.exit_code)
    except BaseException as error:  # noqa: BLE001 - raised again below, after the exit policy has run
        failure, ending = error, Ending(f"bug: {type(error).__name__}", EXIT_BUG)
    try:
        _leave(kind, engine, loop, switch, on_exit, teller, around, ending, failure)
    except KeyboardInterrupt:
        around.last_interrupt()
        raise _given_up(kind, engine, around) from failure
    except BaseException as error:
        if failure is None or error is failure:
            raise
        error.add_note(f"while leaving after: {ending.reason}")
        raise error from failure
    if failure is not None:
        raise failure
    return ending


def _leave(
    kind: str,
    engine: Engine,
    loop: Loop,
    switch: Switch,
    on_exit: str,
    teller: Teller,
    around: Surroundings,
    ending: Ending,
    failure: BaseException | None,
) -> None:
    """Carry out the policy and tell of it: `stopping` before, `stopped` after the proof."""
    policy = "cancel" if ending.halt is not None else ending.policy or on_exit
    last_ms = loop.last.time.time_ms if loop.last is not None else 0
    stopping = Event("stopping", last_ms, "", kind, {"reason": ending.reason, "policy": policy})
    teller.show(stopping)  # kept below: a journal that somebody locks must not hold up the policy
    try:
        cancelled = carry_out(engine, policy, ending, last_ms, around, failure)
    except BaseException:
        with suppress(PfmmError):  # what was filled meanwhile is told whether or not the policy was proven
            teller.tell(*engine.settle_up())
        raise
    # only now: while it is not proven that nothing rests, the venue's own switch is the last protection
    with around.leaving():
        problem = switch.leave()
    left = around.unattended() if ending.tripped else ()
    warning = "; ".join([*([] if problem is None else [problem]), *left])
    told = [*engine.settle_up(), *([Event("warning", last_ms, "", kind, {"reason": warning})] if warning else [])]
    if ending.halt is not None:
        told.append(Event("halted", last_ms, "", kind, {"reason": ending.halt}))
    row = {"reason": ending.reason, "cancelled": cancelled, "orders_left": orders_left(engine, around)}
    told.append(Event("stopped", last_ms, "", kind, {**row, **left_row(engine.left)}))
    teller.keep(stopping)
    teller.tell(*told)


def left_row(left: Sequence[RunLeft]) -> dict[str, Any]:
    """Return what the runs leave, as `stopped` tells it: the sums, and a row each with the command that closes it."""
    known = [run.pnl for run in left if run.pnl is not None]
    return {
        "fills": sum(run.fills for run in left),
        "pnl": sum(known, Decimal(0)) if len(known) == len(left) else None,
        "inventory": left[0].inventory if len(left) == 1 else None,
        "left": [
            {
                "market": run.market,
                "strategy": run.strategy,
                "run_id": run.run_id,
                "fills": run.fills,
                "inventory": run.inventory,
                "pnl": run.pnl,
                "realized_pnl": run.realized_pnl,
                "unrealized_pnl": run.unrealized_pnl,
                "fees": run.fees,
                "fees_effect": 0 - run.fees,
                "funding": run.funding,
                "close": run.close,
            }
            for run in left
        ],
    }


def carry_out(
    engine: Engine,
    policy: str,
    ending: Ending,
    last_ms: int,
    around: Surroundings,
    failure: BaseException | None = None,
) -> int:
    """Carry out --on-exit; return how many orders were cancelled.

    Keep leaves the run open with its orders, cancel proves them gone and ends it, flatten also closes the run's
    markets.

    `failure` is what ended the loop. Where that, or what happens here, says that the journal is unusable, the orders
    are cancelled from memory instead; raises StateUnknown then, with the position that is left.
    """
    with around.leaving() as deadline:
        cancelled = _proven(engine, policy, ending, last_ms, around, failure, deadline)
    if policy == "flatten" and engine.run_ids:
        try:
            around.close(engine.markets)
        finally:
            _take_in(engine, around)
    return cancelled


def _take_in(engine: Engine, around: Surroundings) -> None:
    """Book what closed the positions, where that works now: else the next command that reads the account does."""
    with around.leaving(), suppress(PfmmError):
        snapshot = observe(around.venue, around.journal, engine.markets, ())
        engine.value_by(snapshot.tickers)


def _proven(
    engine: Engine,
    policy: str,
    ending: Ending,
    last_ms: int,
    around: Surroundings,
    failure: BaseException | None,
    deadline: Deadline,
) -> int:
    """Carry out the policy without closing anything; see `carry_out`."""
    if isinstance(failure, JournalUnusable):
        raise _from_memory(engine, around, failure, deadline) from failure
    try:
        return _by_the_journal(engine, policy, ending, last_ms, around, deadline)
    except (OtherExchange, SecretError):
        raise
    except ConfigError as error:
        raise _from_memory(engine, around, error, deadline) from error
    except StateUnknown as error:
        if isinstance(error.__cause__, ConfigError):  # what was cancelled could not be recorded
            raise _from_memory(engine, around, error.__cause__, deadline) from error
        raise
    except PfmmError:
        raise
    except Exception as error:  # a bug, or a journal that reads as nonsense: neither may leave orders resting
        cause = ConfigError(f"{type(error).__name__}: {error}")
        error.add_note(_from_memory(engine, around, cause, deadline).message)
        raise


def _by_the_journal(
    engine: Engine, policy: str, ending: Ending, last_ms: int, around: Surroundings, deadline: Deadline
) -> int:
    if policy == "keep" or not engine.run_ids:
        engine.leave(last_ms, status="between_runs", reason=None)
        return 0
    remembered = {order.client_order_id for order in engine.remembered}
    done = wind_down(
        around.venue,
        around.journal,
        around.clock(),
        engine.markets,
        engine.run_ids,
        not_before_ms=engine.not_before_ms,
        deadline=deadline,
    )
    if any(order.client_order_id in remembered for order in done.snapshot.orders):
        raise JournalUnusable("the journal has forgotten orders of this run that the venue still shows")
    engine.value_by(done.snapshot.tickers)
    status = "halted" if ending.halt is not None else "stopped"
    engine.leave(done.snapshot.time.time_ms, status=status, reason=ending.reason)
    return done.cancelled


def _from_memory(engine: Engine, around: Surroundings, cause: PfmmError, deadline: Deadline) -> PfmmError:
    """Cancel what the engine remembers and prove it; return the error to end with.

    Where the run never came to send anything, that is the cause itself.
    """
    if not engine.run_ids:
        return cause
    seen_ms = engine.not_before_ms
    return cancel_remembered(
        around.venue,
        around.clock(),
        engine.remembered,
        engine.markets,
        cause,
        not_before_ms=seen_ms,
        deadline=deadline,
    )


def orders_left(engine: Engine, around: Surroundings) -> int:
    """Count the orders of these runs that still rest, which --on-exit keep wants."""
    return sum(len(around.journal.live_orders(run_id=run_id)) for run_id in engine.run_ids)


def _given_up(kind: str, engine: Engine, around: Surroundings) -> StateUnknown:
    """Return the error of one more Ctrl-C: the way out was cut short by the one who waits for it."""
    try:
        rest = orders_left(engine, around)
    except PfmmError:
        rest = len(engine.remembered)
    return StateUnknown(
        f"another Ctrl-C cut the cancelling short before it was proven: {rest} orders of this run may still rest, "
        "and what is held stays held",
        hint=f"`pfmm {kind} stop` cancels and proves; `pfmm flatten` also closes",
    )

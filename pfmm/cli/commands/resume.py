"""`pfmm resume`: lifts the HALT that flatten or a kill switch left, after showing why it was set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from pfmm.cli.options import globals_of
from pfmm.cli.output import Result, emit

if TYPE_CHECKING:
    from pfmm.app.session import Session

app = typer.Typer(help="Lift the HALT that flatten or a kill switch left.")


@app.command()
def resume(context: typer.Context) -> None:
    """Lift the HALT of the account, so that start works again; shows who set it, when and why."""
    from pfmm.cli.opening import session

    options = globals_of(context)
    with session(options) as opened:
        emit(options, _resume(opened))


def _resume(session: Session) -> Result:
    """Lifts the latch. Raises AlreadyRunning while a runner of the account is alive, Halted where a flatten came
    meanwhile, and what stands in the way of ending the runs that a flatten left open; then the latch stays."""
    from pfmm.errors import AlreadyRunning, Halted
    from pfmm.runner.locks import KILL_SWITCH

    record = session.locks.halted()
    if record is None:
        data = _data(session, halted_by=None, reason=None, since=None, runs_ended=[])
        return Result(data, lambda: f"Account {session.account} is not halted.")
    alive = [f"{holder.strategy} on {holder.market} (pid {holder.pid})" for holder in session.locks.holders()]
    if alive:
        raise AlreadyRunning(
            f"account {session.account} is halted and still runs {', '.join(alive)}",
            hint="wait until it has stopped, or run `pfmm flatten --all`, which makes it stop",
        )
    # a kill switch ends its own runs, and the others may go on; a flatten has closed what all of them held
    ended, warnings = ([], []) if record.halted_by == KILL_SWITCH else _end_runs(session)
    if not session.locks.lift(record):
        raise Halted(
            f"account {session.account} was flattened meanwhile: the HALT stays",
            hint="`pfmm resume` again, once you know why",
        )
    warnings = [*warnings, *_left_over(session)]
    data = _data(session, halted_by=record.halted_by, reason=record.reason, since=record.since, runs_ended=ended)
    return Result(
        data,
        lambda: (
            f"Account {session.account} was halted by {record.halted_by} since {record.since}: {record.reason}\n"
            "The HALT is lifted: start works again."
        ),
        tuple(warnings),
    )


def _end_runs(session: Session) -> tuple[list[dict[str, Any]], list[str]]:
    """A journal that cannot be used stops no resume: no start can adopt a run from it either. One that is only
    locked for now does."""
    from pfmm.cli.halting import end_halted_runs
    from pfmm.engine.cancel import ATTEMPTS
    from pfmm.errors import ConfigError, JournalLocked

    try:
        return end_halted_runs(session, attempts=ATTEMPTS), []
    except JournalLocked:
        raise
    except ConfigError as error:
        return [], [f"the halted runs could not be ended: {error.message}"]


def _left_over(session: Session) -> list[str]:
    """What the account still holds of runs that are over, as after `flatten --half`; where that cannot be told, a
    warning that says so, and the HALT is lifted all the same."""
    from pfmm.cli.halting import left_over
    from pfmm.errors import PfmmError

    if not session.has_journal:
        return []
    try:
        return left_over(session.journal, session.venue.state(()).positions)
    except PfmmError as error:
        return [f"what ended runs left could not be read: {error.message}; `pfmm inventory` shows what is held"]


def _data(session: Session, **values: Any) -> dict[str, Any]:
    return {"venue": session.venue_name, "account": session.account, **values}

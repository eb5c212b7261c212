"""Lift the HALT that flatten or a kill switch left, after ending the runs that a flatten left open. Layer: app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pfmm.errors import AlreadyRunning, ConfigError, Halted, JournalLocked, PfmmError

if TYPE_CHECKING:
    from pfmm.app.halting import EndedRun
    from pfmm.app.session import Session


@dataclass(frozen=True, slots=True)
class ResumeResult:
    """The HALT that was lifted: who set it, why and since when; all None where there was none."""

    venue: str
    account: str
    halted_by: str | None
    reason: str | None
    since: str | None
    runs_ended: tuple[EndedRun, ...] = ()
    warnings: tuple[str, ...] = ()


def resume(*, session: Session) -> ResumeResult:
    """Lift the latch of the account.

    Raises AlreadyRunning while a runner of the account is alive, Halted where a flatten came meanwhile, and what
    stands in the way of ending the runs that a flatten left open; then the latch stays.
    """
    from pfmm.runner.locks import KILL_SWITCH

    venue, account = session.venue_name, session.account
    record = session.locks.halted()
    if record is None:
        return ResumeResult(venue, account, None, None, None)
    _refuse_while_running(session)
    # a kill switch ends its own runs, and the others may go on; a flatten has closed what all of them held
    ended, warnings = ([], []) if record.halted_by == KILL_SWITCH else _end_runs(session)
    if not session.locks.lift(record):
        raise Halted(
            f"account {account} was flattened meanwhile: the HALT stays",
            hint="`pfmm resume` again, once you know why",
        )
    warnings = [*warnings, *_lift_limits(session), *_left_over(session)]
    return ResumeResult(
        venue, account, record.halted_by, record.reason, record.since, tuple(ended), tuple(warnings)
    )  # fmt: skip


def _refuse_while_running(session: Session) -> None:
    alive = [f"{holder.strategy} on {holder.market} (pid {holder.pid})" for holder in session.locks.holders()]
    if alive:
        raise AlreadyRunning(
            f"account {session.account} is halted and still runs {', '.join(alive)}",
            hint="wait until it has stopped, or run `pfmm flatten --all`, which makes it stop",
        )


def _end_runs(session: Session) -> tuple[list[EndedRun], list[str]]:
    """End the halted runs. A journal that cannot be used stops no resume: no start can adopt a run from it either.
    One that is only locked for now does."""
    from pfmm.app.halting import end_halted_runs
    from pfmm.engine.cancel import ATTEMPTS

    try:
        with session.leaving() as deadline:
            return end_halted_runs(session, attempts=ATTEMPTS, deadline=deadline), []
    except JournalLocked:
        raise
    except ConfigError as error:
        return [], [f"the halted runs could not be ended: {error.message}"]


def _lift_limits(session: Session) -> list[str]:
    """Let the losses that a person has now seen trip nothing more: limits count from the next look on."""
    try:
        if session.has_journal:
            session.journal.lift_limits()
    except ConfigError as error:
        return [f"limits on the account's losses go on counting what was lost before: {error.message}"]
    return []


def _left_over(session: Session) -> list[str]:
    """Say what the account still holds of runs that are over, as after `flatten --half`. Where that cannot be told, a
    warning says so, and the HALT is lifted all the same."""
    from pfmm.app.halting import left_over

    if not session.has_journal:
        return []
    try:
        return left_over(session.journal, session.venue.state(()).positions)
    except PfmmError as error:
        return [f"what ended runs left could not be read: {error.message}; `pfmm inventory` shows what is held"]

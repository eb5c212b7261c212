"""End runs that nobody carries on: cancel what they have resting, prove it, say so in the journal. Layer: app."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pfmm.app.wall_clock import wait_s

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.engine.cancel import WindDown
    from pfmm.model.deadline import Deadline


def end_runs(
    session: Session,
    run_ids: Sequence[str],
    markets: Sequence[str],
    *,
    reason: str,
    deadline: Deadline,
    waiting: Callable[[float], bool] = wait_s,
) -> WindDown:
    """Cancel and prove the orders of runs that nobody carries on, and end them in the journal. Raises StateUnknown,
    naming the orders that may rest, when that is not proven before the deadline."""
    from pfmm.engine.cancel import wind_down

    clock = session.clock(waiting)
    done = wind_down(session.venue, session.journal, clock, markets, run_ids, deadline=deadline)
    for run_id in run_ids:
        session.journal.end_run(run_id, status="stopped", reason=reason, time_ms=done.snapshot.time.time_ms)
    return done

"""Look again and again until a signal, past failures that pass by themselves. Layer: app.

Reads only, on wall time: watching never moves a venue's clock. It is handed the look and what shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

from pfmm.errors import BadVenueData, Interrupted, PfmmError, RateLimited, VenueUnreachable

if TYPE_CHECKING:
    from pfmm.app.session import Session

Seen = TypeVar("Seen")
Show = Callable[[Seen, PfmmError | None], None]

PASSING = (VenueUnreachable, RateLimited, BadVenueData)
OUTAGE_LOOKS = 20


def watch(
    look: Callable[[], Seen],
    screen: Callable[[], AbstractContextManager[Show[Seen]]],
    *,
    session: Session,
    every_s: float,
) -> int:
    """Show look after look, one every `every_s` seconds, until a signal; returns its number.

    Each look has a command's time, and a signal ends it at once. After a first good look, a failure that passes by
    itself is shown beside the last good one, up to OUTAGE_LOOKS in a row. Raises what else `look` and the screen raise.
    """
    from pfmm.runner.signals import Signals

    with Signals() as signals, screen() as show:
        last: Seen | None = None
        failures = 0
        while signals.received is None:
            try:
                with session.bounded(session.settings.general.command.timeout_s, wakeup=signals):
                    last, failures = look(), 0
            except Interrupted:
                break
            except PASSING as error:
                failures += 1
                if last is None or failures >= OUTAGE_LOOKS:
                    raise
                show(last, error)
            else:
                show(last, None)
            signals.wait_s(every_s)
        assert signals.received is not None
        return int(signals.received)

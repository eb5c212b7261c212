"""Builds one consistent snapshot where a venue serves its parts only one by one. Layer: venue. Pure but for its reads.

The order of the reads is what makes it safe. The venue's time is read first, then orders, then fills, then positions:
a fill that is missed shows in the position, so that risk is never under-stated. An account state that is older than
the time read before it is read again, or a flatten could call a position flat that is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pfmm.errors import BadVenueData

LAG_PAUSE_S = 0.1
LONGEST_PAUSE_S = 0.5
LAG_PATIENCE_S = 3.0
AGREEMENTS = 2  # further readings of fills and positions that tell different stories

Orders = TypeVar("Orders")
Fills = TypeVar("Fills")
State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Parts(Generic[Orders, Fills, State]):
    """What was read: the venue's time before everything else in ms, and each part."""

    asked_ms: int
    orders: Orders
    fills: Fills
    state: State


@dataclass(frozen=True, slots=True)
class Reads(Generic[Orders, Fills, State]):
    """How a venue is read: its time in ms, its parts, and the time in ms that an account state is of. `agree` tells
    whether fills and state tell the same story, None where nobody can know."""

    time_ms: Callable[[], int]
    orders: Callable[[], Orders]
    fills: Callable[[], Fills]
    state: Callable[[], State]
    state_time_ms: Callable[[State], int]
    agree: Callable[[Fills, State], bool] | None = None


def assemble(
    reads: Reads[Orders, Fills, State], *, pause: Callable[[float], None], monotonic_s: Callable[[], float]
) -> Parts[Orders, Fills, State]:
    """Read time, orders, fills and state, in this order.

    Fills and state that do not agree are read again, at most twice: one of them may be told a little later. Raises
    BadVenueData when the state stays older than the venue's time for 3 s, and what the reads raise.
    """
    asked_ms = reads.time_ms()
    orders, fills = reads.orders(), reads.fills()
    state = _not_before(asked_ms, reads, pause, monotonic_s)
    for _ in range(AGREEMENTS):
        if reads.agree is None or reads.agree(fills, state):
            break
        pause(LAG_PAUSE_S)
        fills = reads.fills()
        state = _not_before(asked_ms, reads, pause, monotonic_s)
    return Parts(asked_ms, orders, fills, state)


def _not_before(
    asked_ms: int, reads: Reads[Orders, Fills, State], pause: Callable[[float], None], monotonic_s: Callable[[], float]
) -> State:
    until_s = monotonic_s() + LAG_PATIENCE_S
    while True:
        state = reads.state()
        behind_ms = asked_ms - reads.state_time_ms(state)
        if behind_ms <= 0:
            return state
        if monotonic_s() >= until_s:
            raise BadVenueData(
                f"the venue's account state stays {behind_ms / 1000:.1f} s behind its own time",
                hint="positions that old prove nothing; the next read may find them up to date",
            )
        # half of what is missing: a server that lags as a whole is asked a few times, one of several soon again
        pause(min(max(behind_ms / 2000, LAG_PAUSE_S), LONGEST_PAUSE_S))

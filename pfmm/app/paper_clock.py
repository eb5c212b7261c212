"""The clock of the embedded exchange beside this machine's: steps seen, and setting it right. Layer: app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pfmm.app.clock_steps import words_of
from pfmm.app.wall_clock import wall_ms
from pfmm.errors import UsageError
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.app.session import Session

Change = Literal["keep", "catch_up"]


@dataclass(frozen=True, slots=True)
class PaperClock:
    """Paper time and this machine's. `apart_s` is how far the machine's clock is ahead of what it should say by the
    steady clock and the exchange's file (negative: behind); `stepped` is true where it was set."""

    time: str
    speed: float
    state: str
    machine_time: str
    apart_s: float
    stepped: bool
    changed: Change | None
    warnings: tuple[str, ...] = ()


def clock(change: Change | None, *, session: Session) -> PaperClock:
    """Show paper time beside this machine's clock; with `change` take the machine's clock for right from now on.

    `keep` lets paper time go on from where it is, `catch_up` lives through what it is behind: orders may fill. Raises
    UsageError for a `catch_up` where paper time is not behind: nothing can be undone.
    """
    exchange = session.exchange
    if change is not None:
        found = exchange.present()
        if change == "catch_up" and found.apart_ms <= 0:
            raise UsageError(
                "paper time is not behind this machine's clock: there is nothing to catch up with; nothing was changed",
                hint="`pfmm paper clock --keep` goes on from here, `pfmm paper reset` begins anew at the present",
            )
        exchange.set_right(catch_up=change == "catch_up")
    found, now = exchange.present(), exchange.time()
    return PaperClock(
        time=iso(now.time_ms),
        speed=now.speed,
        state=now.state,
        machine_time=iso(wall_ms()),
        apart_s=found.apart_ms / 1000,
        stepped=found.stepped,
        changed=change,
        warnings=words_of(exchange),
    )

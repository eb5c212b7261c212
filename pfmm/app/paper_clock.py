"""The clock of the embedded exchange beside this machine's: steps seen, and setting it right. Layer: app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pfmm.app.session import wall_ms
from pfmm.errors import UsageError
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.paper.exchange import Exchange
    from pfmm.paper.present import Present

FIX = "`pfmm paper clock` shows it and sets it right"
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


def words_of(exchange: Exchange) -> tuple[str, ...]:
    """Tell, a line each, what a step of this machine's clock did to paper time. Empty without a step, and for a market
    that has its own time."""
    found = exchange.present()
    own_time = exchange.feed_config()["kind"] == "live" or not exchange.time().speed
    return () if own_time or not found.stepped else (f"{_said(found)}: {FIX}",)


def _said(found: Present) -> str:
    size = _span(abs(found.apart_ms))
    if found.apart_ms < 0:
        return f"this machine's clock went back by {size}; paper time did not, and goes on"
    return (
        f"this machine's clock leapt forward by {size}, more than passed or than a machine is off; paper time did not, "
        "and nothing filled meanwhile"
    )


def _span(ms: int) -> str:
    """Write a span for people: 90,000 → 2 min; 86,400,000 → 24 h; 864,000,000 → 10 days."""
    minutes = round(ms / 60_000)
    if minutes < 120:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 72 else f"{round(hours / 24)} days"

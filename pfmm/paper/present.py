"""What time it is for the paper exchange, where this machine's clock may be wrong or be set meanwhile. Pure.

Within one boot the machine's steady clock (it counts suspension too) tells how much time went by, whatever the wall's
clock is set to. From one boot to the next only the wall's clock can tell: it is believed where it lies after the last
time that the exchange's file knows, and by at most 31 days. What it cannot prove is never lived through: the exchange
goes on from the last time that it knows, and a word of the user sets it right. Layer: paper.
"""

from __future__ import annotations

from typing import NamedTuple

DAY_MS = 86_400_000
MAX_GAP_MS = 31 * DAY_MS  # a machine may have been off for so long; a clock that leaps further wants a word
STEP_MS = 60_000  # smaller steps are how clocks are kept right, and nobody's business
NOTE_EVERY_MS = 60_000


class Uptime(NamedTuple):
    """Which boot of the machine this is, and the milliseconds since then by a clock that is never set. An empty
    `boot` means that the machine does not say."""

    boot: str
    ms: int


class Noted(NamedTuple):
    """What the exchange's file knows: the present at `up_ms` of `boot`, and how far the wall's clock was ahead of it
    when they last agreed. `sure` is False where the present is only the earliest that it can be."""

    boot: str
    up_ms: int
    present_ms: int
    ahead_ms: int
    sure: bool


class Present(NamedTuple):
    """The present in ms, how far the wall's clock is ahead of what it should say (negative: behind), and what to
    note."""

    time_ms: int
    apart_ms: int
    noted: Noted

    @property
    def stepped(self) -> bool:
        """True where the wall's clock is off by what no machine's clock strays."""
        return abs(self.apart_ms) >= STEP_MS


def unknown() -> Uptime:
    """Return the steady clock of a machine that has none: only the wall's clock tells the time."""
    return Uptime("", 0)


def first(wall_ms: int, up: Uptime) -> Noted:
    """Return what a new exchange notes: the wall's clock is right."""
    return Noted(up.boot, up.ms, wall_ms, 0, sure=True)


def present(noted: Noted, wall_ms: int, up: Uptime) -> Present:
    """Tell the present by a wall's clock and a steady one.

    Noted 12:00 at 5 s of this boot, and it is 25 s: 12:00:20, also where the wall says 11:00 or tomorrow. In the next
    boot with the wall at 18:00: 18:00. With the wall at yesterday: 12:00, and from there at the steady clock's pace,
    until the wall is after that again.
    """
    same = bool(up.boot) and up.boot == noted.boot
    floor_ms = noted.present_ms + (max(up.ms - noted.up_ms, 0) if same else 0)
    told_ms = wall_ms - noted.ahead_ms
    sure, now_ms = noted.sure, floor_ms
    if not (same and sure):
        sure = -STEP_MS < told_ms - floor_ms <= MAX_GAP_MS
        now_ms = max(told_ms, floor_ms) if sure else floor_ms
    if not same and sure:
        told_ms = now_ms  # a minute back between two boots is no step
    return Present(now_ms, told_ms - now_ms, Noted(up.boot, up.ms, now_ms, wall_ms - told_ms, sure))


def kept(noted: Noted, wall_ms: int, up: Uptime) -> Noted:
    """Return what to note where the wall's clock is right, and the exchange goes on from where it is."""
    now_ms = present(noted, wall_ms, up).time_ms
    return Noted(up.boot, up.ms, now_ms, wall_ms - now_ms, sure=True)


def caught_up(noted: Noted, wall_ms: int, up: Uptime) -> Noted:
    """Return what to note where the wall's clock is right, and the exchange lives through what it is behind."""
    found = present(noted, wall_ms, up)
    return Noted(up.boot, up.ms, found.time_ms + max(found.apart_ms, 0), found.noted.ahead_ms, sure=True)

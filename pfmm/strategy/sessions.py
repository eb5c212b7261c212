"""Keeps a strategy to the hours of a market that closes: a stock's, a commodity's, a currency's. Pure.

Outside of its hours such a perpetual's oracle is made of its own book, and the gap at the next open hits whoever holds
a position. So new risk ends 15 minutes before the close, what is held is closed in the last minute, and quoting begins
5 minutes after the open. Layer: strategy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pfmm.errors import UsageError
from pfmm.model.plan import Decision, DesiredOrder, MarketView, OwnFill, RoundTrip
from pfmm.ports import Strategy

ALWAYS: Final = "24x7"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
REDUCE_MIN, CLOSE_MIN, WAIT_MIN = 15, 1, 5
FORM: Final = "'24x7', or days, hours and zone: 'mon-fri 09:30-16:00 America/New_York'"


class Phase(StrEnum):
    """What of a strategy's orders may rest now."""

    OPEN = "open"
    WAIT = "opened a moment ago"
    REDUCE = "closes soon"
    CLOSE = "closes now"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Hours:
    """From `open_min` to `close_min`, minutes of the day in `zone`, on `days` (0 is Monday), not on `holidays`."""

    days: frozenset[int]
    open_min: int
    close_min: int
    zone: ZoneInfo
    holidays: frozenset[date]

    def phase(self, time_ms: int) -> Phase:
        """Return the phase of a moment, ms since 1970. With hours of 09:30-16:00 it is OPEN from 09:35 to 15:45."""
        local = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        if local.weekday() not in self.days or local.date() in self.holidays:
            return Phase.CLOSED
        if not self.open_min <= minute < self.close_min:
            return Phase.CLOSED
        if minute >= self.close_min - CLOSE_MIN:
            return Phase.CLOSE
        if minute >= self.close_min - REDUCE_MIN:
            return Phase.REDUCE
        return Phase.WAIT if minute < self.open_min + WAIT_MIN else Phase.OPEN


def hours_of(text: str, holidays: str = "") -> Hours | None:
    """Read hours as they are set; None for a market that never closes. Raises UsageError for what is neither."""
    if text in ("", ALWAYS):
        return None
    try:
        days, hours, zone = text.split()
        first, _, last = days.lower().partition("-")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        opens, closes = (_minute(one) for one in hours.split("-"))
        free = frozenset(date.fromisoformat(one.strip()) for one in holidays.split(",") if one.strip())
        found = Hours(frozenset(range(begin, end + 1)), opens, closes, ZoneInfo(zone), free)
    except (ValueError, ZoneInfoNotFoundError):
        words = f"run.sessions {text!r} with holidays {holidays!r} cannot be read"
        raise UsageError(words, hint=f"{FORM}; dates as 2026-12-25") from None
    if not found.days or closes - opens <= REDUCE_MIN + WAIT_MIN:
        raise UsageError(f"run.sessions {text!r} is too short to quote in, or ends before it begins", hint=FORM)
    return found


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    found = int(hour) * 60 + int(minute)
    if not 0 <= found <= 24 * 60:
        raise ValueError(text)
    return found


class InSession:
    """A strategy that keeps to hours; everything else is the inner one's."""

    def __init__(self, inner: Strategy[Any], hours: Hours) -> None:
        self._inner = inner
        self._hours = hours

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def kind(self) -> str:
        """The inner strategy's."""
        return self._inner.kind

    @property
    def market(self) -> str:
        """The inner strategy's."""
        return self._inner.market

    def initial(self, view: MarketView) -> Any:
        """Return the inner strategy's first state."""
        return self._inner.initial(view)

    def on_fill(self, state: Any, fill: OwnFill) -> tuple[Any, tuple[RoundTrip, ...]]:
        """Return the inner strategy's state after the fill, and the round trip that it completed."""
        return self._inner.on_fill(state, fill)

    def dump(self, state: Any) -> Mapping[str, Any]:
        """Write the inner strategy's state."""
        return self._inner.dump(state)

    def load(self, raw: Mapping[str, Any]) -> Any:
        """Read the inner strategy's state."""
        return self._inner.load(raw)

    def decide(self, state: Any, view: MarketView) -> tuple[Any, Decision]:
        """Decide as the inner strategy does, as far as the hours allow.

        What it learns outside of them it forgets: prices there tell nothing of the market's own.
        """
        phase = self._hours.phase(view.time_ms)
        after, decision = self._inner.decide(state, view)
        if phase is Phase.OPEN:
            return after, decision
        told = (*decision.notes, f"the session is {phase}" if phase is Phase.CLOSED else f"the session {phase}")
        if phase is Phase.REDUCE:
            return after, replace(decision, orders=_reducing(decision.orders, view.inventory), notes=told)
        closes = phase is Phase.CLOSE and view.inventory != 0
        return state, replace(decision, orders=(), notes=told, close=closes)


def _reducing(orders: tuple[DesiredOrder, ...], inventory: Decimal) -> tuple[DesiredOrder, ...]:
    """Keep those orders that bring what the run holds nearer to zero, and no more of them than it holds."""
    left, found = abs(inventory), []
    for order in orders:
        if order.side.sign * inventory < 0 and left:
            size = min(order.size, left)
            left -= size
            found.append(replace(order, size=size))
    return tuple(found)

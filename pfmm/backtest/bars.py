"""What candles can carry: fills that no invented path decides, and decisions no faster than the bar. Layer: backtest.

Of a bar only its range is known. An order that rests in it fills where the price passed it, once, and all fills of a
bar together take no more than one quote of it shows.
"""

from __future__ import annotations

from pfmm.paper.feeds.replay_tape import EVENT_WIDTH, MarketTape
from pfmm.paper.matching import MarketBook, Outcome, Resting

SECOND_MS = 1_000


class BarBook(MarketBook):
    """Match against quotes that were made of bars of `bar_ms`. The first bar opens at `first_ms`, the last one shows a
    price at `last_ms`, and what is shown later still belongs to the last bar."""

    __slots__ = ("_bar", "_bar_ms", "_filled", "_first_ms", "_last", "_left")

    def __init__(self, bar_ms: int, first_ms: int, last_ms: int) -> None:
        super().__init__()
        self._bar_ms = bar_ms
        self._first_ms = first_ms
        self._last = (last_ms - first_ms) // bar_ms
        self._bar = -1
        self._left = 0
        self._filled: set[int] = set()

    def _fill(self, order: Resting, available: int, time_ms: int, outcomes: list[Outcome]) -> int:
        """Fill as MarketBook does, but each order once a bar.

        The first fill of a bar finds all that may be traded in it: a buy of 5 where 3 are shown gets 3, and nothing
        more before the next bar.
        """
        bar = min((time_ms - self._first_ms) // self._bar_ms, self._last)
        if bar != self._bar:
            self._bar, self._left = bar, available
            self._filled.clear()
        if order.number in self._filled:
            return 0
        size = super()._fill(order, min(available, self._left), time_ms, outcomes)
        if size:
            self._left -= size
            self._filled.add(order.number)
        return size


def book_of(tape: MarketTape) -> BarBook | None:
    """Build the book for a tape that was made of bars; None for one of ticks."""
    times = tape.events[::EVENT_WIDTH]
    return BarBook(tape.bar_ms, times[0], times[-2]) if tape.bar_ms else None


def whole_bars(interval_ms: int, bar_ms: int) -> int:
    """Raise the interval to whole bars where there are any.

    3,000 and 90,000 ms on bars of a minute are 60,000 and 120,000 ms; on ticks they stay as they are.
    """
    return interval_ms if not bar_ms else -(-interval_ms // bar_ms) * bar_ms


def at_the_open(start_ms: int, first_ms: int, bar_ms: int) -> int:
    """Find the first opening of a bar from `start_ms` on, where one opens at `first_ms`; `start_ms` itself on ticks."""
    return start_ms if not bar_ms else start_ms + (first_ms - start_ms) % bar_ms


def raised(interval_ms: int, bar_ms: int) -> tuple[str, ...]:
    """Say so where decisions come less often than the setting asks."""
    whole_ms = whole_bars(interval_ms, bar_ms)
    if whole_ms == interval_ms:
        return ()
    wanted, given = (f"{each / SECOND_MS:g} s" for each in (interval_ms, whole_ms))
    return (
        f"run.interval_s of {wanted} is raised to {given}: candles are decided on as a bar opens, at most once a bar",
    )

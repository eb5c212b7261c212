"""Funding settlements of a market: each has its own time, rate and interval. Pure; knows no file and no account.

A recording stamps a settlement some ms, or some seconds, off the minute that it belongs to; it is paid on what is held
AT that minute. Layer: paper feeds, beside `feed`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from pfmm.paper.feeds.feed import Settlement

FUNDING_WIDTH = 3  # numbers a settlement: time in ms, rate in 1e-8, interval in hours
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
RATE_HOURS = 8  # of a rate that is given per 8 h
MOST_HOURS = 24
DEFAULT_HOURS = 8


class TooClose(ValueError):
    """Rates that follow each other faster than any venue settles; `index` is that of the later one."""

    def __init__(self, index: int) -> None:
        super().__init__("less than half an hour after the rate before it")
        self.index = index


def on_the_minute(time_ms: int) -> int:
    """Return the whole minute nearest to `time_ms`: 08:00:00.012 and 07:59:58 are 08:00."""
    return (time_ms + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS


def regular(after_ms: int, to_ms: int, interval_ms: int) -> range:
    """Return the whole multiples of `interval_ms` with after_ms < time <= to_ms: every 8 h at 00, 08 and 16 UTC."""
    return range((after_ms // interval_ms + 1) * interval_ms, to_ms + 1, interval_ms)


def spaced(rates: Sequence[tuple[int, int]], *, per_8h: bool = True) -> list[Settlement]:
    """Make settlements from (ms, rate in 1e-8), in time order: each is for the hours since the one before it.

    Rates are per 8 h, else (`per_8h` off) each for its own interval, whatever that is.

    Hourly rows of 10,000 (1 bp per 8 h) settle 1,250 (0.125 bp) each. The first row is for as long as the second; a gap
    longer than both its neighbours is a hole in the data, and the row behind it is for as long as the row after it. A
    single row is for 8 h. Raises TooClose for rows less than half an hour apart.
    """
    times = [time_ms for time_ms, _ in rates]
    gaps = [round((after - before) / HOUR_MS) for before, after in pairwise(times)]
    for index, gap in enumerate(gaps, 1):
        if gap < 1:
            raise TooClose(index)
    found = []
    for index, (time_ms, rate) in enumerate(rates):
        hours = min(_hours(gaps, index), MOST_HOURS)
        found.append(Settlement(time_ms, round(rate * hours / RATE_HOURS) if per_8h else rate, hours))
    return found


def _hours(gaps: Sequence[int], index: int) -> int:
    """Tell for how many hours the row at `index` is; `gaps[i]` lies between rows i and i + 1, in hours."""
    if not gaps:
        return DEFAULT_HOURS
    if index == 0:
        return gaps[0]
    before = gaps[index - 1]
    beside = [gaps[at] for at in (index - 2, index) if 0 <= at < len(gaps)]
    hole = len(beside) == 2 and before > max(beside)
    return beside[-1] if hole else before


def packed(settlements: Iterable[Settlement]) -> array[int]:
    """Pack settlements in time order as FUNDING_WIDTH numbers each, every one at its minute; the later of two wins."""
    by_minute = {on_the_minute(each.time_ms): each for each in settlements}
    rows = sorted(by_minute.items())
    return array("q", [number for time_ms, each in rows for number in (time_ms, each.rate, each.interval_hours)])


class Schedule:
    """The recorded settlements of one market, as `packed` made them, and when it settles where nothing is recorded:
    at the multiples of the nearest known interval, else of `interval_hours`."""

    __slots__ = ("_interval_hours", "_rows", "_times")

    def __init__(self, rows: memoryview, interval_hours: int) -> None:
        self._rows = rows
        self._times = rows[::FUNDING_WIDTH]
        self._interval_hours = interval_hours

    def __len__(self) -> int:
        return len(self._times)

    def _at(self, index: int) -> Settlement:
        return Settlement(*self._rows[index * FUNDING_WIDTH : (index + 1) * FUNDING_WIDTH].tolist())

    def between(self, after_ms: int, to_ms: int) -> list[Settlement]:
        """Return the settlements with after_ms < time <= to_ms."""
        first, end = bisect_right(self._times, after_ms), bisect_right(self._times, to_ms)
        return [self._at(index) for index in range(first, end)]

    def next_after(self, time_ms: int) -> Settlement:
        """Tell when the first settlement after `time_ms` falls due, with the rate and interval of the last one settled:
        a recording tells a rate once it has settled, and what acts on it earlier would look ahead. A rate older than
        its own interval is not the running one: 0 then."""
        index = bisect_right(self._times, time_ms)
        following = self._at(index) if index < len(self) else None
        last = self._at(index - 1) if index else None
        known = last or following
        hours = known.interval_hours if known else self._interval_hours
        due_ms = following.time_ms if following else (time_ms // (hours * HOUR_MS) + 1) * hours * HOUR_MS
        if last is None or time_ms - last.time_ms >= last.interval_hours * HOUR_MS:
            return Settlement(due_ms, 0, following.interval_hours if following else hours)
        return Settlement(due_ms, last.rate, last.interval_hours)

    def passed(self, after_ms: int, to_ms: int) -> tuple[int, int]:
        """Count the settlements that fall due with after_ms < time <= to_ms, and how many of them have no rate.

        A row accounts for its own interval: rows at 01:00 (1 h) and 08:00 (8 h) leave nothing open; hourly rows at
        01:00 and 04:00 leave 02:00 and 03:00 without a rate.
        """
        known = self.between(after_ms, to_ms)
        missing, covered_ms, hours = 0, after_ms, self._interval_hours
        index = bisect_right(self._times, after_ms)
        if index:
            hours = self._at(index - 1).interval_hours
        beyond = self._at(index + len(known)) if index + len(known) < len(self) else None
        for each in known:
            begins_ms = each.time_ms - each.interval_hours * HOUR_MS
            missing += len(regular(covered_ms, begins_ms, each.interval_hours * HOUR_MS))
            covered_ms, hours = max(covered_ms, each.time_ms), each.interval_hours
        end_ms = to_ms if beyond is None else min(to_ms, beyond.time_ms - beyond.interval_hours * HOUR_MS)
        missing += len(regular(covered_ms, end_ms, hours * HOUR_MS))
        return len(known) + missing, missing

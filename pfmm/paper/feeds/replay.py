"""The replay market: recorded quotes, prints, books and funding, served from a binary tape.

Mark is the mid in whole price units, rounded down; funding is paid where the tape has it. Knows no clock: at which
speed recorded time passes is the exchange's business. Layer: paper.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pfmm.model.fees import ARTICLE, PRESETS, Fees
from pfmm.paper.feeds.feed import (
    TRADE,
    Event,
    MarketSpec,
    Quote,
    Settlement,
    TradeEvent,
    Watch,
    charged,
    touches,
    watched,
)
from pfmm.paper.feeds.replay_tape import (
    BLOCK_EVENTS,
    DEPTH_LEVELS,
    DEPTH_WIDTH,
    EVENT_WIDTH,
    MarketTape,
    open_tape,
)
from pfmm.paper.feeds.settlements import Schedule
from pfmm.paper.instruments import unknown_market


class ReplayFeed:
    """A Feed over the tape at `tape_path` (see tape_building.build_tape)."""

    __slots__ = ("_markets",)

    def __init__(self, tape_path: Path, fees: Fees = PRESETS[ARTICLE]) -> None:
        tapes = open_tape(tape_path)
        self._markets = {name: replace(tape, spec=charged(tape.spec, fees)) for name, tape in tapes.items()}

    def specs(self) -> Sequence[MarketSpec]:
        """Return the markets of the tape."""
        return tuple(tape.spec for tape in self._markets.values())

    def spec(self, market: str) -> MarketSpec:
        """Return one market; raises UnknownMarket."""
        return self._tape(market).spec

    def span(self) -> tuple[int, int]:
        """Return the time from which every market has a quote, and that of the last event of any."""
        firsts, lasts = [], []
        for tape in self._markets.values():
            first = _first_quote(tape)
            firsts.append(tape.events[first * EVENT_WIDTH])
            lasts.append(tape.events[len(tape.events) - EVENT_WIDTH])
        return max(firsts), max(lasts)

    def as_of(self, market: str, time_ms: int) -> int:  # noqa: ARG002 - as the protocol has it
        """Return `time_ms` itself: a tape knows all of it."""
        return time_ms

    def quote(self, market: str, time_ms: int) -> Quote:
        """Return the last quote at or before `time_ms`, with its own time; both sides absent before the first."""
        tape = self._tape(market)
        index = _last_quote(tape, _after(tape.events, EVENT_WIDTH, time_ms) - 1)
        if index < 0:
            return Quote(time_ms, 0, 0, 0, 0)
        event = _event(tape, index)
        return Quote(event[0], *event[2:])

    def depth(self, market: str, time_ms: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (bids, asks), best first: the quote, then what the last recorded book (20 levels, about one a second)
        had beyond it."""
        quote = self.quote(market, time_ms)
        tape = self._tape(market)
        row = _after(tape.depth, DEPTH_WIDTH, time_ms) - 1 if len(tape.depth) else -1
        book = tape.depth[row * DEPTH_WIDTH + 1 : (row + 1) * DEPTH_WIDTH].tolist() if row >= 0 else []
        bids = ladder_of(quote.bid, quote.bid_size, -1, book[: 2 * DEPTH_LEVELS])
        return bids[:levels], ladder_of(quote.ask, quote.ask_size, 1, book[2 * DEPTH_LEVELS :])[:levels]

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        """Return the first `limit` prints with after_ms < time <= to_ms, oldest first."""
        tape = self._tape(market)
        found: list[TradeEvent] = []
        for index in range(_after(tape.events, EVENT_WIDTH, after_ms), _after(tape.events, EVENT_WIDTH, to_ms)):
            if len(found) >= limit:
                break
            if tape.events[index * EVENT_WIDTH + 1] == TRADE:
                found.append(_trade_event(_event(tape, index)))
        return found

    def mark(self, market: str, time_ms: int) -> int:
        """Return the mid at `time_ms` in whole price units: 639_439 and 639_440 give 639_439. With one side absent, the
        other side; with none, the last (or, at the very start, the first) quote that had one."""
        tape = self._tape(market)
        index = _after(tape.events, EVENT_WIDTH, time_ms) - 1
        while (index := _last_quote(tape, index)) >= 0:
            event = _event(tape, index)
            if event[2] or event[4]:
                return _mid(event)
            index -= 1
        index = _first_quote(tape)
        return _mid(_event(tape, index))

    def settlements(self, market: str, after_ms: int, to_ms: int) -> list[Settlement]:
        """Return the recorded settlements; where the tape has none, none is paid."""
        return self._schedule(market).between(after_ms, to_ms)

    def next_settlement(self, market: str, time_ms: int) -> Settlement:
        """Return the next settlement at the rate that settled last; see Schedule.next_after."""
        return self._schedule(market).next_after(time_ms)

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        """Yield exactly the events with after_ms < time <= to_ms that matter to `watch` (see Feed), in time order. A
        quote without a side matters to whoever rests on that side."""
        tape = self._tape(market)
        index, end = _after(tape.events, EVENT_WIDTH, after_ms), _after(tape.events, EVENT_WIDTH, to_ms)
        while index < end:
            block = index // BLOCK_EVENTS
            stop = min((block + 1) * BLOCK_EVENTS, end)
            if touches(watch, tape.blocks[2 * block], tape.blocks[2 * block + 1]):
                yield from _block_events(tape, index, stop, watch)
            index = stop

    def _schedule(self, market: str) -> Schedule:
        tape = self._tape(market)
        return Schedule(tape.funding, tape.spec.funding_interval_hours)

    def _tape(self, market: str) -> MarketTape:
        try:
            return self._markets[market]
        except KeyError:
            raise unknown_market(market, tuple(self._markets)) from None


def _block_events(tape: MarketTape, index: int, stop: int, watch: Watch) -> Iterator[Event]:
    for at in range(index, stop):
        event = watched(_event(tape, at), watch)
        if event is not None:
            yield event


def _event(tape: MarketTape, index: int) -> list[int]:
    found: list[int] = tape.events[index * EVENT_WIDTH : (index + 1) * EVENT_WIDTH].tolist()
    return found


def _trade_event(event: list[int]) -> TradeEvent:
    return TradeEvent(event[0], TRADE, event[2], event[3], event[4])


def _after(section: memoryview, width: int, time_ms: int) -> int:
    """Count the records at or before `time_ms`: the index of the first one after it."""
    return bisect_right(range(len(section) // width), time_ms, key=lambda index: section[index * width])


def _last_quote(tape: MarketTape, index: int) -> int:
    """Find the index of the last quote at or before record `index`; -1 when there is none."""
    while index >= 0 and tape.events[index * EVENT_WIDTH + 1] == TRADE:
        index -= 1
    return index


def _first_quote(tape: MarketTape) -> int:
    index = 0
    while tape.events[index * EVENT_WIDTH + 1] == TRADE:
        index += 1
    return index


def _mid(event: list[int]) -> int:
    bid, ask = event[2], event[4]
    return (bid + ask) // 2 if bid and ask else bid or ask


def ladder_of(best: int, size: int, direction: int, levels: list[int]) -> list[tuple[int, int]]:
    """Return the best level, then the recorded ones strictly beyond it."""
    if not best:
        return []
    if not levels:
        return [(best, size)]
    recorded = zip(levels[::2], levels[1::2], strict=True)
    return [(best, size), *((p, s) for p, s in recorded if p and s and (p - best) * direction > 0)]

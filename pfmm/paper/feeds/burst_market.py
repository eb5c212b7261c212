"""Generator 2 of the synthetic market: a mid that moves in bursts, with the sweeps that move it.

Nothing is carried from call to call but memories that save time. Knows no wall clock, no account and no order: of
those who watch, only their best prices. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log
from operator import itemgetter

from pfmm.paper.feeds.burst_flow import BurstFlow, Second
from pfmm.paper.feeds.burst_path import BurstPath, Leaf, leaf_of
from pfmm.paper.feeds.counter_random import stream_key
from pfmm.paper.feeds.feed import QUOTE, TRADE, Event, MarketSpec, Quote, QuoteEvent, TradeEvent, Watch, touches
from pfmm.paper.feeds.price_path import LEAF_MS, SEGMENT_LEAVES, Segment
from pfmm.paper.instruments import Character

TIME = itemgetter(0)


class BurstMarket:
    """One market: quotes, marks and events as functions of time."""

    __slots__ = ("_anchor", "_flow", "_last", "_path", "_step_bound")

    def __init__(self, seed: int, spec: MarketSpec, character: Character) -> None:
        self._anchor: float = character.anchor_usd * 10.0**spec.price_decimals
        self._path = BurstPath(stream_key(seed, spec.market), character.annual_volatility)
        self._flow = BurstFlow(seed, spec, character)
        # the widest price step relative to the price: 1e-4 by five figures, or one unit at the lowest price
        self._step_bound = max(1e-4, 1 / (self._anchor * exp(-self._path.bound)))
        self._last: tuple[int, Second] | None = None

    def quote(self, time_ms: int) -> Quote:
        """Return the best quotes at `time_ms`, with the time at which they came up."""
        leaf = time_ms // LEAF_MS
        second, at = self._second(leaf), self._place(time_ms)
        offset, bid, bid_size, ask, ask_size = second.quotes[at]
        return Quote(leaf * LEAF_MS + offset, bid, bid_size, ask, ask_size)

    def mark(self, time_ms: int) -> int:
        """Return the mid in whole price units."""
        return round(self._second(time_ms // LEAF_MS).mids[self._place(time_ms)])

    def typical_display(self, price: int) -> float:
        """Return the middling size displayed at the best price, in size units."""
        return self._flow.typical_display(price)

    def events(self, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        """Yield exactly the events that matter to `watch`, in time order."""
        first, last = (after_ms + 1) // LEAF_MS, to_ms // LEAF_MS
        for segment in self._path.near(first, last, lambda low, high, swing: self._matters(watch, low, high, swing)):
            yield from self._segment_events(segment, after_ms, to_ms, watch)

    def trades(self, after_ms: int, to_ms: int) -> Iterator[TradeEvent]:
        """Yield the prints among the events, all of them, in time order."""
        first, last = (after_ms + 1) // LEAF_MS, to_ms // LEAF_MS
        for segment in self._path.near(first, last, lambda *_: True):
            begin, end = segment.first_leaf, segment.first_leaf + SEGMENT_LEAVES
            for leaf in range(max(begin, first), min(end, last + 1)):
                start = leaf * LEAF_MS
                for at, price, size, side in self._flow.second(leaf, leaf_of(segment, leaf)).sweeps:
                    if after_ms < start + at <= to_ms:
                        yield TradeEvent(start + at, TRADE, price, size, side)

    def _second(self, leaf: int) -> Second:
        """Return what happens in a leaf, and remember it: a quote and a mark of one moment ask for the same leaf."""
        last = self._last
        if last is not None and last[0] == leaf:
            return last[1]
        second = self._flow.second(leaf, self._path.leaf(leaf))
        self._last = (leaf, second)
        return second

    def _place(self, time_ms: int) -> int:
        """Find the index of the quote in force at `time_ms`."""
        quotes = self._second(time_ms // LEAF_MS).quotes
        offset, at = time_ms % LEAF_MS, len(quotes) - 1
        while quotes[at][0] > offset:
            at -= 1
        return at

    def _matters(self, watch: Watch, low: float, high: float, swing: float) -> bool:
        """Tell whether a quote or print around log prices [low, high] could touch the watched prices."""
        bid, ask = watch.best_bid, watch.best_ask
        margin = self._flow.margin(swing) + self._step_bound
        if bid > 0 and (margin >= 1 or low + log(1 - margin) <= log(bid / self._anchor)):
            return True
        return ask > 0 and high + log(1 + margin) >= log(ask / self._anchor)

    def _segment_events(self, segment: Segment, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        first = max(segment.first_leaf, (after_ms + 1) // LEAF_MS)
        for leaf in range(first, min(segment.first_leaf + SEGMENT_LEAVES, to_ms // LEAF_MS + 1)):
            shape: Leaf = leaf_of(segment, leaf)
            low, high = (shape.left, shape.right) if shape.left < shape.right else (shape.right, shape.left)
            if not self._matters(watch, low, high, shape.swing):
                continue
            start = leaf * LEAF_MS
            for event in _events(start, self._flow.second(leaf, shape)):
                if after_ms < event[0] <= to_ms:
                    if event[1] == QUOTE:
                        if touches(watch, event[2], event[4]):
                            yield event
                    elif touches(watch, event[2], event[2]):
                        yield event


def _events(start: int, second: Second) -> list[Event]:
    """Return the prints and quotes of a leaf in time order, a print before the quote that it leaves behind."""
    found: list[Event] = [TradeEvent(start + at, TRADE, price, size, side) for at, price, size, side in second.sweeps]
    found += [QuoteEvent(start + at, QUOTE, *sides) for at, *sides in second.quotes]
    found.sort(key=TIME)
    return found

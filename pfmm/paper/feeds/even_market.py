"""Generator 1 of the synthetic market, kept for exchange files that were begun with it: a mid that moves evenly.

Quotes hold for a leaf of 1.024 s; prints fall in between, and part of them know where their 33 s segment ends. It
flatters: its flow takes half a minute to do its damage. `pfmm paper reset` moves a file to generator 2. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log

from pfmm.paper.feeds.counter_random import stream_key
from pfmm.paper.feeds.feed import (
    EVERYTHING,
    QUOTE,
    TRADE,
    Event,
    MarketSpec,
    Quote,
    QuoteEvent,
    TradeEvent,
    Watch,
    touches,
)
from pfmm.paper.feeds.order_flow import OrderFlow
from pfmm.paper.feeds.price_path import LEAF_MS, SEGMENT_LEAVES, PricePath, Segment
from pfmm.paper.instruments import Character


class EvenMarket:
    """One market: quotes, marks and events as functions of time."""

    __slots__ = ("_anchor", "_flow", "_path", "_step_bound")

    def __init__(self, seed: int, spec: MarketSpec, character: Character) -> None:
        self._anchor: float = character.anchor_usd * 10.0**spec.price_decimals
        self._path = PricePath(stream_key(seed, spec.market), character.annual_volatility)
        self._flow = OrderFlow(seed, spec, character)
        # the widest price step relative to the price: 1e-4 by five figures, or one unit at the lowest price
        self._step_bound = max(1e-4, 1 / (self._anchor * exp(-self._path.bound)))

    def quote(self, time_ms: int) -> Quote:
        """Return the best quotes at `time_ms`, with the time at which they came up."""
        leaf = time_ms // LEAF_MS
        point, swing = self._path.at(leaf)
        return Quote(leaf * LEAF_MS, *self._flow.quote(leaf, self._mid(point), swing))

    def mark(self, time_ms: int) -> int:
        """Return the mid in whole price units."""
        return round(self._mid(self._path.at(time_ms // LEAF_MS)[0]))

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
        for event in self.events(after_ms, to_ms, EVERYTHING):
            if isinstance(event, TradeEvent):
                yield event

    def _mid(self, log_price: float) -> float:
        return self._anchor * exp(log_price)

    def _matters(self, watch: Watch, low: float, high: float, swing: float) -> bool:
        """Tell whether a quote or print around log prices [low, high] could touch the watched prices."""
        bid, ask = watch.best_bid, watch.best_ask
        margin = self._flow.margin(swing) + self._step_bound
        if bid > 0 and (margin >= 1 or low + log(1 - margin) <= log(bid / self._anchor)):
            return True
        return ask > 0 and high + log(1 + margin) >= log(ask / self._anchor)

    def _segment_events(self, segment: Segment, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        points, swing = segment.points, segment.swing
        future = self._mid(points[SEGMENT_LEAVES])
        first = max(segment.first_leaf, (after_ms + 1) // LEAF_MS)
        for leaf in range(first, min(segment.first_leaf + SEGMENT_LEAVES, to_ms // LEAF_MS + 1)):
            point = points[leaf - segment.first_leaf]
            if not self._matters(watch, point, point, swing):
                continue
            mid = self._mid(point)
            start = leaf * LEAF_MS
            bid, bid_size, ask, ask_size = self._flow.quote(leaf, mid, swing)
            if after_ms < start and touches(watch, bid, ask):
                yield QuoteEvent(start, QUOTE, bid, bid_size, ask, ask_size)
            for offset, price, size, aggressor in self._flow.sweeps(leaf, mid, swing, future, (bid, ask)):
                if after_ms < start + offset <= to_ms and touches(watch, price, price):
                    yield TradeEvent(start + offset, TRADE, price, size, aggressor)

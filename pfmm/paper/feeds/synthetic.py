"""The synthetic market: price, book, order flow and funding as functions of (seed, market, time).

Quotes hold for a leaf of 1.024 s; prints fall in between. Nothing is carried from call to call but memories that save
time, so any process at any later moment sees the same market. It knows no wall clock, no account and no order: of
those who watch, only their best prices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, log

from pfmm.paper.feeds.counter_random import bell, draw, stream_key
from pfmm.paper.feeds.feed import (
    QUOTE,
    TRADE,
    Event,
    MarketSpec,
    Quote,
    QuoteEvent,
    Settlement,
    TradeEvent,
    Watch,
    touches,
)
from pfmm.paper.feeds.order_flow import LEAF_MS, OrderFlow
from pfmm.paper.feeds.price_path import SEGMENT_LEAVES, PricePath, Segment
from pfmm.paper.feeds.settlements import regular
from pfmm.paper.instruments import Listing, price_step

BPS_IN_RATE = 10_000  # rates are whole 1e-8
FUNDING_WEIGHTS = (1, 2, 3, 2, 1)  # neighbouring settlements share noise: correlation 16/19 with the next one
FUNDING_WEIGHT_NORM = 19**0.5
LEVEL_GAP_BPS = 0.5


class SyntheticFeed:
    """A Feed without end. `seed` is any integer; the same seed is the same market in every process."""

    __slots__ = ("_listing", "_markets", "_seed", "_specs")

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._listing = Listing()
        self._markets: dict[str, _Market] = {}
        self._specs: tuple[MarketSpec, ...] = ()

    def specs(self) -> Sequence[MarketSpec]:
        """Every listed market."""
        if not self._specs:
            self._specs = tuple(self._listing.spec(name) for name in self._listing.names)
        return self._specs

    def spec(self, market: str) -> MarketSpec:
        """One market, without parsing the others; raises UnknownMarket."""
        return self._market(market).spec

    def span(self) -> None:
        """None: the synthetic market has neither beginning nor end."""
        return

    def quote(self, market: str, time_ms: int) -> Quote:
        """Best quotes at `time_ms`; the quote's own time is when they came up, at most 1.024 s earlier."""
        found = self._market(market)
        leaf = time_ms // LEAF_MS
        point, swing = found.path.at(leaf)
        return Quote(leaf * LEAF_MS, *found.flow.quote(leaf, found.mid(point), swing))

    def depth(self, market: str, time_ms: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """(bids, asks) as (price, size): the best quote, then levels about 0.5 bps apart, thicker further out."""
        found = self._market(market)
        quote = self.quote(market, time_ms)
        leaf = time_ms // LEAF_MS
        bids = found.ladder(leaf, quote.bid, quote.bid_size, -1, levels)
        return bids, found.ladder(leaf, quote.ask, quote.ask_size, 1, levels)

    def mark(self, market: str, time_ms: int) -> int:
        """The mid of the path in whole price units, between bid and ask."""
        found = self._market(market)
        return round(found.mid(found.path.at(time_ms // LEAF_MS)[0]))

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        """The first `limit` prints with after_ms < time <= to_ms, oldest first: those that `events` yields."""
        found: list[TradeEvent] = []
        if limit <= 0:
            return found
        for event in self._market(market).events(after_ms, to_ms, EVERYTHING):
            if isinstance(event, TradeEvent):
                found.append(event)
                if len(found) >= limit:
                    break
        return found

    def funding_rate(self, market: str, settle_ms: int) -> int:
        """The rate settling at `settle_ms`, in 1e-8 per 8 h: mostly 0.5 to 2 bps, now and then beyond 3, either sign.

        With z the smoothed noise, 0.9 + 0.7 z + 0.25 z^3 bps: z = 1 gives 1.85, z = -2 gives -2.5, z = 2 gives 4.3.
        """
        found = self._market(market)
        period = settle_ms // found.spec.funding_interval_ms
        total = sum(weight * bell(draw(found.funding_key, period + i)) for i, weight in enumerate(FUNDING_WEIGHTS))
        z = total / FUNDING_WEIGHT_NORM + found.funding_lean
        return round((0.9 + 0.7 * z + 0.25 * z**3) * BPS_IN_RATE)

    def settlements(self, market: str, after_ms: int, to_ms: int) -> list[Settlement]:
        """Those at the whole multiples of the market's interval."""
        spec = self._market(market).spec
        times = regular(after_ms, to_ms, spec.funding_interval_ms)
        return [Settlement(at, self.funding_rate(market, at), spec.funding_interval_hours) for at in times]

    def next_settlement(self, market: str, time_ms: int) -> Settlement:
        """The next one with the very rate that it will settle: this market announces it."""
        return self.settlements(market, time_ms, time_ms + self._market(market).spec.funding_interval_ms)[0]

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        """Exactly the events with after_ms < time <= to_ms that matter to `watch` (see Feed), in time order."""
        return self._market(market).events(after_ms, to_ms, watch)

    def _market(self, market: str) -> _Market:
        found = self._markets.get(market)
        if found is None:
            found = self._markets[market] = _Market(self._seed, market, self._listing)
        return found


class _Everything:
    """A watch to which every event matters."""

    __slots__ = ()
    best_bid = 1 << 62
    best_ask = 1


EVERYTHING = _Everything()


class _Market:
    """One market of the feed."""

    __slots__ = ("anchor", "depth_key", "flow", "funding_key", "funding_lean", "path", "spec", "step_bound")

    def __init__(self, seed: int, market: str, listing: Listing) -> None:
        self.spec = listing.spec(market)
        character = listing.character(market)
        self.anchor: float = character.anchor_usd * 10.0**self.spec.price_decimals
        self.path = PricePath(stream_key(seed, market), character.annual_volatility)
        self.flow = OrderFlow(seed, self.spec, character)
        self.depth_key = stream_key(seed, market + "/depth")
        self.funding_key = stream_key(seed, market + "/funding")
        self.funding_lean = 0.25 * bell(draw(self.funding_key, -1))
        # the widest price step relative to the price: 1e-4 by five figures, or one unit at the lowest price
        self.step_bound = max(1e-4, 1 / (self.anchor * exp(-self.path.bound)))

    def mid(self, log_price: float) -> float:
        return self.anchor * exp(log_price)

    def ladder(self, leaf: int, best: int, size: int, direction: int, levels: int) -> list[tuple[int, int]]:
        """`levels` levels from the best outward (direction -1 down, +1 up); sizes stay with a price for a minute."""
        found = [(best, size)] if levels > 0 else []
        price = best
        while len(found) < levels:
            step = price_step(self.spec, price)
            price += direction * max(step, round(best * LEVEL_GAP_BPS * 1e-4 / step) * step)
            if price <= 0:
                break
            price -= price % price_step(self.spec, price) if direction < 0 else 0
            bits = draw(self.depth_key, (leaf >> 6) << 40 | price)
            thickness = 0.5 + (bits & 0xFFFF) / 0x8000 + 0.1 * len(found)
            found.append((price, int(self.flow.typical_display(best) * thickness) + 1))
        return found

    def events(self, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        first, last = (after_ms + 1) // LEAF_MS, to_ms // LEAF_MS
        for segment in self.path.near(first, last, lambda low, high, swing: self._matters(watch, low, high, swing)):
            yield from self._segment_events(segment, after_ms, to_ms, watch)

    def _matters(self, watch: Watch, low: float, high: float, swing: float) -> bool:
        """Whether a quote or print around log prices [low, high] could touch the watched prices."""
        bid, ask = watch.best_bid, watch.best_ask
        margin = self.flow.margin(swing) + self.step_bound
        if bid > 0 and (margin >= 1 or low + log(1 - margin) <= log(bid / self.anchor)):
            return True
        return ask > 0 and high + log(1 + margin) >= log(ask / self.anchor)

    def _segment_events(self, segment: Segment, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        points, swing = segment.points, segment.swing
        future = self.mid(points[SEGMENT_LEAVES])
        first = max(segment.first_leaf, (after_ms + 1) // LEAF_MS)
        for leaf in range(first, min(segment.first_leaf + SEGMENT_LEAVES, to_ms // LEAF_MS + 1)):
            point = points[leaf - segment.first_leaf]
            if not self._matters(watch, point, point, swing):
                continue
            mid = self.mid(point)
            start = leaf * LEAF_MS
            bid, bid_size, ask, ask_size = self.flow.quote(leaf, mid, swing)
            if after_ms < start and touches(watch, bid, ask):
                yield QuoteEvent(start, QUOTE, bid, bid_size, ask, ask_size)
            for offset, price, size, aggressor in self.flow.sweeps(leaf, mid, swing, future, (bid, ask)):
                if after_ms < start + offset <= to_ms and touches(watch, price, price):
                    yield TradeEvent(start + offset, TRADE, price, size, aggressor)

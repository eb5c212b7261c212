"""The synthetic market: price, book, order flow and funding as functions of (seed, market, time).

Two generators make prices; which one is part of the feed's configuration, so that an exchange file keeps its market.
Nothing is carried from call to call but memories that save time: any process at any later moment sees the same market.
It knows no wall clock, no account and no order: of those who watch, only their best prices. Layer: paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from pfmm.errors import ConfigError
from pfmm.model.fees import ARTICLE, PRESETS, Fees
from pfmm.paper.feed_config import GENERATOR
from pfmm.paper.feeds.counter_random import bell, draw, stream_key
from pfmm.paper.feeds.feed import Event, MarketSpec, Quote, Settlement, TradeEvent, Watch, charged
from pfmm.paper.feeds.price_path import LEAF_MS
from pfmm.paper.feeds.settlements import regular
from pfmm.paper.instruments import Listing, price_step

if TYPE_CHECKING:
    from pfmm.paper.feeds.burst_market import BurstMarket
    from pfmm.paper.feeds.even_market import EvenMarket

BPS_IN_RATE = 10_000  # rates are whole 1e-8
FUNDING_WEIGHTS = (1, 2, 3, 2, 1)  # neighbouring settlements share noise: correlation 16/19 with the next one
FUNDING_WEIGHT_NORM = 19**0.5
LEVEL_GAP_BPS = 0.5


def _market_of(generator: int) -> type[EvenMarket | BurstMarket]:
    """Import the class that makes the prices of a generator; the other one is not imported."""
    if generator == 1:
        from pfmm.paper.feeds.even_market import EvenMarket

        return EvenMarket
    if generator == GENERATOR:
        from pfmm.paper.feeds.burst_market import BurstMarket

        return BurstMarket
    raise ConfigError(
        f"the synthetic market's generator {generator} is unknown", hint="`pfmm paper reset` starts afresh"
    )


@cache  # of one preset as a rule: a process that opens the exchange many times makes the listing once
def _listed(fees: Fees) -> tuple[MarketSpec, ...]:
    """Return every market with these fees."""
    listing = Listing()
    return tuple(charged(listing.spec(name), fees) for name in listing.names)


class SyntheticFeed:
    """A Feed without end. `seed` is any integer; the same seed and generator are the same market in every process.

    `generator` 1 is the market of exchange files that were begun before there was another; a new file gets the newest.
    """

    __slots__ = ("_fees", "_generator", "_listing", "_markets", "_seed")

    def __init__(self, seed: int, generator: int = GENERATOR, fees: Fees = PRESETS[ARTICLE]) -> None:
        self._seed = seed
        self._fees = fees
        self._generator = _market_of(generator)
        self._listing = Listing()
        self._markets: dict[str, _Market] = {}

    def specs(self) -> Sequence[MarketSpec]:
        """Return every listed market."""
        return _listed(self._fees)

    def spec(self, market: str) -> MarketSpec:
        """Return one market, without parsing the others; raises UnknownMarket."""
        return charged(self._market(market).spec, self._fees)

    def span(self) -> None:
        """Return None: the synthetic market has neither beginning nor end."""
        return

    def as_of(self, market: str, time_ms: int) -> int:  # noqa: ARG002 - as the protocol has it
        """Return `time_ms` itself: the market is a function of time."""
        return time_ms

    def quote(self, market: str, time_ms: int) -> Quote:
        """Return the best quotes at `time_ms`; the quote's own time is when they came up, at most 1.024 s earlier."""
        return self._market(market).prices.quote(time_ms)

    def depth(self, market: str, time_ms: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (bids, asks) as (price, size): the best quote, then levels about 0.5 bps apart, thicker outward."""
        found, quote = self._market(market), self.quote(market, time_ms)
        leaf = time_ms // LEAF_MS
        bids = found.ladder(leaf, quote.bid, quote.bid_size, -1, levels)
        return bids, found.ladder(leaf, quote.ask, quote.ask_size, 1, levels)

    def mark(self, market: str, time_ms: int) -> int:
        """Return the mid of the path in whole price units, between bid and ask."""
        return self._market(market).prices.mark(time_ms)

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        """Return the first `limit` prints with after_ms < time <= to_ms, oldest first: those that `events` yields."""
        return list(islice(self._market(market).prices.trades(after_ms, to_ms), max(limit, 0)))

    def funding_rate(self, market: str, settle_ms: int) -> int:
        """Return the rate settling at `settle_ms`, in 1e-8 per 8 h: mostly 0.5 to 2 bps, at times beyond 3, either
        sign.

        With z the smoothed noise, 0.9 + 0.7 z + 0.25 z^3 bps: z = 1 gives 1.85, z = -2 gives -2.5, z = 2 gives 4.3.
        """
        found = self._market(market)
        period = settle_ms // found.spec.funding_interval_ms
        total = sum(weight * bell(draw(found.funding_key, period + i)) for i, weight in enumerate(FUNDING_WEIGHTS))
        z = total / FUNDING_WEIGHT_NORM + found.funding_lean
        return round((0.9 + 0.7 * z + 0.25 * z**3) * BPS_IN_RATE)

    def settlements(self, market: str, after_ms: int, to_ms: int) -> list[Settlement]:
        """Return the settlements at the whole multiples of the market's interval."""
        spec = self._market(market).spec
        times = regular(after_ms, to_ms, spec.funding_interval_ms)
        return [Settlement(at, self.funding_rate(market, at), spec.funding_interval_hours) for at in times]

    def next_settlement(self, market: str, time_ms: int) -> Settlement:
        """Return the next settlement with the very rate that it will settle: this market announces it."""
        return self.settlements(market, time_ms, time_ms + self._market(market).spec.funding_interval_ms)[0]

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        """Yield exactly the events with after_ms < time <= to_ms that matter to `watch` (see Feed), in time order."""
        return self._market(market).prices.events(after_ms, to_ms, watch)

    def _market(self, market: str) -> _Market:
        found = self._markets.get(market)
        if found is None:
            found = self._markets[market] = _Market(self._seed, market, self._listing, self._generator)
        return found


class _Market:
    """One market of the feed: a generator's prices, with depth and funding around them."""

    __slots__ = ("depth_key", "funding_key", "funding_lean", "prices", "spec")

    def __init__(self, seed: int, market: str, listing: Listing, generator: type[EvenMarket | BurstMarket]) -> None:
        self.spec = listing.spec(market)
        self.prices = generator(seed, self.spec, listing.character(market))
        self.depth_key = stream_key(seed, market + "/depth")
        self.funding_key = stream_key(seed, market + "/funding")
        self.funding_lean = 0.25 * bell(draw(self.funding_key, -1))

    def ladder(self, leaf: int, best: int, size: int, direction: int, levels: int) -> list[tuple[int, int]]:
        """Build `levels` levels from the best outward (direction -1 down, +1 up); a price keeps its size a minute."""
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
            found.append((price, int(self.prices.typical_display(best) * thickness) + 1))
        return found

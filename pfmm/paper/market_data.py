"""The feed at one moment, and the public records made from it. Knows no account and no store; all prices exact.

Layer: paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pfmm.model.market import QUOTE_HOLDS_MS
from pfmm.paper.conversions import decimal, side_word
from pfmm.paper.feeds.feed import Feed, MarketSpec, Quote
from pfmm.paper.matching import Levels
from pfmm.paper.messages import BookRecord, FundingRateRecord, MidRecord, TickerRecord, TradeRecord

DEPTH_LEVELS = 50
MAX_MOMENTS = 400  # past times of one question for mids
MAX_ROWS = 1000  # of one answer: prints, rates, orders, fills or payments
DAY_MS = 86_400_000


class Moment:
    """One feed at one venue time; asks the feed only once for the same thing."""

    __slots__ = ("_depths", "_marks", "_quotes", "feed", "time_ms")

    def __init__(self, feed: Feed, time_ms: int) -> None:
        self.feed = feed
        self.time_ms = time_ms
        self._quotes: dict[str, Quote] = {}
        self._marks: dict[str, int] = {}
        self._depths: dict[str, tuple[Levels, Levels]] = {}

    def quote(self, market: str) -> Quote:
        """Return best bid and ask."""
        if market not in self._quotes:
            self._quotes[market] = self.feed.quote(market, self.time_ms)
        return self._quotes[market]

    def mark(self, market: str) -> int:
        """Return the mark in price units."""
        if market not in self._marks:
            self._marks[market] = self.feed.mark(market, self.time_ms)
        return self._marks[market]

    def depth(self, market: str) -> tuple[Levels, Levels]:
        """Return (bids, asks), best first, as far as a taker may walk."""
        if market not in self._depths:
            self._depths[market] = self.feed.depth(market, self.time_ms, DEPTH_LEVELS)
        return self._depths[market]


def ticker(moment: Moment, spec: MarketSpec) -> TickerRecord:
    """Return best quotes, mark and the next funding rate. `price` is the mid, or the mark while a side is absent."""
    quote, mark = moment.quote(spec.market), decimal(moment.mark(spec.market), spec.price_decimals)
    bid = decimal(quote.bid, spec.price_decimals) if quote.bid else None
    ask = decimal(quote.ask, spec.price_decimals) if quote.ask else None
    due = moment.feed.next_settlement(spec.market, moment.time_ms)
    return TickerRecord(
        market=spec.market,
        price=mark if bid is None or ask is None else (bid + ask) / 2,
        bid=bid,
        bid_size=None if bid is None else decimal(quote.bid_size, spec.size_decimals),
        ask=ask,
        ask_size=None if ask is None else decimal(quote.ask_size, spec.size_decimals),
        mark=mark,
        index_price=mark,
        funding_rate=decimal(due.rate, 8),
        funding_interval_h=due.interval_hours,
        next_funding_at=due.time_ms,
        volume_24h=None,
        time=moment.feed.as_of(spec.market, moment.time_ms),
    )


def book(moment: Moment, spec: MarketSpec, levels: int) -> BookRecord:
    """Return the displayed depth, at most `levels` a side."""
    bids, asks = moment.feed.depth(spec.market, moment.time_ms, levels)
    return BookRecord(spec.market, moment.time_ms, _levels(bids, spec), _levels(asks, spec))


def _levels(levels: Levels, spec: MarketSpec) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((decimal(price, spec.price_decimals), decimal(size, spec.size_decimals)) for price, size in levels)


def trades(moment: Moment, spec: MarketSpec, since_ms: int | None) -> tuple[TradeRecord, ...]:
    """Return the prints after `since_ms` (default: the last five minutes, never more than a day back), at most 1000."""
    earliest = moment.time_ms - DAY_MS
    after_ms = moment.time_ms - 300_000 if since_ms is None else max(since_ms, earliest)
    prints = moment.feed.trades(spec.market, min(after_ms, moment.time_ms), moment.time_ms, MAX_ROWS)
    return tuple(
        TradeRecord(
            time=trade.time_ms,
            price=decimal(trade.price, spec.price_decimals),
            size_base=decimal(trade.size, spec.size_decimals),
            aggressor=side_word(trade.aggressor),
        )
        for trade in prints
    )


def mids(moment: Moment, spec: MarketSpec, times: Sequence[int]) -> tuple[MidRecord, ...]:
    """Return the mids in force at past times, each at the time that was asked for; none where a side was absent, or
    where the last quote was older than QUOTE_HOLDS_MS."""
    found = []
    for time_ms in sorted(set(times)):
        quote = moment.feed.quote(spec.market, time_ms) if time_ms <= moment.time_ms else None
        if quote is not None and quote.bid and quote.ask and time_ms - quote.time_ms <= QUOTE_HOLDS_MS:
            found.append(MidRecord(time_ms, decimal(5 * (quote.bid + quote.ask), spec.price_decimals + 1)))
    return tuple(found)


def funding_rates(moment: Moment, spec: MarketSpec, since_ms: int | None) -> tuple[FundingRateRecord, ...]:
    """Return settled rates after `since_ms` (default: the last seven days), oldest first, the newest 1000 at most."""
    span = moment.feed.span()
    after_ms = moment.time_ms - 7 * DAY_MS if since_ms is None else since_ms
    if span is None:  # a market without beginning settles at regular times
        after_ms = max(after_ms, moment.time_ms - MAX_ROWS * spec.funding_interval_ms, 0)
    else:
        after_ms = max(after_ms, span[0] - 1)
    settled = moment.feed.settlements(spec.market, after_ms, moment.time_ms)[-MAX_ROWS:]
    return tuple(FundingRateRecord(one.time_ms, decimal(one.rate, 8), one.interval_hours) for one in settled)

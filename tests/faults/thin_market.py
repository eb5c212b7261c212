"""A market for fault suites: three instruments with thin books that fill up again every 150 ms. A function of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from pfmm.paper.feeds.feed import QUOTE, TRADE, USD, Event, MarketSpec, Quote, QuoteEvent, TradeEvent, Watch
from tests.regular_funding import RegularFunding

BUCKET_MS = 150
MARKETS = ("ALPHA-PERP", "BETA-PERP", "GAMMA-PERP")
FAR = 20  # price units of 0.1 on about 100 USD: 2 %, far outside any sane slippage cap
DEEP = 100_000


class ThinFeed(RegularFunding):
    """About 100 USD with a spread of 10 to 30 bps; 0.03 to 0.10 base units at the touch, plenty 2 % further out.

    `size_decimals` 5 is what makes a tick of 0.1 of a dialect whose prices follow from the decimals of sizes.
    """

    def __init__(self, size_decimals: int = 2) -> None:
        self._size_decimals = size_decimals
        self._hundredth = 10 ** (size_decimals - 2)  # of a base unit, in size steps

    def specs(self) -> Sequence[MarketSpec]:
        decimals = self._size_decimals
        return tuple(MarketSpec(name, "crypto", 1, decimals, 1, None, USD, 20, -20_000, 50_000, 8) for name in MARKETS)

    def span(self) -> None:
        return None

    def quote(self, market: str, time_ms: int) -> Quote:
        bucket = time_ms // BUCKET_MS
        bits = _bits(market, bucket)
        mid, half = 1000 + bits % 5, 1 + bits // 8 % 2
        bid_size, ask_size = ((3 + bits // shift % 8) * self._hundredth for shift in (64, 1024))
        return Quote(bucket * BUCKET_MS, mid - half, bid_size, mid + half - (half > 1), ask_size)

    def depth(self, market: str, time_ms: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        quote = self.quote(market, time_ms)
        plenty = DEEP * self._hundredth
        bids = [(quote.bid, quote.bid_size), (quote.bid - FAR, plenty)]
        return bids[:levels], [(quote.ask, quote.ask_size), (quote.ask + FAR, plenty)][:levels]

    def mark(self, market: str, time_ms: int) -> int:
        quote = self.quote(market, time_ms)
        return (quote.bid + quote.ask) // 2

    def rate_at(self, market: str, settle_ms: int) -> int:
        return 10_000

    def trades(self, market: str, after_ms: int, to_ms: int, limit: int) -> list[TradeEvent]:
        found = (event for event in self._events(market, after_ms, to_ms) if isinstance(event, TradeEvent))
        return [event for _, event in zip(range(limit), found, strict=False)]

    def events(self, market: str, after_ms: int, to_ms: int, watch: Watch) -> Iterator[Event]:
        return self._events(market, after_ms, to_ms)

    def _events(self, market: str, after_ms: int, to_ms: int) -> Iterator[Event]:
        for bucket in range(after_ms // BUCKET_MS, to_ms // BUCKET_MS + 1):
            start_ms = bucket * BUCKET_MS
            _, bid, bid_size, ask, ask_size = self.quote(market, start_ms)
            if after_ms < start_ms <= to_ms:
                yield QuoteEvent(start_ms, QUOTE, bid, bid_size, ask, ask_size)
            traded_ms = start_ms + BUCKET_MS // 2
            if after_ms < traded_ms <= to_ms:
                aggressor = 1 if _bits(market, bucket) & 1 else -1
                yield TradeEvent(
                    traded_ms, TRADE, ask + 1 if aggressor > 0 else bid - 1, 4 * self._hundredth, aggressor
                )


def _bits(market: str, bucket: int) -> int:
    return int.from_bytes(blake2b(f"{market}/{bucket}".encode(), digest_size=4).digest(), "big")

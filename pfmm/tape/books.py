"""A book that is told in snapshots and differences, and what it shows: its best prices, and now and then 20 levels.

Layer: tape. Numbers stay the text they came as until somebody asks for a level: of 2,000 levels 40 are ever asked for.
"""

from __future__ import annotations

from decimal import Decimal
from heapq import nlargest, nsmallest

from pfmm.model.market import Book
from pfmm.model.market import Level as BookLevel
from pfmm.tape.events import MOST_DIGITS, PLAIN, Place, TapeQuote, not_negative, positive

DEPTH_LEVELS = 20
DEPTH_EVERY_MS = 1_000
Side = dict[float, tuple[str, str]]
Level = tuple[str, str] | None  # price and size as they came; None for an absent side


class LevelBook:
    """One market's book."""

    __slots__ = ("asks", "best", "bids", "next_ms")

    def __init__(self) -> None:
        self.bids: Side = {}
        self.asks: Side = {}
        self.next_ms = 0
        self.best: tuple[Level, Level] | None = None

    def clear(self) -> None:
        """Forget every level: a snapshot follows."""
        self.bids, self.asks = {}, {}

    def apply(self, side: int, levels: object, name: str, place: Place) -> None:
        """Take [[price, size]…] of the bids (side 1) or asks (-1); size 0 takes a level away."""
        if not isinstance(levels, list):
            raise place.error(f"{name} must be a list of [price, size], not {levels!r}")
        for pair in levels:
            if not isinstance(pair, list) or len(pair) < 2:
                raise place.error(f"{name} must hold [price, size], not {pair!r}")
            self.set(side, pair[0], pair[1], name, place)

    def set(self, side: int, price: object, size: object, name: str, place: Place) -> None:
        """Set one level. Plain digits are checked without making a Decimal of each."""
        text, amount = str(price), str(size)
        if not (isinstance(price, str) and len(price) <= MOST_DIGITS and PLAIN.fullmatch(price) and float(price)):
            text = format(positive(price, f"{name} price", place), "f")
        if not (isinstance(size, str) and len(size) <= MOST_DIGITS and PLAIN.fullmatch(size)):
            amount = format(not_negative(size, f"{name} size", place), "f")
        levels = self.bids if side > 0 else self.asks
        if float(amount):
            levels[float(text)] = (text, amount)
        else:
            levels.pop(float(text), None)

    def quote(self, market: str, time_ms: int) -> TapeQuote | None:
        """Return the best prices and sizes where they have changed since the last time, else None."""
        bid = self.bids[max(self.bids)] if self.bids else None
        ask = self.asks[min(self.asks)] if self.asks else None
        if (bid, ask) == self.best:
            return None
        self.best = (bid, ask)
        bid_price, bid_size = (None, Decimal(0)) if bid is None else (Decimal(bid[0]), Decimal(bid[1]))
        ask_price, ask_size = (None, Decimal(0)) if ask is None else (Decimal(ask[0]), Decimal(ask[1]))
        return TapeQuote(market, time_ms, bid_price, bid_size, ask_price, ask_size)

    def shown(self) -> LevelBook:
        """Return an empty book of which the same was shown."""
        found = LevelBook()
        found.next_ms, found.best = self.next_ms, self.best
        return found

    def copy(self) -> LevelBook:
        """Return a copy that goes its own way."""
        found = self.shown()
        found.bids, found.asks = dict(self.bids), dict(self.asks)
        return found

    def depth(self, market: str, time_ms: int) -> Book | None:
        """Return twenty levels a side, at most once a second; None in between."""
        if time_ms < self.next_ms:
            return None
        self.next_ms = time_ms + DEPTH_EVERY_MS
        return self.top(market, time_ms)

    def top(self, market: str, time_ms: int) -> Book:
        """Return twenty levels a side as they are now."""
        bids = [self.bids[price] for price in nlargest(DEPTH_LEVELS, self.bids)]
        asks = [self.asks[price] for price in nsmallest(DEPTH_LEVELS, self.asks)]
        return Book(market, time_ms, _levels(bids), _levels(asks))


def _levels(pairs: list[tuple[str, str]]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(Decimal(price), Decimal(size)) for price, size in pairs)

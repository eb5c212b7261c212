"""A book in whole 1e-8, and what many messages to it show: the fast way of LevelBook. Layer: tape.

Levels are looked up and set as integers; of a side only the best is known at any time, and looked for again when it
was taken away. Of each message the best prices are told where they changed, and now and then twenty levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import NamedTuple

from pfmm.tape.arrow import decimals_of_texts
from pfmm.tape.batches import DEPTH_LEVELS
from pfmm.tape.books import DEPTH_EVERY_MS, Level, LevelBook, Side
from pfmm.tape.fixed import SCALE

NO_ASK = 1 << 63
Best = tuple[int, int, int, int]  # bid, its size, ask, its size; 0 for an absent side


class Segment(NamedTuple):
    """Levels up to `end`, ahead of which the book may be emptied. `shown_ms` is the time of a message that ends here,
    0 where it goes on."""

    end: int
    clears: bool
    shown_ms: int


@dataclass(slots=True)
class Shown:
    """What segments showed: best prices and books, with the number of the segment."""

    best: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    best_at: list[int] = field(default_factory=list)
    depth: list[list[int]] = field(default_factory=list)
    depth_at: list[int] = field(default_factory=list)


class NumberBook:
    """One market's book, made of a LevelBook; `give_back` makes that what this has become."""

    def __init__(self, book: LevelBook) -> None:
        self._book = book
        self._bids, self._asks = _numbers(book.bids), _numbers(book.asks)
        self._next_ms = book.next_ms
        self._best = None if book.best is None else best_numbers(book.best)

    def give_back(self) -> None:
        """Make the LevelBook what this one has become."""
        book = self._book
        book.bids, book.asks, book.next_ms = _texts(self._bids), _texts(self._asks), self._next_ms
        book.best = None if self._best is None else best_texts(self._best)

    def take(self, segments: Sequence[Segment], sides: Sequence[int], prices: Sequence[int], sizes: Sequence[int],
             *, with_depth: bool = True) -> Shown:  # fmt: skip
        """Set the levels of segments in turn (side 1 is a bid; size 0 takes a level away) and return what they show."""
        shown = Shown()
        bids, asks = self._bids, self._asks
        bid, ask = max(bids, default=0), min(asks, default=NO_ASK)
        at = 0
        for number, (end, clears, shown_ms) in enumerate(segments):
            if clears:
                bids.clear()
                asks.clear()
                bid, ask = 0, NO_ASK
            for row in range(at, end):
                price, size = prices[row], sizes[row]
                if sides[row] > 0:
                    if size:
                        bids[price] = size
                        bid = max(price, bid)
                    elif bids.pop(price, 0) and price == bid:
                        bid = max(bids, default=0)
                elif size:
                    asks[price] = size
                    ask = min(price, ask)
                elif asks.pop(price, 0) and price == ask:
                    ask = min(asks, default=NO_ASK)
            at = end
            if not shown_ms:
                continue
            best = (bid, bids.get(bid, 0), ask if asks else 0, asks.get(ask, 0))
            if best != self._best:
                self._best = best
                shown.best.append((shown_ms, *best))
                shown.best_at.append(number)
            if with_depth and shown_ms >= self._next_ms:
                self._next_ms = shown_ms + DEPTH_EVERY_MS
                shown.depth.append([shown_ms, *self._top()])
                shown.depth_at.append(number)
        return shown

    def _top(self) -> list[int]:
        found: list[int] = []
        for side, prices in (
            (self._bids, nlargest(DEPTH_LEVELS, self._bids)), (self._asks, nsmallest(DEPTH_LEVELS, self._asks))
        ):  # fmt: skip
            for price in prices:
                found += (price, side[price])
            found += [0] * (2 * (DEPTH_LEVELS - len(prices)))
        return found


def _numbers(side: Side) -> dict[int, int]:
    prices, sizes = ([level[at] for level in side.values()] for at in (0, 1))
    return dict(zip(decimals_of_texts(prices).tolist(), decimals_of_texts(sizes).tolist(), strict=True))


def _texts(side: dict[int, int]) -> Side:
    found: Side = {}
    for price, size in side.items():
        text = _text(price)
        found[float(text)] = (text, _text(size))
    return found


def _text(number: int) -> str:
    return format(Decimal(number).scaleb(-SCALE).normalize(), "f")


def best_numbers(best: tuple[Level, Level]) -> Best:
    """Return best levels that are text in 1e-8."""
    bid, ask = ((0, 0) if one is None else decimals_of_texts(list(one)).tolist() for one in best)
    return bid[0], bid[1], ask[0], ask[1]


def best_texts(best: Best) -> tuple[Level, Level]:
    """Return best levels as text."""
    bid, ask = ((_text(price), _text(size)) if price else None for price, size in (best[:2], best[2:]))
    return bid, ask

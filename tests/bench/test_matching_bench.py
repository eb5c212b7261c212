"""Speed of the matching core and of the exchange over it."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pfmm.paper.exchange import Exchange
from pfmm.paper.feeds.feed import QUOTE, TRADE, Event, Quote, QuoteEvent, TradeEvent
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.matching import MarketBook, Resting
from pfmm.paper.messages import PlaceRequest

EVENTS = 200_000
WEEK_MS = 7 * 86_400_000

pytestmark = pytest.mark.bench


def book_of_fifty() -> MarketBook:
    book, now = MarketBook(), Quote(0, 1000, 50, 1001, 50)
    for step in range(25):
        book.join(Resting(step, 1, 990 - step, 10**9), now)
        book.join(Resting(100 + step, -1, 1010 + step, 10**9), now)
    return book


def far(index: int) -> Event:
    if index % 2:
        return QuoteEvent(index, QUOTE, 1000 - index % 3, 50, 1001 + index % 2, 50)
    return TradeEvent(index, TRADE, 1000 + index % 2, 5, 1)


def at_our_best(index: int) -> Event:
    if index % 2:
        return QuoteEvent(index, QUOTE, 990, 50 + index % 7, 1001, 50)
    return TradeEvent(index, TRADE, 990, 3, -1)


def filling(index: int) -> Event:
    return TradeEvent(index, TRADE, 985, 7, -1)


@pytest.mark.parametrize(
    ("make", "at_least"), [(far, 200_000), (at_our_best, 100_000), (filling, 20_000)], ids=["far", "at best", "filling"]
)
def test_events_a_second_with_fifty_orders(make: Callable[[int], Event], at_least: int) -> None:
    book, events = book_of_fifty(), [make(index) for index in range(EVENTS)]
    started = time.perf_counter()
    for event in events:
        book.on_event(event)
    elapsed = time.perf_counter() - started
    print(f"\n{make.__name__}: {EVENTS / elapsed:,.0f} events/s, {elapsed / EVENTS * 1e6:.2f} µs an event")
    assert EVENTS / elapsed > at_least


def test_the_exchange_over_the_synthetic_market(tmp_path: Path) -> None:
    wall = [1_790_000_000_000]
    exchange = Exchange.open(tmp_path / "paper.sqlite", lambda _: SyntheticFeed(1), lambda: wall[0])
    mid = exchange.ticker("BTC-PERP").price
    places = [
        PlaceRequest(
            market="BTC-PERP",
            side="long" if index % 2 else "short",
            type="limit",
            size_usd=Decimal(20),
            price=(mid * (1 - Decimal(index + 1) * (index % 2 * 2 - 1) / 1000)).quantize(Decimal(1)),
            post_only=True,
        )
        for index in range(20)
    ]

    def timed(label: str, act: Callable[[], object]) -> float:
        started = time.perf_counter()
        act()
        elapsed = time.perf_counter() - started
        print(f"{label}: {elapsed * 1000:.2f} ms")
        return elapsed

    print()
    timed("batch of 20 placed", lambda: exchange.batch("a", [], [], places))
    wall[0] += 3_000
    timed("state after 3 s", lambda: exchange.state("a", ["BTC-PERP"]))
    wall[0] += 3_000
    timed("state after 3 s more", lambda: exchange.state("a", ["BTC-PERP"]))
    wall[0] += WEEK_MS
    week = timed("state after a week with 20 orders", lambda: exchange.state("a", ["BTC-PERP"]))
    exchange.close()
    assert week < 2.0

"""How fast the market answers: single quotes, a week's gap with orders resting, and tapes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pfmm.paper.feeds.feed import EVERYTHING, Watch
from pfmm.paper.feeds.replay import ReplayFeed
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.feeds.tape_building import build_tape
from pfmm.paper.instruments import Listing
from pfmm.paper.matching import Execution, MarketBook, Resting

pytestmark = pytest.mark.bench
START = 1_790_000_000_000
WEEK = 7 * 86_400_000
BTC = "BTC-PERP"


def timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def test_single_answers() -> None:
    feed = SyntheticFeed(7)
    listing = timed(lambda: SyntheticFeed(7).specs())
    warm = timed(lambda: [feed.quote(BTC, START + i * 50) for i in range(10_000)]) / 10_000
    cold = timed(lambda: [feed.quote(BTC, START + i * 10_000_000) for i in range(2_000)]) / 2_000
    names = Listing().names
    tickers = timed(lambda: [SyntheticFeed(8).quote(name, START) for name in names])
    print(f"\nall specs {listing * 1e3:.1f} ms, quote warm {warm * 1e6:.1f} us, cold {cold * 1e6:.1f} us")
    print(f"first quote of {len(names)} markets {tickers * 1e3:.0f} ms")
    assert warm < 100e-6


def test_every_event() -> None:
    feed = SyntheticFeed(7)
    events = list(feed.events(BTC, START, START + 3_600_000, EVERYTHING))
    took = timed(lambda: list(SyntheticFeed(7).events(BTC, START, START + 3_600_000, EVERYTHING)))
    print(f"\nunpruned {len(events) / took:,.0f} events/s, a week {took * 168:.1f} s")


@pytest.mark.parametrize("spread", [0.0005, 0.005, 0.02])
@pytest.mark.parametrize("usd", [20, 10_000])
def test_a_week_with_20_orders(spread: float, usd: int) -> None:
    """10 buys and 10 sells within `spread` of the mid, over a week that nobody looked, matching included."""
    worst, fills, orders = 0.0, 0, 0
    for run in range(8):
        feed, start = SyntheticFeed(run), START + run * 3 * WEEK
        mark = feed.mark(BTC, start)
        book, quote = MarketBook(), feed.quote(BTC, start)
        for i in range(10):
            for side in (1, -1):
                price = min(int(mark * (1 - spread * (i + 1) / 10)), quote.bid) // 10 * 10
                if side < 0:
                    price = -(max(int(mark * (1 + spread * (i + 1) / 10)), quote.ask) // -10) * 10
                book.join(Resting(2 * i + (side > 0), side, price, usd * 1_000_000 // price), quote)

        def advance(feed: SyntheticFeed = feed, start: int = start, book: MarketBook = book) -> None:
            nonlocal fills
            watch: Watch = book
            for event in feed.events(BTC, start, start + WEEK, watch):
                fills += sum(isinstance(outcome, Execution) for outcome in book.on_event(event))

        worst = max(worst, timed(advance))
        orders += len(book.orders())
    print(f"\n20 orders of {usd} USD within {spread:.2%}: worst of 8 weeks {worst:.3f} s, {fills} fills, {orders} left")
    assert worst < 2


def test_a_week_in_steps_of_a_minute() -> None:
    """What an open position costs: a mark and a cut of the interval each minute."""
    feed = SyntheticFeed(7)

    class Far:
        best_bid = 1
        best_ask = 0

    def advance() -> None:
        for at in range(START, START + WEEK, 60_000):
            for _ in feed.events(BTC, at, at + 60_000, Far()):
                raise AssertionError("nothing matters here")
            feed.mark(BTC, at + 60_000)

    print(f"\n10,080 cuts with a mark each {timed(advance):.2f} s")


def test_tapes(shared_data: Path, tmp_path: Path) -> None:
    files = [shared_data / "binance-usdm-ticks" / f"btcusdt_2024071{day}.gz" for day in (8, 9)]
    built = timed(lambda: build_tape(files, tmp_path))
    path = build_tape(files, tmp_path)
    opened = timed(lambda: ReplayFeed(path))
    feed = ReplayFeed(path)
    first, last = feed.span()
    count = len(list(feed.events(BTC, 0, last, EVERYTHING)))
    took = timed(lambda: list(feed.events(BTC, 0, last, EVERYTHING)))
    quotes = timed(lambda: [feed.quote(BTC, at) for at in range(first, last, 100)]) / len(range(first, last, 100))
    print(f"\nbuilt in {built:.2f} s (71,984 lines), found again in {timed(lambda: build_tape(files, tmp_path)):.4f} s")
    print(f"opened in {opened * 1e3:.2f} ms, {count / took:,.0f} events/s of {count}, quote {quotes * 1e6:.1f} us")
    assert opened < 0.02

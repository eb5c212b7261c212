"""The synthetic market: the same everywhere, on the price rule, and with order flow of known statistics."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt
from pathlib import Path
from statistics import fmean, stdev

import pytest

from pfmm.errors import ConfigError, UnknownMarket
from pfmm.paper.feeds.burst_path import BurstPath
from pfmm.paper.feeds.counter_random import bell, draw, stream_key
from pfmm.paper.feeds.feed import EVERYTHING, QUOTE, Event, Quote, TradeEvent
from pfmm.paper.feeds.price_path import LEAF_MS, Jump, PricePath
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.instruments import Listing, price_step

START = 1_790_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR
YEAR_S = 365 * 86_400
PINNED = Quote(1_790_000_012_288, 728_010, 40_590, 728_080, 90_090)  # of generator 1, seed 1, BTC-PERP


@dataclass
class Watched:
    best_bid: int = 0
    best_ask: int = 0


def test_noise_is_pinned() -> None:
    # splitmix64 of state 0: the first output of every implementation
    assert draw(0, 1) == 0xE220A8397B1DCDAF
    assert stream_key(7, "BTC-PERP") == stream_key(7, "BTC-PERP") != stream_key(8, "BTC-PERP")


def test_the_bell_has_mean_0_deviation_1_and_a_bound() -> None:
    values = [bell(draw(1, i)) for i in range(20_000)]
    assert abs(fmean(values)) < 4 / sqrt(20_000)
    assert abs(stdev(values) - 1) < 0.02
    assert bell(0) == -bell((1 << 64) - 1) == pytest.approx(-3.4641, abs=1e-4)


def test_a_jump_is_undone_over_its_block() -> None:
    jump = Jump(start=0, end=16, leaf=4, size=8.0)
    assert [jump.offset(leaf) for leaf in (0, 3, 4, 16)] == [0.0, -1.5, 6.0, 0.0]
    assert jump.extremes(0, 16) == (-2.0, 6.0)
    assert jump.extremes(8, 16) == (0.0, 4.0)


def test_the_path_is_continuous_over_segments_checkpoints_and_blocks() -> None:
    path = PricePath(stream_key(3, "X"), 0.5)
    for boundary in (32, 1 << 10, 1 << 20):  # leaves: segment, checkpoint, whole block
        segment = path.segment(boundary * 1_700 // 32 - 1)
        following = path.segment(boundary * 1_700 // 32)
        assert segment.points[-1] == pytest.approx(following.points[0], abs=1e-12)


def test_a_single_point_is_the_segment_point() -> None:
    one_by_one, whole = PricePath(stream_key(3, "X"), 0.5), PricePath(stream_key(3, "X"), 0.5)
    for index in range(50_000_000, 50_000_000 + 600 * 257, 257):
        segment = whole.segment(index)
        for i in (0, 1, 13, 31):
            assert one_by_one.at(segment.first_leaf + i) == (segment.points[i], segment.swing)


def test_the_path_has_the_volatility_it_was_given_and_stays_near_its_anchor() -> None:
    path = PricePath(stream_key(11, "X"), 0.5)
    step = 1 << 7  # leaves: 131 s, 30 days in all
    points = [path.at(1_700_000_000 + i * step)[0] for i in range(20_000)]
    squares = [(b - a) ** 2 for a, b in pairwise(points)]
    annual = sqrt(fmean(squares) * YEAR_S / (step * LEAF_MS / 1000))
    # jumps add to it: one in 1.55 days of rms size 0.012 * 0.68, i.e. sqrt(0.5^2 + 235 * 0.0082^2) = 0.516
    assert 0.38 < annual < 0.66  # the cascade's own luck over a month
    assert max(map(abs, points)) < 0.6  # a month within a factor of 1.8; the hard bound is wider
    assert max(map(abs, points)) < path.bound


def test_another_process_sees_the_same_market() -> None:
    code = (
        "from pfmm.paper.feeds.synthetic import SyntheticFeed as F;"
        f"f=F(7);t={START}+12345;"
        "print([(f.quote(m,t),f.mark(m,t),f.depth(m,t,5),f.funding_rate(m,t),f.trades(m,t,t+9000,9))"
        " for m in('BTC-PERP','EURUSD-PERP')])"
    )
    root = Path(__file__).resolve().parents[3]
    other = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    feed, at = SyntheticFeed(7), START + 12_345
    list(feed.events("BTC-PERP", at - DAY, at, Watched()))  # whatever was asked before changes nothing
    here = [
        (
            feed.quote(m, at),
            feed.mark(m, at),
            feed.depth(m, at, 5),
            feed.funding_rate(m, at),
            feed.trades(m, at, at + 9_000, 9),
        )
        for m in ("BTC-PERP", "EURUSD-PERP")
    ]
    assert other.stdout.strip() == str(here)


def test_seeds_and_markets_differ() -> None:
    marks = {SyntheticFeed(seed).mark("BTC-PERP", START) for seed in range(20)}
    assert len(marks) == 20


@pytest.mark.parametrize("market", Listing().names[::7])
def test_quotes_and_depth_obey_the_price_rule(market: str) -> None:
    feed = SyntheticFeed(5)
    spec = feed.spec(market)
    for at in range(START, START + 200 * DAY, 20 * DAY + 777):
        quote = feed.quote(market, at)
        assert 0 < quote.bid < quote.ask
        assert quote.bid <= feed.mark(market, at) <= quote.ask
        assert at - LEAF_MS < quote.time_ms <= at
        bids, asks = feed.depth(market, at, 20)
        assert bids[0] == (quote.bid, quote.bid_size)
        assert asks[0] == (quote.ask, quote.ask_size)
        assert [p for p, _ in bids] == sorted({p for p, _ in bids}, reverse=True)
        assert [p for p, _ in asks] == sorted({p for p, _ in asks})
        assert all(p % price_step(spec, p) == 0 and p > 0 and size > 0 for p, size in bids + asks)


def test_events_are_in_order_and_on_the_price_rule_with_prints_outside_the_quote() -> None:
    feed = SyntheticFeed(5)
    spec = feed.spec("BTC-PERP")
    events = list(feed.events("BTC-PERP", START, START + HOUR, EVERYTHING))
    assert [e.time_ms for e in events] == sorted(e.time_ms for e in events)
    opening = {e.time_ms for e in events if e.kind == QUOTE and e.time_ms % LEAF_MS == 0}
    assert opening == {leaf * LEAF_MS for leaf in range(-(-(START + 1) // LEAF_MS), (START + HOUR) // LEAF_MS + 1)}
    for trade in (e for e in events if isinstance(e, TradeEvent)):
        quote = feed.quote("BTC-PERP", trade.time_ms - 1)  # what was quoted as it came
        assert trade.price >= quote.ask if trade.aggressor > 0 else trade.price <= quote.bid
        assert trade.price % price_step(spec, trade.price) == 0
        assert 100 <= trade.price * trade.size / 1e6 <= 20_001  # USD: a 20 USD order fills whole


def test_a_quote_is_the_last_quote_event() -> None:
    feed = SyntheticFeed(5)
    *_, last = (e for e in feed.events("BTC-PERP", START, START + 60_000, EVERYTHING) if e.kind == QUOTE)
    assert feed.quote("BTC-PERP", START + 60_000) == (last.time_ms, *last[2:])


def test_trades_are_the_prints_that_events_yields() -> None:
    feed = SyntheticFeed(5)
    prints = [e for e in feed.events("ETH-PERP", START, START + HOUR, EVERYTHING) if isinstance(e, TradeEvent)]
    assert len(prints) > 1_000
    assert feed.trades("ETH-PERP", START, START + HOUR, 100_000) == prints
    assert feed.trades("ETH-PERP", START, START + HOUR, 10) == prints[:10]
    assert feed.trades("ETH-PERP", START, START + HOUR, 0) == []


def moves_of(feed: SyntheticFeed, hours: int) -> tuple[list[int], list[float], list[float]]:
    """Sign, and the mid's move within 1 s and 30 s in bps towards the aggressor, of each print."""
    signs, fast, slow = [], [], []
    for trade in feed.trades("BTC-PERP", START, START + hours * HOUR, 1_000_000):
        before, soon, later = (feed.mark("BTC-PERP", trade.time_ms + ms) for ms in (-1, 1_000, 30_000))
        signs.append(trade.aggressor)
        fast.append(trade.aggressor * (soon - before) / before * 1e4)
        slow.append(trade.aggressor * (later - before) / before * 1e4)
    return signs, fast, slow


def test_flow_does_most_of_its_damage_within_a_second_and_its_signs_cluster() -> None:
    signs, fast, slow = moves_of(SyntheticFeed(5), hours=1)
    assert len(signs) > 5_000
    assert fmean(fast) > 0.5 * fmean(slow) > 0
    mean = fmean(signs)
    variance = fmean((sign - mean) ** 2 for sign in signs)
    lag_5 = fmean((a - mean) * (b - mean) for a, b in zip(signs, signs[5:], strict=False)) / variance
    assert 0.1 < lag_5 < 0.5


def test_the_mid_moves_in_bursts() -> None:
    # 3 * (2 * (0.85^2 + 0.15^2))^5 = 22 for a second's own move; the share that arrives later lowers it a little
    feed = SyntheticFeed(5)
    marks = [feed.mark("BTC-PERP", START + second * 1_000) for second in range(2 * 3_600)]
    returns = [log(b / a) for a, b in pairwise(marks)]
    kurtosis = fmean(r**4 for r in returns) / fmean(r**2 for r in returns) ** 2
    assert 8 < kurtosis < 60


def test_a_burst_path_has_the_ends_of_the_even_path_and_its_volatility() -> None:
    even, bursts = PricePath(stream_key(3, "X"), 0.5), BurstPath(stream_key(3, "X"), 0.5)
    squares: dict[str, list[float]] = {"even": [], "bursts": []}
    for index in range(50_000_000, 50_000_000 + 3_000):
        one, other = even.segment(index), bursts.segment(index)
        assert (one.points[0], one.points[32], one.swing) == (other.points[0], other.points[32], other.swing)
        squares["even"].append((one.points[16] - one.points[0]) ** 2)
        squares["bursts"].append((other.points[16] - other.points[0]) ** 2)
        assert fmean(other.paces) == pytest.approx(1.0)
    assert fmean(squares["bursts"]) == pytest.approx(fmean(squares["even"]), rel=0.3)


def test_a_resting_order_is_run_over() -> None:
    """A quoter who re-centres every 3 s at 1 bp loses before fees: in the first generator it earned."""
    captures, moves = markouts(SyntheticFeed(7), "BTC-PERP", 1.0, hours=4)
    earned = [capture + move for capture, move in zip(captures, moves, strict=True)]
    assert len(earned) > 1_000
    assert fmean(earned) < -4 * stdev(earned) / sqrt(len(earned))


def markouts(feed: SyntheticFeed, market: str, half_bps: float, hours: int) -> tuple[list[float], list[float]]:
    """Capture and 5 s markout in bps of a passive quoter that re-centres every 3 s, one fill a side and round."""
    captures, moves = [], []
    for begin in range(START, START + hours * HOUR, 3_000):
        mid = feed.mark(market, begin)
        watch = Watched(int(mid * (1 - half_bps * 1e-4)), int(mid * (1 + half_bps * 1e-4)) + 1)
        for event in feed.events(market, begin, begin + 3_000, watch):
            low, high = (event.ask, event.bid) if event.kind == QUOTE else (event.price + 1, event.price - 1)
            for side, price in ((1, watch.best_bid), (-1, watch.best_ask)):
                if price and (low <= price if side > 0 else high >= price):
                    before, later = feed.mark(market, event.time_ms - 1), feed.mark(market, event.time_ms + 5_000)
                    captures.append(side * (before - price) / before * 1e4)
                    moves.append(side * (later - before) / before * 1e4)
                    watch.best_bid, watch.best_ask = (0, watch.best_ask) if side > 0 else (watch.best_bid, 0)
    return captures, moves


def test_an_exchange_file_of_before_keeps_its_market() -> None:
    """Generator 1, pinned: an open run must not see its market jump."""
    old, new = SyntheticFeed(1, 1), SyntheticFeed(1)
    at = START + 12_345
    assert old.quote("BTC-PERP", at) == PINNED
    assert new.quote("BTC-PERP", at) != PINNED
    with pytest.raises(ConfigError, match="generator 3 is unknown"):
        SyntheticFeed(1, 3)


def test_nothing_is_watched_so_nothing_is_yielded() -> None:
    assert list(SyntheticFeed(5).events("BTC-PERP", START, START + 3_650 * DAY, Watched())) == []


def test_the_watch_is_read_before_every_event() -> None:
    feed = SyntheticFeed(5)
    watch = Watched(1 << 60, 0)
    seen: list[Event] = []
    for event in feed.events("BTC-PERP", START, START + DAY, watch):
        seen.append(event)
        if len(seen) == 3:
            watch.best_bid = 0
    assert len(seen) == 3


def test_funding_is_mostly_small_sometimes_large_and_drifts_slowly() -> None:
    feed = SyntheticFeed(5)
    first = START // (8 * HOUR) * 8 * HOUR
    paths = [[feed.funding_rate(m, first + i * 8 * HOUR) / 1e4 for i in range(40)] for m in Listing().names[:60]]
    rates = [rate for path in paths for rate in path]
    assert 0.01 < fmean(abs(rate) > 3 for rate in rates) < 0.15
    assert 0.05 < fmean(rate < 0 for rate in rates) < 0.4
    assert fmean(0.3 < rate < 2.2 for rate in rates) > 0.4
    steps = fmean((b - a) ** 2 for path in paths for a, b in pairwise(path))
    spread = fmean((rate - fmean(rates)) ** 2 for rate in rates)
    assert steps < spread  # independent neighbours would give twice the variance


def test_an_unlisted_market_is_refused() -> None:
    with pytest.raises(UnknownMarket, match="NOPE-PERP"):
        SyntheticFeed(1).quote("NOPE-PERP", START)


def test_prices_wander_but_never_run_away() -> None:
    feed = SyntheticFeed(5)
    anchor = Listing().character("BTC-PERP").anchor_usd * 10
    for years in range(0, 50):
        mark = feed.mark("BTC-PERP", START + years * 365 * DAY)
        assert anchor * exp(-0.6) < mark < anchor * exp(0.6)

"""However the synthetic market is asked, it gives the same answers, and leaving out nodes leaves out nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pfmm.paper.feeds.feed import EVERYTHING, QUOTE, Event
from pfmm.paper.feeds.price_path import PricePath
from pfmm.paper.feeds.synthetic import SyntheticFeed
from pfmm.paper.instruments import Listing
from tests.examples import examples

NAMES = Listing().names
MARKETS = st.sampled_from([NAMES[i] for i in (0, 1, 11, 42, 111, 230, -1, -30)])
STARTS = st.integers(min_value=1_600_000_000_000, max_value=1_900_000_000_000)
MINUTE = 60_000


@dataclass
class Watched:
    best_bid: int
    best_ask: int


def matters(event: Event, watch: Watched) -> bool:
    """feed.py's words: a quote with bid <= best_bid or ask >= best_ask, a trade at or beyond either."""
    low, high = (event.bid, event.ask) if event.kind == QUOTE else (event.price, event.price)
    return (watch.best_bid > 0 and low <= watch.best_bid) or (watch.best_ask > 0 and high >= watch.best_ask)


def watch_near(feed: SyntheticFeed, market: str, at: int, below_bps: int, above_bps: int) -> Watched:
    mark = feed.mark(market, at)
    return Watched(
        int(mark * (1 - below_bps * 1e-4)) if below_bps else 0, int(mark * (1 + above_bps * 1e-4)) if above_bps else 0
    )


@examples(12, 60)
@given(MARKETS, st.integers(0, 9), STARTS, st.integers(0, 200), st.integers(0, 200))
def test_pruning_leaves_out_exactly_what_does_not_matter(
    market: str, seed: int, start: int, below_bps: int, above_bps: int
) -> None:
    feed = SyntheticFeed(seed)
    watch = watch_near(feed, market, start, below_bps, above_bps)
    end = start + 20 * MINUTE
    expected = [event for event in feed.events(market, start, end, EVERYTHING) if matters(event, watch)]
    assert list(feed.events(market, start, end, watch)) == expected


@examples(4, 15)
@given(MARKETS, st.integers(0, 9), STARTS)
def test_pruning_from_the_top_agrees_with_checkpoints(market: str, seed: int, start: int) -> None:
    feed, other = SyntheticFeed(seed), SyntheticFeed(seed)
    watch = watch_near(feed, market, start, 150, 0)
    step = 5 * MINUTE  # short intervals start from 17 minute checkpoints, long ones from 12 day blocks
    pieces = [e for i in range(24) for e in feed.events(market, start + i * step, start + (i + 1) * step, watch)]
    assert list(other.events(market, start, start + 24 * step, watch)) == pieces


@examples(12, 60)
@given(MARKETS, STARTS, st.lists(st.integers(0, 10 * MINUTE), max_size=12), st.integers(1, 60), st.integers(1, 60))
def test_cutting_the_interval_anywhere_changes_nothing(
    market: str, start: int, cuts: list[int], below_bps: int, above_bps: int
) -> None:
    feed = SyntheticFeed(3)
    watch = watch_near(feed, market, start, below_bps, above_bps)
    end = start + 10 * MINUTE
    edges = [start, *sorted(start + cut for cut in cuts), end]
    pieces = [e for a, b in pairwise(edges) for e in feed.events(market, a, b, watch)]
    assert pieces == list(feed.events(market, start, end, watch))


@examples(20, 60)
@given(MARKETS, STARTS, st.permutations(list(range(6))))
def test_the_order_of_questions_does_not_matter(market: str, start: int, order: list[int]) -> None:
    asked, straight = SyntheticFeed(1), SyntheticFeed(1)
    times = [start + i * 77 * MINUTE for i in range(6)]
    answers = {i: (asked.quote(market, times[i]), asked.mark(market, times[i])) for i in order}
    assert [answers[i] for i in range(6)] == [(straight.quote(market, t), straight.mark(market, t)) for t in times]


@settings(max_examples=100)
@given(st.sampled_from(NAMES), st.integers(), STARTS)
def test_any_market_any_seed_any_time_has_a_sane_quote(market: str, seed: int, at: int) -> None:
    quote = SyntheticFeed(seed).quote(market, at)
    assert 0 < quote.bid < quote.ask
    assert quote.bid_size > 0
    assert quote.ask_size > 0


@examples(4, 10)
@given(MARKETS, STARTS, st.integers(40, 900))
def test_many_short_steps_see_every_event_once(market: str, start: int, step: int) -> None:
    feed = SyntheticFeed(2)
    steps = range(start, start + MINUTE, step)
    pieces = [e for at in steps for e in feed.events(market, at, min(at + step, start + MINUTE), EVERYTHING)]
    assert pieces == list(feed.events(market, start, start + MINUTE, EVERYTHING))


@examples(6, 25)
@given(st.integers(0, 1 << 40), st.integers(1_500_000_000, 1_900_000_000), st.floats(0.05, 1.5))
def test_the_extremes_of_half_a_day_are_never_pruned(key: int, first: int, volatility: float) -> None:
    path = PricePath(key, volatility)
    last = first + 40_000
    every = list(path.near(first, last, lambda _low, _high, _swing: True))
    lowest, highest = min(min(s.points[:-1]) for s in every), max(max(s.points[:-1]) for s in every)
    swing = max(s.swing for s in every)
    found = list(path.near(first, last, lambda low, high, _swing: low <= lowest or high >= highest))
    assert min(min(s.points[:-1]) for s in found) == lowest
    assert max(max(s.points[:-1]) for s in found) == highest
    assert any(s.swing == swing for s in path.near(first, last, lambda _low, _high, most: most >= swing))

"""Stretches of the synthetic market as recorded data, for the benches that run strategies on many seeds."""

from __future__ import annotations

from array import array

from pfmm.backtest.columns import Columns
from pfmm.backtest.loading import World
from pfmm.paper.feeds.feed import EVERYTHING, QUOTE
from pfmm.paper.feeds.replay_tape import MarketTape
from pfmm.paper.feeds.synthetic import SyntheticFeed

START_MS = 1_735_689_600_000
SEEDS = range(1, 21)
HOURS = 1.5


def synthetic(seed: int, market: str = "BTC-PERP", hours: float = HOURS) -> World:
    """Every event of a stretch of the synthetic market, at the article's fees."""
    feed = SyntheticFeed(seed)
    end_ms = START_MS + round(hours * 3_600_000)
    opening = feed.quote(market, START_MS)
    rows = array("q", (START_MS, QUOTE, opening.bid, opening.bid_size, opening.ask, opening.ask_size))
    for event in feed.events(market, START_MS, end_ms, EVERYTHING):
        rows.extend(event if event[1] == QUOTE else (*event, 0))
    empty = memoryview(array("q"))
    return World(Columns(MarketTape(feed.spec(market), memoryview(rows), empty, empty, empty)))

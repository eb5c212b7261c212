"""Markets made for controls: what a maker may earn in them is known beforehand."""

from __future__ import annotations

import random
from array import array

from pfmm.backtest.candles import BAR_MS, Candles, candle_tape
from pfmm.backtest.columns import Columns
from pfmm.backtest.loading import World
from pfmm.model.fees import PRESETS
from pfmm.paper.feeds.feed import QUOTE, TRADE, MarketSpec
from pfmm.paper.feeds.replay_tape import MarketTape

MARKET = "X-PERP"
START_MS = 1_800_000_000_000
UNITS = 100  # to a USD
PRICE = 1_000 * UNITS  # a bp is 10 units
SPEC = MarketSpec(MARKET, "crypto", 2, 3, 1, None, 10_000_000_000, 50, -20_000, 50_000, 8)


def world_of(rows: array[int]) -> World:
    """A recorded market of these events, with the article's fees."""
    empty = memoryview(array("q"))
    return World(Columns(MarketTape(SPEC, memoryview(rows), empty, empty, empty)), (), PRESETS["article"])


def martingale(seed: int, minutes: float = 10) -> World:
    """Prints at a mid that is a random walk: every half second it moves by 0 to 8 units either way, the quotes stand
    3 units off it, and a print of either side is made at the mid itself: nothing bounces."""
    chance, rows, mid = random.Random(seed), array("q"), PRICE
    for step in range(round(minutes * 120)):
        time_ms = START_MS + 500 * step
        mid += chance.choice((-1, 1)) * chance.randrange(9)
        rows.extend((time_ms, QUOTE, mid - 3, 5_000, mid + 3, 5_000))
        rows.extend((time_ms, TRADE, mid, chance.randrange(100, 2_000), chance.choice((-1, 1)), 0))
    return world_of(rows)


def martingale_candles(seed: int, hours: float = 2) -> World:
    """Bars of a random walk of 60 steps of a unit each, of 0 to 8 units; a bar opens where the one before it closed."""
    chance, times, prices, volumes, mid = random.Random(seed), array("q"), array("q"), array("q"), PRICE
    for bar in range(round(hours * 60)):
        path = [mid]
        for _ in range(60):
            path.append(path[-1] + chance.choice((-1, 1)) * chance.randrange(9))
        times.append(START_MS + BAR_MS * bar)
        prices.extend((path[0], max(path), min(path), path[-1]))
        volumes.append(chance.randrange(10_000, 100_000))
        mid = path[-1]
    candles = Candles(times, prices, volumes, SPEC.price_decimals, SPEC.size_decimals, 0, BAR_MS)
    return World(Columns(candle_tape(candles, MARKET)), (), PRESETS["article"])


def paying(seed: int, half: int, minutes: float = 10) -> World:
    """Prints `half` units off a mid that they do not move, inside of quotes that stand twice as far: who rests at that
    distance is first in the queue and earns it. The mid walks slowly by itself."""
    chance, rows, mid = random.Random(seed), array("q"), PRICE
    for step in range(round(minutes * 120)):
        time_ms = START_MS + 500 * step
        if step % 20 == 0:
            mid += chance.choice((-1, 1))
            rows.extend((time_ms, QUOTE, mid - 2 * half, 5_000, mid + 2 * half, 5_000))
        side = chance.choice((-1, 1))
        rows.extend((time_ms + 200, TRADE, mid + side * half, chance.randrange(10, 200), side, 0))
    return world_of(rows)

"""Whatever stands in a saved memory, it is loaded or refused by name: no traceback, nothing that cannot be saved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pfmm.errors import ConfigError
from pfmm.model.market import Instrument, PriceRule, Ticker
from pfmm.model.plan import MarketView
from pfmm.strategy import calibration
from pfmm.strategy.calibration import Calibration, IntensityFit
from pfmm.strategy.grid.plan import GridConfig
from pfmm.strategy.grid.strategy import GridStrategy
from pfmm.strategy.quote.config import QuoteConfig
from pfmm.strategy.quote.strategy import QuoteState, QuoteStrategy
from pfmm.strategy.volatility import VolatilityState

D = Decimal
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.decimals().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)

FITTED = Calibration(1326, 1798.8, 65468.0, IntensityFit(0.99, 0.158, 0.96, 54), 0.289, at_ms=1_760_000_000_000)
VOLATILITY = VolatilityState(((0, 100.0), (3000, 100.5), (6000, 100.2)), 0.4, "medium", (9000, 120.0), "jumped")


def grid_memory() -> tuple[GridStrategy, Mapping[str, Any]]:
    """A grid of two cells, just begun."""
    coin = Instrument("COIN-PERP", "crypto", PriceRule(D("0.01")), D("0.001"), D(10), 40, D(-2), D(5), 8)
    ticker = Ticker("COIN-PERP", 0, D(105), D(1), D("105.02"), D(1), D(105))
    grid = GridStrategy("COIN-PERP", GridConfig(levels=2, size_usd=D(100), lower=D(100), upper=D(110)))
    return grid, grid.dump(grid.initial(MarketView(0, coin, ticker, D(0), D(0), D(500))))


GRID, GRID_MEMORY = grid_memory()
QUOTE = QuoteStrategy("COIN-PERP", QuoteConfig(calibration=FITTED))
QUOTE_MEMORY = QUOTE.dump(QuoteState(VOLATILITY, 100.2, 100.3))
Loaded = tuple[Callable[[Any], Any], Callable[[Any], Any], Mapping[str, Any]]
MEMORIES: tuple[Loaded, ...] = (
    (GRID.load, GRID.dump, GRID_MEMORY),
    (QUOTE.load, QUOTE.dump, QUOTE_MEMORY),
    (calibration.load, calibration.dump, calibration.dump(FITTED)),
)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a JSON value, and to itself."""
    yield way
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, inner in pairs:
        yield from places(inner, (*way, key))


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[Loaded, Any]:
    """A memory in which one value is replaced or taken out."""
    memory = draw(st.sampled_from(MEMORIES))
    raw = json.loads(json.dumps(deepcopy(memory[2])))
    *way, last = draw(st.sampled_from([place for place in places(raw) if place] + [(None,)]))
    if last is None:
        return memory, draw(ANY_JSON)
    inner = raw
    for key in way:
        inner = inner[key]
    if draw(st.booleans()):
        inner[last] = draw(ANY_JSON)
    else:
        del inner[last]
    return memory, raw


@given(spoiled())
def test_a_spoiled_memory_is_loaded_or_refused(case: tuple[Loaded, Any]) -> None:
    (load, dump, _), raw = case
    refusal = None
    try:
        state = load(raw)
    except ConfigError as error:
        refusal = error
    if refusal is None:
        assert load(json.loads(json.dumps(dump(state), allow_nan=False))) == state
    else:
        assert refusal.message.startswith("the saved ")
        assert refusal.hint


def test_what_is_not_spoiled_is_loaded() -> None:
    for load, dump, memory in MEMORIES:
        assert dump(load(memory)) == memory

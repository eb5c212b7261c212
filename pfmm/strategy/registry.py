"""The strategies: for each name the place of its room, and its line in the root help. Imports nothing.

To add a strategy, write its room (`strategy/base.py` says what that is) and add its line here. Commands, flags,
config keys, completions, help, backtest and sweep follow. Layer: strategy.
"""

STRATEGIES: dict[str, tuple[str, str]] = {
    "quote": ("pfmm.strategy.quote.room:QUOTE", "Quote both sides: show one computation, start, status, stop."),
    "ladder": ("pfmm.strategy.ladder.room:LADDER", "Quote several levels a side: show, start, status, stop."),
    "grid": ("pfmm.strategy.grid.room:GRID", "Trade a grid of orders: plan, start, status, stop."),
}

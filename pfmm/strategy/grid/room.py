"""The grid as pfmm knows it: its settings, how it is built, and what stands in the way of a start. Pure.

Layer: strategy.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.strategy.base import AtStart, Kind, Measured, Needs, Preview
from pfmm.strategy.grid.settings import DEFAULT_SIZE_USD, SETTINGS

if TYPE_CHECKING:
    from pfmm.errors import PfmmError
    from pfmm.model.plan import MarketView
    from pfmm.model.setting import Values
    from pfmm.strategy.grid.plan import GridConfig, GridPlan
    from pfmm.strategy.grid.strategy import GridStrategy


class Grid(Kind):
    """A grid of orders, each fill answered one line further. Its orders stay when data cannot be trusted."""

    name = "grid"
    noun = "grid"
    settings = SETTINGS
    sections = ("volatility",)
    free = frozenset({"on_breakout"})  # what is done beyond the range moves no order inside of it
    preview_help = "Show the grid that would start now: lines, orders, profit a round trip, worst cases. Sends nothing."
    start_help = "Run a grid on MARKET: buys below the price, sells above it, each fill answered one line further."
    layout = "lines"
    keep_on_bad_data = True
    checks_start = True
    reads_account = False

    def needs(self, values: Values) -> Needs:
        """Ask for the volatility where nothing sets the grid's range: the range follows from it."""
        return Needs(volatility=all(values[f"grid.{name}"] is None for name in ("lower", "upper", "range_pct")))

    def build(self, market: str, values: Values, measured: Measured) -> GridStrategy:
        """Build the grid.

        An open range follows from the measured volatility, or from `volatility.default_annual_pct`.
        """
        from pfmm.strategy.grid.strategy import GridStrategy

        return GridStrategy(market, _config(values, measured))

    def kept(self, values: Values) -> Mapping[str, str | None]:
        """Return the grid's settings by their short names: as runs that are open already have kept them."""
        return {setting.name.removeprefix("grid."): values.text(setting.name) for setting in self.settings}

    def at_start(self, strategy: Any, view: MarketView, equity: Decimal | None) -> AtStart:
        """Refuse a grid one of whose sides alone is above the limit or the equity, USD.

        Says that the default size was raised to the market's minimum, or that a volatility is no plausible one.
        """
        plan = _plan(strategy, view)
        return AtStart(_refusal(plan, view.max_inventory_usd, equity), _notes(strategy.config, plan))

    def preview_of(
        self,
        strategy: Any,
        view: MarketView,
        memory: Mapping[str, Any] | None,  # noqa: ARG002 - a plan is of a new grid
        equity: Decimal | None,
    ) -> Preview:
        """Return the `GridPlan` of the grid before it trades."""
        plan = _plan(strategy, view, equity)
        return Preview(plan, notes=_notes(strategy.config, plan))


def _refusal(plan: GridPlan, limit: Decimal, equity: Decimal | None) -> PfmmError | None:
    """Refuse what its settings alone say does not fit; an order that the limit has no room for is held, and told."""
    from pfmm.errors import RiskRefused

    needed = plan.capital_required
    if plan.stated_usd > limit:
        return RiskRefused(
            f"one side of this grid is worth {needed:.2f} USD, above max_inventory {limit:f} USD",
            hint="take fewer levels or a smaller size, or raise --max-inventory",
        )
    if equity is not None and needed > equity:
        return RiskRefused(
            f"one side of this grid is worth {needed:.2f} USD, above the account's equity of {equity:.2f} USD",
            hint="take fewer levels or a smaller size",
        )
    return None


def _notes(config: GridConfig, plan: GridPlan) -> tuple[str, ...]:
    from pfmm.strategy.volatility import implausible

    told = None
    if config.lower is None and config.upper is None and config.range_pct is None:
        told = implausible(config.sigma_annual)
    return (*plan.notes, *([] if told is None else [told]))


def _config(values: Values, measured: Measured) -> GridConfig:
    from pfmm.strategy.grid.plan import GridConfig, OnBreakout, Spacing

    sigma = values["volatility.default_annual_pct"] / 100 if measured.sigma_annual is None else measured.sigma_annual
    return GridConfig(
        levels=values["grid.levels"],
        size_usd=values["grid.size_usd"],
        spacing=Spacing(values["grid.spacing"]),
        lower=values["grid.lower"],
        upper=values["grid.upper"],
        range_pct=values["grid.range_pct"],
        on_breakout=OnBreakout(values["grid.on_breakout"]),
        sigma_annual=sigma,
        # the default is for markets that take so little; a size that somebody gave is taken or refused
        size_rises=not values.told("grid.size_usd") and values["grid.size_usd"] == DEFAULT_SIZE_USD,
    )


def _plan(strategy: GridStrategy, view: MarketView, equity: Decimal | None = None) -> GridPlan:
    from pfmm.errors import StaleData
    from pfmm.strategy.grid.plan import plan_grid

    mid = view.ticker.mid
    if mid is None:
        raise StaleData(f"{strategy.market} shows no bid or no ask now: a grid needs a price to be laid around")
    return plan_grid(strategy.config, instrument=view.instrument, mid=mid, equity=equity)


GRID = Grid()

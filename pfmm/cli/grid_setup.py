"""From settings to the grid that they ask for: the same for `grid plan`, `grid start` and a backtest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pfmm.config.resolve import MarketSettings
    from pfmm.engine.report import Limits
    from pfmm.strategy.grid.plan import GridConfig


def grid_config(settings: MarketSettings, sigma_annual: float) -> GridConfig:
    """One market's grid; an open range follows from `sigma_annual`, a fraction a year (0.5 is 50 %)."""
    from pfmm.strategy.grid.plan import GridConfig, OnBreakout, Spacing

    grid = settings.grid
    return GridConfig(
        levels=grid.levels,
        size_usd=grid.size_usd,
        spacing=Spacing(grid.spacing),
        lower=grid.lower,
        upper=grid.upper,
        range_pct=grid.range_pct,
        on_breakout=OnBreakout(grid.on_breakout),
        sigma_annual=sigma_annual,
    )


def grid_limits(settings: MarketSettings) -> Limits:
    """What binds a grid; its orders stay where they rest when data cannot be trusted."""
    from pfmm.engine.report import Limits

    return Limits(
        max_inventory_usd=settings.run.max_inventory_usd,
        max_loss_usd=settings.run.max_loss_usd,
        stale_after_ms=round(settings.run.stale_after_s * 1000),
        keep_on_bad_data=True,
    )

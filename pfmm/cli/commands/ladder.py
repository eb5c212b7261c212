"""`pfmm ladder`: several orders a side, each further out and larger than the one before."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from pfmm.cli import quote_options as model_option
from pfmm.cli import start_options as option
from pfmm.cli.options import globals_of, setting
from pfmm.cli.output import Result, emit
from pfmm.cli.quote_options import model_overrides, run_overrides
from pfmm.cli.run_commands import add_standing

KIND = "ladder"

app = typer.Typer(help="Quote several levels a side: show, start, status, stop.")

Levels = Annotated[int | None, setting("ladder.levels", "--levels")]
Spacing = Annotated[float | None, setting("ladder.spacing_bps", "--spacing-bps")]
Size = Annotated[Decimal | None, setting("ladder.size_usd", "--size")]
Growth = Annotated[float | None, setting("ladder.growth", "--growth")]
Threshold = Annotated[float | None, setting("ladder.threshold_bps", "--threshold-bps")]


@app.command()
def show(
    context: typer.Context,
    market: option.Market,
    levels: Levels = None,
    spacing_bps: Spacing = None,
    size: Size = None,
    growth: Growth = None,
    threshold_bps: Threshold = None,
    model: model_option.Model = None,
    gamma: model_option.Gamma = None,
    kappa: model_option.Kappa = None,
    sigma: model_option.Sigma = None,
    horizon: model_option.Horizon = None,
    half_spread_bps: model_option.HalfSpread = None,
    inventory: model_option.Inventory = None,
    max_inventory: option.MaxInventory = None,
    explain: model_option.Explain = False,
) -> None:
    """Compute the ladder that would rest now, level by level. Sends nothing."""
    from pfmm.cli import quote_show
    from pfmm.cli.context import session

    options = globals_of(context)
    overrides = {
        **_overrides(levels, spacing_bps, size, growth, threshold_bps),
        **model_overrides(model, gamma, kappa, sigma, horizon, half_spread_bps),
        **run_overrides(None, max_inventory, None),
    }
    with session(options, overrides) as opened:
        data = quote_show.show(opened, KIND, market, inventory)
    answer = data if explain else quote_show.without_extras(data)
    emit(options, Result(answer, lambda: quote_show.show_text(data, ladder=True, explain=explain)))


@app.command()
def start(
    context: typer.Context,
    market: option.Market,
    levels: Levels = None,
    spacing_bps: Spacing = None,
    size: Size = None,
    growth: Growth = None,
    threshold_bps: Threshold = None,
    model: model_option.Model = None,
    gamma: model_option.Gamma = None,
    kappa: model_option.Kappa = None,
    sigma: model_option.Sigma = None,
    horizon: model_option.Horizon = None,
    half_spread_bps: model_option.HalfSpread = None,
    interval: option.Interval = None,
    cycles: option.Cycles = None,
    once: option.Once = False,
    detach: option.Detach = False,
    dry_run: option.DryRun = False,
    exit_code: option.ExitCode = False,
    on_exit: option.OnExit = None,
    on_restart: option.OnRestart = None,
    max_inventory: option.MaxInventory = None,
    max_loss: option.MaxLoss = None,
    yes: option.Yes = False,
) -> None:
    """Run a ladder on MARKET: levels of growing size on both sides, moved when the price has drifted."""
    from pfmm.cli.context import session
    from pfmm.cli.quote_setup import Quoting
    from pfmm.cli.starting import StartOptions
    from pfmm.cli.starting import start as start_runs

    options = globals_of(context)
    overrides = {
        **_overrides(levels, spacing_bps, size, growth, threshold_bps),
        **model_overrides(model, gamma, kappa, sigma, horizon, half_spread_bps),
        **run_overrides(interval, max_inventory, max_loss),
    }
    how = StartOptions(cycles, once, detach, dry_run, exit_code, on_exit, on_restart, yes)
    quoting = Quoting(KIND)
    with session(options, overrides) as opened:
        start_runs(options, opened, KIND, [market], quoting.run_spec, how, quoting.tend)


def _overrides(
    levels: int | None,
    spacing_bps: float | None,
    size: Decimal | None,
    growth: float | None,
    threshold_bps: float | None,
) -> dict[str, object]:
    return {
        "ladder.levels": levels,
        "ladder.spacing_bps": spacing_bps,
        "ladder.size_usd": size,
        "ladder.growth": growth,
        "ladder.threshold_bps": threshold_bps,
    }


add_standing(app, KIND, "ladder")

"""`pfmm quote`: show one computation, and start, status and stop the market maker."""

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

KIND = "quote"

app = typer.Typer(help="Quote both sides of one or many markets: show, start, status, stop.")

Markets = Annotated[
    list[str],
    typer.Argument(metavar="MARKET...", help="Markets: BTC-PERP, btc-perp, BTC or btc.", show_default=False),
]
Size = Annotated[Decimal | None, setting("quote.size_usd", "--size")]


@app.command()
def show(
    context: typer.Context,
    market: option.Market,
    model: model_option.Model = None,
    gamma: model_option.Gamma = None,
    kappa: model_option.Kappa = None,
    sigma: model_option.Sigma = None,
    horizon: model_option.Horizon = None,
    half_spread_bps: model_option.HalfSpread = None,
    size: Size = None,
    inventory: model_option.Inventory = None,
    max_inventory: option.MaxInventory = None,
    explain: model_option.Explain = False,
) -> None:
    """Compute one quote and show what it is made of, to the last basis point. Sends nothing."""
    from pfmm.cli import quote_show
    from pfmm.cli.context import session

    options = globals_of(context)
    overrides = {
        **model_overrides(model, gamma, kappa, sigma, horizon, half_spread_bps),
        **run_overrides(None, max_inventory, None),
        "quote.size_usd": size,
    }
    with session(options, overrides) as opened:
        data = quote_show.show(opened, KIND, market, inventory)
    answer = data if explain else quote_show.without_extras(data)
    emit(options, Result(answer, lambda: quote_show.show_text(data, ladder=False, explain=explain)))


@app.command()
def start(
    context: typer.Context,
    markets: Markets,
    model: model_option.Model = None,
    gamma: model_option.Gamma = None,
    kappa: model_option.Kappa = None,
    sigma: model_option.Sigma = None,
    horizon: model_option.Horizon = None,
    half_spread_bps: model_option.HalfSpread = None,
    size: Size = None,
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
    """Run the market maker on one or many markets in one process: a bid and an ask on each, kept where they belong."""
    from pfmm.cli.context import session
    from pfmm.cli.quote_setup import Quoting
    from pfmm.cli.starting import StartOptions
    from pfmm.cli.starting import start as start_runs

    options = globals_of(context)
    overrides = {
        **model_overrides(model, gamma, kappa, sigma, horizon, half_spread_bps),
        **run_overrides(interval, max_inventory, max_loss),
        "quote.size_usd": size,
    }
    how = StartOptions(cycles, once, detach, dry_run, exit_code, on_exit, on_restart, yes)
    quoting = Quoting(KIND)
    with session(options, overrides) as opened:
        start_runs(options, opened, KIND, markets, quoting.run_spec, how, quoting.tend)


add_standing(app, KIND, "market maker")

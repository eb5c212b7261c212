"""`pfmm grid`: plan, start, status and stop a grid."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pfmm.cli import start_options as option
from pfmm.cli.options import globals_of, setting
from pfmm.cli.output import Result, emit, plain, table
from pfmm.cli.run_commands import add_standing

if TYPE_CHECKING:
    from pfmm.cli.context import Session
    from pfmm.engine.report import RunSpec
    from pfmm.errors import RiskRefused
    from pfmm.model.market import Instrument
    from pfmm.strategy.grid.plan import GridConfig, GridPlan

KIND = "grid"

app = typer.Typer(help="Trade a grid of orders: plan, start, status, stop.")

Lower = Annotated[Decimal | None, setting("grid.lower", "--lower")]
Upper = Annotated[Decimal | None, setting("grid.upper", "--upper")]
RangePct = Annotated[Decimal | None, setting("grid.range_pct", "--range-pct")]
Levels = Annotated[int | None, setting("grid.levels", "--levels")]
Size = Annotated[Decimal | None, setting("grid.size_usd", "--size")]
Spacing = Annotated[str | None, setting("grid.spacing", "--spacing")]
OnBreakout = Annotated[str | None, setting("grid.on_breakout", "--on-breakout")]


@app.command()
def plan(
    context: typer.Context,
    market: option.Market,
    lower: Lower = None,
    upper: Upper = None,
    range_pct: RangePct = None,
    levels: Levels = None,
    size: Size = None,
    spacing: Spacing = None,
    on_breakout: OnBreakout = None,
) -> None:
    """Show the grid that would start now: lines, orders, profit a round trip, worst cases. Sends nothing."""
    from pfmm.cli.context import session
    from pfmm.strategy.grid.plan import plan_grid

    options = globals_of(context)
    overrides = _overrides(lower, upper, range_pct, levels, size, spacing, on_breakout)
    with session(options, overrides) as opened:
        instrument = opened.market(market)
        mid = _mid(opened, instrument)
        planned = plan_grid(measured_config(opened, instrument), instrument=instrument, mid=mid)
        refusal = _too_large(planned, opened.settings.for_market(planned.market).run.max_inventory_usd)
        warnings = () if refusal is None else (f"start would refuse: {refusal.message}",)
        emit(options, Result(plan_data(planned), lambda: plan_text(planned), warnings))


@app.command()
def start(
    context: typer.Context,
    market: option.Market,
    lower: Lower = None,
    upper: Upper = None,
    range_pct: RangePct = None,
    levels: Levels = None,
    size: Size = None,
    spacing: Spacing = None,
    on_breakout: OnBreakout = None,
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
    """Run a grid on MARKET: buys below the price, sells above it, each fill answered one line further."""
    from pfmm.cli.context import session
    from pfmm.cli.starting import StartOptions
    from pfmm.cli.starting import start as start_runs

    options = globals_of(context)
    overrides = {
        **_overrides(lower, upper, range_pct, levels, size, spacing, on_breakout),
        "run.interval_s": interval,
        "run.max_inventory_usd": max_inventory,
        "run.max_loss_usd": max_loss,
    }
    how = StartOptions(cycles, once, detach, dry_run, exit_code, on_exit, on_restart, yes)
    with session(options, overrides) as opened:
        start_runs(options, opened, KIND, [market], run_spec, how)


def _overrides(
    lower: Decimal | None,
    upper: Decimal | None,
    range_pct: Decimal | None,
    levels: int | None,
    size: Decimal | None,
    spacing: str | None,
    on_breakout: str | None,
) -> dict[str, object]:
    return {
        "grid.lower": lower,
        "grid.upper": upper,
        "grid.range_pct": range_pct,
        "grid.levels": levels,
        "grid.size_usd": size,
        "grid.spacing": spacing,
        "grid.on_breakout": on_breakout,
    }


def measured_config(session: Session, instrument: Instrument, *, measure: bool = True) -> GridConfig:
    """The grid's settings on one market. Where the range is to follow from volatility, that is measured first."""
    from pfmm.cli.grid_setup import grid_config

    settings = session.settings.for_market(instrument.market)
    grid, sigma_annual = settings.grid, settings.volatility.default
    if measure and grid.lower is None and grid.upper is None and grid.range_pct is None:
        sigma_annual = session.realized_volatility(instrument.market, sigma_annual)
    return grid_config(settings, sigma_annual)


def run_spec(session: Session, instrument: Instrument) -> RunSpec:
    """The grid as the engine runs it. The journal keeps the settings, so that a restart can tell a changed grid.

    Raises RiskRefused for a new grid that its own limits could never let work, before anything is sent.
    """
    from pfmm.cli.grid_setup import grid_limits
    from pfmm.config.settings import SCHEMA
    from pfmm.engine.report import RunSpec
    from pfmm.strategy.grid.strategy import GridStrategy

    settings = session.settings.for_market(instrument.market)
    adopting = session.journal.open_run(KIND, instrument.market) is not None
    config = measured_config(session, instrument, measure=not adopting)  # an adopted grid has its range already
    if not adopting:
        _preflight(session, instrument, config)
    names = [name for name in SCHEMA if name.startswith("grid.")]
    kept = {name.removeprefix("grid."): _text(session.settings.value(name, instrument.market)) for name in names}
    defaults = {name.removeprefix("grid."): _text(SCHEMA[name].default) for name in names}
    # what is done beyond the range moves no order inside of it
    return RunSpec(
        GridStrategy(instrument.market, config), kept, grid_limits(settings), defaults, frozenset({"on_breakout"})
    )


def _text(value: Any) -> str | None:
    return None if value is None else plain(value) if isinstance(value, Decimal) else str(value)


def _preflight(session: Session, instrument: Instrument, config: GridConfig) -> None:
    from pfmm.errors import RiskRefused
    from pfmm.strategy.grid.plan import plan_grid

    planned = plan_grid(config, instrument=instrument, mid=_mid(session, instrument))
    refusal = _too_large(planned, session.settings.for_market(instrument.market).run.max_inventory_usd)
    if refusal is not None:
        raise refusal
    equity = session.venue.account_state().equity
    if planned.capital_required > equity:
        raise RiskRefused(
            f"one side of this grid is worth {planned.capital_required:.2f} USD, above the account's equity of "
            f"{equity:.2f} USD",
            hint="take fewer levels or a smaller size",
        )


def _too_large(planned: GridPlan, limit: Decimal) -> RiskRefused | None:
    """The refusal of a grid whose one side alone is above the limit, else None: needs no account and no key."""
    from pfmm.errors import RiskRefused

    if planned.capital_required <= limit:
        return None
    return RiskRefused(
        f"one side of this grid is worth {planned.capital_required:.2f} USD, above max_inventory {limit:f} USD",
        hint="take fewer levels or a smaller size, or raise --max-inventory",
    )


def _mid(session: Session, instrument: Instrument) -> Decimal:
    from pfmm.errors import StaleData

    (ticker,) = session.venue.tickers([instrument.market])
    if ticker.mid is None:
        raise StaleData(f"{instrument.market} shows no bid or no ask now: a grid needs a price to be laid around")
    return ticker.mid


def plan_data(planned: GridPlan) -> dict[str, Any]:
    """The `data` of `grid plan`."""
    return {
        "market": planned.market,
        "mid": planned.mid,
        "lower": planned.lower,
        "upper": planned.upper,
        "levels": planned.levels,
        "spacing": planned.spacing,
        "step": planned.step,
        "step_bps": planned.step_bps,
        "maker_bps": planned.maker_bps,
        "profit_per_round_trip": planned.profit_per_round_trip,
        "fees_per_round_trip": planned.fees_per_round_trip,
        "capital_required": planned.capital_required,
        "orders": planned.orders,
        "worst_case": planned.worst_case,
    }


def plan_text(planned: GridPlan) -> str:
    """The plan as a ladder of lines, highest first, with what it could earn and lose."""
    by_line = {order.line: order for order in planned.orders}
    rows = []
    for index in reversed(range(len(planned.lines))):
        order = by_line.get(index)
        what = ("sell" if order.side.sign < 0 else "buy") if order is not None else "empty"
        size = plain(order.size) if order is not None else ""
        notional = f"{order.notional:.2f}" if order is not None else ""
        rows.append((str(index), what, plain(planned.lines[index]), size, notional))
    head = [
        f"{planned.market}  mid {planned.mid:f}  {planned.levels} {planned.spacing} steps of {planned.step:f} "
        f"({planned.step_bps:.2f} bps)",
        "",
        table(("line", "side", "price", "size", "USD"), rows, right=(0, 2, 3, 4)),
        "",
        f"profit a round trip  {planned.profit_per_round_trip:+.6f} USD at maker {planned.maker_bps:f} bps "
        f"(fees {planned.fees_per_round_trip:+.6f})",
        f"capital required     {planned.capital_required:.2f} USD before leverage",
        f"worst case           {planned.worst_case.at_lower:+.4f} USD at {planned.lower:f}, "
        f"{planned.worst_case.at_upper:+.4f} USD at {planned.upper:f}",
    ]
    return "\n".join(head)


add_standing(app, KIND, "grid")

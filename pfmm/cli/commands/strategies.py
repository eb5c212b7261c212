"""The commands of one strategy, whichever it is: its preview, start, status and stop. Layer: cli.

Made from the strategy's room: the flags from its table of settings, the words from its own. A strategy in the
registry has them all without a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated

import typer

from pfmm.app import strategies
from pfmm.cli import start_options as option
from pfmm.cli.opening import session
from pfmm.cli.options import any_decimal, takes_settings
from pfmm.cli.output import Result, answer, emit
from pfmm.cli.prompt import agreed, ask
from pfmm.cli.starting import add_start
from pfmm.cli.typer_seam import globals_of

if TYPE_CHECKING:
    from pfmm.app.strategies import Kind

Inventory = Annotated[
    Decimal | None,
    typer.Option(
        "--inventory",
        parser=any_decimal,
        metavar="USD",
        help="Suppose this inventory instead of the real one, USD; negative is short.",
        show_default=False,
    ),
]
Explain = Annotated[bool, typer.Option("--explain", help="Add inputs, fit and formula.")]


def app_of(name: str) -> typer.Typer:
    """Build the app of the strategy of that name, with the flags of its settings."""
    return _app(name, strategies.kind(name))


@cache
def _app(name: str, kind: Kind) -> typer.Typer:
    flags = strategies.flagged(name)
    app = typer.Typer(help=strategies.lines()[name])
    shown = _show_account(name) if kind.reads_account else _show_public(name)
    limit = ("run.max_inventory_usd",) if kind.reads_account else ()
    app.command(kind.preview, help=kind.preview_help)(takes_settings(*limit, tables=flags)(shown))
    add_start(app, kind, flags)
    _add_standing(app, kind)
    return app


def _show_account(name: str) -> Callable[..., None]:
    def show(
        context: typer.Context, market: option.Market, inventory: Inventory = None, explain: Explain = False
    ) -> None:
        _preview(context, name, market, inventory, explain=explain)

    return show


def _show_public(name: str) -> Callable[..., None]:
    def show(context: typer.Context, market: option.Market) -> None:
        _preview(context, name, market, None, explain=False)

    return show


def _preview(context: typer.Context, name: str, market: str, inventory: Decimal | None, *, explain: bool) -> None:
    from pfmm.app.preview import PreviewRequest, preview
    from pfmm.cli.render.preview import preview_data, preview_text

    options = globals_of(context)
    with session(options) as opened:
        found = preview(PreviewRequest(name, market, inventory), session=opened)
    warnings = () if found.refusal is None else (found.refusal,)
    emit(options, Result(preview_data(found, explain=explain), lambda: preview_text(found, explain=explain), warnings))


def _add_standing(app: typer.Typer, kind: Kind) -> None:
    def status(context: typer.Context, market: option.AnyMarket = None) -> None:
        from pfmm.app.status import StatusRequest
        from pfmm.app.status import status as read_status
        from pfmm.cli.render.status import render

        options = globals_of(context)
        with session(options) as opened:
            request = StatusRequest(kind.name, market)
            answer(options, lambda: read_status(request, session=opened), partial(render, kind.name))

    def stop(
        context: typer.Context,
        market: option.AnyMarket = None,
        flatten: option.Flatten = False,
        unknown_orders: option.UnknownOrders = False,
        yes: option.Yes = False,
    ) -> None:
        from pfmm.app.stop import StopRequest
        from pfmm.app.stop import stop as stop_runs
        from pfmm.cli.render.stop import render

        options = globals_of(context)
        with session(options) as opened:
            request = StopRequest(kind.name, market, flatten, unknown_orders)
            answer(
                options,
                lambda: agreed(stop_runs(request, session=opened, confirm=partial(ask, yes=yes))),
                partial(render, kind.name),
            )

    what = kind.noun
    app.command("status", help=f"Show every {what} of this account: state, resting orders, fills, P&L.")(status)
    app.command(
        "stop", help=f"Stop the {what}, cancel its orders and prove that none is left; works on a dead runner too."
    )(stop)

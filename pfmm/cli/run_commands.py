"""The `status` and `stop` commands that every strategy has, declared once and added to its app."""

from __future__ import annotations

import typer

from pfmm.cli import start_options as option
from pfmm.cli.options import globals_of


def add_standing(app: typer.Typer, kind: str, what: str) -> None:
    """Adds `status` and `stop` for runs of `kind`; `what` is the plain word for one ("grid", "market maker")."""

    def status(context: typer.Context, market: option.AnyMarket = None) -> None:
        from pfmm.cli.context import session
        from pfmm.cli.run_control import status as show_status

        options = globals_of(context)
        with session(options) as opened:
            show_status(options, opened, kind, market)

    def stop(
        context: typer.Context,
        market: option.AnyMarket = None,
        flatten: option.Flatten = False,
        yes: option.Yes = False,
    ) -> None:
        from pfmm.cli.context import session
        from pfmm.cli.run_control import stop as stop_runs

        options = globals_of(context)
        with session(options) as opened:
            stop_runs(options, opened, kind, market, flatten=flatten, yes=yes)

    app.command(help=f"Show every {what} of this account: state, resting orders, fills, P&L.")(status)
    app.command(help=f"Stop the {what}, cancel its orders and prove that none is left; works on a dead runner too.")(
        stop
    )

"""`pfmm flatten`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from pfmm.cli.options import several_markets, takes_settings
from pfmm.cli.output import answer, warn
from pfmm.cli.prompt import agreed, ask
from pfmm.cli.render.flatten import render, render_plan
from pfmm.cli.typer_seam import globals_of

app = typer.Typer(help="Emergency: cancel orders and close positions, and prove it.")

Markets = Annotated[
    list[str] | None, typer.Argument(metavar="[MARKET]...", help="Markets: BTC-PERP, btc-perp, BTC or btc.")
]
Everything = Annotated[bool, typer.Option("--all", help="The whole account: every market, every order.")]
Half = Annotated[bool, typer.Option("--half", help="Close half of each position.")]
CancelOnly = Annotated[bool, typer.Option("--cancel-only", help="Cancel orders; leave positions as they are.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be cancelled and closed; send nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before flattening a live account.")]


@app.command()
@takes_settings("flatten.max_slippage_bps", "flatten.timeout_s")
def flatten(
    context: typer.Context,
    markets: Markets = None,
    everything: Everything = False,
    half: Half = False,
    cancel_only: CancelOnly = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Halt the account's runners, cancel all orders, close the positions with reduce-only orders, and prove it.

    Stops every runner of the account, also those on other markets, and leaves a HALT that only `pfmm resume` lifts.
    Orders that pfmm did not place are cancelled too.
    """
    from pfmm.app.flatten import FlattenRequest, hangup_ignored, plan
    from pfmm.app.flatten import flatten as flatten_account
    from pfmm.cli.opening import emergency_session
    from pfmm.errors import OutputLost, UsageError

    if bool(markets) == everything:
        both = "both markets and --all" if everything else "no market"
        raise UsageError(f"flatten was given {both}", hint="name the markets, or say --all for the whole account")
    options, request = (
        globals_of(context),
        FlattenRequest(several_markets(markets or (), "pfmm flatten --all"), half, cancel_only),
    )
    # a connection that breaks must not end an emergency half-way
    with hangup_ignored(), emergency_session(options) as opened:
        if dry_run:
            answer(options, lambda: plan(request, session=opened), render_plan)
            return
        try:
            answer(
                options,
                lambda: agreed(flatten_account(request, session=opened, confirm=partial(ask, yes=yes))),
                render,
            )
        except OutputLost as error:  # the verdict stands, and is in the log
            warn(error.message)

"""`pfmm inventory`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from typing import Annotated

import typer

from pfmm.app.asserting import read_assertion
from pfmm.cli.assertion_check import Assert
from pfmm.cli.live import watch as watching
from pfmm.cli.opening import session
from pfmm.cli.options import several_markets, takes_settings
from pfmm.cli.typer_seam import globals_of

app = typer.Typer()


@app.command()
@takes_settings("run.interval_s")
def inventory(
    context: typer.Context,
    markets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MARKET]...", help="Markets: BTC-PERP, btc-perp, BTC or btc. Without: all with any."),
    ] = None,
    watch: watching.Watch = False,
    assertion: Assert = None,
) -> None:
    """Show positions against their limits, profit and its parts, what rests, and the account.

    --assert sees the fields of each position together with the account's; without a position, the account's and
    those of a flat one.
    """
    from pfmm.app.inventory import ACCOUNT_FIELDS, POSITION_FIELDS, broken, markets_of
    from pfmm.app.inventory import inventory as look_at_account
    from pfmm.cli.render.inventory import render

    options = globals_of(context)
    check = read_assertion(assertion, (*ACCOUNT_FIELDS, *POSITION_FIELDS))
    with session(options) as opened:
        names = markets_of(several_markets(markets or (), "pfmm inventory"), session=opened)

        def look() -> watching.Look:
            found = look_at_account(names, session=opened)
            return watching.look_at(found, broken(check, found), render)

        every_s = opened.settings.general.run.interval_s if watch else None
        watching.show_looks(options, opened, "inventory", look, every_s=every_s)

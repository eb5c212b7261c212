"""`pfmm markets`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from typing import Annotated

import typer

from pfmm.cli.opening import session
from pfmm.cli.options import several_markets
from pfmm.cli.output import answer
from pfmm.cli.typer_seam import globals_of

app = typer.Typer()


@app.command()
def markets(
    context: typer.Context,
    named: Annotated[
        list[str] | None, typer.Argument(metavar="[MARKET]...", help="Only these: BTC-PERP, btc or BTC,ETH.")
    ] = None,
    category: Annotated[
        str | None, typer.Option("--category", metavar="X", help="Only this category, as in the table.")
    ] = None,
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Only names with TEXT in them.")
    ] = None,
    volume: Annotated[bool, typer.Option("--volume", help="Add the 24 h volume (one more request).")] = False,
) -> None:
    """List the venue's instruments: price step, size step, smallest order, leverage, fees, funding interval."""
    from pfmm.app.markets import MarketsRequest
    from pfmm.app.markets import markets as find
    from pfmm.cli.render.markets import render

    options, request = (
        globals_of(context),
        MarketsRequest(category, search, volume, several_markets(named or (), "pfmm markets")),
    )
    with session(options) as opened:
        answer(options, lambda: find(request, session=opened), render)

"""`pfmm book`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from pfmm.app.book import USUAL_LEVELS, BookRequest, check_request
from pfmm.app.book import book as look_at_book
from pfmm.cli import start_options as option
from pfmm.cli.live import watch as watching
from pfmm.cli.opening import session
from pfmm.cli.options import positive_integer, takes_settings
from pfmm.cli.output import lines
from pfmm.cli.render.book import render
from pfmm.cli.typer_seam import globals_of

app = typer.Typer()


@app.command()
@takes_settings("run.interval_s")
def book(
    context: typer.Context,
    market: option.Market,
    levels: Annotated[
        int, typer.Option("--levels", parser=positive_integer, metavar="N", help="Levels a side.")
    ] = USUAL_LEVELS,
    watch: watching.Watch = False,
) -> None:
    """Show the depth of a market with your own orders marked, its spread and its imbalance.

    Imbalance is (bid size − ask size) ÷ their sum: +1 is all bids.
    """
    options = globals_of(context)
    request = BookRequest(market, levels)
    check_request(request)
    shown = partial(render, height=lines()) if watch else render
    with session(options) as opened:

        def look() -> watching.Look:
            return watching.look_at(look_at_book(request, session=opened), None, shown)

        every_s = opened.settings.general.run.interval_s if watch else None
        watching.show_looks(options, opened, "book", look, every_s=every_s)

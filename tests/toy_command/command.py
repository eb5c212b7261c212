"""`pfmm distance`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from pfmm.cli.opening import session
from pfmm.cli.options import positive_decimal
from pfmm.cli.output import answer
from pfmm.cli.typer_seam import globals_of
from tests.toy_command.render import render
from tests.toy_command.use_case import DistanceRequest
from tests.toy_command.use_case import distance as measure

app = typer.Typer()


@app.command()
def distance(
    context: typer.Context,
    market: Annotated[str, typer.Argument(metavar="MARKET", help="Market.")],
    price: Annotated[Decimal, typer.Argument(parser=positive_decimal, metavar="PRICE", help="USD.")],
) -> None:
    """Say how far a market is from a price."""
    options = globals_of(context)
    with session(options) as opened:
        answer(options, lambda: measure(DistanceRequest(market, price), session=opened), render)

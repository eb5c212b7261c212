"""`pfmm resume`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

import typer

from pfmm.cli.opening import session
from pfmm.cli.output import answer
from pfmm.cli.typer_seam import globals_of

app = typer.Typer(help="Lift the HALT that flatten or a kill switch left.")


@app.command()
def resume(context: typer.Context) -> None:
    """Lift the HALT of the account, so that start works again; shows who set it, when and why."""
    from pfmm.app.resume import resume as lift
    from pfmm.cli.render.resume import render

    options = globals_of(context)
    with session(options) as opened:
        answer(options, lambda: lift(session=opened), render)

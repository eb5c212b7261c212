"""`pfmm doctor`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from typing import Annotated

import typer

from pfmm.cli.output import answer, columns
from pfmm.cli.typer_seam import globals_of

app = typer.Typer()


@app.command()
def doctor(
    context: typer.Context,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also fold every journal anew and compare its books; takes a while.")
    ] = False,
) -> None:
    """Check configuration, key, venue, clock, budget, locks, HALT, journals, disk; each finding with its fix.

    Exit 0 when nothing fails, warnings or not. Else the code of the first failure: 3 configuration, key, state folder,
    journal, paper exchange, disk or clock; 4 the venue refuses the key; 5 it cannot be reached; 6 it refuses;
    13 the tape that the paper exchange replays is unusable.
    """
    from pfmm.app.doctor import doctor as examine
    from pfmm.cli.render.doctor import render

    options = globals_of(context)
    # its text is wrapped everywhere: in a cron mail too
    answer(
        options, lambda: examine(options.profile, deep=deep), lambda result, width: render(result, width or columns())
    )

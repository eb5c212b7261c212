"""`pfmm logs`: parse the request, print the lines. Layer: cli."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from pfmm.cli.options import positive_integer
from pfmm.cli.output import answer, tell, write
from pfmm.cli.typer_seam import globals_of
from pfmm.errors import UsageError

app = typer.Typer()


@app.command()
def logs(
    context: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Of grid-BTC-PERP, grid or BTC; without it, the log written to last."),
    ] = None,
    lines: Annotated[int, typer.Option("--lines", parser=positive_integer, metavar="N", help="The last N lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as more is written, until Ctrl-C.")] = False,
) -> None:
    """Show the log of a run in the background: its events and what it said on stderr."""
    from pfmm.app.logs import LogsRequest
    from pfmm.app.logs import follow as follow_log
    from pfmm.app.logs import logs as read
    from pfmm.cli.render.logs import for_people, render
    from pfmm.config.resolve import load_settings

    options = globals_of(context)
    settings = load_settings(os.environ, profile=options.profile)
    request = LogsRequest(run, lines)
    if not follow:
        answer(options, lambda: read(request, settings=settings), render)
        return
    if options.json:
        raise UsageError("a log is no JSON", hint="did you mean `pfmm events --follow`?")
    plain = sys.stdout is None or not sys.stdout.isatty()
    words = for_people()
    told = write if plain else lambda line: tell("\n".join(words(line)))
    raise typer.Exit(follow_log(request, settings=settings, tell=told))

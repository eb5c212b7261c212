"""`pfmm help TOPIC`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from typing import Annotated

import typer

from pfmm.cli.options import globals_of
from pfmm.cli.output import answer

app = typer.Typer()


@app.command()
def help_(
    context: typer.Context,
    topic: Annotated[str | None, typer.Argument(metavar="[TOPIC]", help="Topic; without it, the list of them.")] = None,
) -> None:
    """Show a reference page: exit-codes, json, config, venues, formulas, paper-fills, data."""
    from pfmm.app.help import page, topics
    from pfmm.cli.render.help import render_page, render_topics

    options = globals_of(context)
    if topic is None:
        answer(options, topics, render_topics)
    else:
        wanted = topic
        answer(options, lambda: page(wanted), render_page)

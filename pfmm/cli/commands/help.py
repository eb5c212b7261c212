"""`pfmm help TOPIC`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from typing import Annotated

import typer

from pfmm.cli.output import answer
from pfmm.cli.registry import commands
from pfmm.cli.typer_seam import globals_of, help_of

app = typer.Typer()


@app.command()
def help_(
    context: typer.Context,
    topic: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC]...", help="Topic, or a command; without it, the list of topics."),
    ] = None,
) -> None:
    """Show a reference page (`pfmm help` lists them), or the help of a command."""
    from pfmm.app.help import page, topics
    from pfmm.cli.render.help import render_page, render_topics

    options, words = globals_of(context), topic or []
    if not words:
        answer(options, topics, render_topics)
        return
    name = " ".join(words).lower()
    text = help_of(context, name)
    answer(options, lambda: page(name, text, tuple(commands())), render_page)

"""`pfmm help TOPIC`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pfmm.cli.output import Globals, answer, say
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
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="FOLDER", show_default=False, help="With `schema`: make all files there anew."),
    ] = None,
) -> None:
    """Show a reference page (`pfmm help` lists them), or the help of a command."""
    from pfmm.app.help import is_topic, page, topics
    from pfmm.cli.render.help import render_command, render_page, render_topics

    options, words = globals_of(context), topic or []
    if words[:1] == ["schema"]:
        _schema(options, " ".join(words[1:]), write)
        return
    if not words:
        answer(options, topics, render_topics)
        return
    name = " ".join(words).lower()
    text = help_of(context, name)
    render = render_page if is_topic(name) else render_command
    answer(options, lambda: page(name, text, tuple(commands())), render, as_it_is=True)


def _schema(options: Globals, command: str, target: Path | None) -> None:
    """Print the JSON Schema of a command's answer, or list those that have one."""
    from pfmm.app.schemas import listed, shown, write
    from pfmm.cli.render.help import render_schema, render_schemas

    if target is not None:
        say(options, f"wrote {len(write(target))} files to {target}")
        answer(options, listed, lambda _found, _width: "")
    elif command:
        answer(options, lambda: shown(command), render_schema, as_it_is=True)
    else:
        answer(options, listed, render_schemas)

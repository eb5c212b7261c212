"""`pfmm help TOPIC`: the reference pages of `pfmm/help`, with their generated tables filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pfmm.cli.options import globals_of
from pfmm.cli.output import Result, emit, table
from pfmm.cli.reference import title, topics
from pfmm.errors import UsageError
from pfmm.model.setting import nearest

WIDEST = 100  # columns

app = typer.Typer()


def page(file: Path) -> str:
    """The text of a topic. A line {{exit-codes}}, {{error-codes}} or {{settings}} stands for its generated table."""
    from pfmm.cli import reference

    makers = {
        "{{exit-codes}}": reference.exit_code_table,
        "{{error-codes}}": reference.error_code_table,
        "{{settings}}": reference.settings_table,
    }
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(makers[line]() if line in makers else line for line in lines)


@app.command()
def help_(
    context: typer.Context,
    topic: Annotated[str | None, typer.Argument(metavar="[TOPIC]", help="Topic; without it, the list of them.")] = None,
) -> None:
    """Show a reference page: exit-codes, json, config, venues, formulas, paper-fills, data."""
    options = globals_of(context)
    files = topics()
    if topic is None:
        rows = [(name, title(file)) for name, file in files.items()]
        data = {"topics": [{"name": name, "title": title} for name, title in rows]}
        emit(options, Result(data, lambda: table(("topic", "about"), rows)))
        return
    if topic not in files:
        guess = nearest(topic, tuple(files))
        raise UsageError(
            f"there is no topic {topic!r}", hint=f"did you mean {guess}?" if guess else "`pfmm help` lists the topics"
        )
    text = page(files[topic])
    emit(options, Result({"topic": topic, "text": text}, lambda: _shown(text)))


def _shown(text: str) -> str:
    """The page wrapped for a terminal; anywhere else the Markdown as it is."""
    import sys
    from shutil import get_terminal_size

    from pfmm.cli.render.paragraphs import fitted

    if sys.stdout is None or not sys.stdout.isatty():
        return text
    return fitted(text, min(get_terminal_size((WIDEST, 0)).columns, WIDEST))

"""The reference pages on a terminal. Layer: cli."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from pfmm.cli.output import as_written
from pfmm.cli.render.paragraphs import fitted
from pfmm.cli.render.tables import table

if TYPE_CHECKING:
    from pfmm.app.help import Page, Topics
    from pfmm.app.schemas import Schemas, SchemaShown

WIDEST = 100  # columns


def render_topics(result: Topics, width: int | None) -> str:
    """List the topics, one a line; what is too long goes on below itself."""
    from pfmm.cli.wrapping import broken

    rows = [("topic", "about"), *((one.name, one.title) for one in result.topics)]
    names = max(len(name) for name, _ in rows)
    lines = [f"{name.ljust(names)}  {title}" for name, title in rows]
    if width is not None:
        lines = [part for line in lines for part in broken(line, width, rest=" " * (names + 2))]
    return "\n".join(lines)


def render_schemas(result: Schemas, width: int | None) -> str:
    """List the commands with a schema, one a line."""
    return table(("command", "schema"), [(one, f"pfmm help schema {one}") for one in result.commands], width=width)


def render_schema(result: SchemaShown, width: int | None) -> str:  # noqa: ARG001 - JSON, whatever the terminal
    """Write the schema itself, ready for a validator."""
    return json.dumps(result.json_schema, indent=1, ensure_ascii=False)


def render_command(result: Page, width: int | None) -> str:  # noqa: ARG001 - it is fitted to the terminal already
    """Return the help of a command, as its --help prints it."""
    return result.text


def render_page(result: Page, width: int | None) -> str:
    """Wrap the page for a terminal, in the characters that it can show; anywhere else return the Markdown as it is."""
    return result.text if width is None else fitted(as_written(result.text, sys.stdout), min(width, WIDEST))

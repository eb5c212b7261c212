"""The reference pages on a terminal. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pfmm.cli.render.paragraphs import fitted
from pfmm.cli.render.tables import table

if TYPE_CHECKING:
    from pfmm.app.help import Page, Topics

WIDEST = 100  # columns


def render_topics(result: Topics, width: int | None) -> str:
    """The topics, one a line."""
    return table(("topic", "about"), [(one.name, one.title) for one in result.topics], width=width)


def render_page(result: Page, width: int | None) -> str:
    """The page wrapped for a terminal; anywhere else the Markdown as it is."""
    return result.text if width is None else fitted(result.text, min(width, WIDEST))

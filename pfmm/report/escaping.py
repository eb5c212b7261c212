"""Text as a page may hold it. Pure. Layer: report."""

from __future__ import annotations

import html

from pfmm.model.text import visible


def escape(text: str) -> str:
    """Escape what a browser or a terminal would act on: <b> becomes &lt;b&gt;, ESC becomes \\x1b."""
    return html.escape(visible(text))

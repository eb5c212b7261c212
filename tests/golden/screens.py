"""Compares what renderers draw at four widths with the files that were looked at and kept.

`PFMM_WRITE_GOLDEN=1 python -m pytest tests/golden` writes them anew: read the difference before it is committed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent / "render"
WIDTHS = (60, 80, 100, 140)


def assert_drawn_as_kept(name: str, draw: Callable[[int], str]) -> None:
    """Draws at every width: what is kept under `name` must come out, and no line may be wider than it can be."""
    drawn = "".join(f"=== {width} columns\n{draw(width)}\n" for width in WIDTHS)
    file = FOLDER / f"{name}.txt"
    if os.environ.get("PFMM_WRITE_GOLDEN"):
        file.write_text(drawn, encoding="utf-8")
    assert drawn == file.read_text("utf-8")

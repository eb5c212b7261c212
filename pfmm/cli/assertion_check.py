"""The option `--assert`, declared once. Layer: cli."""

from __future__ import annotations

from typing import Annotated

import typer

Assert = Annotated[
    str | None,
    typer.Option(
        "--assert", metavar="EXPR", show_default=False,
        help="Exit 10 unless EXPR holds for every row: comparisons over the fields of --json, abs, and, or, not.",
    ),
]  # fmt: skip

"""The options that say what trading costs: the same on paper feeds, backtests and sweeps. Layer: cli."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from pfmm.cli.options import any_decimal

Preset = Annotated[
    str | None,
    typer.Option(
        "--fees", metavar="PRESET", show_default=False,
        help="Entry tier of article, hyperliquid, binance, bybit or okx (2026-11); else the data's own venue's.",
    ),
]  # fmt: skip
MakerBps = Annotated[
    Decimal | None,
    typer.Option(
        "--maker-bps", parser=any_decimal, metavar="BPS", show_default=False, help="Maker fee; a rebate is negative."
    ),
]
TakerBps = Annotated[
    Decimal | None,
    typer.Option("--taker-bps", parser=any_decimal, metavar="BPS", show_default=False, help="Taker fee."),
]

"""The options that every `start`, `status` and `stop` declares, once. Types only. Layer: cli."""

from __future__ import annotations

from typing import Annotated

import typer

from pfmm.cli.options import one_market, positive_integer

Market = Annotated[
    str,
    typer.Argument(
        metavar="MARKET", parser=one_market, help="Market: BTC-PERP, btc-perp, BTC or btc.", show_default=False
    ),
]
AnyMarket = Annotated[
    str | None,
    typer.Argument(
        metavar="[MARKET]", parser=one_market, help="One market; all of them without it.", show_default=False
    ),
]

# the flags of every `start` that are settings of the process
RUN = (
    "run.interval_s", "run.on_exit", "run.on_restart", "run.position", "run.sessions", "run.max_inventory_usd",
    "run.max_loss_usd",
)  # fmt: skip
Cycles = Annotated[
    int | None,
    typer.Option("--cycles", parser=positive_integer, metavar="N", help="Stop after N cycles.", show_default=False),
]
Once = Annotated[bool, typer.Option("--once", help="One cycle, then exit; orders stay (for cron).")]
Detach = Annotated[bool, typer.Option("--detach", help="Run in the background, with a log file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Send nothing; show what would change.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="With --dry-run: exit 12 when changes are pending.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, on a live venue.")]
YesUnprotected = Annotated[
    bool, typer.Option("--yes-unprotected", help="Start live where the venue grants neither dead-man nor stop.")
]
Flatten = Annotated[bool, typer.Option("--flatten", help="Also close the position on these markets.")]
UnknownOrders = Annotated[
    bool, typer.Option("--unknown-orders", help="Also cancel orders with pfmm's ids that this journal does not know.")
]

"""`pfmm events`: parse the request, print an event a line. Layer: cli."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pfmm.cli.opening import session
from pfmm.cli.typer_seam import globals_of
from pfmm.model.numbers import parse_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pfmm.app.events import ToldEvent

app = typer.Typer()


def _cursor(text: str | int) -> int:
    try:
        value = parse_integer(str(text))
    except ValueError:
        value = -1
    if value < 0:
        raise typer.BadParameter(f"must be a cursor, the number that each event carries (0: all of them), not {text}")
    return value


@app.command()
def events(
    context: typer.Context,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", show_default=False,
                     help="Only of this run: its id, or the newest of a strategy or a market (grid, BTC, grid-BTC)."),
    ] = None,
    since: Annotated[
        int | None,
        typer.Option("--since", parser=_cursor, metavar="CURSOR", show_default=False,
                     help="Only what came after this cursor; 0 is everything that is kept. Without it: the last 100."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on as new ones come, until Ctrl-C or the end of --run.")
    ] = False,
) -> None:  # fmt: skip
    """Show what happened, from the journal: a line an event, each with its cursor (NDJSON off a terminal).

    Reads neither the venue nor a log: of a loop that was killed and started again every fill is told once. What is no
    longer kept (90 days, 200,000 events) is told as one event, gap.
    """
    from pfmm.app.events import LAST, EventsRequest
    from pfmm.app.events import events as read
    from pfmm.cli.output import say

    options = globals_of(context)
    as_text = not options.json and sys.stdout is not None and sys.stdout.isatty()
    with session(options) as opened:
        code = read(
            EventsRequest(run, since, follow),
            session=opened,
            tell=_as_text() if as_text else _as_json(),
            left_out=lambda: say(options, f"the last {LAST} events; `pfmm events --since 0` tells all that are kept"),
        )
    if code:
        raise typer.Exit(code)


def _as_text() -> Callable[[ToldEvent], None]:
    from pfmm.cli.output import tell
    from pfmm.cli.render.events import dated, event_text
    from pfmm.model.text import iso

    lines = dated()

    def told(event: ToldEvent) -> None:
        tell("\n".join(lines(iso(event.time_ms)[:10] if event.time_ms else "", event_text(event))))

    return told


def _as_json() -> Callable[[ToldEvent], None]:
    from pfmm.cli.output import EventStream

    stream = EventStream()

    def tell(event: ToldEvent) -> None:
        about = {"cursor": event.cursor, "run": event.run, "market": event.market, "strategy": event.strategy}
        stream.write(event.event, event.time_ms, **about, **event.data)

    return tell

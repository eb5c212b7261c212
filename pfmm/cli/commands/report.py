"""`pfmm report`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from pfmm.cli.opening import session
from pfmm.cli.output import Globals, emit, printed, say
from pfmm.cli.times import since as since_parser
from pfmm.cli.typer_seam import globals_of
from pfmm.errors import OutputLost, UsageError

if TYPE_CHECKING:
    from pfmm.app.report import ReportResult

app = typer.Typer()


@app.command()
def report(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option("--since", parser=since_parser, metavar="TIME", show_default=False,
                     help="Only the last 24h (or 30m, 7d, 2w), or from a time on (UTC)."),
    ] = None,
    market: Annotated[
        str | None, typer.Option("--market", metavar="MARKET", help="Only this market.", show_default=False)
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option("--strategy", metavar="NAME", help="Only the runs of this strategy.", show_default=False),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Also write one page with charts, to be opened in a browser.",
                     show_default=False),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Also write the fills with what each earned.", show_default=False),
    ] = None,
    export: Annotated[
        str | None,
        typer.Option("--export", metavar="FILE", help="Write the journal canonically as NDJSON; - is stdout. Asks "
                     "nothing of the venue.", show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """Measure performance against target ranges, and split the profit into where it came from."""
    from pfmm.app.report import STDOUT, Files, ReportRequest, check_request
    from pfmm.app.report import report as measure

    options = globals_of(context)
    request = ReportRequest(since, market, strategy, Files(html, csv, export))
    check_request(request)
    if export == STDOUT and options.json:
        raise UsageError("--export - prints NDJSON itself: leave --json out, or export to a file")
    with session(options) as opened:
        found = measure(request, session=opened, stdout=_stdout, tell=lambda text: say(options, text))
        if found is not None:
            _emit(options, found)


def _emit(options: Globals, found: ReportResult) -> None:
    from pfmm.cli.render.report import encode, render

    emit(options, printed(found, render, encode))


def _stdout() -> TextIO:
    if sys.stdout is None:
        raise OutputLost("the output cannot be written: stdout is closed")
    return sys.stdout

"""`pfmm funding`: parse the request, draw the answer. Layer: cli."""

from __future__ import annotations

from typing import Annotated

import typer

from pfmm.app.asserting import read_assertion
from pfmm.app.funding import FIELDS, HISTORY_FIELDS, SORTS, FundingRequest, broken, check_request
from pfmm.app.funding import funding as check_funding
from pfmm.cli.assertion_check import Assert
from pfmm.cli.live import watch as watching
from pfmm.cli.opening import session
from pfmm.cli.options import positive_integer, several_markets, takes_settings
from pfmm.cli.render.funding import render
from pfmm.cli.times import span_ms
from pfmm.cli.typer_seam import globals_of

app = typer.Typer()


def _sort(text: str) -> str:
    if text not in SORTS:
        raise typer.BadParameter(f"must be {' | '.join(SORTS)}, not {text!r}")
    return text


@app.command()
@takes_settings("funding.min_bps", "run.interval_s")
def funding(
    context: typer.Context,
    markets: Annotated[
        list[str] | None, typer.Argument(metavar="[MARKET]...", help="Markets: BTC-PERP, btc-perp, BTC or btc.")
    ] = None,
    scan: Annotated[bool, typer.Option("--all", help="Every market of the venue.")] = False,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            parser=_sort,
            metavar="CHOICE",
            show_default=False,
            help="rate (8 h rate, highest first), apr (largest a year first) or market. --all: apr.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", parser=positive_integer, metavar="N", help="The first N only.", show_default=False),
    ] = None,
    history: Annotated[
        int | None,
        typer.Option(
            "--history",
            parser=span_ms,
            metavar="SPAN",
            show_default=False,
            help="Also the settled rates of the last 7d (or 24h, 2w): mean, deviation, share positive.",
        ),
    ] = None,
    watch: watching.Watch = False,
    assertion: Assert = None,
) -> None:
    """Check funding: rate, 8 h equivalent, a year's worth, next payment, and which way to lean.

    Positive rates: longs pay shorts. With --all, --min-bps leaves out the markets below it. --assert is about the
    markets that are shown, and holds where none is.
    """
    options = globals_of(context)
    check = read_assertion(assertion, FIELDS if history is None else (*FIELDS, *HISTORY_FIELDS))
    floor_bps = options.flags.get("funding.min_bps") if scan else None
    request = FundingRequest(
        several_markets(markets or (), "pfmm funding --all"), scan, sort, limit, floor_bps, history
    )
    check_request(request)
    with session(options) as opened:

        def look() -> watching.Look:
            found = check_funding(request, session=opened)
            return watching.look_at(found, broken(check, found), render)

        every_s = opened.settings.general.run.interval_s if watch else None
        watching.show_looks(options, opened, "funding", look, every_s=every_s)

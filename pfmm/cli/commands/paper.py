"""`pfmm paper`: parse the requests, draw the answers. Layer: cli."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pfmm.app.paper import At as StartAt
from pfmm.app.paper import FeedShown
from pfmm.cli.fee_options import MakerBps, Preset, TakerBps
from pfmm.cli.opening import paper_session
from pfmm.cli.options import non_negative_float, non_negative_integer, positive_decimal
from pfmm.cli.output import Globals, answer, event_line, say, write
from pfmm.cli.prompt import agreed, ask
from pfmm.cli.reading import reading
from pfmm.cli.render import paper as render
from pfmm.cli.times import moment
from pfmm.cli.typer_seam import globals_of
from pfmm.errors import UsageError
from pfmm.model.fees import FeeChoice

DEFAULT_PORT = 8787

app = typer.Typer(help="The embedded exchange: paper money, real rules. See `pfmm help paper-fills`.")
feed_app = typer.Typer(help="Show or switch the market that the exchange trades in.", invoke_without_command=True)
app.add_typer(feed_app, name="feed")


def _at(text: str | StartAt) -> StartAt:
    if isinstance(text, StartAt):
        return text
    found = moment(text)
    return StartAt(found.ms, found.text)


Speed = Annotated[
    float,
    typer.Option(
        "--speed", parser=non_negative_float, metavar="X",
        help="Venue seconds a second, up to 1000000; 0 = time moves only when a client steps it.",
    ),
]  # fmt: skip
At = Annotated[
    StartAt | None,
    typer.Option(
        "--at", parser=_at, metavar="TIME", help="Venue time to start at (ISO-8601 UTC, or ms since 1970).",
        show_default=False,
    ),
]  # fmt: skip
Reset = Annotated[bool, typer.Option("--reset", help="Drop every paper account first (orders, positions, history).")]


@app.command()
def status(context: typer.Context) -> None:
    """Show market, clock, equity, positions and orders."""
    from pfmm.app import paper

    options = globals_of(context)
    with paper_session(options) as opened:
        answer(options, lambda: paper.status(session=opened), render.render_status)


@app.command()
def reset(
    context: typer.Context, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Drop every paper account and start the market's clock anew. Journals are kept aside; order ids go on."""
    from pfmm.app import paper

    options = globals_of(context)
    with paper_session(options, changes=True) as opened:
        answer(options, lambda: agreed(paper.reset(session=opened, confirm=partial(ask, yes=yes))), render.render_feed)


@app.command()
def clock(
    context: typer.Context,
    keep: Annotated[
        bool, typer.Option("--keep", help="The machine's clock is right; paper time goes on from where it is.")
    ] = False,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="The same, but live through what paper time is behind: orders may fill.")
    ] = False,
) -> None:
    """Show paper time beside this machine's clock, and set it right after the clock was wrong or set."""
    from pfmm.app import paper_clock

    if keep and catch_up:
        raise UsageError("--keep and --catch-up exclude each other")
    options = globals_of(context)
    change: paper_clock.Change | None = "keep" if keep else "catch_up" if catch_up else None
    with paper_session(options, changes=True) as opened:
        answer(options, lambda: paper_clock.clock(change, session=opened), render.render_clock)


@app.command()
def deposit(
    context: typer.Context,
    amount: Annotated[Decimal, typer.Argument(parser=positive_decimal, metavar="AMOUNT", help="USDC, up to 1e9.")],
) -> None:
    """Add paper money to the account."""
    from pfmm.app import paper

    options = globals_of(context)
    with paper_session(options, changes=True) as opened:
        answer(options, lambda: paper.deposit(amount, session=opened), render.render_deposit)


@app.command()
def account(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Paper account; default: the profile's.", show_default=False)
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file", metavar="FILE", help="Write its test key to a new file, mode 0600.", show_default=False
        ),
    ] = None,
    show_key: Annotated[bool, typer.Option("--show-key", help="Show its test key.")] = False,
) -> None:
    """Show the address of a paper account for clients that speak Hyperliquid's dialect; opens it if it is new."""
    from pfmm.app.paper_accounts import paper_account

    options = globals_of(context)
    with paper_session(options, changes=True) as opened:
        answer(
            options,
            lambda: paper_account(name, show_key=show_key, key_file=key_file, session=opened),
            render.render_account,
        )


@feed_app.callback()
def feed(context: typer.Context) -> None:
    """Show the market that the exchange trades in, or switch it."""
    if context.invoked_subcommand is None:
        from pfmm.app.paper import feed as shown

        _change_feed(context, shown)


def _change_feed(context: typer.Context, change: Callable[..., FeedShown]) -> None:
    """Run a use case on the exchange's market, and print the market that it has then."""
    options = globals_of(context)
    with paper_session(options, changes=True) as opened:
        answer(options, lambda: change(session=opened), render.render_feed)


@feed_app.command()
def synthetic(
    context: typer.Context,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", parser=non_negative_integer, metavar="N", show_default=False,
            help="The same seed, the same market; without it another one.",
        ),
    ] = None,
    speed: Speed = 1.0,
    at: At = None,
    fees: Preset = None,
    maker_bps: MakerBps = None,
    taker_bps: TakerBps = None,
    reset: Reset = False,
) -> None:  # fmt: skip
    """Trade in a made-up market: endless, the same for the same seed. Starts now unless --at."""
    from pfmm.app.paper import synthetic_feed

    charge = FeeChoice(fees, maker_bps, taker_bps)
    _change_feed(context, partial(synthetic_feed, seed=seed, speed=speed, at=at, afresh=reset, charge=charge))


@feed_app.command()
def replay(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Recorded data of any kind that `pfmm help data` lists.")
    ],
    speed: Speed = 1.0,
    at: At = None,
    fees: Preset = None,
    maker_bps: MakerBps = None,
    taker_bps: TakerBps = None,
    reset: Reset = False,
    idle_pause: Annotated[
        bool, typer.Option("--idle-pause/--no-idle-pause", help="Stop the clock after 60 s without any use.")
    ] = True,
    market: Annotated[
        str | None,
        typer.Option("--market", metavar="MARKET", show_default=False, help="The market of files that do not name it."),
    ] = None,
    data_format: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", show_default=False, help="Take files for it: `pfmm help data`."),
    ] = None,
    skip_bad: Annotated[
        int,
        typer.Option("--skip-bad", parser=non_negative_integer, metavar="N", help="Pass over up to N damaged rows."),
    ] = 0,
) -> None:
    """Trade in recorded data. It is read once and kept beside the exchange; the files are not needed later."""
    from pfmm.app.paper import replay_feed

    charge = FeeChoice(fees, maker_bps, taker_bps)
    with reading(globals_of(context), files) as watch:
        _change_feed(
            context,
            partial(
                replay_feed,
                files,
                speed=speed,
                at=at,
                idle_pause=idle_pause,
                afresh=reset,
                charge=charge,
                market=market,
                data_format=data_format,
                skip_bad=skip_bad,
                watch=watch,
            ),
        )


@feed_app.command()
def live(
    context: typer.Context,
    venue: Annotated[str, typer.Option("--venue", metavar="VENUE", help="Whose public data: hyperliquid.")],
    testnet: Annotated[bool, typer.Option("--testnet", help="Its test network instead.")] = False,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", show_default=False, help="Another address of the venue.")
    ] = None,
    socket: Annotated[bool, typer.Option("--socket", help="Through its WebSocket: every print (extra `ws`).")] = False,
    fees: Preset = None,
    maker_bps: MakerBps = None,
    taker_bps: TakerBps = None,
    reset: Reset = False,
) -> None:
    """Trade with paper money on a real venue's public data. Needs the network, and no account there."""
    from pfmm.app.paper import live_feed

    charge = FeeChoice(fees, maker_bps, taker_bps)
    switch = partial(live_feed, venue=venue, testnet=testnet, url=url, socket=socket, afresh=reset, charge=charge)
    _change_feed(context, switch)


@app.command()
def serve(
    context: typer.Context,
    port: Annotated[
        int, typer.Option("--port", parser=non_negative_integer, metavar="P", help="Port; 0 takes a free one.")
    ] = DEFAULT_PORT,
    faults: Annotated[
        str | None,
        typer.Option("--faults", metavar="SPEC", help="Go wrong on demand, e.g. seed=7,rate=0.3,kinds=timeout+reset."),
    ] = None,
    latency_ms: Annotated[
        int, typer.Option("--latency-ms", parser=non_negative_integer, metavar="N", help="Delay every answer.")
    ] = 0,
    rate_limit: Annotated[bool, typer.Option("--rate-limit", help="Enforce the documented request limits.")] = False,
) -> None:
    """Serve the exchange over HTTP; prints the URL. This machine only, until Ctrl-C; keys are paper-ACCOUNT."""
    from pfmm.app import paper

    options = globals_of(context)
    paper.check_faults(faults)
    with paper_session(options) as opened:
        stopped_by = paper.serve(
            port=port, faults=faults, latency_ms=latency_ms, rate_limit=rate_limit, session=opened,
            ready=lambda url, time_ms: _announce(options, url, time_ms),
        )  # fmt: skip
    raise typer.Exit(128 + stopped_by)


def _announce(options: Globals, url: str, time_ms: int) -> None:
    write(event_line("serving", time_ms, {"url": url}) if options.json else url)
    say(options, f"serving the paper exchange; PFMM_BASE_URL={url} lets commands use it, Ctrl-C stops")

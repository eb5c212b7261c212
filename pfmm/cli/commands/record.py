"""`pfmm record`: parse the request, show how far the recording is. Layer: cli."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pfmm.app.record import MAX_DEPTH, RecordRequest, check_request
from pfmm.app.record import record as run_recording
from pfmm.cli.opening import session
from pfmm.cli.options import non_negative_integer, positive_integer, several_markets, takes_settings
from pfmm.cli.output import EventStream, Globals, say, warn, write
from pfmm.cli.times import positive_seconds
from pfmm.cli.typer_seam import globals_of
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.app.session_edge import SessionEdge

app = typer.Typer()


def _file(text: str | Path) -> Path:
    if str(text) in ("", "."):
        raise typer.BadParameter("must name a file, not ''")
    return Path(text)


@app.command()
@takes_settings("venue", "network")
def record(
    context: typer.Context,
    markets: Annotated[list[str], typer.Argument(metavar="MARKET...", help="Markets: BTC-PERP, btc-perp, BTC or btc.")],
    out: Annotated[
        Path, typer.Option("--out", parser=_file, metavar="FILE", help="File to write; gzipped if it ends in .gz.")
    ],
    for_s: Annotated[
        float | None,
        typer.Option("--for", parser=positive_seconds, metavar="SPAN", help="Stop after this much venue time."),
    ] = None,
    cycles: Annotated[
        int | None, typer.Option("--cycles", parser=positive_integer, metavar="N", help="Stop after N polls.")
    ] = None,
    interval: Annotated[
        float, typer.Option("--interval", parser=positive_seconds, metavar="S", help="Venue seconds between polls.")
    ] = 1.0,
    depth: Annotated[
        int,
        typer.Option(
            "--depth", parser=non_negative_integer, metavar="N", help="Book levels a side, 0 to 20; 0 saves a request."
        ),
    ] = MAX_DEPTH,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with FILE where it is there.")] = False,
    rotate_s: Annotated[
        float | None,
        typer.Option(
            "--rotate", parser=positive_seconds, metavar="SPAN",
            help="Begin a new file after this much venue time, with its time in the name.",
        ),
    ] = None,
    socket: Annotated[
        bool, typer.Option("--socket", help="Through the venue's WebSocket, where it has one (extra `ws`).")
    ] = False,
    break_even: Annotated[
        str | None,
        typer.Option(
            "--break-even", metavar="STRATEGY",
            help="At the end, print the strategy's break-even maker fee by market and session: each file is one "
            "(extra `backtest`).",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Record public market data until Ctrl-C, --for or --cycles. What was polled is in the file at once."""
    options = globals_of(context)
    named = several_markets(markets, "pfmm record BTC ETH --out FILE")
    request = RecordRequest(named, out, for_s, cycles, interval, depth, force, resume, rotate_s, socket, break_even)
    check_request(request)
    with session(options) as opened:
        received = run_recording(request, session=opened, progress=lambda names: _Progress(options, out, names))
    if received is not None:
        raise typer.Exit(128 + received)


class _Progress:
    """NDJSON events, or on a terminal a line of counts on stderr and a summary at the end."""

    def __init__(self, options: Globals, out: Path, markets: Sequence[str]) -> None:
        self._options = options
        self._out = out
        self._markets = markets
        live = not options.json and sys.stdout is not None and sys.stdout.isatty()
        self._stream = None if live else EventStream()
        self._ticking = live and not options.quiet and sys.stderr is not None and sys.stderr.isatty()

    def started(self, time_ms: int) -> None:
        if self._stream is not None:
            self._stream.write("started", time_ms, markets=self._markets, out=str(self._out))
        else:
            say(self._options, f"recording {', '.join(self._markets)} to {self._out}; Ctrl-C ends it")

    def polled(self, time_ms: int, counts: Mapping[str, int]) -> None:
        if self._stream is not None:
            self._stream.write("cycle", time_ms, **counts)
        elif self._ticking:
            sys.stderr.write(f"\r{iso(time_ms)}  {_words(counts)}")
            sys.stderr.flush()

    def warning(self, time_ms: int, message: str) -> None:
        if self._stream is not None:
            self._stream.write("warning", time_ms, message=message)
        else:
            warn(message)

    def rotated(self, time_ms: int, file: Path) -> None:
        if self._stream is not None:
            self._stream.write("rotated", time_ms, out=str(file))
        else:
            say(self._options, f"recording to {file} from now on")

    def stopped(self, time_ms: int, counts: Mapping[str, int], reason: str) -> None:
        if self._stream is not None:
            self._stream.write("stopped", time_ms, reason=reason, out=str(self._out), **counts)
            return
        if self._ticking:
            say(self._options, "")
        write(f"{self._out}: {_words(counts)} ({reason})")

    def broke_even(self, time_ms: int, edge: SessionEdge) -> None:
        if self._stream is not None:
            self._stream.write("break_even", time_ms, **asdict(edge))
        else:
            write(edge.text)


def _words(counts: Mapping[str, int]) -> str:
    shown = {name: value for name, value in counts.items() if value or name in ("quotes", "trades")}
    return ", ".join(f"{value} {name}" for name, value in shown.items())

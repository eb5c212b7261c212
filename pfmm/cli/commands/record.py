"""`pfmm record`: polls a venue's public data into a tape that `paper feed replay` and `backtest` read. Needs no key."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pfmm.cli.options import globals_of, non_negative_integer, positive_float, positive_integer
from pfmm.cli.output import EventStream, Globals, iso, say, warn, write
from pfmm.errors import Interrupted, VenueUnreachable

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.runner.clock import VenueClock
    from pfmm.runner.signals import Signals
    from pfmm.tape.output import TapeFile
    from pfmm.tape.recorder import Recorder

MAX_DEPTH = 20  # what replay keeps of a book
LEAST_POLL_S = 1.0

app = typer.Typer()


def _file(text: str | Path) -> Path:
    if str(text) in ("", "."):
        raise typer.BadParameter("must name a file, not ''")
    return Path(text)


@app.command()
def record(
    context: typer.Context,
    markets: Annotated[list[str], typer.Argument(metavar="MARKET...", help="Markets: BTC-PERP, btc-perp, BTC or btc.")],
    out: Annotated[
        Path, typer.Option("--out", parser=_file, metavar="FILE", help="File to write; gzipped if it ends in .gz.")
    ],
    for_s: Annotated[
        float | None,
        typer.Option("--for", parser=positive_float, metavar="SECONDS", help="Stop after this much venue time."),
    ] = None,
    cycles: Annotated[
        int | None, typer.Option("--cycles", parser=positive_integer, metavar="N", help="Stop after N polls.")
    ] = None,
    interval: Annotated[
        float, typer.Option("--interval", parser=positive_float, metavar="S", help="Venue seconds between polls.")
    ] = 1.0,
    depth: Annotated[
        int,
        typer.Option(
            "--depth", parser=non_negative_integer, metavar="N", help="Book levels a side, 0 to 20; 0 saves a request."
        ),
    ] = MAX_DEPTH,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
) -> None:
    """Record public market data until Ctrl-C, --for or --cycles. What was polled is in the file at once."""
    from pfmm.cli.opening import session
    from pfmm.errors import UsageError
    from pfmm.runner.signals import Signals
    from pfmm.tape.output import TapeFile, exists
    from pfmm.tape.recorder import Recorder

    options = globals_of(context)
    if depth > MAX_DEPTH:
        raise UsageError(f"--depth must be at most {MAX_DEPTH}, not {depth}")
    if not force and _exists(out):
        raise exists(out)
    with session(options) as opened, Signals() as signals, suppress(Interrupted):
        with opened.bounded(opened.settings.general.command.timeout_s, wakeup=signals):
            instruments = {one.market: one for one in map(opened.market, markets)}
            recorder = Recorder(opened.venue, list(instruments.values()), depth=depth)
            clock = opened.clock(signals.wait_s)
            clock.synchronise(opened.venue.time())
            time_ms, first = recorder.poll()  # before the file is made: a venue that does not answer leaves none behind
        with TapeFile.create(out, force=force) as file, opened.bounded(wakeup=signals):
            loop = _Loop(opened, recorder, file, clock, _Progress(options, out, list(instruments)))
            loop.run(time_ms, first, signals, interval_ms=round(interval * 1000), for_s=for_s, cycles=cycles)
    if signals.received is not None:
        raise typer.Exit(128 + signals.received)


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # a name or a folder that cannot be looked at: making the file says why
        return False


class _Loop:
    """The polls of one recording, from the second on; the first proved that the venue answers."""

    def __init__(
        self, session: Session, recorder: Recorder, file: TapeFile, clock: VenueClock, progress: _Progress
    ) -> None:
        self._session = session
        self._recorder = recorder
        self._file = file
        self._clock = clock
        self._progress = progress
        self._last_ms = 0

    def run(
        self, time_ms: int, first: str, signals: Signals, *, interval_ms: int, for_s: float | None, cycles: int | None
    ) -> None:
        """Polls every `interval_ms` of venue time until a signal, the end of the data, `for_s` or `cycles`."""
        self._file.append(self._recorder.header() + first)
        self._progress.started(time_ms)
        self._progress.polled(time_ms, self._recorder, self._file)
        deadline_ms = None if for_s is None else time_ms + round(for_s * 1000)
        done, reason = 1, "asked to stop"
        try:
            self._keep_time(time_ms)
            due_ms = time_ms
            while True:
                if cycles is not None and done >= cycles:
                    reason = f"{done} polls done"
                elif self._clock.state == "ended":
                    reason = "the market's data ended"
                elif deadline_ms is not None and self._clock.now_ms() >= deadline_ms:
                    reason = f"{for_s:g} s are over"
                else:
                    due_ms = max(due_ms + interval_ms, self._clock.now_ms())
                    due_ms = due_ms if deadline_ms is None else min(due_ms, deadline_ms)
                    if self._clock.wait_until(due_ms):
                        with self._session.bounded(self._poll_s(deadline_ms), wakeup=signals):
                            self._poll()
                        done += 1
                        continue
                    reason = f"signal {signals.received.name}" if signals.received is not None else reason
                break
        except (Interrupted, VenueUnreachable):  # a signal within a poll, or before a stepped clock was moved
            if signals.received is None:
                raise
            reason = f"signal {signals.received.name}"  # what the poll has read so far is kept
        finally:
            self._file.append(self._recorder.rest())
        self._progress.stopped(self._clock.now_ms(), self._recorder, self._file, reason)

    def _poll_s(self, deadline_ms: int | None) -> float:
        """The wall seconds that a poll may take: a command's time, no more than what is left of --for."""
        whole_s = self._session.settings.general.command.timeout_s
        if deadline_ms is None or self._clock.speed == 0:
            return whole_s
        left_s = (deadline_ms - self._clock.now_ms()) / 1000 / self._clock.speed
        return min(whole_s, max(left_s, LEAST_POLL_S))

    def _poll(self) -> None:
        from pfmm.errors import BadVenueData, RateLimited
        from pfmm.tape.recorder import TimeWentBack

        try:
            time_ms, lines = self._recorder.poll()
            self._file.append(lines)
            self._progress.polled(time_ms, self._recorder, self._file)
            self._keep_time(time_ms)
        except TimeWentBack:
            raise
        except (VenueUnreachable, RateLimited, BadVenueData) as error:
            self._progress.warning(self._clock.now_ms(), f"{error.message}; going on")

    def _keep_time(self, time_ms: int) -> None:
        """Follows the venue by its tickers' times, and asks its clock only when those stand still."""
        from pfmm.model.account import VenueTime

        if time_ms > self._last_ms:
            self._clock.synchronise(VenueTime(time_ms, self._clock.speed, "open"))
        else:
            self._clock.synchronise(self._session.venue.time())
        self._last_ms = max(time_ms, self._last_ms)


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

    def polled(self, time_ms: int, recorder: Recorder, file: TapeFile) -> None:
        counts = _counts(recorder, file)
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

    def stopped(self, time_ms: int, recorder: Recorder, file: TapeFile, reason: str) -> None:
        counts = _counts(recorder, file)
        if self._stream is not None:
            self._stream.write("stopped", time_ms, reason=reason, out=str(self._out), **counts)
            return
        if self._ticking:
            say(self._options, "")
        write(f"{self._out}: {_words(counts)} ({reason})")


def _counts(recorder: Recorder, file: TapeFile) -> dict[str, Any]:
    return {**asdict(recorder.counts), "bytes": file.bytes}


def _words(counts: dict[str, Any]) -> str:
    shown = {name: value for name, value in counts.items() if value or name in ("quotes", "trades")}
    return ", ".join(f"{value} {name}" for name, value in shown.items())

"""Poll a venue's public data into a tape that `paper feed replay` and `backtest` read. Needs no key. Layer: app."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pfmm.errors import BadVenueData, CannotDoThis, Interrupted, RateLimited, UsageError, VenueUnreachable
from pfmm.model.text import compact
from pfmm.strategy.registry import STRATEGIES

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.app.session_edge import SessionEdge
    from pfmm.model.market import Instrument
    from pfmm.runner.clock import VenueClock
    from pfmm.runner.signals import Signals
    from pfmm.tape.output import TapeFile
    from pfmm.tape.recorder import Recorder
    from pfmm.tape.resuming import Held

MAX_DEPTH = 20  # what replay keeps of a book
LEAST_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """What to record where: venue seconds between polls, book levels a side, and when to stop (None: a signal).

    `resume` goes on with the file that is there; with `rotate_s` a new file is begun after so many seconds of venue
    time, with the time of its beginning in its name. With `socket` it comes through the venue's WebSocket. `break_even`
    names the strategy whose break-even fee is worked out at the end, each file being a session.
    """

    markets: tuple[str, ...]
    out: Path
    for_s: float | None = None
    cycles: int | None = None
    interval_s: float = 1.0
    depth: int = MAX_DEPTH
    force: bool = False
    resume: bool = False
    rotate_s: float | None = None
    socket: bool = False
    break_even: str | None = None


class Progress(Protocol):
    """What is told of a recording: times in ms, counts by name."""

    def started(self, time_ms: int) -> None: ...

    def polled(self, time_ms: int, counts: Mapping[str, int]) -> None: ...

    def warning(self, time_ms: int, message: str) -> None: ...

    def rotated(self, time_ms: int, file: Path) -> None: ...

    def stopped(self, time_ms: int, counts: Mapping[str, int], reason: str) -> None: ...

    def broke_even(self, time_ms: int, edge: SessionEdge) -> None: ...


def check_request(request: RecordRequest) -> None:
    """Raise UsageError for a depth beyond what replay keeps, a strategy that there is not, and a file that would be
    overwritten; ConfigError where what measures at the end is not installed."""
    from pfmm.tape.output import exists

    if request.break_even is not None and request.break_even not in STRATEGIES:
        raise UsageError(f"--break-even must be one of {', '.join(STRATEGIES)}, not {request.break_even!r}")
    if request.break_even is not None:
        from pfmm.backtest.columns import numpy

        numpy()  # raises the error that names the extra, before hours are recorded
    if request.depth > MAX_DEPTH:
        raise UsageError(f"--depth must be at most {MAX_DEPTH}, not {request.depth}")
    if not request.force and not request.resume and request.rotate_s is None and _exists(request.out):
        raise exists(request.out)


def record(request: RecordRequest, *, session: Session, progress: Callable[[tuple[str, ...]], Progress]) -> int | None:
    """Record until a signal, the end of the data, or what the request says; returns the signal's number, if one came.

    `progress` is made of the markets' names. What was polled is in the file at once. Raises UnknownMarket, UsageError
    for a file that exists, and what the first poll raises: a venue that does not answer leaves no file behind.
    """
    from pfmm.runner.signals import Signals

    check_request(request)
    with Signals() as signals, suppress(Interrupted):
        with session.bounded(session.settings.general.command.timeout_s, wakeup=signals), _or_not_measured(request):
            instruments = {one.market: one for one in map(session.market, request.markets)}
            source = _Source(session, request, list(instruments.values()))
            recorder = source.recorder
            out, held = _to_go_on_with(request, recorder)
            for market, known in held.items():
                if market in instruments:
                    recorder.resume(market, known.until_ms, known.ids, known.last)
            clock = session.clock(signals.wait_s)
            clock.synchronise(session.venue.time())
            time_ms, first = recorder.poll()  # before the file is made
        files = _Files(request, recorder, out)
        with files, session.bounded(wakeup=signals):
            loop = _Loop(session, recorder, files, clock, progress(tuple(instruments)))
            interval_ms = round(1000 * max(request.interval_s, source.least_interval_s))
            if source.least_interval_s > request.interval_s:
                loop.stretched(time_ms, source.least_interval_s)
            loop.run(time_ms, first, signals, interval_ms=interval_ms, for_s=request.for_s, cycles=request.cycles)
    if request.break_even is not None and signals.received is None:
        _tell_edges(session, request.break_even, files.paths, tuple(instruments), loop)
    return None if signals.received is None else int(signals.received)


@contextmanager
def _or_not_measured(request: RecordRequest) -> Iterator[None]:
    """Say of a venue that does not answer that the break-even fee which was asked for is not measured."""
    try:
        yield
    except VenueUnreachable as error:
        if request.break_even is None:
            raise
        markets = ", ".join(request.markets)
        raise VenueUnreachable(
            f"{error.message}; the break-even maker fee on {markets}: not measured", hint=error.hint
        ) from error


def _tell_edges(session: Session, strategy: str, files: Sequence[Path], markets: Sequence[str], loop: _Loop) -> None:
    from pfmm.app.session_edge import session_edges

    for edge in session_edges(files, markets, strategy, session.settings.profile):
        loop.progress.broke_even(loop.last_ms, edge)


class _Source:
    """What is recorded: a venue's public data where it shows them apart, else what its adapter reads."""

    def __init__(self, session: Session, request: RecordRequest, instruments: list[Instrument]) -> None:
        from pfmm.tape.recorder import Recorder
        from pfmm.venue.registry import VENUES

        self.least_interval_s = 0.0
        venue, network = session.settings.venue, session.settings.network
        if not VENUES[venue].public:
            if request.socket:
                raise CannotDoThis(f"{session.venue_name} has no socket to record from")
            self.recorder = Recorder(session.venue, instruments, depth=request.depth)
            return
        from pfmm.app.live_market import open_public

        url = session.settings.base_url or None
        public = open_public(
            venue, network, url, folder=session.state_dir / "venues", read_attempts=2, socket=request.socket
        )
        session.on_close(public.close)
        self.recorder = Recorder(public, instruments, depth=request.depth, continuity=public)
        self.least_interval_s = public.least_interval_s(len(instruments))


def _to_go_on_with(request: RecordRequest, recorder: Recorder) -> tuple[Path | None, Mapping[str, Held]]:
    """Return the file to append to, None for a new one, and what it holds already."""
    from pfmm.tape.resuming import held_in

    if not request.resume:
        return None, {}
    found = request.out if _exists(request.out) else None
    if request.rotate_s is not None:
        found = max(request.out.parent.glob(rotated_name(request.out, None)), default=None)
    return found, {} if found is None else held_in(found, recorder.venue)


def rotated_name(out: Path, time_ms: int | None) -> str:
    """Name one file of a rotating recording: btc.tape.gz begun at noon is btc-20261130T120000Z.tape.gz. Without a time
    it is the pattern of all of them."""
    stem, dot, rest = out.name.partition(".")
    stamp = "*" if time_ms is None else compact(time_ms)
    return f"{stem}-{stamp}{dot}{rest}"


class _Files:
    """The file that is written to, and what comes after it. Use as a context manager."""

    def __init__(self, request: RecordRequest, recorder: Recorder, going_on: Path | None) -> None:
        self._request = request
        self._recorder = recorder
        self._going_on = going_on
        self._file: TapeFile | None = None
        self._begun_ms = 0
        self._bytes_before = 0
        self.paths: list[Path] = []

    @property
    def bytes(self) -> int:
        """The bytes of all files that were written to."""
        return self._bytes_before + (0 if self._file is None else self._file.bytes)

    @property
    def path(self) -> Path:
        """The file that is written to now."""
        assert self._file is not None
        return self._file.path

    def append(self, time_ms: int, lines: str) -> bool:
        """Write whole lines; True where a new file was begun for them."""
        from pfmm.tape.output import TapeFile

        rotate_s = self._request.rotate_s
        if self._file is None:
            self._begun_ms = time_ms
            if self._going_on is not None:
                self.paths.append(self._going_on)
                self._file = TapeFile.go_on(self._going_on)
            else:
                self._file = TapeFile.create(self._next(time_ms), force=self._request.force)
                self._file.append(self._recorder.header())
        elif rotate_s is not None and time_ms - self._begun_ms >= 1000 * rotate_s:
            self._file.append(lines)
            self._bytes_before += self._file.bytes
            self._file.close()
            self._file = TapeFile.create(self._next(time_ms), force=self._request.force)
            self._file.append(self._recorder.begin_file())
            self._begun_ms = time_ms
            return True
        self._file.append(lines)
        return False

    def _next(self, time_ms: int) -> Path:
        out = self._request.out
        path = out if self._request.rotate_s is None else out.with_name(rotated_name(out, time_ms))
        self.paths.append(path)
        return path

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # a name or a folder that cannot be looked at: making the file says why
        return False


def counts_of(recorder: Recorder, file: _Files) -> Mapping[str, int]:
    """Return what was recorded so far, and the bytes of the file."""
    return {**asdict(recorder.counts), "bytes": file.bytes}


class _Loop:
    """The polls of one recording, from the second on; the first proved that the venue answers."""

    def __init__(
        self, session: Session, recorder: Recorder, file: _Files, clock: VenueClock, progress: Progress
    ) -> None:
        self._session = session
        self._recorder = recorder
        self._file = file
        self._clock = clock
        self.progress = progress
        self.last_ms = 0

    def stretched(self, time_ms: int, interval_s: float) -> None:
        """Tell that the venue's limits allow a poll only so often."""
        self.progress.warning(time_ms, f"a poll every {interval_s:.1f} s: the venue's limits allow no more")

    def run(
        self, time_ms: int, first: str, signals: Signals, *, interval_ms: int, for_s: float | None, cycles: int | None
    ) -> None:
        """Poll every `interval_ms` of venue time until a signal, the end of the data, `for_s` or `cycles`."""
        self._write(time_ms, first)
        self.progress.started(time_ms)
        self.progress.polled(time_ms, counts_of(self._recorder, self._file))
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
            self._file.append(self.last_ms, self._recorder.rest())
        self.progress.stopped(self._clock.now_ms(), counts_of(self._recorder, self._file), reason)

    def _poll_s(self, deadline_ms: int | None) -> float:
        """Return the wall seconds that a poll may take: a command's time, no more than what is left of --for."""
        whole_s = self._session.settings.general.command.timeout_s
        if deadline_ms is None or self._clock.speed == 0:
            return whole_s
        left_s = (deadline_ms - self._clock.now_ms()) / 1000 / self._clock.speed
        return min(whole_s, max(left_s, LEAST_POLL_S))

    def _poll(self) -> None:
        from pfmm.tape.recorder import TimeWentBack

        try:
            time_ms, lines = self._recorder.poll()
            self._write(time_ms, lines)
            self.progress.polled(time_ms, counts_of(self._recorder, self._file))
            self._keep_time(time_ms)
        except TimeWentBack:
            raise
        except (VenueUnreachable, RateLimited, BadVenueData) as error:
            self.progress.warning(self._clock.now_ms(), f"{error.message}; going on")

    def _write(self, time_ms: int, lines: str) -> None:
        if self._file.append(time_ms, lines):
            self.progress.rotated(time_ms, self._file.path)

    def _keep_time(self, time_ms: int) -> None:
        """Follow the venue by its tickers' times, and ask its clock only when those stand still."""
        from pfmm.model.account import VenueTime

        if time_ms > self.last_ms:
            self._clock.synchronise(VenueTime(time_ms, self._clock.speed, "open"))
        else:
            self._clock.synchronise(self._session.venue.time())
        self.last_ms = max(time_ms, self.last_ms)

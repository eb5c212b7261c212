"""How far a backtest has come, on a terminal's stderr: a bar with rate and time left, for what takes a second.

First the files are read, then the runs walk through them; each has its bar. Layer: cli.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pfmm.app.backtest_files import bytes_of

if TYPE_CHECKING:
    from rich.console import Console

    from pfmm.app.backtest_jobs import Walk
    from pfmm.cli.output import Globals

SHOWN_AFTER_S = 1.0
EVERY_S = 0.1  # a bar is not moved more often: a run decides thousands of times a second
DAY_MS = 86_400_000


def shows_progress(options: Globals) -> bool:
    """Tell whether progress is shown: not off a terminal, with --quiet or with --json."""
    return not (options.quiet or options.json or sys.stderr is None or not sys.stderr.isatty())


def progress_console() -> Console:
    """Build what bars are drawn on: stderr, without colours, since not all of a bar's own are read on white."""
    from rich.console import Console

    return Console(stderr=True, no_color=True)


@contextmanager
def reading(options: Globals, files: Sequence[Path]) -> Iterator[Callable[[int], None] | None]:
    """Hand out what is to be told how many bytes of the files were read; None where no progress is shown."""
    with _bar(options, _of_bytes(files)) as bar:
        yield None if bar is None else bar.at


@contextmanager
def running(options: Globals, files: Sequence[Path]) -> Iterator[tuple[Callable[[int], None] | None, Walk | None]]:
    """Hand out what is to be told how many bytes were read, and what is then told of each run of a backtest (which, of
    how many, from, to) and makes of it what is to be told the venue time (ms) of its decisions; None where no progress
    is shown."""
    with _bar(options, _of_bytes(files)) as read, _bar(options, Bar("running", _in_days)) as walked:
        if read is None or walked is None:
            yield None, None
            return

        def walk(number: int, runs: int, start_ms: int, end_ms: int) -> Callable[[int], None]:
            read.end()
            span_ms = end_ms - start_ms
            walked.total = lambda: runs * span_ms
            return lambda time_ms: walked.at(number * span_ms + time_ms - start_ms)

        yield read.at, walk


@contextmanager
def _bar(options: Globals, bar: Bar) -> Iterator[Bar | None]:
    try:
        yield bar if shows_progress(options) else None
    finally:
        bar.end()


def _of_bytes(files: Sequence[Path]) -> Bar:
    return Bar("reading", _in_bytes, lambda: bytes_of(files))


class Bar:
    """A bar that is shown once a second has passed; `total` is how much there is to do, worked out only then."""

    def __init__(self, name: str, columns: Callable[[], Sequence[Any]], total: Callable[[], int] = lambda: 0) -> None:
        self._name, self._columns, self.total = name, columns, total
        self._next_s = time.monotonic() + SHOWN_AFTER_S
        self._shown = False

    def at(self, done: int) -> None:
        """Show that so much has been done."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + EVERY_S
        if not self._shown:
            self._show()
        self._progress.update(self._task, completed=done)

    def _show(self) -> None:
        from rich.progress import Progress

        self._progress = Progress(
            *self._columns(),
            console=progress_console(),
            transient=True,
            redirect_stdout=False,  # which would send an answer that is meant for a file to the terminal
            redirect_stderr=False,
        )
        self._task = self._progress.add_task(self._name, total=self.total())
        self._progress.start()
        self._shown = True

    def end(self) -> None:
        """Take the bar away."""
        if self._shown:
            self._progress.stop()
            self._shown = False


def _in_bytes() -> Sequence[Any]:
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    return (
        TextColumn("reading"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )


def _in_days() -> Sequence[Any]:
    """Build columns that count in days of venue time, and how many of them pass in a second."""
    from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Days(ProgressColumn):
        def render(self, task: Task) -> Text:
            rate = "" if task.speed is None else f", {task.speed / DAY_MS:.3g} days/s"
            return Text(f"{task.completed / DAY_MS:.2f} of {(task.total or 0) / DAY_MS:.2f} days{rate}")

    return TextColumn("running"), BarColumn(), Days(), TextColumn("left"), TimeRemainingColumn()

"""How far data files have been read, on a terminal's stderr: a bar with rate and time left, for what takes a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pfmm.app.backtest_files import bytes_of

if TYPE_CHECKING:
    from pfmm.cli.output import Globals

SHOWN_AFTER_S = 1.0


@contextmanager
def reading(options: Globals, files: Sequence[Path]) -> Iterator[Callable[[int], None] | None]:
    """Hand out what is to be told how many bytes were read; None off a terminal, with --quiet and --json."""
    if options.quiet or options.json or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    bar = _Bar(files)
    try:
        yield bar.at
    finally:
        bar.end()


class _Bar:
    """Made at once, shown once a second has passed."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files, self._began = files, time.monotonic()
        self._shown = False

    def at(self, done: int) -> None:
        """So many bytes have been read."""
        if not self._shown and time.monotonic() - self._began >= SHOWN_AFTER_S:
            self._show()
        if self._shown:
            self._progress.update(self._task, completed=done)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as Rate

        columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), Rate(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("reading", total=bytes_of(self._files))
        self._progress.start()
        self._shown = True

    def end(self) -> None:
        """Take the bar away."""
        if self._shown:
            self._progress.stop()

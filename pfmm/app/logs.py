"""Read the log of a run in the background; with `follow` also what is yet to be written. Layer: app."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pfmm.errors import ConfigError, UsageError
from pfmm.model.spelling import spelled

if TYPE_CHECKING:
    from pfmm.config.values import Settings

POLL_S = 0.3
BLOCK = 65_536
MOST_BYTES = 64 * BLOCK  # of a log that are looked at for its last lines


@dataclass(frozen=True, slots=True)
class LogsRequest:
    """Which log: that of the run that `run` means (None: the one written to last), and how many of its last lines."""

    run: str | None = None
    lines: int = 50


@dataclass(frozen=True, slots=True)
class LogsResult:
    """The last lines of a log, without control characters."""

    log: str
    lines: tuple[str, ...]


def logs(request: LogsRequest, *, settings: Settings) -> LogsResult:
    """Read the last lines. Raises UsageError for a run without a log, ConfigError for a file that cannot be read."""
    path = _log_of(request.run, settings.paths.log_dir)
    try:
        with path.open("rb") as file:
            return LogsResult(str(path), _last_lines(file, request.lines))
    except OSError as error:
        raise ConfigError(f"the log {path} cannot be read: {error.strerror}") from error


def follow(request: LogsRequest, *, settings: Settings, tell: Callable[[str], None]) -> int:
    """Tell the last lines, then each further one once it is whole, until a signal; returns 128 + its number.

    A log that was made shorter or anew is read from its beginning.
    """
    from pfmm.runner.signals import Signals

    path = _log_of(request.run, settings.paths.log_dir)
    with Signals() as signals:
        tail = _Tail(path)
        try:
            for line in tail.begin(request.lines):
                tell(line)
            while signals.wait_s(POLL_S):
                for line in tail.more():
                    tell(line)
        finally:
            tail.close()
        return signals.exit_code


class _Tail:
    """The end of a file that grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._half = b""

    def begin(self, lines: int) -> tuple[str, ...]:
        found = _last_lines(self._file, lines)
        self._file.seek(0, os.SEEK_END)
        return found

    def more(self) -> list[str]:
        """Return the lines that have become whole since the last look."""
        self._reopen_if_new()
        text = self._half + self._file.read()
        *whole, self._half = text.split(b"\n")
        return [_printable(line) for line in whole]

    def _reopen_if_new(self) -> None:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return  # moved away: another may come in its place
        mine = os.fstat(self._file.fileno())
        if (now.st_ino, now.st_dev) != (mine.st_ino, mine.st_dev) or now.st_size < self._file.tell():
            self._file.close()
            self._file, self._half = self._path.open("rb"), b""

    def close(self) -> None:
        self._file.close()


def _log_of(run: str | None, folder: Path) -> Path:
    """Find the log that a text means: `grid-BTC-PERP`, `grid`, `BTC`; of several the one that was written to last."""
    found = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
    if not found:
        raise UsageError(
            f"there is no log in {folder}", hint="`pfmm grid start BTC-PERP --detach` runs with one in the background"
        )
    meant = [path for path in found if run is None or _means(run, path.stem)]
    if not meant:
        hint = f"there are logs of {', '.join(path.stem for path in found[-5:])}"
        raise UsageError(f"there is no log of {run!r}", hint=hint)
    return meant[-1]


def _means(run: str, stem: str) -> bool:
    kind, _, markets = stem.partition("-")
    wanted = run.lower()
    if wanted in (stem.lower(), kind.lower()):
        return True
    of_market = wanted.removeprefix(f"{kind.lower()}-")
    return spelled(of_market, [markets]) is not None


def _last_lines(file: BinaryIO, lines: int) -> tuple[str, ...]:
    """Read the last lines that are whole, however long the file is."""
    end = file.seek(0, os.SEEK_END)
    text = b""
    at = end
    while at > 0 and text.count(b"\n") <= lines and end - at < MOST_BYTES:
        step = min(BLOCK, at)
        at = file.seek(at - step)
        text = file.read(step) + text
    found = text.split(b"\n")
    whole = found[:-1] if not found[-1] else found
    if at > 0:
        whole = whole[1:]  # it begins before what was read
    return tuple(_printable(line) for line in whole[-lines:])


def _printable(line: bytes) -> str:
    text = line.decode("utf-8", "replace").rstrip("\r")
    return "".join(one if one.isprintable() or one == "\t" else "\N{REPLACEMENT CHARACTER}" for one in text)

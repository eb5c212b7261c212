"""Reads what a recording holds already, so that it can go on without a print twice. Layer: tape.

A recording that another process ended, however it did, is whole up to its last line; a line that was cut is dropped.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pfmm.errors import DataFileError, UsageError
from pfmm.model.market import FundingRate, Trade
from pfmm.tape.events import Gap, Place
from pfmm.tape.native import FORMAT, parse_event
from pfmm.tape.seen import REMEMBERED


@dataclass(slots=True)
class Held:
    """What is held of one market: until when, and the newest prints."""

    until_ms: int = 0
    prints: deque[Trade] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def ids(self) -> list[tuple[str, int]]:
        """Id and time of the newest prints that have one."""
        return [(one.trade_id, one.time_ms) for one in self.prints if one.trade_id]

    @property
    def last(self) -> list[Trade]:
        """The prints of the last millisecond."""
        newest_ms = max((one.time_ms for one in self.prints), default=0)
        return [one for one in self.prints if one.time_ms == newest_ms]


def held_in(path: Path, venue: str) -> dict[str, Held]:
    """Read what the recording at `path` holds, by market.

    Raises UsageError for one of another venue, DataFileError for a file that is no recording or cannot be read.
    """
    found: dict[str, Held] = {}
    lines = _whole_lines(path)
    _check_header(path, next(lines, ""), venue)
    for number, line in enumerate(lines, start=2):
        place = Place(path, number)
        try:
            event = parse_event(json.loads(line), place)
        except ValueError as error:
            raise place.error(f"not JSON: {error}") from None
        if isinstance(event, FundingRate):
            continue
        held = found.setdefault(event.market, Held())
        held.until_ms = max(held.until_ms, event.time_ms, event.until_ms if isinstance(event, Gap) else 0)
        if isinstance(event, Trade):
            held.prints.append(event)
    return found


def _check_header(path: Path, line: str, venue: str) -> None:
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise DataFileError(f"{path}: is no recording of pfmm", hint="choose another --out")
    if header.get("venue") != venue:
        raise UsageError(f"{path} was recorded on {header.get('venue')}, not on {venue}", hint="choose another --out")


def _whole_lines(path: Path) -> Iterator[str]:
    """Yield the lines of the file; what follows the last end of a line was cut, and is left out."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                if line.endswith("\n"):
                    yield line
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataFileError(f"{path}: cannot be read to its end: {error}", hint="choose another --out") from error

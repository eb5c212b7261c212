"""Where recorded data is from: told by its format, or by the header of a recording. Layer: tape."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pfmm.tape.carriers import found_of
from pfmm.tape.options import ReadOptions
from pfmm.tape.recognise import HEAD_BYTES
from pfmm.tape.sources import Source, blocks, expand

RECORDING = "recording"


def venue_of(files: Sequence[Path], options: ReadOptions | None = None) -> str | None:
    """Return the one venue that all files of prices are from; None where one does not say or they differ.

    A format is named after its venue: "binance-klines" is Binance's. Raises DataFileError for an unreadable file.
    """
    forced = None if options is None else options.format
    names = set()
    for source in expand(files):
        found = found_of(source, forced)
        if found.format_holds == "funding":
            continue
        venue, dash, _ = found.format.name.partition("-")
        names.add(_recorded(source) if found.format.name == RECORDING else venue if dash else None)
    return names.pop() if len(names) == 1 else None


def _recorded(source: Source) -> str | None:
    head = next(blocks(source, size=HEAD_BYTES))
    header = next(line for line in head.content.split(b"\n") if line.strip() and not line.startswith(b"#"))
    venue = json.loads(header).get("venue")
    return venue if isinstance(venue, str) else None

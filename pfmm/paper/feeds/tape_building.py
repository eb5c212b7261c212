"""Builds the binary tape of data files, the fast way where NumPy is here. Layer: paper."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from pfmm.paper.feeds.replay_tape import build_markets, content_hash, steps_of, write_tape
from pfmm.tape import ReadOptions, TapeReader
from pfmm.tape.sources import Watcher
from pfmm.tape.venues import venue_of


def build_tape(
    files: Sequence[Path], folder: Path, options: ReadOptions | None = None, watch: Watcher | None = None
) -> Path:
    """Build the binary tape of `files` in `folder`, unless it is there already, and return its path.

    The name is a hash of the files' content in the given order. Crossed quotes and quotes that repeat the last one
    are left out, and those without a price that a market begins with. Price and size units are the finest decimals
    seen in quotes, prints and books, or the units that a pfmm tape states, where those are at least as fine. Raises
    DataFileError for bad data and ConfigError for a folder that cannot be written.
    """
    options = options or ReadOptions()
    path = folder / f"{content_hash(files, '' if options == ReadOptions() else repr(options))}.tape"
    if path.exists():
        return path
    if find_spec("numpy") is None:
        reader = TapeReader(options)
        built = build_markets(reader.entries(files), reader.units, steps_of(options))
        write_tape(path, built, venue_of(files, options))
        return path
    from pfmm.paper.feeds.tape_writer import write_gathered
    from pfmm.tape.gather import Gathering

    with Gathering(options, folder) as gathering:
        gathering.read(files, watch)
        write_gathered(path, gathering, steps_of(options), {"venue": venue_of(files, options)})
    return path

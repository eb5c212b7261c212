"""A tape for the paper exchange's replay, of anything that a backtest reads. Layer: backtest.

The tape is kept beside the exchange, not in the cache: the files may go. Only candles and columns need NumPy.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pfmm.backtest.candles import candle_tape, read_candles
from pfmm.errors import DataFileError, UsageError
from pfmm.paper.feeds.replay_tape import MarketTape, content_hash, extremes_of, open_tape, write_tape
from pfmm.paper.feeds.tape_building import build_tape
from pfmm.store.files import make_private_folder, replacing
from pfmm.tape.carriers import carrier_of, found_of
from pfmm.tape.options import UNNAMED, ReadOptions
from pfmm.tape.recognise import Found
from pfmm.tape.sources import Source, Watcher, expand
from pfmm.tape.symbols import market_in


def replay_tape(files: Sequence[Path], folder: Path, options: ReadOptions, watch: Watcher | None = None) -> Path:
    """Make the tape of `files` in `folder`, unless it is there already; its path. `watch` is told how many bytes of the
    files were read.

    Raises DataFileError for bad data, UsageError where neither the files nor `options` name the market, ConfigError for
    a folder that cannot be written.
    """
    sources = expand(files)
    if any(carrier_of(source) == "tape" for source in sources):
        return _copied(sources, folder)
    named, found = named_options(sources, options)
    held = {one.format_holds for one in found}
    if "candles" not in held:
        return build_tape(files, folder, named, watch)
    if held != {"candles"}:
        raise DataFileError("candles are replayed alone")
    path = folder / f"{content_hash(files, f'candles {named!r}')}.tape"
    if not path.exists():
        tape = candle_tape(read_candles(files, None, named), named.market)
        write_tape(path, [(tape.spec, _sections(tape))])
    return path


def named_options(sources: Sequence[Source], options: ReadOptions) -> tuple[ReadOptions, list[Found]]:
    """Return the options with the market of files that do not name theirs, and what the sources are.

    Raises UsageError where nothing names it.
    """
    found = [found_of(source, options.format) for source in sources]
    return replace(options, market=_market(sources, found, options.market)), found


def _market(sources: Sequence[Source], found: Sequence[Found], stated: str) -> str:
    """Return the market of files that have no column for it: as stated, or as a file's name tells."""
    nameless = [
        source
        for source, one in zip(sources, found, strict=True)
        if one.table is not None and "symbol" not in dict(one.roles)
    ]
    if stated != UNNAMED or not nameless:
        return stated
    told = {market_in(source.place.path.name) for source in nameless}
    market = told.pop() if len(told) == 1 else None
    if market is None:
        raise UsageError(f"{nameless[0].place.path} does not name its market", hint="give --market, such as BTC")
    return market


def _sections(tape: MarketTape) -> dict[str, array[int]]:
    events = array("q")
    events.frombytes(bytes(tape.events))
    empty = array("q")
    return {"events": events, "blocks": extremes_of(events), "depth": empty, "funding": empty}


def _copied(sources: Sequence[Source], folder: Path) -> Path:
    if len(sources) > 1:
        raise DataFileError(f"{sources[1].path}: a binary tape is replayed alone")
    open_tape(sources[0].path)
    path = folder / f"{content_hash([sources[0].path], 'binary')}.tape"
    if not path.exists():
        make_private_folder(folder)
        with replacing(path) as target, sources[0].path.open("rb") as source:
            while block := source.read(1 << 20):
                target.write(block)
    return path

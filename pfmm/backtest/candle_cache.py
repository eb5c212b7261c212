"""Bars of candle files, kept in the tape cache as they were read: a sixth of what the market made of them takes.

Layer: backtest.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pfmm.backtest.candles import Candles, read_candles
from pfmm.errors import ConfigError, DataFileError
from pfmm.paper.feeds.replay_tape import MAGIC, REBUILD, VERSION
from pfmm.paper.feeds.tape_cache import Loaded, TapeCache
from pfmm.store.files import make_private_folder, replacing
from pfmm.tape.options import UNNAMED, ReadOptions
from pfmm.tape.sources import Watcher
from pfmm.tape.venues import venue_of

PARTS = ("times", "prices", "volumes")


def load_candles(cache: TapeCache, files: Sequence[Path], options: ReadOptions, watch: Watcher | None = None) -> Loaded:
    """Open the bars of candle files, which are read where they are not kept.

    Raises as `read_candles`, of the options' market.
    """
    market = None if options.market == UNNAMED else options.market

    def make(path: Path, facts: Mapping[str, Any]) -> None:
        _write(path, read_candles(files, market, options, watch), {**facts, "venue": venue_of(files, options)})

    return cache.load(files, options, watch, make)


def candles_of(loaded: Loaded) -> Candles | None:
    """Return the bars that an open tape holds; None for a tape of events. Raises DataFileError for a damaged one."""
    told = loaded.header.get("candles")
    if told is None:
        return None
    try:
        fields: dict[str, Any] = {**told, "notes": tuple(told["notes"])}
        at = 0
        for name in PARTS:
            fields[name] = array("q", loaded.numbers[at : at + told[name]])
            at += told[name]
        return Candles(**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise DataFileError(f"the kept bars are damaged: {error}", hint=REBUILD) from error


def _write(path: Path, candles: Candles, facts: Mapping[str, Any]) -> None:
    told = asdict(candles) | {name: len(getattr(candles, name)) for name in PARTS}
    numbers = sum(told[name] for name in PARTS)
    header = {
        "version": VERSION, "byteorder": sys.byteorder, "numbers": numbers, "markets": [], "candles": told, **facts,
    }  # fmt: skip
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    try:
        make_private_folder(path.parent)
        with replacing(path) as stream:
            stream.write(MAGIC + len(text).to_bytes(8, "little") + text)
            for name in PARTS:
                getattr(candles, name).tofile(stream)
    except OSError as error:
        raise ConfigError(f"{path.parent}: the bars cannot be written: {error.strerror}") from error

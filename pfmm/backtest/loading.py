"""From data files to the worlds that a backtest runs in: one recorded market, or two paths through its candles.

Recognises a file by its content. What was parsed once is kept as a binary tape under the cache folder, named after
the content of its files. Must not know strategies or runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pfmm.backtest.candles import candle_tape, is_candles, read_candles, read_funding
from pfmm.backtest.columns import Columns, with_funding
from pfmm.backtest.tabular import is_parquet, is_table, read_table
from pfmm.errors import DataFileError, UnknownMarket
from pfmm.paper.feeds.replay_tape import (
    MAGIC,
    MarketTape,
    build_markets,
    build_tape,
    content_hash,
    open_tape,
    write_tape,
)
from pfmm.tape import Units, must_be_a_file

Format = Literal["recording", "binary tape", "table", "candles"]
RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class World:
    """One market as it was or might have been; `label` is recorded, low_first or high_first."""

    label: str
    columns: Columns


def format_of(path: Path) -> Format:
    """What kind of data a file holds, by its first bytes. Raises DataFileError when it cannot be read."""
    must_be_a_file(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(len(MAGIC))
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read: {error.strerror}") from error
    if head == MAGIC:
        return "binary tape"
    if is_parquet(path) or is_table(path):
        return "table"
    return "candles" if is_candles(path) else "recording"


def load(files: Sequence[Path], market: str, cache: Path, funding: Path | None = None) -> tuple[World, ...]:
    """The worlds of `market` in `files`, which are given in time order and all of one kind.

    `funding` is a file of settled rates and takes the place of the data's own. Raises DataFileError for bad data,
    UnknownMarket when the files hold other markets.
    """
    kinds = {format_of(path) for path in files}
    if len(kinds) != 1:
        raise DataFileError(f"the files are of different kinds ({', '.join(sorted(kinds))}): run them apart")
    rates = None if funding is None else read_funding(funding)
    tapes: dict[str, MarketTape] = {}
    kind = kinds.pop()
    if kind == "candles":
        candles = read_candles(files)
        tapes = {"low_first": candle_tape(candles, market, "low_first")}
        tapes["high_first"] = candle_tape(candles, market, "high_first")
    else:
        tapes[RECORDED] = _only(_markets(files, kind, market, cache), market)
    if rates is not None:
        tapes = {label: with_funding(tape, rates) for label, tape in tapes.items()}
    return tuple(World(label, Columns(tape)) for label, tape in tapes.items())


def _markets(files: Sequence[Path], kind: Format, market: str, cache: Path) -> dict[str, MarketTape]:
    if kind == "binary tape":
        if len(files) > 1:
            raise DataFileError(f"{files[1]}: a binary tape is run alone")
        return open_tape(files[0])
    if kind == "recording":
        return open_tape(build_tape(files, cache))
    path = cache / f"{content_hash(files, f'table {market}')}.tape"
    if not path.exists():
        units: dict[str, Units] = {}
        write_tape(path, build_markets(read_table(files, market), units))
    return open_tape(path)


def _only(tapes: dict[str, MarketTape], market: str) -> MarketTape:
    if market not in tapes:
        raise UnknownMarket(f"the data holds no {market}", hint=f"it holds {', '.join(tapes)}")
    return tapes[market]

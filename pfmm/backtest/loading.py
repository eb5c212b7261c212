"""From data files to the market that a backtest runs in: as it was recorded, or as its candles tell.

Recognises a file by its content. What was parsed once is kept as a binary tape in the cache folder. Layer: backtest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pfmm.backtest.columns import Columns, with_funding
from pfmm.backtest.rates import read_funding
from pfmm.errors import DataFileError, UnknownMarket
from pfmm.model.fees import ARTICLE, PRESETS, FeeChoice, Fees, entry_tier
from pfmm.model.quick import quick
from pfmm.paper.feeds.feed import charged
from pfmm.paper.feeds.replay_tape import MarketTape, open_tape
from pfmm.paper.feeds.tape_cache import Loaded, TapeCache
from pfmm.tape import ReadOptions
from pfmm.tape.carriers import carrier_of, found_of
from pfmm.tape.sources import Source, Watcher, expand

BINARY_TAPE = "binary tape"


@quick(frozen=True, slots=True)
class World:
    """One market of data files, and what trading in it costs. `notes` say what is to be known of the files."""

    columns: Columns
    notes: tuple[str, ...] = ()
    fees: Fees = PRESETS[ARTICLE]


def format_of(path: Path, options: ReadOptions | None = None) -> str:
    """Return the name of the format that a file has. Raises DataFileError when it cannot be read."""
    return kind_of(path, options)[0]


def kind_of(path: Path, options: ReadOptions | None = None) -> tuple[str, str]:
    """Return (the name of a file's format, what it holds). Raises DataFileError when it cannot be read."""
    return _kind(expand([path])[0], options or ReadOptions())


def _kind(source: Source, options: ReadOptions) -> tuple[str, str]:
    """Return (the format's name, what it holds)."""
    if carrier_of(source) == "tape":
        return BINARY_TAPE, "ticks"
    found = found_of(source, options.format)
    return found.format.name, found.format_holds


def load(
    files: Sequence[Path],
    market: str,
    cache: TapeCache,
    funding: Path | None = None,
    options: ReadOptions | None = None,
    watch: Watcher | None = None,
    charge: FeeChoice | None = None,
) -> World:
    """Load the world of `market` in `files`: candles, or anything that tells quotes and prints.

    `funding` is a file of settled rates and takes the place of the data's own. `watch` is told how many bytes
    were read. The fees are the entry tier of the data's venue, where that is known, else the article's, unless
    `charge` says others. Raises DataFileError for bad data, UnknownMarket when the files hold other markets,
    UsageError for fees that are none.
    """
    options = replace(options or ReadOptions(), market=market)
    rates = None if funding is None else read_funding(funding, market)
    tape, notes = tape_of(files, market, cache, options, watch)
    if rates is not None:
        tape = with_funding(tape, rates)
    fees = (charge or FeeChoice()).among(entry_tier(tape.venue) or PRESETS[ARTICLE])
    return World(Columns(replace(tape, spec=charged(tape.spec, fees))), notes, fees)


def tape_of(
    files: Sequence[Path], market: str, cache: TapeCache, options: ReadOptions, watch: Watcher | None = None
) -> tuple[MarketTape, tuple[str, ...]]:
    """Return the market's tape, and what is to be known of the files."""
    found = cache.find(files, options)
    if found is not None:
        return _kept(found, market)
    sources = expand(files)
    kinds = {source: _kind(source, options) for source in sources}
    held = {holds for _, holds in kinds.values()}
    if any(name == BINARY_TAPE for name, _ in kinds.values()):
        if len(sources) > 1:
            raise DataFileError(f"{sources[1].path}: a binary tape is run alone")
        return _only(open_tape(sources[0].path), market), ()
    if "candles" not in held:
        return _kept(cache.load(files, options, watch), market)
    if held != {"candles"}:
        names = ", ".join(sorted({name for name, _ in kinds.values()}))
        raise DataFileError(f"the files are of different kinds ({names}): candles are run apart")
    from pfmm.backtest.candle_cache import load_candles

    return _kept(load_candles(cache, files, options, watch), market)


def _kept(loaded: Loaded, market: str) -> tuple[MarketTape, tuple[str, ...]]:
    """Return the market's tape, and what is to be known of its files.

    The tape is as it was kept, or made of the bars that were.
    """
    if loaded.header.get("candles") is None:
        return _only(loaded.tapes, market), notes_of(loaded.header)
    from pfmm.backtest.candle_cache import candles_of  # what reads bars is loaded for bars alone
    from pfmm.backtest.candles import candle_tape

    candles = candles_of(loaded)
    assert candles is not None
    tape = replace(candle_tape(candles, market), venue=loaded.header["venue"])
    return tape, (*candles.notes, *bad_rows(candles.bad_rows, ()))


def notes_of(header: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is to be known of the files that a tape was built from."""
    return (*header["notes"], *bad_rows(header["bad_rows"], header["bad_examples"]))


def bad_rows(count: int, examples: Sequence[str]) -> tuple[str, ...]:
    """Say how many rows were passed over, and what was wrong with the first."""
    told = f", such as {examples[0]}" if examples else ""
    return (f"{count} rows that make no sense were passed over{told}",) if count else ()


def _only(tapes: dict[str, MarketTape], market: str) -> MarketTape:
    if market not in tapes:
        raise UnknownMarket(f"the data holds no {market}", hint=f"it holds {', '.join(tapes)}")
    return tapes[market]

"""What is in data files: spans, counts, silences, oddities, or why a run could not begin in them. Reads, never repairs.

Judges as a run does: what can be described can be run. Writes a tape of them where one is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pfmm.backtest.candle_cache import candles_of, load_candles
from pfmm.backtest.candles import BAR_MS, Candles
from pfmm.backtest.columns import Columns
from pfmm.backtest.loading import BINARY_TAPE, kind_of
from pfmm.backtest.rates import RATE_CANDLES, funding_of
from pfmm.backtest.replaying import named_options
from pfmm.backtest.simulation import span_of
from pfmm.errors import DataFileError, UsageError
from pfmm.model.text import iso
from pfmm.paper.conversions import decimal
from pfmm.paper.feeds.feed import QUOTE
from pfmm.paper.feeds.replay_tape import MarketTape, open_tape
from pfmm.paper.feeds.tape_cache import Loaded, TapeCache, build, hashed, stats_of
from pfmm.tape.options import ReadOptions
from pfmm.tape.sources import Watcher, expand


@dataclass(frozen=True, slots=True)
class Description:
    """One file (or folder), as it is told to people and scripts: its format, and the figures of each market."""

    format: str
    time_unit: str | None
    markets: tuple[dict[str, Any], ...]
    duplicate_trades: int = 0
    skipped_lines: int = 0
    bad_rows: int = 0
    notes: tuple[str, ...] = ()
    content: str | None = None

    def fields(self) -> dict[str, Any]:
        """The description as plain values; what a binary tape does not tell is left out."""
        found: dict[str, Any] = {"format": self.format, "markets": list(self.markets)}
        if self.time_unit is not None:
            found |= {
                "time_unit": self.time_unit, "duplicate_trades": self.duplicate_trades,
                "skipped_lines": self.skipped_lines, "bad_rows": self.bad_rows, "notes": list(self.notes),
            }  # fmt: skip
        return found if self.content is None else {**found, "content": self.content}


def describe(
    path: Path, options: ReadOptions, cache: TapeCache, *, check: bool = False, watch: Watcher | None = None
) -> Description:
    """Describe a file, or all files of a folder as one set. `check` compares its content with what a kept tape was
    built from. Raises DataFileError where no run could begin in it."""
    found = cache.find([path], options)
    content = cache.check([path], options) if check else None
    if found is None or content == "changed":
        kind, holds = kind_of(path, options)
        if holds == "funding" or (holds == "candles" and RATE_CANDLES in path.name):
            return _rates(kind, path)
        if kind == BINARY_TAPE:
            return _tape(path)
        load = load_candles if holds == "candles" else TapeCache.load
        found = load(cache, [path], options, watch)
    candles = candles_of(found)
    if candles is not None:
        return _candles(kind_of(path, options)[0], candles, options, content)
    must_run(path, found.tapes)
    return _gathered(found, content)


def _gathered(loaded: Loaded, content: str | None) -> Description:
    header = loaded.header
    markets = []
    for one in header["markets"]:
        seen, spec = one["seen"], loaded.tapes[one["spec"]["market"]].spec
        markets.append(
            {
                "market": spec.market,
                "from": iso(seen["first_ms"]),
                "to": iso(seen["last_ms"]),
                **{name: seen[name] for name in ("quotes", "trades", "depths", "funding", "gaps")},
                "longest_silence_s": seen["longest_silence_ms"] / 1000,
                "crossed": seen["crossed"],
                "repeated": seen["repeated"],
                "price_unit": decimal(1, spec.price_decimals),
                "size_step": decimal(1, spec.size_decimals),
            }
        )
    return Description(
        ", ".join(header["formats"]),
        ", ".join(header["time_units"]),
        tuple(markets),
        header["duplicate_trades"],
        header["skipped_lines"],
        header["bad_rows"],
        (*header["notes"], *header["bad_examples"]),
        content,
    )


def must_run(path: Path, tapes: dict[str, MarketTape]) -> None:
    """Raise DataFileError where a run could begin in none of the markets."""
    problems = []
    for tape in tapes.values():
        try:
            span_of(Columns(tape), None, None)
        except DataFileError as error:
            problems.append(error.message)
        else:
            return
    raise DataFileError(f"{path}: {'; '.join(problems)}")


def _candles(kind: str, found: Candles, options: ReadOptions, content: str | None) -> Description:
    one = {
        "market": options.market,
        "from": iso(found.times[0]),
        "to": iso(found.times[-1] + BAR_MS),
        "bars": len(found.times),
        "gaps": found.gaps,
        "longest_silence_s": found.longest_gap_ms / 1000,
    }
    return Description(kind, found.time_unit, (one,), bad_rows=found.bad_rows, notes=found.notes, content=content)


def _rates(kind: str, path: Path) -> Description:
    markets = []
    for market, found in funding_of(path).items():
        span = {"from": iso(found[0].time_ms), "to": iso(found[-1].time_ms)}
        hours = sorted({one.interval_hours for one in found})
        markets.append({"market": market, **span, "funding": len(found), "interval_hours": ", ".join(map(str, hours))})
    return Description(kind, "", tuple(markets), notes=("settled rates, for --funding",))


def _tape(path: Path) -> Description:
    opened = open_tape(path)
    must_run(path, opened)
    markets = []
    for market, tape in opened.items():
        columns = Columns(tape)
        quotes = int((columns.rows[:, 1] == QUOTE).sum())
        span = {"from": iso(columns.times[0]), "to": iso(columns.times[-1])}
        markets.append({"market": market, **span, "quotes": quotes, "trades": len(columns) - quotes})
    return Description(BINARY_TAPE, None, tuple(markets))


def convert(files: Sequence[Path], target: Path, options: ReadOptions, watch: Watcher | None = None) -> int:
    """Write the binary tape of all `files` together to `target`; its size in bytes.

    Raises UsageError for a target that exists and for files that do not name their market, DataFileError for data of
    which no tape can be made.
    """
    if os.path.lexists(target):
        raise UsageError(f"{target} exists already", hint="choose another --convert")
    options, _ = named_options(expand(files), options)
    build(target.absolute(), files, options, {"files": hashed(stats_of(expand(files)))}, watch)
    return target.stat().st_size

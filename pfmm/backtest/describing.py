"""What is in data files: spans, counts, silences, oddities, or why a run could not begin in them. Reads, never repairs.

Judges as a run does: what can be described can be run. Writes a tape of them where one is asked for. Layer: backtest.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pfmm.backtest.candle_cache import candles_of, load_candles
from pfmm.backtest.candles import BAR_MS, Candles
from pfmm.backtest.columns import Columns
from pfmm.backtest.loading import BINARY_TAPE, kind_of
from pfmm.backtest.rates import RATE_CANDLES, funding_of
from pfmm.backtest.replaying import named_options
from pfmm.backtest.simulation import span_of
from pfmm.errors import DataFileError, UsageError
from pfmm.model.encoding import ABSENT
from pfmm.model.text import iso
from pfmm.paper.conversions import decimal
from pfmm.paper.feeds.feed import QUOTE
from pfmm.paper.feeds.replay_tape import MarketTape, open_tape
from pfmm.paper.feeds.tape_cache import Loaded, TapeCache, build, hashed, stats_of
from pfmm.tape.options import ReadOptions
from pfmm.tape.sources import Watcher, expand


@dataclass(frozen=True, slots=True)
class MarketFigures:
    """What a file holds of one market; what its kind of file does not tell is ABSENT.

    `from_` and `to` are ISO moments, `gaps` silences longer than is usual, `crossed` and `repeated` count quotes,
    `price_unit` is in USD and `size_step` in base units.
    """

    market: str
    from_: str
    to: str
    bars: int = ABSENT
    quotes: int = ABSENT
    trades: int = ABSENT
    depths: int = ABSENT
    funding: int = ABSENT
    interval_hours: str = ABSENT
    gaps: int = ABSENT
    longest_silence_s: float = ABSENT
    crossed: int = ABSENT
    repeated: int = ABSENT
    price_unit: Decimal = ABSENT
    size_step: Decimal = ABSENT


@dataclass(frozen=True, slots=True)
class Description:
    """One usable file (or folder): its format, and the figures of each market; what a binary tape does not tell is
    ABSENT, and so is `content` (same, changed, not cached) unless it was compared."""

    file: str
    usable: Literal[True]
    format: str
    markets: tuple[MarketFigures, ...]
    time_unit: str = ABSENT
    duplicate_trades: int = ABSENT
    skipped_lines: int = ABSENT
    bad_rows: int = ABSENT
    notes: tuple[str, ...] = ABSENT
    content: str = ABSENT


def describe(
    path: Path, options: ReadOptions, cache: TapeCache, *, check: bool = False, watch: Watcher | None = None
) -> Description:
    """Describe a file, or all files of a folder as one set. `check` compares its content with what a kept tape was
    built from. Raises DataFileError where no run could begin in it."""
    found = cache.find([path], options)
    content = cache.check([path], options) if check else ABSENT
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
        return _candles(path, kind_of(path, options)[0], candles, options, content)
    must_run(path, found.tapes)
    return _gathered(path, found, content)


def _gathered(path: Path, loaded: Loaded, content: str) -> Description:
    header = loaded.header
    markets = []
    for one in header["markets"]:
        seen, spec = one["seen"], loaded.tapes[one["spec"]["market"]].spec
        markets.append(
            MarketFigures(
                market=spec.market,
                from_=iso(seen["first_ms"]),
                to=iso(seen["last_ms"]),
                quotes=seen["quotes"],
                trades=seen["trades"],
                depths=seen["depths"],
                funding=seen["funding"],
                gaps=seen["gaps"],
                longest_silence_s=seen["longest_silence_ms"] / 1000,
                crossed=seen["crossed"],
                repeated=seen["repeated"],
                price_unit=decimal(1, spec.price_decimals),
                size_step=decimal(1, spec.size_decimals),
            )
        )
    return Description(
        file=str(path),
        usable=True,
        format=", ".join(header["formats"]),
        markets=tuple(markets),
        time_unit=", ".join(header["time_units"]),
        duplicate_trades=header["duplicate_trades"],
        skipped_lines=header["skipped_lines"],
        bad_rows=header["bad_rows"],
        notes=(*header["notes"], *header["bad_examples"]),
        content=content,
    )


def must_run(path: Path, tapes: dict[str, MarketTape]) -> None:
    """Raise DataFileError unless a run can begin in at least one of the markets."""
    problems = []
    for tape in tapes.values():
        try:
            span_of(Columns(tape), None, None)
        except DataFileError as error:
            problems.append(error.message)
        else:
            return
    raise DataFileError(f"{path}: {'; '.join(problems)}")


def _candles(path: Path, kind: str, found: Candles, options: ReadOptions, content: str) -> Description:
    one = MarketFigures(
        market=options.market,
        from_=iso(found.times[0]),
        to=iso(found.times[-1] + BAR_MS),
        bars=len(found.times),
        gaps=found.gaps,
        longest_silence_s=found.longest_gap_ms / 1000,
    )
    return Description(
        file=str(path),
        usable=True,
        format=kind,
        markets=(one,),
        time_unit=found.time_unit,
        duplicate_trades=0,
        skipped_lines=0,
        bad_rows=found.bad_rows,
        notes=found.notes,
        content=content,
    )


def _rates(kind: str, path: Path) -> Description:
    funding = funding_of(path)
    markets = []
    for market, found in funding.items():
        rows = found.settlements
        span = iso(rows[0].time_ms), iso(rows[-1].time_ms)
        hours = ", ".join(str(one) for one in sorted({one.interval_hours for one in rows}))
        markets.append(MarketFigures(market, *span, funding=len(rows), interval_hours=hours))
    return Description(
        file=str(path),
        usable=True,
        format=kind,
        markets=tuple(markets),
        time_unit=", ".join(sorted({unit for found in funding.values() for unit in found.time_units})),
        duplicate_trades=0,
        skipped_lines=0,
        bad_rows=0,
        notes=("settled rates, for --funding",),
    )


def _tape(path: Path) -> Description:
    opened = open_tape(path)
    must_run(path, opened)
    markets = []
    for market, tape in opened.items():
        columns = Columns(tape)
        quotes = int((columns.rows[:, 1] == QUOTE).sum())
        span = iso(columns.times[0]), iso(columns.times[-1])
        markets.append(MarketFigures(market, *span, quotes=quotes, trades=len(columns) - quotes))
    return Description(file=str(path), usable=True, format=BINARY_TAPE, markets=tuple(markets))


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

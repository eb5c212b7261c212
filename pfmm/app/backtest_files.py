"""Describe what is in data files, or at which line they are unusable. Reads, never repairs. Layer: app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pfmm.errors import DataFileError
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.backtest.columns import Columns
    from pfmm.tape import Entry, MarketSummary, ReadOptions, Units

TABLE_MARKET = "(unnamed)"


@dataclass(frozen=True, slots=True)
class Described:
    """One description a file: format, markets and counts, or the problem."""

    files: tuple[Mapping[str, Any], ...]


def describe_files(files: Sequence[Path], data_format: str | None = None, skip_bad: int = 0) -> Described:
    """Describe data files. Raises the error of the first that is unusable, with every description in it."""
    from pfmm.tape.options import ReadOptions

    described, errors = describe_each(files, ReadOptions(format=data_format, skip_bad=skip_bad))
    result = Described(tuple(described))
    if errors:
        raise errors[0].with_result(result)
    return result


def describe_each(files: Sequence[Path], options: ReadOptions) -> tuple[list[dict[str, Any]], list[DataFileError]]:
    """One description a file, and the errors of those that are unusable; a bad file does not stop the rest."""
    described: list[dict[str, Any]] = []
    errors: list[DataFileError] = []
    for path in files:
        try:
            described.append(_describe(path, options))
        except DataFileError as error:
            described.append({"file": str(path), "usable": False, "problem": error.message})
            errors.append(error)
    return described, errors


def _describe(path: Path, options: ReadOptions) -> dict[str, Any]:
    from pfmm.backtest.loading import BINARY_TAPE, kind_of

    kind, holds = kind_of(path, options)
    head = {"file": str(path), "usable": True, "format": kind}
    if holds == "candles":
        return {**head, **_candles(path, options)}
    if holds == "funding":
        return {**head, **_funding(path)}
    if kind == BINARY_TAPE:
        return {**head, **_tape(path)}
    from pfmm.tape import describe

    found = describe([path], lambda entries, units: _build(path, entries, units), options)
    return {
        **head,
        "time_unit": ", ".join(found.time_units),
        "markets": [_market(one) for one in found.markets],
        "duplicate_trades": found.duplicate_trades,
        "skipped_lines": found.skipped_lines,
        "bad_rows": found.bad_rows,
        "notes": [*found.notes, *found.bad_examples],
    }


def _market(one: MarketSummary) -> dict[str, Any]:
    return {
        "market": one.market,
        "from": iso(one.first_ms) if one.first_ms else None,
        "to": iso(one.last_ms) if one.last_ms else None,
        "quotes": one.quotes,
        "trades": one.trades,
        "depths": one.depths,
        "funding": one.funding,
        "gaps": one.gaps,
        "longest_silence_s": one.longest_silence_ms / 1000,
        "crossed": one.crossed,
        "repeated": one.repeated,
        "price_unit": one.units.price_unit,
        "size_step": one.units.size_step,
    }


def _funding(path: Path) -> dict[str, Any]:
    from pfmm.backtest.candles import read_funding

    found = read_funding(path)
    one = {"market": TABLE_MARKET, "from": iso(found[0].time_ms), "to": iso(found[-1].time_ms), "funding": len(found)}
    return {"markets": [one], "notes": ["settled rates, for --funding"]}


def _build(path: Path, entries: Iterable[Entry], units: Mapping[str, Units]) -> None:
    """Makes of the entries what a run would make of them, and judges it alike."""
    from pfmm.backtest.columns import Columns
    from pfmm.paper.feeds.replay_tape import MarketTape, build_markets

    built = build_markets(entries, units)
    tapes = (MarketTape(spec, **{name: memoryview(one) for name, one in sections.items()}) for spec, sections in built)
    _must_run(path, (Columns(tape) for tape in tapes))


def _must_run(path: Path, markets: Iterable[Columns]) -> None:
    """Raises DataFileError where a run could begin in none of the markets."""
    from pfmm.backtest.simulation import span_of

    problems = []
    for columns in markets:
        try:
            span_of(columns, None, None)
        except DataFileError as error:
            problems.append(error.message)
        else:
            return
    raise DataFileError(f"{path}: {'; '.join(problems)}")


def _candles(path: Path, options: ReadOptions) -> dict[str, Any]:
    from pfmm.backtest.candles import BAR_MS, read_candles

    found = read_candles([path], None, options)
    one = {
        "market": TABLE_MARKET,
        "from": iso(found.times[0]),
        "to": iso(found.times[-1] + BAR_MS),
        "bars": len(found.times),
        "gaps": found.gaps,
        "longest_silence_s": found.longest_gap_ms / 1000,
    }
    return {"time_unit": found.time_unit, "markets": [one], "bad_rows": found.bad_rows, "notes": []}


def _tape(path: Path) -> dict[str, Any]:
    from pfmm.backtest.columns import Columns
    from pfmm.paper.feeds.feed import QUOTE
    from pfmm.paper.feeds.replay_tape import open_tape

    markets = []
    opened = {market: Columns(tape) for market, tape in open_tape(path).items()}
    _must_run(path, opened.values())
    for market, columns in opened.items():
        quotes = int((columns.rows[:, 1] == QUOTE).sum())
        span = {"from": iso(columns.times[0]), "to": iso(columns.times[-1])}
        markets.append({"market": market, **span, "quotes": quotes, "trades": len(columns) - quotes})
    return {"markets": markets}

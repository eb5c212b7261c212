"""Files of 1-minute candles as bars: columns where a block is plain, row by row where it is not. Layer: backtest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pfmm.errors import DataFileError, UnknownMarket
from pfmm.tape.arrow import Doubt, bar_columns, bar_roles, look_for_trimmed
from pfmm.tape.carriers import batches, cells_of_rows
from pfmm.tape.events import Place, not_negative, positive
from pfmm.tape.fixed import SCALE
from pfmm.tape.fixed import decimals as decimals_of
from pfmm.tape.layout import Document
from pfmm.tape.recognise import Found
from pfmm.tape.rows import Faults, cells_of_block, newest_first, table_cells
from pfmm.tape.source_batches import BLOCK_BYTES, table_of_batch, table_of_block
from pfmm.tape.sources import Source, Watcher, blocks
from pfmm.tape.tables import RowReader

PRICES = ("open", "high", "low", "close")
Row = tuple[Place, Sequence[str]]


@dataclass(slots=True)
class Bars:
    """Bars of one file as they were read: when, open high low close of each, volume, where each stands.

    Prices and volumes are whole 1e-8; the places say with how many decimals they were written at most.
    """

    source: Source
    times: list[int] = field(default_factory=list)
    prices: list[int] = field(default_factory=list)
    volumes: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    price_places: int = 0
    volume_places: int = 0
    time_unit: str = "ms"
    notes: tuple[str, ...] = ()

    def turned(self) -> Bars:
        """Return the same bars, the last one first."""
        prices = [price for at in range(len(self.prices) - 4, -1, -4) for price in self.prices[at : at + 4]]
        return Bars(
            self.source, self.times[::-1], prices, self.volumes[::-1], self.lines[::-1], self.price_places,
            self.volume_places, self.time_unit, self.notes,
        )  # fmt: skip


def read_bars(source: Source, found: Found, market: str | None, faults: Faults, watch: Watcher | None = None) -> Bars:
    """Read the bars of one file; where the newest stands first, turn them round.

    Raises DataFileError, with the line, for what makes no sense, UnknownMarket for bars of another market.
    """
    table = found.table
    if table is None or table.holds != "candles":
        raise source.place.error(f"holds {found.format.says}, no candles")
    reader = RowReader(table, found.roles, "")
    bars = Bars(source)
    if found.carrier in ("parquet", "feather"):
        _columnar(bars, found, reader, market, faults)
    elif found.carrier == "text" and not isinstance(found.format, Document):
        for block in blocks(source, watch, BLOCK_BYTES):
            try:
                plain, unit, first = table_of_block(block, found, reader.clock, bar_roles(found))
                _add_columns(bars, plain, reader, unit, market, first)
            except Doubt:
                _add_rows(bars, cells_of_block(block, source, found, faults), reader, market, faults)
    else:
        _add_rows(bars, table_cells(source, found, faults), reader, market, faults)
    bars.time_unit = reader.clock.unit or "ms"
    bars.notes = tuple(note for note in (table.note, reader.trimmed.told) if note)
    return bars.turned() if newest_first(bars.times) else bars


def _columnar(bars: Bars, found: Found, reader: RowReader, market: str | None, faults: Faults) -> None:
    number = 1
    for batch in batches(bars.source, found):
        try:
            plain, unit = table_of_batch(batch, found, reader.clock, bar_roles(found))
            _add_columns(bars, plain, reader, unit, market, number)
        except Doubt:
            _add_rows(bars, cells_of_rows(bars.source, found, batch, number), reader, market, faults)
        number += batch.num_rows


def _add_columns(bars: Bars, plain: Any, reader: RowReader, unit: str, market: str | None, first: int) -> None:
    times, prices, volumes, places = bar_columns(plain, unit, market)
    reader.clock.unit = unit
    look_for_trimmed(plain, reader.trimmed)
    bars.times += times
    bars.prices += prices
    bars.volumes += volumes
    bars.lines += range(first, first + len(times))
    bars.price_places, bars.volume_places = max(bars.price_places, places[0]), max(bars.volume_places, places[1])


def _add_rows(bars: Bars, rows: Iterator[Row], reader: RowReader, market: str | None, faults: Faults) -> None:
    for place, cells in rows:
        try:
            time_ms, prices, volume = _bar(reader, cells, place)
        except DataFileError as error:
            faults.pass_over(error)
            continue
        _one_market(bars, reader, cells, market, place)
        bars.times.append(time_ms)
        bars.prices += [round(price.scaleb(SCALE)) for price in prices]
        bars.volumes.append(int(volume.scaleb(SCALE)))
        bars.lines.append(place.line)
        bars.price_places = max(bars.price_places, *map(decimals_of, prices))
        bars.volume_places = max(bars.volume_places, decimals_of(volume))


def _one_market(bars: Bars, reader: RowReader, cells: Sequence[str], market: str | None, place: Place) -> None:
    if market is None or "symbol" not in reader.at:
        return
    other = reader.market_of(cells, place)
    if other == market:
        return
    if bars.times:
        raise place.error(f"is of {other}, the rows before it are of {market}")
    raise UnknownMarket(f"{place.path}, line {place.line}: the data holds no {market}", hint=f"it holds {other}")


def _bar(reader: RowReader, cells: Sequence[str], place: Place) -> tuple[int, tuple[Decimal, ...], Decimal]:
    at = reader.at
    time_ms, _ = reader.clock.read(cells[at["time"]], reader.table.columns["time"][0], place)
    opened, high, low, closed = (positive(cells[at[name]], name, place) for name in PRICES)
    volume = not_negative(cells[at["volume"]], "volume", place)
    for name in (*PRICES, "volume"):
        reader.trimmed.look(cells[at[name]])
    if high < max(opened, closed, low) or low > min(opened, closed):
        raise place.error(f"open {opened}, high {high}, low {low} and close {closed} contradict each other")
    return time_ms, (opened, high, low, closed), volume

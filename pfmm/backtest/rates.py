"""Settled funding rates from files of any venue's layout: every row is one settlement. Layer: backtest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from pfmm.errors import UnknownMarket
from pfmm.model.units import iso
from pfmm.paper.feeds.feed import Settlement
from pfmm.paper.feeds.settlements import TooClose, on_the_minute, spaced
from pfmm.tape.carriers import found_of
from pfmm.tape.events import Place
from pfmm.tape.options import UNNAMED
from pfmm.tape.recognise import Found
from pfmm.tape.rows import Budget, Faults, table_cells
from pfmm.tape.sources import Source, expand
from pfmm.tape.tables import RowReader, rate_of

MANY_ROWS = 10
RATE_CANDLES = "funding_rate"  # in the name of a file of candles whose open is a rate


@dataclass(slots=True)
class _Rates:
    """One market's rates by their minute: the rate in 1e-8, the hours it is for (0: not stated), and its place."""

    found: dict[int, tuple[int, int, Place]] = field(default_factory=dict)
    per_8h: bool = False
    time_units: set[str] = field(default_factory=set)

    def add(self, time_ms: int, rate: Decimal, hours: int, place: Place, *, may_replace: bool) -> None:
        """Take a row. Raises DataFileError for a time that has another rate already."""
        scaled, due_ms = round(rate.scaleb(8)), on_the_minute(time_ms)
        if not may_replace and self.found.setdefault(due_ms, (scaled, 0, place))[0] != scaled:
            raise place.error(f"{iso(time_ms)} has another rate further up")
        self.found[due_ms] = (scaled, hours, place)

    def settlements(self) -> list[Settlement]:
        """Return the settlements of the rows. Raises DataFileError for rows that follow each other faster than any
        venue settles."""
        rows = sorted(self.found.items())
        stated = all(hours for _, (_, hours, _) in rows)
        if stated:
            return [Settlement(time_ms, rate, hours) for time_ms, (rate, hours, _) in rows]
        try:
            return spaced([(time_ms, rate) for time_ms, (rate, _, _) in rows], per_8h=self.per_8h)
        except TooClose as error:
            raise rows[error.index][1][2].error(f"{error}: no venue settles so often") from None


@dataclass(frozen=True, slots=True)
class Funding:
    """The settlements of one market, and the units in which the files tell their times (s, ms, us, ns, iso)."""

    settlements: list[Settlement]
    time_units: tuple[str, ...]


def read_funding(path: Path, market: str | None = None) -> list[Settlement]:
    """Read the settlements of one market in a file of settled rates; without `market`, of the only one there is.

    A row's rate is for its own interval: the one that it states, else the hours since the row before (see `spaced`).
    Rates per 8 h (`rate_8h`) are brought to that interval: hourly rows of 0.0001 settle 0.0000125 each. Raises
    DataFileError, with the line, for a rate of 1 or more, for a time that has two rates, and for rows less than half
    an hour apart; UnknownMarket where the file names other markets only.
    """
    found = funding_of(path)
    if UNNAMED in found:
        return found[UNNAMED].settlements
    if market is None and len(found) == 1:
        return next(iter(found.values())).settlements
    if market not in found:
        raise UnknownMarket(f"{path}: holds no rates of {market}", hint=f"it holds {', '.join(found)}")
    return found[market].settlements


def funding_of(path: Path) -> dict[str, Funding]:
    """Read the settlements of every market in a file or folder, as `read_funding`.

    UNNAMED stands for rows that do not name theirs.
    """
    markets: dict[str, _Rates] = {}
    for source in expand([path]):
        for market, rates in _rates(source):
            _merge(markets, market, rates)
    if not markets:
        raise Place(path, 0).error("holds no funding rates")
    _refuse_strays(markets)
    return {market: Funding(rates.settlements(), tuple(sorted(rates.time_units))) for market, rates in markets.items()}


def _refuse_strays(markets: Mapping[str, _Rates]) -> None:
    """Raise DataFileError for a market with one row beside another with many: taken for a market of its own, a damaged
    name would silently take a settlement from the market that it is of."""
    most = max(len(rates.found) for rates in markets.values())
    for market, rates in markets.items():
        if len(rates.found) == 1 and most >= MANY_ROWS:
            place = next(iter(rates.found.values()))[2]
            raise place.error(f"{market} has one of the rows here and another market {most}: is its name damaged?")


def _merge(markets: dict[str, _Rates], market: str, rates: _Rates) -> None:
    known = markets.setdefault(market, rates)
    if known is rates:
        return
    if known.per_8h != rates.per_8h:
        raise next(iter(rates.found.values()))[2].error("is for another interval than the rates of the file before")
    for due_ms, (rate, hours, place) in rates.found.items():
        known.add(due_ms, Decimal(rate).scaleb(-8), hours, place, may_replace=False)
    known.time_units |= rates.time_units


def _rates(source: Source) -> Iterator[tuple[str, _Rates]]:
    kind = found_of(source)
    table = kind.table
    if table is not None and table.holds == "candles" and RATE_CANDLES in source.path.name:
        yield UNNAMED, _opens(source, kind)
        return
    if table is None or table.holds != "funding":
        raise source.place.error(f"holds {kind.format.says}, no settled funding rates")
    reader = RowReader(table, kind.roles, UNNAMED)
    stated = "settles" in reader.at
    markets: dict[str, _Rates] = {}
    for place, cells in table_cells(source, kind, Faults(Budget(0))):
        for event, _ in reader.funding(cells, place):
            rates = markets.setdefault(event.market, _Rates(per_8h="rate_8h" in reader.at))
            hours = event.interval_hours if stated or reader.states_interval(cells) else 0
            rates.add(event.time_ms, event.rate, hours, place, may_replace="settles" in reader.at)
    for rates in markets.values():
        rates.time_units.add(reader.clock.unit or "ms")
    yield from markets.items()


def _opens(source: Source, kind: Found) -> _Rates:
    """Read rates that are kept as candles: each is the open of its bar."""
    assert kind.table is not None
    roles: Mapping[str, int] = dict(kind.roles)
    reader = RowReader(kind.table, (("time", roles["time"]), ("rate", roles["open"])), UNNAMED)
    rates = _Rates()
    for place, cells in table_cells(source, kind, Faults(Budget(0))):
        time_ms, _ = reader.clock.read(cells[roles["time"]], "time", place)
        rates.add(time_ms, rate_of(reader, cells, place)[0], 0, place, may_replace=False)
    rates.time_units.add(reader.clock.unit or "ms")
    return rates

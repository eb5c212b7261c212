"""Rows of a table as events, one at a time: what any file is read by without the extra `data`, and what names the row
and the value wherever a faster way finds that something is wrong. Layer: tape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pfmm.model.market import FundingRate, Trade
from pfmm.model.units import EPOCH, UNIT_NS, unit_of
from pfmm.tape.books import LevelBook
from pfmm.tape.events import TOLERANCE_MS, Place, TapeEvent, TapeQuote, finite, late_words, not_negative, positive
from pfmm.tape.layout import Document, Table, listed
from pfmm.tape.recognise import Found, cells_of
from pfmm.tape.seen import SeenIds
from pfmm.tape.sources import Block, Source, decoded, reading_errors, unpacked
from pfmm.tape.symbols import market_called
from pfmm.tape.trimmed import Trimmed

NUMBER = re.compile(r"(?a)([0-9]{1,19})(?:\.([0-9]{0,12}))?")
POWER = re.compile(r"(?a)[0-9](?:\.[0-9]{1,21})?[eE]\+?(?:9|1[0-8])")  # as arrays of floats are written
FIRST_MS = 946_684_800_000  # 2000
LAST_PLAUSIBLE_MS = 4_102_444_800_000  # 2100
WHOLE = re.compile(r"(?:true|false|buy|sell|bid|ask|[0-9]{10,19})", re.IGNORECASE)
SECONDS = re.compile(r"[0-9]{10}")
HOURS = re.compile(r"(?a)([0-9]{1,2})(?:\.0+)?h?")
SNAPSHOTS, CHANGES, TRADES = ("S", "0"), ("D", "1"), ("T", "2")  # kinds of a row among those of books
TICKERS = ("B", "3")  # of one that is half a ticker
UNSTATED_HOURS, MOST_HOURS = 8, 24
MANY_ROWS, FEW_ROWS = 50, 10  # ahead of a last one that has no line end
FIXED = re.compile(rb"^[0-9]+\.([0-9]+)$")
Row = tuple[Place, Sequence[str]]


class Clock:
    """The times of one file: the unit follows from the first one, and the rest must be of the same."""

    __slots__ = ("unit",)

    def __init__(self, unit: str | None = None) -> None:
        self.unit = unit

    def read(self, cell: str, name: str, place: Place) -> tuple[int, int]:
        """Return (ms since 1970, ns beyond it). Raises DataFileError for no time of this century, or another unit."""
        found = NUMBER.fullmatch(cell) or NUMBER.fullmatch(plain_time(cell))
        unit = "iso" if found is None else unit_of(int(found[1]))
        if found is None:
            ns = self._iso(cell, name, place)
        else:
            scale = UNIT_NS[unit]
            ns = int(found[1]) * scale + (int(Decimal("0." + found[2]) * scale) if found[2] else 0)
        ms, sub = divmod(ns, 1_000_000)
        if not FIRST_MS <= ms < LAST_PLAUSIBLE_MS:
            raise place.error(f"{name} must be a time between 2000 and 2100, not {cell!r}")
        if self.unit is None:
            self.unit = unit
        elif self.unit != unit:
            raise place.error(f"{name} {cell!r} is a time in {unit}, those before it are in {self.unit}")
        return ms, sub

    def unit_of(self, cell: str) -> str:
        """Return the unit of the file's times, as this cell shows it where none was read yet."""
        found = NUMBER.fullmatch(cell) or NUMBER.fullmatch(plain_time(cell))
        return self.unit or ("iso" if found is None else unit_of(int(found[1])))

    def _iso(self, cell: str, name: str, place: Place) -> int:
        from datetime import UTC, datetime

        head, _, tail = cell.removesuffix(" UTC").partition(".")
        digits = re.match(r"[0-9]*", tail)
        fraction = digits[0] if digits else ""
        try:
            found = datetime.fromisoformat(head + tail[len(fraction) :])
        except ValueError:
            raise place.error(f"{name} must be s, ms, us or ns since 1970 or ISO-8601, not {cell!r}") from None
        aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        whole = aware - EPOCH
        return (whole.days * 86_400 + whole.seconds) * 1_000_000_000 + int(fraction[:9].ljust(9, "0") or 0)


def plain_time(cell: str) -> str:
    """Write a time in plain digits where it is written in powers of ten: 1.7356896e+12 is 1735689600000."""
    return format(Decimal(cell), "f") if POWER.fullmatch(cell) else cell


def text_row(raw: bytes, place: Place, found: Found, *, may_be_cut: bool) -> Sequence[str] | None:
    """Return the cells of a line; None for the header, a blank line or a comment.

    Raises DataFileError for a row of another width, and for a last line without an end that may be cut.
    """
    if place.line <= found.header_line:
        return None
    line = decoded(raw, place)
    if not line.strip() or line.startswith("#"):
        return None
    cells = cells_of(line, found.delimiter)
    if found.header_line and not line[:1].isdigit() and tuple(one.lower() for one in cells) == found.header:
        return None  # files that were put behind each other, headers and all
    if len(cells) != found.width:
        raise place.error(f"must have {found.width} cells, not {len(cells)}: {line[:60]!r}")
    if may_be_cut and not _is_whole(line, cells[-1], alone=place.line <= found.header_line + 1):
        raise place.error(
            "the last line has no end, and may be cut", hint="add a line end if it is whole, or remove it"
        )
    return cells


def line_that_may_be_cut(block: Block, found: Found) -> int:
    """Return the number of a last line that has no end and may be the beginning of a longer one; 0 where there is none.

    Where nobody reads the last column, nothing is lost. Where the last cells of the lines before it all have the same
    number of decimals, one with as many is whole.
    """
    if block.ended or found.width - 1 not in dict(found.roles).values():
        return 0
    delimiter = found.delimiter
    lines = [*block.before.split(b"\n")[1:], *block.content.split(b"\n")]
    cells = [line.rpartition(delimiter.encode())[2].strip() for line in lines[-MANY_ROWS:]]
    numbers = [FIXED.search(cell) for cell in cells]
    fixed = {-1 if one is None else len(one[1]) for one in numbers}
    return 0 if len(cells) > FEW_ROWS and len(fixed) == 1 and -1 not in fixed else block.last_line


def _is_whole(line: str, cell: str, *, alone: bool) -> bool:
    """Tell whether the last cell cannot be the beginning of a longer one: in quotes, a whole word, or a whole time.

    Of a row that is `alone`, no other tells that a time in seconds is not the beginning of one in ms.
    """
    if alone and SECONDS.fullmatch(cell):
        return False
    return line.rstrip().endswith('"') or bool(WHOLE.fullmatch(cell))


def document_rows(source: Source, document: Document) -> Iterator[Row]:
    """Yield the rows of one JSON document, numbers as they are written; the place is the row's number."""
    with reading_errors(source, lambda: 0), unpacked(source) as stream:
        content = stream.read()
    rows = document.rows(listed(_documents(content, source)))
    if rows is None:
        raise source.place.error(f"holds no {document.says}")
    for number, cells in enumerate(rows, 1):
        place = source.at(number)
        if len(cells) != len(document.header):
            raise place.error(f"must have {len(document.header)} cells, not {len(cells)}")
        yield place, cells


def _documents(content: bytes, source: Source) -> Any:
    """Return the document that the bytes are, or the list of those that stand one a line.

    Raises DataFileError for what is no JSON.
    """
    place = source.place
    try:
        text = content.decode("utf-8-sig")
        if not text.lstrip().startswith("{"):
            return _as_written(text)
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        try:
            found = [_as_written(lines[0][1])]
        except ValueError:
            return _as_written(text)  # one object, over many lines
        if len(lines) == 1:
            return found[0]
        for number, line in lines[1:]:
            place = source.at(number)
            found.append(_as_written(line))
        return found
    except (ValueError, RecursionError) as error:  # of bytes that are no UTF-8 too
        raise place.error(f"not JSON: {error}") from None


def _as_written(text: str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


@dataclass(slots=True)
class Levels:
    """The books that rows of levels make, and the message that is not known to be whole: it ends where another begins.

    `group` is what the rows of a message have in common, `pending` its market, time and kind, until it is shown.
    """

    books: dict[str, LevelBook] = field(default_factory=dict)
    group: tuple[str, ...] = ()
    pending: tuple[str, int, str] | None = None
    sub_ns: int = 0
    shown_ms: int = 0  # when the message before it was
    snapshot: bool = False


def book_of(market: str, kind: str) -> str:
    """Name the book that a level is of: best prices that are told apart from the book do not replace it."""
    return market + " best" if kind in TICKERS else market


class RowReader:
    """Turns rows of one table into events. `market` names a table that has no column for it."""

    def __init__(self, table: Table, roles: Sequence[tuple[str, int]], market: str) -> None:
        self.table = table
        self.at = dict(roles)
        self.clock = Clock()
        self.seen = SeenIds()
        self.duplicates = 0
        self.skipped = 0
        self.last_id: str | None = None
        self.trimmed = Trimmed()
        self.market = market
        self._names = {role: names[0] for role, names in {**table.columns, **table.extras}.items()}
        self.instrument: str | None = None
        self.levels = Levels()
        self._settled: dict[str, FundingRate] = {}
        self._told_ms: dict[str, int] = {}

    def read(self, cells: Sequence[str], place: Place) -> Iterator[tuple[TapeEvent, int]]:
        """Yield the events of one row with the ns beyond their ms.

        Raises DataFileError for a row that makes no sense.
        """
        if self.table.holds == "totals":
            self.skipped += 1
            return
        time_ms, sub_ns = self.clock.read(self._cell(cells, "time"), self._names["time"], place)
        market = self.market_of(cells, place)
        match self.table.holds:
            case "trades":
                yield from ((event, sub_ns) for event in self._trade(cells, market, time_ms, place))
            case "quotes":
                yield self._quote(cells, market, time_ms, place), sub_ns
            case "ticks":
                yield from ((event, sub_ns) for event in self._tick(cells, market, time_ms, place))
            case "book":
                yield from self._book_row(cells, market, (time_ms, sub_ns), place)
            case "funding":
                yield from ((event, 0) for event in self._funding(cells, market, time_ms, place))
            case _:
                raise place.error(f"{self.table.says} are no events")

    def funding(self, cells: Sequence[str], place: Place) -> Iterator[tuple[FundingRate, int]]:
        """Yield the settlements of one row of a table that holds them; see `read`."""
        for event, sub_ns in self.read(cells, place):
            assert isinstance(event, FundingRate)
            yield event, sub_ns

    def states_interval(self, cells: Sequence[str]) -> bool:
        """Tell whether a settlement says for how many hours its rate is."""
        return "interval_h" in self.at and bool(self._cell(cells, "interval_h"))

    def go_on_from(self, before: RowReader) -> None:
        """Take over what the file before this one leaves: its books, and the ids of its prints."""
        self.seen, self.last_id = before.seen, before.last_id
        self.levels.books, self.levels.snapshot = before.levels.books, before.levels.snapshot

    def rest(self) -> Iterator[tuple[TapeEvent, int]]:
        """Yield what waits for the end of the file. Half a ticker is passed over: its other half may have been cut.

        One that goes back in time is not: it is out of order, and told.
        """
        if (
            self.levels.pending is not None
            and self.levels.pending[2] in TICKERS
            and self.levels.pending[1] >= self.levels.shown_ms
        ):
            book = self.levels.books[book_of(self.levels.pending[0], self.levels.pending[2])]
            if not (book.bids and book.asks):
                self.levels.pending = None
                self.skipped += 1
        yield from self._shown()

    def market_of(self, cells: Sequence[str], place: Place) -> str:
        """Return the market that a row is of."""
        if "symbol" not in self.at:
            return self.market
        symbol = self._cell(cells, "symbol")
        if self.table.name == "fastmm":
            if self.instrument not in (None, symbol):
                raise place.error(f"holds instruments {self.instrument} and {symbol}: no file of one market")
            self.instrument = symbol
            return self.market
        if not symbol and self.table.holds == "funding":
            return self.market
        if not symbol or not symbol.isprintable():
            raise place.error(f"{self._names['symbol']} must be a name, not {symbol!r}")
        return symbol if symbol.endswith("-PERP") else market_called(symbol)

    def _cell(self, cells: Sequence[str], role: str) -> str:
        return cells[self.at[role]]

    def _number(self, cells: Sequence[str], role: str, place: Place) -> Decimal:
        cell = self._cell(cells, role)
        number = positive(cell, self._names.get(role, role), place)
        self.trimmed.look(cell)
        return number

    def _amount(self, cells: Sequence[str], role: str, place: Place) -> Decimal:
        cell = self._cell(cells, role)
        number = not_negative(cell, self._names.get(role, role), place)
        self.trimmed.look(cell)
        return number

    def _side(self, cells: Sequence[str], place: Place) -> int:
        word = self._cell(cells, "side")
        side = self.table.sides.get(word.lower())
        if side is None:
            raise place.error(f"{self._names['side']} must be one of {', '.join(self.table.sides)}, not {word!r}")
        return side

    def _trade(self, cells: Sequence[str], market: str, time_ms: int, place: Place) -> Iterator[TapeEvent]:
        if "id" in self.at and self._cell(cells, "id"):
            if self.seen.again(market, self._cell(cells, "id")):
                self.duplicates += 1
                return
            self.last_id = self._cell(cells, "id")
        price, size = self._number(cells, "price", place), self._number(cells, "size", place)
        yield Trade(market, time_ms, price, size, self._side(cells, place))

    def _quote(self, cells: Sequence[str], market: str, time_ms: int, place: Place) -> TapeQuote:
        bid, bid_size = self._best(cells, "bid", place)
        ask, ask_size = self._best(cells, "ask", place)
        return TapeQuote(market, time_ms, bid, bid_size, ask, ask_size)

    def _best(self, cells: Sequence[str], role: str, place: Place) -> tuple[Decimal | None, Decimal]:
        if not self._cell(cells, role):
            return None, Decimal(0)
        return self._number(cells, role, place), self._amount(cells, f"{role}_size", place)

    def _tick(self, cells: Sequence[str], market: str, time_ms: int, place: Place) -> Iterator[TapeEvent]:
        kind = self._cell(cells, "kind").lower()
        if kind == "trade":
            yield from self._trade(cells, market, time_ms, place)
        elif kind == "quote":
            yield self._quote(cells, market, time_ms, place)
        else:
            raise place.error(f"kind must be trade or quote, not {kind!r}")

    def _funding(self, cells: Sequence[str], market: str, time_ms: int, place: Place) -> Iterator[FundingRate]:
        if "settles" in self.at:
            if not self._cell(cells, "settles") or not self._cell(cells, "rate"):
                return  # a ticker that says nothing of funding
            told_ms = self._told_ms.get(market, 0)
            if time_ms < told_ms:  # the last rate told before a settlement is the one that was paid
                raise place.error(f"{market} is out of order: {told_ms - time_ms} ms older than the row before it")
            self._told_ms[market] = time_ms
            time_ms, _ = Clock(self.clock.unit).read(self._cell(cells, "settles"), self._names["settles"], place)
        rate, hours = rate_of(self, cells, place)
        before = self._settled.get(market)
        if "settles" in self.at and before is not None:
            apart = (time_ms - before.time_ms + 1_800_000) // 3_600_000
            hours = apart if 0 < apart <= 24 else before.interval_hours
            if hours != before.interval_hours:
                yield replace(before, interval_hours=hours)
        self._settled[market] = FundingRate(market, time_ms, rate, hours)
        yield self._settled[market]

    def _book_row(
        self, cells: Sequence[str], market: str, time: tuple[int, int], place: Place
    ) -> Iterator[tuple[TapeEvent, int]]:
        """Take one level of a book, or a trade or half a ticker among them.

        A message is whole where the next one begins.
        """
        kind = self._cell(cells, "kind").upper() if "kind" in self.at else "D"
        sequence = self._cell(cells, "sequence") if "sequence" in self.at else ""
        group = (market, str(time), kind, sequence)
        if group != self.levels.group:
            yield from self._shown()
            self._refuse_late(market, time[0], place)
        if kind in TRADES:
            yield from ((event, time[1]) for event in self._trade(cells, market, time[0], place))
        elif kind in (*SNAPSHOTS, *CHANGES, *TICKERS):
            self._level(cells, market, kind, group != self.levels.group, place)
            self.levels.pending, self.levels.sub_ns = (market, time[0], kind), time[1]
        else:
            raise place.error(f"{self._names['kind']} must be S, D, T or B, not {kind!r}")
        self.levels.group = group

    def _refuse_late(self, market: str, time_ms: int, place: Place) -> None:
        """Raise DataFileError for a message that is older than the one before it: what changes a book cannot be put in
        its place afterwards."""
        late_ms = self.levels.shown_ms - time_ms
        if late_ms > TOLERANCE_MS:
            raise place.error(late_words(market, late_ms))

    def _level(self, cells: Sequence[str], market: str, kind: str, begins: bool, place: Place) -> None:  # noqa: FBT001 - by position, for every row
        book = self.levels.books.setdefault(book_of(market, kind), LevelBook())
        snapshot = kind in SNAPSHOTS
        if "snapshot" in self.at:
            word = self._cell(cells, "snapshot").lower()
            if word not in ("true", "false"):
                raise place.error(f"{self._names['snapshot']} must be true or false, not {word!r}")
            snapshot = word == "true"
            begins = snapshot and not self.levels.snapshot
        self.levels.snapshot = snapshot
        if (snapshot or kind in TICKERS) and begins:
            book.clear()
        price, size = self._cell(cells, "price"), self._cell(cells, "size")
        book.set(self._side(cells, place), price, size, "level", place)
        self.trimmed.look(price)
        self.trimmed.look(size)

    def _shown(self) -> Iterator[tuple[TapeEvent, int]]:
        if self.levels.pending is None:
            return
        (market, time_ms, kind), self.levels.pending = self.levels.pending, None
        self.levels.shown_ms = time_ms
        book = self.levels.books[book_of(market, kind)]
        quote = book.quote(market, time_ms)
        depth = None if kind in TICKERS else book.depth(market, time_ms)
        if quote is not None:
            yield quote, self.levels.sub_ns
        if depth is not None:
            yield depth, self.levels.sub_ns


def rate_of(reader: RowReader, cells: Sequence[str], place: Place) -> tuple[Decimal, int]:
    """Return the rate of a settlement and the hours it is for. Raises DataFileError for a rate of 1 or more."""
    role = "rate_8h" if "rate_8h" in reader.at else "rate"
    cell = cells[reader.at[role]]
    rate = finite(cell, role, place)
    if abs(rate) >= 1:
        raise place.error(f"{role} must be a fraction between -1 and 1 (0.0001 is 1 bp), not {cell!r}")
    hours = cells[reader.at["interval_h"]] if "interval_h" in reader.at else ""
    if not hours:
        return rate, UNSTATED_HOURS
    told = HOURS.fullmatch(hours)
    if told is None or not 0 < int(told[1]) <= MOST_HOURS:
        raise place.error(f"interval must be 1 to {MOST_HOURS} whole hours, not {hours!r}")
    return rate, int(told[1])

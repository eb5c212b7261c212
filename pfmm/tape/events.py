"""What recorded data consists of, and the checks that every number of a data file has to pass. Layer: tape."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from pfmm.errors import DataFileError
from pfmm.model.market import Book, FundingRate, Trade
from pfmm.model.units import LAST_MS
from pfmm.tape.exponents import UNSIGNED
from pfmm.tape.fixed import decimals

TOLERANCE_MS = 250  # streams of one exchange interleave: see reading.py
KEPT_DECIMALS = 8  # of a price, a size or a rate
LAST_DECIMAL = Decimal("1e-15")
MOST_DIGITS = 15  # no price or size has more digits than this before or after the point
MOST_TOLD = 400  # letters of what is wrong: a number may have thousands of digits
THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
DECIMAL_COMMA = re.compile(r"-?[0-9]+,[0-9]+")
PLAIN = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")  # how nearly every number is written: checked at one go


class TapeQuote(NamedTuple):
    """Best bid and ask of one market, USD and base units; a side that had no quote is None with size 0."""

    market: str
    time_ms: int
    bid: Decimal | None
    bid_size: Decimal
    ask: Decimal | None
    ask_size: Decimal

    @property
    def crossed(self) -> bool:
        """True when the bid is at or above the ask."""
        return self.bid is not None and self.ask is not None and self.bid >= self.ask


TapeEvent = TapeQuote | Trade | Book | FundingRate


class Gap(NamedTuple):
    """Between these two times prints of the market may be missing: nothing fills in it."""

    market: str
    time_ms: int
    until_ms: int


class Placed(NamedTuple):
    """One event in its place among the others of its market.

    A print that is learned late takes its place when it is learned; `made_ms` is its own time. One that was made
    within a gap is `missed`: it is kept, and fills nothing.
    """

    event: TapeEvent | Gap
    made_ms: int
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file something stands; line 0 is the file as a whole."""

    path: Path
    line: int

    def error(self, problem: str, hint: str | None = None) -> DataFileError:
        """Make a DataFileError that names the file and the line."""
        where = f"{self.path}, line {self.line}" if self.line else str(self.path)
        told = problem if len(problem) <= MOST_TOLD else f"{problem[:MOST_TOLD]}…"
        return DataFileError(f"{where}: {told}", hint=hint)


class Entry(NamedTuple):
    """One event and where it came from."""

    place: Place
    event: TapeEvent
    sub_ns: int = 0  # how far beyond its ms the event was, where the file tells


def json_value(body: str, place: Place) -> object:
    """Return the JSON value that a line holds; raise DataFileError naming the place for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise place.error(f"not JSON: {error}") from None


def field(record: Mapping[str, object], name: str, place: Place) -> object:
    """Return `record[name]`; raise an error that names the field where it is missing."""
    if name not in record:
        raise place.error(f"the field {name!r} is missing")
    return record[name]


def late_words(market: str, late_ms: int) -> str:
    """Say that something is older than what stands before it by more than TOLERANCE_MS."""
    return f"{market} is out of order: {late_ms} ms older than the newest event before it"


def positive(value: object, name: str, place: Place) -> Decimal:
    """Return a finite number above zero, given as text: "63943.90"."""
    number = not_negative(value, name, place)
    if number == 0:
        raise place.error(f"{name} must be above zero, not {value!r}")
    return number


def not_negative(value: object, name: str, place: Place) -> Decimal:
    """Return a finite number of zero or more, given as text."""
    number = finite(value, name, place)
    if number < 0:
        raise place.error(f"{name} must not be negative, not {value!r}")
    return number


def finite(value: object, name: str, place: Place) -> Decimal:
    """Return a finite number given as text, with at most 15 digits on either side of the point."""
    if not isinstance(value, str):
        raise place.error(f"{name} must be a number in quotes, not {value!r}")
    if PLAIN.fullmatch(value):
        number = Decimal(value)
        return number if len(value) <= MOST_DIGITS else as_meant(number)
    if UNSIGNED.fullmatch(value):
        raise place.error(f"{name} must be a number, not {value!r}: an exponent has a sign")
    try:
        number = as_meant(Decimal(value))
    except InvalidOperation:
        comma = "; the decimal sign is a point" if DECIMAL_COMMA.fullmatch(value) else ""
        comma = "; thousands have no sign between them" if THOUSANDS.fullmatch(value) and "." in value else comma
        raise place.error(f"{name} must be a number, not {value!r}{comma}") from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise place.error(f"{name} must be finite, not {value!r}")
    if exponent < -MOST_DIGITS or number.adjusted() >= MOST_DIGITS:
        raise place.error(f"{name} is out of range: {value!r}")
    return number


def as_meant(number: Decimal) -> Decimal:
    """Return the number a float was written for: 63924.59999999999854481 is 63924.6, 0.10200000000000001 is 0.102.

    Only digits that no double holds for sure and no tape keeps (beyond 15 in all and 8 after the point) are taken for a
    float's own; of what they leave 15 decimals are kept: 5.962341829762246e-05 is 0.000059623418298. Every other number
    stays as it is.
    """
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent >= -KEPT_DECIMALS or len(digits) <= MOST_DIGITS:
        return number
    meant = Decimal(f"{float(number):.15g}")
    return meant if decimals(meant) <= MOST_DIGITS else meant.quantize(LAST_DECIMAL)


def whole_ms(value: object, name: str, place: Place) -> int:
    """Return a time in whole ms since 1970; raise DataFileError for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LAST_MS:
        raise place.error(f"{name} must be a time in whole ms, not {value!r}")
    return value


def text(value: object, name: str, place: Place) -> str:
    """Return a string of printable characters that is not empty; raise DataFileError for anything else."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise place.error(f"{name} must be a name, not {value!r}")
    return value

"""Strict JSON for venue traffic: numbers stay exact, and anything odd is refused with the name of the field.

Knows the shapes of values (a positive amount, a time, one of a few words), never the meaning of an endpoint. Must not
import httpx, so that a command can parse a recorded answer without paying for a client. Layer: venue.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import NoReturn, TypeVar

from pfmm.errors import BadVenueData, RiskRefused

MAX_DIGITS = 40
MAX_EXPONENT = 30
MAX_TEXT = 200
MAX_ITEMS = 10_000
EARLIEST_MS = 946_684_800_000  # 2000-01-01
LATEST_MS = 4_102_444_800_000  # 2100-01-01

_MAX_NUMBER_TEXT = 64
_SHOWN = 60
_NUMBER_TEXT = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)

Choice = TypeVar("Choice", bound=StrEnum)


def parse(body: bytes, where: str) -> object:
    """Parse the JSON of an answer: fractions as Decimal, whole numbers as int, exactly as they were written.

    Refuses with BadVenueData what Python's parser would let through: NaN and Infinity, a key given twice, numbers of
    more than 40 digits or beyond 1e±30 (1E+999999999 is 12 bytes on the wire and a memory error when added up).
    `where` names the endpoint in the message.
    """
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_float=_fraction,
            parse_int=_whole,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except (ValueError, RecursionError) as error:
        raise BadVenueData(f"{where}: the answer is not usable JSON ({_reason(error)})") from None


def encode(value: object, where: str = "request") -> bytes:
    """Write JSON in which a Decimal is a number with exactly its own digits: Decimal("0.10") goes out as 0.10.

    Raises RiskRefused, naming the field, for a number that is not finite or outside the bounds that `parse` accepts,
    and for a float: a float may already have lost digits. Nothing has been sent then.
    """
    return _json_text(value, where).encode("utf-8")


class Record:
    """A JSON object of an answer, read field by field; every refusal names endpoint, field and value."""

    __slots__ = ("_values", "where")

    def __init__(self, raw: object, where: str) -> None:
        if not isinstance(raw, dict):
            raise BadVenueData(f"{where}: expected an object, got {_shown(raw)}")
        self._values: Mapping[str, object] = raw
        self.where = where

    def given(self, name: str) -> bool:
        """Tell whether the field is there and not null."""
        return self._values.get(name) is not None

    def refusal(self, name: str, rule: str) -> BadVenueData:
        """Build the error to raise for field `name`; `rule` says what it must be."""
        if name not in self._values:
            return BadVenueData(f"{self.where}.{name}: missing, {rule}")
        return BadVenueData(f"{self.where}.{name}: {rule}, got {_shown(self._values[name])}")

    def text(self, name: str) -> str:
        """Read a non-empty, printable text of at most 200 characters (no control characters can reach a terminal)."""
        value = self._values.get(name)
        if not isinstance(value, str) or not value or len(value) > MAX_TEXT or not value.isprintable():
            raise self.refusal(name, f"must be a printable text of 1 to {MAX_TEXT} characters")
        return value

    def words(self, name: str) -> str:
        """Return what of a field can be shown to a person: at most 200 printable letters; empty where it is no text."""
        value = self._values.get(name)
        text = value if isinstance(value, str) else ""
        return "".join(letter for letter in text[:MAX_TEXT] if letter.isprintable())

    def shown(self, name: str) -> str:
        """Return what of a field of any kind can be shown to a person: at most 80 printable letters."""
        text = json.dumps(self._values.get(name), ensure_ascii=True, default=str)
        return text if len(text) <= _SHOWN + 20 else f"{text[: _SHOWN + 17]}..."

    def signed(self, name: str) -> Decimal:
        """Read a number of any sign; true and false are not numbers."""
        value = self._values.get(name)
        if isinstance(value, Decimal):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return Decimal(value)
        raise self.refusal(name, "must be a number")

    def positive(self, name: str) -> Decimal:
        """Read a number above zero."""
        value = self.signed(name)
        if value <= 0:
            raise self.refusal(name, "must be positive")
        return value

    def non_negative(self, name: str) -> Decimal:
        """Read a number of zero or more."""
        value = self.signed(name)
        if value < 0:
            raise self.refusal(name, "must not be negative")
        return value

    def decimal_text(self, name: str) -> Decimal:
        """Read a number written as text ("64900.0"), of any sign and within the bounds of `parse`."""
        value = self._values.get(name)
        if isinstance(value, str) and _NUMBER_TEXT.fullmatch(value):
            try:
                return _fraction(value)
            except ValueError:
                pass
        raise self.refusal(name, "must be a number written as text")

    def positive_text(self, name: str) -> Decimal:
        """Read a number above zero, written as text."""
        value = self.decimal_text(name)
        if value <= 0:
            raise self.refusal(name, "must be positive")
        return value

    def optional_decimal_text(self, name: str) -> Decimal | None:
        """Read a number written as text; None where the field is null or absent."""
        return self.decimal_text(name) if self.given(name) else None

    def whole(self, name: str, lowest: int, highest: int) -> int:
        """Read a whole number within the bounds, both included; 5 and 5.0 are the same number in JSON."""
        value = self.signed(name)
        if value != value.to_integral_value() or not lowest <= value <= highest:
            raise self.refusal(name, f"must be a whole number from {lowest} to {highest}")
        return int(value)

    def millis(self, name: str) -> int:
        """Read a time in whole ms since 1970, between the years 2000 and 2100: a time in seconds is refused by it."""
        value = self._values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not EARLIEST_MS <= value <= LATEST_MS:
            raise self.refusal(name, "must be a time in whole ms between 2000 and 2100")
        return value

    def instant(self, name: str) -> int:
        """Read a time in ms since 1970, written as whole milliseconds or as ISO-8601 with its zone."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return self.millis(name)
        time_ms = _iso_millis(value)
        if time_ms is None or not EARLIEST_MS <= time_ms <= LATEST_MS:
            raise self.refusal(name, "must be a time in ms or ISO-8601 with its zone, between 2000 and 2100")
        return time_ms

    def flag(self, name: str) -> bool:
        """Read true or false, nothing that merely looks like it."""
        value = self._values.get(name)
        if not isinstance(value, bool):
            raise self.refusal(name, "must be true or false")
        return value

    def choice(self, name: str, kind: type[Choice]) -> Choice:
        """Read one of the words of an enumeration."""
        value = self._values.get(name)
        for member in kind:
            if member.value == value:
                return member
        raise self.refusal(name, "must be one of " + ", ".join(member.value for member in kind))

    def items(self, name: str, most: int = MAX_ITEMS) -> Sequence[object]:
        """Read a list of at most `most` entries."""
        value = self._values.get(name)
        if not isinstance(value, list) or len(value) > most:
            raise self.refusal(name, f"must be a list of at most {most} items")
        return value

    def records(self, name: str, most: int = MAX_ITEMS) -> list[Record]:
        """Read a list of objects, each knowing its place in the answer."""
        return [Record(item, f"{self.where}.{name}[{index}]") for index, item in enumerate(self.items(name, most))]

    def record(self, name: str) -> Record:
        """Read an object within the object."""
        if name not in self._values:
            raise self.refusal(name, "must be an object")
        return Record(self._values[name], f"{self.where}.{name}")

    def optional_text(self, name: str) -> str | None:
        """Read a text; None where the field is null or absent."""
        return self.text(name) if self.given(name) else None

    def optional_signed(self, name: str) -> Decimal | None:
        """Read a number; None where the field is null or absent."""
        return self.signed(name) if self.given(name) else None

    def optional_positive(self, name: str) -> Decimal | None:
        """Read a number above zero; None where the field is null or absent."""
        return self.positive(name) if self.given(name) else None

    def optional_non_negative(self, name: str) -> Decimal | None:
        """Read a number of zero or more; None where the field is null or absent."""
        return self.non_negative(name) if self.given(name) else None


def _fraction(text: str) -> Decimal:
    if len(text) > _MAX_NUMBER_TEXT:
        raise ValueError(f"number {text[:20]}… is too long")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"number {text[:50]} is out of range") from None
    if not _within_bounds(number):
        raise ValueError(f"number {text[:50]} is out of range")
    return number


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"number {text[:20]}… is too long")
    number = int(text)
    if abs(number) >= 10 ** (MAX_EXPONENT + 1):
        raise ValueError(f"number {text[:50]} is out of range")
    return number


def _within_bounds(number: Decimal) -> bool:
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return False
    return len(digits) <= MAX_DIGITS and exponent >= -MAX_EXPONENT and number.adjusted() <= MAX_EXPONENT


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        # `add` answers None, which is false: a key passes when it was there before
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"key {_shown(twice)} is given twice")
    return values


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return ascii(str(error))[1:-1][:120]


def _shown(value: object) -> str:
    """Write the value as JSON-like text, short and safe to print."""
    if isinstance(value, Decimal):
        return str(value)
    text = ascii(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _iso_millis(text: str) -> int | None:
    from datetime import datetime, timedelta

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (moment - epoch) // timedelta(milliseconds=1)


def _json_text(value: object, where: str) -> str:
    if isinstance(value, Decimal):
        if not _within_bounds(value):
            raise RiskRefused(f"{where}: {value} cannot be sent as a number; nothing was sent")
        return format(value, "f")
    if value is None or isinstance(value, (str, bool, int)):
        return json.dumps(value)
    if isinstance(value, Mapping):
        members = (f"{json.dumps(key)}:{_json_text(item, f'{where}.{key}')}" for key, item in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_json_text(item, f"{where}[{index}]") for index, item in enumerate(value)) + "]"
    raise RiskRefused(f"{where}: {_shown(value)} is not exact and cannot be sent; nothing was sent")

"""JSON for the paper exchange: strict on the way in, exact Decimal numbers on the way out.

It shares nothing with the client's parser: two readings of one rule catch mistakes that one would hide. Layer: paper.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any, NoReturn

MAX_BYTES = 256 * 1024  # the longest body that a server should read for this parser
MAX_DIGITS = 40
MAX_EXPONENT = 30


class JsonRefused(ValueError):
    """The text is not JSON that the exchange accepts; the message says where or which number."""


def loads(raw: bytes) -> Any:
    """Parse UTF-8 JSON with exact numbers: 0.10 becomes Decimal("0.10"), 7 stays an int.

    Raises JsonRefused for anything that is not JSON, for NaN and Infinity, for numbers of more than 40 digits or an
    exponent beyond 30, for a key given twice and for nesting too deep to parse.
    """
    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except JsonRefused:
        raise
    except (ValueError, RecursionError) as problem:
        raise JsonRefused(f"the body is not valid JSON: {problem}") from problem


def dumps(value: Any) -> str:
    """Write compact JSON of dicts, lists, tuples, str, bool, None, int and Decimal; a Decimal keeps exactly its digits.

    {"price": Decimal("64000.10")} becomes {"price":64000.10}. Raises TypeError for any other type (a float too: a
    float has no business in an exact answer) and ValueError for a Decimal that is not finite.
    """
    leaf = _LEAVES.get(type(value))
    if leaf is not None:
        return leaf(value)
    if type(value) is dict:
        # leaves are looked up here, not by another call: an answer is mostly objects of leaves
        return (
            "{" + ",".join([_name(key) + (_LEAVES.get(type(item)) or dumps)(item) for key, item in value.items()]) + "}"
        )
    if type(value) is list or type(value) is tuple:
        return "[" + ",".join([dumps(item) for item in value]) + "]"
    raise TypeError(f"{type(value).__name__} has no exact JSON: {value!r}")


@lru_cache(maxsize=1024)
def _name(key: str) -> str:
    return f"{_quoted(key)}:"


def _plain(number: Decimal) -> str:
    if not number.is_finite():
        raise ValueError(f"{number} has no place in JSON")
    text = str(number)  # three times as fast as format, and the same unless there is an exponent
    return format(number, "f") if "E" in text else text


_LEAVES: dict[type, Callable[[Any], str]] = {
    Decimal: _plain,
    str: _quoted,
    int: str,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}


def _decimal(text: str) -> Decimal:
    """Read a float literal; its digits and exponent are bounded so that no later arithmetic can explode."""
    if len(text) > MAX_DIGITS + 8:
        raise JsonRefused(f"a number of {len(text)} characters is too long")
    try:
        number = Decimal(text)
    except InvalidOperation as problem:
        raise JsonRefused(f"{text} is out of range") from problem
    if len(number.as_tuple().digits) > MAX_DIGITS or abs(number.adjusted()) > MAX_EXPONENT:
        raise JsonRefused(f"{text} is out of range")
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise JsonRefused(f"a number of {len(text)} digits is out of range")
    return int(text)


def _constant(text: str) -> NoReturn:
    raise JsonRefused(f"{text} is not a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise JsonRefused(f'the key "{twice}" is given twice')
    return found

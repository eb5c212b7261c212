"""Numbers as people type them: one grammar for flags, settings, variables and `--set`. Layer: model. Pure.

60000, 60_000, 60k and 6e4 are the same number, 1M is a million and 2B are two billion. What is no number is refused
with what to type instead.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

MAX_DIGITS: Final = 30
MAX_EXPONENT: Final = 18
SCALES: Final = {"k": "e3", "K": "e3", "M": "e6", "B": "e9"}

# patterns, not compiled ones: most commands never match one, and `re` caches those that do
_DIGITS = r"\d+(?:_\d+)*"
_NUMBER = rf"(?a)([+-]?(?:{_DIGITS}(?:\.\d*)?|\.\d+))((?:[eE][+-]?\d{{1,3}})?|[kKMB])"
_WHOLE = rf"(?a)[+-]?{_DIGITS}"
_GROUPED = r"(?a)[+-]?\d{1,3}(,\d{3})+(\.\d+)?"
_COMMA = r"(?a)[+-]?\d+,\d+"
_POINTED = r"(?a)[+-]?\d{1,3}(\.\d{3})+,\d+"
_DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2212", "------")  # what else looks like a minus
_DECORATED = r"(?a)([+-]?[$€£]?)([\d._]+[kKMB]?)\s*([$€£%]|[A-Za-z/]+)?"


def parse_decimal(text: str) -> Decimal:
    """Read a finite decimal: 1.5, 60_000, 60k (60,000), 1M (1,000,000). Raises ValueError saying what to type."""
    found = re.fullmatch(_NUMBER, text)
    if found is None:
        raise ValueError(f"must be a number, not {text!r}{_advice(text)}")
    try:
        value = Decimal(found[1].replace("_", "") + SCALES.get(found[2], found[2]))
    except InvalidOperation as error:  # an exponent that the decimal module itself refuses
        raise ValueError(f"must be a number, not {text!r}") from error
    if len(value.as_tuple().digits) > MAX_DIGITS or abs(value.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"must be a number of a sane size, not {text}")
    return value


def parse_integer(text: str) -> int:
    """Read a whole number: 20, 1_000, 2k. Raises ValueError saying what to type."""
    if re.fullmatch(_WHOLE, text) and len(text) <= MAX_EXPONENT + 1:
        return int(text.replace("_", ""))
    if text[-1:] in SCALES:
        value = parse_decimal(text)
        if value == value.to_integral_value():
            return int(value)
    raise ValueError(f"must be a whole number, not {text!r}{_advice(text)}")


def _usual(raw: str) -> str:
    """Rewrite the text as numbers are written here: −5 with a minus of its own, full-width digits, 1.000,50."""
    from unicodedata import normalize

    if re.fullmatch(_POINTED, raw):
        return raw.replace(".", "").replace(",", ".")
    return normalize("NFKC", raw).translate(_DASHES).strip()


def _advice(raw: str) -> str:
    """Say what to type instead, as the end of a message; empty where that is anybody's guess."""
    if re.fullmatch(_GROUPED, raw):
        return f": write {raw.replace(',', '')} or {raw.replace(',', '_')}"
    if re.fullmatch(_COMMA, raw):
        return f": the decimal sign is a point, {raw.replace(',', '.')}"
    if re.fullmatch(r"(?a)\d+m", raw):
        return f": {raw} are minutes, a million is {raw[:-1]}M"
    if raw.startswith("="):
        return f": write {raw.lstrip('= ')}"
    decorated = re.fullmatch(_DECORATED, raw)
    if decorated is not None and (decorated[1].strip("+-") or decorated[3]):
        sign = decorated[1].strip("$€£")
        return f": write {sign}{decorated[2]} alone, the unit is fixed"
    usual = _usual(raw)
    return f": write {usual}" if usual != raw and re.fullmatch(_NUMBER, usual) else ""

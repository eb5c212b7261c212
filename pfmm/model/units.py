"""Times and spans as people and files write them: one grammar for every option and every data file. Layer: model.

A number is a time since 1970 whose unit follows from its size: up to 11 digits are seconds, 12 to 14 milliseconds,
15 to 17 microseconds, more are nanoseconds. 1735689600, 1735689600000 and 2025-01-01 are the same moment.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pfmm.model.numbers import parse_decimal

LAST_MS = 253_402_300_799_999  # the end of the year 9999
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNIT_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds", "iso": "ISO-8601"}
SPAN_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_SPAN = r"(?a)(\d{1,9}(?:\.\d{0,9})?)(ms|[smhdw]?)"
_SPAN_WORDS = {
    "ms": ("ms", "msec", "millis", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "wk", "week", "weeks"),
}
_LONG_WORDS = {"mo": 30, "mon": 30, "month": 30, "months": 30, "y": 365, "yr": 365, "year": 365, "years": 365}
_WORDS_FOR_DAYS = {"today": "24h", "yesterday": "2d", "now": "1m", "week": "7d", "month": "30d", "year": "365d"}
LONGEST_SPAN_MS = 3_660 * SPAN_MS["d"]
SHORTEST_EPOCH = 9  # digits: a shorter number is no moment of this century, but a span


def unit_of(number: int) -> str:
    """Tell the unit of a time since 1970 by its size: 1735689600 is in "s", 1735689600000 in "ms"."""
    digits = len(str(abs(number)))
    return "s" if digits <= 11 else "ms" if digits <= 14 else "us" if digits <= 17 else "ns"


def iso(ms: int) -> str:
    """Write ms since 1970 as ISO-8601 in UTC: 1735689600000 is 2025-01-01T00:00:00Z, 1735689600001 ends in .001Z."""
    text = (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def moment_ms(text: str) -> int:
    """Read a moment as ms since 1970: ISO-8601 (UTC unless it says otherwise), or a number by its size (see `unit_of`).

    Raises ValueError saying what is wrong.
    """
    raw = text.strip()
    if re.fullmatch(r"[0-9_]+", raw) and raw.strip("_"):
        number = int(raw.replace("_", ""))
        value = number * UNIT_NS[unit_of(number)] // UNIT_NS["ms"]
    else:
        value = _iso_ms(raw)
    if not 0 < value <= LAST_MS:
        raise ValueError(f"must lie between 1970 and 9999, not {text}")
    return value


def _iso_ms(raw: str) -> int:
    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        raise ValueError(
            f"must be a time like 2025-01-31T08:00:00Z, or s or ms since 1970, not {raw!r}{_date_advice(raw)}"
        ) from None
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(milliseconds=1)


def _date_advice(raw: str) -> str:
    """Say how to write a date in another order, as the end of a message; empty where that is anybody's guess."""
    found = re.fullmatch(r"(?a)(\d{4})[./](\d{1,2})[./](\d{1,2})", raw)
    if found is not None:
        return f": write {found[1]}-{found[2]:0>2}-{found[3]:0>2}"
    found = re.fullmatch(r"(?a)(\d{1,2})([./-])(\d{1,2})[./-](\d{4})", raw)
    if found is None:
        return ""
    day, month = (found[1], found[3]) if found[2] == "." or int(found[1]) > 12 else (found[3], found[1])
    return f": write year-month-day, such as {found[4]}-{month:0>2}-{day:0>2}"


def span_ms(text: str) -> int:
    """Read a span as ms, above zero and at most ten years: 90s, 30m, 24h, 1.5h, 7d, 2w, or a bare number of seconds.

    7d is 7·86,400,000 = 604,800,000. Raises ValueError saying what is wrong; 1M is refused, for it could be a month.
    """
    raw = text.strip().replace("_", "")
    found = re.fullmatch(_SPAN, raw.lower()) if not raw.endswith("M") else None
    if found is None:
        raise ValueError(f"must be a number with s, m, h, d or w, such as 24h or 7d, not {text!r}{_span_advice(raw)}")
    span = Decimal(found[1]) * SPAN_MS[found[2] or "s"]
    if not 0 < span <= LONGEST_SPAN_MS:
        raise ValueError(f"must be above zero and at most ten years, not {text}")
    if span != span.to_integral_value():
        raise ValueError(f"must be whole milliseconds, not {text}")
    return int(span)


def parse_seconds(text: str) -> Decimal:
    """Read a time in seconds: 3, 0.5, 3s, 500ms, 5m, 2h, 7d. 5m is 5·60 = 300. Raises ValueError saying what is wrong.

    Of either sign and any length, zero too: what asks for it has limits of its own.
    """
    raw = text.strip().replace("_", "")
    found = re.fullmatch(_SPAN, raw.lower()) if not raw.endswith("M") else None
    if found is not None and found[2]:
        return Decimal(found[1]) * SPAN_MS[found[2]] / 1000
    advice = _span_advice(raw)
    if advice:
        raise ValueError(f"must be a number of seconds, or such as 5m or 2h, not {text!r}{advice}")
    return parse_decimal(text)


def _span_advice(raw: str) -> str:
    """Say what to type instead of what is no span, as the end of a message; empty where that is anybody's guess."""
    found = re.fullmatch(r"(?a)-?([\d.]+)\s*([A-Za-z]+)(?:\s+ago)?", raw)
    if found is None:
        return ""
    number, word = found.groups()
    if word == "M":
        return f": {number}m are minutes, and a month is written in days, such as 30d"
    unit = next((short for short, words in _SPAN_WORDS.items() if word.lower() in words), None)
    if unit is not None:
        return f": write {number}{unit}"
    if word.lower() in _LONG_WORDS:
        return f": write it in days, such as {_LONG_WORDS[word.lower()]}d"
    return ""


def since_ms(text: str, now_ms: int) -> int:
    """Read where a period begins, as ms since 1970: a span before `now_ms` (24h), or a moment (2026-11-29, 1735689600).

    A bare number of up to 8 digits is a span in seconds, a longer one a moment. Raises ValueError saying what is wrong.
    """
    raw = text.strip()
    digits = raw.replace("_", "")
    spoken = re.sub(r"^last |^-| ago$", "", raw.lower())
    if spoken in _WORDS_FOR_DAYS:
        raise ValueError(
            f"must be a span such as 24h or 7d, or a moment, not {text!r}: write {_WORDS_FOR_DAYS[spoken]}"
        )
    if re.fullmatch(r"(?a)-?[\d.]+\s*[A-Za-z]+( ago)?", digits) or (
        digits.isdecimal() and len(digits) < SHORTEST_EPOCH
    ):
        return now_ms - span_ms(raw)
    try:
        return moment_ms(raw)
    except ValueError as error:
        raise ValueError(f"must be a span such as 24h or 7d, or a moment: {error}") from None

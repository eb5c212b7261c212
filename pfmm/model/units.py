"""Times and spans as people and files write them: one grammar for every option and every data file. Layer: model.

A number is a time since 1970 whose unit follows from its size: up to 11 digits are seconds, 12 to 14 milliseconds,
15 to 17 microseconds, more are nanoseconds. 1735689600, 1735689600000 and 2025-01-01 are the same moment.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

LAST_MS = 253_402_300_799_999  # the end of the year 9999
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNIT_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds", "iso": "ISO-8601"}
SPAN_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
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
        raise ValueError(f"must be a time like 2025-01-31T08:00:00Z, or s or ms since 1970, not {raw!r}") from None
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(milliseconds=1)


def span_ms(text: str) -> int:
    """Read a span as ms, above zero and at most ten years: 90s, 30m, 24h, 7d, 2w, or a bare number of seconds.

    7d is 7·86,400,000 = 604,800,000. Raises ValueError saying what is wrong; 1M is refused, for it could be a month.
    """
    raw = text.strip().replace("_", "")
    if re.fullmatch(r"(?a)\d+M", raw):
        raise ValueError(f"{raw} is no span: {raw[:-1]}m are minutes, and a month is written in days, such as 30d")
    found = re.fullmatch(r"(?a)(\d{1,9})([smhdw]?)", raw if raw[-1:] == "M" else raw.lower())
    if found is None:
        raise ValueError(f"must be a number with s, m, h, d or w, such as 24h or 7d, not {text!r}")
    span = int(found[1]) * SPAN_MS[found[2] or "s"]
    if not 0 < span <= LONGEST_SPAN_MS:
        raise ValueError(f"must be above zero and at most ten years, not {text}")
    return span


def since_ms(text: str, now_ms: int) -> int:
    """Read where a period begins, as ms since 1970: a span before `now_ms` (24h), or a moment (2026-11-29, 1735689600).

    A bare number of up to 8 digits is a span in seconds, a longer one a moment. Raises ValueError saying what is wrong.
    """
    raw = text.strip()
    digits = raw.replace("_", "")
    if re.fullmatch(r"(?a)\d{1,9}[smhdwSMHDW]", digits) or (digits.isdecimal() and len(digits) < SHORTEST_EPOCH):
        return now_ms - span_ms(raw)
    try:
        return moment_ms(raw)
    except ValueError as error:
        raise ValueError(f"must be a span such as 24h or 7d, or a moment: {error}") from None

"""Times and amounts as JSON and messages write them. Layer: model."""

from __future__ import annotations

from decimal import Decimal


def iso(time_ms: int) -> str:
    """Write ms since 1970 as ISO-8601 UTC: 1735689600123 → 2025-01-01T00:00:00.123Z. Raises ValueError out of range."""
    from datetime import UTC, datetime, timedelta

    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)
    except OverflowError as error:
        raise ValueError(f"time out of range: {time_ms} ms") from error
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def compact(time_ms: int) -> str:
    """A time for the name of a file, to the second: 20261130T120000Z."""
    return iso(time_ms // 1000 * 1000).replace("-", "").replace(":", "").partition(".")[0].rstrip("Z") + "Z"


def plain(value: Decimal) -> str:
    """Write a Decimal without exponent: 1E+2 → 100, 0E-8 → 0.00000000."""
    return format(value, "f")

"""Moments as people write them on a command line: ISO-8601, UTC unless they say otherwise, or ms since 1970."""

from __future__ import annotations

from dataclasses import dataclass

import typer

LAST_MS = 253_402_300_799_999  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in ms since 1970, and how it was written, for a message about it."""

    ms: int
    text: str


def moment(text: str | Moment) -> Moment:
    """Option parser: as `moment_ms`, for a time that may yet turn out to be unfit."""
    return text if isinstance(text, Moment) else Moment(moment_ms(text), text)


def moment_ms(text: str | int) -> int:
    """Option parser: a time as ms since 1970. 2025-01-01T00:00:01Z and 1735689601000 are the same."""
    raw = str(text).strip()
    value = int(raw) if raw.isascii() and raw.isdigit() else _iso_ms(raw)
    if not 0 < value <= LAST_MS:
        raise typer.BadParameter(f"must lie between 1970 and 9999, not {text}")
    return value


def _iso_ms(raw: str) -> int:
    from datetime import UTC, datetime, timedelta

    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        raise typer.BadParameter(f"must be a time like 2025-01-31T08:00:00Z, or ms since 1970, not {raw!r}") from None
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

"""Moments and spans on a command line: the grammar of pfmm.model.units as parsers of options. Layer: cli."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import typer

from pfmm.model import units

Parsed = TypeVar("Parsed")


class Moment(NamedTuple):
    """A time in ms since 1970, and how it was written, for a message about it."""

    ms: int
    text: str


def moment(text: str | Moment) -> Moment:
    """Option parser: as `moment_ms`, for a time that may yet turn out to be unfit."""
    return text if isinstance(text, Moment) else Moment(moment_ms(text), text)


def moment_ms(text: str | int) -> int:
    """Option parser: a time as ms since 1970. 2025-01-01T00:00:01Z, 1735689601 and 1735689601000 are the same."""
    return _told(units.moment_ms, str(text))


def since(text: str) -> str:
    """Option parser: a span or a moment, kept as it was written until it is known from when a span counts."""
    _told(lambda raw: units.since_ms(raw, units.LAST_MS), text)
    return text


def span_ms(text: str | int) -> int:
    """Option parser: a span in ms, above zero and at most ten years. 7d is 7·86,400,000 = 604,800,000."""
    return text if isinstance(text, int) else _told(units.span_ms, text)


def positive_seconds(text: str | float) -> float:
    """Option parser: seconds above zero: 3, 0.5, 3s, 500ms, 5m, 2h. 5m is 5·60 = 300."""
    value = float(text) if isinstance(text, float) else float(_told(units.parse_seconds, str(text)))
    if value <= 0:
        raise typer.BadParameter(f"must be above 0, not {text}")
    return value


def _told(parse: Callable[[str], Parsed], text: str) -> Parsed:
    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error

"""Spans of time as people write them on a command line: 90s, 30m, 24h, 7d, 2w."""

from __future__ import annotations

import re

import typer

UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
LONGEST_MS = 3_660 * UNITS_MS["d"]


def span_ms(text: str | int) -> int:
    """Option parser: a span in ms, above zero and at most ten years. 7d is 7·86,400,000 = 604,800,000."""
    found = re.fullmatch(r"(?a)(\d{1,9})([smhdw])", str(text).strip().lower())
    if found is None:
        raise typer.BadParameter(f"must be a number with s, m, h, d or w, such as 24h or 7d, not {text!r}")
    span = int(found[1]) * UNITS_MS[found[2]]
    if not 0 < span <= LONGEST_MS:
        raise typer.BadParameter(f"must be above zero and at most ten years, not {text}")
    return span


def in_words(seconds: int) -> str:
    """A span for people, its two largest units: 15,120 s is 4h12m, 45 s is 45s."""
    if seconds < 60:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes}m{seconds % 60:02d}s"
    if minutes < 48 * 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    return f"{minutes // 1440}d{minutes % 1440 // 60:02d}h"

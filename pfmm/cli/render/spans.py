"""Spans of time in words. Layer: cli."""

from __future__ import annotations


def in_words(seconds: int) -> str:
    """Write a span for people, in its two largest units: 15,120 s is 4h12m, 45 s is 45s."""
    if seconds < 60:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes}m{seconds % 60:02d}s"
    if minutes < 48 * 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    return f"{minutes // 1440}d{minutes % 1440 // 60:02d}h"

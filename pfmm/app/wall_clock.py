"""This machine's clock, read and waited by: what the other clocks are handed in production. Layer: app."""

from __future__ import annotations

import time


def wall_ms() -> int:
    """Read the local clock in ms since 1970."""
    return time.time_ns() // 1_000_000


def wait_s(seconds: float) -> bool:
    """Wait so many wall seconds, whatever comes: for work that no signal is to cut short."""
    time.sleep(seconds)
    return True

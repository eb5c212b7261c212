"""Tells how long the machine has been up, by a clock that nobody sets. Layer: store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def uptime_clock() -> Callable[[], tuple[str, int]]:
    """Make a clock that tells the boot's random name and the milliseconds since the boot, suspension included.

    On a machine that does not say, every process is a boot of its own: between two of them the wall's clock counts.
    """
    try:
        boot, number = _BOOT_ID.read_text("ascii").strip(), time.CLOCK_BOOTTIME
        time.clock_gettime_ns(number)
    except (OSError, ValueError, AttributeError):
        boot, number = os.urandom(8).hex(), time.CLOCK_MONOTONIC
    return lambda: (boot, time.clock_gettime_ns(number) // 1_000_000)

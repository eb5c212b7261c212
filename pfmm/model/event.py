"""What a loop tells the world: one named event with its time, market and strategy. JSON-ready, no rendering.

Layer: model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pfmm.model.quick import quick

EVENT_NAMES = (
    "started",
    "cycle",
    "placed",
    "amended",
    "cancelled",
    "refused",
    "unknown",
    "fill",
    "round_trip",
    "paused",
    "resumed",
    "warning",
    "halted",
    "stopping",
    "stopped",
    "command",
    "gap",
    "liquidated",
    "closed_outside",
    "base_changed",
    "position_adopted",
    "slot_stopped",
    "funding",
    "watchdog",
)


@quick(frozen=True, slots=True)
class Event:
    """One line of the NDJSON stream: `name` is one of EVENT_NAMES, `time_ms` venue time, `data` further fields.

    `cursor` is the number under which the journal keeps the event, None for one that it does not keep.
    """

    name: str
    time_ms: int
    market: str
    strategy: str
    data: Mapping[str, Any] = field(default_factory=dict)
    cursor: int | None = None

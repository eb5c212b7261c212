"""The lines of a log for people: events in words, everything else as it is. Layer: cli."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pfmm.cli.render.events import what_happened

if TYPE_CHECKING:
    from pfmm.app.logs import LogsResult


def render(result: LogsResult, width: int | None) -> str:
    """Show the lines; on a terminal (`width`) events are told in words."""
    return "\n".join(line if width is None else log_line(line) for line in result.lines)


def log_line(line: str) -> str:
    """Write one line of a log as a person reads it: an event as its time and words."""
    if not line.startswith('{"event":'):
        return line
    try:
        event = json.loads(line)
        name, time = str(event.pop("event")), str(event.pop("time"))
        about = " ".join(str(event.pop(key, "")) for key in ("market", "strategy")).strip()
        return f"{time[11:19]}  {about + '  ' if about else ''}{what_happened(name, event)}"
    except (ValueError, LookupError, AttributeError, ArithmeticError):
        return line  # half written, as a process leaves it that is killed, or none of ours

"""The lines of a log for people: events in words, everything else as it is. Layer: cli."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pfmm.cli.render.events import dated, what_happened
from pfmm.model.text import counted

if TYPE_CHECKING:
    from pfmm.app.logs import LogsResult

FLATTENED = '{"exit_code":'  # as the log of `flatten` keeps its answers
_DAY = re.compile(r'\{(?:"event":"[^"]*",|"exit_code":.*?)"time": ?"(\d{4}-\d\d-\d\d)T')


def render(result: LogsResult, width: int | None) -> str:
    """Show the lines; on a terminal (`width`) events are told in words."""
    if width is None:
        return "\n".join(result.lines)
    told = for_people()
    return "\n".join(part for line in result.lines for part in told(line))


def for_people() -> Callable[[str], list[str]]:
    """Make what tells a log's lines one after the other to a person: events in words, each day named before its
    first."""
    lines = dated()

    def told(line: str) -> list[str]:
        day = _DAY.match(line)
        return lines("" if day is None else day[1], log_line(line))

    return told


def log_line(line: str) -> str:
    """Write one line of a log as a person reads it: an event as its time and words, a flatten as its verdict."""
    if not line.startswith(('{"event":', FLATTENED)):
        return line
    try:
        event = json.loads(line)
        if line.startswith(FLATTENED):
            return _flattened(event)
        name, time = str(event.pop("event")), str(event.pop("time"))
        about = " ".join(str(event.pop(key, "")) for key in ("market", "strategy")).strip()
        return f"{time[11:19]}  {about + '  ' if about else ''}{what_happened(name, event)}"
    except (ValueError, LookupError, AttributeError, ArithmeticError):
        return line  # half written, as a process leaves it that is killed, or none of ours


def _flattened(told: Mapping[str, Any]) -> str:
    """Say how a flatten ended: `14:12:36  flatten paper/default: FLAT, 2 orders cancelled, 0 left`."""
    left = "an unknown number" if told["orders_left"] is None else str(told["orders_left"])
    parts = [f"{str(told['state']).upper()}, {counted(int(told['cancelled']), 'order')} cancelled, {left} left"]
    parts += [f"{one['market']} {one['before']} → {one['after']}" for one in told["markets"]]
    parts += [str(told["reason"])] if told.get("reason") else []
    return f"{str(told['time'])[11:19]}  flatten {told['venue']}/{told['account']}: {'; '.join(parts)}"

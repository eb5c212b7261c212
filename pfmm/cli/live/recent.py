"""What has happened in a run, a line an event, for screens. Rendering only. Layer: cli."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from pfmm.cli.live.colours import BAD, GOOD, NOTE
from pfmm.cli.live.fitting import cut, whole
from pfmm.cli.render.events import what_happened
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.model.event import Event

CLOCK = 10  # columns of the time before each
TROUBLE = ("refused", "unknown", "warning", "paused", "halted", "gap")


def event_lines(events: Iterable[Event], width: int) -> list[Text]:
    """Tell the events as they are given, each on its line, cut where it is too long."""
    return [Text(cut(event_words(event), width), style=_style(event)) for event in events]


def whole_events(events: Iterable[Event], width: int) -> list[Text]:
    """Tell the events whole, each on as many lines as it takes."""
    return [line for event in events for line in whole(event_words(event), width, style=_style(event), further=CLOCK)]


def event_words(event: Event) -> str:
    """Tell an event with its time: `10:43:23  BTC  bought 0.0003 at 65657 (rebate +0.003940)`."""
    about = f"{event.market.removesuffix('-PERP')}  " if event.market else ""
    return f"{iso(event.time_ms)[11:19]}  {about}{trouble(event)}"


def trouble(event: Event) -> str:
    """Say what happened, without its time: `refused sell 0.0003 at 65657: all shorts filled would make 535.00 USD,
    limit 500`."""
    if event.name == "gap":  # of a loop's own stream, whose reader was too slow
        return f"{event.data.get('dropped')} events were not shown"
    return what_happened(event.name, event.data)


def _style(event: Event) -> str:
    if event.name in TROUBLE:
        return NOTE
    if event.name == "round_trip" and event.data["net"]:
        return GOOD if event.data["net"] > 0 else BAD
    return ""

"""What has happened in a run, a line an event, for screens. Rendering only. Layer: cli."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from pfmm.cli.live.fitting import cut
from pfmm.cli.live.reasons import places, reason_words
from pfmm.cli.render.events import what_happened
from pfmm.model.text import iso, plain

if TYPE_CHECKING:
    from pfmm.model.event import Event

TROUBLE = ("refused", "unknown", "warning", "paused", "halted", "gap")


def event_lines(events: Iterable[Event], width: int) -> list[Text]:
    """Tell the events as they are given, each on its line."""
    return [Text(cut(event_words(event), width), style=_style(event)) for event in events]


def event_words(event: Event) -> str:
    """Tell an event with its time: `10:43:23  BTC-PERP  bought 0.0003 at 65657 (fee -0.003940)`."""
    about = f"{event.market}  " if event.market else ""
    return f"{iso(event.time_ms)[11:19]}  {about}{_what(event)}"


def _what(event: Event) -> str:
    data = event.data
    if event.name == "round_trip":
        return (
            f"round trip {plain(data['size'])} from {data['entry_price']:.6g} to {data['exit_price']:.6g}: "
            f"{data['net']:+.6f} USD"
        )
    if event.name == "fill":
        what = "bought" if data["side"] == "long" else "sold"
        return f"{what} {plain(data['size'])} at {plain(data['price'])} (fee {data['fee']:+.6f})"
    if event.name in TROUBLE:
        return trouble(event)
    return what_happened(event.name, data)


def trouble(event: Event) -> str:
    """Say what went wrong, without its time: `ask refused: all shorts filled would make 535.00 USD, limit 500`."""
    place = places([str(event.data["slot"])]) + " " if event.data.get("slot") else ""
    reason = reason_words(str(event.data.get("reason", "")))
    if event.name == "gap":
        reason = f"{event.data.get('dropped')} events were not shown"
    if reason.startswith(event.name):  # "paused by key p"
        return f"{place}{reason}"
    return f"{place}{event.name}" + (f": {reason}" if reason else "")


def _style(event: Event) -> str:
    if event.name in TROUBLE:
        return "magenta"
    if event.name == "round_trip" and event.data["net"]:
        return "green" if event.data["net"] > 0 else "red"
    return ""

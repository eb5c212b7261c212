"""An event as one line for people. Layer: cli."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pfmm.cli.live.reasons import absences, holding

if TYPE_CHECKING:
    from pfmm.app.events import ToldEvent

_TRADED = {"long": "bought", "short": "sold"}
_SIDES = {"long": "buy", "short": "sell"}
# fields that say nothing to people beside what the line has said already
_SILENT = frozenset(
    {"client_order_id", "order_id", "fill_id", "slot", "code", "side", "price", "size", "reason", "fee"}
)


def event_text(event: ToldEvent) -> str:
    """Write the cursor, the time, what it is about, what happened: `#12  11:28:54  BTC-PERP grid  bought 0.0003 at
    65657`."""
    from pfmm.model.text import iso

    about = " ".join(word for word in (event.market, event.strategy) if word)
    clock = iso(event.time_ms)[11:19] if event.time_ms else "--:--:--"
    return f"#{event.cursor}  {clock}  {about + '  ' if about else ''}{what_happened(event.event, event.data)}"


def what_happened(name: str, data: Mapping[str, Any]) -> str:
    """Say an event in words, without its time and its market."""
    if name == "gap":
        return f"{data.get('dropped')} events are no longer kept"
    if name == "command":
        return f"asked to {str(data.get('command')).replace('_', ' ')} ({data.get('by')})"
    if name == "cycle":
        return _cycle(data)
    word = str(data.get("side"))
    verb = _TRADED.get(word, word) if name == "fill" else name.replace("_", " ")
    side = f" {_SIDES.get(word, word)}" if "side" in data and name != "fill" else ""
    trade = f" {data['size']} at {data['price']}" if "size" in data and "price" in data else ""
    fee = f" (fee {data['fee']})" if "fee" in data else ""
    rest = [f"{key} {_short(value)}" for key, value in data.items() if key not in _SILENT and value not in (None, "")]
    reason = f": {data['reason']}" if data.get("reason") else ""
    return f"{verb}{side}{trade}{fee}{'  ' + ', '.join(rest) if rest else ''}{reason}"


def _cycle(data: Mapping[str, Any]) -> str:
    """Say a cycle in short: `mid 65400.5, 2 orders, holds -0.00228, equity 10000.05`, and what is wrong or held
    back."""
    held = holding((one["slot"], one["reason"]) for one in data.get("held") or ())
    absent = absences(data.get("absent") or {})
    told = {"mid": data.get("mid"), "holds": data.get("inventory"), "equity": data.get("equity")}
    parts = [f"{name} {value}" for name, value in told.items() if value is not None]
    problem = [str(data["problem"])] if data.get("problem") else []
    return ", ".join([f"cycle: {data.get('orders', 0)} orders", *parts, *problem, *held, *absent])


def _short(value: Any) -> str:
    return str(len(value)) if isinstance(value, (list, dict)) else str(value)

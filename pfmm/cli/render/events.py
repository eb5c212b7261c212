"""An event as one line for people: of a live screen, of `pfmm events`, of a log. Layer: cli.

Amounts are as they change the profit: a rebate is a plus. The words of the engine are put in plain ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.cli.live.reasons import absences, halt_words, holding, places, reason_words
from pfmm.model.refusal import RefusalReason
from pfmm.model.text import counted

if TYPE_CHECKING:
    from pfmm.app.events import ToldEvent

WOULD_CROSS = "it would fill at once, and quotes only rest"
_TRADED = {"long": "bought", "short": "sold"}
_SIDES = {"long": "buy", "short": "sell"}
# fields that say nothing to people beside what the line has said already
_SILENT = frozenset({
    "client_order_id", "order_id", "fill_id", "slot", "code", "side", "price", "size", "reason", "fee", "foreign",
    "run_id", "in_a_row", "acted", "by", "from_price", "left", "traded",
})  # fmt: skip


def event_text(event: ToldEvent) -> str:
    """Write the cursor, the time, what it is about, what happened: `#12    11:28:54  BTC-PERP grid  bought 0.0003 at
    65657`. Up to #9999 the times stand below each other."""
    from pfmm.model.text import iso

    about = " ".join(word for word in (event.market, event.strategy) if word)
    clock = iso(event.time_ms)[11:19] if event.time_ms else "--:--:--"
    return f"{f'#{event.cursor}':<5}  {clock}  {about + '  ' if about else ''}{what_happened(event.event, event.data)}"


def dated() -> Callable[[str, str], list[str]]:
    """Make what puts a line with the date before the first line of each day: lines tell only the time. It is given the
    day of each line, empty where that is not known."""
    last = ""

    def lines(day: str, line: str) -> list[str]:
        nonlocal last
        head = [f"{day} (UTC)"] if day and day != last else []
        last = day or last
        return [*head, line]

    return lines


def what_happened(name: str, data: Mapping[str, Any]) -> str:
    """Say an event in words, without its time and its market."""
    said = _SAID.get(name)
    if said is not None:
        return said(data)
    return _with_reason(f"{_place(data)}{name.replace('_', ' ')}{_trade(data)}{_rest(data)}", data)


def _with_reason(text: str, data: Mapping[str, Any]) -> str:
    crossing = data.get("code") == RefusalReason.POST_ONLY_WOULD_CROSS
    reason = WOULD_CROSS if crossing else reason_words(str(data.get("reason") or ""))
    if reason.startswith(text):  # "paused by key p"
        return reason
    return f"{text}: {reason}" if reason else text


def _place(data: Mapping[str, Any]) -> str:
    """Say where an order would be, of an event that names no price."""
    return places([str(data["slot"])]) + " " if data.get("slot") and "price" not in data else ""


def _trade(data: Mapping[str, Any]) -> str:
    """Say the order: ` buy 0.0003 at 65657`; nothing where there is none."""
    if not {"side", "size", "price"} <= data.keys():
        return ""
    word = str(data["side"])
    return f" {_SIDES.get(word, word)} {_written(data['size'])} at {_written(data['price'])}"


def _rest(data: Mapping[str, Any]) -> str:
    told = [
        f"{key.replace('_', ' ')} {_short(value)}"
        for key, value in data.items()
        if key not in _SILENT and value not in (None, "")
    ]
    return f"  {', '.join(told)}" if told else ""


def _fill(data: Mapping[str, Any]) -> str:
    verb = _TRADED.get(str(data["side"]), str(data["side"]))
    return f"{verb} {_written(data['size'])} at {_written(data['price'])}{_fee(data)}"


def _fee(data: Mapping[str, Any]) -> str:
    if "fee" not in data:
        return ""
    effect = 0 - Decimal(str(data["fee"]))
    return f" ({'rebate' if effect > 0 else 'fee'} {effect:+.6f})"


def _amended(data: Mapping[str, Any]) -> str:
    word = _SIDES.get(str(data["side"]), str(data["side"]))
    prices = [Decimal(str(data[key])).normalize() for key in ("from_price", "price")]
    decimals = max(0, *(-int(price.as_tuple().exponent) for price in prices))  # of both as many
    return f"moved {word} {_written(data['size'])} from {prices[0]:.{decimals}f} to {prices[1]:.{decimals}f}"


def _round_trip(data: Mapping[str, Any]) -> str:
    net = Decimal(str(data["net"]))
    start, end = (float(str(data[key])) for key in ("entry_price", "exit_price"))
    return f"round trip {_written(data['size'])} from {start:.6g} to {end:.6g}: {net:+.6f} USD"


def _cycle(data: Mapping[str, Any]) -> str:
    """Say a cycle in short: `mid 65400.5, 2 orders, holds -0.00228, equity 10000.05`, and what is wrong or held
    back."""
    held = holding((one["slot"], one["reason"]) for one in data.get("held") or ())
    absent = absences(data.get("absent") or {})
    told = {"mid": data.get("mid"), "holds": data.get("inventory")}
    parts = [f"{name} {value}" for name, value in told.items() if value is not None]
    equity = data.get("equity")
    parts += [] if equity is None else [f"equity {Decimal(str(equity)):.2f}"]
    problem = [str(data["problem"])] if data.get("problem") else []
    return ", ".join([f"cycle: {counted(int(data.get('orders') or 0), 'order')}", *parts, *problem, *held, *absent])


def _started(data: Mapping[str, Any]) -> str:
    taken = int(data.get("adopted_orders") or 0)
    parts = [f"started on {data.get('venue')}/{data.get('account')}"]
    parts += [f"took over {counted(taken, 'order')} of the earlier run"] if taken else []
    parts += [f"the account holds {_written(data['position'])}"] if data.get("position") is not None else []
    return ", ".join(parts)


def _stopping(data: Mapping[str, Any]) -> str:
    return f"{_with_reason('stopping', data)} (its orders: {data.get('policy')})"


def _stopped(data: Mapping[str, Any]) -> str:
    parts = [
        f"{counted(int(data.get('cancelled') or 0), 'order')} cancelled, {data.get('orders_left')} left",
        counted(int(data.get("fills") or 0), "fill"),
    ]
    parts += [f"holds {_written(data['inventory'])}"] if data.get("inventory") is not None else []
    parts += [f"P&L {Decimal(str(data['pnl'])):+.4f} USD"] if data.get("pnl") is not None else []
    return f"{_with_reason('stopped', data)}; {', '.join(parts)}"


def _resumed(data: Mapping[str, Any]) -> str:
    return f"goes on (before: {reason_words(str(data.get('after')))})"


def _halted(data: Mapping[str, Any]) -> str:
    return f"halted: {halt_words(str(data.get('reason')))}"


def _adopted(data: Mapping[str, Any]) -> str:
    return _with_reason(f"took over {_written(data['size'])} at {_written(data['price'])}", data)


def _command(data: Mapping[str, Any]) -> str:
    return f"asked to {str(data.get('command')).replace('_', ' ')} ({reason_words(str(data.get('by')))})"


def _funding(data: Mapping[str, Any]) -> str:
    return f"funding {Decimal(str(data['amount'])):+.6f} USD at {Decimal(str(data['rate'])) * 10_000:+.4f} bps"


def _missed(data: Mapping[str, Any]) -> str:
    return f"{data.get('dropped')} events are no longer kept"


_SAID = {
    "fill": _fill, "amended": _amended, "round_trip": _round_trip, "cycle": _cycle, "started": _started,
    "stopping": _stopping, "stopped": _stopped, "resumed": _resumed, "position_adopted": _adopted,
    "halted": _halted, "command": _command, "funding": _funding, "gap": _missed,
}  # fmt: skip


def _written(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _short(value: Any) -> str:
    return str(len(value)) if isinstance(value, (list, dict)) else str(value)

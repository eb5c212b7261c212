"""pfmm's own tape format: plain JSON lines, gzip or not, written by `pfmm record` and by tests.

The first line names the format, its version, the markets with their units, and the venue, and the units of the numbers:
`{"format":"pfmm-tape","version":1,"venue":"hyperliquid","units":{"time":"ms","price":"USD","size":"base"},"markets":{"BTC-PERP":
{"price_unit":"0.1","size_step":"0.001","significant_figures":5}}}`, the last where the venue bounds the digits of a
price. A later version may add to the header what has a default, so that every older tape is read; a newer one than
this pfmm knows is refused. Then one event a line, numbers as strings, times in ms of venue time:

    {"kind":"quote","market":"BTC-PERP","time":1,"bid":"9.9","bid_size":"1","ask":"10","ask_size":"2"}
    {"kind":"trade","market":"BTC-PERP","time":2,"price":"10","size":"0.5","aggressor":"long"}
    {"kind":"depth","market":"BTC-PERP","time":3,"bids":[["9.9","1"]],"asks":[["10","2"]]}
    {"kind":"funding","market":"BTC-PERP","time":4,"rate":"0.0001","interval_h":8}
    {"kind":"gap","market":"BTC-PERP","time":5,"until":9}

An absent side of a quote is null. A funding line's time is the settlement. Every line ends with a newline. Within a
market, quotes, trades and depth stand in time order, give or take a quarter of a second. A trade has the venue's `id`
where there is one; `made` is its own time where it was learned later, and `missed` says that it was made within a gap,
the time between two looks of which prints may be missing: it is kept for the record, and readers pass over it.
Layer: tape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pfmm.model.market import Book, FundingRate, Level, Trade
from pfmm.tape.events import (
    Gap,
    Place,
    Placed,
    TapeEvent,
    TapeQuote,
    field,
    finite,
    not_negative,
    positive,
    text,
    whole_ms,
)

FORMAT = "pfmm-tape"
VERSION = 2  # 1 knew no gaps, and no ids of prints
UNITS = {"time": "ms", "price": "USD", "size": "base"}
MOST_FIGURES = 20
AGGRESSORS = {"long": 1, "short": -1}


@dataclass(frozen=True, slots=True)
class Units:
    """The smallest price and size steps of a market, USD and base units, and how many digits its prices may have."""

    price_unit: Decimal
    size_step: Decimal
    significant_figures: int | None = None


def parse_header(record: Mapping[str, object], place: Place) -> dict[str, Units]:
    """Read the units that a header states for its markets (it need not state any)."""
    _check_version(field(record, "version", place), place)
    units_of = field(record, "units", place)
    # a unit that a later version of the header adds is at its default in a tape of before
    if not isinstance(units_of, dict) or {**UNITS, **units_of} != UNITS:
        raise place.error(f"units must be {UNITS}, not {units_of!r}")
    markets = record.get("markets", {})
    if not isinstance(markets, dict):
        raise place.error(f"markets must be an object, not {markets!r}")
    found: dict[str, Units] = {}
    for name, units in markets.items():
        if not isinstance(units, dict):
            raise place.error(f"the units of {name} must be an object, not {units!r}")
        found[name] = Units(
            positive(field(units, "price_unit", place), "price_unit", place),
            positive(field(units, "size_step", place), "size_step", place),
            _figures(units.get("significant_figures"), place),
        )
    return found


def _check_version(version: object, place: Place) -> None:
    if type(version) is not int or version < 1:
        raise place.error(f"version must be a whole number from 1, not {version!r}")
    if version > VERSION:
        raise place.error(
            f"the tape has version {version}, this pfmm reads up to {VERSION}",
            hint="it was recorded by a newer pfmm: upgrade this one",
        )


def _figures(value: object, place: Place) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MOST_FIGURES):
        raise place.error(f"significant_figures must be 1 to {MOST_FIGURES} or left out, not {value!r}")
    return value


def parse_event(record: Mapping[str, object], place: Place) -> TapeEvent | Gap:
    """Read the event of one line; a missing field, or a number that is none, is a DataFileError."""
    kind = field(record, "kind", place)
    market = text(field(record, "market", place), "market", place)
    time_ms = whole_ms(field(record, "time", place), "time", place)
    if kind == "quote":
        bid, bid_size = _side(record, "bid", place)
        ask, ask_size = _side(record, "ask", place)
        return TapeQuote(market, time_ms, bid, bid_size, ask, ask_size)
    if kind == "trade":
        price = positive(field(record, "price", place), "price", place)
        size = positive(field(record, "size", place), "size", place)
        side = field(record, "aggressor", place)
        if side not in ("long", "short"):
            raise place.error(f"aggressor must be long or short, not {side!r}")
        trade_id = text(record["id"], "id", place) if "id" in record else ""
        return Trade(market, time_ms, price, size, AGGRESSORS[str(side)], trade_id)
    if kind == "depth":
        bids = parse_levels(field(record, "bids", place), "bids", place)
        return Book(market, time_ms, bids, parse_levels(field(record, "asks", place), "asks", place))
    if kind == "funding":
        hours = field(record, "interval_h", place)
        if not isinstance(hours, int) or isinstance(hours, bool) or not 0 < hours <= 24:
            raise place.error(f"interval_h must be 1 to 24 whole hours, not {hours!r}")
        return FundingRate(market, time_ms, finite(field(record, "rate", place), "rate", place), hours)
    if kind == "gap":
        return Gap(market, time_ms, whole_ms(field(record, "until", place), "until", place))
    raise place.error(f"kind must be quote, trade, depth, funding or gap, not {kind!r}")


def parse_levels(value: object, name: str, place: Place) -> tuple[Level, ...]:
    """Read [[price, size]…] as levels."""
    if not isinstance(value, list):
        raise place.error(f"{name} must be a list of [price, size], not {value!r}")
    found = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise place.error(f"{name} must hold [price, size], not {pair!r}")
        found.append(Level(positive(pair[0], f"{name} price", place), not_negative(pair[1], f"{name} size", place)))
    return tuple(found)


def _side(record: Mapping[str, object], name: str, place: Place) -> tuple[Decimal | None, Decimal]:
    price = field(record, name, place)
    if price is None:
        return None, Decimal(0)
    return positive(price, name, place), not_negative(field(record, f"{name}_size", place), f"{name}_size", place)


def header_line(markets: Mapping[str, Units], venue: str | None = None) -> str:
    """Write the first line of a tape, newline included; `venue` is where the data is from."""
    stated = {name: _stated(units) for name, units in markets.items()}
    named = {} if venue is None else {"venue": venue}
    return _line({"format": FORMAT, "version": VERSION, **named, "units": UNITS, "markets": stated})


def _stated(units: Units) -> dict[str, object]:
    steps: dict[str, object] = {"price_unit": str(units.price_unit), "size_step": str(units.size_step)}
    figures = units.significant_figures
    return steps if figures is None else {**steps, "significant_figures": figures}


def placed_line(placed: Placed) -> str:
    """Write one event with what is said of its place, newline included."""
    told: dict[str, object] = {} if placed.made_ms == placed.event.time_ms else {"made": placed.made_ms}
    return event_line(placed.event, {**told, "missed": True} if placed.missed else told)


def event_line(event: TapeEvent | Gap, told: Mapping[str, object] | None = None) -> str:
    """Write one event as a line, newline included; parse_event reads it back equal. `told` is said beside it."""
    match event:
        case TapeQuote():
            record: dict[str, object] = {
                "bid": None if event.bid is None else format(event.bid, "f"),
                "bid_size": format(event.bid_size, "f"),
                "ask": None if event.ask is None else format(event.ask, "f"),
                "ask_size": format(event.ask_size, "f"),
            }
            kind = "quote"
        case Trade():
            side = "long" if event.aggressor > 0 else "short"
            record = {"price": format(event.price, "f"), "size": format(event.size, "f"), "aggressor": side}
            record |= {"id": event.trade_id} if event.trade_id else {}
            kind = "trade"
        case Gap():
            record = {"until": event.until_ms}
            kind = "gap"
        case Book():
            record = {"bids": _pairs(event.bids), "asks": _pairs(event.asks)}
            kind = "depth"
        case FundingRate():
            record = {"rate": format(event.rate, "f"), "interval_h": event.interval_hours}
            kind = "funding"
    return _line({"kind": kind, "market": event.market, "time": event.time_ms, **record, **(told or {})})


def _pairs(levels: tuple[Level, ...]) -> list[list[str]]:
    return [[format(level.price, "f"), format(level.size, "f")] for level in levels]


def _line(record: Mapping[str, object]) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"

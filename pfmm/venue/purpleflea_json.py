"""The JSON forms of the `purpleflea` dialect: answers into the model, orders into requests. Pure.

Every correction of a field's name or meaning is made here; paths and paging live in the adapter. Layer: venue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from pfmm.errors import BadVenueData
from pfmm.model.market import Book, FundingRate, Instrument, Level, PriceRule, Ticker, Trade
from pfmm.venue.wire import Record

if TYPE_CHECKING:
    from pfmm.model.account import VenueTime

MAX_LEVELS = 1000
MAX_ROWS = 1000
MAX_MARKETS = 5000
MAX_MOMENTS = 400  # times that one question for past mids carries
DEFAULT_FUNDING_HOURS = 8


class VenueState(StrEnum):
    OPEN = "open"
    PAUSED = "paused"
    ENDED = "ended"


def venue_time(record: Record) -> VenueTime:
    """Read the venue's clock, from /api/time or the head of a state."""
    from pfmm.model.account import VenueTime

    return VenueTime(
        time_ms=record.millis("time_ms"),
        speed=float(record.non_negative("speed")) if record.given("speed") else 1.0,
        state=record.choice("state", VenueState).value if record.given("state") else VenueState.OPEN.value,
    )


def instrument(record: Record) -> Instrument:
    """Read one market of /api/markets."""
    figures = record.whole("significant_figures", 1, 20) if record.given("significant_figures") else None
    return Instrument(
        market=record.text("market"),
        category=record.text("category"),
        price_rule=PriceRule(record.positive("price_unit"), figures),
        size_step=record.positive("size_step"),
        min_notional=record.non_negative("min_notional"),
        max_leverage=record.whole("max_leverage", 1, 1000),
        maker_bps=_fee_bps(record, "maker_bps"),
        taker_bps=_fee_bps(record, "taker_bps"),
        funding_interval_hours=record.whole("funding_interval_h", 1, 24 * 7),
    )


def ticker(record: Record, *, asked: str | None, observed_ms: int) -> Ticker:
    """Read a ticker. The article's minimal one (price, funding_rate, next_funding_at) is enough: then there are no
    quotes, the price is the mark, funding is per 8 h and the time is `observed_ms`, ours."""
    market = record.text("market") if asked is None or record.given("market") else asked
    if asked is not None and market != asked:
        raise record.refusal("market", f"must be {asked}")
    return Ticker(
        market=market,
        time_ms=record.millis("time") if record.given("time") else observed_ms,
        bid=record.optional_positive("bid"),
        bid_size=record.optional_non_negative("bid_size"),
        ask=record.optional_positive("ask"),
        ask_size=record.optional_non_negative("ask_size"),
        mark=record.positive("mark" if record.given("mark") else "price"),
        index=record.optional_positive("index"),
        funding_rate=funding_fraction(record, "funding_rate") if record.given("funding_rate") else None,
        funding_interval_hours=(
            record.whole("funding_interval_h", 1, 24 * 7)
            if record.given("funding_interval_h")
            else DEFAULT_FUNDING_HOURS
        ),
        next_funding_ms=record.instant("next_funding_at") if record.given("next_funding_at") else None,
        volume_24h_usd=record.optional_non_negative("volume_24h"),
    )


def book(record: Record, market: str) -> Book:
    """Read a book, its levels best first; a side out of order is refused, a crossed book is the engine's to judge."""
    same_market(record, market)
    return Book(
        market=market,
        time_ms=record.millis("time"),
        bids=_levels(record, "bids", -1),
        asks=_levels(record, "asks", 1),
    )


def trades(record: Record, market: str) -> tuple[Trade, ...]:
    """Read public prints, oldest first."""
    from pfmm.model.order import Side

    same_market(record, market)
    rows = record.records("trades", MAX_ROWS)
    _in_order(rows, "time")
    return tuple(
        Trade(
            market,
            row.millis("time"),
            row.positive("price"),
            row.positive("size_base"),
            row.choice("aggressor", Side).sign,
        )
        for row in rows
    )


def funding_rates(record: Record, market: str) -> tuple[FundingRate, ...]:
    """Read published funding rates, oldest first. A row's own interval wins over the one stated for all of them."""
    same_market(record, market)
    stated = record.whole("funding_interval_h", 1, 24 * 7)
    rows = record.records("rates")
    _in_order(rows, "time")
    return tuple(
        FundingRate(
            market,
            row.millis("time"),
            funding_fraction(row, "rate"),
            row.whole("funding_interval_h", 1, 24 * 7) if row.given("funding_interval_h") else stated,
        )
        for row in rows
    )


def mids(record: Record, market: str) -> dict[int, Decimal]:
    """Read past mids by the time at which they were in force, in time order."""
    same_market(record, market)
    rows = record.records("mids", MAX_MOMENTS)
    _in_order(rows, "time")
    return {row.millis("time"): row.positive("mid") for row in rows}


def same_market(record: Record, market: str) -> None:
    """Raise BadVenueData when the answer is about another market than the one asked for."""
    if record.text("market") != market:
        raise record.refusal("market", f"must be {market}")


def once_each(values: Iterable[str], where: str) -> None:
    """Raise BadVenueData for an id or a market that an answer lists twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise BadVenueData(f"{where}: {value} is listed twice")
        seen.add(value)


def _fee_bps(record: Record, name: str) -> Decimal:
    value = record.signed(name)
    if abs(value) > 1000:
        raise record.refusal(name, "must be within ±1000 bps")
    return value


def funding_fraction(record: Record, name: str) -> Decimal:
    """Read a funding rate, a fraction an interval: 0.0001 is 1 bp."""
    value = record.signed(name)
    if abs(value) > 1:
        raise record.refusal(name, "must be a fraction within ±1")
    return value


def _levels(record: Record, name: str, direction: int) -> tuple[Level, ...]:
    levels = tuple(
        _level(item, f"{record.where}.{name}[{index}]") for index, item in enumerate(record.items(name, MAX_LEVELS))
    )
    for index, (before, after) in enumerate(pairwise(levels)):
        if (after.price - before.price) * direction <= 0:
            raise BadVenueData(
                f"{record.where}.{name}[{index + 1}]: {after.price} is out of order after {before.price}"
            )
    return levels


def _level(item: object, where: str) -> Level:
    if not isinstance(item, list) or len(item) != 2:
        raise BadVenueData(f"{where}: must be [price, size]")
    pair = Record({"price": item[0], "size": item[1]}, where)
    return Level(pair.positive("price"), pair.positive("size"))


def _in_order(rows: Sequence[Record], name: str) -> None:
    for before, after in pairwise(rows):
        if after.millis(name) < before.millis(name):
            raise after.refusal(name, f"must not be before {before.millis(name)}")

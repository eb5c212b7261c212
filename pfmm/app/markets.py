"""List the venue's instruments: one request, two with volume. Layer: app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.errors import UsageError
from pfmm.model.encoding import ABSENT

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.model.market import Instrument


@dataclass(frozen=True, slots=True)
class MarketsRequest:
    """Which instruments: those named, of one category, with a text in their name; `volume` adds that of 24 h."""

    category: str | None = None
    search: str | None = None
    volume: bool = False
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """How prices step: by `unit` (USD), or with so many significant figures."""

    unit: Decimal
    significant_figures: int | None


@dataclass(frozen=True, slots=True)
class MarketRow:
    """One instrument; sizes in base units, amounts in USD, fees in bps of notional (negative: a rebate).

    `volume_24h_usd` is ABSENT unless it was asked for, and None where the venue does not serve it.
    """

    market: str
    category: str
    price_rule: Price
    size_step: Decimal
    min_notional: Decimal
    max_leverage: int
    maker_bps: Decimal
    taker_bps: Decimal
    funding_interval_hours: int
    volume_24h_usd: Decimal | None = ABSENT


@dataclass(frozen=True, slots=True)
class MarketsResult:
    """The instruments of one venue, in its own order."""

    venue: str
    markets: tuple[MarketRow, ...]


def markets(request: MarketsRequest, *, session: Session) -> MarketsResult:
    """List the instruments that were asked for. Raises UsageError for a category that the venue does not have, and
    UnknownMarket for a name that it does not list."""
    listed: Sequence[Instrument] = tuple(session.instruments.values())
    if request.named:
        listed = tuple(session.market(name) for name in request.named)
    _check_category(request.category, listed)
    volumes: dict[str, Decimal | None] | None = None
    if request.volume:
        volumes = {ticker.market: ticker.volume_24h_usd for ticker in session.venue.tickers()}
    found = tuple(_row(one, volumes) for one in listed if _wanted(one, request))
    return MarketsResult(session.venue_name, found)


def _check_category(category: str | None, listed: Sequence[Instrument]) -> None:
    known = sorted({one.category for one in listed})
    if category is not None and category.lower() not in [name.lower() for name in known]:
        raise UsageError(f"the venue has no category {category!r}", hint=f"it has {', '.join(known)}")


def _wanted(one: Instrument, request: MarketsRequest) -> bool:
    in_category = request.category is None or one.category.lower() == request.category.lower()
    return in_category and (request.search is None or request.search.strip().upper() in one.market.upper())


def _row(one: Instrument, volumes: dict[str, Decimal | None] | None) -> MarketRow:
    return MarketRow(
        market=one.market,
        category=one.category,
        price_rule=Price(one.price_rule.unit, one.price_rule.significant_figures),
        size_step=one.size_step,
        min_notional=one.min_notional,
        max_leverage=one.max_leverage,
        maker_bps=one.maker_bps,
        taker_bps=one.taker_bps,
        funding_interval_hours=one.funding_interval_hours,
        volume_24h_usd=ABSENT if volumes is None else volumes.get(one.market),
    )

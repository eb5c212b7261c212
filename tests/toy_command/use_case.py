"""Say how far a market is from a price. Layer: app."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pfmm.app.session import Session


@dataclass(frozen=True, slots=True)
class DistanceRequest:
    market: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class DistanceResult:
    market: str
    distance_bps: Decimal
    warnings: tuple[str, ...] = ()


def distance(request: DistanceRequest, *, session: Session) -> DistanceResult:
    market = session.market(request.market).market
    (ticker,) = session.venue.tickers([market])
    bps = (request.price - ticker.mark) / ticker.mark * 10_000
    return DistanceResult(market, bps.quantize(Decimal("0.01")), ("a toy",))

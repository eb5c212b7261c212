"""Look at the depth of a market with our own orders in it: two requests, one without an account. Layer: app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.errors import AuthenticationError, ConfigError, UsageError
from pfmm.model.order import Side
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.model.market import Level
    from pfmm.model.order import Order

BPS = 10_000
MOST_LEVELS = 100
USUAL_LEVELS = 10
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class BookRequest:
    """Which market, and how many levels a side."""

    market: str
    levels: int = USUAL_LEVELS


@dataclass(frozen=True, slots=True)
class BookLevel:
    """One price of a side. `size` and `own_size` (our part of it) in base units, `notional` and `total_notional`
    (of this level and all before it) in USD, `distance_bps` from the mid; `own_size` is None where our orders are not
    known."""

    price: Decimal
    size: Decimal
    notional: Decimal
    total_notional: Decimal
    distance_bps: float | None
    own_size: Decimal | None


@dataclass(frozen=True, slots=True)
class OwnOrderRow:
    """One open order of the account on this market. `strategy` is None for one that pfmm did not place."""

    side: str
    price: Decimal
    remaining: Decimal
    distance_bps: float | None
    strategy: str | None
    slot: str | None
    client_order_id: str | None


@dataclass(frozen=True, slots=True)
class BookResult:
    """The book as one answer of the venue has it, best levels first on each side.

    `spread` in USD, `spread_bps` of the mid; `imbalance` is (bid size − ask size) ÷ (bid size + ask size) over the
    levels shown, `imbalance_top` that of the best level: +1 is all bids. None where a side is empty. `own_orders` is
    None where the account is not known, and holds orders beyond the levels shown, too.
    """

    venue: str
    time: str
    market: str
    mid: Decimal | None
    spread: Decimal | None
    spread_bps: float | None
    imbalance: float | None
    imbalance_top: float | None
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    own_orders: tuple[OwnOrderRow, ...] | None
    warnings: tuple[str, ...] = ()
    time_ms: int = 0


def check_request(request: BookRequest) -> None:
    """Raise UsageError for more levels than a book has."""
    if not 1 <= request.levels <= MOST_LEVELS:
        raise UsageError(f"--levels must be 1 to {MOST_LEVELS}, not {request.levels}")


def book(request: BookRequest, *, session: Session) -> BookResult:
    """Read the book and our open orders. Raises UnknownMarket and what the venue's reads raise; without a key the book
    alone is shown, with a warning."""
    check_request(request)
    market = session.market(request.market).market
    found = session.venue.book(market, request.levels)
    orders, warnings = _own_orders(session, market)
    bids, asks = found.bids[: request.levels], found.asks[: request.levels]
    mid = (bids[0].price + asks[0].price) / 2 if bids and asks else None
    spread = asks[0].price - bids[0].price if bids and asks else None
    return BookResult(
        venue=session.venue_name,
        time=iso(found.time_ms),
        market=market,
        mid=mid,
        spread=spread,
        spread_bps=None if spread is None or not mid else round(float(spread / mid * BPS), 2),
        imbalance=imbalance(bids, asks),
        imbalance_top=imbalance(bids[:1], asks[:1]),
        bids=_levels(bids, _of_side(orders, Side.LONG), mid),
        asks=_levels(asks, _of_side(orders, Side.SHORT), mid),
        own_orders=None if orders is None else _rows(session, orders, mid),
        warnings=warnings,
        time_ms=found.time_ms,
    )


def imbalance(bids: Sequence[Level], asks: Sequence[Level]) -> float | None:
    """Work out (bid size − ask size) ÷ (bid size + ask size): sizes 3 and 1 give +0.5. None where a side is empty."""
    if not bids or not asks:
        return None
    bought, sold = (sum((level.size for level in side), Decimal(0)) for side in (bids, asks))
    return round(float((bought - sold) / (bought + sold)), 4) if bought + sold else None


def _own_orders(session: Session, market: str) -> tuple[tuple[Order, ...] | None, tuple[str, ...]]:
    try:
        return session.venue.open_orders(market), ()
    except (AuthenticationError, ConfigError) as error:
        return None, (f"your own orders are not marked: {error.message}",)


def _of_side(orders: Sequence[Order] | None, side: Side) -> dict[Decimal, Decimal] | None:
    """Sum up the size that is ours at each price of a side; None where our orders are not known."""
    if orders is None:
        return None
    found: dict[Decimal, Decimal] = {}
    for order in orders:
        if order.side is side and order.price is not None:
            found[order.price] = found.get(order.price, Decimal(0)) + order.remaining
    return found


def _levels(side: Sequence[Level], own: dict[Decimal, Decimal] | None, mid: Decimal | None) -> tuple[BookLevel, ...]:
    rows, total = [], Decimal(0)
    for level in side:
        notional = level.price * level.size
        total += notional
        mine = None if own is None else own.get(level.price, Decimal(0))
        usd, total_usd = notional.quantize(CENT), total.quantize(CENT)
        rows.append(BookLevel(level.price, level.size, usd, total_usd, _distance(level.price, mid), mine))
    return tuple(rows)


def _distance(price: Decimal, mid: Decimal | None) -> float | None:
    return None if not mid else round(float((price - mid) / mid * BPS), 2)


def _rows(session: Session, orders: Sequence[Order], mid: Decimal | None) -> tuple[OwnOrderRow, ...]:
    known = _placed_by(session, orders)
    rows = []
    for order in sorted(orders, key=lambda one: (one.side is Side.LONG, -(one.price or 0))):
        strategy, slot = known.get(order.client_order_id or "", (None, None))
        price = order.price if order.price is not None else Decimal(0)
        distance = _distance(price, mid)
        rows.append(
            OwnOrderRow(order.side.value, price, order.remaining, distance, strategy, slot, order.client_order_id)
        )
    return tuple(rows)


def _placed_by(session: Session, orders: Sequence[Order]) -> dict[str, tuple[str, str]]:
    """Return the strategy and the slot of each order that the journal knows, by client order id. A journal that cannot
    be used leaves them unknown: the book is public all the same."""
    if not orders or not session.has_journal:
        return {}
    from pfmm.journal.journal import Journal

    try:
        with Journal.open_readonly(session.journal_path) as journal:
            kinds = {run.run_id: run.kind for run in journal.runs(ended=False)}
            live = journal.live_orders()
    except ConfigError:
        return {}
    return {one.client_order_id: (kinds.get(one.run_id, ""), one.slot) for one in live}

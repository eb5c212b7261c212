"""Show the account, and of each market the position, how full its limit is, and what it earned. Layer: app.

The position and what is unrealised are the venue's word; realised profit, fees and funding are the journal's books,
which are brought up to the venue first. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.app.asserting import is_false, offending
from pfmm.errors import AssertionFalse, ConfigError, VenueRefused
from pfmm.model.peak import drawdown_pct as drawdown_pct  # noqa: PLC0414 - shown by inventory
from pfmm.model.text import iso, plain

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.assertions import Assertion
    from pfmm.journal.journal import Journal
    from pfmm.model.account import Position, Snapshot
    from pfmm.model.ledger import LedgerState
    from pfmm.model.order import Order

ZERO = Decimal(0)
PERCENT_STEP = Decimal("0.000001")
PRICE_STEP = Decimal("0.00000001")  # an average is rounded for display: the cost basis is what is exact
ACCOUNT_FIELDS = (
    "account_id", "equity", "cash", "margin_used", "free_margin", "peak_equity", "drawdown_pct", "deposits",
)  # fmt: skip
POSITION_FIELDS = (
    "market", "side", "size", "notional", "entry_price", "mark_price", "ratio", "state", "unrealized_pnl",
    "realized_pnl", "fees", "fees_effect", "funding", "open_bids", "open_asks", "liquidation_price",
    "liquidation_distance_pct", "pnl_source", "limit_usd",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AccountRow:
    """The account in USD; the peak and the fall from it are None without a journal."""

    account_id: str
    equity: Decimal
    cash: Decimal
    margin_used: Decimal
    free_margin: Decimal
    peak_equity: Decimal | None
    drawdown_pct: Decimal | None
    deposits: Decimal | None


@dataclass(frozen=True, slots=True)
class PositionRow:
    """One market: base units and USD. Realised profit, fees and funding are None where no journal tells them."""

    market: str | None = None
    side: str = "flat"
    size: Decimal = ZERO
    notional: Decimal = ZERO
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    ratio: float = 0.0
    state: str = "ok"
    unrealized_pnl: Decimal = ZERO
    realized_pnl: Decimal | None = ZERO
    fees: Decimal | None = ZERO
    fees_effect: Decimal | None = ZERO
    funding: Decimal | None = ZERO
    open_bids: Decimal = ZERO
    open_asks: Decimal = ZERO
    liquidation_price: Decimal | None = None
    liquidation_distance_pct: Decimal | None = None
    pnl_source: str = "journal"
    limit_usd: Decimal | None = None


FLAT = PositionRow()
UNTOLD = replace(FLAT, realized_pnl=None, fees=None, fees_effect=None, funding=None, pnl_source="venue")


@dataclass(frozen=True, slots=True)
class InventoryResult:
    """The account and its positions at the venue's time."""

    venue: str
    time: str
    account: AccountRow
    positions: tuple[PositionRow, ...]
    warnings: tuple[str, ...] = ()
    time_ms: int = 0
    have_journal: bool = True


def markets_of(spellings: Sequence[str], *, session: Session) -> tuple[str, ...]:
    """Return the markets that were named, in the venue's spelling. Raises UnknownMarket."""
    return tuple(dict.fromkeys(session.known_market(spelling) for spelling in spellings))


def inventory(markets: Sequence[str], *, session: Session) -> InventoryResult:
    """Read the account and its positions, of `markets` or (none named) of every market with any."""
    try:
        snapshot, ledgers, warnings = _read(session, markets)
    except VenueRefused as error:
        raise session.whole_refusal(error) from error
    account = _account_row(session, snapshot, have_journal=ledgers is not None)
    rows = tuple(
        _position_row(session, snapshot, market, ledgers)
        for market in markets or _markets_with_any(snapshot, ledgers or {})
    )
    time_ms = snapshot.time.time_ms
    return InventoryResult(session.venue_name, iso(time_ms), account, rows, warnings, time_ms, ledgers is not None)


def broken(check: Assertion | None, result: InventoryResult) -> AssertionFalse | None:
    """Return the failure of an assertion that is false for a position, with the offending ones as its result; else
    None.

    It sees each position's fields together with the account's; without a position, those of a flat one.
    """
    if check is None:
        return None
    rows = result.positions
    account = _mapping(result.account)
    empty = FLAT if result.have_journal else UNTOLD
    tested = [{**account, **_mapping(row)} for row in rows or (empty,)]
    places = offending(check, tested)
    if not places:
        return None
    failure = is_false(check, [tested[place] for place in places], len(tested))
    failure.result = replace(result, positions=tuple(rows[place] for place in places if rows))
    return failure


def _mapping(row: AccountRow | PositionRow) -> Mapping[str, Any]:
    return {one.name: getattr(row, one.name) for one in fields(row)}


def _read(session: Session, asked: Sequence[str]) -> tuple[Snapshot, Mapping[str, LedgerState] | None, tuple[str, ...]]:
    """Take one snapshot of the venue, and the journal's book of each market brought up to it. A journal that cannot be
    used takes only its own part of the answer with it."""
    from pfmm.app.halting import left_over
    from pfmm.app.session import unlisted
    from pfmm.engine.observe import observe_listed

    try:
        snapshot, gone = observe_listed(session.venue, session.journal, asked, ())
        ledgers = _ledgers(session.journal)
    except ConfigError as error:
        snapshot = session.venue.state(asked)  # raises again what is not the journal's fault
        return snapshot, None, (f"{error.message}; realised profit, fees, funding and the peak are not known",)
    positions = [one for one in snapshot.positions if not asked or one.market in asked]
    warnings = (*unlisted(gone), *_doubts(snapshot, ledgers, asked), *left_over(session.journal, positions))
    return snapshot, ledgers, warnings


def _doubts(snapshot: Snapshot, ledgers: Mapping[str, LedgerState], asked: Sequence[str]) -> tuple[str, ...]:
    """Warn of markets whose position the recorded fills do not explain: the venue no longer tells the older ones."""
    held = {position.market: position.size for position in snapshot.positions}
    recorded = {market: ledger.size for market, ledger in ledgers.items()}
    return tuple(
        f"{market}: the fills in the journal add up to {plain(recorded.get(market, ZERO))}, the venue holds "
        f"{plain(held.get(market, ZERO))}; its realised profit is incomplete"
        for market in asked or sorted(held | recorded)
        if recorded.get(market, ZERO) != held.get(market, ZERO)
    )


def _ledgers(journal: Journal) -> dict[str, LedgerState]:
    """Return each market's book of every fill and funding payment of the account, whoever traded: netted as the venue
    nets, so that with the venue's unrealised profit it makes up the venue's equity."""
    from pfmm.model.ledger import ACCOUNT

    return {book.market: book.ledger for book in journal.books(owner=ACCOUNT)}


def _markets_with_any(snapshot: Snapshot, ledgers: Mapping[str, LedgerState]) -> list[str]:
    """Return the markets with a position, an order or a past."""
    positions = {position.market for position in snapshot.positions}
    return sorted(positions | {order.market for order in snapshot.orders} | set(ledgers))


def _account_row(session: Session, snapshot: Snapshot, *, have_journal: bool) -> AccountRow:
    account = snapshot.account
    peak = session.journal.peak_equity() if have_journal else None
    return AccountRow(
        account_id=account.account_id,
        equity=account.equity,
        cash=account.cash,
        margin_used=account.margin_used,
        free_margin=account.free_margin,
        peak_equity=peak,
        drawdown_pct=None if peak is None else drawdown_pct(peak, account.equity),
        deposits=account.deposits,
    )


def _position_row(
    session: Session, snapshot: Snapshot, market: str, ledgers: Mapping[str, LedgerState] | None
) -> PositionRow:
    limit = session.settings.for_market(market).run.max_inventory_usd
    row = UNTOLD if ledgers is None else FLAT
    row = replace(row, market=market, limit_usd=limit, mark_price=_mark(snapshot, market))
    position = next((one for one in snapshot.positions if one.market == market), None)
    if position is not None and position.size:
        row = _held(row, position, limit, str(session.settings.value("quote.on_limit", market)))
    if ledgers is not None and market in ledgers:
        ledger = ledgers[market]
        fees, effect = ledger.fees, 0 - ledger.fees
        row = replace(row, realized_pnl=ledger.realized, fees=fees, fees_effect=effect, funding=ledger.funding)
    bids, asks = _resting([order for order in snapshot.orders if order.market == market])
    return replace(row, open_bids=bids, open_asks=asks)


def _mark(snapshot: Snapshot, market: str) -> Decimal | None:
    marks = {position.market: position.mark_price for position in snapshot.positions}
    marks |= {ticker.market: ticker.mark for ticker in snapshot.tickers}
    return marks.get(market)


def _held(row: PositionRow, position: Position, limit: Decimal, on_limit: str) -> PositionRow:
    """Return the row with what the venue says of a position that is not flat."""
    from pfmm.strategy.inventory import inventory_state, raw_ratio

    entry, liquidation = position.entry_price, position.liquidation_price
    distance = None  # below zero once the mark is past it: the size alone would make that look safe
    if liquidation is not None:
        away = position.mark_price - liquidation if position.size > 0 else liquidation - position.mark_price
        distance = away / position.mark_price * 100
    ratio = raw_ratio(float(position.size), float(position.mark_price), float(limit))
    return replace(
        row,
        side="long" if position.size > 0 else "short",
        size=position.size,
        notional=position.notional,
        entry_price=None if entry is None else entry.quantize(PRICE_STEP),
        mark_price=position.mark_price,
        ratio=ratio,
        state=inventory_state(ratio, on_limit),
        unrealized_pnl=position.unrealized_pnl,
        liquidation_price=liquidation,
        liquidation_distance_pct=None if distance is None else distance.quantize(PERCENT_STEP),
    )


def _resting(orders: Sequence[Order]) -> tuple[Decimal, Decimal]:
    """Sum up what open orders could still buy and sell, USD at their own prices."""
    open_usd = {1: ZERO, -1: ZERO}
    for order in orders:
        open_usd[order.side.sign] += order.remaining * (order.price or ZERO)
    return open_usd[1], open_usd[-1]

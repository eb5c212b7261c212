"""What a look at the account remembers of the one before, so that most looks cost little. Layer: venue. Pure.

While every position and the raw balance are as before (a fill with a fee changes one of them) and nothing was sent, the
orders and fills of the last whole look stand, for at most 15 s of the venue's time. Where a socket tells of changes,
all of the look stands while it tells of none that the look does not show.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pfmm.model.account import Account, Cursors, Position, Snapshot, VenueTime
from pfmm.model.market import Ticker
from pfmm.model.order import Fill, Order
from pfmm.model.quick import replace
from pfmm.venue.wire import Record

STANDS_MS: Final = 15_000
PAYMENTS_EVERY_MS: Final = 600_000

Signature = tuple[tuple[str, str, str], ...]


def signature(states: Mapping[str, Record]) -> Signature:
    """Read what changes with any fill that costs or earns something: every position, and the balance without them."""
    found: list[tuple[str, str, str]] = []
    for dex, state in states.items():
        found.append((dex, "", str(state.record("marginSummary").decimal_text("totalRawUsd"))))
        rows = (entry.record("position") for entry in state.records("assetPositions"))
        found += sorted((dex, row.text("coin"), str(row.decimal_text("szi"))) for row in rows)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class FillNews:
    """That a fill was made."""

    key: str  # its id


@dataclass(frozen=True, slots=True)
class OrderNews:
    """That an order of a list of markets changed: whether it is open now, and how much of it is filled."""

    order_id: str
    dex: str
    open: bool
    filled: Decimal

    @property
    def key(self) -> str:
        """Return what the news is about: of one order the newest news counts alone."""
        return f"order {self.order_id}"


News = FillNews | OrderNews


@dataclass(frozen=True, slots=True)
class Look:
    """A whole look: the venue time before it, what it showed, and the cursors that it handed out. `agreed` tells that
    its fills and positions told one story, `connection` which one of the socket was there before its first read."""

    asked_ms: int
    dexes: tuple[str, ...]
    shown: Snapshot
    signature: Signature
    agreed: bool
    connection: int = 0

    @property
    def orders(self) -> tuple[Order, ...]:
        """Return what rested."""
        return self.shown.orders

    @property
    def cursors(self) -> Cursors:
        """Return where the next look goes on."""
        return self.shown.cursors

    def tells(self, news: Iterable[News], told: Container[str]) -> bool:
        """Tell whether this look shows all of the news; `told` are the ids of fills that were shown. A list of orders
        that lags shows one as open that is gone, or not yet what a new one is."""
        open_now = {one.order_id: one.filled for one in self.orders}
        for one in news:
            if isinstance(one, FillNews):
                if one.key not in told:
                    return False
            elif one.dex in self.dexes:
                filled = open_now.get(one.order_id)
                if one.open is (filled is None) or (one.open and filled is not None and filled < one.filled):
                    return False
        return True


class Memory:
    """The newest whole look, and the fills that have been told of."""

    def __init__(self) -> None:
        self._look: Look | None = None
        self._sent = True
        self._told: dict[str, int] = {}  # time in ms of fills of the last two minutes, by id
        self._positions: Mapping[str, Decimal] | None = None
        self.paid_ms: int | None = None  # when payments were read last
        self.shown_ms = 0  # venue time of the newest snapshot

    @property
    def told(self) -> Container[str]:
        """Return the ids of the fills that have been told of lately."""
        return self._told

    def sent(self) -> None:
        """Remember that something was sent, or that a proof is wanted: what rests is to be read again."""
        self._sent = True

    def standing(self, cursors: Cursors, dexes: Sequence[str], now_ms: int) -> Look | None:
        """Return the whole look that may still stand at venue time `now_ms`, or None."""
        look = self._as_before(cursors, dexes)
        return look if look is not None and now_ms - look.asked_ms < STANDS_MS else None

    def unchanged(
        self, cursors: Cursors, dexes: Sequence[str], connection: int, now_ms: int, stands_ms: int
    ) -> Look | None:
        """Return the whole look that stands as long as the socket's `connection`, for at most `stands_ms`, or None."""
        look = self._as_before(cursors, dexes)
        stands = look is not None and look.connection == connection and now_ms - look.asked_ms < stands_ms
        return look if stands else None

    def _as_before(self, cursors: Cursors, dexes: Sequence[str]) -> Look | None:
        """Return the last whole look, where nothing was sent since. One whose fills and positions told two stories does
        not count."""
        look = self._look
        if self._sent or look is None or look.cursors != cursors or look.dexes != tuple(dexes):
            return None
        return look if look.agreed else None

    def keep(self, look: Look) -> None:
        """Remember a whole look."""
        self._look, self._sent = look, False
        self._positions = {one.market: one.size for one in look.shown.positions}
        self._told |= {one.fill_id: one.time_ms for one in look.shown.fills}
        oldest_ms = look.asked_ms - 120_000
        self._told = {one: at_ms for one, at_ms in self._told.items() if at_ms >= oldest_ms}

    def agree(self, fills: Sequence[Fill], positions: Sequence[Position]) -> bool:
        """Tell whether the new fills lead from the positions of the last whole look to these. 2 and then 3 with a new
        buy of 1 agree; without it a fill is still to come."""
        if self._positions is None:
            return True
        expected = dict(self._positions)
        for one in fills:
            if one.fill_id not in self._told:
                expected[one.market] = expected.get(one.market, Decimal(0)) + one.signed_size
        now = {one.market: one.size for one in positions}
        return all(expected.get(name, 0) == now.get(name, 0) for name in expected.keys() | now.keys())


def revalued(look: Look, tickers: tuple[Ticker, ...], now_ms: int) -> Snapshot:
    """Give what a look showed at the prices of now, without news. Margin in use stays as it was at the look."""
    marks = {one.market: one.mark for one in tickers}
    positions = tuple(_at(one, marks.get(one.market, one.mark_price)) for one in look.shown.positions)
    before = sum((one.unrealized_pnl for one in look.shown.positions), Decimal(0))
    gained = sum((one.unrealized_pnl for one in positions), Decimal(0)) - before
    return replace(
        look.shown,
        time=VenueTime(now_ms),
        account=_with(look.shown.account, gained),
        positions=positions,
        fills=(),
        funding_payments=(),
        tickers=tickers,
        orders_ms=look.asked_ms,
    )


def _at(position: Position, mark: Decimal) -> Position:
    """Value the position at a mark. 2 that cost 200 are worth 210 at 105, and have gained 10."""
    value = abs(position.size) * mark
    gained = value - position.cost_basis if position.size > 0 else position.cost_basis - value
    return replace(position, mark_price=mark, unrealized_pnl=gained)


def _with(account: Account, gained: Decimal) -> Account:
    unrealized = None if account.unrealized_pnl is None else account.unrealized_pnl + gained
    free = max(account.free_margin + gained, Decimal(0))
    return replace(account, equity=account.equity + gained, free_margin=free, unrealized_pnl=unrealized)

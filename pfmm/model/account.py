"""The account as a venue reports it, and one consistent snapshot of everything a cycle reads. Layer: model."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.model.quick import quick

if TYPE_CHECKING:  # who asks for the time or a position alone does not pay for defining the orders
    from pfmm.model.market import Book, Ticker
    from pfmm.model.order import Fill, Order


@quick(frozen=True, slots=True)
class VenueTime:
    """The venue's clock: `speed` venue seconds a wall second (1 for a real venue; 0 = stepped by its clients),
    `state` is open, paused or ended (a replay that has run out)."""

    time_ms: int
    speed: float = 1.0
    state: str = "open"


@quick(frozen=True, slots=True)
class Position:
    """The one signed position of a market. `size` base units, positive = long; `cost_basis` USD, always >= 0."""

    market: str
    size: Decimal
    cost_basis: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    liquidation_price: Decimal | None = None
    leverage: int | None = None

    @property
    def notional(self) -> Decimal:
        """Signed USD value at the mark: -2 at 50 is -100."""
        return self.size * self.mark_price

    @property
    def entry_price(self) -> Decimal | None:
        """Average entry in USD, for display only: the cost basis is what is exact."""
        return self.cost_basis / abs(self.size) if self.size else None


@quick(frozen=True, slots=True)
class Account:
    """Equity identity, USD: equity = deposits + realized_pnl + unrealized_pnl - fees + funding."""

    account_id: str
    equity: Decimal
    cash: Decimal
    margin_used: Decimal
    free_margin: Decimal
    deposits: Decimal | None = None
    realized_pnl: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    fees: Decimal | None = None
    funding: Decimal | None = None


@quick(frozen=True, slots=True)
class MarginMode:
    """How a venue margins an account's position of one market: `isolated` (with what it opened with alone) or with the
    whole account, at which leverage. `collateral` is the USD that can back it where not all of the account's can."""

    isolated: bool
    leverage: int
    collateral: Decimal | None = None


@quick(frozen=True, slots=True)
class ActionsLeft:
    """What a venue that counts order actions says of an account: `used` of them, `left`, and how many of all that were
    granted its trading has `earned`. The last `reserve` are kept for cancels."""

    used: int
    left: int
    earned: int
    reserve: int

    @property
    def usable(self) -> int:
        """What may be spent on orders: 1,200 left with a reserve of 500 are 700."""
        return max(self.left - self.reserve, 0)

    @property
    def earned_by_each(self) -> float:
        """How many new actions one that was used has earned, on average: 300 by 1,000 are 0.3."""
        return self.earned / self.used if self.used else 0.0


@quick(frozen=True, slots=True)
class Cursors:
    """Where the next read of fills and funding payments goes on; None = from the beginning."""

    fills: str | None = None
    funding: str | None = None


@quick(frozen=True, slots=True)
class Snapshot:
    """ONE consistent view of the venue: orders, fills since the cursor and positions belong together. `orders_ms` is
    the venue time that the orders are of at least, where that is not `time`. `exchange_id` tells one paper exchange
    from another; a real venue has none. `unseen` names what of the account a look for all of it did not see; `books`
    has those of the markets that the same read told of. `notice` is the venue's own word on a day that is not ordinary,
    as maintenance."""

    time: VenueTime
    account: Account
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]
    funding_payments: tuple[FundingPayment, ...]
    tickers: tuple[Ticker, ...]
    cursors: Cursors
    exchange_id: str | None = None
    orders_ms: int | None = None
    unseen: tuple[str, ...] = ()
    books: tuple[Book, ...] = ()
    notice: str | None = None


@quick(frozen=True, slots=True)
class FundingPayment:
    """One funding settlement; `amount` in USD, positive = received."""

    payment_id: str
    market: str
    time_ms: int
    rate: Decimal
    price: Decimal
    size: Decimal
    amount: Decimal

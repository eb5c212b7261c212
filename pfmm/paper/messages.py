"""What goes into the paper exchange and what comes out of it: requests, records and its one error.

Amounts are Decimal: prices and amounts in USD, sizes in base units, exactly as the wire carries them; times are integer
ms of venue time; sides, types and statuses are the wire's own words. Records are named tuples because they are cheap to
define at start-up. Layer: paper.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class ExchangeError(Exception):
    """Refuse as the exchange does: an HTTP status, a snake_case code, words, and the order that it is about, if any."""

    def __init__(self, status: int, code: str, message: str, order: OrderRecord | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.order = order


class Busy(ExchangeError):
    """The store stayed locked by other processes for longer than a request may wait, or the market runs away from the
    account (503 with Retry-After)."""

    retry_after_s = 1

    def __init__(self, message: str) -> None:
        super().__init__(503, "busy", message)


class ClockState(NamedTuple):
    """Venue time in ms, venue seconds a wall second (0 = stepped by clients), and open, paused or ended."""

    time_ms: int
    speed: float
    state: str


class PlaceRequest(NamedTuple):
    """An order as asked for: exactly one of `size_usd` and `size_base`; `price` for limit orders only.

    `side` is long or short, `type` limit or market, `time_in_force` GTC or IOC (a market order is always IOC).
    After `valid_until_ms` (venue time) the request is refused instead of acting. With a `trigger_price` it is a stop:
    it only reduces, and takes, no worse than `price` where it has one, once the mark has reached the trigger.
    """

    market: str
    side: str
    type: str
    size_usd: Decimal | None = None
    size_base: Decimal | None = None
    price: Decimal | None = None
    client_order_id: str | None = None
    post_only: bool = False
    reduce_only: bool = False
    time_in_force: str = "GTC"
    valid_until_ms: int | None = None
    trigger_price: Decimal | None = None


class AmendRequest(NamedTuple):
    """New price and/or TOTAL size (filled part included) of one order, named by exactly one of its two ids."""

    order_id: str | None = None
    client_order_id: str | None = None
    price: Decimal | None = None
    size_base: Decimal | None = None
    valid_until_ms: int | None = None


class CancelRequest(NamedTuple):
    """One order to cancel, named by exactly one of its two ids."""

    order_id: str | None = None
    client_order_id: str | None = None


class OrderRecord(NamedTuple):
    """An order as it stands. `status`: open, filled, cancelled, expired or rejected; `reason` of a cancelled order:
    user, dead_man, liquidation, ioc, reduce_only or margin; of an open stop whose trigger was reached: triggered."""

    order_id: str
    client_order_id: str | None
    market: str
    side: str
    type: str
    price: Decimal | None
    size_base: Decimal
    filled_base: Decimal
    avg_fill_price: Decimal | None
    status: str
    post_only: bool
    reduce_only: bool
    time_in_force: str
    reason: str | None
    created_at: int
    updated_at: int
    trigger_price: Decimal | None = None


class FillRecord(NamedTuple):
    """One execution; `sequence` is its running number in the account (the cursor), `fee` positive when paid."""

    sequence: int
    fill_id: str
    order_id: str
    client_order_id: str | None
    market: str
    side: str
    price: Decimal
    size_base: Decimal
    fee: Decimal
    liquidity: str
    time: int
    liquidation: bool


class FundingRecord(NamedTuple):
    """One funding settlement of the account; `size_base` signed, `amount` positive when received."""

    sequence: int
    payment_id: str
    market: str
    time: int
    rate: Decimal
    price: Decimal
    size_base: Decimal
    amount: Decimal


class FillPage(NamedTuple):
    """Fills after a cursor, oldest first; `cursor` goes on after them, `more` when another page waits."""

    fills: tuple[FillRecord, ...]
    cursor: int
    more: bool


class FundingPage(NamedTuple):
    """Funding payments after a cursor, oldest first."""

    payments: tuple[FundingRecord, ...]
    cursor: int
    more: bool


class PositionRecord(NamedTuple):
    """The one signed position of a market with its history; listed with size 0 once it has traded."""

    market: str
    size_base: Decimal
    cost_basis: Decimal
    entry_price: Decimal | None
    mark_price: Decimal
    unrealized_pnl: Decimal
    realized_pnl: Decimal
    fees: Decimal
    funding: Decimal
    liquidation_price: Decimal | None
    leverage: int


class AccountRecord(NamedTuple):
    """equity = deposits + realized_pnl + unrealized_pnl - fees + funding, exactly; cash leaves out unrealized_pnl."""

    account_id: str
    equity: Decimal
    cash: Decimal
    margin_used: Decimal
    free_margin: Decimal
    deposits: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    funding: Decimal


class TickerRecord(NamedTuple):
    """Best quotes and marks; `price` is the mid, or the mark when a side is absent. `funding_rate` is the fraction
    that settles at `next_funding_at`; `volume_24h` (USD) is None where the feed does not know it."""

    market: str
    price: Decimal
    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    mark: Decimal
    index_price: Decimal
    funding_rate: Decimal | None
    funding_interval_h: int
    next_funding_at: int
    volume_24h: Decimal | None
    time: int


class BookRecord(NamedTuple):
    """Levels as (price, size), best first."""

    market: str
    time: int
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


class TradeRecord(NamedTuple):
    """One public print; `aggressor` is long when the taker bought, short when it sold."""

    time: int
    price: Decimal
    size_base: Decimal
    aggressor: str


class MidRecord(NamedTuple):
    """The mid that was in force at a time."""

    time: int
    mid: Decimal


class FundingRateRecord(NamedTuple):
    """One settled rate of a market, a fraction per its own interval in hours."""

    time: int
    rate: Decimal
    funding_interval_h: int


class DeadManRecord(NamedTuple):
    """The dead-man switch: when it fires (venue time), None while disarmed."""

    armed: bool
    fires_at: int | None


class StateRecord(NamedTuple):
    """One consistent snapshot; `orders` are ALL open orders of the account, `exchange_id` tells this exchange from
    every other and from itself before a reset."""

    clock: ClockState
    account: AccountRecord
    positions: tuple[PositionRecord, ...]
    orders: tuple[OrderRecord, ...]
    fills: FillPage
    funding: FundingPage
    tickers: tuple[TickerRecord, ...]
    exchange_id: str
    books: tuple[BookRecord, ...] = ()


BatchItem = OrderRecord | ExchangeError

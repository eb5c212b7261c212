"""Orders, their life and their fills. `long` is buy, `short` is sell; sizes are base units. Layer: model."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pfmm.model.quick import quick
from pfmm.model.refusal import RefusalReason

FLATTEN_IDS = "flatten-"  # how the client order ids of pfmm's own closing orders begin, which belong to no run


class Side(StrEnum):
    """The direction of an order, spelled as the venues spell it."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        """+1 for long (buy), -1 for short (sell)."""
        return 1 if self is Side.LONG else -1

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SHORT if self is Side.LONG else Side.LONG


class OrderType(StrEnum):
    LIMIT = "limit"
    MARKET = "market"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"


class OrderStatus(StrEnum):
    """What the venue says of an order. Everything but OPEN is final."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def final(self) -> bool:
        """True when the order can never fill again."""
        return self is not OrderStatus.OPEN


class Liquidity(StrEnum):
    MAKER = "maker"
    TAKER = "taker"


@quick(frozen=True, slots=True)
class NewOrder:
    """An order as we ask for it. `price` is None for a market order; `valid_until_ms` is venue time: the venue
    refuses the request if it arrives later, so that a delayed duplicate can never act. With a `trigger_price` it is a
    stop: it trades, no worse than `price`, once the MARK has reached the trigger."""

    client_order_id: str
    market: str
    side: Side
    size: Decimal
    price: Decimal | None
    post_only: bool = True
    reduce_only: bool = False
    time_in_force: TimeInForce = TimeInForce.GTC
    valid_until_ms: int | None = None
    trigger_price: Decimal | None = None

    @property
    def type(self) -> OrderType:
        """market when no price is given, else limit."""
        return OrderType.MARKET if self.price is None else OrderType.LIMIT


@quick(frozen=True, slots=True)
class AmendOrder:
    """New price and/or TOTAL size (filled part included) for a resting order, by its client order id. Where a venue
    replaces orders, `replacement` is the new order, of the size that shall rest, under an id of its own."""

    client_order_id: str
    market: str
    price: Decimal
    size: Decimal
    valid_until_ms: int | None = None
    replacement: NewOrder | None = None


@quick(frozen=True, slots=True)
class CancelOrder:
    """A cancel by client order id, or by the venue's id for an order that pfmm did not place. One of them is set."""

    market: str
    client_order_id: str | None = None
    order_id: str | None = None


@quick(frozen=True, slots=True)
class Batch:
    """What one request carries, carried out by the venue in the order cancel, amend, place."""

    cancel: tuple[CancelOrder, ...] = ()
    amend: tuple[AmendOrder, ...] = ()
    place: tuple[NewOrder, ...] = ()

    def __len__(self) -> int:
        return len(self.cancel) + len(self.amend) + len(self.place)


@quick(frozen=True, slots=True)
class Order:
    """An order as the venue reports it. `size` is the total, `filled` the part done, both base units."""

    order_id: str
    client_order_id: str | None
    market: str
    side: Side
    type: OrderType
    price: Decimal | None
    size: Decimal
    filled: Decimal
    status: OrderStatus
    post_only: bool
    reduce_only: bool
    created_ms: int
    updated_ms: int
    avg_fill_price: Decimal | None = None
    reason: str | None = None
    trigger_price: Decimal | None = None

    @property
    def remaining(self) -> Decimal:
        """size - filled, base units: 3 - 1 = 2."""
        return self.size - self.filled


@quick(frozen=True, slots=True)
class Refusal:
    """The venue's no to one item of a batch: its snake_case code, its words, and its HTTP status."""

    code: str
    message: str
    status: int

    @property
    def reason(self) -> RefusalReason:
        """What the code means, the same on every venue."""
        return RefusalReason.of(self.code)


@quick(frozen=True, slots=True)
class BatchAnswer:
    """One answer an item, in the order of the request: the order as it now is, or the refusal."""

    cancel: tuple[Order | Refusal, ...] = ()
    amend: tuple[Order | Refusal, ...] = ()
    place: tuple[Order | Refusal, ...] = ()


@quick(frozen=True, slots=True)
class Fill:
    """One execution. `fee` in USD, positive = paid, negative = rebate; `size` in base units, always positive."""

    fill_id: str
    order_id: str
    client_order_id: str | None
    market: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal
    liquidity: Liquidity
    time_ms: int
    liquidation: bool = False

    @property
    def signed_size(self) -> Decimal:
        """Change of the position in base units: a short of 2 gives -2."""
        return self.size * self.side.sign

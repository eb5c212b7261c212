"""What a strategy wants, what we own, and the difference between them. Pure values.

A `slot` names the place of an order within its run ("bid", "ask:2", "cell:7:bid"): at most one live order a slot.
Layer: model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pfmm.model.market import Instrument, Ticker
from pfmm.model.order import Side
from pfmm.model.quick import quick


class OwnStatus(StrEnum):
    """Life of an order that we sent, as far as we can prove it."""

    SENDING = "sending"  # intent committed, no answer yet
    OPEN = "open"
    UNKNOWN = "unknown"  # the request got no usable answer
    MISSING = "missing"  # left the venue's open list, its fill or cancel not yet seen
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def live(self) -> bool:
        """True while the order could still fill: it counts as exposure and blocks its slot."""
        return self in _LIVE


_LIVE = (OwnStatus.OPEN, OwnStatus.SENDING, OwnStatus.UNKNOWN, OwnStatus.MISSING)
_ZERO = Decimal(0)


@quick(frozen=True, slots=True)
class OwnOrder:
    """An order of ours as the journal knows it. While an amend is unacknowledged, `amend_price` and `amend_size`
    hold what was asked for; exposure counts the larger of both. A stop has a `trigger_price`."""

    client_order_id: str
    run_id: str
    market: str
    slot: str
    side: Side
    price: Decimal
    size: Decimal
    filled: Decimal
    status: OwnStatus
    reduce_only: bool
    created_ms: int
    updated_ms: int
    valid_until_ms: int | None = None
    order_id: str | None = None
    amend_price: Decimal | None = None
    amend_size: Decimal | None = None
    trigger_price: Decimal | None = None

    @property
    def remaining(self) -> Decimal:
        """The most that can still fill, base units: the larger of total and amended total, less what is filled."""
        total = self.size if self.amend_size is None else max(self.size, self.amend_size)
        return max(total - self.filled, _ZERO)


@quick(frozen=True, slots=True)
class DesiredOrder:
    """One order that a strategy wants to rest. `size` is what should REST (not the total), base units, already
    snapped to tick and lot."""

    slot: str
    side: Side
    price: Decimal
    size: Decimal
    reduce_only: bool = False
    post_only: bool = True
    trigger_price: Decimal | None = None


@quick(frozen=True, slots=True)
class MarketView:
    """Everything a strategy may look at when it decides: one market at one venue time.

    `inventory` is the run's own share, `net_position` the account's, both signed base units. `run_pnl_usd` is the
    run's realised + unrealised - fees + funding.
    """

    time_ms: int
    instrument: Instrument
    ticker: Ticker
    inventory: Decimal
    net_position: Decimal
    max_inventory_usd: Decimal
    run_pnl_usd: Decimal = Decimal(0)


@quick(frozen=True, slots=True)
class OwnFill:
    """A fill of one of our own orders with the slot it belongs to; `seq` is the journal's own running number."""

    seq: int
    slot: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal
    time_ms: int


@quick(frozen=True, slots=True)
class RoundTrip:
    """One completed in-and-out of a grid cell: profit = (exit - entry) * size - fees, USD, counted once."""

    slot: str
    size: Decimal
    entry_price: Decimal
    exit_price: Decimal
    gross: Decimal
    fees: Decimal
    time_ms: int


@quick(frozen=True, slots=True)
class Decision:
    """What a strategy wants now. `absent` says why a side or slot is not quoted; `notes` are shown to the user;
    `close` asks for the run's inventory to be closed with reduce-only IOC orders (breakout policy `flatten`);
    `explaining` makes `explain` from what the decision was made of: most decisions are never shown."""

    orders: tuple[DesiredOrder, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    close: bool = False
    explaining: Callable[[], Any] = field(default=dict, compare=False, repr=False)

    @property
    def explain(self) -> Any:
        """The decision explained, worked out at each asking: a frozen value of the strategy's own, or a mapping."""
        return self.explaining()


@quick(frozen=True, slots=True)
class Tolerance:
    """How wrong a resting order may be before it is touched: price in bps, size as a fraction of the desired
    size, and the youngest age in ms at which it may be amended (a safety re-quote ignores the age)."""

    price_bps: Decimal = Decimal(0)
    size_fraction: Decimal = Decimal(0)
    min_age_ms: int = 0


@quick(frozen=True, slots=True)
class Amendment:
    """Change `order` to `price` and TOTAL `size`, so that it becomes `desired`."""

    order: OwnOrder
    desired: DesiredOrder
    size: Decimal


@quick(frozen=True, slots=True)
class Held:
    """A desired order that is not acted on now, with the reason ("unknown order in the slot", "would cross own")."""

    slot: str
    reason: str


@quick(frozen=True, slots=True)
class Plan:
    """The difference between desired and resting orders of one run."""

    keep: tuple[OwnOrder, ...] = ()
    amend: tuple[Amendment, ...] = ()
    cancel: tuple[OwnOrder, ...] = ()
    place: tuple[DesiredOrder, ...] = ()
    held: tuple[Held, ...] = ()

    @property
    def changes(self) -> int:
        """How many order actions the plan sends."""
        return len(self.amend) + len(self.cancel) + len(self.place)

"""The lines of the NDJSON streams as types, an event each; for their JSON Schema. Layer: app.

Every line has `event` and `time` beside the fields of its type. Those of a loop have `market` and `strategy`, too, and
where `pfmm events` tells them, from the journal, `cursor` and `run`. Money and sizes are decimals in strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypedDict

from pfmm.app.answers import FeesUsed
from pfmm.app.book import BookResult
from pfmm.app.funding import FundingResult
from pfmm.app.inventory import InventoryResult
from pfmm.app.session_edge import SessionEdge
from pfmm.model.order import Side
from pfmm.runner.inbox import Action


class _Trade(TypedDict):
    side: Side
    price: Decimal
    size: Decimal


class _Named(_Trade):
    slot: str
    client_order_id: str


class _OfAnOrder(_Named, total=False):
    trigger_price: Decimal  # of a stop


class _Begun(TypedDict):
    venue: str
    account: str
    adopted_orders: int
    position: Decimal
    base: Decimal


class Started(_Begun, total=False):
    """A run has seen its first cycle; `fees` where they are known."""

    fees: FeesUsed


class HeldBack(TypedDict):
    """An order that is wanted and not sent, and why."""

    slot: str
    reason: str


class Cycle(TypedDict):
    """A run after a cycle; `inventory` is its own, `position` the account's."""

    mid: Decimal | None
    orders: int
    inventory: Decimal
    position: Decimal
    base: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    fees_effect: Decimal
    funding: Decimal
    fills: int
    round_trips: int
    equity: Decimal
    problem: str | None
    absent: Mapping[str, str]
    held: list[HeldBack]


class Placed(_OfAnOrder):
    """An order rests."""


class Amended(_OfAnOrder):
    """An order was moved, from a price."""

    from_price: Decimal


class Cancelled(_OfAnOrder, total=False):
    """An order rests no more; `by` and `reason` where the venue ended it by itself."""

    by: str
    reason: str | None


class Refused(_OfAnOrder):
    """An order that the venue did not take."""

    code: str
    reason: str


class Unknown(TypedDict):
    """An order without a usable answer."""

    slot: str
    client_order_id: str
    reason: str


class Filled(_Trade):
    """A fill; `fee` is positive where paid."""

    fill_id: str
    client_order_id: str | None
    slot: str | None
    fee: Decimal


class RoundTripped(TypedDict):
    """A buy and a sell of one slot; net = gross - fees."""

    slot: str
    size: Decimal
    entry_price: Decimal
    exit_price: Decimal
    gross: Decimal
    fees: Decimal
    net: Decimal


class Because(TypedDict):
    """What happened for a reason."""

    reason: str


class Resumed(TypedDict):
    """Quoting goes on, after a pause for a reason."""

    after: str


class Warned(Because, total=False):
    """Something that does not end the run."""

    code: str
    slot: str
    in_a_row: int
    acted: bool


class BaseChanged(_Trade):
    """A fill of no order of pfmm; `taken` is what it closed of this run, signed."""

    fee: Decimal
    fill_id: str
    order_id: str
    traded: str
    taken: Decimal


class FromOutside(BaseChanged):
    """The same, and why the run stops for it."""

    reason: str


class PositionAdopted(Because):
    """A run took a position over as it began; `size` is signed, `foreign` where no run ever held some of it."""

    size: Decimal
    price: Decimal
    foreign: bool


class FundingPaid(TypedDict):
    """A settled payment; `amount` is positive where received."""

    rate: Decimal
    price: Decimal
    position: Decimal
    amount: Decimal


class Watched(Because):
    """A watchdog acted for a run whose process was gone, or hung."""

    cancelled: int


class SlotStopped(TypedDict):
    """What a slot wants was refused too often and is sent no more."""

    slot: str
    code: str
    reason: str


class Commanded(TypedDict):
    """Somebody asked the run to do something."""

    command: Action
    by: str


class Stopping(Because):
    """The run ends; what is done with its orders."""

    policy: str


class RunLeftRow(TypedDict):
    """What a run leaves; `close` is the command that closes it."""

    market: str
    strategy: str
    run_id: str
    fills: int
    inventory: Decimal
    pnl: Decimal | None
    realized_pnl: Decimal
    unrealized_pnl: Decimal | None
    fees: Decimal
    fees_effect: Decimal
    funding: Decimal
    close: str | None


class Stopped(Because):
    """The run has ended."""

    cancelled: int
    orders_left: int
    fills: int
    pnl: Decimal | None
    inventory: Decimal | None
    left: list[RunLeftRow]


class _Dropped(TypedDict):
    dropped: int


class Gap(_Dropped, total=False):
    """Events that the reader missed. In a loop's own stream `cursor` is that of the last event before them."""

    cursor: int | None


class Counts(TypedDict):
    """What a recording holds so far."""

    quotes: int
    trades: int
    depths: int
    funding: int
    late: int
    gaps: int
    missed: int
    bytes: int


class RecordStarted(TypedDict):
    """A recording begins."""

    markets: list[str]
    out: str


class RecordWarned(TypedDict):
    """Something that does not end the recording."""

    message: str


class Rotated(TypedDict):
    """The file that is written from now on."""

    out: str


class RecordStopped(Counts):
    """A recording has ended."""

    reason: str
    out: str


class LookFailed(TypedDict):
    """A look of --watch that failed."""

    code: str
    reason: str


class Serving(TypedDict):
    """The exchange answers at this address."""

    url: str


OF_A_LOOP: Mapping[str, type] = {
    "started": Started,
    "cycle": Cycle,
    "placed": Placed,
    "amended": Amended,
    "cancelled": Cancelled,
    "refused": Refused,
    "unknown": Unknown,
    "fill": Filled,
    "round_trip": RoundTripped,
    "paused": Because,
    "resumed": Resumed,
    "warning": Warned,
    "halted": Because,
    "liquidated": FromOutside,
    "closed_outside": FromOutside,
    "base_changed": BaseChanged,
    "position_adopted": PositionAdopted,
    "funding": FundingPaid,
    "slot_stopped": SlotStopped,
    "watchdog": Watched,
    "command": Commanded,
    "stopping": Stopping,
    "stopped": Stopped,
    "gap": Gap,
}
OF_A_RECORDING: Mapping[str, type] = {
    "started": RecordStarted,
    "cycle": Counts,
    "warning": RecordWarned,
    "rotated": Rotated,
    "break_even": SessionEdge,
    "stopped": RecordStopped,
}
OF_WATCHING: Mapping[str, type] = {
    "funding": FundingResult,
    "inventory": InventoryResult,
    "book": BookResult,
    "warning": LookFailed,
}
OF_SERVING: Mapping[str, type] = {"serving": Serving}

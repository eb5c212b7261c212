"""The words of the emergency path: what is asked of it, what it answers, what it needs of the outside. Values only.

Layer: flatten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from pfmm.model.account import VenueTime
from pfmm.model.order import CancelOrder, Order

_ZERO = Decimal(0)
_BPS = Decimal(10_000)


class FlatState(StrEnum):
    """What could be proven. `reduced` and `cancelled` are the successes of --half and --cancel-only; a position that
    is too small to be halved is `residual`."""

    FLAT = "flat"
    REDUCED = "reduced"
    CANCELLED = "cancelled"
    RESIDUAL = "residual"
    UNKNOWN = "unknown"

    @property
    def done(self) -> bool:
        """True where what was asked for is done and proven."""
        return self in (FlatState.FLAT, FlatState.REDUCED, FlatState.CANCELLED)


@dataclass(frozen=True, slots=True)
class FlattenOrder:
    """What to do. `markets` None means the whole account. `half` closes half of each position as it is once nothing
    rests; `cancel_only` leaves positions alone. `max_slippage_bps` is how far from the best price of the moment an
    order may trade. The end must show in `proofs` snapshots, `between_proofs_s` apart."""

    markets: tuple[str, ...] | None
    half: bool = False
    cancel_only: bool = False
    max_slippage_bps: Decimal = Decimal(50)
    timeout_s: float = 30.0
    proofs: int = 1
    between_proofs_s: float = 3.0


@dataclass(frozen=True, slots=True)
class MarketResult:
    """One market: position before and after in base units, what was closed at which average price and slippage
    against the first mid that was seen, and why something is left. Only answered orders count as closed."""

    market: str
    before: Decimal
    after: Decimal | None
    closed_size: Decimal
    avg_price: Decimal | None
    slippage_bps: Decimal | None
    attempts: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class FlattenResult:
    """The verdict. `time_ms` is the venue time of the snapshot that it rests on, None when there was none, as is
    `exchange_id`, which of the paper exchanges it was; `cancelled` counts orders that were seen resting and rest no
    more."""

    state: FlatState
    time_ms: int | None
    cancelled: int
    orders_left: int | None
    markets: tuple[MarketResult, ...]
    reason: str | None
    exchange_id: str | None = None


class Others(Protocol):
    """Whoever else may send orders for the account: the runners that are being stopped meanwhile."""

    def press(self) -> None:
        """Go on with stopping them; called before every pass."""
        ...

    def silent_from_ms(self, now: VenueTime) -> int | None:
        """Return the venue time from which none of their requests can act any more; None while that is not known. `now`
        is the venue time of the newest snapshot."""
        ...


class Nobody:
    """Stand for no other runners: there is nothing to wait for."""

    def press(self) -> None:
        """Do nothing: there is nobody to press."""

    def silent_from_ms(self, now: VenueTime) -> int | None:  # noqa: ARG002 - the protocol's
        return 0


@dataclass(frozen=True, slots=True)
class Tools:
    """Bundle what the path needs from outside: a local clock, a way to wait, fresh client order ids, and whether
    somebody has asked to stop (None: nobody can). `known` tells of orders that may rest. It is asked only where the
    venue shows none, and must not raise."""

    monotonic_s: Callable[[], float]
    wait_s: Callable[[float], object]
    client_order_id: Callable[[], str]
    interrupted: Callable[[], bool] | None = None
    known: Callable[[], Sequence[CancelOrder]] = tuple


@dataclass(slots=True)
class MarketProgress:
    """What was seen and done for one market. `target` is the absolute size to come down to, None until it is set;
    `misses` counts attempts in a row that closed nothing, `refusals` those of them that were refused for good.
    No closing order leaves before venue time `not_before_ms`, and `unanswered` is the client order id of one whose
    fate is not known (both only where a position is halved). `step` is the market's lot, None until it is known.
    `post_only` is True while the venue takes post-only orders alone: an immediate one was tried last at `tried_s`
    (monotonic s), and the order `rest_id` was sent at `rested_s` to rest."""

    before: Decimal
    size: Decimal
    target: Decimal | None
    mid: Decimal | None = None
    attempts: int = 0
    closed: Decimal = _ZERO
    value: Decimal = _ZERO
    reason: str | None = None
    misses: int = 0
    refusals: int = 0
    not_before_ms: int = 0
    unanswered: str | None = None
    step: Decimal | None = None
    post_only: bool = False
    tried_s: float = 0.0
    rest_id: str | None = None
    rested_s: float = 0.0

    @property
    def excess(self) -> Decimal:
        """Base units still to be closed."""
        target = abs(self.size) / 2 if self.target is None else self.target
        return max(abs(self.size) - target, _ZERO)

    @property
    def closable(self) -> bool:
        """True while there is more than there should be that could be closed; a half's odd last lot could not."""
        if self.target == 0 or self.step is None:
            return self.excess > 0
        return self.excess >= self.step

    @property
    def vanished(self) -> bool:
        """True where the position is gone and the answers to our closing orders explain less: others closed it, an
        answer was lost, or the snapshot is wrong."""
        return not self.size and self.closed < abs(self.before)

    @property
    def undividable(self) -> bool:
        """True for a position of which half is less than one lot, so that halving closes nothing: 0.01 in lots of
        0.01."""
        return self.target is not None and self.step is not None and 0 < self.target < self.step and self.excess > 0

    def count(self, order: Order) -> None:
        """Take over what the venue says of a closing order."""
        self.refusals = 0
        self.misses = 0 if order.filled else self.misses + 1
        self.closed += order.filled
        self.value += order.filled * (order.avg_fill_price or order.price or _ZERO)
        short = f"only {order.filled:f} of {order.size:f} could be closed inside the slippage cap"
        self.reason = short if order.filled < order.size else None

    def result(self, market: str, *, known: bool, left: bool) -> MarketResult:
        """Return what to report: `known` when the newest position is, `left` when something is left that should not be.

        Slippage is the average price against the first mid in bps of mid, positive = worse: a long closed at 99.9
        with mid 100 gives 10.
        """
        average = self.value / self.closed if self.closed else None
        slippage = None
        if average is not None and self.mid:
            sign = 1 if self.before > 0 else -1
            slippage = ((self.mid - average) * sign / self.mid * _BPS).quantize(Decimal("0.01"))
        return MarketResult(
            market=market,
            before=self.before,
            after=self.size if known else None,
            closed_size=self.closed,
            avg_price=average,
            slippage_bps=slippage,
            attempts=self.attempts,
            reason=self.reason if left else None,
        )

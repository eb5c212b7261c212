"""What goes into a cycle: the runs with their limits, and the one look at the venue.

Values only; the engine is the sequence over them. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from decimal import Decimal
from typing import Any

from pfmm.engine.account_limits import NO_LIMITS, AccountLimits
from pfmm.model.account import Snapshot
from pfmm.model.order import Order
from pfmm.model.plan import OwnOrder, Tolerance
from pfmm.model.quick import quick
from pfmm.ports import Strategy

_ZERO = Decimal(0)


@quick(frozen=True, slots=True)
class Limits:
    """What binds a run: the account's net position in USD (open orders included), the loss that trips the kill
    switch (None = none), the age after which market data is stale, how wrong a resting order may be, and whether
    resting orders stay when data cannot be trusted."""

    max_inventory_usd: Decimal
    max_loss_usd: Decimal | None = None
    stale_after_ms: int = 15_000
    tolerance: Tolerance = field(default_factory=Tolerance)
    keep_on_bad_data: bool = False


def limit_beside(limit_usd: Decimal, base: Decimal, mark: Decimal) -> Decimal:
    """Return what a base leaves of the limit of a market's position, USD, on either side.

    500 with a base of -2 at 100 is 300. So the account's position keeps the limit, and nothing trades the base away.
    """
    return max(limit_usd - abs(base) * mark, _ZERO) if base else limit_usd


@quick(frozen=True, slots=True)
class RunSpec:
    """A strategy to run with its limits; `config` holds its settings by name, as the journal keeps them.

    `defaults` are their defaults: a run that is older than a setting had that. `free` names
    those that resting orders do not stand for: they may change while a run is open. `replaced` names settings whose
    place a newer one has taken: a run that was begun without the newer one had the older at its default. A run that
    begins takes over what ended runs left on its market; one that `adopts` also what no run ever held. `account` is
    what binds the account as a whole, the same for every run of a process.
    """

    strategy: Strategy[Any]
    config: Mapping[str, Any]
    limits: Limits
    defaults: Mapping[str, Any] = field(default_factory=dict)
    free: frozenset[str] = frozenset()
    replaced: Mapping[str, str] = field(default_factory=dict)
    adopts: bool = False
    account: AccountLimits = NO_LIMITS


class MarketSnapshot:
    """One snapshot with its parts by market, and what the journal holds beside it: read once for all runs."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.time = snapshot.time
        self.now_ms = snapshot.time.time_ms
        self.tickers = {ticker.market: ticker for ticker in snapshot.tickers}
        self.books = {book.market: book for book in snapshot.books}
        self._positions = {position.market: position.size for position in snapshot.positions}
        self.lag_ms = 0  # how far its time is behind where a steady clock of this machine has the venue's
        self.bases: dict[str, Decimal] = {}  # by market, what of the position no run holds
        self.orders: dict[str, list[Order]] = {}
        for order in snapshot.orders:
            self.orders.setdefault(order.market, []).append(order)

    def add_fills(self, changes: Mapping[str, Decimal]) -> None:
        """Count fills that are newer than the snapshot: what they changed, base units, by market."""
        for market, change in changes.items():
            self._positions[market] = self.net_position(market) + change

    def foreign_orders(self, market: str, live: Iterable[OwnOrder]) -> list[Order]:
        """Open orders matching no order in `live`: placed outside pfmm, or duplicated by the venue."""
        records = {order.client_order_id: order.order_id for order in live}
        return [
            order
            for order in self.orders.get(market, ())
            if records.get(order.client_order_id or "", "") not in (None, order.order_id)
        ]

    def net_position(self, market: str) -> Decimal:
        """Return the account's signed position, base units."""
        return self._positions.get(market, _ZERO)

    def base(self, market: str) -> Decimal:
        """Return the part of the position that no run of pfmm holds, signed base units: a hedge, or a trade by hand."""
        return self.bases.get(market, _ZERO)

    def run_position(self, market: str) -> Decimal:
        """Return what the runs of the account hold together, signed base units: 5 in all and a base of 2 is 3."""
        return self._positions.get(market, _ZERO) - self.bases.get(market, _ZERO)

"""The paper exchange: every operation of the API over one store and one feed. Knows no JSON and no HTTP.

Safe to call from several threads (one lock) and from several processes at once (the store).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pfmm.paper.feed import Feed, MarketSpec
from pfmm.paper.records import (
    AccountRecord,
    AmendRequest,
    BatchItem,
    BookRecord,
    CancelRequest,
    ClockState,
    DeadManRecord,
    FillPage,
    FundingPage,
    FundingRateRecord,
    OrderRecord,
    PlaceRequest,
    PositionRecord,
    StateRecord,
    TickerRecord,
    TradeRecord,
)

FeedFactory = Callable[[Mapping[str, Any]], Feed]


class Exchange:
    """All accounts of one store. Every operation raises ExchangeError (Busy when the store stays locked)."""

    @classmethod
    def open(cls, path: Path, feed_factory: FeedFactory, wall_ms: Callable[[], int]) -> Exchange:
        """Opens or creates the store at `path`; raises ConfigError for a corrupt file or a read-only folder."""
        raise NotImplementedError

    def close(self) -> None: ...

    def time(self) -> ClockState:
        raise NotImplementedError

    def advance_clock(self, to_ms: int) -> ClockState:
        """Moves a stepped clock (speed 0) forward; 409 not_stepped otherwise, 400 when it would go back."""
        raise NotImplementedError

    def specs(self) -> Sequence[MarketSpec]:
        raise NotImplementedError

    def spec(self, market: str) -> MarketSpec:
        raise NotImplementedError

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[TickerRecord, ...]:
        raise NotImplementedError

    def ticker(self, market: str) -> TickerRecord:
        raise NotImplementedError

    def depth(self, market: str, levels: int) -> BookRecord:
        raise NotImplementedError

    def trades(self, market: str, since_ms: int | None = None) -> tuple[TradeRecord, ...]:
        raise NotImplementedError

    def funding_rates(self, market: str, since_ms: int | None = None) -> tuple[FundingRateRecord, ...]:
        raise NotImplementedError

    def place(self, account: str, request: PlaceRequest) -> OrderRecord:
        raise NotImplementedError

    def amend(self, account: str, request: AmendRequest) -> OrderRecord:
        raise NotImplementedError

    def cancel(self, account: str, request: CancelRequest) -> OrderRecord:
        raise NotImplementedError

    def cancel_all(self, account: str, market: str | None = None) -> tuple[OrderRecord, ...]:
        raise NotImplementedError

    def batch(
        self,
        account: str,
        cancels: Sequence[CancelRequest],
        amends: Sequence[AmendRequest],
        places: Sequence[PlaceRequest],
    ) -> tuple[tuple[BatchItem, ...], tuple[BatchItem, ...], tuple[BatchItem, ...]]:
        """Cancels, then amends, then places, in one transaction; a refusal of one item stops no other."""
        raise NotImplementedError

    def order(self, account: str, *, order_id: str | None = None, client_order_id: str | None = None) -> OrderRecord:
        raise NotImplementedError

    def orders(self, account: str, *, status: str = "open", market: str | None = None) -> tuple[OrderRecord, ...]:
        """status open, or all (the newest 1000), oldest first."""
        raise NotImplementedError

    def account(self, account: str) -> AccountRecord:
        raise NotImplementedError

    def positions(self, account: str) -> tuple[PositionRecord, ...]:
        raise NotImplementedError

    def fills(self, account: str, *, since: int = 0, market: str | None = None, limit: int = 1000) -> FillPage:
        raise NotImplementedError

    def funding_payments(self, account: str, *, since: int = 0, limit: int = 1000) -> FundingPage:
        raise NotImplementedError

    def state(
        self, account: str, markets: Sequence[str], *, fills_since: int = 0, funding_since: int = 0, limit: int = 1000
    ) -> StateRecord:
        raise NotImplementedError

    def arm_dead_man(self, account: str, timeout_s: int) -> DeadManRecord:
        raise NotImplementedError

    def deposit(self, account: str, amount: Decimal) -> AccountRecord:
        raise NotImplementedError

    def feed_config(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def reset(self) -> None:
        """Drops every account, order and fill; ids and cursors go on above the old ones."""
        raise NotImplementedError

    def set_feed(self, config: Mapping[str, Any], *, reset: bool = False) -> None:
        """Switches markets; 409 feed_in_use with open orders or positions unless `reset`."""
        raise NotImplementedError

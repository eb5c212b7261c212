"""The seams: what the engine needs from a venue, a journal, a clock and a strategy. Protocols only, no adapter.

Layer: ports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:  # a command that only reads prices does not pay for defining the orders
    from pfmm.model.account import (
        Account,
        ActionsLeft,
        Cursors,
        FundingPayment,
        MarginMode,
        Position,
        Snapshot,
        VenueTime,
    )
    from pfmm.model.event import Event
    from pfmm.model.ledger import Adoption, OwnerBook
    from pfmm.model.market import Book, Candle, FundingRate, Instrument, Ticker, Trade
    from pfmm.model.order import Batch, BatchAnswer, Fill, Order
    from pfmm.model.plan import Decision, MarketView, OwnFill, OwnOrder, RoundTrip
    from pfmm.model.run import Absorbed, EquityReading, Intents, JournalFill, Run, RunSave


TRADES_PAGE = 1000  # prints that one answer of `Venue.trades` holds at most


class Amend(StrEnum):
    """How a resting order is changed. `in_place`: it keeps its ids, and its size is the TOTAL. `replace`: a new order
    with ids of its own takes its place, of the size that shall REST, and the old one may fill on the way, so that both
    count until the venue has answered. `none`: it is cancelled, and placed anew once that is seen."""

    IN_PLACE = "in_place"
    REPLACE = "replace"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Where venues differ; declared, so that nobody has to find out.

    `atomic_snapshot`: orders, fills and positions of a snapshot are of one moment. `dead_man`: the venue can have a
    switch that cancels by itself (whether it grants it to the account, only arming it tells). `post_only` and
    `request_expiry`: orders can be post-only, and requests refused when they arrive late. `batch_max`: items that one
    request carries. `client_ids`: orders can be asked for and cancelled by an id of ours. `trigger_orders`: an order
    can wait at the venue for the mark to reach a price. `past_mids`: the venue tells what its mid was.
    `dead_man_least_s` is above 0 where each feeding of the switch is an action that the venue counts: a shorter time
    costs more than it protects.
    """

    amend: Amend
    atomic_snapshot: bool = True
    dead_man: bool = True
    post_only: bool = True
    request_expiry: bool = True
    batch_max: int = 100
    client_ids: bool = True
    trigger_orders: bool = False
    past_mids: bool = False
    dead_man_least_s: int = 0


class Clock(Protocol):
    """Venue time and a way to wait in it."""

    def now_ms(self) -> int:
        """Return venue time in ms since 1970."""
        ...

    def synchronise(self, time: VenueTime) -> None:
        """Take over the venue's time from an answer that just arrived."""
        ...

    def wait_until(self, time_ms: int) -> bool:
        """Wait until the venue's clock shows `time_ms`; return False when a signal cut the wait short."""
        ...


class Venue(Protocol):
    """One account on one venue. Reads raise VenueUnreachable, AuthenticationError, VenueRefused, BadVenueData.

    Requests that act raise VenueUnreachable only when they certainly never left, VenueRefused when the venue said
    no to the whole of it, and OutcomeUnknown in every other case; they are never repeated here.
    """

    name: str
    account: str
    capabilities: Capabilities

    def time(self) -> VenueTime: ...

    def markets(self) -> tuple[Instrument, ...]: ...

    def tickers(self, markets: Sequence[str] | None = None) -> tuple[Ticker, ...]: ...

    def book(self, market: str, depth: int) -> Book: ...

    def trades(self, market: str, since_ms: int) -> Sequence[Trade]: ...

    def candles(self, market: str, since_ms: int) -> tuple[Candle, ...]:
        """Read one-minute candles since a venue time, oldest first; empty where the venue keeps none."""
        ...

    def past_mids(self, market: str, times: Sequence[int]) -> tuple[tuple[int, Decimal], ...]:
        """Answer the mids (USD) that were in force at past venue times, as (time, mid) in time order; times that the
        venue cannot tell of are left out."""
        ...

    def snapshot(self, markets: Sequence[str], cursors: Cursors) -> Snapshot: ...

    def tell_depth(self, levels: int) -> None:
        """Ask that the next snapshots hold so many levels a side of each market's book.

        This holds where that takes no further request.
        """
        ...

    def look_anew(self) -> None:
        """Read the next snapshot whole. An adapter may otherwise reuse orders and fills that it read a few seconds ago
        while nothing shows a change: good enough to quote on, but no proof."""
        ...

    def state(self, markets: Sequence[str]) -> Snapshot:
        """Read a snapshot without history (no fills, no funding payments): one request whatever the account's past.

        It has the tickers of those of `markets` that the venue lists.
        """
        ...

    def submit(self, batch: Batch) -> BatchAnswer: ...

    def order(self, client_order_id: str) -> Order | None:
        """Read the order with that client order id; None when the venue has never seen it."""
        ...

    def open_orders(self, market: str | None = None) -> tuple[Order, ...]: ...

    def positions(self) -> tuple[Position, ...]: ...

    def account_state(self) -> Account: ...

    def fills(self, since: str | None = None, market: str | None = None) -> tuple[Fill, ...]: ...

    def funding_rates(self, market: str, since_ms: int) -> tuple[FundingRate, ...]: ...

    def funding_payments(self, since: str | None = None) -> tuple[FundingPayment, ...]: ...

    def cancel_all(self, market: str | None = None) -> int:
        """Cancel every open order of the account (of one market); return how many the venue says it cancelled."""
        ...

    def arm_dead_man(self, timeout_s: int) -> None:
        """Arm the venue's dead-man switch, or disarm it with 0. Raises CannotDoThis where there is none."""
        ...

    def probe(self, markets: Sequence[str]) -> tuple[str, ...]:
        """Ask, before the first order, all that trading `markets` needs: the reads, the key, the account's mode.

        Returns what the user should know of it, a line each. Raises CannotDoThis naming what is missing, and
        AuthenticationError where the key is not one that may act for the account.
        """
        ...

    def margin_mode(self, market: str) -> MarginMode | None:
        """Read how the account's position of a market is margined; None where the venue does not tell."""
        ...

    def actions_left(self) -> ActionsLeft | None:
        """Return what is left of the order actions that the venue grants the account; None where it counts none."""
        ...

    def budget_text(self) -> str:
        """Say for a screen what requests may still be sent."""
        ...

    def budget_low(self) -> bool:
        """Tell whether little is left of what the venue allows."""
        ...

    def close(self) -> None: ...


class Journal(Protocol):
    """The account's memory, shared by every process on it: ownership, intents, fills, runs. See pfmm.journal."""

    @property
    def nonce(self) -> str: ...

    def start_run(
        self,
        kind: str,
        market: str,
        config: Mapping[str, Any],
        *,
        time_ms: int,
        wall_ms: int,
        pid: int | None,
        adopts: Adoption | None = None,
    ) -> Run: ...

    def open_run(self, kind: str, market: str) -> Run | None: ...

    def runs(
        self, *, kind: str | None = None, market: str | None = None, ended: bool | None = None
    ) -> tuple[Run, ...]: ...

    def save_run(self, run_id: str, save: RunSave) -> None: ...

    def end_run(self, run_id: str, *, status: str, reason: str, time_ms: int) -> None: ...

    def recognise(self, exchange_id: str) -> None:
        """Remember the paper exchange at the first contact. Raises OtherExchange when another one answers later."""
        ...

    def cursors(self) -> Cursors: ...

    def together(self) -> AbstractContextManager[None]:
        """Commit everything recorded in the block as one transaction."""
        ...

    def absorb(self, *, fills: Sequence[Fill], funding: Sequence[FundingPayment], cursors: Cursors) -> Absorbed: ...

    def fills(
        self,
        *,
        run_id: str | None = None,
        market: str | None = None,
        after_seq: int = 0,
        since_ms: int | None = None,
    ) -> Iterator[JournalFill]: ...

    def newest_fill(self) -> int:
        """Return the running number of the newest fill; 0 before the first."""
        ...

    def book(self, market: str, owner: str) -> OwnerBook:
        """Return what a run, UNATTRIBUTED or the ACCOUNT holds and earned on a market, up to the newest fill."""
        ...

    def beside_runs(self, market: str) -> Decimal:
        """Return the part of the market's position that no open run holds, signed base units.

        Other hands traded it, or ended runs left it; the position is as the journal's fills make it.
        """
        ...

    def left_by_ended(self, market: str) -> Decimal:
        """Return what ended runs left open on a market, signed base units."""
        ...

    def filled(self, markets: Iterable[str]) -> tuple[int, dict[str, Decimal]]:
        """Return the number of the newest fill, and the position of each market as the fills up to it make it.

        It is in signed base units, without what was held before the first of them, adopted by a run or not.
        """
        ...

    def claims_of(self, seq: int) -> Sequence[JournalFill]:
        """Return what the fill of that number, of no run, closed of each run's position, in parts with the run's id."""
        ...

    def unjudged(self, limit: int, *, since_ms: int, closed: bool) -> Sequence[JournalFill]:
        """Return at most `limit` of the fills from a time on that no minute row has taken in, oldest first.

        They are only those whose minutes are closed, or all.
        """
        ...

    def record_fill_mids(self, fills: Sequence[JournalFill], rows: Sequence[tuple[str, int, Decimal]]) -> None:
        """Record mids as `record_mids` does, and link them to earlier fills."""
        ...

    def close_minutes(self, slices: int | None = None) -> None:
        """Write the minute rows whose last mids are known, in at most so many short transactions."""
        ...

    def record_events(self, events: Sequence[Event], run_ids: Mapping[tuple[str, str], str]) -> None:
        """Keep what happened; fills are kept as they are absorbed."""
        ...

    def live_orders(self, *, run_id: str | None = None, market: str | None = None) -> tuple[OwnOrder, ...]: ...

    def order(self, client_order_id: str) -> OwnOrder | None: ...

    def commit_intents(self, decide: Callable[[tuple[OwnOrder, ...], int], Intents], *, time_ms: int) -> Intents: ...

    def update_orders(self, updates: Sequence[OwnOrder], *, time_ms: int) -> None: ...

    def record_mids(self, rows: Sequence[tuple[str, int, Decimal]]) -> None: ...

    def limit_peak(self) -> Decimal | None:
        """Return the highest equity that the account's limits count from, USD.

        It is restated to the money in the account now.
        """
        ...

    def equity_from(self, time_ms: int) -> EquityReading | None:
        """Return the equity that a day from `time_ms` on began with, as far as the account's limits count it."""
        ...

    def record_equity(self, time_ms: int, equity: Decimal, deposits: Decimal | None) -> None: ...


State = TypeVar("State")


class Strategy(Protocol[State]):
    """A pure function from state to desired orders, with the fold that carries its state over fills.

    `dump` and `load` are inverse and JSON-ready; a state survives restarts and `--once` through them.
    """

    @property
    def kind(self) -> str: ...

    @property
    def market(self) -> str: ...

    def initial(self, view: MarketView) -> State: ...

    def on_fill(self, state: State, fill: OwnFill) -> tuple[State, tuple[RoundTrip, ...]]: ...

    def decide(self, state: State, view: MarketView) -> tuple[State, Decision]: ...

    def dump(self, state: State) -> Mapping[str, Any]: ...

    def load(self, raw: Mapping[str, Any]) -> State: ...

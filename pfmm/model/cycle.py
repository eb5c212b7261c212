"""What comes out of a cycle, for whoever shows or records it: reports of the runs, and the event. Layer: model."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pfmm.model.account import Account, VenueTime
from pfmm.model.event import Event
from pfmm.model.ledger import LedgerState
from pfmm.model.market import Book, Ticker
from pfmm.model.plan import Decision, DesiredOrder, OwnOrder, Plan
from pfmm.model.quick import quick

NOTHING_TAKEN = "nothing of this run is taken any more"  # why a run ends whose every slot has stopped


@quick(frozen=True, slots=True)
class RunReport:
    """One run after a cycle: what it wants, what rests, what it earned. `close` is the order, beside the plan, that
    closes the run's inventory; `ratio` is that inventory over the limit, clamped to -1…1. `position` is the account's
    on the market, and `base` what of it no run holds. `problem` says why the run does not quote, `tripped` why it must
    stop and halt the account, `ended_by` the same where hands outside brought it, and `refused` why the venue takes
    nothing of it any more. `book` is the market's depth where the venue told it in the same read."""

    market: str
    strategy: str
    run_id: str | None
    ticker: Ticker | None
    decision: Decision | None
    plan: Plan
    close: DesiredOrder | None
    orders: tuple[OwnOrder, ...]
    ledger: LedgerState
    unrealized: Decimal
    ratio: float
    fills: int
    round_trips: int
    problem: str | None
    tripped: str | None
    position: Decimal = Decimal(0)
    base: Decimal = Decimal(0)
    ended_by: str | None = None
    refused: str | None = None
    book: Book | None = None
    no_new_risk: str | None = None

    @property
    def total(self) -> Decimal:
        """What the run earned, USD: realised + unrealised - fees + funding; 4 + 1 - 0.5 + 0.25 = 4.75."""
        return self.ledger.realized + self.unrealized - self.ledger.fees + self.ledger.funding


@quick(frozen=True, slots=True)
class CycleReport:
    """Everything that one cycle saw and did. `fresh` is True when every market's data could be trusted."""

    time: VenueTime
    account: Account
    runs: tuple[RunReport, ...]
    events: tuple[Event, ...]
    fresh: bool


@dataclass(frozen=True, slots=True)
class CycleEvent(Event):
    """A finished cycle, for whoever shows it: the whole report, and in `data` what is known beside it (texts)."""

    report: CycleReport | None = None

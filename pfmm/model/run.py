"""What the journal hands out and takes in, as frozen values. Layer: model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import Any, NamedTuple

from pfmm.model.account import FundingPayment
from pfmm.model.order import Fill
from pfmm.model.plan import OwnOrder
from pfmm.model.quick import quick


@quick(frozen=True, slots=True)
class Run:
    """One run of a strategy on a market, over all the processes that carry it on.

    `status` is running, between_runs, stopped or halted. Times without `wall_` are venue time in ms. `memory` is
    the strategy's dumped state after the fold of every fill up to the journal's number `folded_through`.
    """

    run_id: str
    number: int
    kind: str
    market: str
    config: Mapping[str, Any]
    status: str
    started_ms: int
    wall_started_ms: int
    last_cycle_ms: int | None
    wall_last_cycle_ms: int | None
    pid: int | None
    memory: Mapping[str, Any] | None
    folded_through: int
    stop_reason: str | None
    ended_ms: int | None
    last_mid: Decimal | None = None


@quick(frozen=True, slots=True)
class RunSave:
    """What a process saves of a run after a cycle: the strategy's memory with the number of the fill that it is folded
    through, and what it saw last. `last_mid` None leaves the one that is stored."""

    status: str
    memory: Mapping[str, Any] | None
    folded_through: int
    time_ms: int
    wall_ms: int
    pid: int | None
    last_mid: Decimal | None = None


@quick(frozen=True, slots=True)
class JournalFill:
    """A fill with its running number and the run and slot that it belongs to (None: not an order of ours).

    `mid_before` is the last mid, USD, that was recorded strictly before the fill's time, and `mid_age_ms` how much
    before: at or after it the fill's own cause may have moved it. None where no mid was known."""

    seq: int
    run_id: str | None
    slot: str | None
    fill: Fill
    mid_before: Decimal | None = None
    mid_age_ms: int | None = None


@quick(frozen=True, slots=True)
class RunLeft:
    """What a run leaves as its process ends, of its own book alone: inventory in base units, amounts in USD.

    `unrealized_pnl` is at the last mark that was seen, None where none was."""

    market: str
    strategy: str
    run_id: str
    fills: int
    inventory: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal | None
    fees: Decimal
    funding: Decimal

    @property
    def pnl(self) -> Decimal | None:
        """realised + unrealised - fees + funding; None where inventory could not be valued."""
        if self.unrealized_pnl is None:
            return None
        return self.realized_pnl + self.unrealized_pnl - self.fees + self.funding

    @property
    def close(self) -> str | None:
        """The command that closes what is left; None where nothing is."""
        return f"pfmm flatten {self.market}" if self.inventory else None


class EquityReading(NamedTuple):
    """The account's equity as the venue told it at a venue time in ms, and what had been deposited by then, less what
    had been withdrawn; USD. `deposits` is None where the venue did not tell."""

    time_ms: int
    equity: Decimal
    deposits: Decimal | None


@quick(frozen=True, slots=True)
class Absorbed:
    """What was new in a read of the venue; repetitions are left out."""

    fills: tuple[JournalFill, ...]
    funding: tuple[FundingPayment, ...]


@quick(frozen=True, slots=True)
class Intents:
    """What is about to be asked of the venue: orders to place (status SENDING), known orders with `amend_price`,
    `amend_size` and `valid_until_ms` set, and client order ids to cancel. `replaced` has, by the id of an order to
    place, the known order whose place it takes, where the venue replaces orders."""

    place: tuple[OwnOrder, ...] = ()
    amend: tuple[OwnOrder, ...] = ()
    cancel: tuple[str, ...] = ()
    replaced: Mapping[str, OwnOrder] = field(default_factory=dict)

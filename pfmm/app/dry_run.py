"""Show what a start would change now, and send nothing. Layer: app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pfmm.app.once import HeldOrder
from pfmm.app.starting import Start
from pfmm.errors import ChangesPending
from pfmm.model.encoding import ABSENT
from pfmm.model.text import iso

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.app.starting import StartRequest, Tell
    from pfmm.model.cycle import RunReport
    from pfmm.model.order import Side
    from pfmm.model.plan import OwnOrder


@dataclass(frozen=True, slots=True)
class Action:
    """One order and what would become of it: place, amend, cancel or keep. Sizes are what would rest, base units; the
    last two fields are what rests now, of an order that would be amended, and ABSENT else."""

    action: str
    slot: str
    side: Side
    price: Decimal
    size: Decimal
    from_price: Decimal = ABSENT
    from_size: Decimal = ABSENT


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One market: every order, and why others are not wanted or are held back. `settings_differ` names each setting on
    which an open run and this start disagree: then its orders are cancelled first, as --on-restart cancel would."""

    market: str
    mid: Decimal | None
    problem: str | None
    actions: tuple[Action, ...]
    held: tuple[HeldOrder, ...]
    absent: Mapping[str, str]
    settings_differ: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """The difference between what rests and what should; `changes` counts the orders that would not be kept."""

    venue: str
    account: str
    time: str
    strategy: str
    changes: int
    runs: tuple[PlannedRun, ...]


def dry_run(request: StartRequest, *, session: Session, tell: Tell, pending_fails: bool = False) -> DryRunResult:
    """Run one cycle that sends nothing, also against a run that is running or was begun with other settings.

    With `pending_fails` raises ChangesPending (12), with the result in it, where anything would change.
    """
    begun = Start(request, session, tell, trades=False)
    begun.engine.adopt(pass_over=True)
    report = begun.engine.cycle(send=False)
    runs = tuple(_afresh(_planned(run), begun) for run in report.runs)
    changes = sum(action.action != "keep" for run in runs for action in run.actions)
    time = iso(report.time.time_ms)
    result = DryRunResult(session.venue_name, session.account, time, begun.kind, changes, runs)
    if pending_fails and changes:
        raise ChangesPending(f"{changes} order actions are pending").with_result(result)
    return result


def _afresh(planned: PlannedRun, begun: Start) -> PlannedRun:
    """Put before the plan the cancels of a resting run of other settings, which a start would end first."""
    if planned.market not in begun.engine.passed_over:
        return planned
    run, differences = begun.engine.passed_over[planned.market]
    begun_orders = begun.session.journal.live_orders(run_id=run.run_id)
    ended = [_resting("cancel", order) for order in begun_orders if order.remaining]  # a filled one rests no more
    return replace(planned, actions=(*ended, *planned.actions), settings_differ=differences)


def _planned(run: RunReport) -> PlannedRun:
    plan = run.plan
    placed = (*plan.place, *(() if run.close is None else (run.close,)))
    actions = (
        *(_resting("cancel", order) for order in plan.cancel),
        *(
            Action(
                "amend", one.desired.slot, one.desired.side, one.desired.price, one.size, one.order.price,
                one.order.size,
            )
            for one in plan.amend
        ),
        *(Action("place", want.slot, want.side, want.price, want.size) for want in placed),
        *(_resting("keep", order) for order in plan.keep),
    )  # fmt: skip
    return PlannedRun(
        market=run.market,
        mid=run.ticker.mid if run.ticker is not None else None,
        problem=run.problem,
        actions=actions,
        held=tuple(HeldOrder(held.slot, held.reason) for held in plan.held),
        absent=dict(run.decision.absent) if run.decision is not None else {},
    )


def _resting(action: str, order: OwnOrder) -> Action:
    return Action(action, order.slot, order.side, order.price, order.remaining)

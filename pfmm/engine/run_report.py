"""What one cycle tells of one run. Pure. Layer: engine."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pfmm.accounting.ledger import mark
from pfmm.engine.report import MarketSnapshot
from pfmm.engine.strategy_run import Step
from pfmm.model.cycle import RunReport
from pfmm.model.plan import OwnOrder


def report_of(step: Step, seen: MarketSnapshot, live: Sequence[OwnOrder]) -> RunReport:
    """Gather what there is to tell; `live` are the run's orders that can still fill, none before it has begun."""
    active = step.active
    ticker = seen.tickers.get(active.market)
    return RunReport(
        market=active.market,
        strategy=active.kind,
        run_id=active.run_id,
        ticker=ticker,
        decision=step.decision,
        plan=step.plan,
        close=step.close,
        orders=tuple(live),
        ledger=active.ledger,
        unrealized=mark(active.ledger, ticker.mark) if ticker is not None else Decimal(0),
        ratio=active.ratio(seen),
        fills=active.fills,
        round_trips=active.round_trips,
        problem=active.problem,
        tripped=step.tripped,
        position=seen.net_position(active.market),
        base=seen.base(active.market),
        ended_by=active.ended_by,
        refused=_all_refused(step, live),
        book=seen.books.get(active.market),
        no_new_risk=active.no_new_risk,
    )


def _all_refused(step: Step, live: Sequence[OwnOrder]) -> str | None:
    """Say why nothing of a run rests, where every order that it wants was refused until its slot stopped; else None."""
    active, decision = step.active, step.decision
    if decision is None or decision.close or live or active.sendable(decision).orders:
        return None
    return next((one.words for one in active.refused.values() if one.stopped), None)

"""What `start --once` answers: what one cycle did and what rests now, market by market. Decides and sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pfmm.cli.output import folded, iso
from pfmm.engine.submit import POST_ONLY_REFUSED
from pfmm.errors import PfmmError, RiskRefused, VenueRefused, VenueUnreachable

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.engine.report import CycleReport, RunReport
    from pfmm.model.event import Event


def never_acted(events: Sequence[Event]) -> PfmmError | None:
    """The failure of a request that as a whole did not act; a single order that is refused is none."""
    told = next((event.data for event in events if event.data.get("acted") is False), None)
    if told is None:
        return None
    kind = VenueUnreachable if told["code"] == VenueUnreachable.code else VenueRefused
    failure = kind(f"nothing was placed, amended or cancelled: {told['reason']}", hint="the next run tries again")
    failure.code = told["code"]
    return failure


def nothing_done(report: CycleReport) -> PfmmError | None:
    """The failure of the first market where every order that was wanted was refused: VenueRefused (6) where the venue
    did, RiskRefused (7) where our own limits held every one and none rests. An order that rests as wanted is success.
    """
    for run in report.runs:
        own = [event for event in report.events if (event.market, event.strategy) == (run.market, run.strategy)]
        sent = len(run.plan.place) + len(run.plan.amend) + (run.close is not None)
        acted = any(event.name in ("placed", "amended") for event in own)
        reasons = [event.data["reason"] for event in own if event.name == "refused"]
        if sent and reasons and not acted and not run.plan.keep:
            return VenueRefused(
                f"{run.market}: the venue refused every order that the {run.strategy} wanted: {reasons[-1]}",
                hint="the next run tries again; a smaller size needs less margin",
            )
        if run.plan.held and not sent and not run.orders:
            return RiskRefused(
                f"{run.market}: every order that the {run.strategy} wanted is held: {run.plan.held[0].reason}",
                hint="take a smaller size, or raise --max-inventory",
            )
    return None


def refusals(events: Sequence[Event]) -> tuple[str, ...]:
    """A warning for each reason for which a market's orders were refused. A post-only order that would have crossed is
    none: the next cycle prices it anew."""
    found: dict[tuple[str, str], list[str]] = {}
    for event in events:
        if event.name == "refused" and event.data["code"] != POST_ONLY_REFUSED:
            found.setdefault((event.market or "", event.data["code"]), []).append(event.data["reason"])
    return tuple(
        f"{market}: {len(reasons)} of its order actions refused: {reasons[0]}" for (market, _), reasons in found.items()
    )


def once_data(session: Session, kind: str, report: CycleReport, adopted: int) -> dict[str, Any]:
    """The `data` of `start --once`: what was done and what rests now, market by market."""
    return {
        "venue": session.venue_name,
        "account": session.account,
        "time": iso(report.time.time_ms),
        "strategy": kind,
        "adopted_orders": adopted,
        "runs": [_once_row(run, report.events) for run in report.runs],
        "events": [_event_row(event) for event in report.events],
    }


def _once_row(run: RunReport, events: Sequence[Event]) -> dict[str, Any]:
    """`placed`, `amended` and `cancelled` count what the venue has acknowledged, not what was wanted."""
    done = [event.name for event in events if (event.market, event.strategy) == (run.market, run.strategy)]
    return {
        "market": run.market,
        "strategy": run.strategy,
        "problem": run.problem,
        "resting": len(run.orders),
        "kept": len(run.plan.keep),
        "placed": done.count("placed"),
        "amended": done.count("amended"),
        "cancelled": done.count("cancelled"),
        "held": [{"slot": held.slot, "reason": held.reason} for held in run.plan.held],
        "absent": dict(run.decision.absent) if run.decision is not None else {},
        "inventory": run.ledger.size,
        "fills": run.fills,
        "round_trips": run.round_trips,
    }


def _event_row(event: Event) -> dict[str, Any]:
    return {
        "event": event.name,
        "time": iso(event.time_ms),
        "market": event.market,
        "strategy": event.strategy,
        **event.data,
    }


def once_text(data: dict[str, Any]) -> str:
    """One line a market, for people and for cron mails."""
    lines = []
    for run in data["runs"]:
        state = run["problem"] or (
            f"{run['resting']} resting ({run['placed']} placed, {run['amended']} amended, "
            f"{run['cancelled']} cancelled), inventory {run['inventory']:f}, {run['fills']} fills, "
            f"{run['round_trips']} round trips"
        )
        lines.append(f"{run['market']} {run['strategy']}: {state}")
        lines += [f"  no {slots}: {reason}" for slots, reason in folded(run["absent"])]
    return "\n".join(lines)

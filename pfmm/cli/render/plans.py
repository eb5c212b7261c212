"""The preview of a start: the difference between the orders that rest and those that should. Rendering only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pfmm.cli.output import folded, iso, table

if TYPE_CHECKING:
    from pfmm.app.session import Session
    from pfmm.engine.report import CycleReport, RunReport


def plan_data(session: Session, kind: str, report: CycleReport) -> dict[str, Any]:
    """The `data` of `start --dry-run`: every action with its slot, and how many of them change something."""
    runs = [_run(run) for run in report.runs]
    changes = sum(action["action"] != "keep" for run in runs for action in run["actions"])
    return {
        "venue": session.venue_name,
        "account": session.account,
        "time": iso(report.time.time_ms),
        "strategy": kind,
        "changes": changes,
        "runs": runs,
    }


def _run(run: RunReport) -> dict[str, Any]:
    plan = run.plan
    actions = [
        *({"action": "cancel", **_resting(order)} for order in plan.cancel),
        *(
            {
                "action": "amend",
                "slot": amend.desired.slot,
                "side": amend.desired.side,
                "price": amend.desired.price,
                "size": amend.size,
                "from_price": amend.order.price,
                "from_size": amend.order.size,
            }
            for amend in plan.amend
        ),
        *(
            {"action": "place", "slot": want.slot, "side": want.side, "price": want.price, "size": want.size}
            for want in (*plan.place, *(() if run.close is None else (run.close,)))
        ),
        *({"action": "keep", **_resting(order)} for order in plan.keep),
    ]
    return {
        "market": run.market,
        "mid": run.ticker.mid if run.ticker is not None else None,
        "problem": run.problem,
        "actions": actions,
        "held": [{"slot": held.slot, "reason": held.reason} for held in plan.held],
        "absent": dict(run.decision.absent) if run.decision is not None else {},
    }


def _resting(order: Any) -> dict[str, Any]:
    return {"slot": order.slot, "side": order.side, "price": order.price, "size": order.remaining}


_SIGNS = {"place": "+", "cancel": "-", "amend": "~", "keep": " "}


def plan_text(data: dict[str, Any]) -> str:
    """The plan as a diff: `+` places, `-` cancels, `~` amends; what stays is counted."""
    lines: list[str] = []
    for run in data["runs"]:
        lines.append(f"{run['market']}  mid {run['mid']}" + (f"  {run['problem']}" if run["problem"] else ""))
        changes = [action for action in run["actions"] if action["action"] != "keep"]
        rows = [
            (
                _SIGNS[a["action"]],
                a["slot"],
                str(a["side"]),
                f"{a['price']:f}",
                f"{a['size']:f}",
                f"from {a['from_price']:f} x {a['from_size']:f}" if a["action"] == "amend" else "",
            )
            for a in changes
        ]
        if rows:
            lines.append(table(("", "slot", "side", "price", "size", ""), rows, right=(3, 4)))
        kept = len(run["actions"]) - len(changes)
        lines += [f"held    {held['slot']}: {held['reason']}" for held in run["held"]]
        lines += [f"absent  {slots}: {reason}" for slots, reason in folded(run["absent"])]
        lines.append(f"{len(changes)} to change, {kept} kept. Nothing was sent.")
    return "\n".join(lines)

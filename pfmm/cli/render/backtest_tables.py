"""A backtest's answer: `data` for scripts and the same as text for people. Knows results; runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pfmm.cli.output import plain, table
from pfmm.report.figures import pnl_json, report_json

if TYPE_CHECKING:
    from pfmm.backtest.results import Scenario
    from pfmm.cli.backtest_setup import Job

ASSUMPTION = (
    "candles: what happened inside a bar is not known; both ways through it are run, low first and high first, and "
    "the worse one is shown"
)
MARKS_SHOWN = 2_000
HELD_SHOWN = 4  # reasons of a run that ordered nothing
WORLDS = "pessimistic and optimistic are whole runs of two queue models, not bounds"


def worst(scenarios: Sequence[Scenario], queue: str) -> Scenario:
    """Of the runs with that queue model, the one that earned least."""
    return min((one for one in scenarios if one.queue == queue), key=lambda one: one.report.pnl.total)


def run_data(job: Job, scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """The `data` of `backtest run`: the report of the first queue model, then the scenarios side by side."""
    queues = tuple(dict.fromkeys(one.queue for one in scenarios))
    first = worst(scenarios, queues[0])
    report, outcome = first.report, first.outcome
    wall_s = sum(one.outcome.wall_s for one in scenarios)
    events = sum(one.outcome.events for one in scenarios)
    return {
        "market": job.market,
        "strategy": job.kind,
        "settings": dict(job.overrides),
        **report_json(report),
        "events": outcome.events,
        "events_per_second": round(events / wall_s) if wall_s else None,
        "wall_s": round(wall_s, 4),
        "decisions": outcome.decisions,
        "requests": outcome.requests,
        "latency_ms": job.latency_ms,
        "scenarios": {queue: _scenario_data(scenarios, queue) for queue in queues},
    }


def _scenario_data(scenarios: Sequence[Scenario], queue: str) -> dict[str, Any]:
    shown = _one(worst(scenarios, queue))
    paths = {one.world: _one(one) for one in scenarios if one.queue == queue}
    return shown if len(paths) == 1 else {**shown, "paths": paths}


def _one(run: Scenario) -> dict[str, Any]:
    outcome = run.outcome
    return {
        "fills": len(outcome.fills),
        "pnl": run.report.pnl.total,
        "attribution": pnl_json(run.report.pnl),
        "drawdown_usd": run.drawdown_usd,
        "position": outcome.position,
        "orders": len(outcome.orders),
        "round_trips": outcome.round_trips,
        "requests": outcome.requests,
        "stopped": outcome.stopped,
    }


def page_of(job: Job, scenarios: Sequence[Scenario]) -> str:
    """The report's page for the first queue model. Raises ConfigError naming the extra without its library."""
    from pfmm.report.html import Mark, page

    run = worst(scenarios, scenarios[0].queue)
    fills = [item.fill for item in run.outcome.fills]
    stride = max(1, -(-len(fills) // MARKS_SHOWN))
    marks = [Mark(f.time_ms, f.market, f.side.value, float(f.price), float(f.size)) for f in fills[::stride]]
    heading = f"backtest of {job.kind} on {job.market}, {run.queue} ({run.world})"
    return page(run.report, marks, heading=heading)


def warnings_of(scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    """What a reader must know beside the figures."""
    found = [ASSUMPTION] if any(one.world != "recorded" for one in scenarios) else []
    settlements, missing = max((one.settlements, one.without_rate) for one in scenarios)
    if missing:
        found.append(f"funding: {missing} of {settlements} settlements have no rate in the data and count as 0")
    found += dict.fromkeys(note for one in scenarios for note in one.notes)
    stopped = {one.outcome.stopped for one in scenarios if one.outcome.stopped is not None}
    found += [f"a run stopped early: {reason}" for reason in sorted(stopped)]
    refused = refusals_of(scenarios)
    found += [f"{count} order actions were refused: {reason}" for reason, count in refused]
    idle = [one.outcome.held_back for one in scenarios if not one.outcome.orders]
    if idle:
        found.append(f"no order was placed: {'; '.join(idle[0][:HELD_SHOWN]) or 'the strategy wanted none'}")
    return tuple(found)


def refusals_of(scenarios: Sequence[Scenario]) -> list[tuple[str, int]]:
    """The refusals of the run that had most of each reason."""
    most: dict[str, int] = {}
    for one in scenarios:
        for reason, count in one.outcome.refused:
            most[reason] = max(most.get(reason, 0), count)
    return sorted(most.items())


def run_text(job: Job, scenarios: Sequence[Scenario]) -> str:
    """The answer for a terminal: the scenarios side by side, then the figures of the first."""
    data = run_data(job, scenarios)
    first = worst(scenarios, scenarios[0].queue)
    runs = [(one.queue if one.world == "recorded" else f"{one.queue}, {one.world}", one) for one in scenarios]
    rows = [
        ("fills", *(str(len(one.outcome.fills)) for _, one in runs)),
        ("round trips", *(str(one.outcome.round_trips) for _, one in runs)),
        ("P&L", *(_usd(one.report.pnl.total) for _, one in runs)),
        ("  spread capture", *(_usd(one.report.pnl.spread_capture) for _, one in runs)),
        ("  adverse selection", *(_usd(one.report.pnl.adverse_selection) for _, one in runs)),
        ("  inventory", *(_usd(one.report.pnl.inventory) for _, one in runs)),
        ("  fees", *(_usd(-one.report.pnl.fees) for _, one in runs)),
        ("  funding", *(_usd(one.report.pnl.funding) for _, one in runs)),
        ("deepest drawdown", *(_usd(-one.drawdown_usd) for _, one in runs)),
        ("position at the end", *(plain(one.outcome.position) for _, one in runs)),
        ("orders placed", *(str(len(one.outcome.orders)) for _, one in runs)),
        ("requests sent", *(str(one.outcome.requests) for _, one in runs)),
    ]
    metrics = [
        (m.name, "n/a" if m.value is None else f"{m.value:.3f}", m.unit, m.target, m.verdict, str(m.n))
        for m in first.report.metrics
    ]
    period = data["period"]
    rate = data["events_per_second"]
    head = f"{job.kind} on {job.market}, {period['start']} to {period['end']}, latency {job.latency_ms} ms each way"
    speed = f"{data['events']} events, {data['decisions']} decisions; {rate:,} events/s" if rate else ""
    return "\n".join(
        [
            head,
            "",
            table(("USD", *(label for label, _ in runs)), rows, right=range(1, len(runs) + 1)),
            "",
            table(("metric", "value", "unit", "target", "verdict", "n"), metrics, right=(1, 5)),
            "",
            speed,
            WORLDS,
        ]
    )


def _usd(amount: Decimal) -> str:
    return f"{amount:+.4f}"

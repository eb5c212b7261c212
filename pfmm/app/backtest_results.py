"""Run a strategy over recorded data, and what its scenarios say side by side. Layer: app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pfmm.model.collecting import no_collecting
from pfmm.model.quick import quick
from pfmm.report.figures import edge_json, pnl_json, report_json
from pfmm.report.text import WIDTH, edge_block, metrics_block
from pfmm.report.wording import CAPTION, PNL_PARTS, bps_words, gross_words, pnl_words

if TYPE_CHECKING:
    from pfmm.app.backtest_jobs import Job, Walk
    from pfmm.backtest.results import Scenario
    from pfmm.tape.sources import Watcher

NOT_KNOWN = (
    "candles: what happened inside a bar is not known: an order fills at most once a bar, where the price passed it; "
    "capture, adverse selection, markouts and edge are n/a, and there is no queue to model"
)
MARKS_SHOWN = 2_000
HELD_SHOWN = 4  # reasons of a run that ordered nothing


def run_data(job: Job, scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """Build the `data` of `backtest run`: the report of the first queue model, then the scenarios side by side. On
    candles what lies within a bar is None."""
    first = scenarios[0]
    report, outcome = report_json(first.report), first.outcome
    wall_s = sum(one.outcome.wall_s for one in scenarios)
    events = sum(one.outcome.events for one in scenarios)
    return {
        "market": job.market,
        "strategy": job.kind,
        "settings": dict(job.overrides),
        **report,
        "events": outcome.events,
        "events_per_second": round(events / wall_s) if wall_s else None,
        "wall_s": round(wall_s, 4),
        "decisions": outcome.decisions,
        "requests": outcome.requests,
        "latency_ms": job.latency_ms,
        "fees": first.fees.data(),
        "scenarios": {one.queue: _one(one) for one in scenarios},
    }


def _one(run: Scenario) -> dict[str, Any]:
    outcome = run.outcome
    return {
        "fills": len(outcome.fills),
        "pnl": run.report.pnl.total,
        "attribution": pnl_json(run.report.pnl),
        "edge": edge_json(run.report.edge, run.report.pnl),
        "drawdown_usd": run.drawdown_usd,
        "position": outcome.position,
        "orders": len(outcome.orders),
        "round_trips": outcome.round_trips,
        "requests": outcome.requests,
        "stopped": outcome.stopped,
    }


def edge_text(run: Scenario) -> str:
    """Return the break-even fee of a run, what it stands on, and the profit gross of rebates, for people."""
    return edge_block(run.report)


def money_rows(runs: Sequence[Scenario]) -> list[tuple[str, ...]]:
    """Build rows with a text a run: the break-even fee, then the profit with parts that add up as printed, and
    gross."""
    split = list(zip(*(pnl_words(one.report.pnl) for one in runs), strict=True))
    return [
        (f"{CAPTION}, bps", *(bps_words(one.report.edge.headline) for one in runs)),
        ("P&L", *split[-1]),
        *((f"  {name}", *words) for name, words in zip(PNL_PARTS, split[:-1], strict=True)),
        ("P&L gross of rebates", *(gross_words(one.report.pnl)[0] for one in runs)),
        ("  rebates", *(gross_words(one.report.pnl)[1] for one in runs)),
    ]


def metrics_text(run: Scenario, width: int | None) -> str:
    """Return the figures of a run as `report` draws them, on a terminal of so many columns (None: none)."""
    return metrics_block(run.report.metrics, WIDTH if width is None else width)


def page_of(job: Job, scenarios: Sequence[Scenario]) -> str:
    """Draw the report's page for the first queue model."""
    from pfmm.report.html import Page, page

    run = scenarios[0]
    fills = [item.fill for item in run.outcome.fills]
    stride = max(1, -(-len(fills) // MARKS_SHOWN))
    heading = f"backtest of {job.kind} on {job.market}, {run.label}\n{run.fees.text}"
    every = None if stride == 1 else len(fills)
    return page(run.report, Page(heading, fills[::stride], _settings_used(job), every))


def _settings_used(job: Job) -> tuple[tuple[str, str, str], ...]:
    """Return the settings that the run went by, as (whose, name, value): the strategy's own and those of every run."""
    from pfmm.app.backtest_jobs import settings_of
    from pfmm.config.tables import every

    settings = settings_of(job)
    rooms = ("run.", "quote.", "volatility.", "funding.", f"{job.kind}.")
    names = sorted(name for name in every() if name.startswith(rooms))
    given = dict(job.overrides)
    return tuple(
        ("this run" if name in given else "profile", name, str(settings.value(name, job.market))) for name in names
    )


def warnings_of(scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    """Return what a reader must know beside the figures."""
    found = [NOT_KNOWN] if scenarios[0].bar_ms else []
    settlements, missing = max((one.settlements, one.without_rate) for one in scenarios)
    if missing:
        found.append(f"funding: {missing} of {settlements} settlements have no rate in the data and count as 0")
    found += dict.fromkeys(note for one in scenarios for note in one.notes)
    stopped = {one.outcome.stopped for one in scenarios if one.outcome.stopped is not None}
    found += [f"a run stopped early: {reason}" for reason in sorted(stopped)]
    refused = refusals_of(scenarios)
    found += [f"{count} order actions were refused: {reason}" for reason, count in refused]
    slots = dict(pair for one in scenarios for pair in one.outcome.slots_stopped)
    found += [f"slot {slot} {reason}" for slot, reason in sorted(slots.items())[:HELD_SHOWN]]
    if len(slots) > HELD_SHOWN:
        found.append(f"and {len(slots) - HELD_SHOWN} more slots stopped")
    idle = [one.outcome.held_back for one in scenarios if not one.outcome.orders]
    if idle:
        found.append(f"no order was placed: {'; '.join(idle[0][:HELD_SHOWN]) or 'the strategy wanted none'}")
    return tuple(found)


def refusals_of(scenarios: Sequence[Scenario]) -> list[tuple[str, int]]:
    """Count the refusals of the run that had most of each reason, by reason."""
    most: dict[str, int] = {}
    for one in scenarios:
        for reason, count in one.outcome.refused:
            most[reason] = max(most.get(reason, 0), count)
    return sorted(most.items())


@quick(frozen=True, slots=True)
class BacktestResult:
    """A job and its scenarios, one a queue model."""

    job: Job
    scenarios: tuple[Scenario, ...]
    warnings: tuple[str, ...] = ()


def run(
    job: Job, *, html: Path | None = None, watch: Watcher | None = None, walk: Walk | None = None
) -> BacktestResult:
    """Run one job, and write its page where one is wanted; `watch` is told how many bytes of data were read, `walk` how
    far the runs have come.

    Raises UsageError for settings that make no sense on this market, DataFileError for data that cannot be used,
    ConfigError for a page that cannot be written.
    """
    from pfmm.app.backtest_jobs import notes_of, run_job, world_of, write_file

    with no_collecting():  # what is imported for a run would alone set it off
        world = world_of(job, watch)
        scenarios = run_job(job, world, walk)
    if html is not None:
        write_file(html, page_of(job, scenarios))
    return BacktestResult(job, scenarios, (*warnings_of(scenarios), *notes_of(job, world)))

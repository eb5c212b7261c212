"""The page of a report: its fills and the settings of its runs, out of the journal. Layer: app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pfmm.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pfmm.app.position_closers import Closings
    from pfmm.journal.journal import Journal
    from pfmm.model.order import Fill
    from pfmm.model.run import Run
    from pfmm.report.data import ReportData
    from pfmm.report.inputs import Slice

FILLS_SHOWN = 2_000
RUNS_SHOWN = 20


def text_of(journal: Journal, asked: Slice, found: ReportData, closed: Closings, heading: str) -> str:
    """Draw the page as text: at most FILLS_SHOWN fills, evenly chosen where there are more."""
    from pfmm.report.html import Page, page

    fills = _fills(journal, asked, found.fills, closed)
    every = None if len(fills) >= found.fills else found.fills
    return page(found, Page(heading, fills, tuple(_settings(_runs(journal, asked))), every))


def _fills(journal: Journal, asked: Slice, count: int, closed: Closings) -> Sequence[Fill]:
    """Return the fills in the order of time, of which the first is always there."""
    kinds = {run.run_id: run.kind for run in journal.runs()}
    stride = max(1, -(-count // FILLS_SHOWN))
    counted = (
        fill
        for item in journal.fills(market=asked.market, since_ms=asked.start_ms)
        for owner, fill in closed.get(item.seq, ((item.run_id or "", item.fill),))
        if asked.strategy in (None, kinds.get(owner))
    )
    chosen = [fill for index, fill in enumerate(counted) if index % stride == 0]
    return sorted(chosen, key=lambda fill: fill.time_ms)


def _runs(journal: Journal, asked: Slice) -> list[Run]:
    """Return the newest runs of the period."""
    found = [
        run
        for run in journal.runs(kind=asked.strategy, market=asked.market)
        if run.started_ms <= asked.end_ms and (run.ended_ms is None or run.ended_ms >= asked.start_ms)
    ]
    return found[-RUNS_SHOWN:]


def _settings(runs: Sequence[Run]) -> Iterator[tuple[str, str, str]]:
    """Yield what each run was begun with, as (run, setting, value)."""
    for run in runs:
        for name, value in sorted(_flat(run.config).items()):
            yield f"{run.kind} {run.market} {run.run_id}", name, value


def _flat(config: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Return nested values by their path: {"a": {"b": 1}} is {"a.b": "1"}."""
    found: dict[str, str] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[before + name] = plain(value) if hasattr(value, "as_tuple") else str(value)
    return found

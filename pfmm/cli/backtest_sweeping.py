"""Carries out a sweep: plans it, gives the jobs to whoever runs them, shows how far it is, gathers the rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pfmm.cli import backtest_sweep as sweeps
from pfmm.cli.backtest_setup import Job
from pfmm.cli.output import Globals
from pfmm.errors import DataFileError, UsageError


def answer(
    options: Globals,
    base: Job,
    axes: Mapping[str, Sequence[str]],
    data: Sequence[str],
    *,
    folds: int,
    choose: int | None,
    seed: int,
    jobs: int,
    scheduler: str | None,
    results: Path | None,
) -> dict[str, Any]:
    """The `data` of a sweep, rows in the order of the plan whoever ran them. Raises UsageError for axes that make no
    sense, DataFileError when no slice can be used."""
    from pfmm.backtest import sweep as running

    if scheduler is not None and jobs > 1:
        raise UsageError("--jobs and --scheduler exclude each other: the cluster has its own workers")
    choices = running.combinations(axes) if choose is None else running.sample(axes, choose, seed)
    slices = sweeps.slices_of(base, data)
    failed = [{"data": one.name, "problem": one.problem} for one in slices if one.problem is not None]
    if len(failed) == len(slices):
        raise DataFileError(f"no data slice can be used: {failed[0]['problem']}")
    plans = sweeps.plan(base, choices, slices, folds)
    runner = running.here if jobs == 1 else running.processes(jobs)
    if scheduler is not None:
        runner = running.cluster(scheduler)
    found: dict[str, dict[str, Any]] = {}
    remembered = 0
    with _progress(options, len(plans)) as step:
        for done in running.sweep([one.job for one in plans], sweeps.run_one, runner, running.Results(results)):
            found[running.key_of(done.job)] = done.result
            remembered += done.remembered
            step()
    rows = [sweeps.row_of(one, found[running.key_of(one.job)]) for one in plans]
    return {
        "market": base.market,
        "strategy": base.kind,
        "axes": {name: list(values) for name, values in axes.items()},
        "rows": rows,
        "best": None if folds else sweeps.best_of(rows),
        "walk_forward": sweeps.walk_forward(rows, folds) if folds else None,
        "failed": failed,
        "computed": len(found) - remembered,
        "remembered": remembered,
    }


@contextmanager
def _progress(options: Globals, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal's stderr; silence elsewhere and with --quiet."""
    if options.quiet or options.json or sys.stderr is None or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("backtests", total=total)
        yield lambda: bar.advance(task)

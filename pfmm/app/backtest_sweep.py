"""Run many settings over many slices of data: jobs from axes, slices and folds; their rows and the best of them.

One job is the same value here, in a spawned process and on a Dask worker, and so is its row. Layer: app.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pfmm import __version__
from pfmm.app.backtest_jobs import Job, overrides_tuple, run_job, settings_of, world_of, write_file
from pfmm.config.tables import every
from pfmm.errors import ConfigError, DataFileError, PfmmError, RiskRefused, UnitsError, UsageError
from pfmm.model.encoding import ABSENT
from pfmm.model.text import cell, iso, plain

if TYPE_CHECKING:
    from pfmm.backtest.loading import World

SHOWN_REASONS = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """Files that make one recording, and why they cannot be used, if so; the span in ms where they can."""

    files: tuple[str, ...]
    problem: str | None
    span: tuple[int, int] = (0, 0)
    content: str = ""

    @property
    def name(self) -> str:
        """The files as they were given."""
        return ",".join(self.files)


@dataclass(frozen=True, slots=True)
class Plan:
    """Every job of a sweep with the settings that tell it from the others, its slice and its segment of time."""

    job: Job
    settings: Mapping[str, str]
    slice: Slice
    segment: int


def axes_of(given: Sequence[str]) -> dict[str, list[str]]:
    """Read `key=a,b,c` options as axes. Raises UsageError for a value that is given twice."""
    from pfmm.app.backtest_jobs import overrides_of

    axes = {}
    for name, text in overrides_of(given).items():
        values = [value.strip() for value in text.split(",")]
        if len(set(values)) < len(values) or "" in values:
            raise UsageError(f"--set {name} must be different values with commas between, not {text!r}")
        axes[name] = values
    return axes


def slices_of(base: Job, given: Sequence[str]) -> list[Slice]:
    """Read one slice an option; a slice that cannot be read carries its problem, and the rest go on. Raises UsageError
    for one that names no file, and for one that is given twice, which would count twice."""
    from pfmm.backtest.simulation import span_of

    found: list[Slice] = []
    for text in given:
        files = tuple(part for part in text.split(",") if part)
        if not files or files in (one.files for one in found):
            raise UsageError(f"--data {text!r} {'is given twice' if files else 'names no file'}")
        job = replace(base, files=files)
        try:
            content = _content(job)
            span = span_of(_world(job.files, job).columns, base.from_ms, base.to_ms)
            found.append(Slice(files, None, span, content))
        except PfmmError as error:
            found.append(Slice(files, error.message))
    return found


def plan(base: Job, choices: Sequence[Mapping[str, str]], slices: Sequence[Slice], folds: int) -> list[Plan]:
    """Plan the jobs: every choice on every usable slice, in `folds` + 1 segments of equal length where folds are asked
    for. Raises UsageError above 100,000 of them."""
    from pfmm.backtest.sweep import MOST_JOBS

    count = len(choices) * sum(one.problem is None for one in slices) * (folds + 1)
    if count > MOST_JOBS:
        raise UsageError(f"{count} runs are too many, at most {MOST_JOBS}", hint="fewer values, slices or folds")
    plans: list[Plan] = []
    for one in slices:
        if one.problem is not None:
            continue
        start, end = one.span
        edges = [start + (end - start) * part // (folds + 1) for part in range(folds + 2)]
        for segment in range(folds + 1):
            for settings in choices:
                overrides = {**dict(base.overrides), **settings}
                job = replace(base, files=one.files, overrides=overrides_tuple(overrides))
                if folds:
                    job = replace(job, from_ms=edges[segment], to_ms=edges[segment + 1] - (segment < folds))
                plans.append(Plan(replace(job, content=_fingerprint(job, one.content)), settings, one, segment))
    return plans


def _content(job: Job) -> str:
    from pfmm.paper.feeds.replay_tape import content_hash

    return content_hash([Path(name) for name in (*job.files, *([job.funding] if job.funding else []))])


def _fingerprint(job: Job, content: str) -> str:
    """Fingerprint what the job's name does not say: the files' content, the profile's own settings, and the version
    that computes, since another may come to other figures."""
    settings = settings_of(job)
    values = [(name, str(settings.value(name, job.market))) for name in every() if not name.startswith("secret.")]
    return hashlib.sha256(repr((__version__, content, values)).encode()).hexdigest()[:24]


@lru_cache(maxsize=2)
def _world(files: tuple[str, ...], job: Job) -> World:
    return world_of(replace(job, files=files))


@lru_cache(maxsize=2)
def _content_here(bare: Job) -> str:
    return _content(bare)


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One run of a sweep: its settings, slice of data and segment of time, with what came of it.

    `period` is None where the slice is whole. `fees`, `pessimistic` and `optimistic` are the figures as they are kept
    in result files, ABSENT where the run has none; `error` and `message` say why a run could not be (`ok` is False).
    """

    settings: Mapping[str, str]
    data: str
    segment: int
    period: Mapping[str, str] | None
    ok: bool
    fees: Any = ABSENT
    pessimistic: Mapping[str, Any] = ABSENT
    optimistic: Mapping[str, Any] = ABSENT
    error: str = ABSENT
    message: str = ABSENT

    @property
    def figures(self) -> Mapping[str, Any]:
        """The figures that settings are judged by: of the pessimistic run, where there is one."""
        return self.optimistic if self.pessimistic is ABSENT else self.pessimistic

    @property
    def profit(self) -> Decimal | None:
        """The P&L, USD, that settings are judged by; None of a run that could not be."""
        return Decimal(self.figures["pnl"]) if self.ok else None


@dataclass(frozen=True, slots=True)
class FailedSlice:
    """Files that cannot be used, and why."""

    data: str
    problem: str


@dataclass(frozen=True, slots=True)
class Fold:
    """The settings that were best in one segment, and what they earned there and in the next one, USD; None where the
    run over the next one could not be."""

    data: str
    fold: int
    settings: Mapping[str, str]
    in_sample_pnl: Decimal | None
    out_of_sample_pnl: Decimal | None
    out_of_sample: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class WalkForward:
    """Every fold, and what the choices earned out of sample in all, USD."""

    folds: tuple[Fold, ...]
    out_of_sample_pnl: Decimal


def run_one(job: Job) -> dict[str, Any]:
    """Run one job and return its result, JSON-ready; a job that cannot run answers its error instead of raising it."""
    bare = replace(job, overrides=(), from_ms=None, to_ms=None, content="")  # settings do not change the data
    try:
        if job.content and job.content != _fingerprint(job, _content_here(bare)):
            raise ConfigError("here, the data, the profile or pfmm's version is not what the sweep was planned with")
        scenarios = run_job(job, _world(job.files, bare))
    except PfmmError as error:
        return {"ok": False, "error": error.code, "message": error.message}
    from pfmm.app.backtest_results import run_data
    from pfmm.model.encoding import jsonable

    found: dict[str, Any] = {"ok": True, "fees": jsonable(scenarios[0].fees.data())}
    for queue, values in run_data(job, scenarios)["scenarios"].items():
        found[queue] = jsonable(values)
    return found


def row_of(one: Plan, result: Mapping[str, Any]) -> SweepRow:
    """Make a line of the sweep's answer of a job's result."""
    period = {"from": iso(one.job.from_ms), "to": iso(one.job.to_ms)} if one.job.from_ms and one.job.to_ms else None
    return SweepRow(dict(one.settings), one.slice.name, one.segment, period, **result)


def refused(rows: Sequence[SweepRow]) -> tuple[PfmmError | None, tuple[str, ...]]:
    """Return the error that the first run alone would have ended in where no run at all could be (else None), and a
    line for each kind of reason why runs could not, with how many: reasons that differ in figures alone are one."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if not row.ok:
            found.setdefault(re.sub(r"[\d.]+", "", row.message), []).append(row.message)
    reasons = list(found.values())
    told = tuple(
        f"{len(each)} of {len(rows)} runs cannot be{', such as' if len(set(each)) > 1 else ''}: {each[0]}"
        for each in reasons[:SHOWN_REASONS]
    )
    if len(reasons) > SHOWN_REASONS:
        told = (*told, f"and {len(reasons) - SHOWN_REASONS} more reasons: see the rows")
    if not rows or any(row.ok for row in rows):
        return None, told
    known: tuple[type[PfmmError], ...] = (UsageError, UnitsError, DataFileError, RiskRefused)
    kinds = {kind.code: kind for kind in known}
    return kinds.get(rows[0].error, ConfigError)(rows[0].message), told


def best_of(rows: Sequence[SweepRow]) -> SweepRow | None:
    """Return the row that earned most; of equal ones the first."""
    judged = [(profit, -number, row) for number, row in enumerate(rows) if (profit := row.profit) is not None]
    return max(judged, key=lambda one: one[:2])[2] if judged else None


def walk_forward(rows: Sequence[SweepRow], folds: int) -> WalkForward:
    """Take for each fold the settings that were best in one segment, and tell what they earned in the NEXT one."""
    found = []
    for name in dict.fromkeys(row.data for row in rows):
        mine = [row for row in rows if row.data == name]
        for fold in range(folds):
            best = best_of([row for row in mine if row.segment == fold])
            after = [row for row in mine if best and row.segment == fold + 1 and row.settings == best.settings]
            if best is not None and after:
                then = after[0]
                found.append(Fold(name, fold + 1, best.settings, best.profit, then.profit, then.period))
    total = sum((one.out_of_sample_pnl or Decimal(0) for one in found), Decimal(0))
    return WalkForward(tuple(found), total)


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """What to try: the job that all have, the axes, the slices of data, and who runs it.

    `choose` combinations are taken by chance with `seed` (None: all of them). `results` keeps each result.
    """

    base: Job
    axes: Mapping[str, Sequence[str]]
    data: tuple[str, ...]
    folds: int = 0
    choose: int | None = None
    seed: int = 1
    jobs: int = 1
    scheduler: str | None = None
    results: Path | None = None
    csv: Path | None = None


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The rows in the order of the plan and the best of them; `failed` are unusable slices."""

    market: str
    strategy: str
    axes: Mapping[str, Sequence[str]]
    rows: tuple[SweepRow, ...]
    best: SweepRow | None
    walk_forward: WalkForward | None
    failed: tuple[FailedSlice, ...]
    computed: int
    remembered: int
    warnings: tuple[str, ...] = ()


Progress = Callable[[int], AbstractContextManager[Callable[[], None]]]


def sweep(request: SweepRequest, *, progress: Progress) -> SweepResult:
    """Run every combination over every slice; `progress` is told how many there are and called after each.

    Raises UsageError for axes that make no sense, DataFileError when no slice can be used, and where no run at all
    could be the error of the first, with the result in it.
    """
    from pfmm.backtest import sweep as running
    from pfmm.backtest.columns import numpy

    if request.scheduler is not None and request.jobs > 1:
        raise UsageError("--jobs and --scheduler exclude each other: the cluster has its own workers")
    numpy()  # raises the error that names the extra, once for all slices
    base, axes = request.base, request.axes
    choices = (
        running.combinations(axes) if request.choose is None else running.sample(axes, request.choose, request.seed)
    )
    slices = slices_of(base, request.data)
    failed = tuple(FailedSlice(one.name, one.problem) for one in slices if one.problem is not None)
    if len(failed) == len(slices):
        raise DataFileError(f"no data slice can be used: {failed[0].problem}")
    plans = plan(base, choices, slices, request.folds)
    runner = running.here if request.jobs == 1 else running.processes(request.jobs)
    if request.scheduler is not None:
        runner = running.cluster(request.scheduler)
    found: dict[str, dict[str, Any]] = {}
    remembered = 0
    with progress(len(plans)) as step:
        for done in running.sweep([one.job for one in plans], run_one, runner, running.Results(request.results)):
            found[running.key_of(done.job)] = done.result
            remembered += done.remembered
            step()
    rows = tuple(row_of(one, found[running.key_of(one.job)]) for one in plans)
    refusal, refusals = refused(rows)
    result = SweepResult(
        market=base.market,
        strategy=base.kind,
        axes={name: list(values) for name, values in axes.items()},
        rows=rows,
        best=None if request.folds else best_of(rows),
        walk_forward=walk_forward(rows, request.folds) if request.folds else None,
        failed=failed,
        computed=len(found) - remembered,
        remembered=remembered,
        warnings=(*(f"{one.data}: {one.problem}" for one in failed), *refusals),
    )
    if request.csv is not None:
        write_file(request.csv, csv_text(result))
    if refusal is not None:
        raise refusal.with_result(result)
    return result


def csv_text(result: SweepResult) -> str:
    """Write the rows as CSV: settings, data, segment, then the figures of both queue models."""
    import csv
    import io

    figures = ("fills", "pnl", "drawdown_usd", "round_trips", "requests", "position")
    queues = ("pessimistic", "optimistic")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [*result.axes, "data", "segment", *(f"{queue}_{name}" for queue in queues for name in figures), "error"]
    )
    for row in result.rows:
        runs = [{} if run is ABSENT else run for run in (row.pessimistic, row.optimistic)]
        values = [run.get(name, "") for run in runs for name in figures]
        cells = [plain(value) if isinstance(value, Decimal) else value for value in values]
        settings = [row.settings.get(name, "") for name in result.axes]
        texts = [*settings, row.data, row.segment, *cells, "" if row.message is ABSENT else row.message]
        writer.writerow([cell(one) if isinstance(one, str) else one for one in texts])
    return out.getvalue()

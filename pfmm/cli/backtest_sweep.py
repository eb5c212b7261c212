"""`pfmm backtest sweep`: jobs from axes, slices and folds; their rows, the best of them, tables and heat map.

One job is the same value here, in a spawned process and on a Dask worker, and so is its row. Prints nothing itself.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pfmm import __version__
from pfmm.cli.backtest_setup import Job, overrides_tuple, run_job, settings_of, worlds_of
from pfmm.cli.output import iso, jsonable, plain, table
from pfmm.config.tables import every
from pfmm.errors import ConfigError, DataFileError, PfmmError, RiskRefused, UnitsError, UsageError

if TYPE_CHECKING:
    from pfmm.backtest.loading import World

SHADES = "░▒▓█"
SHOWN_ROWS = 20
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
    """`key=a,b,c` options as axes. Raises UsageError for a value that is given twice."""
    from pfmm.cli.backtest_setup import overrides_of

    axes = {}
    for name, text in overrides_of(given).items():
        values = [value.strip() for value in text.split(",")]
        if len(set(values)) < len(values) or "" in values:
            raise UsageError(f"--set {name} must be different values with commas between, not {text!r}")
        axes[name] = values
    return axes


def slices_of(base: Job, given: Sequence[str]) -> list[Slice]:
    """One slice an option; a slice that cannot be read carries its problem, and the rest go on. Raises UsageError for
    one that names no file, and for one that is given twice, which would count twice."""
    from pfmm.backtest.simulation import span_of

    found: list[Slice] = []
    for text in given:
        files = tuple(part for part in text.split(",") if part)
        if not files or files in (one.files for one in found):
            raise UsageError(f"--data {text!r} {'is given twice' if files else 'names no file'}")
        job = replace(base, files=files)
        try:
            content = _content(job)
            spans = [span_of(world.columns, base.from_ms, base.to_ms) for world in _worlds(job.files, job)]
            found.append(Slice(files, None, spans[0], content))
        except PfmmError as error:
            found.append(Slice(files, error.message))
    return found


def plan(base: Job, choices: Sequence[Mapping[str, str]], slices: Sequence[Slice], folds: int) -> list[Plan]:
    """The jobs: every choice on every usable slice, in `folds` + 1 segments of equal length where folds are asked
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
    """Tells apart what the job's name does not say: the files' content, the profile's own settings, and the version
    that computes, since another may come to other figures."""
    settings = settings_of(job)
    values = [(name, str(settings.value(name, job.market))) for name in every() if not name.startswith("secret.")]
    return hashlib.sha256(repr((__version__, content, values)).encode()).hexdigest()[:24]


@lru_cache(maxsize=2)
def _worlds(files: tuple[str, ...], job: Job) -> tuple[World, ...]:
    return worlds_of(replace(job, files=files))


@lru_cache(maxsize=2)
def _content_here(bare: Job) -> str:
    return _content(bare)


def run_one(job: Job) -> dict[str, Any]:
    """The row of one job, JSON-ready; a job that cannot run answers its error instead of raising it."""
    bare = replace(job, overrides=(), from_ms=None, to_ms=None, content="")  # settings do not change the data
    try:
        if job.content and job.content != _fingerprint(job, _content_here(bare)):
            raise ConfigError("here, the data, the profile or pfmm's version is not what the sweep was planned with")
        scenarios = run_job(job, _worlds(job.files, bare))
    except PfmmError as error:
        return {"ok": False, "error": error.code, "message": error.message}
    from pfmm.cli.render.backtest_tables import run_data

    found: dict[str, Any] = {"ok": True}
    for queue, values in run_data(job, scenarios)["scenarios"].items():
        found[queue] = jsonable({name: value for name, value in values.items() if name != "paths"})
    return found


def row_of(one: Plan, result: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the sweep's answer."""
    period = {"from": iso(one.job.from_ms), "to": iso(one.job.to_ms)} if one.job.from_ms and one.job.to_ms else None
    return {"settings": dict(one.settings), "data": one.slice.name, "segment": one.segment, "period": period, **result}


def refused(rows: Sequence[Mapping[str, Any]]) -> tuple[PfmmError | None, tuple[str, ...]]:
    """A line for each reason why runs could not be, with how many; and where no run at all could, the error that the
    first alone would have ended in."""
    reasons = Counter(row["message"] for row in rows if not row["ok"])
    listed = list(reasons.items())[:SHOWN_REASONS]
    told = tuple(f"{count} of {len(rows)} runs cannot be: {message}" for message, count in listed)
    if len(reasons) > SHOWN_REASONS:
        told = (*told, f"and {len(reasons) - SHOWN_REASONS} more reasons: see the rows")
    if not rows or any(row["ok"] for row in rows):
        return None, told
    known: tuple[type[PfmmError], ...] = (UsageError, UnitsError, DataFileError, RiskRefused)
    kinds = {kind.code: kind for kind in known}
    return kinds.get(rows[0]["error"], ConfigError)(rows[0]["message"]), told


def profit_of(row: Mapping[str, Any]) -> Decimal | None:
    """The P&L that settings are judged by: of the pessimistic run, where there is one."""
    if not row["ok"]:
        return None
    judged = row.get("pessimistic") or row["optimistic"]
    return Decimal(judged["pnl"])


def best_of(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The row that earned most; of equal ones the first."""
    judged = [(profit, -number, row) for number, row in enumerate(rows) if (profit := profit_of(row)) is not None]
    return max(judged, key=lambda one: one[:2])[2] if judged else None


def walk_forward(rows: Sequence[Mapping[str, Any]], folds: int) -> dict[str, Any]:
    """Each fold takes the settings that were best in one segment and tells what they earned in the NEXT one."""
    found = []
    for name in dict.fromkeys(row["data"] for row in rows):
        mine = [row for row in rows if row["data"] == name]
        for fold in range(folds):
            best = best_of([row for row in mine if row["segment"] == fold])
            after = [r for r in mine if best and r["segment"] == fold + 1 and r["settings"] == best["settings"]]
            if best is None or not after:
                continue
            found.append(
                {
                    "data": name,
                    "fold": fold + 1,
                    "settings": best["settings"],
                    "in_sample_pnl": profit_of(best),
                    "out_of_sample_pnl": profit_of(after[0]),
                    "out_of_sample": after[0]["period"],
                }
            )
    total = sum((one["out_of_sample_pnl"] or Decimal(0) for one in found), Decimal(0))
    return {"folds": found, "out_of_sample_pnl": total}


def text_of(data: Mapping[str, Any]) -> str:
    """The answer for a terminal: the best rows, the heat map of two axes, the folds, what failed."""
    rows = [row for row in data["rows"] if row["ok"]]
    ranked = sorted(rows, key=lambda row: profit_of(row) or Decimal(0), reverse=True)[:SHOWN_ROWS]
    many, folded = len({row["data"] for row in data["rows"]}) > 1, data["walk_forward"] is not None
    lines = [
        (
            *row["settings"].values(),
            *([row["data"]] if many else []),
            *([str(row["segment"])] if folded else []),
            *_figures(row),
        )
        for row in ranked
    ]
    more = [*(["data"] if many else []), *(["segment"] if folded else [])]
    names = [*data["axes"], *more, "fills", "P&L pessimistic", "P&L optimistic", "drawdown"]
    blocks = [f"{len(data['rows'])} runs, {data['computed']} computed now, {data['remembered']} known before"]
    if lines:
        blocks.append(table(names, lines, right=range(len(names) - 4, len(names))))
    varied = {name: values for name, values in data["axes"].items() if len(values) > 1}
    if len(varied) == 2 and rows:
        blocks.append(heat_map(varied, data["rows"]))
    if data["walk_forward"] is not None:
        blocks.append(_folds_text(data["walk_forward"]))
    blocks += [f"UNUSABLE {one['data']}: {one['problem']}" for one in data["failed"]]
    return "\n\n".join(blocks)


def _figures(row: Mapping[str, Any]) -> Iterator[str]:
    one = row.get("pessimistic") or row["optimistic"]
    yield str(one["fills"])
    for queue in ("pessimistic", "optimistic"):
        yield f"{Decimal(row[queue]['pnl']):+.4f}" if queue in row else ""
    yield f"{Decimal(one['drawdown_usd']):.4f}"


def heat_map(axes: Mapping[str, Sequence[str]], rows: Sequence[Mapping[str, Any]]) -> str:
    """P&L over two axes, summed over slices and segments, with a shade from worst to best beside each figure; where a
    run could not be, the sum of the others would compare with nothing."""
    (down, downs), (across, acrosses) = axes.items()
    found: dict[tuple[str, str], list[Decimal | None]] = {}
    for row in rows:
        found.setdefault((row["settings"][down], row["settings"][across]), []).append(profit_of(row))
    sums = {
        place: sum(known, Decimal(0)) for place, profits in found.items() if (known := _all_known(profits)) is not None
    }
    low, high = min(sums.values(), default=Decimal(0)), max(sums.values(), default=Decimal(0))

    def cell(place: tuple[str, str]) -> str:
        if place not in sums:
            return "-"
        share = (sums[place] - low) / (high - low) if high > low else Decimal(1)
        return f"{sums[place]:+.3f} {SHADES[int(share * (len(SHADES) - 1))] * 2}"

    lines = [(one, *(cell((one, other)) for other in acrosses)) for one in downs]
    title = f"P&L, {down} down, {across} across (shade: {SHADES[0]} low to {SHADES[-1]} high)"
    return title + "\n" + table(("", *acrosses), lines, right=range(1, len(acrosses) + 1))


def _all_known(profits: Sequence[Decimal | None]) -> list[Decimal] | None:
    known = [profit for profit in profits if profit is not None]
    return known if len(known) == len(profits) else None


def _folds_text(found: Mapping[str, Any]) -> str:
    lines = [
        (
            str(one["fold"]),
            ", ".join(f"{name}={value}" for name, value in one["settings"].items()),
            f"{one['in_sample_pnl']:+.4f}",
            f"{one['out_of_sample_pnl']:+.4f}" if one["out_of_sample_pnl"] is not None else "failed",
        )
        for one in found["folds"]
    ]
    head = table(("fold", "best settings before", "P&L in sample", "P&L out of sample"), lines, right=(2, 3))
    return f"{head}\nout of sample in all: {found['out_of_sample_pnl']:+.4f} USD"


def csv_text(data: Mapping[str, Any]) -> str:
    """The rows as CSV: settings, data, segment, then the figures of both queue models."""
    import csv
    import io

    figures = ("fills", "pnl", "drawdown_usd", "round_trips", "requests", "position")
    queues = ("pessimistic", "optimistic")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [*data["axes"], "data", "segment", *(f"{queue}_{name}" for queue in queues for name in figures), "error"]
    )
    for row in data["rows"]:
        values = [row.get(queue, {}).get(name, "") for queue in queues for name in figures]
        cells = [plain(value) if isinstance(value, Decimal) else value for value in values]
        settings = [row["settings"].get(name, "") for name in data["axes"]]
        writer.writerow([*settings, row["data"], row["segment"], *cells, row.get("message", "")])
    return out.getvalue()

"""`pfmm backtest`: run a strategy on recorded data, sweep its settings, describe data files. Layer: cli."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pfmm.app.backtest_jobs import DEFAULT_LATENCY_MS
from pfmm.app.strategies import names
from pfmm.cli.fee_options import MakerBps, Preset, TakerBps
from pfmm.cli.options import non_negative_integer, positive_decimal, positive_integer
from pfmm.cli.output import answer
from pfmm.cli.reading import progress_console, reading, running, shows_progress
from pfmm.cli.times import moment_ms, positive_seconds
from pfmm.cli.typer_seam import globals_of

if TYPE_CHECKING:
    from pfmm.app.backtest_files import Described
    from pfmm.app.backtest_jobs import Job
    from pfmm.app.backtest_results import BacktestResult
    from pfmm.cli.output import Globals

app = typer.Typer(help="Run a strategy on recorded data, or sweep its settings.")

Kind = Annotated[str, typer.Argument(metavar="STRATEGY", help=f"One of {', '.join(names())}.", show_default=False)]
Market = Annotated[str, typer.Argument(metavar="MARKET", help="The data's market, such as BTC.", show_default=False)]
Data = Annotated[
    list[Path],
    typer.Option(
        "--data", metavar="FILE", show_default=False,
        help="Recorded data: a file, a folder or a pattern; repeat it. Public archives as they are downloaded, raw "
        "captures, pfmm recordings, tables, 1-minute candles, packed or not: `pfmm help data`.",
    ),
]  # fmt: skip
From = Annotated[
    int | None, typer.Option("--from", parser=moment_ms, metavar="TIME", help="Start (UTC).", show_default=False)
]
To = Annotated[
    int | None, typer.Option("--to", parser=moment_ms, metavar="TIME", help="End (UTC).", show_default=False)
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting, such as grid.levels=20; repeat it.", show_default=False
    ),
]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="Take files for this format: `pfmm help data`.", show_default=False),
]
SkipBad = Annotated[
    int,
    typer.Option("--skip-bad", parser=non_negative_integer, metavar="N", help="Pass over up to N damaged rows."),
]
PriceStep = Annotated[
    Decimal | None,
    typer.Option(
        "--price-step", parser=positive_decimal, metavar="USD", show_default=False,
        help="The smallest change of a price; else what the data states or shows.",
    ),
]  # fmt: skip
SizeStep = Annotated[
    Decimal | None,
    typer.Option(
        "--size-step", parser=positive_decimal, metavar="COINS", show_default=False,
        help="The smallest change of a size, a power of ten; else what the data states or shows.",
    ),
]  # fmt: skip
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read the files anew, and keep nothing of them.")]
Funding = Annotated[
    Path | None,
    typer.Option("--funding", metavar="FILE", help="Settled rates: `pfmm help data`.", show_default=False),
]
Latency = Annotated[
    int, typer.Option("--latency-ms", parser=non_negative_integer, metavar="MS", help="Each way to the venue and back.")
]
Interval = Annotated[
    float | None,
    typer.Option(
        "--interval", parser=positive_seconds, metavar="S", help="Seconds between decisions (run.interval_s).",
        show_default=False,
    ),
]  # fmt: skip
Queue = Annotated[str, typer.Option("--queue", metavar="MODEL", help="pessimistic, optimistic or both.")]
Mode = Annotated[str, typer.Option("--mode", metavar="MODE", help="lazy, or events: the slow reference, same result.")]

Slices = Annotated[
    list[str],
    typer.Option(
        "--data", metavar="FILE[,FILE...]", show_default=False,
        help="A data slice to run on; repeat it. Files of one recording are joined by commas.",
    ),
]  # fmt: skip
Axes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=A,B,C", show_default=False, help="A setting and the values to try; repeat it."),
]
Choose = Annotated[
    int | None,
    typer.Option(
        "--random", parser=positive_integer, metavar="N", show_default=False, help="Try N combinations by chance."
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", parser=non_negative_integer, metavar="N", help="The same seed, the same choice.")
]
Folds = Annotated[
    int,
    typer.Option(
        "--folds", parser=non_negative_integer, metavar="K",
        help="Walk forward: choose in one part of the data, report the next part, K times.",
    ),
]  # fmt: skip
Jobs = Annotated[int, typer.Option("--jobs", parser=positive_integer, metavar="N", help="Local processes.")]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="URL", show_default=False, help="A Dask scheduler: tcp://HOST:PORT."),
]
ResultsFile = Annotated[
    Path | None,
    typer.Option(
        "--results", metavar="FILE", show_default=False, help="Keep each result here; a second sweep goes on."
    ),
]
CsvFile = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", show_default=False, help="Write the rows as CSV.")
]


@app.command()
def run(
    context: typer.Context,
    strategy: Kind,
    market: Market,
    data: Data,
    start: From = None,
    end: To = None,
    sets: Set = None,
    interval: Interval = None,
    latency_ms: Latency = DEFAULT_LATENCY_MS,
    funding: Funding = None,
    queue: Queue = "both",
    mode: Mode = "lazy",
    data_format: Format = None,
    skip_bad: SkipBad = 0,
    price_step: PriceStep = None,
    size_step: SizeStep = None,
    no_cache: NoCache = False,
    fees: Preset = None,
    maker_bps: MakerBps = None,
    taker_bps: TakerBps = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", show_default=False, help="Write one page with charts."),
    ] = None,
) -> None:
    """Run a strategy over recorded data: the same code that trades, with a stepped clock and two queue models."""
    from pfmm.app.backtest_jobs import overrides_of
    from pfmm.app.backtest_results import run as run_job
    from pfmm.cli.render.backtest import encode_run, render_run

    options = globals_of(context)
    _must_name_a_file("--html", html)
    values = overrides_of(sets or [])
    values |= _interval(interval, values)
    job = _job(options, strategy, market, data, values, (start, end), latency_ms, funding, queue, mode)
    job = _reading(job, data_format, skip_bad, price_step, size_step, no_cache=no_cache)
    job = _charging(job, fees, maker_bps, taker_bps)

    def result() -> BacktestResult:
        with running(options, data) as (watch, walk):
            return run_job(job, html=html, watch=watch, walk=walk)

    answer(options, result, render_run, encode_run)


@app.command()
def sweep(
    context: typer.Context,
    strategy: Kind,
    market: Market,
    data: Slices,
    sets: Axes = None,
    choose: Choose = None,
    seed: Seed = 1,
    folds: Folds = 0,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    results: ResultsFile = None,
    csv: CsvFile = None,
    start: From = None,
    end: To = None,
    interval: Interval = None,
    latency_ms: Latency = DEFAULT_LATENCY_MS,
    funding: Funding = None,
    queue: Queue = "both",
    data_format: Format = None,
    skip_bad: SkipBad = 0,
    price_step: PriceStep = None,
    size_step: SizeStep = None,
    no_cache: NoCache = False,
    fees: Preset = None,
    maker_bps: MakerBps = None,
    taker_bps: TakerBps = None,
) -> None:
    """Run many settings over many slices of data, on this machine or a Dask cluster, and compare them."""
    from pfmm.app.backtest_sweep import SweepRequest, axes_of
    from pfmm.app.backtest_sweep import sweep as run_sweep
    from pfmm.cli.render.backtest import render_sweep

    options = globals_of(context)
    _must_name_a_file("--csv", csv)
    axes = axes_of(sets or [])
    base = _job(
        options, strategy, market, [], _interval(interval, axes), (start, end), latency_ms, funding, queue, "lazy"
    )
    base = _reading(base, data_format, skip_bad, price_step, size_step, no_cache=no_cache)
    base = _charging(base, fees, maker_bps, taker_bps)
    request = SweepRequest(base, axes, tuple(data), folds, choose, seed, jobs, scheduler, results, csv)
    answer(options, lambda: run_sweep(request, progress=partial(_progress, options)), render_sweep)


@contextmanager
def _progress(options: Globals, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on a terminal's stderr and hand out what moves it on; silent elsewhere and with --quiet."""
    if not shows_progress(options):
        yield lambda: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    after, left = (TextColumn("after"), TimeElapsedColumn()), (TextColumn("left"), TimeRemainingColumn())
    columns = (TextColumn("backtests"), BarColumn(), MofNCompleteColumn(), *after, *left)
    with Progress(*columns, console=progress_console()) as bar:
        task = bar.add_task("backtests", total=total)
        yield lambda: bar.advance(task)


def _interval(interval: float | None, given: Mapping[str, object]) -> dict[str, str]:
    """Return the setting that --interval stands for. Raises UsageError where --set gives it too."""
    from pfmm.errors import UsageError

    if interval is None:
        return {}
    if "run.interval_s" in given:
        raise UsageError("--interval and --set run.interval_s are the same setting: give one of them")
    return {"run.interval_s": str(interval)}


def _must_name_a_file(option: str, path: Path | None) -> None:
    from pfmm.errors import UsageError

    if str(path) == "-":
        raise UsageError(f"{option} must name a file, not stdout, where the answer itself goes")


@app.command()
def data(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files, folders.", show_default=False)],
    data_format: Format = None,
    skip_bad: SkipBad = 0,
    check: Annotated[
        bool, typer.Option("--check", help="Compare the content with what the kept tape was built from.")
    ] = False,
    convert: Annotated[
        Path | None,
        typer.Option(
            "--convert", metavar="OUT", show_default=False,
            help="Write all files as one binary tape, which replay and backtest open at once.",
        ),
    ] = None,
    market: Annotated[
        str | None,
        typer.Option("--market", metavar="MARKET", show_default=False, help="The market of files that do not name it."),
    ] = None,
    no_cache: NoCache = False,
) -> None:  # fmt: skip
    """Describe data files: span, counts, gaps, crossed quotes, duplicates. Exit 13 names the line of what is bad."""
    from pfmm.app.backtest_files import FilesRequest, describe_files
    from pfmm.cli.render.backtest import render_files
    from pfmm.model.spelling import market_name

    options = globals_of(context)
    name = None if market is None else market_name(market)
    request = FilesRequest(tuple(files), name, data_format, skip_bad, check, convert, not no_cache, options.profile)

    def result() -> Described:
        with reading(options, files) as watch:
            return describe_files(request, watch=watch)

    answer(options, result, render_files)


def _job(
    options: Globals,
    strategy: str,
    market: str,
    data: list[Path],
    values: dict[str, str],
    period: tuple[int | None, int | None],
    latency_ms: int,
    funding: Path | None,
    queue: str,
    mode: str,
) -> Job:
    from pfmm.app.backtest_jobs import QUEUES, Job, overrides_tuple
    from pfmm.cli.lines import typed
    from pfmm.errors import UsageError
    from pfmm.model.spelling import market_name

    if market in names() and strategy not in names():
        line = typed(
            *options.command.split(), market, strategy, *(word for path in data for word in ("--data", str(path)))
        )
        raise UsageError("the strategy stands before the market", hint=f"did you mean `{line}`?")
    _one_of("STRATEGY", strategy, names())
    _one_of("--queue", queue, (*QUEUES, "both"))
    _one_of("--mode", mode, ("lazy", "events"))
    return Job(
        kind=strategy,
        market=market_name(market),
        files=tuple(str(path) for path in data),
        overrides=overrides_tuple(values),
        profile=options.profile,
        funding=None if funding is None else str(funding),
        from_ms=period[0],
        to_ms=period[1],
        latency_ms=latency_ms,
        queues=tuple(one for one in QUEUES if queue in ("both", one)),
        mode=mode,
    )


def _reading(
    job: Job,
    data_format: str | None,
    skip_bad: int,
    price_step: Decimal | None,
    size_step: Decimal | None,
    *,
    no_cache: bool,
) -> Job:
    """Return the job with how its files are to be read."""
    from dataclasses import replace

    return replace(
        job,
        format=data_format,
        skip_bad=skip_bad,
        cache=not no_cache,
        price_step=None if price_step is None else format(price_step, "f"),
        size_step=None if size_step is None else format(size_step, "f"),
    )


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    from pfmm.errors import UsageError
    from pfmm.model.setting import nearest

    if value not in choices:
        guess = nearest(value, choices)
        raise UsageError(
            f"{name} must be one of {', '.join(choices)}, not {value!r}",
            hint=f"did you mean {guess}?" if guess else None,
        )


def _charging(job: Job, preset: str | None, maker_bps: Decimal | None, taker_bps: Decimal | None) -> Job:
    """Return the job with what trading costs. Raises UsageError for fees that are none, before any data is read."""
    from dataclasses import replace

    from pfmm.model.fees import ARTICLE, PRESETS

    maker, taker = (None if one is None else format(one, "f") for one in (maker_bps, taker_bps))
    charged = replace(job, fees=preset, maker_bps=maker, taker_bps=taker)
    charged.charge.among(PRESETS[ARTICLE])
    return charged

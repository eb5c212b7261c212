"""What every backtest command composes: settings, strategy, worlds, and one run over them.

The runs of a sweep in other processes come through here too, so that a sweep's line and a single run of the same
settings are the same. Layer: app.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pfmm.config.resolve import checked_name, load_settings
from pfmm.errors import ConfigError, UsageError
from pfmm.model.collecting import no_collecting
from pfmm.model.fees import FeeChoice
from pfmm.model.quick import quick

if TYPE_CHECKING:
    from pfmm.backtest.loading import World
    from pfmm.backtest.results import Scenario
    from pfmm.backtest.simulation import Clockwork
    from pfmm.backtest.venue import SimulatedVenue
    from pfmm.config.values import Settings
    from pfmm.engine.engine import Engine
    from pfmm.paper.feeds.tape_cache import TapeCache
    from pfmm.paper.matching import QueueModel
    from pfmm.ports import Venue
    from pfmm.tape.sources import Watcher


# (which run, of how many, its first and its last moment) → what is told the venue time of each decision
Walk = Callable[[int, int, int, int], Callable[[int], None]]
QUEUES: tuple[QueueModel, ...] = ("pessimistic", "optimistic")
DEFAULT_LATENCY_MS = 50


@quick(frozen=True, slots=True)
class Job:
    """One backtest as a value that another process can run. Times in ms since 1970, `overrides` by setting name;
    `content` tells what the files and the profile held when a sweep was planned."""

    kind: str
    market: str
    files: tuple[str, ...]
    overrides: tuple[tuple[str, str], ...] = ()
    profile: str | None = None
    funding: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    latency_ms: int = DEFAULT_LATENCY_MS
    queues: tuple[QueueModel, ...] = QUEUES
    mode: str = "lazy"
    content: str = ""
    format: str | None = None
    skip_bad: int = 0
    price_step: str | None = None
    size_step: str | None = None
    cache: bool = True
    fees: str | None = None
    maker_bps: str | None = None
    taker_bps: str | None = None

    @property
    def charge(self) -> FeeChoice:
        """What the options say about fees."""
        maker, taker = (None if one is None else Decimal(one) for one in (self.maker_bps, self.taker_bps))
        return FeeChoice(self.fees, maker, taker)


def overrides_of(given: Sequence[str]) -> dict[str, str]:
    """Read `key=value` options, by setting name. Raises UsageError for another form or a name given twice, ConfigError
    for a name that is no setting."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise UsageError(f"--set must be key=value, not {text!r}")
        try:
            checked_name(name)
        except ConfigError as error:
            raise UsageError(error.message, hint=error.hint) from error
        if name in found:
            raise UsageError(f"--set {name} is given twice")
        found[name] = value
    return found


def settings_of(job: Job) -> Settings:
    """Load the profile's settings under the job's own."""
    return load_settings(os.environ, profile=job.profile, overrides=dict(job.overrides))


def cache_of(profile: str | None, *, keep: bool) -> TapeCache:
    """Return the cache of tapes; with `keep` off a place that forgets them."""
    from pfmm.paper.feeds.tape_cache import TapeCache

    if not keep:
        return TapeCache(Path(os.environ.get("TMPDIR") or "/tmp"), keep=False)  # noqa: S108 # nameless, 0600
    return TapeCache(load_settings(os.environ, profile=profile).paths.cache_dir / "tapes")


def world_of(job: Job, watch: Watcher | None = None) -> World:
    """Load the data that the job runs on; `watch` is told how many bytes of its files were read."""
    from pfmm.backtest.columns import numpy
    from pfmm.backtest.loading import load
    from pfmm.tape.options import ReadOptions

    # NumPy only counts whole numbers here: starting threads for linear algebra would be a third of its import
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    numpy()  # raises the error that names the extra, before a file is read
    cache = cache_of(job.profile, keep=job.cache)
    funding = None if job.funding is None else Path(job.funding)
    options = ReadOptions(job.market, job.format, job.skip_bad, job.price_step, job.size_step)
    return load([Path(name) for name in job.files], job.market, cache, funding, options, watch, job.charge)


def notes_of(job: Job, world: World) -> tuple[str, ...]:
    """Return what is to be known of the data and the period beside the figures."""
    from pfmm.backtest.bars import raised
    from pfmm.backtest.simulation import outside

    slower = raised(_interval_ms(job, settings_of(job)), world.columns.tape.bar_ms)
    return (*world.notes, *outside(world.columns, job.from_ms, job.to_ms), *slower)


def run_job(job: Job, world: World, walk: Walk | None = None) -> tuple[Scenario, ...]:
    """Run every scenario of the job: one with each queue model, and on candles, where there is no queue, one. `walk` is
    told how far all of them together have come.

    Raises UsageError for settings that make no sense on this market, DataFileError for a period without data, and what
    `start` would refuse with.
    """
    from pfmm.backtest.bars import whole_bars
    from pfmm.backtest.simulation import Clockwork, span_of

    settings, columns = settings_of(job), world.columns
    bar_ms = columns.tape.bar_ms
    start_ms, end_ms = span_of(columns, job.from_ms, job.to_ms)
    clockwork = Clockwork(start_ms, end_ms, whole_bars(_interval_ms(job, settings), bar_ms), job.latency_ms)
    found: list[Scenario] = []
    queues = QUEUES[:1] if bar_ms else job.queues
    for number, queue in enumerate(queues):
        watch = None if walk is None else walk(number, len(queues), start_ms, end_ms)
        found.append(_scenario(job, world, settings, clockwork, queue, watch))
    return tuple(found)


def _scenario(
    job: Job,
    world: World,
    settings: Settings,
    clockwork: Clockwork,
    queue: QueueModel,
    watch: Callable[[int], None] | None,
) -> Scenario:
    """Run once with one queue model, begun and tended as a loop is. Raises what `start` would refuse with."""
    from pfmm.app.runs import Runs
    from pfmm.backtest.columns import TapeFeed
    from pfmm.backtest.results import scenario
    from pfmm.backtest.simulation import simulate
    from pfmm.backtest.venue import SimulatedVenue
    from pfmm.strategy.base import kind_of

    kind, columns, start_ms = kind_of(job.kind), world.columns, clockwork.start_ms
    feed = TapeFeed(columns, lazy=True)
    opening = SimulatedVenue(feed, columns.tape.spec, start_ms=start_ms, end_ms=start_ms)
    runs = Runs(kind)
    spec, notes = runs.spec(_Place(opening, settings), opening.instrument(), None)

    def tend(venue: SimulatedVenue, engine: Engine, now_ms: int) -> None:
        runs.tend(_Place(venue, settings), engine, now_ms)

    # candles have no prints: there a fit would find nothing, each time again
    fits = kind.needs(settings.for_run(kind, job.market).values).fit and not columns.tape.bar_ms
    with no_collecting():  # until the report is made of what the run has kept
        outcome = simulate(
            columns, spec, clockwork, queue=queue, mode="events" if job.mode == "events" else "lazy",
            tend=tend if fits else None, watch=watch,
        )  # fmt: skip
        found = scenario(columns, outcome, clockwork, job.kind)
    return replace(found, notes=notes, fees=world.fees)


class _Place(NamedTuple):
    """What `Runs` asks for, of a simulated venue."""

    venue: Venue
    settings: Settings


def _interval_ms(job: Job, settings: Settings) -> int:
    """Return the time between two decisions in ms, as the settings say it."""
    return max(round(settings.for_market(job.market).run.interval_s * 1000), 1)


def overrides_tuple(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return settings in the order of their names, as a Job carries them."""
    return tuple(sorted(values.items()))


def write_file(path: Path, text: str) -> None:
    """Write a file that was asked for. Raises ConfigError where that cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error

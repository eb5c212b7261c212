"""Many backtests: which ones, where their results are kept, and who runs them. The same results whoever does.

A job is a value and its result a JSON object that depends on the job alone (no times, no paths of the machine), kept
as one line under the job's key: a sweep that was interrupted goes on where it stopped, and a killed worker costs only
the job it had. Must not know how a job is run: that comes in as a function. Layer: backtest.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import multiprocessing
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from logging import CRITICAL, getLogger
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from pfmm.errors import ConfigError, UsageError, VenueUnreachable

JobT = TypeVar("JobT")
Result = dict[str, Any]
Run = Callable[[JobT], Result]

MOST_JOBS = 100_000
TRIES = 3
WORKERS_S = 30
GOES_ON = "run it again: what is done is kept in --results"
BEGINS = b'{"key":'  # a line of a results file, whole or cut


def combinations(axes: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Return every combination of the axes' values, the last axis fastest: a=1,2 and b=x,y are 1x, 1y, 2x, 2y.

    Raises UsageError above 100,000 of them.
    """
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > MOST_JOBS:
        raise UsageError(f"{count} combinations are too many, at most {MOST_JOBS}", hint="use --random N")
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def sample(axes: Mapping[str, Sequence[str]], count: int, seed: int) -> list[dict[str, str]]:
    """Draw `count` different combinations of the axes' values (or all there are), the same for the same seed.

    Raises UsageError above 100,000 of them.
    """
    generator = random.Random(seed)  # noqa: S311 - a reproducible choice, no secret
    possible = 1
    for values in axes.values():
        possible *= len(values)
    if min(count, possible) > MOST_JOBS:
        raise UsageError(f"{min(count, possible)} combinations are too many, at most {MOST_JOBS}")
    found: dict[tuple[str, ...], None] = {}
    while len(found) < min(count, possible):
        found[tuple(generator.choice(values) for values in axes.values())] = None
    return [dict(zip(axes, values, strict=True)) for values in found]


def key_of(job: object) -> str:
    """Name the job by a hash of everything in it."""
    assert is_dataclass(job)
    assert not isinstance(job, type)
    text = json.dumps(asdict(job), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Done(Generic[JobT]):
    """A job with its result, and whether it was found in the results file."""

    job: JobT
    result: Result
    remembered: bool


class Results:
    """A results file: one JSON line a job, appended as each is done. A line that was cut is dropped. Several sweeps may
    share one file: each holds its lock while it reads or writes, so that only a dead one's line can be cut."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, Result] = {}
        if path is None or not path.exists():
            return
        if not path.is_file():  # to open a pipe would wait for whoever reads it
            raise ConfigError(f"{path}: is no regular file", hint="name another file for --results")
        try:
            with _locked(path, "rb") as stream:
                self._read(path, stream.read().splitlines(keepends=True))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error

    def _read(self, path: Path, lines: Sequence[bytes]) -> None:
        whole = [line for line in lines if line.endswith(b"\n")]
        for number, line in enumerate(whole, 1):
            try:
                record = json.loads(line)
                self._known[record["key"]] = record["result"]
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigError(
                    f"{path}, line {number}: this is no results file of a sweep", hint="name another file for --results"
                ) from error
        if len(whole) < len(lines):
            self._drop_cut(path, whole, lines[-1])

    @staticmethod
    def _drop_cut(path: Path, whole: Sequence[bytes], cut: bytes) -> None:
        """Take out a line that was cut while it was written; anything else is somebody's own and stays."""
        if not (cut.startswith(BEGINS) or BEGINS.startswith(cut)):
            raise ConfigError(
                f"{path}, line {len(whole) + 1}: this is no results file of a sweep",
                hint="name another file for --results",
            )
        try:
            os.truncate(path, sum(map(len, whole)))  # written anew, a kill or a full disk in between would lose all
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error

    def get(self, job: object) -> Result | None:
        """Return the result of a job done before; None for one that failed."""
        known = self._known.get(key_of(job))
        return None if known is None or known.get("ok") is False else known

    def keep(self, job: object, result: Result) -> None:
        """Remember a result."""
        if self._path is None:
            return
        line = json.dumps({"key": key_of(job), "result": result}, sort_keys=True, separators=(",", ":"))
        try:
            with _locked(self._path, "a+b") as stream:
                _begin_line(stream)
                stream.write(line.encode() + b"\n")
                stream.flush()
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be written: {error.strerror}") from error


@contextmanager
def _locked(path: Path, mode: str) -> Iterator[IO[bytes]]:
    """Open the file and keep other sweeps from reading or writing it meanwhile."""
    from pfmm.store.flock import lock

    with path.open(mode) as stream:
        lock(stream.fileno())
        yield stream


def _begin_line(stream: IO[bytes]) -> None:
    """Take out what another sweep wrote of a line before it was killed: ours would be joined to it."""
    end = stream.seek(0, os.SEEK_END)
    if end == 0:
        return
    stream.seek(end - 1)
    if stream.read(1) != b"\n":
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)


Runner = Callable[[Sequence[JobT], Run[JobT]], Iterator[tuple[JobT, Result]]]


def sweep(jobs: Sequence[JobT], run: Run[JobT], runner: Runner[JobT], results: Results) -> Iterator[Done[JobT]]:
    """Yield results as they come: those known first, then what `runner` makes of the rest."""
    waiting = []
    for job in jobs:
        known = results.get(job)
        if known is None:
            waiting.append(job)
        else:
            yield Done(job, known, remembered=True)
    for job, result in runner(waiting, run) if waiting else ():
        if result.get("ok") is not False:  # what failed may have lacked a file, and is tried again
            results.keep(job, result)
        yield Done(job, result, remembered=False)


def here(jobs: Sequence[JobT], run: Run[JobT]) -> Iterator[tuple[JobT, Result]]:
    """Run one job after the other in this process."""
    for job in jobs:
        yield job, run(job)


def processes(count: int) -> Runner[Any]:
    """Make a runner over `count` spawned processes. When one is killed the jobs without a result are run again."""

    def runner(jobs: Sequence[Any], run: Run[Any]) -> Iterator[tuple[Any, Result]]:
        left = {key_of(job): job for job in jobs}
        for attempt in range(1, TRIES + 1):
            try:
                for job, result in _in_pool(list(left.values()), run, count):
                    del left[key_of(job)]
                    yield job, result
                return
            except BrokenProcessPool as error:
                if attempt == TRIES:
                    raise ConfigError(
                        f"worker processes died {TRIES} times; {len(left)} jobs are left",
                        hint=f"{GOES_ON}; fewer --jobs need less memory",
                    ) from error

    return runner


def _in_pool(jobs: Sequence[Any], run: Run[Any], count: int) -> Iterator[tuple[Any, Result]]:
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        running: dict[Future[Result], Any] = {pool.submit(run, job): job for job in jobs}
        try:
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    job = running.pop(future)
                    yield job, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def cluster(address: str) -> Runner[Any]:
    """Make a runner over the workers of a Dask scheduler. The cluster runs a lost worker's job again by itself.

    Raises ConfigError without the extra, without workers, and for a job that its workers do not survive;
    VenueUnreachable when nobody answers at `address`, or no more.
    """

    def runner(jobs: Sequence[Any], run: Run[Any]) -> Iterator[tuple[Any, Result]]:
        try:
            from distributed import Client, KilledWorker, as_completed
        except ImportError as error:
            raise ConfigError("--scheduler needs Dask", hint="pip install 'pfmm[cluster]'") from error
        try:
            client = Client(address, timeout=10)
        except (OSError, ValueError) as error:
            raise VenueUnreachable(f"no Dask scheduler answers at {address}: {error}") from error
        getLogger("distributed.client").setLevel(CRITICAL)  # it logs with a traceback what it raises here as well
        with client:
            left = {client.submit(run, job, key=f"pfmm-{key_of(job)}", retries=TRIES): job for job in jobs}
            try:
                while left:
                    try:
                        for future in as_completed(list(left), timeout=WORKERS_S):
                            yield left.pop(future), future.result()
                    except TimeoutError:  # nothing is wrong with a long run; some clusters have no workers until asked
                        client.wait_for_workers(1, timeout=WORKERS_S)
            except TimeoutError as error:
                raise ConfigError(
                    f"the Dask scheduler at {address} has no workers; {len(left)} runs are left",
                    hint=f"start some with `dask worker {address}`; {GOES_ON}",
                ) from error
            except KilledWorker as error:
                raise ConfigError(f"a run did not let its workers live: {error}", hint=GOES_ON) from error
            except (CancelledError, OSError) as error:
                raise VenueUnreachable(f"the Dask scheduler at {address} was lost: {error}", hint=GOES_ON) from error

    return runner

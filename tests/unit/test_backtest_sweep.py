"""Who runs a sweep's jobs, and what is kept of them."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from pfmm.backtest.sweep import Results, combinations, key_of, processes, sample, sweep
from pfmm.cli import backtest_setup, backtest_sweep
from pfmm.errors import ConfigError, UsageError


@dataclass(frozen=True)
class Job:
    number: int
    folder: str


def dies_once(job: Job) -> dict[str, int]:
    """The square; job 3 kills its worker the first time, as a kernel short of memory would."""
    mark = Path(job.folder) / "died"
    if job.number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"square": job.number**2}


def always_dies(job: Job) -> dict[str, int]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    jobs = [Job(number, str(tmp_path)) for number in range(6)]
    done = list(sweep(jobs, dies_once, processes(2), Results(tmp_path / "results.ndjson")))
    assert sorted((one.job.number, one.result["square"]) for one in done) == [(n, n * n) for n in range(6)]
    assert (tmp_path / "died").exists()
    again = list(sweep(jobs, always_dies, processes(2), Results(tmp_path / "results.ndjson")))
    assert all(one.remembered for one in again)


def test_workers_that_always_die_end_the_sweep_with_the_way_on(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="died 3 times; 1 jobs are left"):
        list(sweep([Job(1, "")], always_dies, processes(1), Results(None)))


def test_combinations_and_samples() -> None:
    axes = {"a": ["1", "2"], "b": ["x", "y"]}
    assert combinations(axes) == [{"a": a, "b": b} for a in "12" for b in "xy"]
    chosen = sample(axes, 3, seed=5)
    assert len({tuple(one.items()) for one in chosen}) == 3
    assert chosen == sample(axes, 3, seed=5)
    assert len(sample(axes, 99, seed=5)) == 4
    with pytest.raises(UsageError, match="too many"):
        combinations({str(n): ["1"] * 10 for n in range(6)})


def test_a_key_is_everything_in_a_job() -> None:
    assert key_of(Job(1, "a")) == key_of(Job(1, "a"))
    assert len({key_of(Job(1, "a")), key_of(Job(2, "a")), key_of(Job(1, "b"))}) == 3


def test_a_file_that_is_no_results_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("milk, eggs\n")
    with pytest.raises(ConfigError, match="line 1: this is no results file"):
        Results(path)
    assert path.read_text() == "milk, eggs\n"


def test_a_line_without_its_end_is_dropped_only_where_a_sweep_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text('{"my": "notes"}')
    with pytest.raises(ConfigError, match="line 1: this is no results file"):
        Results(path)
    assert path.read_text() == '{"my": "notes"}'
    whole = '{"key":"a","result":{"ok":true}}\n'
    for cut in ('{"k', '{"key":"b","resu'):
        path.write_text(whole + cut)
        Results(path)
        assert path.read_text() == whole


def test_a_result_of_another_version_is_not_taken_for_this_ones(
    pfmm_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = backtest_setup.Job("grid", "X-PERP", ("a.csv",))
    data = backtest_sweep.Slice(base.files, None, (0, 1), "content")
    keys = set()
    for version in ("1.0", "1.1"):
        monkeypatch.setattr(backtest_sweep, "__version__", version)
        (one,) = backtest_sweep.plan(base, [{}], [data], 0)
        keys.add(key_of(one.job))
    assert len(keys) == 2
